"""Days that an administrator has closed, beside weekends and public holidays (contract section 7)."""

from datetime import date

from nrdb.cases.facts import read_days
from nrdb.db import Connection


async def read_closed_days(connection: Connection) -> frozenset[date]:
    """All of them."""
    return read_days(await connection.fetchval("SELECT json_agg(day) FROM closed_day"))


async def close_day(connection: Connection, day: date, reason: str) -> str | None:
    """Close a day for the timers of messages to come; returns the reason given before, if it was closed already."""
    before: str | None = await connection.fetchval("SELECT reason FROM closed_day WHERE day = $1", day)
    await connection.execute(
        "INSERT INTO closed_day VALUES ($1, $2) ON CONFLICT (day) DO UPDATE SET reason = excluded.reason",
        day,
        reason,
    )
    return before
