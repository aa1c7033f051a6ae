"""What follows from a lawful message, and from time: pure, so that it can be read, tested and replayed.

`rules` has decided that it may be; here the machine takes its step and everything that belongs to the step is listed in
the `Outcome`: the log line, who is told, room under the cap, routing rows, rights of use, notices.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from nrdb.cases.case import CLEARINGHOUSE, NKOM, Case, Step, due, take
from nrdb.cases.machine import CAP_RETURNING_STATES, TIME, WAIVE
from nrdb.cases.outcome import Entry, Outcome, RightChange
from nrdb.cases.roles import COMPLETION_REPORTS
from nrdb.cases.view import EXTRA_NUMBERS, case_view, stored_warning
from nrdb.messages.audience import receivers, told_of_execution, told_of_return
from nrdb.messages.facts import Facts
from nrdb.messages.kinds import (
    AnyCaseMessage,
    AnyMessage,
    AnyOpening,
    FiveIver,
    FiveOpps,
    NpAnnu,
    NpBest,
    NpEndr,
    NpIver,
    NpTilb,
    effective_time,
    wire_form,
)
from nrdb.messages.rules import Rules, cap_code
from nrdb.routing.numbers import is_five_digit
from nrdb.routing.table import Said
from nrdb.timers.calendar import oslo_day

#: States whose arrival the parties are told of.
_NOTICED_STATES = frozenset({"obsolete", "completed"})


def content_of(message: AnyMessage) -> bytes:
    """What makes two messages the same, digested: their content after parsing, numbers in any order."""
    return _content(wire_form(message))


def _content(form: dict[str, Any]) -> bytes:
    in_order = {name: sorted(form[name], key=str) for name in ("additional_numbers", "series") if form.get(name)}
    return hashlib.sha256(orjson.dumps(form | in_order, option=orjson.OPT_SORT_KEYS)).digest()


def open_case(rules: Rules, message: AnyOpening, facts: Facts, outcome: Outcome) -> Case:
    """A lawful NP_BEST, 5_IVER, NP_OPPS or 5_OPPS opens a case and takes room on the day on which the numbers move."""
    now = outcome.decided_at
    case = _new_case(message, facts, now)
    if case.cap_code is not None:
        outcome.room.append((case.cap_code, oslo_day(case.effective_time), case.number_count))
    if isinstance(message, FiveIver):
        case = _executed(case, message.network, facts)
        outcome.routing += _ported(case)
        if message.donor == NKOM and facts.right_holder is None:
            holder = message.right_holder.model_dump(mode="json")
            outcome.rights.append(RightChange(case.main_number, now, case.case_id, holder))
    outcome.cases[case.case_id] = case
    outcome.entries.append(_entry(rules, message, now, None, case))
    return case


def _new_case(message: AnyOpening, facts: Facts, now: datetime) -> Case:
    """The case as the message opens it."""
    case = Case(
        case_id=_case_id(now),
        kind="termination",
        state="awaiting_termination",
        version=1,
        recipient=None,
        donor=message.sender,
        # Five-digit numbers go back to Nkom, whoever their series belongs to (S1).
        range_holders=(NKOM,) if isinstance(message, FiveOpps) else facts.range_holders(message.numbers),
        cap_code=cap_code(message, facts),
        number_type=None,
        main_number=message.main_number,
        numbers=message.numbers,
        effective_time=effective_time(message),
        created_at=now,
        updated_at=now,
    )
    match message:
        case NpBest():
            return replace(
                case,
                kind="porting",
                state="awaiting_donor",
                recipient=message.sender,
                donor=message.donor,
                number_type=message.number_type,
                newest_order=message.message_id,
                warnings=(stored_warning(EXTRA_NUMBERS),) if message.extra_ignored else (),
                customer=message.customer.model_dump(mode="json", exclude_none=True),
            )
        case FiveIver():
            return replace(
                case,
                kind="five_digit",
                state="scheduled",
                recipient=message.sender,
                donor=message.donor,
                target_number=message.target_number,
            )
        case _:
            return case


def step(
    rules: Rules,
    message: AnyCaseMessage,
    case: Case,
    facts: Facts,
    outcome: Outcome,
) -> Case:
    """A lawful message about a case, which time has been settled for, takes the case one step on."""
    before, case = case, _changed(message, case, facts)
    taken = take(case, message.type, outcome.decided_at)
    if isinstance(message, NpTilb):
        taken = _returned(taken, outcome, facts.networks)
    outcome.cases[case.case_id] = taken.case
    outcome.entries.append(_entry(rules, message, taken.at, taken.from_state, taken.case))
    _move_room(before, taken.case, outcome)
    match message:
        case NpIver():
            outcome.routing += _ported(taken.case)
        case NpAnnu() if before.state == "scheduled":
            outcome.routing += [Said(item, case.effective_time, undo=True) for item in case.numbers]
            if case.kind == "five_digit":
                outcome.rights.append(RightChange(case.main_number, taken.at, case.case_id))
        case _:
            _notice(rules, taken, outcome)
    return taken.case


def settle(
    rules: Rules,
    case: Case,
    now: datetime,
    outcome: Outcome,
    networks: Iterable[str] = (),
) -> Case:
    """What time has done to the case by `now`, written into the history at its due instant.

    `networks` matter where the clearinghouse itself returns the numbers: they are told.
    """
    before = case
    for passed in due(case, now):
        if passed.event == TIME:
            outcome.entries.append(_said(rules, passed, TIME, {}, ()))
            case = passed.case
        else:
            # NP_TILB or 5_TILB, which the clearinghouse sends for Nkom at the termination time (S3 2.8).
            given_back = _returned(passed, outcome, networks)
            case = given_back.case
            outcome.entries.append(_said(rules, given_back, passed.event, {}, case.told, sender=NKOM))
        _notice(rules, passed, outcome)
    if case is not before:
        outcome.cases[case.case_id] = case
        _move_room(before, case, outcome)
    return case


def _returned(taken: Step, outcome: Outcome, networks: Iterable[str]) -> Step:
    """What every return entails: who is told, numbers that route home again, and no right of use any more (S1)."""
    case = replace(taken.case, told=told_of_return(taken.case, networks))
    outcome.routing += [Said(item, taken.at) for item in case.numbers]
    if is_five_digit(case.main_number):
        outcome.rights.append(RightChange(case.main_number, taken.at, None))
    return replace(taken, case=case)


def waive(
    rules: Rules,
    case: Case,
    code: str,
    outcome: Outcome,
    networks: Iterable[str] = (),
) -> Case:
    """The code is no longer waited for: its NP_FERD or 5_FERD, or, of a range holder, its NP_TILB.

    If it was the last one, the case is completed; a termination is then returned, and everybody is told so, because
    routing has changed.
    """
    returns = case.kind == "termination"
    taken = take(case if returns else replace(case, waived=(*case.waived, code)), WAIVE, outcome.decided_at)
    if returns:
        taken = _returned(taken, outcome, networks)
    outcome.cases[case.case_id] = taken.case
    outcome.entries.append(_said(rules, taken, WAIVE, {"code": code}, ()))
    if returns:
        outcome.entries.append(_said(rules, taken, "NOTICE", {"notice": "returned"}, (code, *taken.case.told)))
    _notice(rules, taken, outcome)
    return taken.case


def complete(rules: Rules, case: Case, at: datetime, outcome: Outcome) -> Case:
    """Nobody's NP_FERD is awaited any more, because the code that owed the last one has become the recipient."""
    taken = take(case, WAIVE, at)
    outcome.cases[case.case_id] = taken.case
    outcome.entries.append(_said(rules, taken, WAIVE, {"code": case.recipient}, ()))
    _notice(rules, taken, outcome)
    return taken.case


