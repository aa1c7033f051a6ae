"""The number plan: series, who holds them, and whether they may be ported. History is kept, never overwritten.

A series is a chain of versions, each in force for a stretch of time. A change ends one version and begins the next; one
that is set for later begins in the future, so that the routing answer for then is known now.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from nrdb.clock import format_time
from nrdb.db import Connection, fetch_one
from nrdb.routing.numbers import NumberRange, subtract
from nrdb.routing.rerouting import reroute


@dataclass(frozen=True, slots=True)
class NewSeries:
    """A series to enter: `numbers` belong to `holder` from now on."""

    numbers: NumberRange
    holder: str
    number_class: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Series:
    """One version of a series, in force from `valid_from` until `valid_until` (None: no end known)."""

    series_id: UUID
    numbers: NumberRange
    number_class: str
    holder: str
    status: str
    reason: str
    valid_from: datetime
    valid_until: datetime | None

    def view(self) -> dict[str, Any]:
        """As answers write it."""
        return {
            "series_id": str(self.series_id),
            **self.numbers.view(),
            "number_class": self.number_class,
            "holder": self.holder,
            "status": self.status,
            "reason": self.reason,
            "valid_from": format_time(self.valid_from),
            "valid_until": format_time(self.valid_until) if self.valid_until else None,
        }


_COLUMNS = """
    series_id, lower(numbers) AS first, upper(numbers) - 1 AS last, number_class, holder, status, reason,
    lower(valid) AS valid_from, upper(valid) AS valid_until
"""


async def add_series(connection: Connection, new: NewSeries) -> dict[str, Any]:
    """Enter a series from now on. Raises asyncpg's `ExclusionViolationError` where one contains its numbers."""
    at = await connection.fetchval("SELECT nrdb_now()")
    fields = (new.number_class, new.holder, new.status, new.reason)
    entered = await _enter(connection, Series(uuid4(), new.numbers, *fields, at, None))
    await reroute(connection, at, [new.numbers])
    return entered.view()


async def _enter(connection: Connection, version: Series) -> Series:
    await connection.execute(
        """
        INSERT INTO series (series_id, numbers, number_class, holder, status, reason, valid)
        VALUES ($1, int8range($2, $3, '[]'), $4, $5, $6, $7, tstzrange($8, $9))
        """,
        version.series_id,
        version.numbers.first,
        version.numbers.last,
        version.number_class,
        version.holder,
        version.status,
        version.reason,
        version.valid_from,
        version.valid_until,
    )
    return version


async def find_series(connection: Connection, series_id: UUID, at: datetime | None = None) -> Series | None:
    """The version of a series that is in force at `at` (None: now)."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM series WHERE series_id = $1 AND valid @> coalesce($2, nrdb_now())", series_id, at
    )
    return _series(row) if row else None


async def series_history(connection: Connection, series_id: UUID, after: datetime | None, limit: int) -> list[Series]:
    """All versions of a series that begin after `after`, oldest first; one set for later is the last."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM series
         WHERE series_id = $1 AND lower(valid) > coalesce($2, '-infinity'::timestamptz) ORDER BY lower(valid) LIMIT $3
        """,
        series_id,
        after,
        limit,
    )
    return [_series(row) for row in rows]


async def series_of(connection: Connection, holder: str, at: datetime) -> list[Series]:
    """All series that a code holds at that instant."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM series WHERE holder = $1 AND valid @> $2::timestamptz ORDER BY numbers", holder, at
    )
    return [_series(row) for row in rows]


async def change_series(
    connection: Connection, current: Series, at: datetime, *, holder: str, status: str, reason: str
) -> Series:
    """From `at` on the series has this holder and status; what it had before stays in its history.

    Routing follows by `reroute`, which is the caller's to call: it may change many series before.
    """
    await _end(connection, current, at)
    return await _enter(connection, replace(current, holder=holder, status=status, reason=reason, valid_from=at))


async def _end(connection: Connection, version: Series, at: datetime) -> None:
    """End a version. One that would never have been in force is not kept: an empty stretch of time says nothing."""
    await connection.execute(
        """
        WITH gone AS (
            DELETE FROM series WHERE series_id = $1 AND lower(valid) = $2 AND $3 <= lower(valid))
        UPDATE series SET valid = tstzrange(lower(valid), $3)
         WHERE series_id = $1 AND lower(valid) = $2 AND $3 > lower(valid)
        """,
        version.series_id,
        version.valid_from,
        at,
    )


