"""Lawful times found ahead of a message: from when until when it could name them, and why not earlier.

Nothing is decided here. A draft of the message is put to the same checks as the message itself (`messages.rules`), once
for what does not depend on the time, then for the window (T9 to T11, T13, T14), then for each day's room under the cap.
What the request does not name (customer, target number, right holder, network) is taken to be right.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, ParamSpec
from uuid import UUID

from nrdb.clock import TICK
from nrdb.errors import Problem
from nrdb.messages.facts import Facts, Network, PlanRow
from nrdb.messages.fields import Range
from nrdb.messages.kinds import AnyOpening, FiveIver, FiveOpps, NpBest, NpOpps, RightHolder
from nrdb.messages.rules import (
    Rules,
    cap_code,
    check_numbers,
    check_room,
    check_window,
    earliest_time,
    latest_time,
)
from nrdb.routing.numbers import NumberRange, count, parse_number, subtract
from nrdb.routing.table import PortedRow
from nrdb.timers.calendar import oslo_day

P = ParamSpec("P")
OpeningType = Literal["NP_BEST", "5_IVER", "NP_OPPS", "5_OPPS"]
#: Stands for the target number that a draft of 5_IVER does not name.
_ANY_TARGET = parse_number("00000000")


@dataclass(frozen=True, slots=True)
class Slot:
    """Every instant from `first` to `last`, both included, may be named."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class NotBefore:
    """Why not from `first` (None: the beginning) until `until`, which is itself free of this hindrance.

    None as `until`: no end of it is known.
    """

    first: datetime | None
    until: datetime | None
    problem: Problem


@dataclass(frozen=True, slots=True)
class Found:
    """The slots of a message that is sent at `send_from`: now, or when the open case of its numbers has ended.

    None: no time is known at which it could be sent. `not_before` is in order of time, and no two of them, nor a slot,
    share an instant.
    """

    send_from: datetime | None
    slots: tuple[Slot, ...] = ()
    not_before: tuple[NotBefore, ...] = ()


def draft(message_type: OpeningType, numbers: Sequence[NumberRange], donor: str, recipient: str | None) -> AnyOpening:
    """A message of that type; its time is still to be named. A termination is sent by its donor."""
    singles = [item.first for item in numbers if item.count == 1]
    series = tuple(Range.model_construct(first=item.first, last=item.last) for item in numbers if item.count > 1)
    main = singles.pop(0) if singles else numbers[0].first
    sender = donor if recipient is None else recipient
    common: dict[str, Any] = {"type": message_type, "message_id": UUID(int=0), "main_number": main}
    many: dict[str, Any] = {"additional_numbers": tuple(singles), "series": series}
    match message_type:
        case "NP_BEST":
            # The type of all kinds of numbers, save where one number stands alone.
            kind: Literal["E", "S"] = "S" if singles or series else "E"
            return NpBest.model_construct(**common, **many, sender=sender, donor=donor, number_type=kind)
        case "5_IVER":
            return FiveIver.model_construct(
                **common,
                sender=sender,
                donor=donor,
                network=sender,
                target_number=_ANY_TARGET,
                right_holder=RightHolder.model_construct(name="", organisation_number=""),
            )
        case "NP_OPPS":
            return NpOpps.model_construct(**common, **many, sender=donor)
        case "5_OPPS":
            return FiveOpps.model_construct(**common, sender=donor)


def naming(message: AnyOpening, at: datetime) -> AnyOpening:
    """The same message with another porting or termination time."""
    field = "porting_time" if isinstance(message, NpBest | FiveIver) else "termination_time"
    return message.model_copy(update={field: at})


def assumed(message: AnyOpening, facts: Facts) -> Facts:
    """The facts, with what the draft does not name taken to be right."""
    if not isinstance(message, FiveIver):
        return facts
    target = PlanRow(NumberRange(_ANY_TARGET, _ANY_TARGET), "FIVE", "", "open")
    return replace(
        facts,
        plan=(*facts.plan, target),
        networks={message.network: Network(message.network, "")},
        right_holder=None,
    )