def remind(rules: Rules, case: Case, codes: tuple[str, ...], outcome: Outcome) -> None:
    """These codes are told that the case waits for them. It stays as it is, but for when that was."""
    reminded = replace(case, reminded_at=outcome.decided_at)
    outcome.cases[case.case_id] = reminded
    said = Step(outcome.decided_at, "NOTICE", case.state, reminded)
    outcome.entries.append(_said(rules, said, "NOTICE", {"notice": "reminder"}, codes))


def _changed(message: AnyCaseMessage, case: Case, facts: Facts) -> Case:
    """The case with what the message says of it."""
    match message:
        case NpEndr():
            return replace(
                case,
                newest_order=message.message_id,
                effective_time=message.porting_time or case.effective_time,
                customer=message.customer.model_dump(mode="json", exclude_none=True)
                if message.customer
                else case.customer,
            )
        case NpIver():
            return _executed(case, message.network, facts)
        case _ if message.type in COMPLETION_REPORTS:
            return replace(case, received=(*case.received, message.sender))
        case _:
            return case


def _executed(case: Case, code: str, facts: Facts) -> Case:
    """The case as everybody is told to execute it: in which network, and who is to report completion."""
    network = facts.networks[code]
    told = told_of_execution(case, facts)
    return replace(
        case,
        range_holders=facts.range_holders(case.numbers),
        network=network.code,
        routing_number=network.routing_number,
        expected=told,
        told=told,
    )


