"""Lists of cases, at a cost that follows what is asked for and not how many cases there are.

A list is put together from streams. Each is one stretch of an index in which the cases already lie newest first, so
that it ends after `limit` of them: the cases of a recipient in a state, all that a code is party to, all in a state.
Which streams a list needs follows from its filters; the remaining filters are asked of each case on the way.

What is open can also be listed by its time, soonest first, and so can what came to nothing on a day. Such a stream is
read whole and sorted, for there are never many: cases leave the open states, and a day's are found by their time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from nrdb.cases.machine import ENDS, KINDS, STATES_OF, Kind
from nrdb.cases.queries import EFFECTIVE_STATE, SELECTED, CaseRead, read_row
from nrdb.db import Connection
from nrdb.vault import Vault

Bind = Callable[[Any], str]
#: Newest `created_at` first, or soonest porting or termination time first.
Order = Literal["newest", "time"]

#: States that time alone leads to. A case may be in one of them before anybody has written that down.
_BY_TIME = frozenset({"awaiting_completion", "completed", "obsolete", "awaiting_return", "returned"})
#: In these only the recipient and the donor know of a case.
_BEFORE_EXECUTION = frozenset({"awaiting_donor", "awaiting_recipient", "obsolete"})
#: Cases leave these, so they are few at any time. Of those that have ended there are ever more.
_OPEN = frozenset({"scheduled", "awaiting_completion", "awaiting_termination", "awaiting_return"})
#: A day at its longest. Fewer cases end in it than a walk, newest first, may have to pass on its way there.
_SHORT = timedelta(hours=25)

#: Whom a list's cases wait for: one of the codes that it is about, or somebody else.
WaitingFor = Literal["own", "others"]
#: The states in which something is wanted of providers, and of whom.
_WANTED_OF = {
    "awaiting_donor": "ARRAY[c.donor]",
    "awaiting_recipient": "ARRAY[c.recipient]",
    "awaiting_completion": "ARRAY(SELECT unnest(c.expected) EXCEPT SELECT unnest(c.received || c.waived))",
    "awaiting_return": "c.range_holders",
}
#: The part that the codes which a list is about have in such cases, which is where to look for them.
_OWN_ROLE = {
    ("awaiting_donor", "own"): "AT",
    ("awaiting_donor", "others"): "MT",
    ("awaiting_recipient", "own"): "MT",
    ("awaiting_recipient", "others"): "AT",
}


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list is asked for. `seen_by` limits it to cases that one of these codes may see; None sees all.

    `code` without a role means any case that the code is party to or has been told of. `waiting_for` keeps those that
    wait for `code`, or for others beside it; without a code, for the codes of `seen_by`. `after` is the place of a case
    in the order: its instant, and its id. Order by time is for lists that are `sortable`.
    """

    seen_by: tuple[str, ...] | None = None
    number: int | None = None
    state: str | None = None
    kind: Kind | None = None
    code: str | None = None
    role: str | None = None
    waiting_for: WaitingFor | None = None
    from_time: datetime | None = None
    until_time: datetime | None = None
    order: Order = "newest"
    after: tuple[datetime, UUID] | None = None
    limit: int = 100

    @property
    def sortable(self) -> bool:
        """Whether so few cases are asked for that they can be sorted: open ones, or a day's that came to nothing."""
        if self.state is None:
            return self.waiting_for is not None
        return self.state not in ENDS or (self.state == "obsolete" and self.by_time)

    @property
    def about(self) -> tuple[str, ...]:
        """The codes that the list is about."""
        return (self.code,) if self.code is not None else self.seen_by or ()

    @property
    def by_time(self) -> bool:
        """Whether cases that have ended are asked for by so short a time that it leads to them."""
        if self.state not in ENDS or self.from_time is None or self.until_time is None:
            return False
        return self.until_time - self.from_time <= _SHORT


_ROLES = {"MT": "c.recipient = {}", "AT": "c.donor = {}", "OAT": "{} = ANY(c.range_holders)"}
# One look-up for each case. As EXISTS it may be turned round, into a walk over all that the codes are party to.
_TOLD = """(SELECT true FROM case_party p
             WHERE p.code = ANY({}) AND p.created_at = c.created_at AND p.case_id = c.case_id LIMIT 1)"""

# OFFSET 0 keeps each stream an index scan of its own that stops at the limit; joined, it would be read to its end.
_STREAM = """
SELECT f.at, f.case_id
  FROM {each} w, LATERAL (SELECT {place}.{at} AS at, c.case_id FROM {source} WHERE {where}
                    ORDER BY {place}.{at} {way}, {place}.case_id {way} LIMIT {limit} OFFSET 0) f
"""
#: The instant of a case that an order is by, the way it goes, and how what comes after a place compares with it.
_ORDERS: dict[Order, tuple[str, str, str]] = {
    "newest": ("created_at", "DESC", "<"),
    "time": ("effective_time", "ASC", ">"),
}
_CASES_OF_NUMBER = """
    (SELECT DISTINCT case_id FROM case_numbers WHERE numbers @> {}::bigint OFFSET 0) n,
    LATERAL (SELECT * FROM cases WHERE case_id = n.case_id OFFSET 0) c"""
