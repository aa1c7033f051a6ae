"""What T9 to T18 allow: the earliest or latest instant for each message (S3 2.2.1).

Every bound is itself allowed: exactly the earliest and exactly the latest instant pass (contract 6). How a
bound was reached is worked out only when somebody asks, because most messages are accepted and nobody does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from nrdb.rulebook import Rulebook, Timer
from nrdb.texts import Sentence, say
from nrdb.timers.calendar import WorkingCalendar, is_summer_time, plus_minutes, told_amount, utc


@dataclass(frozen=True, slots=True)
class Bound:
    """The earliest or latest instant that a rule allows, in UTC, and where the rule is written."""

    at: datetime
    rule: str
    source: str
    _derive: Callable[[], Iterable[Sentence]] = field(repr=False, compare=False)

    def explain(self) -> tuple[Sentence, ...]:
        """Tell how the instant was reached, in sentences with local times, for the facts of a refusal."""
        return tuple(self._derive())


def earliest_order(rulebook: Rulebook, calendar: WorkingCalendar, now: datetime) -> Bound:
    """T9: the earliest porting time that NP_BEST or NP_ENDR sent now may name."""
    return _working_minutes_ahead("T9", rulebook, calendar, now)


def earliest_execution(rulebook: Rulebook, now: datetime) -> Bound:
    """T10: the earliest porting time for which NP_IVER or 5_IVER may be sent now."""
    return _minutes_from("T10", rulebook, now, 1)


def latest_execution_sending(rulebook: Rulebook, porting_time: datetime) -> Bound:
    """T10 seen from the porting time: the last instant at which NP_IVER may be sent for it."""
    return _minutes_from("T10", rulebook, porting_time, -1)


def latest_porting(rulebook: Rulebook, calendar: WorkingCalendar, now: datetime) -> Bound:
    """T11: the latest porting time that NP_BEST, NP_ENDR or 5_IVER sent now may name."""
    return _working_days_ahead("T11", rulebook, calendar, now)


def latest_stop(rulebook: Rulebook, kind: str, effective_time: datetime) -> Bound:
    """The last instant at which NP_ANNU may stop a porting (T12, S3 2.4.1) or a termination (T18)."""
    return _minutes_from("T18" if kind == "termination" else "T12", rulebook, effective_time, -1)


def earliest_completion(rulebook: Rulebook, porting_time: datetime) -> Bound:
    """T15: the first instant at which NP_FERD or 5_FERD may be sent."""
    return _minutes_from("T15", rulebook, porting_time, -1)


def earliest_termination(rulebook: Rulebook, calendar: WorkingCalendar, now: datetime) -> Bound:
    """T13: the earliest termination time that NP_OPPS or 5_OPPS sent now may name."""
    return _working_minutes_ahead("T13", rulebook, calendar, now)


def latest_termination(rulebook: Rulebook, calendar: WorkingCalendar, now: datetime) -> Bound:
    """T14: the latest termination time that NP_OPPS or 5_OPPS sent now may name."""
    return _working_days_ahead("T14", rulebook, calendar, now)


def earliest_return(rulebook: Rulebook, termination_time: datetime) -> Bound:
    """T16: the first instant at which NP_TILB or 5_TILB may be sent."""
    return _minutes_from("T16", rulebook, termination_time, -1)


def _working_minutes_ahead(rule: str, rulebook: Rulebook, calendar: WorkingCalendar, now: datetime) -> Bound:
    timer = rulebook.timers[rule]
    at = calendar.add_working_minutes(now, timer.value)
    return Bound(at, rule, timer.source, partial(_explain_working, rule, timer, now, calendar.explain_working_minutes))


def _working_days_ahead(rule: str, rulebook: Rulebook, calendar: WorkingCalendar, now: datetime) -> Bound:
    timer = rulebook.timers[rule]
    at = calendar.end_of_working_day(now, timer.value)
    return Bound(at, rule, timer.source, partial(_explain_working, rule, timer, now, calendar.explain_working_days))


def _minutes_from(rule: str, rulebook: Rulebook, start: datetime, sign: int) -> Bound:
    """Reckon elapsed minutes after an instant (sign 1) or before it (sign -1)."""
    timer = rulebook.timers[rule]
    at = plus_minutes(start, sign * timer.value)
    return Bound(at, rule, timer.source, partial(_explain_elapsed, rule, timer, sign, start, at))


def _explain_working(
    rule: str, timer: Timer, now: datetime, steps: Callable[[datetime, int], list[Sentence]]
) -> list[Sentence]:
    head = say("{rule}: {amount} from {at}", rule=rule, amount=told_amount(timer.value, timer.unit), at=utc(now))
    return [head, *steps(now, timer.value)]


def _explain_elapsed(rule: str, timer: Timer, sign: int, start: datetime, at: datetime) -> list[Sentence]:
    values: dict[str, object] = {"rule": rule, "amount": told_amount(timer.value, timer.unit)}
    if _clock_changes_near(start, at):
        # Without the names an hour would seem missing or doubled, and 02:30 could mean two instants.
        values |= {"start": _with_time_name(start), "at": _with_time_name(at)}
    else:
        values |= {"start": start, "at": at}
    if sign > 0:
        return [say("{rule}: {amount} after {start} is {at}", **values)]
    return [say("{rule}: {amount} before {start} is {at}", **values)]


def _clock_changes_near(one: datetime, other: datetime) -> bool:
    before, after = plus_minutes(min(one, other), -60), plus_minutes(max(one, other), 60)
    return is_summer_time(before) != is_summer_time(after)


def _with_time_name(at: datetime) -> Sentence:
    return say("{at} (summer time)", at=at) if is_summer_time(at) else say("{at} (normal time)", at=at)
