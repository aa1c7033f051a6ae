"""A case as data, and what time alone does to it.

The stored state is the one that the last message (or the last announcement by a worker) left. Every reader first
asks `settled(case, now)`, so that obsolescence, the porting or termination time and the end of waiting are true at
their instant whether a worker runs or not. `due` gives the same steps one by one for those who write them down.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from nrdb.cases.machine import ENDED_BEFORE_TIME, TIME, TIMED_STATES, Kind, step
from nrdb.routing.numbers import NumberRange, count, is_five_digit

#: The sender of what the clearinghouse itself says.
CLEARINGHOUSE: Final = "NRDB"
#: The provider code of Nkom: it has no keys and no inbox, and the clearinghouse returns numbers for it (S3 2.8).
NKOM: Final = "0"


@dataclass(frozen=True, slots=True)
class Case:
    """A case of any kind.

    In a porting and a five-digit case `recipient` is MT and `donor` AT, and `effective_time` is the porting time. In a
    termination there is no recipient, the donor is the holder that gives the numbers back, its one range holder gets
    them, and `effective_time` is the termination time. `cap_code` is whose daily room the case takes, None where it
    takes none. `told` are the codes that got NP_IVER, 5_IVER or the return, and see the case since. `entered_from` is
    the state before this one where time made the change, else None. `reminded_at` is when it was last reminded of.
    """

    case_id: UUID
    kind: Kind
    state: str
    version: int
    recipient: str | None
    donor: str
    range_holders: tuple[str, ...]
    cap_code: str | None
    number_type: str | None
    main_number: int
    numbers: tuple[NumberRange, ...]
    effective_time: datetime
    created_at: datetime
    updated_at: datetime
    newest_order: UUID | None = None
    network: str | None = None
    routing_number: str | None = None
    target_number: int | None = None
    entered_from: str | None = None
    expected: tuple[str, ...] = ()
    received: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()
    customer: dict[str, str] | None = None
    reminded_at: datetime | None = None

    @property
    def number_count(self) -> int:
        """How many numbers move; what the daily cap counts."""
        return count(self.numbers)

    @property
    def missing(self) -> tuple[str, ...]:
        """The codes whose NP_FERD or 5_FERD is still awaited."""
        done = {*self.received, *self.waived}
        return tuple(code for code in self.expected if code not in done)

    @property
    def due_at(self) -> datetime | None:
        """When time will change the state, or None if it never will."""
        return self.effective_time if self.state in TIMED_STATES else None

    @property
    def time_field(self) -> str:
        """What the messages call the effective time."""
        return "termination_time" if self.kind == "termination" else "porting_time"

    @property
    def parties(self) -> tuple[str, ...]:
        """Who sees the case from its first message on, each once: MT and AT, or the two sides of a termination."""
        first = self.range_holders if self.kind == "termination" else (self.recipient,)
        # MT is AT where the holder of a five-digit number leads it elsewhere, and after a merger of the two codes.
        return tuple(code for code in dict.fromkeys((*first, self.donor)) if code is not None and code != NKOM)

    @property
    def returns_itself(self) -> bool:
        """Whether the numbers go back to Nkom, for whom the clearinghouse sends the return at its time (S3 2.8)."""
        return self.kind == "termination" and self.range_holders == (NKOM,)

    @property
    def return_message(self) -> str:
        """The message that gives the numbers of a termination back."""
        return "5_TILB" if is_five_digit(self.main_number) else "NP_TILB"

    @property
    def blocks_until(self) -> datetime | None:
        """Until when the numbers are taken: at most until the porting time; a termination's until it is returned.

        None: nobody knows yet. A case that has ended before its time blocked until then.
        """
        if self.state in ENDED_BEFORE_TIME or self.state == "returned":
            return self.updated_at
        if self.kind == "termination" and not self.returns_itself:
            return None
        return self.effective_time

    def visible_to(self, code: str) -> bool:
        """The parties see a case from its first message on, other receivers from NP_IVER on (contract section 3)."""
        return code in self.parties or code in self.told


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
    state = step(case.kind, case.state, event, all_done=not case.missing)
    if event == TIME:
        entered_from: str | None = case.state
    else:
        entered_from = case.entered_from if state == case.state else None
    after = replace(case, state=state, entered_from=entered_from, updated_at=at)
    return Step(at=at, event=event, from_state=case.state, case=after)


def due(case: Case, now: datetime) -> tuple[Step, ...]:
    """The steps that time has taken by `now`, dated at their due instant; no timed state leads to another.

    At the termination time of Nkom's numbers there are two: the time, and the return that the clearinghouse sends.
    """
    if case.due_at is None or case.due_at > now:
        return ()
    passed = take(case, TIME, case.due_at)
    if not case.returns_itself:
        return (passed,)
    return passed, take(passed.case, case.return_message, passed.at)


def settled(case: Case, now: datetime) -> Case:
    """The case as it truly is at `now`."""
    steps = due(case, now)
    return steps[-1].case if steps else case
