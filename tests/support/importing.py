"""Imports into a test's own database, and what stands in it afterwards."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from nrdb.importing import Wanted, import_file

#: All that a row of the routing table says, in both times, but for its places in the order of changes.
ROUTING = """
SELECT first, last, holder, network, routing_number, range_holder, target_number, valid_from, valid_until, served_since,
       recorded_at, removed_at, own_holder, own_network, own_since, case_id
  FROM routing ORDER BY routing.first, valid_from, last, recorded_at, removed_at, valid_until
"""
#: What an import has left of itself while it was not finished.
LEFT = "SELECT array_agg(relname::text) FROM pg_class WHERE relname LIKE 'nrdb\\_import%'"


def write_table(path: Path, header: str, rows: Iterable[str]) -> Path:
    """A file of lines."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


async def run_import(
    capsys: pytest.CaptureFixture[str], dsn: str, kind: Any, file: Path, **more: Any
) -> tuple[int, dict[str, Any]]:
    """The exit code and the summary."""
    capsys.readouterr()
    code = await import_file(Wanted(kind, file, as_json=True, **more), dsn)
    told, complaint = capsys.readouterr()
    assert code == 2 or not complaint, complaint
    return code, orjson.loads(told) if told else {"complaint": complaint}


async def fetch(dsn: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a database."""
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


async def execute(dsn: str, *statements: str) -> None:
    """Statements on a database, one after the other."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def wrong_lines(path: Path) -> list[tuple[int, str]]:
    """Line and code of what a file of errors holds."""
    return [(int(row["line"]), row["code"]) for row in read_errors(path)]


def read_errors(path: Path) -> Sequence[dict[str, str]]:
    """A file of errors."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
