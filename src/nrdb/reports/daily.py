"""A day's figures: what was sent, what became of cases, what was refused, and how fast donors answered.

A day is a day in Norway. What time has done counts on the day it happened, written down or not.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from nrdb.cases.queries import EFFECTIVE_STATE
from nrdb.db import Connection, fetch_one
from nrdb.reports.working import Windows, midnight, read_calendar, windows
from nrdb.rulebook import Rulebook

#: The longest stretch of one report: each day is a walk over its messages.
MOST_DAYS = 31
#: Days before the first one in which an order may lie that is answered in the report: T11 allows 60 working days.
_DAYS_BEFORE = 150

COLUMNS = ("day", "figure", "code", "name", "value")
ANSWER_COLUMNS = ("code", "name", "value")

_CASES = ("opened", "executed", "completed", "rejected", "cancelled", "obsolete", "returned")

#: $1 and $2 the day, $3 the code or null for all. Lines of a case that the code is a party to, or that it sent.
_DAY = f"""
WITH w AS MATERIALIZED (SELECT nrdb_now() AS now),
lines AS MATERIALIZED (
    SELECT m.type, m.sender, m.case_id, m.from_state, m.to_state
      FROM message_log m WHERE m.at >= $1 AND m.at < $2 AND m.type <> 'NOTICE'
), steps AS MATERIALIZED (
    SELECT l.* FROM lines l
     WHERE $3::text IS NULL OR EXISTS (
           SELECT 1 FROM cases c
            WHERE c.case_id = l.case_id
              AND ($3 IN (c.recipient, c.donor) OR c.kind = 'termination' AND $3 = ANY(c.range_holders)))
    UNION ALL
    SELECT 'time', 'NRDB', c.case_id, c.state, {EFFECTIVE_STATE}
      FROM cases c, w
     WHERE c.due_at >= $1 AND c.due_at < $2 AND c.due_at <= w.now
       AND ($3 IS NULL OR $3 IN (c.recipient, c.donor) OR c.kind = 'termination' AND $3 = ANY(c.range_holders))
)
SELECT (SELECT json_object_agg(type, count ORDER BY type)
          FROM (SELECT type, count(*) FROM lines
                 WHERE sender <> 'NRDB' AND ($3 IS NULL OR sender = $3) GROUP BY type) t) AS messages,
       (SELECT json_object_agg(code, count ORDER BY code)
          FROM (SELECT code, count(*) FROM refusal
                 WHERE at >= $1 AND at < $2 AND ($3 IS NULL OR sender = $3) GROUP BY code) t) AS refusals,
       count(*) FILTER (WHERE type IN ('NP_BEST', 'NP_OPPS', '5_IVER', '5_OPPS')) AS opened,
       count(*) FILTER (WHERE type IN ('NP_IVER', '5_IVER')) AS executed,
       {
    ", ".join(
        f"count(*) FILTER (WHERE to_state = '{state}' AND from_state IS DISTINCT FROM to_state) AS {state}"
        for state in ("completed", "rejected", "cancelled", "obsolete", "returned")
    )
},
       (SELECT coalesce(sum(c.number_count), 0)::bigint FROM steps s JOIN cases c USING (case_id)
         WHERE s.type = 'time' AND s.from_state = 'scheduled' AND c.recipient <> c.donor) AS numbers_moved,
       (SELECT coalesce(sum(c.number_count), 0)::bigint FROM steps s JOIN cases c USING (case_id)
         WHERE s.to_state = 'returned' AND s.from_state IS DISTINCT FROM 'returned') AS numbers_returned
  FROM steps
