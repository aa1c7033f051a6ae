"""A case as data, and what time alone does to it.

The stored state is the one that the last message (or the last announcement by a worker) left. Every reader first
asks `settled(case, now)`, so that obsolescence, the porting time and the end of waiting are true at their instant
whether a worker runs or not. `due` gives the same steps one by one for those who write them into the history.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from nrdb.cases.machine import TIME, TIMED_STATES, step
from nrdb.routing.numbers import NumberRange, count

#: The sender of what the clearinghouse itself says.
CLEARINGHOUSE = "NRDB"


@dataclass(frozen=True, slots=True)
class Case:
    """A porting case. `effective_time` is its porting time; `told` are the codes that got NP_IVER and see it since.

    `entered_from` is the state before this one where time made the change, else None.
    """

    case_id: UUID
    kind: str
    state: str
    version: int
    recipient: str
    donor: str
    range_holders: tuple[str, ...]
    number_type: str
    main_number: int
    numbers: tuple[NumberRange, ...]
    effective_time: datetime
    newest_order: UUID
    created_at: datetime
    updated_at: datetime
    network: str | None = None
    routing_number: str | None = None
    entered_from: str | None = None
    expected: tuple[str, ...] = ()
    received: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()
    customer: dict[str, str] | None = None

    @property
    def number_count(self) -> int:
        """How many numbers move; what the daily cap counts."""
        return count(self.numbers)

    @property
    def missing(self) -> tuple[str, ...]:
        """The codes whose NP_FERD is still awaited."""
        return tuple(code for code in self.expected if code not in self.received and code not in self.waived)

    @property
    def due_at(self) -> datetime | None:
        """When time will change the state, or None if it never will."""
        return self.effective_time if self.state in TIMED_STATES else None

    def visible_to(self, code: str) -> bool:
        """MT and AT see a case from the order on, the other receivers from NP_IVER on (contract section 3)."""
        return code in (self.recipient, self.donor) or code in self.told


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow taken: `case` is as the step left it."""

    at: datetime
    event: str
    from_state: str
    case: Case


def take(case: Case, event: str, at: datetime) -> Step:
    """One step of the machine. The instant never precedes an earlier entry of the case."""
    at = max(at, case.updated_at)
    state = step(case.state, event, all_done=not case.missing)
    if event == TIME:
        entered_from: str | None = case.state
    else:
        entered_from = case.entered_from if state == case.state else None
    after = replace(case, state=state, entered_from=entered_from, updated_at=at)
    return Step(at=at, event=event, from_state=case.state, case=after)


def due(case: Case, now: datetime) -> Step | None:
    """The step that time has taken by `now`, dated at its due instant. One at most: no timed state leads to another."""
    if case.due_at is None or case.due_at > now:
        return None
    return take(case, TIME, case.due_at)


def settled(case: Case, now: datetime) -> Case:
    """The case as it truly is at `now`."""
    taken = due(case, now)
    return taken.case if taken else case