_DUE = "LATERAL (SELECT * FROM cases WHERE due_at <= w.now OFFSET 0) c"
_EACH_STATE = "unnest('{{{}}}'::text[]) AS s(state),"
_EACH_KIND_AND_STATE = "unnest('{{{}}}'::text[], '{{{}}}'::text[]) AS s(kind, state),"
_EACH_CODE = "unnest({}::text[]) AS k(code),"

_PAGE = """
WITH w AS MATERIALIZED (SELECT coalesce((SELECT sandbox_now FROM world), clock_timestamp()) AS now),
page AS MATERIALIZED (SELECT DISTINCT at, case_id FROM ({streams}) u ORDER BY at {way}, case_id {way} LIMIT {limit})
SELECT {selected} FROM w, page JOIN cases c USING (case_id) ORDER BY page.at {way}, case_id {way}
"""


async def list_cases(connection: Connection, wanted: CaseFilter, vault: Vault) -> list[CaseRead]:
    """The first cases in the order asked for, after `after`; at most `limit`."""
    values: list[Any] = []

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    each = [wanted]
    if wanted.waiting_for is not None and wanted.state is None:
        each = [replace(wanted, state=state) for state in _WANTED_OF]
    streams = " UNION ALL ".join(stream for one in each for stream in _streams(one, bind))
    if not streams:
        return []
    _, way, _ = _ORDERS[wanted.order]
    statement = _PAGE.format(streams=streams, way=way, limit=bind(wanted.limit), selected=SELECTED)
    return [read_row(row, vault) for row in await connection.fetch(statement, *values)]


@dataclass(frozen=True, slots=True)
class _Stream:
    """A stretch of an index: once for `each` of these, what of `source` meets the conditions.

    `place` is the table of the source whose index has them in order.
    """

    each: str
    source: str
    conditions: tuple[str, ...] = ()
    place: str = "c"


def _streams(wanted: CaseFilter, bind: Bind) -> Iterator[str]:
    pairs = _kinds_and_states(wanted)
    if not pairs or (wanted.waiting_for is not None and wanted.state not in _WANTED_OF):
        return
    where = tuple(_conditions(wanted, bind))
    limit = bind(wanted.limit)
    at, way, _ = _ORDERS[wanted.order]
    for stream in _sources(wanted, bind, pairs):
        yield _STREAM.format(
            each=stream.each,
            source=stream.source,
            where=" AND ".join((*stream.conditions, *where)) or "true",
            place=stream.place,
            at=at,
            way=way,
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
    if wanted.by_time and (walked is None or wanted.state in _BEFORE_EXECUTION):
        # The state stands in the statement itself, for that is how PostgreSQL knows that the index has them all.
        yield _Stream("", "cases c", (f"c.state = '{wanted.state}'",))
        return
    role = wanted.role if wanted.code is not None else None
    if role is None and wanted.state is not None and wanted.waiting_for is not None and walked == wanted.about:
        role = _OWN_ROLE.get((wanted.state, wanted.waiting_for))
    if walked is None or (wanted.state in _OPEN and role is None):
        yield all_cases
        return
    codes = _EACH_CODE.format(bind(list(walked)))
    in_states = codes + _EACH_STATE.format(",".join(sorted({state for _, state in pairs})))
    if role is not None:
        yield from _of_role(role, in_states)
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
    return _Stream(codes, source, ("p.code = k.code", *_after(wanted, bind, "p")), place="p")


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
    kinds = (wanted.kind,) if wanted.kind is not None else KINDS
    return [(kind, state) for kind in kinds for state in STATES_OF[kind] if wanted.state in (None, state)]


def _conditions(wanted: CaseFilter, bind: Bind) -> Iterator[str]:
    """What every stream asks of a case, whatever led to it."""
    if wanted.seen_by is not None:
        yield _TOLD.format(bind(list(wanted.seen_by)))
    if wanted.code is not None:
        yield _ROLES[wanted.role].format(bind(wanted.code)) if wanted.role else _TOLD.format(bind([wanted.code]))
    if wanted.state is not None:
        yield f"{EFFECTIVE_STATE} = {bind(wanted.state)}"
    if wanted.waiting_for is not None and wanted.state is not None:
        who, mine = _WANTED_OF[wanted.state], bind(list(wanted.about))
        yield f"{who} && {mine}" if wanted.waiting_for == "own" else f"NOT {who} <@ {mine}"
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
        column, _, compares = _ORDERS[wanted.order]
        at, case_id = wanted.after
        yield f"({table}.{column}, {table}.case_id) {compares} ({bind(at)}, {bind(case_id)})"