def _move_room(before: Case, after: Case, outcome: Outcome) -> None:
    """Room under the cap: given back where the case has come to nothing, moved where its day has changed."""
    if after.cap_code is None:
        return
    old, new = oslo_day(before.effective_time), oslo_day(after.effective_time)
    if after.state in CAP_RETURNING_STATES:
        outcome.room.append((after.cap_code, old, -after.number_count))
    elif old != new:
        outcome.room.append((after.cap_code, old, -after.number_count))
        outcome.room.append((after.cap_code, new, after.number_count))


def _ported(case: Case) -> list[Said]:
    holder = case.recipient or case.donor
    network = case.network or holder
    return [Said(item, case.effective_time, holder, network, case.target_number, case.case_id) for item in case.numbers]


def _entry(rules: Rules, message: AnyMessage, at: datetime, from_state: str | None, case: Case) -> Entry:
    form = wire_form(message)
    content = _content(form)
    personal = {name: form.pop(name) for name in sorted(message.personal) if name in form}
    return Entry(
        at=at,
        type=message.type,
        sender=message.sender,
        message_id=message.message_id,
        case_id=case.case_id,
        # What was personal leaves its place behind, so that the log tells that it was there.
        body={
            "type": form.pop("type"),
            **form,
            **dict.fromkeys(personal),
            "case_id": str(case.case_id),
        },
        content=content,
        from_state=from_state,
        to_state=case.state,
        personal=personal or None,
        sets_customer="customer" in personal,
        case_after=case_view(case, at, rules.rulebook, rules.calendar),
        warnings=case.warnings if isinstance(message, NpBest) else (),
        to=receivers(message, case),
    )


def _notice(rules: Rules, taken: Step, outcome: Outcome) -> None:
    """The parties learn that the case is obsolete or completed, from the clearinghouse."""
    if taken.case.state in _NOTICED_STATES:
        notice = {"notice": taken.case.state}
        outcome.entries.append(_said(rules, taken, "NOTICE", notice, taken.case.parties))


def _said(
    rules: Rules, taken: Step, kind: str, more: dict[str, Any], to: tuple[str, ...], sender: str = CLEARINGHOUSE
) -> Entry:
    """What the clearinghouse itself enters: what time did, a notice, or what it says for Nkom."""
    message_id = uuid4()
    case = taken.case
    return Entry(
        at=taken.at,
        type=kind,
        sender=sender,
        message_id=message_id,
        case_id=case.case_id,
        body={
            "type": kind,
            "message_id": str(message_id),
            "sender": sender,
            "case_id": str(case.case_id),
            **more,
        },
        from_state=taken.from_state,
        to_state=case.state,
        case_after=case_view(case, taken.at, rules.rulebook, rules.calendar),
        to=to,
    )


def _case_id(now: datetime) -> UUID:
    """A UUID of version 7: random, and ascending with time, so that a million cases are filed in order."""
    stamp = int(now.timestamp() * 1000).to_bytes(6, "big")
    random = bytearray(os.urandom(10))
    random[0] = 0x70 | random[0] & 0x0F
    random[2] = 0x80 | random[2] & 0x3F
    return UUID(bytes=stamp + bytes(random))
