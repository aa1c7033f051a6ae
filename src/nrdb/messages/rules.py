"""The rulebook's order of checks: the first refusal that applies, or none (contract section 6).

A pure function of the message, the facts and the instant. Each check is a named function that raises one code;
`check_order` and `check_case_message` list them in the order in which a provider meets them. Values (minutes, days,
limits, reasons) are data in the rulebook; who may send what is `cases.roles`; which state allows what is the machine.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from nrdb.cases.case import Case, settled
from nrdb.cases.machine import events_in, reached_by_time, states_for
from nrdb.cases.roles import ROLE_OF, role_holders
from nrdb.clock import format_time
from nrdb.errors import Code, Problem
from nrdb.messages import number_rules
from nrdb.messages.facts import CapDay, Facts
from nrdb.messages.kinds import AnyCaseMessage, Customer, NpBest, NpEndr, NpFbes, NpFerd, NpGodk, NpIver
from nrdb.routing.numbers import count
from nrdb.rulebook import Rulebook
from nrdb.timers import windows
from nrdb.timers.calendar import WorkingCalendar, local_text, oslo_day
from nrdb.timers.windows import Bound


@dataclass(frozen=True, slots=True)
class Rules:
    """The rulebook with the calendar of the day, as every check needs them."""

    rulebook: Rulebook
    calendar: WorkingCalendar


def check_order(rules: Rules, message: NpBest, facts: Facts, now: datetime) -> None:
    """NP_BEST. Raises `Problem` with the first refusal that applies; returns when the order is lawful."""
    numbers = message.numbers
    number_rules.no_five_digit_number(numbers)
    number_rules.known(numbers, facts)
    number_rules.portable(numbers, facts)
    number_rules.one_class(numbers, facts)
    number_rules.number_type_fits(message, facts)
    number_rules.named_once(message)
    number_rules.block_size(rules.rulebook.block_limit.value, numbers)
    number_rules.in_use(numbers, facts)
    number_rules.held_by(message.donor, numbers, facts)
    number_rules.other_provider(message.sender, message.donor)
    number_rules.not_in_open_case(numbers, facts)
    _porting_window(rules, message.porting_time, now)
    _room(rules, message.sender, oslo_day(message.porting_time), count(numbers), facts, now)


def check_case_message(rules: Rules, message: AnyCaseMessage, case: Case, facts: Facts, now: datetime) -> None:
    """A message about `case`, which is as it was stored: what time has done by `now` is reckoned here.

    Raises `Problem` with the first refusal that applies; returns when the message is lawful.
    """
    _role(message, case)
    _not_sent_before(message, case)
    _state(rules, message, case, now)
    _newest(message, case)
    match message:
        case NpIver():
            _network(message.network, facts)
            number_rules.portable(case.numbers, facts)
            number_rules.held_by(case.donor, case.numbers, facts)
            _execution_in_time(rules, case, now)
        case NpEndr():
            porting_time = message.porting_time or case.effective_time
            _porting_window(rules, porting_time, now)
            _room_after_change(rules, case, porting_time, facts, now)
        case NpFbes():
            _ground(rules, message, case, facts)
        case _:
            _stop_in_time(rules, message.type, case, now)


# --- role and state -----------------------------------------------------------------------------------------------


def _role(message: AnyCaseMessage, case: Case) -> None:
    holders = role_holders(case, message.type)
    if message.sender in holders:
        return
    raise Problem(
        Code.ROLE_NOT_PERMITTED,
        f"{message.type} is sent by {' or '.join(holders) or 'nobody'} in this case, not by {message.sender}.",
        facts={"role": ROLE_OF[message.type], "by": list(holders), "sender": message.sender},
    )


def _not_sent_before(message: AnyCaseMessage, case: Case) -> None:
    if isinstance(message, NpFerd) and message.sender in case.received:
        raise Problem(
            Code.ALREADY_SENT,
            f"{message.sender} has already reported NP_FERD in this case.",
            facts={"sender": message.sender, "missing": list(case.missing)},
        )


def _state(rules: Rules, message: AnyCaseMessage, case: Case, now: datetime) -> None:
    """The state must allow the message; where time makes the difference, the time rule answers."""
    current = settled(case, now)
    allowed_in = states_for(message.type)
    if current.state in allowed_in:
        return
    if current.entered_from in allowed_in:
        _stop_in_time(rules, message.type, case, now)
        raise _porting_time_passed(message.type, case)
    if reached_by_time(current.state, all_done=not current.missing) in allowed_in:
        raise _too_early(windows.earliest_completion(rules.rulebook, case.effective_time), case)
    allowed = events_in(current.state)
    raise Problem(
        Code.CASE_STATE,
        f"The case is {current.state}, where {message.type} is not possible. "
        f"Possible now: {', '.join(allowed) or 'nothing'}.",
        facts={"state": current.state, "kind": case.kind, "allowed": allowed},
    )


def _porting_time_passed(message_type: str, case: Case) -> Problem:
    return Problem(
        Code.PORTING_TIME_PASSED,
        f"{message_type} had to be sent before the porting time, {local_text(case.effective_time)}.",
        facts={"porting_time": format_time(case.effective_time), "latest": format_time(case.effective_time),
               "latest_included": False,
               "derivation": [f"the porting time itself, {local_text(case.effective_time)}, is too late"]},
    )  # fmt: skip


def _too_early(bound: Bound, case: Case) -> Problem:
    return Problem(
        Code.TOO_EARLY_TO_COMPLETE,
        f"Completion is reported at the porting time, {local_text(case.effective_time)}, or later.",
        rule=bound.rule,
        facts={"porting_time": format_time(case.effective_time), **_time_facts("earliest", bound)},
    )


def _newest(message: AnyCaseMessage, case: Case) -> None:
    if isinstance(message, NpGodk | NpFbes) and message.answers not in (None, case.newest_order):
        raise Problem(
            Code.STALE_ANSWER,
            "The order has been changed since: look at the newest one and answer that.",
            facts={"newest": str(case.newest_order), "answers": str(message.answers)},
        )


def _network(code: str, facts: Facts) -> None:
    if facts.network(code) is None:
        raise Problem(
            Code.NETWORK_NOT_USABLE,
            f"{code} is no active terminating provider with a routing number. Name one in 'network'.",
            facts={"network": code},
        )


# --- time ---------------------------------------------------------------------------------------------------------


def _time_facts(side: str, bound: Bound) -> dict[str, Any]:
    return {side: format_time(bound.at), "derivation": list(bound.explain())}


def _porting_window(rules: Rules, porting_time: datetime, now: datetime) -> None:
    """T9 and T11, both ends allowed."""
    _not_before(windows.earliest_order(rules.rulebook, rules.calendar, now), porting_time)
    latest = windows.latest_porting(rules.rulebook, rules.calendar, now)
    if porting_time > latest.at:
        raise Problem(
            Code.PORTING_TIME_TOO_LATE,
            f"The porting time may be at the latest {local_text(latest.at)}.",
            rule=latest.rule,
            facts={"porting_time": format_time(porting_time), **_time_facts("latest", latest)},
        )


def _not_before(earliest: Bound, porting_time: datetime) -> None:
    if porting_time < earliest.at:
        raise Problem(
            Code.PORTING_TIME_TOO_EARLY,
            f"The porting time may be at the earliest {local_text(earliest.at)}.",
            rule=earliest.rule,
            facts={"porting_time": format_time(porting_time), **_time_facts("earliest", earliest)},
        )


def _execution_in_time(rules: Rules, case: Case, now: datetime) -> None:
    _not_before(windows.earliest_execution(rules.rulebook, now), case.effective_time)


def _stop_in_time(rules: Rules, message_type: str, case: Case, now: datetime) -> None:
    """T12: exactly 30 minutes before is in time. Concerns NP_ANNU only."""
    if message_type != "NP_ANNU":
        return
    latest = windows.latest_cancel(rules.rulebook, case.effective_time)
    if now > latest.at:
        raise Problem(
            Code.STOP_TOO_LATE,
            f"The porting could be stopped until {local_text(latest.at)}. Moving the number back is a new order.",
            rule=latest.rule,
            facts={"porting_time": format_time(case.effective_time), **_time_facts("latest", latest)},
        )


# --- the daily cap ------------------------------------------------------------------------------------------------


def _room_after_change(rules: Rules, case: Case, porting_time: datetime, facts: Facts, now: datetime) -> None:
    """Room is needed only where the change moves the case to another day."""
    day = oslo_day(porting_time)
    if day != oslo_day(case.effective_time):
        _room(rules, case.recipient, day, case.number_count, facts, now)


def _room(rules: Rules, code: str, day: date, requested: int, facts: Facts, now: datetime) -> None:
    full = facts.full_days.get(day) or _over_any_limit(rules, requested, day, facts)
    if full is None:
        return
    free_day = _next_day_with_room(rules, day, requested, facts, now)
    advice = f"The next day with room is {free_day}." if free_day else "No day up to T11 has room."
    raise Problem(
        Code.DAILY_CAP_EXCEEDED,
        f"{code} may receive {full.limit} numbers on {day}; {full.used} are taken and {requested} asked for. {advice}",
        facts={
            "code": code,
            "day": day.isoformat(),
            "limit": full.limit,
            "used": full.used,
            "requested": requested,
            "next_day_with_room": free_day.isoformat() if free_day else None,
        },
    )


def _over_any_limit(rules: Rules, requested: int, day: date, facts: Facts) -> CapDay | None:
    """A day without an entry in the ledger is empty and has the common limit."""
    limit = rules.rulebook.cap.daily_limit
    return CapDay(used=0, limit=limit) if requested > limit and day not in facts.raised_days else None


def _next_day_with_room(rules: Rules, day: date, requested: int, facts: Facts, now: datetime) -> date | None:
    last = oslo_day(windows.latest_porting(rules.rulebook, rules.calendar, now).at - timedelta(microseconds=1))
    for ahead in range(1, (last - day).days + 1):
        candidate = day + timedelta(days=ahead)
        if candidate not in facts.full_days and not _over_any_limit(rules, requested, candidate, facts):
            return candidate
    return None


# --- the donor's refusal ------------------------------------------------------------------------------------------


def _ground(rules: Rules, message: NpFbes, case: Case, facts: Facts) -> None:
    """A refusal must rest on a lawful reason, say what would be right, and keep a secret number's owner secret."""
    _reason_permitted(rules, message, case, facts)
    _expected_given(rules, message)
    _secret_kept(message)


