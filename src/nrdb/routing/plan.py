"""The number plan: series, who holds them, and whether they may be ported. History is kept, never overwritten."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg

from nrdb.clock import format_time
from nrdb.db import Connection, fetch_one
from nrdb.routing.numbers import NumberRange


@dataclass(frozen=True, slots=True)
class NewSeries:
    """A series to enter: `numbers` belong to `holder` from now on."""

    numbers: NumberRange
    holder: str
    number_class: str
    status: str
    reason: str


_COLUMNS = """
    series_id, lower(numbers) AS first, upper(numbers) - 1 AS last, number_class, holder, status, reason,
    lower(valid) AS valid_from
"""


async def add_series(connection: Connection, new: NewSeries) -> dict[str, Any]:
    """Enter a series from now on. Raises asyncpg's `ExclusionViolationError` where one contains its numbers."""
    row = await fetch_one(
        connection,
        f"""
        INSERT INTO series (series_id, numbers, number_class, holder, status, reason, valid)
        VALUES ($1, int8range($2, $3, '[]'), $4, $5, $6, $7, tstzrange(nrdb_now(), NULL))
        RETURNING {_COLUMNS}
        """,
        uuid4(),
        new.numbers.first,
        new.numbers.last,
        new.number_class,
        new.holder,
        new.status,
        new.reason,
    )
    return _view(row)


async def overlapping(connection: Connection, numbers: NumberRange) -> list[dict[str, Any]]:
    """The series in force now that contain any of the numbers."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM series
         WHERE numbers && int8range($1, $2, '[]') AND (upper_inf(valid) OR upper(valid) > nrdb_now())
         ORDER BY numbers
        """,
        numbers.first,
        numbers.last,
    )
    return [_view(row) for row in rows]


async def list_series(
    connection: Connection, *, number: int | None, holder: str | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Series in force now, in order of their numbers, from after the given first number."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM series
         WHERE valid @> nrdb_now() AND ($1::bigint IS NULL OR numbers @> $1::bigint)
           AND ($2::text IS NULL OR holder = $2) AND lower(numbers) > $3
         ORDER BY lower(numbers) LIMIT $4
        """,
        number,
        holder,
        after,
        limit,
    )
    return [_view(row) for row in rows]


def _view(row: asyncpg.Record) -> dict[str, Any]:
    shown = dict(row)
    return {
        "series_id": str(shown["series_id"]),
        **NumberRange(shown["first"], shown["last"]).view(),
        **{name: shown[name] for name in ("number_class", "holder", "status", "reason")},
        "valid_from": format_time(shown["valid_from"]),
    }
