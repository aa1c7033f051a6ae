"""Where a follower keeps its place, so that it goes on behind the last item handled, whatever ends in between."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Protocol

from nrdb.client.errors import UnavailableError

log = logging.getLogger("nrdb.client")


class Cursor(Protocol):
    """A place to keep a place. `save` is called when an item has been handled, never before."""

    async def load(self) -> int | None:
        """The last item handled; None to begin at the acknowledged position."""

    async def save(self, seq: int) -> None:
        """This item has been handled."""


class MemoryCursor:
    """Forgotten with the process: for tests and for looking on."""

    def __init__(self, after: int | None = None) -> None:
        self.seq = after

    async def load(self) -> int | None:
        """The place it was made with, or the last one."""
        return self.seq

    async def save(self, seq: int) -> None:
        """Remember the place."""
        self.seq = seq


class FileCursor:
    """A file with one number. It is replaced as a whole and lies on the disk when `save` returns."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    async def load(self) -> int | None:
        """What stands in the file. Raises `ValueError` for a file that holds something else."""
        if not self.path.parent.is_dir():
            raise ValueError(f"{self.path.parent} is no folder to keep a position in")
        if not self.path.exists():
            return None
        text = self.path.read_text(encoding="ascii", errors="replace").strip()
        if not text.isdigit():
            raise ValueError(f"{self.path} holds no position; remove it to begin at the acknowledged one")
        return int(text)

    async def save(self, seq: int) -> None:
        """Write the place beside the file, onto the disk, and put it in the file's place."""
        await asyncio.to_thread(self._write, seq)

    def _write(self, seq: int) -> None:
        beside = self.path.with_name(self.path.name + ".new")
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{seq}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class _Acknowledging(Protocol):
    async def acknowledge(self, seq: int, *, patience: float | None = None) -> object: ...


class AcknowledgedCursor:
    """The acknowledged position on the server, which all keys of the code share.

    An acknowledgement is a request, so it is made for a hundred items at a time, and whenever nothing else comes.
    """

    def __init__(self, client: _Acknowledging, every: int = 100) -> None:
        self._client = client
        self._every = every
        self._handled = 0
        self._seq = 0

    async def load(self) -> int | None:
        """The server knows it."""
        return None

    async def save(self, seq: int) -> None:
        """Acknowledge now and then."""
        self._seq = seq
        self._handled += 1
        if self._handled >= self._every:
            await self.flush()

    async def flush(self) -> None:
        """Acknowledge what has been handled, or later, when the service is away: then nothing is lost by it."""
        if self._handled:
            try:
                await self._client.acknowledge(self._seq, patience=0)
            except UnavailableError as error:
                log.info("%s is acknowledged later: %s", self._seq, error)
            else:
                self._handled = 0
