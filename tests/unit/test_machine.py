"""The compiled table of transitions and the state machines it was compiled from are one."""

from itertools import product
from pathlib import Path

import pytest
from statemachine.exceptions import TransitionNotAllowed

from nrdb.cases.machine import (
    BLOCKING_STATES,
    CAP_RETURNING_STATES,
    KINDS,
    MACHINES,
    STATES_OF,
    TIME,
    TIMED_STATES,
    TRANSITIONS,
    WAIVE,
    Completion,
    Kind,
    TransitionForbiddenError,
    events_in,
    reached_by_time,
    states_for,
    step,
)

GOLDEN = Path(__file__).with_name("machines.md")


def events_of(kind: Kind) -> list[str]:
    return sorted({str(e.id) for state in MACHINES[kind].states for t in state.transitions for e in t.events})


CELLS = [
    (kind, state, event, all_done)
    for kind in KINDS
    for state, event, all_done in product(STATES_OF[kind], events_of(kind), [False, True])
]


def by_machine(kind: Kind, state: str, event: str, *, all_done: bool) -> str | None:
    """What python-statemachine itself makes of it; None where it forbids."""
    model = Completion(all_done=all_done)
    model.state = state
    machine = MACHINES[kind](model=model)
    try:
        machine.send(event)
    except TransitionNotAllowed:
        assert model.state == state
        return None
    return model.state


def by_table(kind: Kind, state: str, event: str, *, all_done: bool) -> str | None:
    try:
        return step(kind, state, event, all_done=all_done)
    except TransitionForbiddenError:
        return None


@pytest.mark.parametrize(("kind", "state", "event", "all_done"), CELLS)
def test_table_and_machine_agree(kind: Kind, state: str, event: str, all_done: bool) -> None:
    assert by_table(kind, state, event, all_done=all_done) == by_machine(kind, state, event, all_done=all_done)


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_knows_no_other_states_or_events(kind: Kind) -> None:
    assert {state for of, state, _ in TRANSITIONS if of == kind} <= set(STATES_OF[kind])
    assert {event for of, _, event in TRANSITIONS if of == kind} == set(events_of(kind))
    assert {TIME, WAIVE} <= set(events_of(kind))
    with pytest.raises(TransitionForbiddenError):
        step(kind, "cancelled", "NP_ANNU", all_done=True)
    with pytest.raises(TransitionForbiddenError):
        step(kind, "nowhere", "NP_ANNU", all_done=True)


def finals(kind: Kind) -> set[str]:
    return {str(state.id) for state in MACHINES[kind].states if state.final}


def test_what_follows_from_the_table() -> None:
    assert finals("porting") == {"completed", "rejected", "cancelled", "obsolete"}
    assert finals("termination") == {"returned", "rejected", "cancelled"}
    assert finals("five_digit") == {"completed", "cancelled"}
    assert {"awaiting_donor", "awaiting_recipient", "scheduled", "awaiting_termination"} == TIMED_STATES
    assert TIMED_STATES | {"awaiting_return"} == set(BLOCKING_STATES)
    assert finals("porting") - {"completed"} == CAP_RETURNING_STATES
    assert states_for("porting", "NP_ANNU") == {"awaiting_donor", "awaiting_recipient", "scheduled"}
    assert states_for("porting", "NP_TILB") == frozenset()
    assert events_in("porting", "completed") == []
    assert sorted(events_in("five_digit", "scheduled")) == ["NP_ANNU", "NP_FIVE"]
    assert sorted(events_in("termination", "awaiting_return")) == ["5_TILB", "NP_TILB"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_timed_state_leads_to_another(kind: Kind) -> None:
    """So what is due is one step of time."""
    for state, all_done in product(STATES_OF[kind], [False, True]):
        reached = reached_by_time(kind, state, all_done=all_done)
        assert (reached is None) == (state not in TIMED_STATES)
        assert reached not in TIMED_STATES


def render() -> str:
    """The table as people read it."""
    lines = ["| kind | state | event | guard | next state |", "|---|---|---|---|---|"]
    for (kind, state, event), arrows in TRANSITIONS.items():
        for guarded, target in arrows:
            guard = "all completion reports received" if guarded else ""
            lines.append(f"| {kind} | {state} | {event} | {guard} | {target} |")
    return "\n".join(lines) + "\n"


def test_the_table_is_the_golden_one() -> None:
    """A change of the machine is a change of the contract: look at it, then write the file anew."""
    assert render() == GOLDEN.read_text(encoding="utf-8")
