"""Working time in tables: every row is a case a porting clerk could bring."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from nrdb.rulebook import CalendarRules, Hours, Rulebook, load_rulebook
from nrdb.timers import OSLO
from nrdb.timers.calendar import (
    LONGEST_CLOSURE_DAYS,
    MOST_WORKING_DAYS,
    MOST_WORKING_MINUTES,
    WorkingCalendar,
    oslo_day,
    plus_minutes,
    working_calendar,
)

NO_CLOSED_DAYS: frozenset[date] = frozenset()
SHORT_HOURS = {"source": "assumption", "text": {"en": "test", "nb": "test"}}


def told(reason: object) -> str | None:
    return None if reason is None else str(reason)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OSLO)


def norway(*closed: str) -> WorkingCalendar:
    return working_calendar(load_rulebook(), frozenset(map(date.fromisoformat, closed)))


def with_hours(*entries: Hours) -> WorkingCalendar:
    rules = CalendarRules(country="NO", hours=entries)
    return working_calendar(load_rulebook().model_copy(update={"calendar": rules}), NO_CLOSED_DAYS)


def hours(valid_from: str, weekdays: list[str], opens: int, closes: int) -> Hours:
    return Hours.model_validate(
        {
            "valid_from": date.fromisoformat(valid_from),
            "weekdays": weekdays,
            "opens": time(opens),
            "closes": time(closes),
            **SHORT_HOURS,
        }
    )


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        # The examples of the contract.
        ("2026-11-20 15:50", 35, "2026-11-23 08:25"),
        ("2026-11-20 15:25:00", 35, "2026-11-20 16:00"),
        ("2026-11-20 15:25:01", 35, "2026-11-23 08:00:01"),
        ("2026-11-19 15:25:01", 35, "2026-11-20 08:00:01"),
        ("2026-11-20 15:25:00.000001", 35, "2026-11-23 08:00:00.000001"),
        ("2026-11-20 15:24:59.999999", 35, "2026-11-20 15:59:59.999999"),
        # Before, at and after working hours.
        ("2026-11-20 00:00", 35, "2026-11-20 08:35"),
        ("2026-11-20 07:59:59.999999", 35, "2026-11-20 08:35"),
        ("2026-11-20 08:00", 35, "2026-11-20 08:35"),
        ("2026-11-20 08:00", 480, "2026-11-20 16:00"),
        ("2026-11-20 08:00", 481, "2026-11-23 08:01"),
        ("2026-11-20 16:00", 35, "2026-11-23 08:35"),
        ("2026-11-20 23:59:59", 35, "2026-11-23 08:35"),
        ("2026-11-21 12:00", 35, "2026-11-23 08:35"),
        ("2026-11-22 12:00", 35, "2026-11-23 08:35"),
        # No minutes have passed at once, also when it is closed.
        ("2026-11-20 15:50", 0, "2026-11-20 15:50"),
        ("2026-11-21 12:00", 0, "2026-11-21 12:00"),
        # Easter week: Maundy Thursday 2 April to Easter Monday 6 April.
        ("2026-04-01 15:50", 35, "2026-04-07 08:25"),
        ("2026-04-02 09:00", 35, "2026-04-07 08:35"),
        ("2026-04-04 09:00", 35, "2026-04-07 08:35"),
        # 17 May: a Sunday in 2026, a Monday in 2027 beside Whit Monday, a Tuesday in 2022.
        ("2026-05-15 15:50", 35, "2026-05-18 08:25"),
        ("2027-05-14 15:50", 35, "2027-05-18 08:25"),
        ("2022-05-16 15:50", 35, "2022-05-18 08:25"),
        # Christmas: the 24th and 31st are working days until somebody closes them.
        ("2026-12-23 15:50", 35, "2026-12-24 08:25"),
        ("2026-12-24 15:50", 35, "2026-12-28 08:25"),
        ("2026-12-31 15:50", 35, "2027-01-04 08:25"),
        # Summer time begins 29 March 2026 and ends 25 October 2026, both Sundays.
        ("2026-03-27 15:50", 35, "2026-03-30 08:25"),
        ("2026-03-29 01:59", 35, "2026-03-30 08:35"),
        ("2026-10-23 15:50", 35, "2026-10-26 08:25"),
        ("2026-10-25 02:30", 35, "2026-10-26 08:35"),
    ],
)
def test_add_working_minutes(start: str, minutes: int, end: str) -> None:
    reached = norway().add_working_minutes(local(start), minutes)
    assert reached == local(end)
    assert reached.tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "end", "closed"),
    [
        ("2026-12-23 15:50", "2026-12-28 08:25", ["2026-12-24"]),
        ("2026-12-24 09:00", "2026-12-28 08:35", ["2026-12-24"]),
        ("2026-12-30 15:50", "2027-01-05 08:25", ["2026-12-31", "2027-01-04"]),
        ("2026-04-01 09:00", "2026-04-01 09:35", ["2026-04-02", "2026-04-04"]),
    ],
)
def test_closed_days_are_skipped(start: str, end: str, closed: list[str]) -> None:
    assert norway(*closed).add_working_minutes(local(start), 35) == local(end)


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2026-11-20", None),
        ("2026-11-21", "weekend"),
        ("2026-11-22", "weekend"),
        ("2026-01-01", "New Year's Day"),
        ("2026-04-02", "Maundy Thursday"),
        ("2026-04-03", "Good Friday"),
        ("2026-04-04", "weekend"),
        ("2026-04-05", "weekend"),
        ("2026-04-06", "Easter Monday"),
        ("2026-05-01", "Labor Day"),
        ("2026-05-14", "Ascension Day"),
        ("2026-05-17", "weekend"),
        ("2027-05-17", "Constitution Day; Pentecost Monday"),
        ("2026-05-25", "Pentecost Monday"),
        ("2026-12-24", "closed by decision"),
        ("2026-12-25", "Christmas Day"),
        ("2026-12-26", "weekend"),
        ("2026-12-31", None),
        ("1969-12-31", "no working hours"),
        ("2155-12-24", None),
        ("2155-05-17", "weekend"),
        ("2156-05-17", "Constitution Day"),
    ],
)
def test_closed_reason(day: str, reason: str | None) -> None:
    calendar = norway("2026-12-24", "2026-12-25", "2026-12-26")
    assert told(calendar.closed_reason(date.fromisoformat(day))) == reason
    assert calendar.is_working_day(date.fromisoformat(day)) is (reason is None)
    assert (calendar.hours(date.fromisoformat(day)) is None) is (reason is not None)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-03-27", "07:00", "15:00"),
        ("2026-03-30", "06:00", "14:00"),
        ("2026-10-23", "06:00", "14:00"),
        ("2026-10-26", "07:00", "15:00"),
    ],
)
def test_hours_are_instants_in_utc(day: str, opens: str, closes: str) -> None:
    window = norway().hours(date.fromisoformat(day))
    assert window == tuple(datetime.fromisoformat(f"{day}T{at}:00+00:00") for at in (opens, closes))


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        # Day 0 is the day of the start, working day or not, whatever the hour.
        ("2026-11-20 15:50", 0, "2026-11-20"),
        ("2026-11-21 15:50", 0, "2026-11-21"),
        ("2026-11-20 00:00", 1, "2026-11-23"),
        ("2026-11-20 23:59:59.999999", 1, "2026-11-23"),
        ("2026-11-21 00:00", 1, "2026-11-23"),
        ("2026-11-22 23:59", 1, "2026-11-23"),
        ("2026-11-23 00:00", 1, "2026-11-24"),
        # 60 working days, as computed for the fact sheet.
        ("2026-11-23 12:00", 60, "2027-02-17"),
        ("2026-03-02 12:00", 60, "2026-06-02"),
        # Easter week, 16 to 18 May, Christmas.
        ("2026-04-01 12:00", 1, "2026-04-07"),
        ("2026-04-05 12:00", 1, "2026-04-07"),
        ("2022-05-16 12:00", 1, "2022-05-18"),
        ("2026-12-23 12:00", 2, "2026-12-28"),
        # Over both changes of the clock.
        ("2026-03-27 12:00", 1, "2026-03-30"),
        ("2026-03-28 12:00", 0, "2026-03-28"),
        ("2026-03-29 12:00", 0, "2026-03-29"),
        ("2026-10-24 12:00", 0, "2026-10-24"),
        ("2026-10-25 12:00", 0, "2026-10-25"),
    ],
)
def test_end_of_working_day(start: str, days: int, last: str) -> None:
    calendar = norway()
    midnight = local(last) + timedelta(days=1)
    assert calendar.end_of_working_day(local(start), days) == midnight
    assert calendar.end_of_working_day(local(start), days) == midnight  # and again, from memory
    assert calendar.end_of_working_day(local(start), days).tzinfo is UTC


def test_day_of_the_start_is_the_day_in_oslo() -> None:
    late_thursday_in_utc = datetime(2026, 11, 19, 23, 0, tzinfo=UTC)
    assert norway().end_of_working_day(late_thursday_in_utc, 0) == local("2026-11-21 00:00")
    assert norway().end_of_working_day(late_thursday_in_utc - timedelta.resolution, 0) == late_thursday_in_utc


def test_closed_day_moves_the_end() -> None:
    assert norway().end_of_working_day(local("2026-12-23 12:00"), 1) == local("2026-12-25 00:00")
    assert norway("2026-12-24").end_of_working_day(local("2026-12-23 12:00"), 1) == local("2026-12-29 00:00")


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-11-20T22:59:59.999999+00:00", "2026-11-20"),
        ("2026-11-20T23:00:00+00:00", "2026-11-21"),
        ("2026-07-20T21:59:59+00:00", "2026-07-20"),
        ("2026-07-20T22:00:00+00:00", "2026-07-21"),
        ("2026-11-21T04:00:00+09:00", "2026-11-20"),
    ],
)
def test_oslo_day(at: str, day: str) -> None:
    assert oslo_day(datetime.fromisoformat(at)) == date.fromisoformat(day)


def test_newer_hours_replace_older_ones_whole() -> None:
    calendar = with_hours(
        hours("2020-01-01", ["mon", "tue", "wed", "thu", "fri"], 8, 16),
        hours("2027-01-04", ["mon", "tue"], 9, 15),
        hours("2027-01-04", ["sat"], 10, 12),
    )
    assert calendar.add_working_minutes(local("2027-01-01 12:00"), 60) == local("2027-01-04 10:00")
    assert calendar.add_working_minutes(local("2027-01-05 14:59"), 2) == local("2027-01-09 10:01")
    assert calendar.add_working_minutes(local("2026-12-30 15:59"), 2) == local("2026-12-31 08:01")
    assert told(calendar.closed_reason(date(2027, 1, 6))) == "no working hours"
    assert told(calendar.closed_reason(date(2027, 1, 10))) == "weekend"
    assert not calendar.is_working_day(date(2019, 12, 31))
    assert calendar.add_working_minutes(local("2019-12-31 12:00"), 1) == local("2020-01-02 08:01")


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        # Open 00 to 06 on Sundays: five hours when summer time begins, seven when it ends.
        ("2026-03-29 00:00", 300, "2026-03-29 06:00"),
        ("2026-03-29 01:59", 2, "2026-03-29 03:01"),
        ("2026-03-29 00:00", 301, "2026-04-12 00:01"),
        ("2026-10-25 00:00", 420, "2026-10-25 06:00"),
        ("2026-10-25 00:00", 421, "2026-11-01 00:01"),
    ],
)
def test_working_time_over_a_change_of_the_clock_is_elapsed_time(start: str, minutes: int, end: str) -> None:
    calendar = with_hours(hours("2020-01-01", ["sun"], 0, 6))
    assert calendar.add_working_minutes(local(start), minutes) == local(end)


def test_doubled_hour_is_told_apart() -> None:
    calendar = with_hours(hours("2020-01-01", ["sun"], 0, 6))
    first = datetime(2026, 10, 25, 2, 30, tzinfo=OSLO)
    assert calendar.add_working_minutes(first, 60) == first.replace(fold=1).astimezone(UTC)


def test_naive_times_are_refused() -> None:
    naive = datetime(2026, 11, 20, 15, 50)  # noqa: DTZ001
    calls: list[Callable[[], object]] = [
        lambda: norway().add_working_minutes(naive, 1),
        lambda: norway().explain_working_minutes(naive, 1),
        lambda: norway().end_of_working_day(naive, 1),
        lambda: norway().explain_working_days(naive, 1),
        lambda: oslo_day(naive),
        lambda: plus_minutes(naive, 1),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="without an offset"):
            call()


@pytest.mark.parametrize("minutes", [-1, MOST_WORKING_MINUTES + 1])
def test_unreasonable_minutes_are_refused(minutes: int) -> None:
    with pytest.raises(ValueError, match="working minutes must be from 0"):
        norway().add_working_minutes(local("2026-11-20 12:00"), minutes)


@pytest.mark.parametrize("days", [-1, MOST_WORKING_DAYS + 1])
def test_unreasonable_days_are_refused(days: int) -> None:
    with pytest.raises(ValueError, match="working days must be from 0"):
        norway().end_of_working_day(local("2026-11-20 12:00"), days)


def test_instant_is_not_taken_for_a_day() -> None:
    with pytest.raises(ValueError, match="a calendar day"):
        norway().hours(local("2026-11-20 12:00"))


def test_calendar_that_never_opens_is_refused_in_the_end() -> None:
    monday = date(2026, 11, 23)
    calendar = norway(*(str(monday + timedelta(days=n)) for n in range(LONGEST_CLOSURE_DAYS + 7)))
    for call in (calendar.add_working_minutes, calendar.end_of_working_day):
        with pytest.raises(ValueError, match="no working day within"):
            call(local("2026-11-20 16:00"), 1)


@pytest.mark.parametrize("year", [1970, 2000, 2100, 2101, 5000, 9990])
def test_far_years_can_be_reckoned_with(year: int) -> None:
    calendar = norway()
    for start in (datetime(year, 1, 1, tzinfo=UTC), datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)):
        assert start < calendar.add_working_minutes(start, 35) < start + timedelta(days=7)
        assert timedelta(days=80) < calendar.end_of_working_day(start, 60) - start < timedelta(days=96)
        assert calendar.explain_working_minutes(start, 35)
        assert calendar.explain_working_days(start, 60)


@pytest.mark.parametrize(
    "at", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))]
)
def test_end_of_time_is_a_value_error(at: datetime) -> None:
    calls: list[Callable[[], object]] = [
        lambda: norway().add_working_minutes(at, 35),
        lambda: norway().explain_working_minutes(at, 35),
        lambda: norway().end_of_working_day(at, 1),
        lambda: norway().explain_working_days(at, 1),
        lambda: plus_minutes(at, 1),
        lambda: oslo_day(at),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="lies outside the years"):
            call()


def test_calendar_is_equal_by_what_it_was_built_from() -> None:
    closed = frozenset({date(2026, 12, 24)})
    rules = load_rulebook()
    one = working_calendar(rules, closed)
    assert working_calendar(rules, frozenset(closed)) is one
    fresh = WorkingCalendar(rules.calendar, closed)
    assert (fresh, hash(fresh)) == (one, hash(one))
    assert one != working_calendar(rules, NO_CLOSED_DAYS)


def test_other_hours_with_the_same_digest_are_another_calendar() -> None:
    changed: Rulebook = load_rulebook().model_copy(
        update={"calendar": CalendarRules(country="NO", hours=(hours("2020-01-01", ["sun"], 0, 6),))}
    )
    assert working_calendar(changed, NO_CLOSED_DAYS) != norway()
