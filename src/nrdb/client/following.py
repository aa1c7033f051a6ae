"""Following an inbox: by stream where one can be had, by asking where not, and for ever.

A position only moves behind an item that has been handed over whole. What breaks is begun again from there.
"""

import json
import logging
from asyncio import sleep
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Literal

import httpx
from httpx_sse import EventSource, ServerSentEvent

from nrdb.client.errors import PositionGoneError, ProtocolError, UnavailableError, error_of
from nrdb.client.items import Item
from nrdb.client.requests import Requests, passes, problem_of, read_object
from nrdb.client.waiting import Backoff, asked_for

#: Seconds without a byte after which a stream is taken for dead: the service writes a comment every 14.
SILENCE = 25.0
#: Seconds that a poll waits for an item.
WAIT = 20
#: Seconds after which a way that worked for so long counts as one that works.
LASTED = 30.0
#: Seconds after which a stream is tried again where there was none.
TRY_STREAM_AGAIN = 300.0
_PAGE = 500

log = logging.getLogger("nrdb.client")


@dataclass(frozen=True, slots=True)
class State:
    """How a follower gets its items: by `stream`, by `poll`, or not for now (`away`), and why."""

    by: Literal["stream", "poll", "away"]
    reason: str = ""


OnState = Callable[[State], None]
OnReset = Callable[[PositionGoneError], None]


class _NoStreamError(Exception):
    """A stream cannot be had here and now; asking can."""


class _LaterError(Exception):
    """Neither can be had now. `asked` are the seconds that the service wants to be left alone."""

    def __init__(self, reason: str, asked: float = 0.0) -> None:
        super().__init__(reason)
        self.asked = asked


