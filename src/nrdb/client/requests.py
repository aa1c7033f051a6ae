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

from nrdb.client.errors import UNKNOWN, NrdbError, ProtocolError, UnavailableError, error_of
from nrdb.client.waiting import Backoff, asked_for

_DONE = frozenset({200, 201, 202, 204})

log = logging.getLogger("nrdb.client")


class Requests:
    """Requests with a key to one address. `patience` is for how many seconds in a row one is tried.

    Address and key are each request's own, so that connections lent by others carry no key to anywhere else.
    """

    def __init__(self, http: httpx.AsyncClient, url: str, key: str, patience: float) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._authorization = f"Bearer {key}"
        self._patience = patience

    async def open(self, method: str, path: str, *, headers: Mapping[str, str], **more: Any) -> httpx.Response:
        """One request; its answer is still to be read, and to be closed."""
        headers = {**headers, "Authorization": self._authorization}
        request = self._http.build_request(method, self._url + path, headers=headers, **more)
        return await self._http.send(request, stream=True, follow_redirects=False)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        patience: float | None = None,
        read: float | None = None,
        headers: Mapping[str, str] | None = None,
        whole: bool = True,
    ) -> httpx.Response:
        """The answer, which is a success. Raises what `error_of` makes of others, or `UnavailableError`.

        `read` are the seconds to wait for the answer where it may take long. Where it is not to be `whole`, the caller
        reads and closes it.
        """
        backoff = Backoff()
        began = monotonic()
        patience = self._patience if patience is None else patience
        while True:
            asked, why = 0.0, ""
            try:
                response = await self._once(method, path, body, params, read, headers or {}, whole=whole)
            except httpx.RequestError as error:
                why = f"{type(error).__name__}: {error}".removesuffix(": ")
            else:
                if response.status_code in _DONE:
                    return response
                if not passes(response.status_code):
                    raise error_of(response.status_code, problem_of(response.content, response.status_code))
                asked, why = asked_for(response.headers), f"status {response.status_code}"
            delay = backoff.delay(asked)
            waited = monotonic() - began
            if waited + delay > patience:
                raise UnavailableError(f"no answer ({why}) in {waited:.0f} s", asked)
            log.info("%s %s is tried again in %.1f s: %s", method, path, delay, why)
            await asyncio.sleep(delay)

    async def _once(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        read: float | None,
        headers: Mapping[str, str],
        *,
        whole: bool,
    ) -> httpx.Response:
        content = None if body is None else json.dumps(body, default=_plain, ensure_ascii=False).encode()
        headers = dict(headers) if content is None else {**headers, "Content-Type": "application/json"}
        given = {name: _plain_parameter(value) for name, value in (params or {}).items() if value is not None}
        timeout = httpx.USE_CLIENT_DEFAULT if read is None else httpx.Timeout(10, read=read)
        response = await self.open(method, path, content=content, headers=headers, params=given, timeout=timeout)
        if response.status_code in _DONE and not whole:
            return response
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response


def passes(status: int) -> bool:
    """Whether waiting helps: whatever is wrong on the other side, and what stands in between, may get well again."""
    return status in (408, 425, 429) or status >= 500


def problem_of(content: bytes, status: int) -> Mapping[str, Any]:
    """The problem document of an answer, or as much as can be said without one."""
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or not all(isinstance(problem.get(name), str) for name in ("code", "detail")):
        return {"code": UNKNOWN, "detail": f"status {status}, and nothing that an nrdb would say"}
    return problem


def read_object(response: httpx.Response, *needed: str) -> dict[str, Any]:
    """The JSON object of a success, with the fields without which it is none."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found.keys() >= set(needed):
        detail = f"{response.url.path} was answered with something else"
        raise ProtocolError("no-json", detail, status=response.status_code)
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
