"""The states of a case, declared once for each kind (contract section 3).

The machines are python-statemachine's, so that they can be drawn and checked; the hot path does not build one for
each message but steps through `TRANSITIONS`, compiled from the same declarations at import. A test holds the two equal.
A state's name says who acts next. `time` is what happens at the porting or termination time without anybody saying
anything; `waive` is an administrator's word that a code is no longer waited for (contract section 8).
"""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from statemachine import Event, State, StateMachine

Kind = Literal["porting", "termination", "five_digit"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

#: What happens by the passing of time alone, as it stands in the history.
TIME: Final = "time"
#: A code is no longer waited for.
WAIVE: Final = "waive"


class Completion:
    """What the guards look at: whether anybody's completion report is still awaited once the event has been counted."""

    def __init__(self, *, all_done: bool) -> None:
        self.all_done = all_done
        self.state: str | None = None


class PortingMachine(StateMachine):
    """order -> answer -> execution -> porting time -> completion."""

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
    # The last code that is waived ends the case.
    waive = (
        scheduled.to(scheduled)
        | awaiting_completion.to(completed, cond="all_done")
        | awaiting_completion.to(awaiting_completion)
    )


class FiveDigitMachine(StateMachine):
    """5_IVER is order and execution in one; its donor has agreed outside (S3 2.7.1)."""

    scheduled = State(initial=True)
    awaiting_completion = State()
    completed = State(final=True)
    cancelled = State(final=True)

    NP_ANNU = scheduled.to(cancelled)
    NP_FIVE = scheduled.to(scheduled)
    FIVE_FERD = Event(
        awaiting_completion.to(completed, cond="all_done") | awaiting_completion.to(awaiting_completion),
        id="5_FERD",
        name="5_FERD",
    )
    time = scheduled.to(completed, cond="all_done") | scheduled.to(awaiting_completion)
    waive = (
        scheduled.to(scheduled)
        | awaiting_completion.to(completed, cond="all_done")
        | awaiting_completion.to(awaiting_completion)
    )


class TerminationMachine(StateMachine):
    """The holder announces, the range holder takes the numbers back at the termination time or later (S3 2.8)."""

    awaiting_termination = State(initial=True)
    awaiting_return = State()
    returned = State(final=True)
    rejected = State(final=True)
    cancelled = State(final=True)

    NP_ANNU = awaiting_termination.to(cancelled)
    NP_FOPS = awaiting_termination.to(rejected)
    time = awaiting_termination.to(awaiting_return)
    NP_TILB = awaiting_return.to(returned)
    # Five-digit numbers go back to Nkom, for whom the clearinghouse itself speaks.
    FIVE_TILB = Event(awaiting_return.to(returned), id="5_TILB", name="5_TILB")
    waive = awaiting_return.to(returned)


MACHINES: Final[Mapping[Kind, type[StateMachine]]] = {
    "porting": PortingMachine,
    "termination": TerminationMachine,
    "five_digit": FiveDigitMachine,
}
#: (kind, state, event) -> its arrows in declared order, each (needs all_done, target).
Table = dict[tuple[Kind, str, str], tuple[tuple[bool, str], ...]]


def _compile() -> Table:
    table: Table = {}
    for kind, machine in MACHINES.items():
        for state in machine.states:
            for transition in state.transitions:
                for event in transition.events:
                    arrow = (bool(list(transition.cond)), str(transition.target.id))
                    key = (kind, str(state.id), str(event.id))
                    table[key] = (*table.get(key, ()), arrow)
    return table


TRANSITIONS: Final[Mapping[tuple[Kind, str, str], tuple[tuple[bool, str], ...]]] = _compile()
STATES_OF: Final[Mapping[Kind, tuple[str, ...]]] = {
    kind: tuple(str(state.id) for state in machine.states) for kind, machine in MACHINES.items()
}
#: Every state of every kind, each once.
STATES: Final = tuple(dict.fromkeys(state for states in STATES_OF.values() for state in states))
#: States that nothing follows.
ENDS: Final = frozenset(str(state.id) for machine in MACHINES.values() for state in machine.states if state.final)
#: States that end at the porting or termination time. No name has another meaning in another kind.
TIMED_STATES: Final = frozenset(state for _, state, event in TRANSITIONS if event == TIME)
#: States in which the numbers are taken: another case for them is refused (contract section 6).
BLOCKING_STATES: Final = (
    "awaiting_donor",
    "awaiting_recipient",
    "scheduled",
    "awaiting_termination",
    "awaiting_return",
)
#: Ends that free the numbers before the porting or termination time.
ENDED_BEFORE_TIME: Final = frozenset({"rejected", "cancelled"})
#: Ends that give the room under the daily cap back (contract section 7).
CAP_RETURNING_STATES: Final = frozenset({"rejected", "cancelled", "obsolete"})


class TransitionForbiddenError(Exception):
    """The machine forbids what the rules allowed: an error of ours, never an answer."""


def step(kind: Kind, state: str, event: str, *, all_done: bool) -> str:
    """The state after the event. Raises `TransitionForbiddenError` where no arrow leads on."""
    for needs_all_done, target in TRANSITIONS.get((kind, state, event), ()):
        if all_done or not needs_all_done:
            return target
    raise TransitionForbiddenError(f"{event} in {state} of a {kind} case")


def states_for(kind: Kind, event: str) -> frozenset[str]:
    """The states in which a message of this type is possible; none where the kind has no such message."""
    return frozenset(state for of, state, name in TRANSITIONS if of == kind and name == event)


def reached_by_time(kind: Kind, state: str, *, all_done: bool) -> str | None:
    """The state that the porting or termination time alone leads to, or None."""
    return step(kind, state, TIME, all_done=all_done) if state in TIMED_STATES else None


_EVENTS_IN: Final[Mapping[tuple[Kind, str], tuple[str, ...]]] = {
    (kind, state): tuple(
        event for of, at, event in TRANSITIONS if (of, at) == (kind, state) and event not in (TIME, WAIVE)
    )
    for kind, states in STATES_OF.items()
    for state in states
}


def events_in(kind: Kind, state: str) -> tuple[str, ...]:
    """The message types that the state allows, in declared order."""
    return _EVENTS_IN[kind, state]
