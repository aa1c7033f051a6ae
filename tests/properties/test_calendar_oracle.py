"""The calendar against an oracle that shares nothing with it.

The oracle works on whole numbers of microseconds since 1970. It has its own rule for summer time (the EU's),
its own Easter (Gauss) and walks minute by minute, asking of each minute whether it is open. It knows nothing
of windows, of zoneinfo or of the package `holidays`.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from nrdb.rulebook import CalendarRules, Hours, load_rulebook
from nrdb.timers.calendar import WEEKEND, WorkingCalendar, oslo_day, working_calendar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Week(NamedTuple):
    """A week's hours: weekdays from 0 for Monday, minutes of the day."""

    weekdays: frozenset[int]
    opens: int
    closes: int


# --- The oracle ---------------------------------------------------------------------------------------------


def last_sunday(year: int, month: int) -> int:
    """Number of days since 1970 of the last Sunday of a month with 31 days."""
    last = (date(year, month, 31) - EPOCH_DAY).days
    return last - (last + 4) % 7


@cache
def summer(year: int) -> tuple[int, int]:
    return last_sunday(year, 3) * DAY + HOUR, last_sunday(year, 10) * DAY + HOUR


def offset(instant: int) -> int:
    begin, end = summer((EPOCH + timedelta(microseconds=instant)).year)
    return 2 * HOUR if begin <= instant < end else HOUR


def easter(year: int) -> date:
    """Gauss, for the years 1900 to 2099."""
    d = (19 * (year % 19) + 24) % 30
    e = (2 * (year % 4) + 4 * (year % 7) + 6 * d + 5) % 7
    days = 22 + d + e
    if (d, e) == (29, 6) or (d == 28 and e == 6 and year % 19 > 10):
        days -= 7
    return date(year, 3, 1) + timedelta(days=days - 1)


@cache
def red_days(year: int) -> frozenset[int]:
    fixed = [date(year, *day) for day in ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26))]
    moving = [easter(year) + timedelta(days=n) for n in (-3, -2, 0, 1, 39, 49, 50)]
    return frozenset((day - EPOCH_DAY).days for day in fixed + moving)


def is_open_day(day: int, week: Week, closed: frozenset[date]) -> bool:
    as_date = EPOCH_DAY + timedelta(days=day)
    return (day + 3) % 7 in week.weekdays and day not in red_days(as_date.year) and as_date not in closed


def oracle_minutes(start: int, minutes: int, week: Week, closed: frozenset[date]) -> int:
    """Walk from minute to minute, using up what is left of each one that is open."""
    left = minutes * MINUTE
    at = start
    open_days: dict[int, bool] = {}
    while left:
        local = at + offset(at)
        day, minute = local // DAY, local % DAY // MINUTE
        if day not in open_days:
            open_days[day] = is_open_day(day, week, closed)
        step = MINUTE - at % MINUTE
        if open_days[day] and week.opens <= minute < week.closes:
            step = min(step, left)
            left -= step
        at += step
    return at


def oracle_days(start: int, days: int, week: Week, closed: frozenset[date]) -> int:
    """Walk from day to day, then look for the midnight that Norway's clocks show."""
    day = (start + offset(start)) // DAY
    while days:
        day += 1
        days -= is_open_day(day, week, closed)
    midnight = (day + 1) * DAY
    return next(midnight - ahead for ahead in (HOUR, 2 * HOUR) if offset(midnight - ahead) == ahead)


# --- What is compared ---------------------------------------------------------------------------------------


def calendar_of(week: Week, closed: frozenset[date]) -> WorkingCalendar:
    hours = Hours.model_validate(
        {
            "valid_from": date(1970, 1, 1),
            "weekdays": [WEEKDAYS[day] for day in sorted(week.weekdays)],
            "opens": time(*divmod(week.opens, 60)),
            "closes": time(*divmod(week.closes, 60)),
            "source": "assumption",
            "text": {"en": "test", "nb": "test"},
        }
    )
    rules = CalendarRules(country="NO", hours=(hours,))
    return working_calendar(load_rulebook().model_copy(update={"calendar": rules}), closed)


