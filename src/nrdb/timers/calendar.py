"""Working time: one calendar for every timer, the one for mobile numbers (S3 2.2.1).

Hours and weekdays are data of the rulebook, where they are labelled as an assumption; public holidays come
from the package `holidays`, extra closed days from an administrator. Instants are reckoned in UTC, so that
summer time neither adds nor loses a minute; only the edges of days and hours are local.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, wraps
from itertools import groupby
from typing import Final, ParamSpec, TypeVar

import holidays

from nrdb.rulebook import CalendarRules, Hours, Rulebook, TimerUnit
from nrdb.texts import OSLO, Both, Sentence, say

#: Far beyond any timer; a request for more is a mistake or an attack.
MOST_WORKING_MINUTES: Final = 1_000_000
MOST_WORKING_DAYS: Final = 10_000
#: A calendar that opens on none of this many days running is taken never to open again.
LONGEST_CLOSURE_DAYS: Final = 3_660
#: Bounds the memory of one calendar; a process in daily use touches a few hundred days.
MOST_CACHED_DAYS: Final = 20_000

WEEKEND: Final = say("weekend")
CLOSED_BY_DECISION: Final = say("closed by decision")
NO_HOURS: Final = say("no working hours")
_ONE_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 6

P = ParamSpec("P")
R = TypeVar("R")


def in_range(function: Callable[P, R]) -> Callable[P, R]:
    """Turn an instant that Python cannot hold into a ValueError that says so."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except OverflowError as error:
            raise ValueError("the time lies outside the years that can be reckoned with") from error

    return checked


def utc(at: datetime) -> datetime:
    """Give the same instant in UTC; a time without an offset names no instant and is refused."""
    if at.tzinfo is UTC:
        return at
    if at.utcoffset() is None:
        raise ValueError("a time without an offset is not an instant")
    return at.astimezone(UTC)


@lru_cache(maxsize=4096)
@in_range
def oslo_day(at: datetime) -> date:
    """Name the calendar day in Norway on which the instant falls."""
    return utc(at).astimezone(OSLO).date()


@in_range
def plus_minutes(at: datetime, minutes: int) -> datetime:
    """Add elapsed minutes, which summer time does not change (T10, T12, T15, T16, T18)."""
    return utc(at) + timedelta(minutes=minutes)


def is_summer_time(at: datetime) -> bool:
    """Say whether clocks in Norway show summer time at the instant."""
    return bool(utc(at).astimezone(OSLO).dst())


