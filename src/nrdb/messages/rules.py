"""The rulebook's order of checks: the first refusal that applies, or none (contract section 6).

A pure function of the message, the facts and the instant. Each check is a named function that raises one code;
`check_opening` and `check_case_message` list them in the order in which a provider meets them. Values (minutes, days,
limits, reasons) are data in the rulebook; who may send what is `cases.roles`; which state allows what is the machine.
"""

from dataclasses import dataclass
from datetime import date, datetime

from nrdb.cases.case import NKOM, Case
from nrdb.errors import Code, Problem
from nrdb.messages import cap_rules, number_rules, state_rules, time_rules
from nrdb.messages.facts import Facts
from nrdb.messages.grounds import ground
from nrdb.messages.kinds import (
    AnyCaseMessage,
    AnyOpening,
    FiveIver,
    FiveOpps,
    NpBest,
    NpEndr,
    NpFbes,
    NpIver,
    NpOpps,
    effective_time,
)
from nrdb.routing.numbers import count
from nrdb.rulebook import Rulebook
from nrdb.texts import say
from nrdb.timers import windows
from nrdb.timers.calendar import WorkingCalendar, oslo_day


@dataclass(frozen=True, slots=True)
class Rules:
    """The rulebook with the calendar of the day, as every check needs them."""

    rulebook: Rulebook
    calendar: WorkingCalendar


def check_opening(rules: Rules, message: AnyOpening, facts: Facts, now: datetime) -> None:
    """NP_BEST, 5_IVER, NP_OPPS, 5_OPPS. Raises `Problem` with the first refusal that applies, or returns."""
    check_numbers(rules, message, facts)
    check_window(rules, message, now)
    code = cap_code(message, facts)
    if code is not None:
        latest = latest_time(rules, message, now)
        check_room(rules, code, oslo_day(effective_time(message)), count(message.numbers), facts, latest)


def check_numbers(rules: Rules, message: AnyOpening, facts: Facts) -> None:
    """What is lawful or not whatever porting or termination time the message names."""
    numbers = message.numbers
    if isinstance(message, FiveIver):
        _network(message.network, facts)
    number_rules.right_length(message)
    number_rules.known(numbers, facts)
    number_rules.portable(numbers, facts)
    number_rules.one_class(numbers, facts)
    if isinstance(message, NpBest):
        number_rules.number_type_fits(message, facts)
    if isinstance(message, FiveIver):
        number_rules.target_known(message, facts)
    number_rules.named_once(message)
    number_rules.block_size(rules.rulebook.block_limit.value, numbers)
    _parties(message, facts)
    number_rules.not_in_open_case(numbers, facts)


def _parties(message: AnyOpening, facts: Facts) -> None:
    """Who holds the numbers, and who may give or get them."""
    numbers = message.numbers
    match message:
        case NpBest():
            number_rules.in_use(numbers, facts)
            number_rules.held_by(message.donor, numbers, facts)
            number_rules.other_provider(message.sender, message.donor)
        case FiveIver():
            number_rules.set_up_from_nkom(message.donor, numbers, facts)
            number_rules.held_by(message.donor, numbers, facts)
            number_rules.other_provider_or_change(message, facts)
            number_rules.right_of_use(message, facts)
        case NpOpps():
            number_rules.held_by(message.sender, numbers, facts)
            number_rules.ported(numbers, message.sender, facts)
            number_rules.one_range_holder(numbers, facts)
        case FiveOpps():
            number_rules.held_by(message.sender, numbers, facts)
            number_rules.ported(numbers, message.sender, facts)


def earliest_time(rules: Rules, message: AnyOpening, now: datetime) -> datetime:
    """The first instant that the message may name: T10 for 5_IVER, T13 for terminations, T9 for orders."""
    match message:
        case FiveIver():
            return windows.earliest_execution(rules.rulebook, now).at
        case NpBest():
            return windows.earliest_order(rules.rulebook, rules.calendar, now).at
        case _:
            return windows.earliest_termination(rules.rulebook, rules.calendar, now).at


def latest_time(rules: Rules, message: AnyOpening | NpEndr, now: datetime) -> datetime:
    """The last instant at which the numbers may move at all: T14 for terminations, T11 for the others."""
    window = windows.latest_termination if isinstance(message, NpOpps | FiveOpps) else windows.latest_porting
    return window(rules.rulebook, rules.calendar, now).at


def check_window(rules: Rules, message: AnyOpening, now: datetime) -> None:
    """The porting or termination time is neither too early nor too late."""
    check = {
        NpBest: time_rules.order_window,
        FiveIver: time_rules.set_up_window,
        NpOpps: time_rules.termination_window,
        FiveOpps: time_rules.termination_window,
    }[type(message)]
    check(rules.rulebook, rules.calendar, effective_time(message), now)


def cap_code(message: AnyOpening, facts: Facts) -> str | None:
    """Whose daily room the numbers take: the recipient's, a termination's range holder's (our reading of S3 2.3.1).

    The holder's own 5_IVER moves no number, so it takes none.
    """
    match message:
        case NpBest():
            return message.sender
        case FiveIver():
            return message.sender if message.sender != message.donor else None
        case FiveOpps():
            return NKOM
        case _:
            return facts.range_holders(message.numbers)[0]


def check_case_message(rules: Rules, message: AnyCaseMessage, case: Case, facts: Facts, now: datetime) -> None:
    """A message about `case`, which is as it was stored: what time has done by `now` is reckoned here.

    Raises `Problem` with the first refusal that applies; returns when the message is lawful.
    """
    state_rules.role(message, case)
    state_rules.not_sent_before(message, case)
    state_rules.state(rules.rulebook, message, case, now)
    state_rules.newest(message, case)
    match message:
        case NpIver():
            _network(message.network, facts)
            number_rules.portable(case.numbers, facts)
            number_rules.held_by(case.donor, case.numbers, facts)
            time_rules.execution_in_time(rules.rulebook, case.effective_time, now)
        case NpEndr():
            porting_time = message.porting_time or case.effective_time
            time_rules.order_window(rules.rulebook, rules.calendar, porting_time, now)
            day = oslo_day(porting_time)
            # Room is needed only where the change moves the case to another day.
            if case.cap_code is not None and day != oslo_day(case.effective_time):
                check_room(rules, case.cap_code, day, case.number_count, facts, latest_time(rules, message, now))
        case NpFbes():
            ground(rules.rulebook, message, case, facts)
        case _:
            time_rules.stop_in_time(rules.rulebook, message.type, case, now)


def _network(code: str, facts: Facts) -> None:
    if facts.network(code) is None:
        raise Problem(
            Code.NETWORK_NOT_USABLE,
            say("{code} is no active terminating provider with a routing number. Name one in 'network'.", code=code),
            facts={"network": code},
        )


def check_room(rules: Rules, code: str, day: date, requested: int, facts: Facts, latest: datetime) -> None:
    """The code has room for so many numbers on that day. `latest` is the last lawful time for another day."""
    cap_rules.room(code, day, requested, facts, rules.rulebook.cap.daily_limit, latest)
