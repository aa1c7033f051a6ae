"""The states of a porting case, declared once.

The machine is python-statemachine's, so that it can be drawn and checked; the hot path does not build one for
each message but steps through `TRANSITIONS`, compiled from the same declaration at import. A test holds the two equal.
A state's name says who acts next. `time` is what happens at the porting time without anybody saying anything.
"""

from collections.abc import Mapping
from typing import Final

from statemachine import State, StateMachine

#: What happens by the passing of time alone, as it stands in the history.
TIME: Final = "time"
#: An expected sender is no longer awaited (contract section 8).
WAIVE: Final = "waive"


class Completion:
    """What the guards look at: whether anybody's NP_FERD is still awaited once the event has been counted."""

    def __init__(self, *, all_done: bool) -> None:
        self.all_done = all_done
        self.state: str | None = None


class PortingMachine(StateMachine):
    """order -> answer -> execution -> porting time -> completion (contract section 3)."""

    awaiting_donor = State(initial=True)
    awaiting_recipient = State()
    scheduled = State()
    awaiting_completion = State()
    completed = State(final=True)
    rejected = State(final=True)
    cancelled = State(final=True)
    obsolete = State(final=True)

    NP_GODK = awaiting_donor.to(awaiting_recipient)
    NP_FBES = awaiting_donor.to(rejected)
    NP_ENDR = awaiting_donor.to(awaiting_donor) | awaiting_recipient.to(awaiting_donor)
    NP_ANNU = awaiting_donor.to(cancelled) | awaiting_recipient.to(cancelled) | scheduled.to(cancelled)
    NP_IVER = awaiting_recipient.to(scheduled)
    NP_FIVE = scheduled.to(scheduled)
    NP_FERD = awaiting_completion.to(completed, cond="all_done") | awaiting_completion.to(awaiting_completion)
    # Without NP_IVER the case is obsolete at its porting time (S3 2.4.2); executed, it waits for the networks.
    time = (
        awaiting_donor.to(obsolete)
        | awaiting_recipient.to(obsolete)
        | scheduled.to(completed, cond="all_done")
        | scheduled.to(awaiting_completion)
    )
    # An administrator takes a code out of those awaited; the last one ends the case.
    waive = (
        scheduled.to(scheduled)
        | awaiting_completion.to(completed, cond="all_done")
        | awaiting_completion.to(awaiting_completion)
    )


def _compile(machine: type[StateMachine]) -> dict[tuple[str, str], tuple[tuple[bool, str], ...]]:
    """(state, event) -> its arrows in declared order, each (needs all_done, target)."""
    table: dict[tuple[str, str], tuple[tuple[bool, str], ...]] = {}
    for state in machine.states:
        for transition in state.transitions:
            for event in transition.events:
                arrow = (bool(list(transition.cond)), str(transition.target.id))
                key = (str(state.id), str(event.id))
                table[key] = (*table.get(key, ()), arrow)
    return table


TRANSITIONS: Mapping[tuple[str, str], tuple[tuple[bool, str], ...]] = _compile(PortingMachine)
STATES: Final = tuple(str(state.id) for state in PortingMachine.states)
#: States that end at the porting time.
TIMED_STATES: Final = frozenset(state for state, event in TRANSITIONS if event == TIME)
#: States in which the numbers are taken: another case for them is refused (contract section 6).
BLOCKING_STATES: Final = ("awaiting_donor", "awaiting_recipient", "scheduled")
#: Ends that free the numbers before the porting time.
ENDED_BEFORE_TIME: Final = frozenset({"rejected", "cancelled"})
#: Ends that give the room under the daily cap back (contract section 7).
CAP_RETURNING_STATES: Final = frozenset({"rejected", "cancelled", "obsolete"})


class TransitionForbiddenError(Exception):
    """The machine forbids what the rules allowed: an error of ours, never an answer."""


def step(state: str, event: str, *, all_done: bool) -> str:
    """The state after the event. Raises `TransitionForbiddenError` where no arrow leads on."""
    for needs_all_done, target in TRANSITIONS.get((state, event), ()):
        if all_done or not needs_all_done:
            return target
    raise TransitionForbiddenError(f"{event} in {state}")


def states_for(event: str) -> frozenset[str]:
    """The states in which a message of this type is possible."""
    return frozenset(state for state, name in TRANSITIONS if name == event)


def reached_by_time(state: str, *, all_done: bool) -> str | None:
    """The state that the porting time alone leads to, or None."""
    return step(state, TIME, all_done=all_done) if state in TIMED_STATES else None


def events_in(state: str) -> list[str]:
    """The message types that the state allows, in declared order."""
    return [event for at, event in TRANSITIONS if at == state and event not in (TIME, WAIVE)]
