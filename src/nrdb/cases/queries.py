"""Reading cases: one, many, and the history of one. Every answer is settled at the instant it is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from nrdb.cases.case import CLEARINGHOUSE, Case, due, settled
from nrdb.cases.facts import read_case, read_days, read_numbers
from nrdb.cases.machine import TIME, WAIVE
from nrdb.db import Connection


@dataclass(frozen=True, slots=True)
class CaseRead:
    """A case as it is at `now`, with the closed days that its `next` is reckoned with."""

    case: Case
    now: datetime
    closed_days: frozenset[date]


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list is asked for. `seen_by` limits it to cases that one of these codes may see; None sees all."""

    seen_by: tuple[str, ...] | None = None
    number: int | None = None
    state: str | None = None
    kind: str | None = None
    code: str | None = None
    role: str | None = None
    from_time: datetime | None = None
    until_time: datetime | None = None
    after: tuple[datetime, UUID] | None = None
    limit: int = 100


_NOW = "(SELECT coalesce((SELECT sandbox_now FROM world), clock_timestamp()) AS now)"

_READ = f"""
SELECT w.now, (SELECT json_agg(day) FROM closed_day) AS closed_days, c.*,
       (SELECT json_agg(json_build_array(lower(n.numbers), upper(n.numbers) - 1))
          FROM case_numbers n WHERE n.case_id = c.case_id) AS numbers,
       (SELECT m.personal -> 'customer' FROM message_log m WHERE m.id = c.customer_log) AS customer
  FROM {_NOW} w, cases c
"""

#: The state as it is now; a test holds it equal to `cases.case.settled`.
EFFECTIVE_STATE = """
CASE WHEN c.due_at IS NULL OR c.due_at > w.now THEN c.state
     WHEN c.state <> 'scheduled' THEN 'obsolete'
     WHEN c.expected <@ (c.received || c.waived) THEN 'completed'
     ELSE 'awaiting_completion' END
"""

_ROLES = {"MT": "c.recipient = {}", "AT": "c.donor = {}", "OAT": "{} = ANY(c.range_holders)"}
_ANY_ROLE = "({0} IN (c.recipient, c.donor) OR {0} = ANY(c.told))"


async def find_case(connection: Connection, case_id: UUID) -> CaseRead | None:
    """One case, or None."""
    row = await connection.fetchrow(f"{_READ} WHERE c.case_id = $1", case_id)
    return _read(row) if row else None


async def list_cases(connection: Connection, wanted: CaseFilter) -> list[CaseRead]:
    """Newest `created_at` first; at most `limit`."""
    values: list[Any] = []

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    where = " AND ".join(_conditions(wanted, bind)) or "true"
    order = f"ORDER BY c.created_at DESC, c.case_id DESC LIMIT {bind(wanted.limit)}"
    return [_read(row) for row in await connection.fetch(f"{_READ} WHERE {where} {order}", *values)]


def _conditions(wanted: CaseFilter, bind: Any) -> Iterable[str]:
    if wanted.seen_by is not None:
        codes = bind(list(wanted.seen_by))
        yield f"(c.recipient = ANY({codes}) OR c.donor = ANY({codes}) OR c.told && {codes}::text[])"
    if wanted.code is not None:
        code = bind(wanted.code)
        yield _ROLES.get(wanted.role or "", _ANY_ROLE).format(code)
    if wanted.number is not None:
        number = bind(wanted.number)
        yield f"c.case_id IN (SELECT n.case_id FROM case_numbers n WHERE n.numbers @> {number}::bigint)"
    if wanted.state is not None:
        yield f"{EFFECTIVE_STATE} = {bind(wanted.state)}"
    if wanted.kind is not None:
        yield f"c.kind = {bind(wanted.kind)}"
    if wanted.from_time is not None:
        yield f"c.effective_time >= {bind(wanted.from_time)}"
    if wanted.until_time is not None:
        yield f"c.effective_time < {bind(wanted.until_time)}"
    if wanted.after is not None:
        created, case_id = wanted.after
        yield f"(c.created_at, c.case_id) < ({bind(created)}, {bind(case_id)})"


def _read(row: asyncpg.Record) -> CaseRead:
    case = settled(read_case(row, read_numbers(row["numbers"])), row["now"])
    return CaseRead(case, row["now"], read_days(row["closed_days"]))


_HISTORY = """
SELECT at, CASE WHEN sender <> 'NRDB' THEN message_id END AS message_id, type, sender AS by, from_state, to_state,
       CASE WHEN type IN ('plan-change', 'code-transfer') THEN body END AS body
  FROM message_log WHERE case_id = $1 AND type <> 'NOTICE' ORDER BY id
"""


async def history(connection: Connection, case_id: UUID) -> list[dict[str, Any]]:
    """Everything that happened to the case, oldest first; what time has done stands in it, written down or not."""
    # The case is read first: what is written down in between is then seen among the lines, never missed.
    row = await connection.fetchrow(f"{_READ} WHERE c.case_id = $1", case_id)
    lines = [{**line, "note": None} for line in await connection.fetch(_HISTORY, case_id)]
    pending = due(read_case(row, read_numbers(row["numbers"])), row["now"]) if row else None
    if pending and not any(line["type"] == TIME for line in lines):
        lines.append(
            {
                "at": pending.at,
                "message_id": None,
                "type": TIME,
                "by": CLEARINGHOUSE,
                "from_state": pending.from_state,
                "to_state": pending.case.state,
                "note": None,
            }
        )
    return [{"seq": seq, **_without_body(line), "note": _note(line)} for seq, line in enumerate(lines, start=1)]


def _without_body(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "body"}


def _note(line: dict[str, Any]) -> str | None:
    """A word for what nobody sent."""
    if line["type"] == WAIVE:
        return "The NP_FERD of a provider is no longer awaited: its code has become inactive."
    if line["type"] == "plan-change":
        return "The series of its numbers went from {from} to {to} in the number plan.".format(**line["body"])
    if line["type"] == "code-transfer":
        return "The code {from} has become {to}.".format(**line["body"])
    if line["type"] != TIME:
        return None
    if line["to_state"] == "obsolete":
        return "The porting time passed without NP_IVER (S3 2.4.2)."
    return "The porting time was reached."
