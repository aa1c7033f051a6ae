"""What follows from a lawful message, and from time: pure, so that it can be read, tested and replayed.

`rules` has decided that it may be; here the machine takes its step and everything that belongs to the step is listed in
the `Outcome`: the log line, who is told, room under the cap, routing rows, notices.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from nrdb.cases.case import CLEARINGHOUSE, Case, Step, due, take
from nrdb.cases.machine import CAP_RETURNING_STATES, TIME, WAIVE
from nrdb.cases.outcome import Entry, Outcome
from nrdb.cases.view import case_view
from nrdb.messages.audience import parties, receivers, told_of_execution
from nrdb.messages.facts import Facts
from nrdb.messages.kinds import AnyCaseMessage, NpAnnu, NpBest, NpEndr, NpFerd, NpIver, wire_form
from nrdb.messages.rules import Rules
from nrdb.routing.table import RoutingRow, port, unport
from nrdb.timers.calendar import oslo_day

_EXTRA_NUMBERS = {
    "code": "extra-numbers-not-registered",
    "detail": "Type E ports the main number only; the other numbers are not registered (S3 2.3.2).",
}
#: States whose arrival the two parties are told of.
_NOTICED_STATES = frozenset({"obsolete", "completed"})


def digest_of(message: NpBest | AnyCaseMessage) -> bytes:
    """What makes two messages the same: their content after parsing, numbers in any order."""
    return _digest(wire_form(message))


def _digest(content: dict[str, Any]) -> bytes:
    in_order = {name: sorted(content[name], key=str) for name in ("additional_numbers", "series") if content.get(name)}
    return hashlib.sha256(orjson.dumps(content | in_order, option=orjson.OPT_SORT_KEYS)).digest()


def order(rules: Rules, message: NpBest, facts: Facts, outcome: Outcome) -> Case:
    """A lawful NP_BEST opens a case and takes room on the day of its porting time."""
    now = outcome.decided_at
    case = Case(
        case_id=_case_id(now),
        kind="porting",
        state="awaiting_donor",
        version=1,
        recipient=message.sender,
        donor=message.donor,
        range_holders=facts.range_holders(message.numbers),
        number_type=message.number_type,
        main_number=message.main_number,
        numbers=message.numbers,
        effective_time=message.porting_time,
        newest_order=message.message_id,
        created_at=now,
        updated_at=now,
        warnings=(_EXTRA_NUMBERS,) if message.extra_ignored else (),
        customer=message.customer.model_dump(mode="json", exclude_none=True),
    )
    outcome.room.append((case.recipient, oslo_day(case.effective_time), case.number_count))
    outcome.cases[case.case_id] = case
    outcome.entries.append(_entry(rules, message, now, None, case))
    return case


def step(
    rules: Rules,
    message: AnyCaseMessage,
    case: Case,
    facts: Facts,
    routing: Iterable[RoutingRow],
    outcome: Outcome,
) -> Case:
    """A lawful message about a case, which time has been settled for, takes the case one step on."""
    before, case = case, _changed(message, case, facts)
    taken = take(case, message.type, outcome.decided_at)
    outcome.cases[case.case_id] = taken.case
    outcome.entries.append(_entry(rules, message, taken.at, taken.from_state, taken.case))
    _move_room(before, taken.case, outcome)
    match message:
        case NpIver():
            outcome.routing = port(routing, _routing_rows(taken.case))
        case NpAnnu() if before.state == "scheduled":
            outcome.routing = unport(routing, case.case_id)
        case _:
            _notice(rules, taken, outcome)
    return taken.case


def settle(rules: Rules, case: Case, now: datetime, outcome: Outcome) -> Case:
    """What time has done to the case by `now`, written into the history at its due instant."""
    taken = due(case, now)
    if taken is None:
        return case
    outcome.cases[case.case_id] = taken.case
    outcome.entries.append(_said(rules, taken, TIME, {}, ()))
    _move_room(case, taken.case, outcome)
    _notice(rules, taken, outcome)
    return taken.case


def waive(rules: Rules, case: Case, code: str, outcome: Outcome) -> Case:
    """The code's NP_FERD is no longer awaited; if it was the last one, the case is completed."""
    taken = take(replace(case, waived=(*case.waived, code)), WAIVE, outcome.decided_at)
    outcome.cases[case.case_id] = taken.case
    outcome.entries.append(_said(rules, taken, WAIVE, {"code": code}, ()))
    _notice(rules, taken, outcome)
    return taken.case


def complete(rules: Rules, case: Case, outcome: Outcome) -> Case:
    """Nobody's NP_FERD is awaited any more, because the code that owed the last one has become the recipient."""
    taken = take(case, WAIVE, outcome.decided_at)
    outcome.cases[case.case_id] = taken.case
    outcome.entries.append(_said(rules, taken, WAIVE, {"code": case.recipient}, ()))
    _notice(rules, taken, outcome)
    return taken.case


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
            network = facts.networks[message.network]
            told = told_of_execution(case, facts)
            return replace(
                case,
                range_holders=facts.range_holders(case.numbers),
                network=network.code,
                routing_number=network.routing_number,
                expected=told,
                told=told,
            )
        case NpFerd():
            return replace(case, received=(*case.received, message.sender))
        case _:
            return case


def _move_room(before: Case, after: Case, outcome: Outcome) -> None:
    """Room under the cap: given back where the case has come to nothing, moved where its day has changed."""
    old, new = oslo_day(before.effective_time), oslo_day(after.effective_time)
    if after.state in CAP_RETURNING_STATES:
        outcome.room.append((after.recipient, old, -after.number_count))
    elif old != new:
        outcome.room.append((after.recipient, old, -after.number_count))
        outcome.room.append((after.recipient, new, after.number_count))


def _routing_rows(case: Case) -> list[RoutingRow]:
    return [
        RoutingRow(item, case.recipient, case.network or case.recipient, case.case_id, case.effective_time)
        for item in case.numbers
    ]


def _entry(rules: Rules, message: NpBest | AnyCaseMessage, at: datetime, from_state: str | None, case: Case) -> Entry:
    content = wire_form(message)
    digest = _digest(content)
    personal = {name: content.pop(name) for name in sorted(message.personal) if name in content}
    return Entry(
        at=at,
        type=message.type,
        sender=message.sender,
        message_id=message.message_id,
        case_id=case.case_id,
        # What was personal leaves its place behind, so that the log tells that it was there.
        body={
            "type": content.pop("type"),
            **content,
            **dict.fromkeys(personal),
            "case_id": str(case.case_id),
        },
        digest=digest,
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
        outcome.entries.append(_said(rules, taken, "NOTICE", notice, parties(taken.case)))


def _said(rules: Rules, taken: Step, kind: str, more: dict[str, Any], to: tuple[str, ...]) -> Entry:
    """What the clearinghouse itself enters: what time did, or a notice."""
    message_id = uuid4()
    case = taken.case
    return Entry(
        at=taken.at,
        type=kind,
        sender=CLEARINGHOUSE,
        message_id=message_id,
        case_id=case.case_id,
        body={
            "type": kind,
            "message_id": str(message_id),
            "sender": CLEARINGHOUSE,
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