def instant(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


NORWAY = Week(frozenset(range(5)), 8 * 60, 16 * 60)
minute_of_day = st.integers(0, 23 * 60 + 59).filter(lambda minute: not 120 <= minute < 180)
weeks = st.just(NORWAY) | st.builds(
    lambda days, ends: Week(days, min(ends), max(ends)),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.tuples(minute_of_day, minute_of_day).filter(lambda ends: abs(ends[0] - ends[1]) >= 30),
)

# Days near which something happens: Easter, 17 May, Christmas, the changes of the clock; and any other day.
turning_days = st.builds(
    lambda year, pick, shift: (pick(year) if callable(pick) else date(year, *pick)) + timedelta(days=shift),
    st.integers(1997, 2090),
    st.sampled_from(
        [easter, (5, 16), (12, 24), (1, 1)]
        + [lambda year, month=month: EPOCH_DAY + timedelta(days=last_sunday(year, month)) for month in (3, 10)]
    ),
    st.integers(-5, 5),
)
days = turning_days | st.dates(date(1997, 1, 1), date(2090, 12, 31))
# Times near the edges of an hour, where a boundary is missed by a second or less, and any other time.
times = st.builds(
    lambda hour, shift: hour * HOUR + shift, st.integers(0, 24), st.sampled_from([-SECOND, -1, 0, 1, SECOND])
) | st.integers(0, DAY - 1)
starts = st.builds(lambda day, at: (day - EPOCH_DAY).days * DAY + at, days, times)


@st.composite
def situations(draw: st.DrawFn) -> tuple[int, Week, frozenset[date]]:
    start = draw(starts)
    today = EPOCH_DAY + timedelta(days=start // DAY)
    closed = draw(st.frozensets(st.integers(-1, 20).map(lambda n: today + timedelta(days=n)), max_size=4))
    return start, draw(weeks), closed


@settings(deadline=None, max_examples=200)
@given(situations(), st.integers(0, 120) | st.integers(0, 1500))
def test_working_minutes_agree_with_the_oracle(situation: tuple[int, Week, frozenset[date]], minutes: int) -> None:
    start, week, closed = situation
    # A short week needs many days for many minutes, and the oracle walks each of their minutes.
    minutes = min(minutes, 2 * (week.closes - week.opens) * len(week.weekdays))
    expected = oracle_minutes(start, minutes, week, closed)
    assert calendar_of(week, closed).add_working_minutes(instant(start), minutes) == instant(expected)


@settings(deadline=None, max_examples=300)
@given(situations(), st.integers(0, 80))
def test_working_days_agree_with_the_oracle(situation: tuple[int, Week, frozenset[date]], days: int) -> None:
    start, week, closed = situation
    expected = oracle_days(start, days, week, closed)
    assert calendar_of(week, closed).end_of_working_day(instant(start), days) == instant(expected)


@settings(deadline=None)
@given(situations(), st.integers(0, 5000), st.integers(0, 5000))
def test_minutes_add_up(situation: tuple[int, Week, frozenset[date]], first: int, second: int) -> None:
    start, week, closed = situation
    calendar = calendar_of(week, closed)
    between = calendar.add_working_minutes(instant(start), first)
    assert calendar.add_working_minutes(between, second) == calendar.add_working_minutes(instant(start), first + second)


@settings(deadline=None)
@given(situations(), st.integers(0, 2 * DAY), st.integers(0, 2000))
def test_later_start_never_ends_earlier(situation: tuple[int, Week, frozenset[date]], wait: int, minutes: int) -> None:
    start, week, closed = situation
    calendar = calendar_of(week, closed)
    one, other = (calendar.add_working_minutes(instant(at), minutes) for at in (start, start + wait))
    assert one <= other


@settings(deadline=None)
@given(situations(), st.integers(1, 5000))
def test_derivation_of_minutes_adds_up_to_them(situation: tuple[int, Week, frozenset[date]], minutes: int) -> None:
    start, week, closed = situation
    calendar = calendar_of(week, closed)
    text = "\n".join(map(str, calendar.explain_working_minutes(instant(start), minutes)))
    whole = sum(int(found) for found in re.findall(r": (\d+) working minutes?", text))
    parts = re.findall(r"([\d.]+) (?:s$|working seconds?)", text, flags=re.MULTILINE)
    seconds = sum(round(float(found) * SECOND) for found in parts)
    assert whole * MINUTE + seconds == minutes * MINUTE
    end = calendar.add_working_minutes(instant(start), minutes)
    assert str(oslo_day(end)) in text.splitlines()[-1]


@settings(deadline=None)
@given(situations(), st.integers(1, 80))
def test_derivation_of_days_names_every_day_passed(situation: tuple[int, Week, frozenset[date]], days: int) -> None:
    start, week, closed = situation
    calendar = calendar_of(week, closed)
    zero = oslo_day(instant(start))
    last = oslo_day(calendar.end_of_working_day(instant(start), days) - timedelta.resolution)
    passed = [zero + timedelta(days=n) for n in range(1, (last - zero).days + 1)]
    assert sum(map(calendar.is_working_day, passed)) == days
    assert calendar.is_working_day(last)
    lines = list(map(str, calendar.explain_working_days(instant(start), days)))
    weekend = sum(calendar.closed_reason(day) == WEEKEND for day in passed)
    assert any(line.startswith(f"not counted: {weekend} day") for line in lines) is (weekend > 0)