class _CallbackError(Exception):
    """What `on_state` or `on_reset` raised. It is the caller's, and never taken for trouble with the service."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Following:
    """One way through an inbox, from a position on."""

    def __init__(
        self,
        requests: Requests,
        params: dict[str, Any],
        after: int | None,
        on_state: OnState | None = None,
        on_reset: OnReset | None = None,
    ) -> None:
        # None: where the code has acknowledged, which the service knows when it is there.
        self._begin = after
        self.position = after or 0
        self._requests = requests
        self._params = params
        self._on_state = on_state
        self._on_reset = on_reset
        self._state: State | None = None
        self._backoff = Backoff()
        self._no_stream_until = 0.0
        self._why_no_stream = ""

    async def items(self) -> AsyncGenerator[Item]:
        """Every item once, in order. Ends by an error only."""
        while True:
            began = monotonic()
            try:
                if self._begin is None:
                    self._begin = self.position = await self._acknowledged()
                by_stream = monotonic() >= self._no_stream_until
                async with aclosing(self._stream() if by_stream else self._poll()) as found:
                    async for item in found:
                        yield item
            except _CallbackError as error:
                raise error.error from None
            except _NoStreamError as error:
                self._no_stream_until = monotonic() + TRY_STREAM_AGAIN
                self._why_no_stream = str(error)
                log.info("following by asking, as no stream is to be had: %s", error)
            except (_LaterError, httpx.RequestError, UnavailableError) as error:
                if monotonic() - began > LASTED:
                    self._backoff.succeeded()
                delay = self._backoff.delay(getattr(error, "asked", 0.0))
                self._is(State("away", str(error) or type(error).__name__))
                await sleep(delay)

    def _is(self, state: State) -> None:
        """Tell of a change: nobody is to believe that it follows when it does not."""
        if self._state is None or state.by != self._state.by:
            log.log(logging.WARNING if state.by == "away" else logging.INFO, "following: %s %s", state.by, state.reason)
            if self._on_state is not None:
                _call(self._on_state, state)
        self._state = state

    async def _acknowledged(self) -> int:
        params = {name: value for name, value in self._params.items() if name == "code"}
        status = read_object(
            await self._requests.ask("GET", "/v1/inbox/status", params=params, patience=0), "acknowledged"
        )
        return int(status["acknowledged"])

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[httpx.Response]:
        """The answer to the request for a stream, whatever it is."""
        # Whoever compresses on the way keeps events back until there is enough to compress.
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity", "Cache-Control": "no-store"}
        params = {**self._params, "after": self.position}
        timeout = httpx.Timeout(10, read=SILENCE)
        try:
            response = await self._requests.open(
                "GET", "/v1/inbox/stream", params=params, headers=headers, timeout=timeout
            )
        except httpx.ReadTimeout:
            raise _NoStreamError("something in between keeps the stream back") from None
        try:
            yield response
        finally:
            await response.aclose()

    async def _stream(self) -> AsyncGenerator[Item]:
        """Items of one connection, until it breaks."""
        async with self._connected() as response:
            await _check_stream(response)
            self._is(State("stream"))
            try:
                async with aclosing(EventSource(response).aiter_sse()) as events:
                    async for event in events:
                        item = self._take(event)
                        if item is not None:
                            self._backoff.succeeded()
                            yield item
            except httpx.ReadTimeout:
                if not response.num_bytes_downloaded:
                    raise _NoStreamError("something in between keeps the stream back") from None
                raise
        # The service ends a stream when it stops, or when the key is no longer good; the next request tells which.
        raise _LaterError("the stream has ended")

    def _take(self, event: ServerSentEvent) -> Item | None:
        """The item of an event. Raises for an event that cannot be read: to go on would be to skip it."""
        if not event.data:
            return None
        try:
            found = json.loads(event.data)
            item: Item | PositionGoneError
            if event.event == "stream-reset":
                item = PositionGoneError(int(found["requested"]), int(found["oldest"]))
            else:
                item = Item.from_json(found)
        except (KeyError, TypeError, ValueError) as error:
            raise _NoStreamError(f"an event that is no item ({type(error).__name__})") from error
        if isinstance(item, PositionGoneError):
            self._reset(item)
            return None
        if item.seq <= self.position:
            return None
        self.position = item.seq
        return item

    def _reset(self, gone: PositionGoneError) -> None:
        # Nothing is missing before a position that is kept: to obey would be to go back, and round and round.
        if self._on_reset is None or gone.oldest <= self.position + 1:
            raise gone
        _call(self._on_reset, gone)
        self.position = gone.oldest - 1

    async def _poll(self) -> AsyncGenerator[Item]:
        """Items by asking for them, until a stream is to be tried again."""
        while monotonic() < self._no_stream_until:
            params = {**self._params, "after": self.position, "limit": _PAGE, "wait": WAIT}
            try:
                response = await self._requests.ask("GET", "/v1/inbox", params=params, patience=0, read=WAIT + 10)
            except PositionGoneError as gone:
                self._reset(gone)
                continue
            page = read_object(response, "items", "next")
            self._is(State("poll", self._why_no_stream))
            self._backoff.succeeded()
            try:
                items = [Item.from_json(item) for item in page["items"]]
                following = int(page["next"])
            except (KeyError, TypeError, ValueError) as error:
                # Neither way gives an item that can be read, and to skip it would be to lose it.
                raise ProtocolError("no-item", f"after {self.position} stands something that is no item") from error
            for item in items:
                if item.seq > self.position:
                    self.position = item.seq
                    yield item
            self.position = max(self.position, following)


def _call(callback: Callable[[Any], None], told: State | PositionGoneError) -> None:
    try:
        callback(told)
    except Exception as error:
        raise _CallbackError(error) from error


async def _check_stream(response: httpx.Response) -> None:
    """Raises where this is no stream: for now, here, or for this key at all."""
    if response.status_code == 200 and "text/event-stream" in response.headers.get("content-type", ""):
        return
    if response.status_code == 200:
        raise _NoStreamError("what answers is no stream")
    problem = problem_of(await response.aread(), response.status_code)
    if problem["code"] == "too-many-streams" or response.status_code in (404, 405, 406, 501):
        raise _NoStreamError(str(problem["detail"]))
    if passes(response.status_code):
        raise _LaterError(f"status {response.status_code}", asked_for(response.headers))
    raise error_of(response.status_code, problem)
