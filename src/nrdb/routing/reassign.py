"""What follows from a new holder of a series for the cases about its numbers; routing follows by itself (`reroute`).

The series itself has been changed before; `at` is the instant of the change. Everything that time has done by then has
been written down, so the stored state of a case is its true one.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from nrdb.db import LONG, Connection, fetch_one
from nrdb.routing.numbers import NumberRange
from nrdb.routing.plan import Series

#: What lists in answers, facts and audit lines hold at most; a count stands beside them.
SHOWN = 100


@dataclass(slots=True)
class Effects:
    """What a change of the plan changes besides: for dry runs, answers and the audit log.

    `conflicts` are cases that cannot follow. `numbers` counts the numbers that get another holder.
    """

    cases: list[UUID] = field(default_factory=list)
    conflicts: list[UUID] = field(default_factory=list)
    numbers: int = 0
    series: list[Series] = field(default_factory=list)
    routing_rows: int = 0

    def view(self) -> dict[str, Any]:
        """As answers and the audit log write it."""
        return {
            **listed("cases", self.cases),
            "numbers": self.numbers,
            "series": [series.view() for series in self.series[:SHOWN]],
            "series_count": len(self.series),
            "routing_rows": self.routing_rows,
            **(listed("conflicts", self.conflicts) if self.conflicts else {}),
        }


def listed(name: str, ids: list[UUID]) -> dict[str, Any]:
    """Ids, at most so many, and how many there are."""
    return {name: [str(item) for item in ids[:SHOWN]], f"{name.removesuffix('s')}_count": len(ids)}


# The cases that take numbers of the series now, with the parties that they get. A case that keeps other numbers of the
# old holder would have two donors, or two range holders where there can be one.
_FOLLOWING = """
WITH touched AS MATERIALIZED (
    SELECT DISTINCT case_id FROM case_numbers
     WHERE numbers && int8range($1, $2, '[]') AND during @> $5::timestamptz),
following AS MATERIALIZED (
    SELECT c.case_id, c.kind, c.state, c.created_at, c.effective_time, c.number_count, c.cap_code,
           CASE WHEN c.kind <> 'termination' AND c.donor = $3 THEN $4 ELSE c.donor END AS donor, after.range_holders,
           c.donor = $3 AND c.kind <> 'termination' OR after.range_holders <> c.range_holders AS changes,
           CASE WHEN c.kind = 'termination' THEN
                c.donor = $4 OR cardinality(after.range_holders) > 1 OR $4 = '0' AND c.state = 'awaiting_return'
           ELSE c.donor = $3 AND (c.recipient IN ($3, $4) OR EXISTS (
                SELECT 1 FROM case_numbers n
                 WHERE n.case_id = c.case_id AND NOT n.numbers <@ int8range($1, $2, '[]'))) END AS conflicts
      FROM touched JOIN cases c USING (case_id), LATERAL (
           SELECT array_agg(DISTINCT s.holder ORDER BY s.holder) AS range_holders
             FROM case_numbers n, LATERAL (
                  SELECT holder FROM series WHERE numbers && n.numbers AND valid @> $5::timestamptz OFFSET 0) s
            WHERE n.case_id = c.case_id) after)
