"""How much of the daily cap is used, by whom (S3 2.3.1)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from nrdb.db import Connection

COLUMNS = ("day", "code", "used", "limit", "free", "share")

# The ledger is read by code and day for each provider. Obsolete cases that nobody has booked yet do not count, as in
# `providers.caps`; their numbers are found by what is due.
_USE = """
WITH w AS MATERIALIZED (SELECT nrdb_now() AS now),
unbooked AS MATERIALIZED (
    SELECT cap_code AS code, (effective_time AT TIME ZONE 'Europe/Oslo')::date AS day, sum(number_count) AS numbers
      FROM w, cases WHERE due_at <= w.now AND state IN ('awaiting_donor', 'awaiting_recipient')
     GROUP BY 1, 2
)
SELECT * FROM (
    SELECT cap.code, cap.day, cap.day_limit, (cap.used - coalesce(unbooked.numbers, 0))::bigint AS used
      FROM provider p
      JOIN LATERAL (SELECT * FROM cap_day WHERE code = p.code AND day >= $1 AND day < $2 OFFSET 0) cap ON true
      LEFT JOIN unbooked ON unbooked.code = cap.code AND unbooked.day = cap.day
     WHERE $3::text[] IS NULL OR p.code = ANY($3)) u
 WHERE (used > 0 OR day_limit IS NOT NULL)
   AND ($4::bigint IS NULL OR (-used, day, code) > (-$4, $5::date, $6::text))
 ORDER BY -used, day, code LIMIT $7
"""


async def read_cap_use(
    connection: Connection,
    first: date,
    last: date,
    common_limit: int,
    *,
    codes: tuple[str, ...] | None,
    after: Sequence[Any] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Every code with use or a limit of its own on the days from `first` to before `last`, biggest use first.

    Costs a row for each code and day that is used, and one for each case that time has made obsolete unbooked.
    """
    wanted = list(codes) if codes is not None else None
    rows = await connection.fetch(_USE, first, last, wanted, *(after or (None, None, None)), limit)
    return [_item(row, common_limit) for row in rows]


def _item(row: Any, common_limit: int) -> dict[str, Any]:
    limit = common_limit if row["day_limit"] is None else row["day_limit"]
    return {
        "day": row["day"].isoformat(),
        "code": row["code"],
        "used": row["used"],
        "limit": limit,
        "free": max(0, limit - row["used"]),
        "share": round(row["used"] / limit, 4) if limit else None,
    }
