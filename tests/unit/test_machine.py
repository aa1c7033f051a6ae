"""The compiled table of transitions and the state machine it was compiled from are one."""

from itertools import product
from pathlib import Path

import pytest
from statemachine.exceptions import TransitionNotAllowed

from nrdb.cases.machine import (
    BLOCKING_STATES,
    CAP_RETURNING_STATES,
    STATES,
    TIME,
    TIMED_STATES,
    TRANSITIONS,
    Completion,
    PortingMachine,
    TransitionForbiddenError,
    events_in,
    reached_by_time,
    states_for,
    step,
)

GOLDEN = Path(__file__).with_name("porting_machine.md")
EVENTS = sorted({str(event.id) for state in PortingMachine.states for t in state.transitions for event in t.events})


def by_machine(state: str, event: str, *, all_done: bool) -> str | None:
    """What python-statemachine itself makes of it; None where it forbids."""
    model = Completion(all_done=all_done)
    model.state = state
    machine = PortingMachine(model=model)
    try:
        machine.send(event)
    except TransitionNotAllowed:
        assert model.state == state
        return None
    return model.state


def by_table(state: str, event: str, *, all_done: bool) -> str | None:
    try:
        return step(state, event, all_done=all_done)
    except TransitionForbiddenError:
        return None


@pytest.mark.parametrize(("state", "event", "all_done"), list(product(STATES, EVENTS, [False, True])))
def test_table_and_machine_agree(state: str, event: str, all_done: bool) -> None:
    assert by_table(state, event, all_done=all_done) == by_machine(state, event, all_done=all_done)


def test_the_table_knows_no_other_states_or_events() -> None:
    assert len(STATES) == 8
    assert {state for state, _ in TRANSITIONS} <= set(STATES)
    assert {event for _, event in TRANSITIONS} == set(EVENTS)
    assert TIME in EVENTS
    with pytest.raises(TransitionForbiddenError):
        step("awaiting_donor", "NP_OPPS", all_done=True)
    with pytest.raises(TransitionForbiddenError):
        step("nowhere", "NP_GODK", all_done=True)


def test_what_follows_from_the_table() -> None:
    final = {str(state.id) for state in PortingMachine.states if state.final}
    assert final == {"completed", "rejected", "cancelled", "obsolete"}
    assert {"awaiting_donor", "awaiting_recipient", "scheduled"} == TIMED_STATES == set(BLOCKING_STATES)
    assert final - {"completed"} == CAP_RETURNING_STATES
    assert states_for("NP_ANNU") == set(BLOCKING_STATES)
    assert events_in("completed") == []
    assert sorted(events_in("scheduled")) == ["NP_ANNU", "NP_FIVE"]
    # No timed state leads to another, so what is due is one step.
    for state, all_done in product(STATES, [False, True]):
        reached = reached_by_time(state, all_done=all_done)
        assert (reached is None) == (state not in TIMED_STATES)
        assert reached not in TIMED_STATES


def render() -> str:
    """The table as people read it."""
    lines = ["| state | event | guard | next state |", "|---|---|---|---|"]
    for (state, event), arrows in TRANSITIONS.items():
        for guarded, target in arrows:
            lines.append(f"| {state} | {event} | {'all NP_FERD received' if guarded else ''} | {target} |")
    return "\n".join(lines) + "\n"


def test_the_table_is_the_golden_one() -> None:
    """A change of the machine is a change of the contract: look at it, then write the file anew."""
    assert render() == GOLDEN.read_text(encoding="utf-8")
