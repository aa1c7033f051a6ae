"""What each timer allows, in tables, and how a refusal would explain it."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from nrdb.rulebook import load_rulebook
from nrdb.texts import Sentence, say, tell
from nrdb.timers import (
    OSLO,
    Bound,
    WorkingCalendar,
    earliest_completion,
    earliest_execution,
    earliest_order,
    earliest_return,
    earliest_termination,
    latest_execution_sending,
    latest_porting,
    latest_stop,
    latest_termination,
    working_calendar,
)

RULES = load_rulebook()
CALENDAR: WorkingCalendar = working_calendar(RULES, frozenset[date]())
CHRISTMAS_EVE_CLOSED = working_calendar(RULES, frozenset({date(2026, 12, 24)}))

Working = Callable[[datetime], Bound]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OSLO)


def ahead(function: Callable[..., Bound]) -> Working:
    return lambda now: function(RULES, CALENDAR, now)


def plain(function: Callable[..., Bound]) -> Working:
    return lambda at: function(RULES, at)


def stop(kind: str) -> Working:
    return lambda at: latest_stop(RULES, kind, at)


@pytest.mark.parametrize(
    ("bound_of", "rule", "at", "expected"),
    [
        (ahead(earliest_order), "T9", "2026-11-20 15:50", "2026-11-23 08:25"),
        (ahead(earliest_order), "T9", "2026-11-20 15:25", "2026-11-20 16:00"),
        (ahead(earliest_order), "T9", "2026-11-20 15:25:01", "2026-11-23 08:00:01"),
        (plain(earliest_execution), "T10", "2026-11-21 23:45", "2026-11-22 00:15"),
        (plain(latest_execution_sending), "T10", "2026-11-22 00:15", "2026-11-21 23:45"),
        (ahead(latest_porting), "T11", "2026-11-23 12:00", "2027-02-18 00:00"),
        (ahead(latest_porting), "T11", "2026-11-22 12:00", "2027-02-17 00:00"),
        (stop("porting"), "T12", "2026-11-22 00:15", "2026-11-21 23:45"),
        (ahead(earliest_termination), "T13", "2026-11-20 15:50", "2026-11-23 08:20"),
        (ahead(earliest_termination), "T13", "2026-11-20 15:30", "2026-11-20 16:00"),
        (ahead(latest_termination), "T14", "2026-11-23 12:00", "2027-02-18 00:00"),
        (plain(earliest_completion), "T15", "2026-11-22 00:15", "2026-11-22 00:15"),
        (plain(earliest_return), "T16", "2026-11-22 00:15", "2026-11-22 00:15"),
        (stop("termination"), "T18", "2026-11-22 00:15", "2026-11-21 23:45"),
    ],
)
def test_bounds(bound_of: Working, rule: str, at: str, expected: str) -> None:
    bound = bound_of(local(at))
    assert (bound.at, bound.rule, bound.source) == (local(expected), rule, "S3 2.2.1")
    assert bound.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("bound_of", "at", "expected"),
    [
        (plain(earliest_execution), "2026-03-29T00:45:00+00:00", "2026-03-29T01:15:00+00:00"),
        (stop("porting"), "2026-03-29T01:15:00+00:00", "2026-03-29T00:45:00+00:00"),
        (plain(earliest_execution), "2026-10-25T00:45:00+00:00", "2026-10-25T01:15:00+00:00"),
        (stop("porting"), "2026-10-25T01:15:00+00:00", "2026-10-25T00:45:00+00:00"),
    ],
)
def test_plain_minutes_are_elapsed_minutes(bound_of: Working, at: str, expected: str) -> None:
    in_oslo = datetime.fromisoformat(at).astimezone(OSLO)
    assert bound_of(in_oslo).at == datetime.fromisoformat(expected)


def test_last_sending_and_earliest_execution_meet() -> None:
    porting_time = local("2026-11-20 12:00")
    sending = latest_execution_sending(RULES, porting_time)
    assert earliest_execution(RULES, sending.at).at == porting_time
    assert latest_stop(RULES, "porting", porting_time).at == sending.at


@pytest.mark.parametrize(
    ("bound_of", "at", "lines"),
    [
        (
            ahead(earliest_order),
            "2026-11-20 15:50",
            (
                "T9: 35 working minutes from Fri 2026-11-20 15:50:00",
                "Fri 2026-11-20 15:50:00-16:00:00: 10 working minutes",
                "Sat 2026-11-21 to Sun 2026-11-22: closed (weekend)",
                "Mon 2026-11-23 08:00:00-08:25:00: 25 working minutes",
            ),
        ),
        (
            ahead(latest_termination),
            "2026-05-20 12:00",
            (
                "T14: 60 working days from Wed 2026-05-20 12:00:00",
                "Wed 2026-05-20: day 0, the day it is counted from",
                "Thu 2026-05-21 to Thu 2026-08-13: 60 working days",
                "not counted: 24 days of weekend",
                "not counted: Mon 2026-05-25 (Pentecost Monday)",
                "Thu 2026-08-13 24:00:00: the end of day 60",
            ),
        ),
        (
            plain(earliest_execution),
            "2026-11-20 15:50",
            ("T10: 30 minutes after Fri 2026-11-20 15:50:00 is Fri 2026-11-20 16:20:00",),
        ),
        (
            stop("porting"),
            "2026-11-20 00:15",
            ("T12: 30 minutes before Fri 2026-11-20 00:15:00 is Thu 2026-11-19 23:45:00",),
        ),
        (
            plain(earliest_completion),
            "2026-11-20 00:15",
            ("T15: 0 minutes before Fri 2026-11-20 00:15:00 is Fri 2026-11-20 00:15:00",),
        ),
        (
            stop("porting"),
            "2026-03-29 03:15",
            (
                (
                    "T12: 30 minutes before Sun 2026-03-29 03:15:00 (summer time)"
                    " is Sun 2026-03-29 01:45:00 (normal time)"
                ),
            ),
        ),
        (
            stop("porting"),
            "2026-10-25 03:10",
            (
                (
                    "T12: 30 minutes before Sun 2026-10-25 03:10:00 (normal time)"
                    " is Sun 2026-10-25 02:40:00 (normal time)"
                ),
            ),
        ),
    ],
)
def test_explanations(bound_of: Working, at: str, lines: tuple[str, ...]) -> None:
    assert tuple(map(str, bound_of(local(at)).explain())) == lines


@pytest.mark.parametrize(
    ("start", "minutes", "lines"),
    [
        (
            "2026-11-20 15:50",
            35,
            [
                "Fri 2026-11-20 15:50:00-16:00:00: 10 working minutes",
                "Sat 2026-11-21 to Sun 2026-11-22: closed (weekend)",
                "Mon 2026-11-23 08:00:00-08:25:00: 25 working minutes",
            ],
        ),
        ("2026-11-20 15:25", 35, ["Fri 2026-11-20 15:25:00-16:00:00: 35 working minutes"]),
        ("2026-11-20 06:00", 1, ["Fri 2026-11-20 08:00:00-08:01:00: 1 working minute"]),
        (
            "2026-11-19 15:25:01",
            35,
            [
                "Thu 2026-11-19 15:25:01-16:00:00: 34 working minutes 59 s",
                "Fri 2026-11-20 08:00:00-08:00:01: 1 working second",
            ],
        ),
        (
            "2026-11-19 15:59:59.5",
            1,
            [
                "Thu 2026-11-19 15:59:59.5-16:00:00: 0.5 working seconds",
                "Fri 2026-11-20 08:00:00-08:00:59.5: 59.5 working seconds",
            ],
        ),
        (
            "2026-11-19 16:00",
            35,
            [
                "Thu 2026-11-19 16:00:00: working hours are over for the day",
                "Fri 2026-11-20 08:00:00-08:35:00: 35 working minutes",
            ],
        ),
        (
            "2026-04-01 15:50",
            35,
            [
                "Wed 2026-04-01 15:50:00-16:00:00: 10 working minutes",
                "Thu 2026-04-02: closed (Maundy Thursday)",
                "Fri 2026-04-03: closed (Good Friday)",
                "Sat 2026-04-04 to Sun 2026-04-05: closed (weekend)",
                "Mon 2026-04-06: closed (Easter Monday)",
                "Tue 2026-04-07 08:00:00-08:25:00: 25 working minutes",
            ],
        ),
        (
            "2026-12-21 15:00",
            1140,
            [
                "Mon 2026-12-21 15:00:00-16:00:00: 60 working minutes",
                "Tue 2026-12-22 to Wed 2026-12-23 08:00:00-16:00:00 each day: 960 working minutes",
                "Thu 2026-12-24: closed by decision",
                "Fri 2026-12-25: closed (Christmas Day)",
                "Sat 2026-12-26 to Sun 2026-12-27: closed (weekend)",
                "Mon 2026-12-28 08:00:00-10:00:00: 120 working minutes",
            ],
        ),
        ("2026-11-21 12:00", 0, ["Sat 2026-11-21 12:00:00: no working minutes to wait for"]),
    ],
)
def test_explain_working_minutes(start: str, minutes: int, lines: list[str]) -> None:
    assert list(map(str, CHRISTMAS_EVE_CLOSED.explain_working_minutes(local(start), minutes))) == lines


@pytest.mark.parametrize(
    ("start", "days", "lines"),
    [
        (
            "2026-11-20 15:50",
            60,
            [
                "Fri 2026-11-20: day 0, the day it is counted from",
                "Sat 2026-11-21 to Wed 2027-02-17: 60 working days",
                "not counted: 26 days of weekend",
                "not counted: Thu 2026-12-24 (closed by decision)",
                "not counted: Fri 2026-12-25 (Christmas Day)",
                "not counted: Fri 2027-01-01 (New Year's Day)",
                "Wed 2027-02-17 24:00:00: the end of day 60",
            ],
        ),
        (
            "2026-11-18 15:50",
            1,
            [
                "Wed 2026-11-18: day 0, the day it is counted from",
                "Thu 2026-11-19: 1 working day",
                "Thu 2026-11-19 24:00:00: the end of day 1",
            ],
        ),
        (
            "2026-11-21 15:50",
            0,
            [
                "Sat 2026-11-21: day 0, the day it is counted from",
                "Sat 2026-11-21 24:00:00: the end of day 0",
            ],
        ),
    ],
)
def test_explain_working_days(start: str, days: int, lines: list[str]) -> None:
    assert list(map(str, CHRISTMAS_EVE_CLOSED.explain_working_days(local(start), days))) == lines


def test_days_closed_apart_are_told_apart() -> None:
    closed = frozenset(date(2026, 11, day) for day in (23, 24, 26))
    lines = working_calendar(RULES, closed).explain_working_days(local("2026-11-20 12:00"), 3)
    assert list(map(str, lines[1:])) == [
        "Sat 2026-11-21 to Mon 2026-11-30: 3 working days",
        "not counted: 4 days of weekend",
        "not counted: Mon 2026-11-23 to Tue 2026-11-24 (closed by decision)",
        "not counted: Thu 2026-11-26 (closed by decision)",
        "Mon 2026-11-30 24:00:00: the end of day 3",
    ]


def test_explanations_in_norwegian() -> None:
    lines = earliest_order(RULES, CHRISTMAS_EVE_CLOSED, local("2026-12-23 15:59:59.5")).explain()
    assert [tell(line, "nb") for line in lines] == [
        "T9: 35 virkeminutter fra ons. 23.12.2026 kl. 15.59.59,5",
        "ons. 23.12.2026 kl. 15.59.59,5–16.00.00: 0,5 sekunder virketid",
        "tors. 24.12.2026: stengt etter vedtak",
        "fre. 25.12.2026: stengt (Første juledag)",
        "lør. 26.12.2026 til søn. 27.12.2026: stengt (helg)",
        "man. 28.12.2026 kl. 08.00.00–08.34.59,5: 34 virkeminutter 59,5 s",
    ]
    lines = latest_porting(RULES, CALENDAR, local("2026-12-23 15:50")).explain()
    assert [tell(line, "nb") for line in lines] == [
        "T11: 60 virkedager fra ons. 23.12.2026 kl. 15.50.00",
        "ons. 23.12.2026: dag 0, dagen det telles fra",
        "tors. 24.12.2026 til fre. 19.03.2027: 60 virkedager",
        "telles ikke: 24 helgedager",
        "telles ikke: fre. 25.12.2026 (Første juledag)",
        "telles ikke: fre. 01.01.2027 (Første nyttårsdag)",
        "fre. 19.03.2027 kl. 24.00.00: slutten av dag 60",
    ]
    (line,) = latest_stop(RULES, "porting", local("2026-03-29 03:15")).explain()
    assert tell(line, "nb") == (
        "T12: 30 minutter før søn. 29.03.2026 kl. 03.15.00 (sommertid) er søn. 29.03.2026 kl. 01.45.00 (normaltid)"
    )


def test_explanation_is_worked_out_only_when_asked_for() -> None:
    asked: list[str] = []
    line = say("a line")

    def derive() -> list[Sentence]:
        asked.append("once")
        return [line]

    bound = Bound(local("2026-11-20 15:50"), "T9", "S3 2.2.1", derive)
    assert not asked
    assert bound.explain() == (line,)
    assert bound == Bound(local("2026-11-20 15:50"), "T9", "S3 2.2.1", list)
    with pytest.raises(AttributeError):
        bound.rule = "T10"  # type: ignore[misc]


@pytest.mark.parametrize("bound_of", [ahead(earliest_order), ahead(latest_porting), plain(earliest_execution)])
def test_naive_now_is_refused(bound_of: Working) -> None:
    with pytest.raises(ValueError, match="without an offset"):
        bound_of(datetime(2026, 11, 20, 15, 50))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("bound_of", "at"),
    [
        (plain(earliest_execution), datetime.max.replace(tzinfo=UTC)),
        (stop("porting"), datetime.min.replace(tzinfo=UTC)),
        (ahead(latest_porting), datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_end_of_time_is_a_value_error(bound_of: Working, at: datetime) -> None:
    with pytest.raises(ValueError, match="lies outside the years"):
        bound_of(at)