def _reason_permitted(rules: Rules, message: NpFbes, case: Case, facts: Facts) -> None:
    reason = rules.rulebook.reasons[message.reason]
    classes = set(number_rules.class_ranges(case.numbers, facts))
    if reason.always_refused:
        why = "it never stops a porting."
    elif classes & reason.refused_for_classes:
        why = "mobile numbers may be ported one by one."
    elif message.reason == "owner-mismatch" and not message.secret_number and _same_owner(message, case):
        why = "the identity that you expect is the one in the order, and the name alone is no ground."
    else:
        return
    raise Problem(
        Code.REASON_NOT_PERMITTED,
        f"{message.reason} is no ground for a refusal here: {why}",
        facts={"reason": message.reason, "classes": sorted(classes)},
    )


def _same_owner(message: NpFbes, case: Case) -> bool:
    if message.expected is None or case.customer is None:
        return False
    ordered = Customer.model_validate(case.customer)
    if message.expected.birth_date is not None and ordered.birth_date is not None:
        return message.expected.birth_date == ordered.birth_date.strftime("%Y%m%d")
    return (
        message.expected.organisation_number is not None
        and message.expected.organisation_number == ordered.organisation_number
    )


def _expected_given(rules: Rules, message: NpFbes) -> None:
    if message.reason == "owner-mismatch" and message.secret_number:
        return
    given = message.expected.given if message.expected else frozenset()
    needs = rules.rulebook.reasons[message.reason].needs
    missing = [" or ".join(alternatives) for alternatives in needs if not given & set(alternatives)]
    if missing:
        raise Problem(
            Code.EXPECTED_VALUE_MISSING,
            f"{message.reason} must say what would be right: expected {' and '.join(missing)}.",
            facts={"reason": message.reason, "missing": missing},
        )


def _secret_kept(message: NpFbes) -> None:
    if not message.secret_number:
        return
    given = message.expected.given if message.expected else frozenset()
    disclosed = sorted(given & {"name", "birth_date", "organisation_number"})
    if message.comment is not None:
        disclosed.append("comment")
    if disclosed:
        raise Problem(
            Code.SECRET_NUMBER_DISCLOSED,
            f"The number is secret: leave out {', '.join(disclosed)}.",
            facts={"fields": disclosed},
        )
