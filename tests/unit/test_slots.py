"""Slots against the rules themselves: a time inside one is lawful, a time outside is refused as `not_before` says."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nrdb.clock import TICK, format_time
from nrdb.errors import Code, Problem
from nrdb.messages.facts import CapDay, Facts, OpenNumbers, PlanRow
from nrdb.messages.kinds import AnyOpening
from nrdb.messages.rules import Rules, check_opening
from nrdb.messages.slots import Found, OpeningType, Slot, assumed, draft, find_slots, naming
from nrdb.routing.numbers import NumberRange, parse_number
from nrdb.routing.table import PortedRow
from nrdb.rulebook import load_rulebook
from nrdb.timers import OSLO, working_calendar

RULES = Rules(load_rulebook(), working_calendar(load_rulebook(), frozenset({date(2026, 12, 24)})))
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)  # Monday 08:00 in Norway.
LATEST = datetime(2027, 2, 18, 23, tzinfo=UTC)  # The day that was closed is not counted.


def span(first: str, last: str | None = None) -> NumberRange:
    return NumberRange(parse_number(first), parse_number(last or first))


PLAN = (
    PlanRow(span("22000000", "22099999"), "GEO", "TELENOR", "open"),
    PlanRow(span("45360000", "45369999"), "MOBILE", "0", "returned"),
    PlanRow(span("59900000", "59909999"), "MOBILE", "DSB", "blocked"),
    PlanRow(span("90000000", "90199999"), "MOBILE", "TELENOR", "open"),
    PlanRow(span("02000", "09999"), "FIVE", "0", "open"),
)
#: One lawful draft of each type, and what it lawfully rests on.
FIVE = PortedRow(span("02800"), "TELIA", "TELIA", NOW, target_number=parse_number("22000001"))
OPENINGS: dict[str, tuple[dict[str, Any], tuple[PortedRow, ...]]] = {
    "NP_BEST": ({"numbers": [span("90012345")], "donor": "TELENOR", "recipient": "TELIA"}, ()),
    "5_IVER": ({"numbers": [span("02800")], "donor": "0", "recipient": "TELIA"}, ()),
    "NP_OPPS": (
        {"numbers": [span("90012345")], "donor": "TELIA"},
        (PortedRow(span("90012345"), "TELIA", "TELIA", NOW),),
    ),
    "5_OPPS": ({"numbers": [span("02800")], "donor": "TELIA"}, (FIVE,)),
}
TOO_EARLY = (Code.PORTING_TIME_TOO_EARLY, Code.TERMINATION_TIME_TOO_EARLY)
TOO_LATE = (Code.PORTING_TIME_TOO_LATE, Code.TERMINATION_TIME_TOO_LATE)


def opening(kind: str, **fields: Any) -> tuple[AnyOpening, Facts]:
    usual, ported = OPENINGS[kind]
    message = draft(**{"message_type": kind, "recipient": None, **usual, **fields})
    return message, assumed(message, Facts(plan=PLAN, ported=ported))


def met(message: AnyOpening, facts: Facts, at: datetime, now: datetime) -> Problem | None:
    """The refusal that the message would meet if it named that time."""
    try:
        check_opening(RULES, naming(message, at), facts, now)
    except Problem as problem:
        return problem
    return None


def test_every_type_that_opens_a_case_has_a_lawful_draft() -> None:
    assert set(OPENINGS) == set(get_args(OpeningType))
    for kind in OPENINGS:
        message, facts = opening(kind)
        found = find_slots(RULES, message, facts, NOW)
        (slot,) = found.slots
        assert (found.send_from, slot.last) == (NOW, LATEST)
        assert met(message, facts, slot.first, NOW) is None
        assert met(message, facts, slot.last, NOW) is None


#: More than a year, with both changes of summer time, Easter and Christmas.
INSTANTS = st.timedeltas(timedelta(days=-250), timedelta(days=150)).map(lambda ahead: NOW + ahead)
FULL_DAYS = st.dictionaries(
    st.integers(0, 95), st.tuples(st.integers(14_995, 15_000), st.sampled_from([15_000, 10])), max_size=60
)
#: Places beside a border, where an error would be.
NEAR = st.sampled_from([timedelta(0), -TICK, TICK])


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(sorted(OPENINGS)), now=INSTANTS, full=FULL_DAYS)
def test_slots_are_what_a_message_sent_then_may_name(
    data: st.DataObject, kind: str, now: datetime, full: dict[int, tuple[int, int]]
) -> None:
    message, facts = opening(kind)
    first = now.astimezone(OSLO).date()
    facts = replace(facts, full_days={first + timedelta(days=ahead): CapDay(*day) for ahead, day in full.items()})
    start = now + data.draw(st.timedeltas(timedelta(-1), timedelta(days=20)))
    found = find_slots(RULES, message, facts, now, start=start)
    assert found.send_from == now
    borders = [at for slot in found.slots for at in (slot.first, slot.last)]
    borders += [item.until for item in found.not_before if item.until]
    anywhere = st.timedeltas(timedelta(0), timedelta(days=95)).map(lambda ahead: now + ahead)
    candidates = anywhere if not borders else anywhere | st.builds(datetime.__add__, st.sampled_from(borders), NEAR)
    for at in data.draw(st.lists(candidates, min_size=20, max_size=20)):
        if at >= max(start, now):
            as_found(found, at, met(message, facts, at, now))


def as_found(found: Found, at: datetime, problem: Problem | None) -> None:
    """What was found of an instant is what the rules say of it."""
    assert any(slot.first <= at <= slot.last for slot in found.slots) == (problem is None)
    telling = [
        item for item in found.not_before
        if (item.first is None or item.first <= at) and (item.until is None or at < item.until)
    ]  # fmt: skip
    if problem is None:
        assert telling == []
    elif problem.code not in TOO_LATE:
        (told,) = telling
        assert told.problem.code is problem.code
        if problem.code is Code.DAILY_CAP_EXCEEDED:
            assert told.problem.facts == problem.facts
        elif problem.facts:
            assert problem.facts.get("earliest") == (told.problem.facts or {}).get("earliest")


@settings(max_examples=100, deadline=None)
@given(now=INSTANTS, full=FULL_DAYS)
def test_slots_are_ascending_disjoint_and_maximal(now: datetime, full: dict[int, tuple[int, int]]) -> None:
    message, facts = opening("NP_BEST")
    first = now.astimezone(OSLO).date()
    facts = replace(facts, full_days={first + timedelta(days=ahead): CapDay(*day) for ahead, day in full.items()})
    found = find_slots(RULES, message, facts, now)
    for one, other in zip(found.slots, found.slots[1:], strict=False):
        assert one.first <= one.last < one.last + TICK < other.first <= other.last
    ends = [item.until for item in found.not_before]
    assert None not in ends
    # Slots and hindrances lie side by side from the beginning to the end.
    known = [(item.first, item.until) for item in found.not_before] + [(s.first, s.last + TICK) for s in found.slots]
    (beginning,) = [until for first, until in known if first is None]
    later = sorted((first, until) for first, until in known if first and until)
    assert beginning == later[0][0]
    assert all(one[1] == other[0] for one, other in pairwise(later))
    assert ends == sorted(end for end in ends if end)


def test_the_day_of_24_00_is_the_next() -> None:
    message, facts = opening("NP_BEST")
    tuesday = replace(facts, full_days={date(2026, 11, 24): CapDay(15_000, 15_000)})
    found = find_slots(RULES, message, tuesday, NOW)
    midnight = datetime(2026, 11, 23, 23, tzinfo=UTC)
    day = timedelta(days=1)
    assert [(slot.first, slot.last) for slot in found.slots] == [
        (NOW + timedelta(minutes=35), midnight - TICK), (midnight + day, LATEST),
    ]  # fmt: skip
    assert [(item.until, item.problem.code) for item in found.not_before] == [
        (NOW + timedelta(minutes=35), Code.PORTING_TIME_TOO_EARLY), (midnight + day, Code.DAILY_CAP_EXCEEDED),
    ]  # fmt: skip
    # The very last instant belongs to a day whose room it needs.
    last = replace(facts, full_days={date(2027, 2, 19): CapDay(15_000, 15_000)})
    assert find_slots(RULES, message, last, NOW).slots[-1].last == LATEST - TICK
    before = replace(facts, full_days={date(2027, 2, 18): CapDay(15_000, 15_000)})
    assert find_slots(RULES, message, before, NOW).slots[-1] == Slot(LATEST, LATEST)


UNTIL = NOW + timedelta(hours=30)
OPEN = OpenNumbers(span("90012345"), UNTIL)


def row(holder: str, start: datetime, end: datetime | None = None, number: str = "90012345") -> PortedRow:
    return PortedRow(span(number), holder, holder, start, end)


def test_an_open_case_ends_first() -> None:
    message, facts = opening("NP_BEST")
    found = find_slots(RULES, message, replace(facts, open_numbers=(OPEN,)), NOW)
    assert found.send_from == UNTIL
    assert [(item.until, item.problem.code) for item in found.not_before] == [
        (UNTIL, Code.NUMBER_IN_OPEN_CASE), (UNTIL + timedelta(minutes=35), Code.PORTING_TIME_TOO_EARLY),
    ]  # fmt: skip
    assert found.slots == find_slots(RULES, message, facts, UNTIL).slots


@pytest.mark.parametrize("kind", ["NP_BEST", "NP_OPPS"])
def test_behind_an_open_case_the_window_is_told_of_a_message_sent_then(kind: str) -> None:
    message, facts = opening(kind)
    routing = (row("TELENOR" if kind == "NP_BEST" else "TELIA", NOW),)
    found = find_slots(RULES, message, replace(facts, open_numbers=(OPEN,)), NOW, routing=routing)
    blocked, early = found.not_before
    assert (blocked.first, blocked.until, early.first) == (None, UNTIL, UNTIL)
    told = early.problem.facts or {}
    field = "porting_time" if kind == "NP_BEST" else "termination_time"
    assert told[field] == format_time(UNTIL)
    alone = met(message, facts, UNTIL, UNTIL)
    assert alone is not None
    assert alone.facts == told


MANY = [span(f"900{n}0000", f"900{n}3999") for n in range(4)]


def test_more_than_any_day_takes_is_one_hindrance_without_an_end() -> None:
    message, facts = opening("NP_BEST", numbers=MANY)
    # A day that is taken in part, or lowered, frees up no more than the others.
    facts = replace(facts, full_days={date(2026, 11, 25): CapDay(7, 15_000), date(2026, 11, 26): CapDay(0, 10)})
    early, full = find_slots(RULES, message, facts, NOW).not_before
    assert (early.first, early.until, early.problem.code) == (None, full.first, Code.PORTING_TIME_TOO_EARLY)
    assert (full.until, full.problem.code) == (None, Code.DAILY_CAP_EXCEEDED)
    assert (full.problem.facts or {})["next_day_with_room"] is None
    # One day that could take them keeps its end, though it is full.
    raised = date(2026, 11, 30)
    facts = replace(facts, raised_days=frozenset({raised}), full_days={raised: CapDay(9_000, 20_000)})
    found = find_slots(RULES, message, facts, NOW)
    assert found.slots == ()
    assert None not in [item.until for item in found.not_before]
    # And with room there is a slot between the days without.
    (slot,) = find_slots(RULES, message, replace(facts, full_days={}), NOW).slots
    assert slot.first == datetime(2026, 11, 29, 23, tzinfo=UTC)


def test_an_executed_case_leaves_another_holder() -> None:
    scheduled = (row("TELIA", UNTIL),)
    for donor, codes in (("TELENOR", [Code.NUMBER_IN_OPEN_CASE, Code.DONOR_NOT_HOLDER]),
                         ("TELIA", [Code.DONOR_NOT_HOLDER, Code.PORTING_TIME_TOO_EARLY])):  # fmt: skip
        message, facts = opening("NP_BEST", donor=donor, recipient="LYSE")
        found = find_slots(RULES, message, replace(facts, open_numbers=(OPEN,)), NOW, routing=scheduled)
        assert [item.problem.code for item in found.not_before] == codes
        assert (found.send_from, bool(found.slots)) == ((UNTIL, True) if donor == "TELIA" else (None, False))


def test_what_goes_back_to_nkom_is_set_up_anew() -> None:
    open_number = OpenNumbers(span("02800"), UNTIL)
    for donor, codes in (("0", [Code.DONOR_NOT_HOLDER, Code.PORTING_TIME_TOO_EARLY]),
                         ("TELIA", [Code.NUMBER_IN_OPEN_CASE, Code.DONOR_MUST_BE_NKOM])):  # fmt: skip
        message, facts = opening("5_IVER", donor=donor, recipient="LYSE")
        found = find_slots(
            RULES, message, replace(facts, ported=(FIVE,), open_numbers=(open_number,)), NOW,
            routing=(row("TELIA", NOW, number="02800"),), returning=(span("02800"),),
        )  # fmt: skip
        assert [item.problem.code for item in found.not_before] == codes


def test_without_a_known_end_there_is_no_slot() -> None:
    message, facts = opening("NP_BEST")
    found = find_slots(RULES, message, replace(facts, open_numbers=(OPEN, replace(OPEN, until=None))), NOW)
    assert (found.send_from, found.slots) == (None, ())
    assert [(item.until, item.problem.code) for item in found.not_before] == [(None, Code.NUMBER_IN_OPEN_CASE)]


NEVER: list[tuple[Code, str, dict[str, Any]]] = [
    (Code.FIVE_DIGIT_MESSAGE_REQUIRED, "NP_BEST", {"numbers": [span("02800")]}),
    (Code.FIVE_DIGIT_ONLY, "5_IVER", {"numbers": [span("90012345")]}),
    (Code.NUMBER_UNKNOWN, "NP_BEST", {"numbers": [span("99999999")]}),
    (Code.NUMBER_NOT_PORTABLE, "NP_BEST", {"numbers": [span("59900001")]}),
    (Code.MIXED_NUMBER_CLASSES, "NP_BEST", {"numbers": [span("90012345"), span("22000001")]}),
    (Code.DUPLICATE_NUMBER, "NP_BEST", {"numbers": [span("90012345"), span("90012346"), span("90012346")]}),
    (Code.BLOCK_TOO_LARGE, "NP_BEST", {"numbers": [span("90000000", "90010000")]}),
    (Code.NUMBER_NOT_IN_USE, "NP_BEST", {"numbers": [span("45360001")]}),
    (Code.DONOR_MUST_BE_NKOM, "5_IVER", {"donor": "LYSE"}),
    (Code.DONOR_NOT_HOLDER, "NP_BEST", {"donor": "LYSE"}),
    (Code.RECIPIENT_IS_DONOR, "NP_BEST", {"recipient": "TELENOR"}),
    (Code.NOT_PORTED, "NP_OPPS", {"donor": "TELENOR", "numbers": [span("90000001")]}),
]


@pytest.mark.parametrize(("code", "kind", "fields"), NEVER, ids=[item[0] for item in NEVER])
def test_what_no_time_mends(code: Code, kind: str, fields: dict[str, Any]) -> None:
    message, facts = opening(kind, **fields)
    found = find_slots(RULES, message, facts, NOW)
    assert (found.send_from, found.slots) == (None, ())
    assert [(item.until, item.problem.code) for item in found.not_before] == [(None, code)]


def test_the_holders_own_five_digit_change_takes_no_room() -> None:
    message, facts = opening("5_IVER", donor="TELIA")
    full = {date(2026, 11, 23): CapDay(15_000, 15_000)}
    (slot,) = find_slots(RULES, message, replace(facts, ported=(FIVE,), full_days=full), NOW).slots
    assert slot.first == NOW + timedelta(minutes=30)


def test_looking_from_a_time_after_the_last_finds_nothing() -> None:
    message, facts = opening("NP_OPPS")
    found = find_slots(RULES, message, facts, NOW, start=LATEST + TICK)
    assert (found.slots, [(i.until, i.problem.code) for i in found.not_before]) == (
        (), [(None, Code.TERMINATION_TIME_TOO_LATE)],
    )  # fmt: skip
    assert found.not_before[0].first == LATEST + TICK
    assert find_slots(RULES, message, facts, NOW, start=LATEST).slots == (Slot(LATEST, LATEST),)
