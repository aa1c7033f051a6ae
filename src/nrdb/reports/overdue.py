"""Who keeps others waiting.

The deadlines `answer_due` and `completion_due` are assumptions of the rulebook (contract section 7): they warn, and
refuse nothing. For the return of a number (NP_TILB) there is not even an assumption, so every case in `awaiting_return`
is listed from its termination time on, without a deadline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nrdb.clock import format_time
from nrdb.db import Connection
from nrdb.reports.working import Windows, overdue_since, read_calendar, windows
from nrdb.routing.numbers import national
from nrdb.rulebook import Rulebook
from nrdb.timers.calendar import WorkingCalendar, oslo_day

COLUMNS = (
    "case_id", "kind", "state", "waiting_for", "message", "since", "due_at", "overdue_working_minutes", "recipient",
    "donor", "main_number", "number_count",
)  # fmt: skip

#: $1 now, $2 and $3 the newest beginnings of what is asked for, $10 and $11 the newest of what is not (null: there is
#: none). Each branch is a look-up by state, of open cases only; IS TRUE keeps the first one from walking all that is
#: due some day.
_OVERDUE = """
WITH waiting AS (
    SELECT c.case_id, c.created_at, c.kind, c.state, c.donor AS waiting_for, 'NP_GODK' AS message, asked.at AS since
      FROM cases c, LATERAL (
           SELECT at FROM message_log m WHERE m.message_id = c.newest_order AND m.case_id = c.case_id OFFSET 0) asked
     WHERE c.kind = 'porting' AND c.state = 'awaiting_donor' AND (c.due_at > $1) IS TRUE
       AND c.created_at <= $2 AND asked.at <= $2 AND ($10::timestamptz IS NULL OR asked.at > $10)
    UNION ALL
    SELECT c.case_id, c.created_at, c.kind, 'awaiting_completion', code,
           CASE c.kind WHEN 'five_digit' THEN '5_FERD' ELSE 'NP_FERD' END, c.effective_time
      FROM unnest(ARRAY['porting', 'five_digit']) AS k(kind),
           unnest(ARRAY['scheduled', 'awaiting_completion']) AS s(state), LATERAL (
           SELECT * FROM cases
            WHERE kind = k.kind AND state = s.state AND effective_time <= $3 AND created_at <= $3
              AND ($11::timestamptz IS NULL OR effective_time > $11) OFFSET 0) c,
           unnest(c.expected) AS code
     WHERE code <> ALL (c.received || c.waived)
    UNION ALL
    SELECT c.case_id, c.created_at, c.kind, 'awaiting_return', code, 'NP_TILB', c.effective_time
      FROM unnest(ARRAY['awaiting_termination', 'awaiting_return']) AS s(state), LATERAL (
           SELECT * FROM cases
            WHERE kind = 'termination' AND state = s.state AND effective_time <= $1 AND created_at <= $1 OFFSET 0) c,
           unnest(c.range_holders) AS code
     WHERE code <> '0' AND $10 IS NULL
)
SELECT w.*, c.recipient, c.donor, c.main_number, c.number_count
  FROM (SELECT * FROM waiting
         WHERE ($4::text[] IS NULL OR EXISTS (
                   SELECT 1 FROM case_party p WHERE p.code = ANY($4) AND p.created_at = waiting.created_at
                                                AND p.case_id = waiting.case_id))
           AND ($5::text IS NULL OR waiting_for = $5)
           AND ($12::text IS NULL OR kind = $12)
           AND ($6::timestamptz IS NULL OR (since, case_id, waiting_for) > ($6, $7::uuid, $8::text))
         ORDER BY since, case_id, waiting_for LIMIT $9) w
  JOIN cases c USING (case_id) ORDER BY w.since, w.case_id, w.waiting_for
"""


@dataclass(frozen=True, slots=True)
class OverdueFilter:
    """`seen_by` limits the report to cases that one of these codes is party to; `code` to what this code owes.

    `due_within`: not what is late, but what will be when so many more working minutes have passed.
    """

    seen_by: tuple[str, ...] | None = None
    code: str | None = None
    kind: str | None = None
    due_within: int | None = None
    after: Sequence[Any] | None = None
    limit: int = 100


async def read_overdue(connection: Connection, rulebook: Rulebook, wanted: OverdueFilter) -> list[dict[str, Any]]:
    """Oldest first, one item for a case and each code that it waits for. Costs a look at every case that waits."""
    now, calendar = await read_calendar(connection, rulebook)
    due = rulebook.assumptions
    dues = (due.answer_due.value, due.completion_due.value)
    late: list[datetime] = [overdue_since(calendar, now, minutes) for minutes in dues]
    asked = late
    if wanted.due_within is not None:
        then = calendar.add_working_minutes(now, wanted.due_within)
        asked = [min(now, overdue_since(calendar, then, minutes)) for minutes in dues]
    rows = await connection.fetch(
        _OVERDUE,
        now,
        *asked,
        list(wanted.seen_by) if wanted.seen_by is not None else None,
        wanted.code,
        *(wanted.after or (None, None, None)),
        wanted.limit,
        *(late if wanted.due_within is not None else (None, None)),
        wanted.kind,
    )
    if not rows:
        return []
    passed = windows(calendar, oslo_day(rows[0]["since"]) - timedelta(days=1), oslo_day(now))
    minutes = {"NP_GODK": due.answer_due.value, "NP_FERD": due.completion_due.value, "5_FERD": due.completion_due.value}
    return [_item(row, calendar, passed, now, minutes.get(row["message"])) for row in rows]


def _item(row: Any, calendar: WorkingCalendar, passed: Windows, now: datetime, minutes: int | None) -> dict[str, Any]:
    due_at = calendar.add_working_minutes(row["since"], minutes) if minutes is not None else None
    return {
        **{name: row[name] for name in COLUMNS if name in row},
        "case_id": str(row["case_id"]),
        "main_number": national(row["main_number"]),
        "since": format_time(row["since"]),
        "due_at": format_time(due_at) if due_at else None,
        "overdue_working_minutes": max(0, int(passed.minutes(due_at, now))) if due_at else None,
    }