def find_slots(
    rules: Rules,
    message: AnyOpening,
    facts: Facts,
    now: datetime,
    *,
    start: datetime | None = None,
    routing: Sequence[PortedRow] = (),
    returning: Sequence[NumberRange] = (),
) -> Found:
    """The slots from `start` (now, unless it is later) to T11 or T14, for a message sent as soon as one may be.

    `routing` tells who holds the numbers when the open cases among them have ended, and `returning` which of them the
    clearinghouse then takes back for Nkom.
    """
    facts = assumed(message, facts)
    send_from, not_before = now, list[NotBefore]()
    refused = _refusal(check_numbers, rules, message, facts)
    if refused is not None:
        unblocked = _unblocked(facts)
        if unblocked is not None:
            not_before.append(NotBefore(None, unblocked, refused))
            facts = _then(facts, routing, returning, unblocked)
            send_from, refused = unblocked, _refusal(check_numbers, rules, message, facts)
        if refused is not None:
            # What stands in the way before and after the open cases is one hindrance.
            before = [item for item in not_before if item.problem.code is not refused.code]
            return Found(None, not_before=(*before, NotBefore(before[-1].until if before else None, None, refused)))
    # A message that can only be sent later names no earlier time than that.
    start = max(start or send_from, send_from)
    earliest = earliest_time(rules, message, send_from)
    latest = latest_time(rules, message, send_from)
    refused = _refusal(check_window, rules, naming(message, start), send_from)
    if refused is not None:
        early = NotBefore(not_before[-1].until if not_before else None, earliest, refused)
        not_before.append(early if start < earliest else NotBefore(latest + TICK, None, refused))
    days = list(_days(rules, message, facts, max(start, earliest), latest))
    free = [day for day in days if isinstance(day, Slot)]
    full = [day for day in days if isinstance(day, NotBefore)]
    if not free and full and all(_over_the_limit(day.problem) for day in full):
        # No day frees up: it is one hindrance without an end, not one for each day.
        full = [replace(full[0], until=None)]
    return Found(send_from, _joined(free), (*not_before, *full))


def _refusal(check: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> Problem | None:
    try:
        check(*args, **kwargs)
    except Problem as problem:
        return problem
    return None


def _unblocked(facts: Facts) -> datetime | None:
    """When the last open case of the numbers has ended; None where there is none or its end is not known."""
    ends = [row.until for row in facts.open_numbers]
    return None if None in ends else max((end for end in ends if end is not None), default=None)


def _then(facts: Facts, routing: Sequence[PortedRow], returning: Sequence[NumberRange], at: datetime) -> Facts:
    """The facts as they will be when the open cases have ended, as far as is known now."""
    ported = (
        replace(row, numbers=staying)
        for row in routing
        if row.in_force(at)
        for staying in subtract([row.numbers], returning)
    )
    return replace(facts, open_numbers=(), ported=tuple(ported))


def _days(
    rules: Rules, message: AnyOpening, facts: Facts, begin: datetime, latest: datetime
) -> Iterator[Slot | NotBefore]:
    """Each day as a slot, or why it is none. 24:00 belongs to the next day."""
    code, requested = cap_code(message, facts), count(message.numbers)
    while begin <= latest:
        day, midnight = oslo_day(begin), rules.calendar.end_of_working_day(begin, 0)
        full = _refusal(check_room, rules, code, day, requested, facts, latest) if code else None
        yield NotBefore(begin, midnight, full) if full else Slot(begin, min(midnight - TICK, latest))
        begin = midnight


def _over_the_limit(full: Problem) -> bool:
    """The message asks for more than the whole day has, however few are taken."""
    told = full.facts or {}
    return bool(told["requested"] > told["limit"])


def _joined(days: Iterable[Slot]) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    for day in days:
        if slots and slots[-1].last + TICK == day.first:
            slots[-1] = Slot(slots[-1].first, day.last)
        else:
            slots.append(day)
    return tuple(slots)
