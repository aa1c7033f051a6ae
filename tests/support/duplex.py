"""A client that speaks HTTP/1.1 by hand, to send and read at the same time, and to break off where it likes."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import orjson


@dataclass(slots=True)
class Duplex:
    """One request with a body in chunks, under way."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int = 0
    _rest: bytes = b""

    async def send(self, body: bytes) -> None:
        """A piece of the body."""
        if body:
            self.writer.write(b"%x\r\n%b\r\n" % (len(body), body))
        await self.writer.drain()

    async def finish(self) -> None:
        """The body ends as it should."""
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def read_head(self) -> None:
        """The status and the headers."""
        if not self.status:
            head = await self.reader.readuntil(b"\r\n\r\n")
            self.status = int(head.split(b" ", 2)[1])

    async def answer(self) -> dict[str, Any] | None:
        """The next line of the answer; None at its proper end."""
        await self.read_head()
        while b"\n" not in self._rest:
            size = int((await self.reader.readline()).strip(), 16)
            piece = await self.reader.readexactly(size)
            await self.reader.readexactly(2)
            if not size:
                assert not self._rest, "the last answer is torn"
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return cast(dict[str, Any], orjson.loads(line))

    async def answers(self) -> AsyncIterator[dict[str, Any]]:
        """All answers to the end."""
        while (found := await self.answer()) is not None:
            yield found

    def cut(self) -> None:
        """Break off."""
        self.writer.transport.abort()


@asynccontextmanager
async def duplex(
    address: str, headers: dict[str, str], *, receive_buffer: int | None = None, path: str = "/v1/messages/batch"
) -> AsyncIterator[Duplex]:
    """A request that has begun; `receive_buffer` makes a receiver that soon has enough."""
    url = urlsplit(address)
    assert url.port
    found = socket.socket()
    if receive_buffer is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    found.setblocking(False)
    await asyncio.get_running_loop().sock_connect(found, (url.hostname, url.port))
    reader, writer = await asyncio.open_connection(sock=found, limit=4096 if receive_buffer else 1 << 20)
    try:
        fields = {"Host": "nrdb", "Transfer-Encoding": "chunked", "Content-Type": "application/x-ndjson", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode())
        yield Duplex(reader, writer)
    finally:
        writer.transport.abort()
