"""Server-sent events: the inbox of a code on an open connection (contract section 4)."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nrdb.api.answers import problems
from nrdb.api.context import Services
from nrdb.clock import monotonic
from nrdb.db import UNAVAILABLE, acquire
from nrdb.delivery.inbox import Item
from nrdb.delivery.tail import Follower
from nrdb.errors import Code, Problem
from nrdb.providers.keys import Caller, is_live

#: A comment after so many seconds without anything else (contract: at least every 15).
HEARTBEAT = 14.0
#: Seconds after which the key is looked at again before anything is sent.
CONFIRMED = 5.0
#: A comment and no blank line: there are clients that take every blank line for the end of an event.
_COMMENT = b":\n"
#: Items read at a time.
_ITEMS = 200

EVENTS: dict[str, Any] = {
    "description": "Events, one an item; never ends by itself",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
#: Items after the position are no longer kept.
GONE = problems(410)

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # Proxies that keep an answer back until it is large keep it back for ever.
    (b"x-accel-buffering", b"no"),
]


class EventStream(Response):
    """The answer to whoever follows an inbox. It holds no connection to the database while nothing happens."""

    media_type = "text/event-stream"

    def __init__(self, parts: Services, caller: Caller, code: str, after: int, types: Collection[str] | None) -> None:
        super().__init__()
        self._parts = parts
        self._caller = caller
        self._code = code
        self._follower = Follower(parts.reader, parts.tail, code, after, personal=not caller.sees_all, types=types)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves, the key is no longer good, or the service is to end."""
        with self._parts.streams.one(self._caller, self._code):
            await self._run(receive, send)

    async def _run(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        await while_there(receive, self._write(send))

    async def _write(self, send: Send) -> None:
        await _send(send, b": connected\n")
        with self._parts.tail.following(self._code):
            confirmed = monotonic()
            while not self._parts.tail.ended:
                try:
                    sent = await self._next()
                except UNAVAILABLE:
                    # The stream outlives the database: what was not sent is sent when it is back.
                    sent = _COMMENT
                    await asyncio.sleep(1)
                if monotonic() - confirmed >= CONFIRMED:
                    if not await self._is_live():
                        break
                    confirmed = monotonic()
                await _send(send, sent)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> bytes:
        """What comes next, or a comment when nothing does."""
        try:
            page = await self._follower.next(_ITEMS, HEARTBEAT)
        except Problem as problem:
            if problem.code is not Code.POSITION_GONE or problem.facts is None:
                raise
            self._follower.position = problem.facts["after"]
            return _reset(problem.facts)
        return b"".join(map(_event, page.items)) or _COMMENT

    async def _is_live(self) -> bool:
        """Whether the key still opens the inbox."""
        try:
            async with acquire(self._parts.readers) as connection:
                return await is_live(connection, self._caller.key_id)
        except UNAVAILABLE:
            return True


def _event(item: Item) -> bytes:
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (item.seq, item.type.encode(), item.content)


def _reset(facts: Any) -> bytes:
    data = orjson.dumps({"requested": facts["requested"], "oldest": facts["oldest"]})
    return b"id: %d\nevent: stream-reset\ndata: %b\n\n" % (facts["after"], data)


async def _send(send: Send, body: bytes) -> None:
    """Waits while the client does not read; the system ends its connection then (see `listening`)."""
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def while_there(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, but no longer than the client is there: what is sent to one that has left goes nowhere, silently."""
    leaving = asyncio.create_task(_leaves(receive))
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({leaving, working}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.wait({leaving, working})
    if not working.cancelled():
        working.result()


async def _leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
