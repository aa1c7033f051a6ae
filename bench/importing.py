"""Loading an existing table of ported numbers: `nrdb import ported` against COPY of the same rows without us."""

import asyncio
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import psutil

from bench.market import ADMIN_KEY, CODES, DATA_KEY

#: Series of a plan, and how many numbers each has.
SERIES, SIZE = 3_000, 10_000
#: Rows of the file; the command line may say others.
count = 5_000_000
_FIRST = 60_000_000
_COLUMNS = (
    "put_seq, first, last, holder, network, routing_number, range_holder, target_number, valid_from, valid_until, "
    "served_since, recorded_at, removed_at, removed_seq, own_holder, own_network, own_since, case_id"
)


@dataclass(frozen=True)
class Imported:
    """How long the command took, start and end of its process included, and what it says of itself."""

    seconds: float
    resident_mb: float
    summary: dict[str, Any]


@dataclass(frozen=True)
class Copied:
    """COPY of rows of the routing table: all that the import has put, and those of ported numbers alone."""

    all_rows: float
    ported_rows: float
    ported_rows_bare: float


def write_files(folder: Path, count: int) -> tuple[Path, Path]:
    """A plan of a few thousand series, and so many numbers of it in no order, each ported on one of 6,000 days."""
    plan, ported = folder / "plan.csv", folder / "ported.csv"
    with plan.open("w") as file:
        file.write("first,last,holder,number_class\n")
        for place in range(SERIES):
            first = _FIRST + place * SIZE
            file.write(f"{first},{first + SIZE - 1},{CODES[place % 10]},MOBILE\n")
    days = [f"{2004 + place // 336}-{place // 28 % 12 + 1:02}-{place % 28 + 1:02}" for place in range(6_000)]
    chance = random.Random(5)
    with ported.open("w") as file:
        file.write("number,holder,since\n")
        for place in chance.sample(range(SERIES * SIZE), count):
            file.write(f"{_FIRST + place},{CODES[10 + place % 10]},{chance.choice(days)}\n")
    return plan, ported


async def run(dsn: str, folder: Path, kind: str, file: Path) -> Imported:
    """The command as an operator starts it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NRDB_")}
    settings = {"NRDB_DATABASE_URL": dsn, "NRDB_ADMIN_KEY": ADMIN_KEY, "NRDB_DATA_KEY": DATA_KEY,
                "NRDB_DATA_DIR": str(folder)}  # fmt: skip
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nrdb", "import", kind, str(file), "--json",
        env={**kept, **settings}, stdout=subprocess.PIPE,
    )  # fmt: skip
    resident = asyncio.create_task(_resident(process.pid))
    out, _ = await process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise RuntimeError(out.decode())
    return Imported(seconds, await resident, orjson.loads(out))


async def _resident(pid: int) -> float:
    """The most that the process has held while it ran, in MB."""
    most = 0.0
    try:
        while True:
            most = max(most, psutil.Process(pid).memory_info().rss / 1e6)
            await asyncio.sleep(0.2)
    except psutil.Error:
        return most


async def copy_in(dsn: str, folder: Path) -> Copied:
    """The rows that the import has put, into a table of the same columns and indexes, and into one without any."""
    connection = await asyncpg.connect(dsn, command_timeout=3600)
    try:
        await connection.execute("CREATE TABLE same (LIKE routing INCLUDING ALL)")
        await connection.execute("CREATE TABLE bare (LIKE routing)")
        believed = f"SELECT {_COLUMNS} FROM routing WHERE removed_at = 'infinity' AND first >= 47{_FIRST}"
        all_rows = await _copied(connection, folder, believed, "same")
        ported_rows = await _copied(connection, folder, f"{believed} AND own_holder IS NOT NULL", "same")
        bare = await _copied(connection, folder, f"{believed} AND own_holder IS NOT NULL", "bare")
        return Copied(all_rows, ported_rows, bare)
    finally:
        await connection.close()


async def _copied(connection: asyncpg.Connection, folder: Path, query: str, table: str) -> float:
    file = folder / "rows.csv"
    await connection.copy_from_query(f"{query} ORDER BY put_seq", output=file, format="csv")
    await connection.execute("CHECKPOINT")
    began = time.perf_counter()
    await connection.copy_to_table(table, source=file, format="csv")
    seconds = time.perf_counter() - began
    await connection.execute(f"TRUNCATE {table}")
    file.unlink()
    return seconds
