"""Each request: an id that is echoed, a line in the log without its address, a count."""

import re
from collections.abc import Mapping
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nrdb.api.guard import CALLER
from nrdb.api.languages import language_of
from nrdb.api.metrics import request_counter
from nrdb.api.problems import problem_of, problem_response

log = structlog.get_logger()
#: Seconds from which a request is worth a line in the log.
SLOW = 1.0
#: Where a request takes as long as its sender wants.
_LONG = frozenset({"/v1/inbox", "/v1/inbox/stream", "/v1/messages/batch"})
#: How a number begins in an address.
_NUMBERS = frozenset("+0123456789")
_USABLE = re.compile(rb"[\x21-\x7e]{1,100}")


class IndirectError(Exception):
    """A direct application leaves the request, of which it has read no body and answered nothing, to the framework."""


class RequestLog:
    """Middleware. Addresses may hold telephone numbers, so the log and the metrics name routes, never addresses.

    `direct` are applications that need none of the framework, by method and route, whose last part may be `{number}`:
    every message and every call of the country comes through one, and FastAPI's way to an endpoint costs as much as the
    decision. What they do not know how to answer they leave to the framework (`IndirectError`).
    """

    def __init__(self, app: ASGIApp, direct: Mapping[tuple[str, str], ASGIApp]) -> None:
        self._app = app
        self._direct = direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, and note how it ended."""
        # What the console asks for its pages is a part of its own request.
        if scope["type"] != "http" or CALLER in scope:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        began = perf_counter()
        status: int | None = None

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        name, direct = self._way(scope)
        try:
            if direct:
                try:
                    await direct(scope, receive, note_status)
                except IndirectError:
                    direct = None
            if not direct:
                await self._app(scope, receive, note_status)
        except ClientDisconnect:
            log.debug("the sender went away before its message had come", request_id=request_id)
        except Exception as error:  # noqa: BLE001 (the last resort: whatever it is, the sender gets an answer)
            answer = problem_response(problem_of(error, request_id), request_id, language_of(scope))
            if status is not None:
                raise ConnectionAbortedError("the answer had begun") from None
            await answer(scope, receive, note_status)
        finally:
            route = name if direct else getattr(scope.get("route"), "path", "unknown")
            _note(scope["method"], route, status, perf_counter() - began, request_id)

    def _way(self, scope: Scope) -> tuple[str, ASGIApp | None]:
        """The name of the route, and the application for it, where there is a direct one."""
        folder, _, last = scope["path"].rpartition("/")
        name = f"{folder}/{{number}}" if last[:1] in _NUMBERS else scope["path"]
        return name, self._direct.get((scope["method"], name))


def _note(method: str, route: str, status: int | None, seconds: float, request_id: str) -> None:
    """Count the request. Only what went wrong or took long is worth a line: the log of messages is in the database."""
    request_counter(method, route, str(status)).inc()
    if status is None or status >= 400 or (seconds > SLOW and route not in _LONG):
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            request_id=request_id,
        )


def _request_id(scope: Scope) -> str:
    """The sender's own id where it can stand in a log line, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _USABLE.fullmatch(value):
            return str(value.decode())
    return str(uuid4())