"""

# Working minutes up to an instant are those before its window and those within it; `width_bucket` finds the window.
_UNTIL = "coalesce({0}.before + extract(epoch FROM least({1}, {0}.closes) - {0}.opens) / 60, 0)"
_WINDOW = """LATERAL (
    SELECT ($5::float8[])[place] AS before, ($6::timestamptz[])[place] AS opens, ($7::timestamptz[])[place] AS closes
      FROM width_bucket({0}, $6::timestamptz[]) AS place) {1}"""

#: $4 minutes within which an answer is due, $5 to $7 the windows of working time.
_ANSWERS = f"""
SELECT code, count(*), avg(within::int)::float8 AS share,
       percentile_cont(ARRAY[0.5, 0.9, 1.0]) WITHIN GROUP (ORDER BY working) AS working,
       percentile_cont(ARRAY[0.5, 0.9, 1.0]) WITHIN GROUP (ORDER BY elapsed) AS elapsed
  FROM (SELECT *, working < $4::int OR working = $4 AND in_working_time AS within
          FROM (SELECT answer.sender AS code, extract(epoch FROM answer.at - asked.at)::float8 / 60 AS elapsed,
                       ({_UNTIL.format("ended", "answer.at")}
                        - {_UNTIL.format("began", "asked.at")})::float8 AS working,
                       answer.at > ended.opens AND answer.at <= ended.closes AS in_working_time
                  FROM (SELECT id, at, sender, case_id FROM message_log
                         WHERE at >= $1 AND at < $2 AND type IN ('NP_GODK', 'NP_FBES')
                           AND ($3::text IS NULL OR sender = $3)) answer,
                       LATERAL (SELECT max(m.at) AS at FROM message_log m
                                 WHERE m.case_id = answer.case_id AND m.id < answer.id
                                   AND m.type IN ('NP_BEST', 'NP_ENDR')) asked,
                       {_WINDOW.format("asked.at", "began")},
                       {_WINDOW.format("answer.at", "ended")}) timed) measured
 GROUP BY code ORDER BY code
"""


async def read_daily(
    connection: Connection, rulebook: Rulebook, first: date, last: date, code: str | None
) -> list[dict[str, Any]]:
    """The days from `first` to before `last`, at most `MOST_DAYS`; of one code, or of all.

    Costs a walk over the messages of those days, found by the time they came, whatever else the log holds.
    """
    _, calendar = await read_calendar(connection, rulebook)
    passed = windows(calendar, first - timedelta(days=_DAYS_BEFORE), last)
    due = rulebook.assumptions.answer_due.value
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days)]
    return [await _day(connection, day, code, due, passed) for day in days]


async def _day(connection: Connection, day: date, code: str | None, due: int, passed: Windows) -> dict[str, Any]:
    stretch = midnight(day), midnight(day + timedelta(days=1))
    row = await fetch_one(connection, _DAY, *stretch, code)
    answers = await connection.fetch(_ANSWERS, *stretch, code, due, passed.before, passed.opens, passed.closes)
    return {
        "day": day.isoformat(),
        "messages": row["messages"] or {},
        "cases": {name: row[name] for name in _CASES},
        "numbers_moved": row["numbers_moved"],
        "numbers_returned": row["numbers_returned"],
        "refusals": row["refusals"] or {},
        "answers": [_answers(answer) for answer in answers],
    }


async def read_answers(
    connection: Connection, rulebook: Rulebook, first: date, last: date, code: str | None
) -> list[dict[str, Any]]:
    """How fast each donor answered on the days from `first` to before `last`, as of one day in `read_daily`.

    The middle of several days is not the middle of their middles, so it is looked for among all answers of the days.
    """
    _, calendar = await read_calendar(connection, rulebook)
    passed = windows(calendar, first - timedelta(days=_DAYS_BEFORE), last)
    rows = await connection.fetch(
        _ANSWERS, midnight(first), midnight(last), code, rulebook.assumptions.answer_due.value,
        passed.before, passed.opens, passed.closes,
    )  # fmt: skip
    return [_answers(row) for row in rows]


def _answers(row: Any) -> dict[str, Any]:
    return {
        "code": row["code"],
        "count": row["count"],
        "working_minutes": _spread(row["working"]),
        "minutes": _spread(row["elapsed"]),
        "within_due": round(row["share"], 4),
    }


def _spread(figures: list[float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in zip(("median", "p90", "max"), figures, strict=True)}


def lines(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The same figures one a line, which is how a spreadsheet can sum and turn them."""
    for item in items:
        for group in ("messages", "cases", "refusals"):
            for name, value in item[group].items():
                yield {"day": item["day"], "figure": group, "name": name, "value": value}
        for name in ("moved", "returned"):
            yield {"day": item["day"], "figure": "numbers", "name": name, "value": item[f"numbers_{name}"]}
        for line in answer_lines(item["answers"]):
            yield {"day": item["day"], "figure": "answers", **line}


def answer_lines(answers: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """How fast donors answered, one figure a line."""
    for answer in answers:
        place = {"code": answer["code"]}
        yield {**place, "name": "count", "value": answer["count"]}
        for unit in ("working_minutes", "minutes"):
            for name, value in answer[unit].items():
                yield {**place, "name": f"{name}_{unit}", "value": value}
        yield {**place, "name": "within_due", "value": answer["within_due"]}