@dataclass(frozen=True)
class WorkingCalendar:
    """Which time is working time: rulebook hours, less public holidays, less days closed by decision.

    Equal and hashable by what it was built from. What it has worked out is remembered beside that, because
    every order and every listing asks for the same few days.
    """

    rules: CalendarRules
    closed_days: frozenset[date]
    _windows: dict[date, tuple[datetime, datetime] | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _day_ends: dict[tuple[date, int], datetime] = field(default_factory=dict, init=False, repr=False, compare=False)
    _minute_ends: dict[tuple[datetime, int], datetime] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def is_working_day(self, day: date) -> bool:
        """Say whether any time on the day is working time."""
        return self._window(day) is not None

    def closed_reason(self, day: date) -> Sentence | Both | None:
        """Say why a day is closed: weekend, the name of the holiday, a decision. None when it is open."""
        if self._hours_of(day) is None:
            return WEEKEND if day.isoweekday() >= _SATURDAY else NO_HOURS
        holiday = _public_holidays(self.rules.country, day.year).get(day)
        if holiday is not None:
            return holiday
        return CLOSED_BY_DECISION if day in self.closed_days else None

    @in_range
    def hours(self, day: date) -> tuple[datetime, datetime] | None:
        """Give the instants in UTC between which the day is working time, None when it is closed."""
        return self._window(day)

    @in_range
    def add_working_minutes(self, start: datetime, minutes: int) -> datetime:
        """Find the first instant, in UTC, at which that many working minutes have passed since the start."""
        key = start, minutes
        end = self._minute_ends.get(key)
        if end is None:
            end = utc(start)
            for _, part in self._walk(end, minutes):
                if part is not None:
                    end = part[1]
            _remember(self._minute_ends, key, end)
        return end

    @in_range
    def explain_working_minutes(self, start: datetime, minutes: int) -> list[Sentence]:
        """Tell in local time, day by day, how add_working_minutes gets there; like days are told together."""
        start = utc(start)
        if minutes == 0:
            return [say("{at}: no working minutes to wait for", at=start)]
        walked = [(day, self._kind(day, part), part) for day, part in self._walk(start, minutes)]
        groups = (list(group) for _, group in groupby(walked, key=lambda entry: entry[1]))
        return [_told_span([(day, part) for day, _, part in group], group[0][1], start) for group in groups]

    @in_range
    def end_of_working_day(self, start: datetime, days: int) -> datetime:
        """Find 24:00 Oslo time, in UTC, of the nth working day after the day of the start.

        The day of the start is day 0, working day or not (contract 7, T11 and T14).
        """
        key = oslo_day(start), days
        end = self._day_ends.get(key)
        if end is None:
            end = _midnight_after(self._nth_working_day(*key))
            _remember(self._day_ends, key, end)
        return end

    @in_range
    def explain_working_days(self, start: datetime, days: int) -> list[Sentence]:
        """Tell how end_of_working_day gets there: the days counted, the weekends, each closed day by name."""
        zero = oslo_day(start)
        last = self._nth_working_day(zero, days)
        passed = [zero + timedelta(days=n) for n in range(1, (last - zero).days + 1)]
        lines = [say("{day}: day 0, the day it is counted from", day=zero)]
        if passed:
            lines.append(say("{days}: {amount}", days=_told_days(passed), amount=told_amount(days, "working_days")))
            lines.extend(self._not_counted(passed))
        return [*lines, say("{day} 24:00:00: the end of day {count}", day=last, count=days)]

    def _not_counted(self, days: list[date]) -> Iterator[Sentence]:
        weekend = sum(self.closed_reason(day) == WEEKEND for day in days)
        if weekend:
            yield (
                say("not counted: 1 day of weekend")
                if weekend == 1
                else say("not counted: {count} days of weekend", count=weekend)
            )
        for reason, group in groupby(days, key=self.closed_reason):
            if reason is not None and reason != WEEKEND:
                yield say("not counted: {days} ({reason})", days=_told_days(group), reason=reason)

    def _walk(self, start: datetime, minutes: int) -> Iterator[tuple[date, tuple[datetime, datetime] | None]]:
        """Go through the days from the start on, each with the part of its working time that is used.

        A day on which none is used comes with None. The end of the last part is the end of the minutes.
        """
        _require(minutes, MOST_WORKING_MINUTES, "working minutes")
        left = timedelta(minutes=minutes)
        day = start.astimezone(OSLO).date()
        unused = 0
        while left:
            window = self._window(day)
            part = None
            if window is not None and window[1] > start:
                begin = max(start, window[0])
                part = begin, min(begin + left, window[1])
                left -= part[1] - begin
            unused = _count_closed(unused, is_open=part is not None)
            yield day, part
            day += _ONE_DAY

    def _nth_working_day(self, day: date, days: int) -> date:
        _require(days, MOST_WORKING_DAYS, "working days")
        unused = 0
        while days:
            day += _ONE_DAY
            is_open = self._window(day) is not None
            unused = _count_closed(unused, is_open=is_open)
            days -= is_open
        return day

    def _window(self, day: date) -> tuple[datetime, datetime] | None:
        try:
            return self._windows[day]
        except KeyError:
            window = self._find_window(day)
            _remember(self._windows, day, window)
            return window

    def _find_window(self, day: date) -> tuple[datetime, datetime] | None:
        if isinstance(day, datetime):
            raise ValueError("a calendar day is asked for, not an instant")  # noqa: TRY004
        hours = self._hours_of(day)
        if hours is None or self.closed_reason(day) is not None:
            return None
        opens, closes = (datetime.combine(day, at, OSLO) for at in (hours.opens, hours.closes))
        return opens.astimezone(UTC), closes.astimezone(UTC)

    def _hours_of(self, day: date) -> Hours | None:
        """Find the hours for the weekday among those with the newest date not after the day."""
        begun = [hours for hours in self.rules.hours if hours.valid_from <= day]
        newest = max((hours.valid_from for hours in begun), default=None)
        weekday = day.isoweekday()
        return next((h for h in begun if h.valid_from == newest and weekday in h.isoweekdays), None)

    def _kind(self, day: date, part: tuple[datetime, datetime] | None) -> tuple[object, ...]:
        """Say what makes a day like its neighbours in a derivation; a day used in part is like no other."""
        reason = self.closed_reason(day)
        if reason is not None:
            return "closed", reason
        if part is None:
            return ("over",)
        if part != self._window(day):
            return "part", day.isoformat()
        opens, closes = (at.astimezone(OSLO).time() for at in part)
        return "full", opens, closes


def working_calendar(rulebook: Rulebook, closed_days: frozenset[date]) -> WorkingCalendar:
    """Give the calendar of a rulebook with the days that an administrator has closed (contract 8).

    The same one is given again for the same days, with all it remembers.
    """
    return _calendar(rulebook.calendar, closed_days)


@lru_cache(maxsize=16)
def _calendar(rules: CalendarRules, closed_days: frozenset[date]) -> WorkingCalendar:
    return WorkingCalendar(rules, closed_days)


@lru_cache(maxsize=512)
def _public_holidays(country: str, year: int) -> Mapping[date, Both]:
    english, norwegian = (_holiday_names(country, year, language) for language in ("en_US", "no"))
    return {day: Both(name, norwegian[day]) for day, name in english.items()}


def _holiday_names(country: str, year: int, language: str) -> Mapping[date, str]:
    book = holidays.country_holidays(country, language=language)
    # The package stops at 2100 and would silently leave later years without any holiday.
    book.end_year = MAXYEAR
    book.get(date(year, 1, 1))  # Asking for one day of a year fills the whole year.
    return dict(book)


K = TypeVar("K")
V = TypeVar("V")


def _remember(cache: dict[K, V], key: K, value: V) -> None:
    if len(cache) >= MOST_CACHED_DAYS:
        cache.clear()
    cache[key] = value


def _require(count: int, most: int, what: str) -> None:
    if not 0 <= count <= most:
        raise ValueError(f"the number of {what} must be from 0 to {most}")


def _count_closed(so_far: int, *, is_open: bool) -> int:
    """Count days without working time in a row, and stop a search that would never end."""
    if is_open:
        return 0
    if so_far >= LONGEST_CLOSURE_DAYS:
        raise ValueError(f"the calendar has no working day within {LONGEST_CLOSURE_DAYS} days")
    return so_far + 1


def _midnight_after(day: date) -> datetime:
    return datetime.combine(day + _ONE_DAY, datetime.min.time(), OSLO).astimezone(UTC)


def _told_span(
    days: list[tuple[date, tuple[datetime, datetime] | None]], kind: tuple[object, ...], start: datetime
) -> Sentence:
    """One line of a derivation for days of one kind, see WorkingCalendar._kind."""
    dates = _told_days([day for day, _ in days])
    parts = [part for _, part in days if part is not None]
    if kind[0] == "closed":
        if kind[1] == CLOSED_BY_DECISION:
            return say("{days}: closed by decision", days=dates)
        return say("{days}: closed ({reason})", days=dates, reason=kind[1])
    if not parts:
        return say("{at}: working hours are over for the day", at=start)
    begin, end = (at.astimezone(OSLO).time() for at in parts[0])
    amount = _told_time(sum((end - begin for begin, end in parts), timedelta()))
    if len(days) > 1:
        return say("{days} {begin}-{end} each day: {amount}", days=dates, begin=begin, end=end, amount=amount)
    return say("{days} {begin}-{end}: {amount}", days=dates, begin=begin, end=end, amount=amount)


def _told_time(amount: timedelta) -> Sentence:
    minutes, rest = divmod(amount, timedelta(minutes=1))
    seconds = Decimal(f"{rest.total_seconds():.6f}".rstrip("0").rstrip("."))
    if not rest:
        return told_amount(minutes, "working_minutes")
    if not minutes:
        return say("1 working second") if seconds == 1 else say("{count} working seconds", count=seconds)
    return say("{minutes} {seconds} s", minutes=told_amount(minutes, "working_minutes"), seconds=seconds)


def told_amount(count: int, unit: TimerUnit) -> Sentence:
    """So many minutes or days of the unit of a timer."""
    if unit == "working_minutes":
        return say("1 working minute") if count == 1 else say("{count} working minutes", count=count)
    if unit == "working_days":
        return say("1 working day") if count == 1 else say("{count} working days", count=count)
    return say("1 minute") if count == 1 else say("{count} minutes", count=count)


def _told_days(days: Iterable[date]) -> object:
    first, *later = days
    return say("{first} to {last}", first=first, last=later[-1]) if later else first
