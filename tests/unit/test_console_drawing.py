"""Where things stand in the drawings of the console."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from nrdb.console.drawing import LEFT, RIGHT, Axis, Happened, Window, axis_of, holders, timeline

OSLO = ZoneInfo("Europe/Oslo")
START = datetime(2026, 11, 23, 8, tzinfo=OSLO)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OSLO).astimezone(UTC)


def test_an_axis_has_room_for_everything() -> None:
    axis = axis_of([START + timedelta(hours=9), START, START + timedelta(hours=3)])
    places = [axis.x(START), axis.x(START + timedelta(hours=3)), axis.x(START + timedelta(hours=9))]
    assert LEFT < places[0] < places[1] < places[2] < RIGHT
    assert axis.x(START - timedelta(days=9)) == LEFT
    assert axis.x(START + timedelta(days=9)) == RIGHT
    # A case of one instant is as wide as two hours.
    assert axis_of([START]).end - axis_of([START]).begin > timedelta(hours=2)


@pytest.mark.parametrize(
    ("begin", "end", "labels"),
    [
        ("2026-11-23 08:10", "2026-11-23 10:10", ["08:30", "09:00", "09:30", "10:00"]),
        ("2026-11-23 20:10", "2026-11-24 04:10", ["22:00", "24 Nov", "02:00", "04:00"]),
        # Over the end and the beginning of summer time a tick stands at each midnight, once.
        ("2026-10-23 12:00", "2026-10-27 12:00", ["24 Oct", "25 Oct", "26 Oct", "27 Oct"]),
        ("2026-03-27 12:00", "2026-03-31 12:00", ["28 Mar", "29 Mar", "30 Mar", "31 Mar"]),
        ("2026-10-25 00:30", "2026-10-25 04:30", ["01:00", "02:00", "03:00", "04:00"]),
        ("2026-03-29 00:30", "2026-03-29 05:30", ["01:00", "03:00", "04:00", "05:00"]),
    ],
)
def test_ticks_stand_at_times_of_norwegian_clocks(begin: str, end: str, labels: list[str]) -> None:
    ticks = Axis(at(begin), at(end)).ticks("en")
    assert [tick.label for tick in ticks] == labels
    assert [tick.x for tick in ticks] == sorted({tick.x for tick in ticks})


def test_ticks_in_norwegian() -> None:
    assert [tick.label for tick in Axis(at("2026-11-23 22:00"), at("2026-11-24 02:00")).ticks("nb")][:3] == [
        "22.00",
        "23.00",
        "24.11.",
    ]


def marks_of(*minutes: float) -> list[tuple[str, str]]:
    history = [Happened("NP_FERD", START + timedelta(minutes=one), "good") for one in minutes]
    axis = axis_of([START, START + timedelta(hours=10)])
    drawn = timeline(axis, "en", calendar=[], windows=[], history=history, port=START, now=None)
    for one, following in pairwise(drawn.marks):
        assert one.x - 9 + one.width <= following.x - 9, "two marks lie on each other"
    return [(mark.label, mark.name) for mark in drawn.marks]


def test_messages_that_would_lie_on_each_other_share_a_mark() -> None:
    assert marks_of(0, 300) == [("1", "NP_FERD"), ("2", "NP_FERD")]
    assert marks_of(0, 1, 2, 300) == [("1–3", ""), ("4", "NP_FERD")]
    # There is room for the mark and none for its name.
    assert marks_of(0, 30, 300) == [("1", ""), ("2", "NP_FERD"), ("3", "NP_FERD")]
    assert marks_of(*range(600)) != []


def test_a_window_that_goes_on_says_so() -> None:
    axis = axis_of([START, START + timedelta(hours=10)])
    windows = [
        Window("T9–T11", "a", "", "good", START, START + timedelta(days=60)),
        Window("T12", "b", "", "act", START, START + timedelta(hours=5)),
        Window("T15", "c", "", "wait", START + timedelta(hours=9), None),
    ]
    bars = timeline(axis, "en", calendar=[], windows=windows, history=[], port=START, now=START).bars
    assert [bar.beyond for bar in bars] == [True, False, True]
    assert bars[0].x + bars[0].width == bars[2].x + bars[2].width == pytest.approx(RIGHT)
    assert bars[1].text == "T12, b: Mon 2026-11-23 08:00 – Mon 2026-11-23 13:00"
    assert len({bar.y for bar in bars}) == 3


def test_working_hours_are_cut_at_the_edges() -> None:
    days: list[dict[str, str | None]] = [
        {"opens": "2026-11-23T07:00:00Z", "closes": "2026-11-23T15:00:00Z"},
        {"opens": None, "closes": None},
        {"opens": "2026-11-30T07:00:00Z", "closes": "2026-11-30T15:00:00Z"},
    ]
    axis = Axis(START + timedelta(hours=4), START + timedelta(hours=12))
    drawn = timeline(axis, "en", calendar=days, windows=[], history=[], port=START, now=None)
    assert list(drawn.hours) == [(LEFT, (RIGHT - LEFT) / 2)]
    assert drawn.port is None
    assert drawn.now is None


@pytest.mark.parametrize(("hours", "late"), [(1, False), (11, True), (13, False)])
def test_now_is_late_in_the_right_half_of_what_is_drawn(hours: int, late: bool) -> None:
    axis = Axis(START, START + timedelta(hours=12))
    now = START + timedelta(hours=hours)
    assert timeline(axis, "en", calendar=[], windows=[], history=[], port=START, now=now).late is late


def test_the_last_holders_are_drawn() -> None:
    rows = [
        {"holder": holder, "valid_from": f"20{year}-01-01T00:00:00Z", "valid_until": None}
        for year, holder in enumerate("AABCDEFG", start=20)
    ]
    drawn = holders(rows, at("2026-06-01 00:00"), "en")
    assert [(one.holder, one.look) for one in drawn] == [
        ("C", ""),
        ("D", ""),
        ("E", ""),
        ("F", "good"),
        ("G", "wait"),
    ]
    assert all(one.x + one.width < following.x for one, following in pairwise(drawn))
    assert holders([], START, "en") == ()
