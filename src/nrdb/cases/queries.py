"""Reading a case and its history; `cases.lists` reads many. Every answer is settled at the instant it is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from nrdb.cases.case import CLEARINGHOUSE, NKOM, Case, due, settled
from nrdb.cases.facts import read_case, read_days, read_numbers
from nrdb.cases.machine import TIME, WAIVE
from nrdb.db import Connection
from nrdb.routing.numbers import NumberRange
from nrdb.texts import Sentence, say
from nrdb.vault import Vault


@dataclass(frozen=True, slots=True)
class CaseRead:
    """A case as it is at `now`, with the closed days that its `next` is reckoned with."""

    case: Case
    now: datetime
    closed_days: frozenset[date]


_NOW = "(SELECT coalesce((SELECT sandbox_now FROM world), clock_timestamp()) AS now)"

#: What is read of a case `c` at the instant `w.now`; `read_row` makes a case of it.
SELECTED = """
       w.now, (SELECT json_agg(day) FROM closed_day) AS closed_days, c.*,
       (SELECT json_agg(json_build_array(lower(n.numbers), upper(n.numbers) - 1))
          FROM case_numbers n WHERE n.case_id = c.case_id) AS numbers,
       (SELECT m.sealed FROM message_log m WHERE m.id = c.customer_log AND kept(c.personal_until)) AS customer
"""

_READ = f"SELECT {SELECTED} FROM {_NOW} w, cases c"

#: The state as it is now; a test holds it equal to `cases.case.settled`.
EFFECTIVE_STATE = """
CASE WHEN c.due_at IS NULL OR c.due_at > w.now THEN c.state
     WHEN c.state = 'awaiting_termination' THEN CASE WHEN c.cap_code = '0' THEN 'returned' ELSE 'awaiting_return' END
     WHEN c.state <> 'scheduled' THEN 'obsolete'
     WHEN c.expected <@ (c.received || c.waived) THEN 'completed'
     ELSE 'awaiting_completion' END
"""


async def find_case(connection: Connection, case_id: UUID, vault: Vault) -> CaseRead | None:
    """One case, or None."""
    row = await connection.fetchrow(f"{_READ} WHERE c.case_id = $1", case_id)
    return read_row(row, vault) if row else None


async def returning_to_nkom(connection: Connection, numbers: Sequence[NumberRange]) -> tuple[NumberRange, ...]:
    """Those of the numbers whose open case ends with their return to Nkom, by the clearinghouse itself (S3 2.8)."""
    if not numbers:
        return ()
    rows = await connection.fetch(
        """
        SELECT n.first, n.last FROM unnest($1::bigint[], $2::bigint[]) AS n(first, last)
         WHERE EXISTS (
               SELECT 1 FROM case_numbers o JOIN cases c USING (case_id)
                WHERE o.numbers @> n.first AND o.during @> nrdb_now()
                  AND c.kind = 'termination' AND c.cap_code = '0')
        """,
        [item.first for item in numbers],
        [item.last for item in numbers],
    )
    return tuple(NumberRange(*row) for row in rows)


def read_row(row: asyncpg.Record, vault: Vault) -> CaseRead:
    """The case of a row of `SELECTED`, settled."""
    stored = read_case(row, read_numbers(row["numbers"]), vault.open(row["customer"]))
    case = settled(stored, row["now"])
    return CaseRead(case, row["now"], read_days(row["closed_days"]))


_HISTORY = """
SELECT at, CASE WHEN sender <> 'NRDB' THEN message_id END AS message_id, type, sender AS by, from_state, to_state,
       CASE WHEN type IN ('waive', 'plan-change', 'code-transfer') THEN body END AS body
  FROM message_log WHERE case_id = $1 AND type <> 'NOTICE' ORDER BY id
"""


async def history(connection: Connection, case_id: UUID) -> list[dict[str, Any]]:
    """Everything that happened to the case, oldest first; what time has done stands in it, written down or not."""
    # The case is read first: what is written down in between is then seen among the lines, never missed.
    row = await connection.fetchrow(f"{_READ} WHERE c.case_id = $1", case_id)
    lines = [{**line, "note": None} for line in await connection.fetch(_HISTORY, case_id)]
    pending = due(read_case(row, read_numbers(row["numbers"])), row["now"]) if row else ()
    if not any(line["type"] == TIME for line in lines):
        lines += [
            {
                "at": taken.at,
                "message_id": None,
                "type": taken.event,
                "by": CLEARINGHOUSE if taken.event == TIME else NKOM,
                "from_state": taken.from_state,
                "to_state": taken.case.state,
                "note": None,
            }
            for taken in pending
        ]
    return [{"seq": seq, **_without_body(line), "note": _note(line)} for seq, line in enumerate(lines, start=1)]


def _without_body(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "body"}


def _note(line: dict[str, Any]) -> Sentence | None:
    """A word for what nobody sent."""
    body = line.get("body") or {}
    if line["type"] == WAIVE:
        return say("{code} is no longer waited for: by an administrator, or inactive.", code=body["code"])
    if line["type"] == "plan-change":
        return say(
            "The series of its numbers went from {before} to {after} in the number plan.",
            before=body["from"],
            after=body["to"],
        )
    if line["type"] == "code-transfer":
        return say("The code {before} has become {after}.", before=body["from"], after=body["to"])
    if line["type"] != TIME:
        return None
    if line["to_state"] == "obsolete":
        return say("The porting time passed without NP_IVER (S3 2.4.2).")
    if line["from_state"] == "awaiting_termination":
        return say("The termination time was reached.")
    return say("The porting time was reached.")
