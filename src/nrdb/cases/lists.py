"""Lists of cases, newest first, at a cost that follows what is asked for and not how many cases there are.

A list is put together from streams. Each is one stretch of an index in which the cases already lie newest first, so
that it ends after `limit` of them: the cases of a recipient in a state, all that a code is party to, all in a state.
Which streams a list needs follows from its filters; the remaining filters are asked of each case on the way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from nrdb.cases.queries import EFFECTIVE_STATE, SELECTED, CaseRead, read_row
from nrdb.db import Connection
from nrdb.vault import Vault

Bind = Callable[[Any], str]

#: The stored states that a state of the answer may come from: time may have done more than is written down.
STORED_STATES = {
    "awaiting_donor": ("awaiting_donor",),
    "awaiting_recipient": ("awaiting_recipient",),
    "scheduled": ("scheduled",),
    "awaiting_completion": ("awaiting_completion", "scheduled"),
    "completed": ("completed", "scheduled"),
    "obsolete": ("obsolete", "awaiting_donor", "awaiting_recipient"),
    "rejected": ("rejected",),
    "cancelled": ("cancelled",),
    "awaiting_termination": ("awaiting_termination",),
    "awaiting_return": ("awaiting_return", "awaiting_termination"),
    "returned": ("returned", "awaiting_termination"),
}
#: In these only the recipient and the donor know of a case.
_BEFORE_EXECUTION = frozenset({"awaiting_donor", "awaiting_recipient", "obsolete"})
#: Cases leave these, so they are few at any time. Of those that have ended there are ever more.
_OPEN = frozenset({"scheduled", "awaiting_completion", "awaiting_termination", "awaiting_return"})


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list is asked for. `seen_by` limits it to cases that one of these codes may see; None sees all.

    `code` without a role means any case that the code is party to or has been told of.
    """

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


_ROLES = {"MT": "c.recipient = {}", "AT": "c.donor = {}", "OAT": "{} = ANY(c.range_holders)"}
_TOLD = """EXISTS (SELECT 1 FROM case_party p
                    WHERE p.code = ANY({}) AND p.created_at = c.created_at AND p.case_id = c.case_id)"""

# OFFSET 0 keeps each stream an index scan of its own that stops at the limit; joined, it would be read to its end.
_STREAM = """
SELECT f.created_at, f.case_id
  FROM {each} w, LATERAL (SELECT c.created_at, c.case_id FROM {source} WHERE {where}
                    ORDER BY {order}.created_at DESC, {order}.case_id DESC LIMIT {limit} OFFSET 0) f
"""
_EACH_STATE = "unnest(ARRAY[{}]) AS s(state),"
_EACH_CODE = "unnest({}::text[]) AS k(code),"

_PAGE = """
WITH w AS MATERIALIZED (SELECT coalesce((SELECT sandbox_now FROM world), clock_timestamp()) AS now),
page AS MATERIALIZED (
    SELECT DISTINCT created_at, case_id FROM ({streams}) u ORDER BY created_at DESC, case_id DESC LIMIT {limit})
SELECT {selected} FROM w, page JOIN cases c USING (case_id) ORDER BY c.created_at DESC, c.case_id DESC
"""


async def list_cases(connection: Connection, wanted: CaseFilter, vault: Vault) -> list[CaseRead]:
    """Newest `created_at` first; at most `limit`."""
    values: list[Any] = []

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    streams = " UNION ALL ".join(_streams(wanted, bind))
    statement = _PAGE.format(streams=streams, limit=bind(wanted.limit), selected=SELECTED)
    return [read_row(row, vault) for row in await connection.fetch(statement, *values)]


