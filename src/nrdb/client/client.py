"""The client itself."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID, uuid4

import httpx

from nrdb.client.cursors import AcknowledgedCursor, Cursor
from nrdb.client.errors import NrdbError
from nrdb.client.following import Following, OnReset, OnState
from nrdb.client.items import Item
from nrdb.client.messages import Message
from nrdb.client.requests import Requests, read_object

#: Seconds to wait for a connection, and for an answer.
_TIMEOUT = httpx.Timeout(30, connect=10)
#: Seconds without an item after which what has been handled is acknowledged, and that this may take at the end.
_LULL = 0.2
_FAREWELL = 5.0


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to a message that is committed. `replayed` when it had been accepted before."""

    message_id: str
    type: str
    accepted_at: str
    case: Mapping[str, Any]
    warnings: tuple[Mapping[str, Any], ...]
    replayed: bool

    @property
    def case_id(self) -> str:
        """The case that it opened or moved."""
        return str(self.case["case_id"])


class Client:
    """One provider code at one clearinghouse. To be used in an `async with` block, or closed with `aclose`.

    `code` may be left out when the key has only one. `patience` is for how many seconds in a row `send` and the
    questions are tried when nobody answers; `follow` has no end to its own. Connections given as `http` are closed
    with it. Raises `ValueError` for an address or a key that is none.
    """

    def __init__(
        self,
        url: str,
        key: str,
        code: str | None = None,
        *,
        patience: float = 600.0,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        address = httpx.URL(url.rstrip("/"))
        if address.scheme not in ("http", "https") or not address.host:
            raise ValueError("the address of the service is like https://nrdb.example")
        # The end of a line is no part of a key that came from a file. What can stand in no header is told here, without
        # the key: the library would repeat it in an error, and the error would stand in logs.
        key = key.strip()
        if not key or not all("!" <= letter <= "~" for letter in key):
            raise ValueError("the key is one word of letters, digits and signs")
        self.code = code
        self._http = http or httpx.AsyncClient(timeout=_TIMEOUT)
        self._requests = Requests(self._http, str(address), key, patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # --- messages ---

    async def send(self, message: Message | Mapping[str, Any]) -> Accepted:
        """Post a message until it is answered; committed when this returns.

        Without a `message_id` it gets one, and keeps it through every try, so that it happens once. Raises
        `RefusedError` with the code and the facts, `InvalidMessageError`, `NotPermittedError` or, when the patience is
        over, `UnavailableError`: then the message may have been accepted, and is to be sent again with the same id.
        """
        body: dict[str, Any] = {"message_id": str(uuid4())}
        if self.code is not None:
            body["sender"] = self.code
        body |= message
        answer = await self._requests.ask("POST", "/v1/messages", body=body)
        found = read_object(answer, "message_id", "type", "accepted_at", "case")
        return Accepted(
            found["message_id"],
            found["type"],
            found["accepted_at"],
            found["case"],
            tuple(found.get("warnings", ())),
            answer.status_code == 200,
        )

    async def check(self, message: Message | Mapping[str, Any]) -> dict[str, Any]:
        """What `send` would be answered now, as `{status, answer}`; nothing changes."""
        body = {"message_id": str(uuid4()), **({"sender": self.code} if self.code else {}), **message}
        return read_object(await self._requests.ask("POST", "/v1/messages/check", body=body))

    async def message(self, message_id: str | UUID) -> dict[str, Any]:
        """A message that the code has sent or received, again."""
        return await self.get(f"/v1/messages/{message_id}", code=self.code)

    # --- the inbox ---

    async def follow(
        self,
        handler: Callable[[Item], Awaitable[object]],
        cursor: Cursor | None = None,
        *,
        on_state: OnState | None = None,
        on_reset: OnReset | None = None,
    ) -> None:
        """Give every item to the handler, in order, until cancelled or until something is wrong that stays wrong.

        The cursor (default: the acknowledged position on the server) moves when the handler has returned, never
        before: an item whose handler raised comes again next time, and the error comes out of here. After a crash
        between the handler and the cursor an item comes twice: handlers go by `seq` or `message_id`.

        A service that is away is waited for without end; `on_state` is told of it. Raises `NotPermittedError`, and
        `PositionGoneError` where items are no longer kept, unless `on_reset` is there to be told of it.
        """
        cursor = cursor or AcknowledgedCursor(self)
        after = await cursor.load()
        try:
            async with aclosing(self.items(after, on_state=on_state, on_reset=on_reset)) as items:
                while True:
                    item = await _next(items, cursor)
                    await handler(item)
                    await cursor.save(item.seq)
        finally:
            if isinstance(cursor, AcknowledgedCursor):
                # What could not be acknowledged in time comes again.
                with suppress(TimeoutError, NrdbError):
                    async with asyncio.timeout(_FAREWELL):
                        await cursor.flush()

    async def items(
        self,
        after: int | None = None,
        *,
        type: str | None = None,  # noqa: A002 (the name of the parameter in the contract)
        on_state: OnState | None = None,
        on_reset: OnReset | None = None,
    ) -> AsyncGenerator[Item]:
        """The items after a position, or after the acknowledged one, as they come; ends by an error only."""
        params = {name: value for name, value in (("code", self.code), ("type", type)) if value is not None}
        following = Following(self._requests, params, after, on_state, on_reset)
        async with aclosing(following.items()) as items:
            async for item in items:
                yield item

    async def acknowledge(self, seq: int, *, patience: float | None = None) -> dict[str, Any]:
        """Confirm receipt through a place; the inbox's status."""
        params = {"code": self.code}
        return read_object(
            await self._requests.ask("POST", "/v1/inbox/ack", body={"through": seq}, params=params, patience=patience)
        )

    async def status(self) -> dict[str, Any]:
        """Where the code stands in its inbox."""
        return await self.get("/v1/inbox/status", code=self.code)

    # --- questions ---

    async def case(self, case_id: str | UUID) -> dict[str, Any]:
        """One case."""
        return await self.get(f"/v1/cases/{case_id}")

    async def cases(self, **filters: Any) -> AsyncIterator[dict[str, Any]]:
        """The cases that fit, newest first: `number`, `state`, `kind`, `code`, `role`, `from_`, `to`."""
        params = {name.removesuffix("_"): value for name, value in filters.items()}
        after = None
        while True:
            answer = await self._requests.ask("GET", "/v1/cases", params={**params, "after": after})
            page = read_object(answer, "items", "next")
            for case in page["items"]:
                yield case
            after = page["next"]
            if after is None:
                return

    async def remind(self, case_id: str | UUID) -> list[str]:
        """Remind those whom a case waits for; their codes. Once an hour a case."""
        path = f"/v1/cases/{case_id}/remind"
        answer = read_object(await self._requests.ask("POST", path, params={"code": self.code}), "reminded")
        return list(answer["reminded"])

    async def get(self, path: str, /, **params: Any) -> dict[str, Any]:
        """Any other question: the JSON object that a path answers."""
        return read_object(await self._requests.ask("GET", path, params=params))

    async def ask(
        self, method: str, path: str, /, *, body: Any = None, read: float | None = None, **params: Any
    ) -> httpx.Response:
        """Any other request, tried until it has an answer: the whole answer, a success.

        `read` are the seconds to wait for the answer where it may take long.
        """
        return await self._requests.ask(method, path, body=body, params=params, read=read)

    @asynccontextmanager
    async def stream(self, path: str, /, *, headers: Mapping[str, str], read: float) -> AsyncIterator[httpx.Response]:
        """An answer that is read piece by piece: asked for with the client's patience, and then read once.

        Raises what is none, and `httpx.RequestError`.
        """
        response = await self._requests.ask("GET", path, headers=headers, read=read, whole=False)
        try:
            yield response
        finally:
            await response.aclose()


async def _next(items: AsyncGenerator[Item], cursor: Cursor) -> Item:
    """The next item; while none comes, what has been handled is acknowledged."""
    coming = asyncio.ensure_future(anext(items))
    try:
        if isinstance(cursor, AcknowledgedCursor):
            done, _ = await asyncio.wait({coming}, timeout=_LULL)
            if not done:
                await cursor.flush()
        return await coming
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
