"""Every cell of (message type, role, state), generated from the machine and the table of roles.

What is expected is worked out here from contract sections 2 and 6, not from the rules.
"""

from itertools import product
from typing import Any

import pytest
from tests.support.service import Service

from nrdb.cases.machine import STATES_OF
from nrdb.cases.roles import ROLE_OF, Role

#: Contract section 2: type -> role and states.
TABLE = {
    "NP_GODK": ("AT", {"awaiting_donor"}),
    "NP_FBES": ("AT", {"awaiting_donor"}),
    "NP_ENDR": ("MT", {"awaiting_donor", "awaiting_recipient"}),
    "NP_IVER": ("MT", {"awaiting_recipient"}),
    "NP_ANNU": ("MT", {"awaiting_donor", "awaiting_recipient", "scheduled"}),
    "NP_FIVE": ("expected", {"scheduled"}),
    "NP_FERD": ("expected", {"awaiting_completion"}),
}
STATES = STATES_OF["porting"]
SENDERS = {"MT": "TELIA", "AT": "TELENOR", "receiver": "LYSE", "stranger": "CHILI"}
FIELDS: dict[str, dict[str, Any]] = {
    "NP_FBES": {"reason": "number-not-held"},
    "NP_ENDR": {"porting_time": "2026-11-24T10:00:00+01:00"},
    "NP_FIVE": {"comment": "no route"},
}
EXECUTED = {"scheduled", "awaiting_completion", "completed"}
AFTER = {
    "NP_GODK": "awaiting_recipient", "NP_FBES": "rejected", "NP_ENDR": "awaiting_donor", "NP_IVER": "scheduled",
    "NP_ANNU": "cancelled", "NP_FIVE": "scheduled", "NP_FERD": "awaiting_completion",
}  # fmt: skip
#: The state that time has left (S of contract section 6) for each state that it enters, and where it leads.
LEFT = {"obsolete": "awaiting_donor", "awaiting_completion": "scheduled"}
LEADS = {"awaiting_donor": "obsolete", "awaiting_recipient": "obsolete", "scheduled": "awaiting_completion"}


def has_role(kind: str, who: str, state: str) -> bool:
    role = TABLE[kind][0]
    if role != "expected":
        return who == role
    return who == "AT" or (state in EXECUTED and who == "receiver")


def expected(kind: str, who: str, state: str) -> str:
    """The state after the message, or the code of its refusal."""
    if who == "stranger" or (who == "receiver" and state not in EXECUTED):
        return "unknown-case"
    if not has_role(kind, who, state):
        return "role-not-permitted"
    if kind == "NP_FERD" and state == "completed":
        return "already-sent"
    states = TABLE[kind][1]
    if state in states:
        return AFTER[kind]
    if LEFT.get(state) in states:
        return "stop-too-late" if kind == "NP_ANNU" else "porting-time-passed"
    if LEADS.get(state) in states:
        return "too-early-to-complete"
    return "case-state"


def test_the_tables_are_about_the_same_messages_and_states() -> None:
    roles = {"MT": Role.MT, "AT": Role.AT, "expected": Role.EXPECTED}
    of_portings = {message: role for (kind, message), role in ROLE_OF.items() if kind == "porting"}
    assert {kind: roles[role] for kind, (role, _) in TABLE.items()} == of_portings
    assert set(AFTER.values()) | {"completed", "obsolete"} == set(STATES_OF["porting"])


@pytest.mark.parametrize("state", STATES)
async def test_each_message_of_each_role_in_this_state(service: Service, state: str) -> None:
    cells = list(product(TABLE, SENDERS))
    accepted = [(kind, who) for kind, who in cells if expected(kind, who, state) in STATES]
    refused = [cell for cell in cells if cell not in accepted]
    case_id = await service.case_in(state)
    before = await service.case(case_id)
    wrong: list[str] = []
    async with service.unchanged():
        for kind, who in refused:
            response = await service.post(SENDERS[who], kind, case_id=case_id, **FIELDS.get(kind, {}))
            if response.json().get("code") != expected(kind, who, state):
                wrong.append(f"{kind} of {who}: {response.json().get('code', response.status_code)}"
                             f" instead of {expected(kind, who, state)}")  # fmt: skip
    assert not wrong
    offered = {(item["type"], item["by"]) for item in before["next"] if item["from"] is None}
    assert offered >= {(kind, SENDERS[who]) for kind, who in accepted}
    assert all(by in before["completion"]["expected"] or (kind, by) in
               {(kind, SENDERS[who]) for kind, who in accepted} for kind, by in offered)  # fmt: skip


ACCEPTED = [
    (kind, who, state) for kind, who, state in product(TABLE, SENDERS, STATES) if expected(kind, who, state) in STATES
]


@pytest.mark.parametrize(("kind", "who", "state"), ACCEPTED)
async def test_an_accepted_cell(service: Service, kind: str, who: str, state: str) -> None:
    case_id = await service.case_in(state)
    answer = await service.accepted(SENDERS[who], kind, case_id=case_id, **FIELDS.get(kind, {}))
    assert answer["case"]["state"] == AFTER[kind]
    case = await service.case(case_id)
    assert case["state"] == AFTER[kind]
    last = (await service.history(case_id))[-1]
    assert (last["type"], last["by"], last["from_state"], last["to_state"]) == (
        kind, SENDERS[who], state, AFTER[kind],
    )  # fmt: skip
    assert last["message_id"] == answer["message_id"]
    assert last["at"] == answer["accepted_at"]
