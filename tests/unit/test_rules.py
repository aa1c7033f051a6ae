"""The rules over hand-made facts: pure, in the order of contract section 6, the first row that applies wins."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from nrdb.cases.case import Case
from nrdb.errors import Code, Problem
from nrdb.messages.facts import CapDay, Facts, Network, OpenNumbers, PlanRow
from nrdb.messages.kinds import MESSAGE, AnyCaseMessage, NpBest, Opening
from nrdb.messages.rules import Rules, check_case_message, check_opening
from nrdb.routing.numbers import NumberRange, parse_number
from nrdb.routing.table import PortedRow
from nrdb.rulebook import load_rulebook
from nrdb.timers import working_calendar

RULES = Rules(load_rulebook(), working_calendar(load_rulebook(), frozenset[date]()))
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)  # Monday 08:00 in Norway.
AT = NOW + timedelta(hours=2)
DAY = date(2026, 11, 23)
ID = "0197a1b2-0000-4000-8000-00000000000a"


def span(first: str, last: str | None = None) -> NumberRange:
    return NumberRange(parse_number(first), parse_number(last or first))


PLAN = (
    PlanRow(span("22000000", "22099999"), "GEO", "TELENOR", "open"),
    PlanRow(span("45360000", "45369999"), "MOBILE", "0", "returned"),
    PlanRow(span("59900000", "59909999"), "MOBILE", "DSB", "blocked"),
    PlanRow(span("80000000", "80009999"), "NONGEO", "TELENOR", "open"),
    PlanRow(span("90000000", "90199999"), "MOBILE", "TELENOR", "open"),
    PlanRow(span("580000000000", "580000999999"), "MOBILE", "TELENOR", "open"),
)
FACTS = Facts(plan=PLAN, networks={code: Network(code, "+47990001") for code in ("TELIA", "TELENOR")})


def order(**fields: Any) -> NpBest:
    message = MESSAGE.validate_python(
        {
            "type": "NP_BEST",
            "message_id": UUID(ID),
            "sender": "TELIA",
            "donor": "TELENOR",
            "number_type": "E",
            "main_number": "90012345",
            "porting_time": AT.isoformat(),
            "customer": {"name": "Kari", "birth_date": "1980-01-31"},
            "authorisation_reference": "r",
            **fields,
        }
    )
    assert isinstance(message, NpBest)
    return message


def refusal(message: NpBest, facts: Facts = FACTS, now: datetime = NOW) -> Problem | None:
    try:
        check_opening(RULES, message, facts, now)
    except Problem as problem:
        return problem
    return None


def code_of(message: NpBest, facts: Facts = FACTS, now: datetime = NOW) -> Code | None:
    found = refusal(message, facts, now)
    return found.code if found else None


OPEN = OpenNumbers(span("90012340", "90012349"), AT)
LAWFUL: list[dict[str, Any]] = [
    {},
    {"main_number": "22000001"},
    {"main_number": "580000000001"},
    {"number_type": "T", "additional_numbers": ["580000000001"]},
    {"number_type": "T"},
    {"number_type": "T", "main_number": "22000001", "additional_numbers": ["22000009"]},
    {"number_type": "S", "series": [{"first": "90012340", "last": "90012349"}]},
    {"number_type": "S", "main_number": "90010000", "series": [{"first": "90010000", "last": "90019999"}]},
    {"additional_numbers": ["02800", "99999999", "90012345"], "series": [{"first": "59900000", "last": "59909999"}]},
    {"porting_time": (NOW + timedelta(minutes=35)).isoformat()},
    {"porting_time": "2027-02-18T00:00:00+01:00"},
]


@pytest.mark.parametrize("fields", LAWFUL, ids=range(len(LAWFUL)))
def test_lawful_orders(fields: dict[str, Any]) -> None:
    assert refusal(order(**fields)) is None


S = {"number_type": "S"}
REFUSED: list[tuple[Code, dict[str, Any], Facts]] = [
    (Code.FIVE_DIGIT_MESSAGE_REQUIRED, {"main_number": "02800"}, FACTS),
    (Code.NUMBER_UNKNOWN, {"main_number": "99999999"}, FACTS),
    (Code.NUMBER_NOT_PORTABLE, {"main_number": "59900001", "donor": "DSB"}, FACTS),
    (Code.MIXED_NUMBER_CLASSES, {"number_type": "T", "additional_numbers": ["22000001"]}, FACTS),
    (Code.NUMBER_TYPE_MISMATCH, {"number_type": "T", "main_number": "80000001"}, FACTS),
    (Code.DUPLICATE_NUMBER, {"number_type": "T", "additional_numbers": ["90012345"]}, FACTS),
    (
        Code.BLOCK_TOO_LARGE,
        {**S, "main_number": "90010000", "series": [{"first": "90010001", "last": "90020000"}]},
        FACTS,
    ),
    (Code.NUMBER_NOT_IN_USE, {"main_number": "45360000", "donor": "0"}, FACTS),
    (Code.DONOR_NOT_HOLDER, {"donor": "LYSE"}, FACTS),
    (Code.DONOR_NOT_HOLDER, {}, replace(FACTS, ported=(PortedRow(span("90012345"), "LYSE", "LYSE", NOW),))),
    (
        Code.RECIPIENT_IS_DONOR,
        {"donor": "TELIA"},
        replace(FACTS, ported=(PortedRow(span("90012345"), "TELIA", "TELIA", NOW),)),
    ),
    (Code.NUMBER_IN_OPEN_CASE, {}, replace(FACTS, open_numbers=(OPEN,))),
    (
        Code.PORTING_TIME_TOO_EARLY,
        {"porting_time": (NOW + timedelta(minutes=35) - timedelta(microseconds=1)).isoformat()},
        FACTS,
    ),
    (Code.PORTING_TIME_TOO_LATE, {"porting_time": "2027-02-18T00:00:00.000001+01:00"}, FACTS),
    (Code.DAILY_CAP_EXCEEDED, {}, replace(FACTS, full_days={DAY: CapDay(15_000, 15_000)})),
]


@pytest.mark.parametrize(("code", "fields", "facts"), REFUSED, ids=[f"{n}-{r[0]}" for n, r in enumerate(REFUSED)])
def test_refused_orders(code: Code, fields: dict[str, Any], facts: Facts) -> None:
    found = refusal(order(**fields), facts)
    assert found is not None
    assert found.code == code
    assert found.facts


def test_the_enum_keeps_the_order_of_the_contract() -> None:
    rows = [row[0] for row in REFUSED]
    assert list(dict.fromkeys(rows)) == [code for code in Code if code in rows]


#: For each row, what makes an order fail it, so that two can be made to fail at once.
MAKES_FAIL: dict[Code, tuple[dict[str, Any], dict[str, Any]]] = {
    Code.DONOR_NOT_HOLDER: ({"donor": "LYSE"}, {}),
    Code.NUMBER_IN_OPEN_CASE: ({}, {"open_numbers": (OPEN,)}),
    Code.PORTING_TIME_TOO_EARLY: ({"porting_time": NOW.isoformat()}, {"full_days": {DAY: CapDay(9, 9)}}),
    Code.DAILY_CAP_EXCEEDED: ({}, {"full_days": {DAY: CapDay(9, 9)}}),
}


@pytest.mark.parametrize(("first", "second"), list(pairwise(MAKES_FAIL)))
def test_of_two_refusals_the_first_row_wins(first: Code, second: Code) -> None:
    (fields, facts), (more_fields, more_facts) = MAKES_FAIL[first], MAKES_FAIL[second]
    assert code_of(order(**{**more_fields, **fields}), replace(FACTS, **{**more_facts, **facts})) == first


def test_numbers_of_several_rows_name_only_those_of_the_first() -> None:
    """Several numbers fail: the first row for which any fails answers, with its numbers alone."""
    message = order(number_type="T", additional_numbers=["59900001", "59900003", "22000001", "45360001"])
    found = refusal(message, replace(FACTS, open_numbers=(OPEN,)))
    assert found is not None
    assert found.code == Code.NUMBER_NOT_PORTABLE
    assert found.facts is not None
    assert found.facts["numbers"] == [{"first": n, "last": n} for n in ("59900001", "59900003")]
    assert found.facts["count"] == 2


def test_a_number_ported_away_from_nkom_is_in_use() -> None:
    facts = replace(FACTS, ported=(PortedRow(span("45360001"), "LYSE", "LYSE", NOW),))
    assert code_of(order(main_number="45360001", donor="LYSE"), facts) is None
    assert code_of(order(main_number="45360002", donor="LYSE"), facts) == Code.NUMBER_NOT_IN_USE


def test_the_next_day_with_room() -> None:
    full = {DAY + timedelta(days=n): CapDay(15_000, 15_000) for n in range(4)}
    found = refusal(order(), replace(FACTS, full_days=full))
    assert found is not None
    assert found.facts is not None
    # Weekends have room too: the porting time may be any hour of any day.
    assert found.facts["next_day_with_room"] == "2026-11-27"
    full = {DAY + timedelta(days=n): CapDay(15_000, 15_000) for n in range(200)}
    found = refusal(order(), replace(FACTS, full_days=full))
    assert found is not None
    assert found.facts is not None
    assert found.facts["next_day_with_room"] is None


CASE = Case(
    case_id=UUID(int=1),
    kind="porting",
    state="awaiting_donor",
    version=1,
    recipient="TELIA",
    donor="TELENOR",
    range_holders=("TELENOR",),
    cap_code="TELIA",
    number_type="E",
    main_number=parse_number("90012345"),
    numbers=(span("90012345"),),
    effective_time=AT,
    newest_order=UUID(ID),
    created_at=NOW,
    updated_at=NOW,
    customer={"name": "Kari", "birth_date": "1980-01-31"},
)
EXECUTED = replace(CASE, state="scheduled", expected=("LYSE", "TELENOR"), told=("LYSE", "TELENOR"), network="TELIA")


def about(kind: str, sender: str, **fields: Any) -> AnyCaseMessage:
    message = MESSAGE.validate_python(
        {"type": kind, "message_id": UUID(int=9), "sender": sender, "case_id": str(CASE.case_id), **fields}
    )
    assert not isinstance(message, Opening)
    return message


HALF = timedelta(minutes=30)
TICK = timedelta(microseconds=1)
FBES = {"reason": "number-not-held"}
ABOUT: list[tuple[Code | None, AnyCaseMessage, Case, datetime]] = [
    (None, about("NP_GODK", "TELENOR"), CASE, AT - TICK),
    (Code.PORTING_TIME_PASSED, about("NP_GODK", "TELENOR"), CASE, AT),
    (Code.ROLE_NOT_PERMITTED, about("NP_GODK", "TELIA"), CASE, AT),
    (Code.STALE_ANSWER, about("NP_GODK", "TELENOR", answers=UUID(int=3)), CASE, NOW),
    (Code.PORTING_TIME_PASSED, about("NP_GODK", "TELENOR", answers=UUID(int=3)), CASE, AT),
    (None, about("NP_GODK", "TELENOR", answers=UUID(ID)), CASE, NOW),
    (None, about("NP_FBES", "TELENOR", **FBES), CASE, AT - TICK),
    (Code.CASE_STATE, about("NP_IVER", "TELIA"), CASE, NOW),
    (Code.CASE_STATE, about("NP_IVER", "TELIA"), CASE, AT),
    (None, about("NP_IVER", "TELIA"), replace(CASE, state="awaiting_recipient"), AT - HALF),
    (
        Code.PORTING_TIME_TOO_EARLY,
        about("NP_IVER", "TELIA"),
        replace(CASE, state="awaiting_recipient"),
        AT - HALF + TICK,
    ),
    (Code.PORTING_TIME_PASSED, about("NP_IVER", "TELIA"), replace(CASE, state="awaiting_recipient"), AT),
    (
        Code.NETWORK_NOT_USABLE,
        about("NP_IVER", "TELIA", network="LYSE"),
        replace(CASE, state="awaiting_recipient"),
        AT - TICK,
    ),
    (None, about("NP_ANNU", "TELIA"), CASE, AT - HALF),
    (Code.STOP_TOO_LATE, about("NP_ANNU", "TELIA"), CASE, AT - HALF + TICK),
    (Code.STOP_TOO_LATE, about("NP_ANNU", "TELIA"), CASE, AT),
    (None, about("NP_ANNU", "TELIA"), EXECUTED, AT - HALF),
    (Code.STOP_TOO_LATE, about("NP_ANNU", "TELIA"), EXECUTED, AT + HALF),
    (Code.ROLE_NOT_PERMITTED, about("NP_ANNU", "TELENOR"), EXECUTED, AT),
    (None, about("NP_FIVE", "LYSE", comment="x"), EXECUTED, AT - TICK),
    (Code.PORTING_TIME_PASSED, about("NP_FIVE", "LYSE", comment="x"), EXECUTED, AT),
    (Code.CASE_STATE, about("NP_FIVE", "TELENOR", comment="x"), CASE, NOW),
    (Code.TOO_EARLY_TO_COMPLETE, about("NP_FERD", "LYSE"), EXECUTED, AT - TICK),
    (None, about("NP_FERD", "LYSE"), EXECUTED, AT),
    (
        Code.ALREADY_SENT,
        about("NP_FERD", "LYSE"),
        replace(EXECUTED, state="awaiting_completion", received=("LYSE",)),
        AT,
    ),
    (
        Code.ALREADY_SENT,
        about("NP_FERD", "LYSE"),
        replace(EXECUTED, state="completed", received=("LYSE", "TELENOR")),
        AT,
    ),
    (Code.CASE_STATE, about("NP_FERD", "TELENOR"), CASE, NOW),
    (Code.ROLE_NOT_PERMITTED, about("NP_FERD", "TELIA"), EXECUTED, AT),
    (
        Code.PORTING_TIME_TOO_EARLY,
        about("NP_ENDR", "TELIA", customer={"name": "O", "birth_date": "1970-01-01"}),
        CASE,
        AT - HALF,
    ),
    (None, about("NP_ENDR", "TELIA", customer={"name": "O", "birth_date": "1970-01-01"}), CASE, NOW),
    (Code.CASE_STATE, about("NP_ENDR", "TELIA", porting_time=AT.isoformat()), EXECUTED, NOW),
]


@pytest.mark.parametrize(
    ("code", "message", "case", "now"), ABOUT, ids=[f"{n}-{row[1].type}-{row[0]}" for n, row in enumerate(ABOUT)]
)
def test_messages_about_a_case(code: Code | None, message: AnyCaseMessage, case: Case, now: datetime) -> None:
    found = None
    try:
        check_case_message(RULES, message, case, FACTS, now)
    except Problem as problem:
        found = problem.code
    assert found == code