"""

_HINDERING = f"{_FOLLOWING} SELECT case_id FROM following WHERE conflicts ORDER BY created_at, case_id"

_FOLLOW = f"""
{_FOLLOWING}, written AS (
    UPDATE cases c SET donor = f.donor, range_holders = f.range_holders, version = version + 1,
           cap_code = CASE WHEN f.kind = 'termination' AND c.cap_code = $3 THEN $4 ELSE c.cap_code END,
           updated_at = greatest(c.updated_at, $5)
      FROM following f WHERE c.case_id = f.case_id AND f.changes AND NOT f.conflicts
    RETURNING c.case_id, c.kind, c.state, c.recipient, c.donor, c.range_holders, c.told, c.effective_time,
              c.number_count, f.cap_code AS old_cap_code, c.created_at, c.updated_at
), logged AS (
    INSERT INTO message_log (id, at, type, sender, message_id, case_id, from_state, to_state, body)
    SELECT nextval('message_log_id_seq'), updated_at, 'plan-change', 'NRDB', message_id, case_id, state, state,
           json_build_object('type', 'plan-change', 'message_id', message_id, 'sender', 'NRDB', 'case_id', case_id,
                             'from', $3::text, 'to', $4::text, 'series_id', $6::text)
      FROM (SELECT *, gen_random_uuid() AS message_id FROM written ORDER BY created_at, case_id) w
), hidden AS (
    DELETE FROM case_party p USING written w
     WHERE p.code = $3 AND p.created_at = w.created_at AND p.case_id = w.case_id AND $3 <> ALL(w.told)
       AND $3 IS DISTINCT FROM w.recipient AND $3 <> w.donor
), shown AS (
    INSERT INTO case_party (code, created_at, case_id)
    SELECT $4, created_at, case_id FROM written
     WHERE $4 <> '0' AND (donor = $4 OR kind = 'termination' AND $4 = ANY(range_holders))
    ON CONFLICT DO NOTHING
), room AS MATERIALIZED (
    SELECT (effective_time AT TIME ZONE 'Europe/Oslo')::date AS day, sum(number_count)::bigint AS numbers
      FROM written WHERE kind = 'termination' AND old_cap_code = $3 GROUP BY 1
), given AS (
    UPDATE cap_day SET used = used - room.numbers FROM room WHERE cap_day.code = $3 AND cap_day.day = room.day
), taken AS (
    INSERT INTO cap_day AS c (code, day, used) SELECT $4, day, numbers FROM room
    ON CONFLICT (code, day) DO UPDATE SET used = c.used + excluded.used
), reblocked AS (
    UPDATE case_numbers n
       SET during = tstzrange(lower(n.during), CASE WHEN $4 = '0' THEN w.effective_time END)
      FROM written w WHERE w.kind = 'termination' AND '0' IN ($3, $4) AND n.case_id = w.case_id
)
SELECT case_id FROM written ORDER BY created_at, case_id
"""

# What is ported to others than the old holder at that instant, whether the rows have followed the series yet or not.
_ELSEWHERE = """
SELECT coalesce(sum(least(last, $2) - greatest(first, $1) + 1), 0)::bigint
  FROM routing_of($1, $2)
 WHERE valid_from <= $4 AND $4 < valid_until AND own_holder <> $3 AND holder = own_holder
"""


async def hindering(connection: Connection, series: Series, old: str, at: datetime) -> list[UUID]:
    """Open cases that cannot follow the series to its new holder, oldest first."""
    if series.holder == old:
        return []
    rows = await connection.fetch(_HINDERING, *_bounds(series), old, series.holder, at, timeout=LONG)
    return [row["case_id"] for row in rows]


async def reassign(connection: Connection, series: Series, old: str, at: datetime) -> Effects:
    """Cases follow the series from its old holder to the one it has; those that cannot, stay."""
    effects = Effects(series=[series])
    if series.holder == old:
        return effects
    first, last = _bounds(series)
    effects.conflicts = await hindering(connection, series, old, at)
    elsewhere = await connection.fetchval(_ELSEWHERE, first, last, old, at, timeout=LONG)
    effects.numbers = series.numbers.count - elsewhere
    written = await connection.fetch(_FOLLOW, first, last, old, series.holder, at, str(series.series_id), timeout=LONG)
    effects.cases = [row["case_id"] for row in written]
    return effects


@dataclass(frozen=True, slots=True)
class Taken:
    """What hinders that a series is blocked for porting: numbers ported, now or as scheduled, and open cases."""

    ported: list[dict[str, str]]
    ported_count: int
    cases: list[UUID]


_TAKEN = """
WITH ported AS MATERIALIZED (
    SELECT int8range(greatest(first, $1), least(last, $2), '[]') AS numbers FROM routing_of($1, $2)
     WHERE valid_until > $3 AND holder <> range_holder)
SELECT (SELECT json_agg(json_build_array(lower(p.numbers), upper(p.numbers) - 1))
          FROM (SELECT DISTINCT numbers FROM ported ORDER BY numbers LIMIT 100) p) AS ported,
       (SELECT sum(upper(p.numbers) - lower(p.numbers))::bigint FROM (SELECT DISTINCT numbers FROM ported) p) AS count,
       (SELECT array_agg(DISTINCT case_id) FROM case_numbers
         WHERE numbers && int8range($1, $2, '[]') AND during @> $3::timestamptz) AS cases
"""


async def taken_in(connection: Connection, series: Series, at: datetime) -> Taken:
    """What is ported or in an open case of a series."""
    row = await fetch_one(connection, _TAKEN, *_bounds(series), at)
    ported = [NumberRange(first, last).view() for first, last in row["ported"] or ()]
    return Taken(ported, row["count"] or 0, list(row["cases"] or ()))


def _bounds(series: Series) -> tuple[int, int]:
    return series.numbers.first, series.numbers.last
