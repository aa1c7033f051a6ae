"""The windows of the reports against the calendar that decides: whoever asks, the same is overdue."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrdb.reports.working import overdue_since, windows
from nrdb.rulebook import load_rulebook
from nrdb.timers.calendar import working_calendar

#: A Thursday closed beside the weekend, so that stretches without working time are of every length.
CALENDAR = working_calendar(load_rulebook(), frozenset({date(2026, 12, 3), date(2026, 12, 24)}))
FIRST = datetime(2026, 11, 23, tzinfo=UTC)
#: Quarters of an hour meet the edges of days and hours often.
INSTANTS = st.one_of(
    st.integers(0, 40 * 96).map(lambda n: FIRST + n * timedelta(minutes=15)),
    st.integers(0, 40 * 86_400_000_000).map(lambda n: FIRST + timedelta(microseconds=n)),
)
MINUTES = st.sampled_from([0, 1, 35, 120, 480, 481, 960])


@given(now=INSTANTS, since=INSTANTS, minutes=MINUTES)
def test_overdue_is_what_the_calendar_says(now: datetime, since: datetime, minutes: int) -> None:
    is_overdue = CALENDAR.add_working_minutes(since, minutes) < now
    assert (since <= overdue_since(CALENDAR, now, minutes)) == is_overdue


@given(start=INSTANTS, minutes=MINUTES)
def test_minutes_between_are_those_that_were_added(start: datetime, minutes: int) -> None:
    end = CALENDAR.add_working_minutes(start, minutes)
    passed = windows(CALENDAR, FIRST.date(), date(2027, 1, 31))
    assert passed.minutes(start, end) == pytest.approx(minutes)
    assert passed.minutes(start - timedelta(days=900), start - timedelta(days=800)) == 0
