"""The API, asked from within the process as the person who is signed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

import orjson
from starlette.types import ASGIApp, Message, Scope

from nrdb.api.guard import CALLER
from nrdb.api.languages import write_json
from nrdb.api.problems import problem_document, problem_of
from nrdb.providers.keys import Caller
from nrdb.texts import Language

#: What an address of the API is asked with; None is left out.
Parameters = Mapping[str, str | int | bool | None]


class ApiError(Exception):
    """The API answers with a problem; `document` is its problem document, in the reader's language."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(f"{status} {document.get('code')}")
        self.status = status
        self.document = document

    @property
    def code(self) -> str:
        """Our name for what is wrong."""
        return str(self.document.get("code", ""))

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong with each field, by its JSON Pointer without the first slash."""
        return {error["pointer"].removeprefix("/"): error["detail"] for error in self.document.get("errors") or ()}


@dataclass(frozen=True, slots=True)
class Api:
    """Asks the application what `caller` may ask, in `language`, as a part of the request with that id.

    Raises `ApiError` for every answer but a 2xx.
    """

    app: ASGIApp
    caller: Caller
    language: Language
    request_id: str

    async def get(self, path: str, **parameters: str | int | bool | None) -> Any:
        """What an address below `/v1` answers. A parameter that is a word of Python's ends with an underscore."""
        return await self._ask("GET", path, {name.removesuffix("_"): value for name, value in parameters.items()})

    async def all(self, path: str, **parameters: str | int | bool | None) -> list[Any]:
        """All items of a list, for lists that stay short: providers, series, keys."""
        items: list[Any] = []
        after: str | None = None
        while True:
            page = await self.get(path, **parameters, limit=1000, after=after)
            items += page["items"]
            after = page["next"]
            if after is None:
                return items

    async def send(self, method: str, path: str, content: Any = None, parameters: Parameters | None = None) -> Any:
        """Change something; `content` is sent as JSON. The answer, or None where there is none."""
        return await self._ask(method, path, parameters or {}, content)

    async def _ask(self, method: str, path: str, parameters: Parameters, content: Any = None) -> Any:
        given = {name: _written(value) for name, value in parameters.items() if value is not None}
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(f"/v1{path}"),
            "query_string": urlencode(given).encode(),
            "root_path": "",
            "headers": [
                (b"host", b"console"),
                (b"accept-language", self.language.encode()),
                (b"content-type", b"application/json"),
            ],
            "client": None,
            "server": None,
            "state": {"request_id": self.request_id},
            CALLER: self.caller,
        }
        answer = _Answer(b"" if content is None else orjson.dumps(content))
        try:
            await self.app(scope, answer.receive, answer.send)
        except Exception as error:
            # As at the edge of the API: what an error is to whoever asks, `problem_of` decides.
            problem = problem_of(error, self.request_id)
            said = orjson.loads(write_json(problem_document(problem, self.request_id), self.language))
            raise ApiError(problem.status, said) from error
        document = orjson.loads(answer.body) if answer.body else None
        if not 200 <= answer.status < 300:
            raise ApiError(answer.status, document or {})
        return document


class _Answer:
    """One request and its answer within the process: a client of HTTP takes as long as the API itself for them."""

    def __init__(self, asked: bytes) -> None:
        self._asked = asked
        self.status = 0
        self.body = b""

    async def receive(self) -> Message:
        """The whole body at once."""
        return {"type": "http.request", "body": self._asked, "more_body": False}

    async def send(self, message: Message) -> None:
        """Part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")


def _written(value: str | int | bool) -> str | int:
    return str(value).lower() if isinstance(value, bool) else value
