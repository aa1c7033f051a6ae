"""The rows of a file in the database, beside everything else, until all of them have been looked at.

The staged rows and the mark up to which the file has been read are written together, so an import that was killed
goes on after its mark. Both are unlogged: after a crash of the database both are empty, and it begins again. One
import runs at a time, because the session that runs it holds a lock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedReader

import asyncpg

from nrdb.clock import monotonic
from nrdb.errors import UnusableError
from nrdb.importing.reading import BLOCK, Block, FileError, Place, read_blocks
from nrdb.importing.rows import STAGED, Refused, Table

_TRY_TURN = "SELECT pg_try_advisory_lock(7267, 6)"
#: An import that was killed holds its turn until the database has noticed.
_TURN_SECONDS = 15.0
#: So many blocks are read before the mark moves.
CHUNK = 16
#: Fewer, where so many of their lines are wrong: these are in memory until they are in the database.
REFUSED = 100_000

_DROP = "DROP TABLE IF EXISTS nrdb_import, nrdb_import_row, nrdb_import_error, nrdb_import_sorted"
_CREATE = """
CREATE UNLOGGED TABLE nrdb_import (
    sha256 text, kind text, byte_offset bigint, next_line bigint, staged bigint, whole boolean);
CREATE UNLOGGED TABLE nrdb_import_row (
    line bigint, first bigint, last bigint, holder text, network text, since timestamptz, target_number bigint,
    number_class text, status text, reason text);
CREATE UNLOGGED TABLE nrdb_import_error (
    line bigint PRIMARY KEY, code text, detail text, is_warning boolean, of_file boolean)
"""
# The widest `last` of the rows before is what a row overlaps, if it overlaps any.
_SORT = """
DELETE FROM nrdb_import_error WHERE NOT of_file;
DROP TABLE IF EXISTS nrdb_import_sorted;
CREATE UNLOGGED TABLE nrdb_import_sorted AS
SELECT *, max(last) OVER (ORDER BY first, line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM nrdb_import_row;
CREATE INDEX nrdb_import_sorted_first ON nrdb_import_sorted (first);
ANALYZE nrdb_import_sorted
"""


@dataclass(slots=True)
class Staged:
    """How far the file has been read into the database. `resumed` is the line at which an earlier run had stopped.

    A row that has been read is one of `count`, which are staged, or of `refused`.
    """

    place: Place
    count: int = 0
    refused: int = 0
    whole: bool = False
    resumed: int | None = None


async def take_turn(connection: asyncpg.Connection) -> None:
    """One import at a time. Raises `UnusableError` where another one is at work."""
    until = monotonic() + _TURN_SECONDS
    while not await connection.fetchval(_TRY_TURN):
        if monotonic() > until:
            raise UnusableError("another import is at work in this database; wait for its end")
        await asyncio.sleep(0.2)


async def begin(connection: asyncpg.Connection, kind: str, digest: str, rows: Place) -> Staged:
    """Where to go on: behind the mark of an earlier run with this very file, else at its first row."""
    if await connection.fetchval("SELECT to_regclass('nrdb_import') IS NOT NULL"):
        mark = await connection.fetchrow("SELECT * FROM nrdb_import WHERE sha256 = $1 AND kind = $2", digest, kind)
        if mark is not None:
            place = Place(mark["byte_offset"], mark["next_line"])
            refused = await connection.fetchval("SELECT count(*) FROM nrdb_import_error WHERE of_file")
            return Staged(place, mark["staged"], refused, mark["whole"], place.line if place != rows else None)
    async with connection.transaction():
        await connection.execute(_DROP)
        await connection.execute(_CREATE)
        await connection.execute(
            "INSERT INTO nrdb_import VALUES ($1, $2, $3, $4, 0, false)", digest, kind, rows.offset, rows.line
        )
    return Staged(rows)


async def stage(
    connection: asyncpg.Connection, file: BufferedReader, table: Table, staged: Staged, digest: str
) -> AsyncIterator[int]:
    """Read the file from the mark on; yields how many bytes of it have been read, after each chunk.

    Raises `FileError` where it is no text in UTF-8, or is no longer the file that it was.
    """
    content = sha256()
    file.seek(0)
    _skim(file, staged.place.offset, content.update)
    blocks = read_blocks(file, staged.place, content.update)
    while not staged.whole:
        chunk = _Chunk(blocks, table)
        async with connection.transaction():
            await connection.copy_to_table("nrdb_import_row", source=chunk.rows(), columns=STAGED)
            if chunk.refused:
                await connection.copy_records_to_table(
                    "nrdb_import_error", records=[(*item, False, True) for item in chunk.refused]
                )
            staged.whole = chunk.last is None
            if chunk.last is not None:
                staged.place, staged.count = chunk.last, staged.count + chunk.count
                staged.refused += len(chunk.refused)
            elif content.hexdigest() != digest:
                raise FileError("file-changed", "the file was changed while it was read: start again when it is whole")
            await _mark(connection, staged)
        yield staged.place.offset


def _skim(file: BufferedReader, until: int, seen: Callable[[bytes], object]) -> None:
    """Read what has been staged before once more, for the digest alone."""
    while until > 0 and (piece := file.read(min(BLOCK, until))):
        seen(piece)
        until -= len(piece)


async def _mark(connection: asyncpg.Connection, staged: Staged) -> None:
    await connection.execute(
        "UPDATE nrdb_import SET byte_offset = $1, next_line = $2, staged = $3, whole = $4",
        staged.place.offset,
        staged.place.line,
        staged.count,
        staged.whole,
    )


class _Chunk:
    """Some blocks on their way into the database. `last` is where they end; None when there was none left."""

    def __init__(self, blocks: Iterator[Block], table: Table) -> None:
        self._blocks = blocks
        self._table = table
        self.count = 0
        self.refused: list[Refused] = []
        self.last: Place | None = None

    async def rows(self) -> AsyncIterator[bytes]:
        for _ in range(CHUNK):
            block = next(self._blocks, None)
            if block is None:
                return
            parsed = self._table.parse(block)
            self.count += parsed.count
            self.refused += parsed.refused
            self.last = block.next
            yield parsed.rows
            if len(self.refused) >= REFUSED:
                return


async def sort(connection: asyncpg.Connection) -> None:
    """All rows in the order of their numbers, with an index by them."""
    await connection.execute(_SORT)


async def forget(connection: asyncpg.Connection, digest: str) -> None:
    """Clear away what an import has left that was stopped behind its end; not what is left of another file."""
    if await connection.fetchval("SELECT to_regclass('nrdb_import') IS NOT NULL") and await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM nrdb_import WHERE sha256 = $1)", digest
    ):
        await clear(connection)


async def clear(connection: asyncpg.Connection) -> None:
    """Nothing of the import is left but what it has written."""
    await connection.execute(_DROP)