def _streams(wanted: CaseFilter, bind: Bind) -> Iterator[str]:
    where = list(_conditions(wanted, bind))
    limit = bind(wanted.limit)
    in_state = _EACH_STATE.format(", ".join(f"'{state}'" for state in _stored_states(wanted)))

    def stream(each: str, source: str, *more: str, order: str = "c") -> str:
        conditions = " AND ".join((*more, *where)) or "true"
        return _STREAM.format(each=each, source=source, where=conditions, order=order, limit=limit)

    def of_role(role: str, codes: str) -> Iterator[str]:
        each = _EACH_CODE.format(codes) + in_state
        match role:
            case "MT":
                yield stream(each, "cases c", "c.recipient = k.code", "c.state = s.state")
            case "AT":
                yield stream(each, "cases c", "c.donor = k.code", "c.state = s.state")
            case _:
                # Three, so that the two indexes hold only what the donor's does not.
                home, first = "c.donor = k.code", "c.range_holders[1] = k.code"
                yield stream(each, "cases c", home, "c.state = s.state", "c.range_holders = ARRAY[c.donor]")
                yield stream(each, "cases c", first, "c.state = s.state", "c.range_holders <> ARRAY[c.donor]")
                several = ("cardinality(c.range_holders) > 1", "c.state = s.state")
                yield stream(each, "cases c", *several, "k.code = ANY(c.range_holders)")

    if wanted.number is not None:
        yield stream("", "cases c", f"c.case_id IN ({_cases_of(bind(wanted.number))})")
        return
    codes = _codes(wanted)
    if codes is None:
        yield stream(in_state, "cases c", "c.state = s.state") if wanted.state else stream("", "cases c")
        return
    of = bind(list(codes))
    if wanted.role is not None and wanted.code is not None:
        yield from of_role(wanted.role, of)
        return
    if wanted.state is not None:
        for role in ("MT", "AT") if wanted.state in _BEFORE_EXECUTION else ("MT", "AT", "OAT"):
            yield from of_role(role, of)
    if wanted.state in _OPEN:
        yield stream(in_state, "cases c", "c.state = s.state")
    elif wanted.state not in {*_BEFORE_EXECUTION, "rejected"}:
        told = "case_party p JOIN cases c ON c.case_id = p.case_id"
        yield stream(_EACH_CODE.format(of), told, "p.code = k.code", *_after(wanted, bind, "p"), order="p")


def _codes(wanted: CaseFilter) -> tuple[str, ...] | None:
    """The codes whose cases are walked: the one asked for, or the reader's own, which are fewer than a stranger's."""
    if wanted.code is None or (wanted.role is None and wanted.seen_by and wanted.code not in wanted.seen_by):
        return wanted.seen_by
    return (wanted.code,)


def _stored_states(wanted: CaseFilter) -> tuple[str, ...]:
    return STORED_STATES[wanted.state] if wanted.state is not None else tuple(STORED_STATES)


def _cases_of(number: str) -> str:
    return f"SELECT n.case_id FROM case_numbers n WHERE n.numbers @> {number}::bigint"


def _conditions(wanted: CaseFilter, bind: Bind) -> Iterator[str]:
    """What every stream asks of a case, whatever led to it."""
    if wanted.seen_by is not None:
        yield _TOLD.format(bind(list(wanted.seen_by)))
    if wanted.code is not None:
        yield _ROLES[wanted.role].format(bind(wanted.code)) if wanted.role else _TOLD.format(bind([wanted.code]))
    if wanted.state is not None:
        yield f"{EFFECTIVE_STATE} = {bind(wanted.state)}"
    if wanted.kind is not None:
        yield f"c.kind = {bind(wanted.kind)}"
    if wanted.from_time is not None:
        yield f"c.effective_time >= {bind(wanted.from_time)}"
    if wanted.until_time is not None:
        # No case takes effect before it was opened, so the newer ones need not be looked at.
        until = bind(wanted.until_time)
        yield f"c.effective_time < {until} AND c.created_at < {until}"
    yield from _after(wanted, bind, "c")


def _after(wanted: CaseFilter, bind: Bind, table: str) -> Iterator[str]:
    if wanted.after is not None:
        created, case_id = wanted.after
        yield f"({table}.created_at, {table}.case_id) < ({bind(created)}, {bind(case_id)})"
