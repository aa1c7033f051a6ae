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

#: States that time alone leads to. A case may be in one of them before anybody has written that down.
_BY_TIME = frozenset({"awaiting_completion", "completed", "obsolete", "awaiting_return", "returned"})
#: The states of each kind (contract section 3).
KIND_STATES = {
    "porting": ("awaiting_donor", "awaiting_recipient", "scheduled", "awaiting_completion", "completed", "rejected",
                "cancelled", "obsolete"),
    "termination": ("awaiting_termination", "awaiting_return", "returned", "rejected", "cancelled"),
    "five_digit": ("scheduled", "awaiting_completion", "completed", "cancelled"),
}  # fmt: skip
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
# One look-up for each case. As EXISTS it may be turned round, into a walk over all that the codes are party to.
_TOLD = """(SELECT true FROM case_party p
             WHERE p.code = ANY({}) AND p.created_at = c.created_at AND p.case_id = c.case_id LIMIT 1)"""

# OFFSET 0 keeps each stream an index scan of its own that stops at the limit; joined, it would be read to its end.
_STREAM = """
SELECT f.created_at, f.case_id
  FROM {each} w, LATERAL (SELECT c.created_at, c.case_id FROM {source} WHERE {where}
                    ORDER BY {order}.created_at DESC, {order}.case_id DESC LIMIT {limit} OFFSET 0) f
"""
_CASES_OF_NUMBER = """
    (SELECT DISTINCT case_id FROM case_numbers WHERE numbers @> {}::bigint OFFSET 0) n,
    LATERAL (SELECT * FROM cases WHERE case_id = n.case_id OFFSET 0) c"""
_DUE = "LATERAL (SELECT * FROM cases WHERE due_at <= w.now OFFSET 0) c"
_EACH_STATE = "unnest('{{{}}}'::text[]) AS s(state),"
_EACH_KIND_AND_STATE = "unnest('{{{}}}'::text[], '{{{}}}'::text[]) AS s(kind, state),"
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
    if not streams:
        return []
    statement = _PAGE.format(streams=streams, limit=bind(wanted.limit), selected=SELECTED)
    return [read_row(row, vault) for row in await connection.fetch(statement, *values)]


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stretch of an index: once for `each` of these, what of `source` meets the conditions, in order."""

    each: str
    source: str
    conditions: tuple[str, ...] = ()
    order: str = "c"


def _streams(wanted: CaseFilter, bind: Bind) -> Iterator[str]:
    pairs = _kinds_and_states(wanted)
    if not pairs:
        return
    where = tuple(_conditions(wanted, bind))
    limit = bind(wanted.limit)
    for stream in _sources(wanted, bind, pairs):
        yield _STREAM.format(
            each=stream.each,
            source=stream.source,
            where=" AND ".join((*stream.conditions, *where)) or "true",
            order=stream.order,
            limit=limit,
        )


def _sources(wanted: CaseFilter, bind: Bind, pairs: list[tuple[str, str]]) -> Iterator[_Stream]:
    if wanted.number is not None:
        yield _Stream("", _CASES_OF_NUMBER.format(bind(wanted.number)))
        return
    if wanted.state in _BY_TIME:
        yield _Stream("", _DUE)
    kinds, states = (",".join(part) for part in zip(*pairs, strict=True))
    all_cases = _Stream(_EACH_KIND_AND_STATE.format(kinds, states), "cases c", ("c.kind = s.kind", "c.state = s.state"))
    walked = _codes(wanted)
    by_role = wanted.role is not None and wanted.code is not None
    if walked is None or (wanted.state in _OPEN and not by_role):
        yield all_cases
        return
    codes = _EACH_CODE.format(bind(list(walked)))
    in_states = codes + _EACH_STATE.format(",".join(sorted({state for _, state in pairs})))
    if by_role:
        yield from _of_role(wanted.role or "", in_states)
    elif wanted.state is None:
        yield _all_told(wanted, bind, codes)
    else:
        for role in ("MT", "AT") if wanted.state in _BEFORE_EXECUTION else ("MT", "AT", "OAT"):
            yield from _of_role(role, in_states)
        if wanted.state not in {*_BEFORE_EXECUTION, "rejected"}:
            yield _all_told(wanted, bind, codes)


def _all_told(wanted: CaseFilter, bind: Bind, codes: str) -> _Stream:
    """What the codes are party to or were told of."""
    source = "case_party p JOIN cases c ON c.case_id = p.case_id"
    return _Stream(codes, source, ("p.code = k.code", *_after(wanted, bind, "p")), order="p")


def _of_role(role: str, each: str) -> Iterator[_Stream]:
    match role:
        case "MT":
            conditions = ["c.recipient = k.code"]
        case "AT":
            conditions = ["c.donor = k.code"]
        case _:
            # Three, so that the two indexes of range holders hold only what the donor's does not.
            conditions = [
                "c.donor = k.code AND c.range_holders = ARRAY[c.donor]",
                "c.range_holders[1] = k.code AND c.range_holders <> ARRAY[c.donor]",
                "cardinality(c.range_holders) > 1 AND k.code = ANY(c.range_holders)",
            ]
    for condition in conditions:
        yield _Stream(each, "cases c", (condition, "c.state = s.state"))


def _codes(wanted: CaseFilter) -> tuple[str, ...] | None:
    """The codes whose cases are walked: the one asked for, or the reader's own, which are fewer than a stranger's."""
    if wanted.code is None or (wanted.role is None and wanted.seen_by and wanted.code not in wanted.seen_by):
        return wanted.seen_by
    return (wanted.code,)


def _kinds_and_states(wanted: CaseFilter) -> list[tuple[str, str]]:
    """The pairs that are asked for; none, where the kind has no such state."""
    kinds = [wanted.kind] if wanted.kind is not None else list(KIND_STATES)
    return [(kind, state) for kind in kinds for state in KIND_STATES[kind] if wanted.state in (None, state)]


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
