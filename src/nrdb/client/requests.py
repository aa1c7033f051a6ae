"""One request, tried again until it has an answer or the patience is over."""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

import httpx

from nrdb.client.errors import NrdbError, ProtocolError, UnavailableError, error_of
from nrdb.client.waiting import Backoff, asked_for

#: Statuses that pass by waiting.
PASSING = frozenset({429, 500, 502, 503, 504})
_DONE = frozenset({200, 201, 202, 204})

log = logging.getLogger("nrdb.client")


class Requests:
    """Requests with a key. `patience` is for how many seconds in a row one is tried."""

    def __init__(self, http: httpx.AsyncClient, patience: float) -> None:
        self.http = http
        self._patience = patience

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        patience: float | None = None,
        read: float | None = None,
    ) -> httpx.Response:
        """The answer, which is a success. Raises what `error_of` makes of others, or `UnavailableError`.

        `read` are the seconds to wait for the answer where it may take long.
        """
        backoff = Backoff()
        began = monotonic()
        patience = self._patience if patience is None else patience
        while True:
            asked, why = 0.0, ""
            try:
                response = await self._once(method, path, body, params, read)
            except httpx.RequestError as error:
                why = type(error).__name__
            else:
                if response.status_code in _DONE:
                    return response
                if response.status_code not in PASSING:
                    raise error_of(response.status_code, _problem(response))
                asked, why = asked_for(response.headers), f"status {response.status_code}"
            delay = backoff.delay(asked)
            waited = monotonic() - began
            if waited + delay > patience:
                raise UnavailableError(f"no answer ({why}) in {waited:.0f} s", asked)
            log.info("%s %s is tried again in %.1f s: %s", method, path, delay, why)
            await asyncio.sleep(delay)

    async def _once(
        self, method: str, path: str, body: Any, params: Mapping[str, Any] | None, read: float | None
    ) -> httpx.Response:
        content = None if body is None else json.dumps(body, default=_plain, ensure_ascii=False).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        given = {name: _plain_parameter(value) for name, value in (params or {}).items() if value is not None}
        timeout = httpx.USE_CLIENT_DEFAULT if read is None else httpx.Timeout(10, read=read)
        return await self.http.request(method, path, content=content, headers=headers, params=given, timeout=timeout)


def problem_of(content: bytes, status: int) -> Mapping[str, Any]:
    """The problem document of an answer, or as much as can be said without one."""
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "code" not in problem:
        return {"code": "unknown", "detail": f"status {status}, and nothing that an nrdb would say"}
    return problem


def _problem(response: httpx.Response) -> Mapping[str, Any]:
    return problem_of(response.content, response.status_code)


def read_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of a success."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProtocolError("no-json", f"{response.url.path} was answered with something else", status=200)
    return found


def _plain(value: Any) -> str:
    """Times and ids as the wire has them. A time without an offset is an error here, not a guess."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise NrdbError("naive-time", f"{value.isoformat()} has no offset")
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def _plain_parameter(value: Any) -> str | int | float:
    return value if isinstance(value, str | int | float) else _plain(value)
