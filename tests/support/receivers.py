"""Receivers of webhooks on real sockets, and all the ways in which one can fail."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import repeat

#: What a receiver does with one request, once it has read it whole.
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers requests one after the other as `answers` says, the last of them for ever."""

    answers: list[Answer]
    scheme: str = "http"
    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    #: Requests that are being answered now, and the most that ever were.
    at_once: int = 0
    most_at_once: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://localhost:{self.port}/hook?a=b"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while not writer.is_closing():
                    await self._serve_one(reader, writer)
        finally:
            writer.transport.abort()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Received(head[0], headers, body))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.reply(reader, writer)
            await writer.drain()
        finally:
            self.at_once -= 1

    async def reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG002 (for others)
        """The next answer."""
        await (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(writer)


def answer(status: int = 204, *headers: str, body: bytes = b"") -> Answer:
    """An ordinary answer."""

    async def give(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return give


def says(*pieces: bytes, close: bool = True) -> Answer:
    """These bytes, whatever they are."""

    async def give(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if close:
            writer.close()
            await writer.wait_closed()

    return give


async def hangs(writer: asyncio.StreamWriter) -> None:
    """No answer, until the other side has had enough."""
    await writer.wait_closed()


async def byte_by_byte(writer: asyncio.StreamWriter) -> None:
    """An answer that never gets to its end."""
    for piece in repeat(b"x"):
        if writer.is_closing():
            return
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)


async def slow_headers(writer: asyncio.StreamWriter) -> None:
    """The headers never end."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    await byte_by_byte(writer)


async def gigabyte(writer: asyncio.StreamWriter) -> None:
    """200, and a body of 1 GB."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(1000):
        if writer.is_closing():
            return
        writer.write(bytes(1_000_000))
        await writer.drain()


@asynccontextmanager
async def receiver(answers: Sequence[Answer] = (), tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver on a port of its own; 204 unless told otherwise."""
    found = Receiver(list(answers) or [answer()], "https" if tls else "http")
    async with listening(found, tls):
        yield found


@asynccontextmanager
async def listening(found: Receiver, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """Let it have a port of its own."""
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(found.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
