"""Reports of the number plan: numbers held long by terminations, and series that have moved away from their holder."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from nrdb.clock import format_time
from nrdb.db import Connection
from nrdb.reports.working import read_calendar
from nrdb.routing.numbers import NumberRange, national
from nrdb.rulebook import Rulebook
from nrdb.timers.calendar import WorkingCalendar, oslo_day

#: A termination announced further ahead than the end of this working day is listed: its number is held meanwhile.
LONG_WORKING_DAYS = 5

TERMINATION_COLUMNS = (
    "case_id", "announced_at", "termination_time", "working_days", "holder", "range_holder", "main_number", "numbers",
    "number_count",
)  # fmt: skip
MAJORITY_COLUMNS = (
    "series_id", "first", "last", "number_class", "holder", "status", "number_count", "ported_count", "ported_share",
    "top_holder", "top_count", "top_share",
)  # fmt: skip

# Five working days are more than four days of any calendar, so shorter ones need not be read.
_TERMINATIONS = """
SELECT c.case_id, c.created_at, c.effective_time, c.donor, c.range_holders[1] AS range_holder, c.main_number,
       c.number_count,
       (SELECT json_agg(json_build_array(lower(n.numbers), upper(n.numbers) - 1) ORDER BY n.numbers)
          FROM case_numbers n WHERE n.case_id = c.case_id) AS numbers
  FROM cases c
 WHERE c.kind = 'termination' AND c.state = 'awaiting_termination' AND c.effective_time > $1
   AND c.effective_time - c.created_at > interval '4 days'
   AND ($2::text[] IS NULL OR c.donor = ANY($2) OR c.range_holders && $2)
   AND ($3::timestamptz IS NULL OR (c.created_at, c.case_id) > ($3, $4::uuid))
 ORDER BY c.created_at, c.case_id LIMIT $5
"""


async def read_terminations(
    connection: Connection,
    rulebook: Rulebook,
    *,
    codes: tuple[str, ...] | None,
    after: Sequence[Any] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Open terminations announced more than five working days ahead, the oldest announcement first.

    Costs a look at the open terminations, up to as many as fill the page.
    """
    now, calendar = await read_calendar(connection, rulebook)
    codes_wanted = list(codes) if codes is not None else None
    found: list[dict[str, Any]] = []
    position = tuple(after or (None, None))
    while True:
        rows = await connection.fetch(_TERMINATIONS, now, codes_wanted, *position, limit)
        found += [_termination(row, calendar) for row in rows if _is_long(row, calendar)]
        if len(rows) < limit or len(found) >= limit:
            return found[:limit]
        position = rows[-1]["created_at"], rows[-1]["case_id"]


def _is_long(row: Any, calendar: WorkingCalendar) -> bool:
    return bool(row["effective_time"] > calendar.end_of_working_day(row["created_at"], LONG_WORKING_DAYS))


def _termination(row: Any, calendar: WorkingCalendar) -> dict[str, Any]:
    return {
        "case_id": str(row["case_id"]),
        "announced_at": format_time(row["created_at"]),
        "termination_time": format_time(row["effective_time"]),
        "working_days": _working_days(calendar, row["created_at"], row["effective_time"]),
        "holder": row["donor"],
        "range_holder": row["range_holder"],
        "main_number": national(row["main_number"]),
        "numbers": [NumberRange(first, last).view() for first, last in row["numbers"] or ()],
        "number_count": row["number_count"],
    }


def _working_days(calendar: WorkingCalendar, start: datetime, end: datetime) -> int:
    """The first working day, counted as T14 counts, by whose end the time has come."""
    first, last = oslo_day(start), oslo_day(end)
    days = sum(calendar.is_working_day(day) for day in _days(first + timedelta(days=1), last))
    # The end of a day belongs to it; on a day without working time the next working day's end has to be waited for.
    return next(n for n in range(max(0, days - 1), days + 2) if end <= calendar.end_of_working_day(start, n))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]


# One walk over the ported numbers of each series, by the index of numbers, until the page is full.
_USE = """
WITH w AS MATERIALIZED (SELECT nrdb_now() AS now)
SELECT s.*, held.*
  FROM (SELECT series_id, numbers, lower(numbers) AS first, upper(numbers) - 1 AS last,
               upper(numbers) - lower(numbers) AS number_count, number_class, holder, status
          FROM series, w
         WHERE valid @> w.now AND lower(numbers) > $1 AND ($2::text[] IS NULL OR holder = ANY($2)) {which}
         ORDER BY lower(numbers) {walked}) s,
       LATERAL (
        SELECT coalesce(sum(h.count), 0)::bigint AS ported_count, coalesce(max(h.count), 0)::bigint AS most,
               (array_agg(h.holder ORDER BY h.count DESC, h.holder))[1] AS most_holder
          FROM (SELECT r.holder, sum(r.last - r.first + 1) AS count
                  FROM w, routing_of(lower(s.numbers), upper(s.numbers) - 1) r
                 WHERE r.valid_from <= w.now AND w.now < r.valid_until AND r.holder <> s.holder
                 GROUP BY r.holder) h) held
"""
_EVERY_SERIES = _USE.format(which="", walked="LIMIT $3") + " ORDER BY s.first"
_MAJORITY = (
    _USE.format(which="AND number_class <> 'FIVE'", walked="OFFSET 0")
    + " WHERE held.ported_count * 2 > s.number_count LIMIT $3"
)


async def read_series_use(
    connection: Connection, *, majority: bool, codes: tuple[str, ...] | None, after: int, limit: int
) -> list[dict[str, Any]]:
    """Series in force now, in order of their numbers, with how much of each is ported out.

    `majority`: only those of which that is more than half (domain 1.7, nummerforskriften). Costs a look at every ported
    range of the series before the end of the page: of the whole plan, where few qualify.
    """
    statement = _MAJORITY if majority else _EVERY_SERIES
    rows = await connection.fetch(statement, after, list(codes) if codes is not None else None, limit)
    return [_series(row) for row in rows]


def _series(row: Any) -> dict[str, Any]:
    total, ported = row["number_count"], row["ported_count"]
    # The series' own holder may still have more than any other one.
    top_holder, top = max((row["holder"], total - ported), (row["most_holder"], row["most"]), key=lambda held: held[1])
    return {
        "series_id": str(row["series_id"]),
        **NumberRange(row["first"], row["last"]).view(),
        **{name: row[name] for name in ("number_class", "holder", "status")},
        "number_count": total,
        "ported_count": ported,
        "ported_share": round(ported / total, 4),
        "top_holder": top_holder,
        "top_count": top,
        "top_share": round(top / total, 4),
    }