async def take_back(connection: Connection, series_id: UUID, due_at: datetime) -> NumberRange:
    """Undo a version that was set for later; the one before it goes on. Returns the numbers of the series."""
    gone = await fetch_one(
        connection,
        "DELETE FROM series WHERE series_id = $1 AND lower(valid) = $2 RETURNING upper(valid), numbers",
        series_id,
        due_at,
    )
    until, numbers = gone
    await connection.execute(
        "UPDATE series SET valid = tstzrange(lower(valid), $3) WHERE series_id = $1 AND upper(valid) = $2",
        series_id,
        due_at,
        until,
    )
    return NumberRange(numbers.lower, numbers.upper - 1)


async def version_until(connection: Connection, series_id: UUID, at: datetime) -> Series:
    """The version of a series that ends at `at`, where one does."""
    statement = f"SELECT {_COLUMNS} FROM series WHERE series_id = $1 AND upper(valid) = $2"
    return _series(await fetch_one(connection, statement, series_id, at))


async def split_series(
    connection: Connection, current: Series, part: NumberRange, at: datetime, reason: str
) -> tuple[Series, list[Series]]:
    """Make a part a series of its own; the rest stays, the first of it under the old id. Holders do not change."""
    await _end(connection, current, at)
    first, *others = subtract([current.numbers], [part])
    rest = [replace(current, numbers=first, valid_from=at)]
    rest += [replace(current, series_id=uuid4(), numbers=item, valid_from=at) for item in others]
    own = replace(current, series_id=uuid4(), numbers=part, reason=reason, valid_from=at)
    for version in (own, *rest):
        await _enter(connection, version)
    return own, rest


async def redirect_planned(connection: Connection, code: str, to: str, at: datetime) -> None:
    """Versions that are to begin later with a code as holder begin with its successor."""
    await connection.execute("UPDATE series SET holder = $2 WHERE holder = $1 AND lower(valid) > $3", code, to, at)


_PORTED = """
SELECT greatest(r.first, lower(s.numbers)) AS first, least(r.last, upper(s.numbers) - 1) AS last, r.holder, run.since
  FROM (SELECT coalesce($2::timestamptz, nrdb_now()) AS at) asked, LATERAL (
       SELECT numbers FROM series WHERE series_id = $1 ORDER BY valid @> asked.at DESC, lower(valid) LIMIT 1) own,
       LATERAL (
       SELECT numbers * own.numbers AS numbers FROM series
        WHERE numbers && own.numbers AND valid @> asked.at OFFSET 0) s,
       LATERAL (
       SELECT * FROM routing_of(greatest(lower(s.numbers), $3), upper(s.numbers) - 1)
        WHERE valid_from <= asked.at AND asked.at < valid_until OFFSET 0) r,
       LATERAL (
       -- It serves them since somebody else's last row ended.
       SELECT coalesce(max(e.valid_until) FILTER (WHERE e.holder <> r.holder), min(e.valid_from)) AS since
         FROM routing_of(r.first, r.first) e WHERE e.valid_from <= r.valid_from) run
 WHERE r.holder <> r.range_holder
   AND ($3::bigint IS NULL OR greatest(r.first, lower(s.numbers)) > $3)
 ORDER BY 1 LIMIT $4
"""


async def ported_in(
    connection: Connection, series_id: UUID, at: datetime | None, after: int | None, limit: int
) -> list[dict[str, Any]]:
    """The numbers of a series that others than its holder serve at `at` (None: now), in order (S3 2.8).

    Before the series was taken out of another one, they were numbers of that one.
    """
    rows = await connection.fetch(_PORTED, series_id, at, after, limit)
    return [
        {
            **NumberRange(row["first"], row["last"]).view(),
            "holder": row["holder"],
            "since": format_time(row["since"]),
        }
        for row in rows
    ]


async def overlapping(connection: Connection, numbers: NumberRange) -> list[dict[str, Any]]:
    """The series in force now, or set for later, that contain any of the numbers."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM series
         WHERE numbers && int8range($1, $2, '[]') AND (upper_inf(valid) OR upper(valid) > nrdb_now())
         ORDER BY numbers
        """,
        numbers.first,
        numbers.last,
    )
    return [_series(row).view() for row in rows]


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
    return [_series(row).view() for row in rows]


def _series(row: asyncpg.Record) -> Series:
    fields = dict(row)
    return Series(numbers=NumberRange(fields.pop("first"), fields.pop("last")), **fields)
