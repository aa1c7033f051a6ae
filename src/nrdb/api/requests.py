"""Each request: an id that is echoed, a line in the log without its address, a count."""

import re
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nrdb.api.metrics import REQUESTS
from nrdb.api.problems import internal_problem

log = structlog.get_logger()
#: Seconds from which a request is worth a line in the log.
SLOW = 1.0
_USABLE = re.compile(rb"[\x21-\x7e]{1,100}")


class RequestLog:
    """Middleware. Addresses may hold telephone numbers, so the log and the metrics name routes, never addresses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, and note how it ended."""
        if scope["type"] != "http":
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

        try:
            await self._app(scope, receive, note_status)
        except ClientDisconnect:
            log.debug("the sender went away before its message had come", request_id=request_id)
        except Exception as error:  # noqa: BLE001 (the last resort: whatever it is, the sender gets an answer)
            answer = internal_problem(error, request_id)
            if status is not None:
                raise ConnectionAbortedError("the answer had begun") from None
            await answer(scope, receive, note_status)
        finally:
            _note(scope, status, perf_counter() - began, request_id)


def _note(scope: Scope, status: int | None, seconds: float, request_id: str) -> None:
    """Count the request. Only what went wrong or took long is worth a line: the log of messages is in the database."""
    route = getattr(scope.get("route") or scope.get("endpoint"), "path", "unknown")
    REQUESTS.labels(scope["method"], route, status).inc()
    if status is None or status >= 400 or seconds > SLOW:
        log.info(
            "request",
            method=scope["method"],
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
