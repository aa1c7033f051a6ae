"""The snapshot as an answer: streamed from the database to the client, a piece at a time, compressed where wanted."""

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nrdb.api.answers import problems
from nrdb.api.batch import NDJSON
from nrdb.api.stream import while_there
from nrdb.clock import format_time, monotonic
from nrdb.db import Connection, Pool, acquire
from nrdb.errors import Code, Problem
from nrdb.routing.export import Edition, copy_snapshot
from nrdb.texts import any_of, say

CSV = "text/csv"
#: Bytes sent at once: fewer would cost more, more would be held for every reader.
_PIECE = 256 * 1024
#: Seconds that a reader has to spare. It loses them while it is waited for, and gets one back for so many bytes; with
#: none left it has to begin again, and holds nobody's place. In an hour no table of a country comes at a slower pace.
_TO_SPARE = 60.0
_PACE = 16 * 1024
#: A little slower than the network of a data centre, a tenth of the size.
_LEVEL = 1
#: Seconds after which a copy that found no place may try again: others take some to be made.
_RETRY_AFTER = "10"
_QUALITY = re.compile(r"[0-9]{1,3}(\.[0-9]{0,9})?|\.[0-9]{1,9}", re.ASCII)

SNAPSHOT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A row a line",
        "content": {
            NDJSON: {"schema": {"$ref": "#/components/schemas/RoutingRowView"}},
            CSV: {"schema": {"type": "string"}},
        },
        "headers": {
            "Routing-Seq": {"schema": {"type": "integer"}, "description": "the last change that is in it"},
            "Routing-At": {"schema": {"type": "string", "format": "date-time"}, "description": "its instant"},
            "Routing-Source": {"schema": {"type": "string", "format": "uuid"}, "description": "whose table it is"},
            "Routing-Root": {"schema": {"type": "string"}, "description": "the root of its hash tree, see the docs"},
            "ETag": {"schema": {"type": "string"}, "description": "`W/` and `Routing-Seq`"},
        },
    },
    304: {
        "description": "Nothing has become known since the snapshot of that ETag, if `Routing-Source` is the same. "
        "Rows whose time has passed since are not in the table any more"
    },
    **problems(406),
}


def _wanted(header: str, *names: str) -> tuple[float, int]:
    """How much a client wants what has these names, the most exact first, and how exactly it says so; 0 for not at all.

    The most exact name that it uses decides (RFC 9110, 12.5.1): who refuses gzip gets none, whatever `*` may mean.
    """
    said: dict[str, float] = {}
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        said[name] = float(quality) if _QUALITY.fullmatch(quality) else 0.0
    return next(((said[name], -place) for place, name in enumerate(names) if name in said), (0.0, 0))


def wanted_form(headers: Headers) -> tuple[bool, bool]:
    """Whether as CSV, and whether compressed. NDJSON is what those get who do not say. Raises 406 for other forms."""
    accept = ",".join(headers.getlist("accept"))
    # What names no form at all says nothing.
    accept = accept if "/" in accept else "*/*"
    csv, lines = _wanted(accept, CSV, "text/*", "*/*"), _wanted(accept, NDJSON, "application/*", "*/*")
    if not (csv[0] or lines[0]):
        detail = say(
            "The table comes as {forms}: name one of them in 'Accept', or leave that header out.",
            forms=any_of((NDJSON, CSV)),
        )
        raise Problem(Code.NOT_ACCEPTABLE, detail)
    return csv > lines, _wanted(",".join(headers.getlist("accept-encoding")), "gzip", "*")[0] > 0


def edition_headers(edition: Edition, root: str) -> dict[str, str]:
    """Which table it is. A 304 tells it, too: the same place of another source is another table."""
    return {
        "etag": f'W/"{edition.seq}"',
        "routing-seq": str(edition.seq),
        "routing-at": format_time(edition.at),
        "routing-source": str(edition.source),
        "routing-root": root,
        "vary": "Accept, Accept-Encoding",
        "cache-control": "no-cache",
    }


class Snapshot(Response):
    """The answer to whoever copies the table. It holds one connection of `copiers` until it is sent."""

    def __init__(
        self,
        copiers: Pool,
        place: AbstractContextManager[None],
        edition: Edition,
        root: str,
        form: tuple[bool, bool],
    ) -> None:
        super().__init__()
        self._copiers = copiers
        self._place = place
        self._edition = edition
        self._csv, self._gzip = form
        headers = edition_headers(edition, root)
        headers["content-type"] = f"{CSV}; charset=utf-8; header=present" if self._csv else NDJSON
        if self._gzip:
            headers["content-encoding"] = "gzip"
        self._start = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the table or the client's patience ends.

        Raises 503 while as many copies as may be are made, and 429 while whoever asks makes one.
        """
        to_client = Sender(send)
        with self._place:
            whole = await self._copied(receive, send, to_client)
        # The end of the answer comes when its place is free: whoever has it may ask for the next.
        if whole:
            await to_client(b"", more=False)

    async def _copied(self, receive: Receive, send: Send, to_client: "Sender") -> bool:
        """Whether all of it has been sent."""
        try:
            connection = await acquire(self._copiers)
        except TimeoutError:
            detail = say("Others are copying the routing table. Ask again after 'Retry-After' seconds.")
            raise Problem(Code.UNAVAILABLE, detail, headers={"Retry-After": _RETRY_AFTER}) from None
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(self._start)})
            pieces = _Pieces(to_client, compressed=self._gzip)
            await while_there(receive, self._copy(connection, pieces))
        finally:
            await self._copiers.release(connection)
        return pieces.ended

    async def _copy(self, connection: Connection, pieces: "_Pieces") -> None:
        await copy_snapshot(connection, self._edition, pieces.take, csv=self._csv)
        await pieces.end()


class Sender:
    """Sends pieces to a client for as long as it takes them at a pace. What the database takes is not its fault."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._to_spare = _TO_SPARE

    async def __call__(self, content: bytes, *, more: bool = True) -> None:
        """One piece. Raises `ClientDisconnect` when the client has nothing left to spare."""
        began = monotonic()
        try:
            async with asyncio.timeout(self._to_spare):
                await self._send({"type": "http.response.body", "body": content, "more_body": more})
        except TimeoutError:
            raise ClientDisconnect from None
        self._to_spare = min(_TO_SPARE, self._to_spare - (monotonic() - began) + len(content) / _PACE)


class _Pieces:
    """Gathers what comes in small parts, and compresses it beside the loop: others are served meanwhile."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]], *, compressed: bool) -> None:
        self._send = send
        self._held: list[bytes] = []
        self._size = 0
        self.ended = False
        self._zip = zlib.compressobj(_LEVEL, wbits=31) if compressed else None

    async def take(self, content: bytes) -> None:
        """One more part."""
        self._held.append(content)
        self._size += len(content)
        if self._size >= _PIECE:
            await self._pass_on()

    async def end(self) -> None:
        """All that is left."""
        await self._pass_on()
        if self._zip is not None:
            await self._send(self._zip.flush())
        self.ended = True

    async def _pass_on(self) -> None:
        content = b"".join(self._held)
        self._held.clear()
        self._size = 0
        if self._zip is not None and content:
            content = await asyncio.to_thread(self._zip.compress, content)
        if content:
            await self._send(content)
