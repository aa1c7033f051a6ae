"""The ledger of the daily cap (S3 2.3.1), for those who read it and those who lift a limit.

Taking room is part of writing a case: see `take_room` in the first migration.
"""

from datetime import date, timedelta
from typing import Any

from nrdb.db import Connection

# The instant is read once: a comparison with `nrdb_now()` itself would look at every case.
_USED = """
WITH w AS MATERIALIZED (SELECT nrdb_now() AS now),
unbooked AS MATERIALIZED (
    SELECT (c.effective_time AT TIME ZONE 'Europe/Oslo')::date AS day, sum(c.number_count) AS numbers
      FROM w, cases c
     WHERE c.due_at <= w.now AND c.cap_code = $1 AND c.state IN ('awaiting_donor', 'awaiting_recipient') GROUP BY 1
)
SELECT d.day::date AS day, cap.day_limit,
       (coalesce(cap.used, 0) - coalesce(unbooked.numbers, 0))::bigint AS used
  FROM generate_series($2::date, $3::date, interval '1 day') AS d(day)
  LEFT JOIN cap_day cap ON cap.code = $1 AND cap.day = d.day
  LEFT JOIN unbooked ON unbooked.day = d.day
 ORDER BY d.day
"""


async def read_caps(
    connection: Connection, code: str, first: date, last: date, common_limit: int
) -> list[dict[str, Any]]:
    """Each day from `first` to before `last`. Obsolete cases do not count, booked or not."""
    rows = await connection.fetch(_USED, code, first, last - timedelta(days=1))
    return [_view(row, common_limit) for row in rows]


def _view(row: Any, common_limit: int) -> dict[str, Any]:
    limit = common_limit if row["day_limit"] is None else row["day_limit"]
    return {
        "day": row["day"].isoformat(),
        "limit": limit,
        "used": row["used"],
        "free": max(0, limit - row["used"]),
    }


async def set_limit(connection: Connection, code: str, day: date, limit: int) -> int | None:
    """Another limit for one day; returns the one set before, None if it was the common one. Cancels nothing."""
    before: int | None = await connection.fetchval(
        "SELECT day_limit FROM cap_day WHERE code = $1 AND day = $2 FOR UPDATE", code, day
    )
    await connection.execute(
        """
        INSERT INTO cap_day (code, day, day_limit) VALUES ($1, $2, $3)
        ON CONFLICT (code, day) DO UPDATE SET day_limit = excluded.day_limit
        """,
        code,
        day,
        limit,
    )
    return before
