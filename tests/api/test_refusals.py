"""Every refusal of contract section 6: status, code, rule and source, facts, and that nothing else has changed."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.support import rows
from tests.support.service import Service, local

# Numbers of the seed: TELENOR 900/901, 220, 800; TELIA 920; DSB 5990 (blocked); free 4536; five digits 02-09.
ORDERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "five-digit-message-required",
        {"main_number": "02800"},
        {"numbers": [{"first": "02800", "last": "02800"}], "count": 1},
    ),
    (
        "number-unknown",
        {"main_number": "99999999"},
        {"numbers": [{"first": "99999999", "last": "99999999"}], "count": 1},
    ),
    (
        "number-unknown",
        {"number_type": "S", "series": [{"first": "90199990", "last": "90200009"}]},
        {"numbers": [{"first": "90200000", "last": "90200009"}], "count": 10},
    ),
    (
        "number-not-portable",
        {"main_number": "59900001", "donor": "DSB"},
        {"numbers": [{"first": "59900001", "last": "59900001"}], "count": 1},
    ),
    ("mixed-number-classes", {"number_type": "T", "additional_numbers": ["22000001"]}, {"count": 1}),
    (
        "mixed-number-classes",
        {"number_type": "T", "main_number": "80000001", "additional_numbers": ["22000001"]},
        {"count": 1},
    ),
    ("number-type-mismatch", {"number_type": "T", "main_number": "22000001"}, {"number_type": "T"}),
    ("number-type-mismatch", {"number_type": "T", "main_number": "80000001"}, {"number_type": "T"}),
    (
        "duplicate-number",
        {"number_type": "T", "additional_numbers": ["90012346", "90012346"]},
        {"numbers": [{"first": "90012346", "last": "90012346"}], "count": 1},
    ),
    (
        "duplicate-number",
        {"number_type": "T", "additional_numbers": ["+4790012345"]},
        {"numbers": [{"first": "90012345", "last": "90012345"}], "count": 1},
    ),
    (
        "duplicate-number",
        {
            "number_type": "S",
            "series": [{"first": "90020000", "last": "90020009"}, {"first": "90020005", "last": "90020019"}],
        },
        {"numbers": [{"first": "90020005", "last": "90020009"}], "count": 5},
    ),
    (
        "block-too-large",
        {"number_type": "S", "series": [{"first": "90020000", "last": "90030000"}]},
        {"numbers": [{"first": "90020000", "last": "90030000"}], "count": 10_001},
    ),
    (
        "number-not-in-use",
        {"main_number": "45360001", "donor": "0"},
        {"numbers": [{"first": "45360001", "last": "45360001"}], "count": 1},
    ),
    ("donor-not-holder", {"donor": "LYSE"}, {"numbers": [{"first": "90012345", "last": "90012345"}], "count": 1}),
    ("donor-not-holder", {"donor": "NOBODY"}, {"count": 1}),
    (
        "donor-not-holder",
        {"number_type": "T", "additional_numbers": ["92000001"]},
        {"numbers": [{"first": "92000001", "last": "92000001"}], "count": 1},
    ),
    ("recipient-is-donor", {"donor": "TELIA", "main_number": "92000001"}, {}),
    (
        "porting-time-too-early",
        {"porting_time": "2026-11-23T08:34:59.999999+01:00"},
        {"earliest": "2026-11-23T07:35:00Z", "porting_time": "2026-11-23T07:34:59.999999Z"},
    ),
    ("porting-time-too-early", {"porting_time": "1999-11-23T08:34:59+01:00"}, {"earliest": "2026-11-23T07:35:00Z"}),
    ("porting-time-too-late", {"porting_time": "2027-02-18T00:00:00.000001+01:00"}, {"latest": "2027-02-17T23:00:00Z"}),
    ("porting-time-too-late", {"porting_time": "9998-01-01T00:00:00Z"}, {"latest": "2027-02-17T23:00:00Z"}),
]
RULE_OF = {"porting-time-too-early": "T9", "porting-time-too-late": "T11"}


@pytest.mark.parametrize(("code", "fields", "facts"), ORDERS, ids=[f"{n}-{row[0]}" for n, row in enumerate(ORDERS)])
async def test_an_order_is_refused(service: Service, code: str, fields: dict[str, Any], facts: dict[str, Any]) -> None:
    async with service.unchanged():
        response = await service.order(**fields)
    told = service.refused(response, code, RULE_OF.get(code))
    assert {name: told.get(name) for name in facts} == facts
    if code in RULE_OF:
        assert told["derivation"]
        assert all(isinstance(line, str) for line in told["derivation"])


async def test_number_in_open_case_names_the_numbers_and_until_when(service: Service) -> None:
    await service.ordered(number_type="S", series=[{"first": "90012340", "last": "90012349"}])
    async with service.unchanged():
        response = await service.order(
            "LYSE", number_type="S", main_number="90012346", series=[{"first": "90012346", "last": "90012399"}]
        )
    facts = service.refused(response, "number-in-open-case")
    assert facts["numbers"] == [{"first": "90012346", "last": "90012349"}]
    assert (facts["count"], facts["until"]) == (4, "2026-11-23T09:00:00Z")


async def test_facts_show_a_hundred_ranges_and_count_all(service: Service) -> None:
    extra = [str(90012347 + 2 * n) for n in range(300)]
    await service.ordered(number_type="T", additional_numbers=extra)
    facts = service.refused(
        await service.order("LYSE", number_type="T", additional_numbers=extra), "number-in-open-case"
    )
    assert len(facts["numbers"]) == 100
    assert facts["count"] == 301


async def test_the_cap(service: Service) -> None:
    await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": 1, "reason": "test"})
    await service.admin("PUT", "/caps/TELIA/2026-11-24", {"limit": 0, "reason": "test"})
    await service.ordered()
    async with service.unchanged():
        response = await service.order(main_number="90012346")
    assert service.refused(response, "daily-cap-exceeded") == {
        "code": "TELIA",
        "day": "2026-11-23",
        "limit": 1,
        "used": 1,
        "requested": 1,
        "next_day_with_room": "2026-11-25",
    }


async def test_the_cap_has_no_other_day_on_the_last(service: Service) -> None:
    await service.admin("PUT", "/caps/TELIA/2027-02-18", {"limit": 0, "reason": "test"})
    async with service.unchanged():
        response = await service.order(porting_time="2027-02-18T00:00:00+01:00")
    facts = service.refused(response, "daily-cap-exceeded")
    assert (facts["day"], facts["next_day_with_room"]) == ("2027-02-18", None)


async def test_a_change_to_a_full_day_changes_nothing(service: Service) -> None:
    case_id = await service.ordered()
    await service.admin("PUT", "/caps/TELIA/2026-11-25", {"limit": 0, "reason": "test"})
    async with service.unchanged():
        response = await service.post("TELIA", "NP_ENDR", case_id=case_id, porting_time="2026-11-25T10:00:00+01:00")
    facts = service.refused(response, "daily-cap-exceeded")
    assert (facts["day"], facts["used"], facts["limit"]) == ("2026-11-25", 0, 0)


# state, sender, type, fields, code, facts
ABOUT_A_CASE: list[tuple[str, str, str, dict[str, Any], str, dict[str, Any]]] = [
    ("awaiting_donor", "LYSE", "NP_GODK", {}, "unknown-case", {}),
    ("awaiting_donor", "TELIA", "NP_GODK", {}, "role-not-permitted", {}),
    ("scheduled", "TELENOR", "NP_ANNU", {}, "role-not-permitted", {}),
    ("scheduled", "LYSE", "NP_ANNU", {}, "role-not-permitted", {}),
    ("scheduled", "TELIA", "NP_FERD", {}, "role-not-permitted", {}),
    (
        "awaiting_donor",
        "TELENOR",
        "NP_FIVE",
        {"comment": "x"},
        "case-state",
        {"state": "awaiting_donor", "kind": "porting"},
    ),
    ("awaiting_donor", "TELIA", "NP_IVER", {}, "case-state", {"state": "awaiting_donor", "kind": "porting"}),
    ("scheduled", "TELENOR", "NP_FBES", {"reason": "number-not-held"}, "case-state", {"state": "scheduled"}),
    ("completed", "TELENOR", "NP_FERD", {}, "already-sent", {}),
    ("awaiting_donor", "TELENOR", "NP_GODK", {"answers": str(uuid4())}, "stale-answer", {}),
    (
        "awaiting_donor",
        "TELENOR",
        "NP_FBES",
        {"answers": str(uuid4()), "reason": "outstanding-balance"},
        "stale-answer",
        {},
    ),
    ("awaiting_recipient", "TELIA", "NP_IVER", {"network": "CHILI"}, "network-not-usable", {"network": "CHILI"}),
    ("awaiting_recipient", "TELIA", "NP_IVER", {"network": "ZZ"}, "network-not-usable", {"network": "ZZ"}),
    ("scheduled", "TELENOR", "NP_FERD", {}, "too-early-to-complete", {"earliest": "2026-11-23T09:00:00Z"}),
    ("awaiting_completion", "TELENOR", "NP_FIVE", {"comment": "x"}, "porting-time-passed", {}),
    ("obsolete", "TELENOR", "NP_GODK", {}, "porting-time-passed", {}),
    ("obsolete", "TELENOR", "NP_FBES", {"reason": "number-not-held"}, "porting-time-passed", {}),
    ("obsolete", "TELIA", "NP_ENDR", {"porting_time": "2026-11-25T10:00:00+01:00"}, "porting-time-passed", {}),
    ("obsolete", "TELIA", "NP_IVER", {}, "case-state", {"state": "obsolete"}),
    ("obsolete", "TELIA", "NP_ANNU", {}, "stop-too-late", {"latest": "2026-11-23T08:30:00Z"}),
    ("awaiting_completion", "TELIA", "NP_ANNU", {}, "stop-too-late", {"latest": "2026-11-23T08:30:00Z"}),
    ("completed", "TELIA", "NP_ANNU", {}, "case-state", {"state": "completed"}),
    ("rejected", "TELENOR", "NP_GODK", {}, "case-state", {"state": "rejected", "allowed": []}),
    ("awaiting_donor", "TELENOR", "NP_FBES", {"reason": "outstanding-balance"}, "reason-not-permitted", {}),
    ("awaiting_donor", "TELENOR", "NP_FBES", {"reason": "customer-changed-mind"}, "reason-not-permitted", {}),
    ("awaiting_donor", "TELENOR", "NP_FBES", {"reason": "staff-unavailable"}, "reason-not-permitted", {}),
    (
        "awaiting_donor",
        "TELENOR",
        "NP_FBES",
        {"reason": "numbers-incomplete", "expected": {"numbers": [{"first": "90012346", "last": "90012346"}]}},
        "reason-not-permitted",
        {},
    ),
    (
        "awaiting_donor",
        "TELENOR",
        "NP_FBES",
        {"reason": "owner-mismatch", "expected": {"name": "Ola", "birth_date": "19800131"}},
        "reason-not-permitted",
        {},
    ),
    (
        "awaiting_donor",
        "TELENOR",
        "NP_FBES",
        {"reason": "owner-mismatch", "expected": {"name": "Ola"}},
        "expected-value-missing",
        {},
    ),
    (
        "awaiting_donor",
        "TELENOR",
        "NP_FBES",
        {"reason": "owner-mismatch", "expected": {"birth_date": "19700101"}},
        "expected-value-missing",
        {},
    ),
    ("awaiting_donor", "TELENOR", "NP_FBES", {"reason": "number-type-wrong"}, "expected-value-missing", {}),
    ("awaiting_donor", "TELENOR", "NP_FBES", {"reason": "complex-porting"}, "expected-value-missing", {}),
    (
        "awaiting_donor",
        "TELENOR",
        "NP_FBES",
        {"reason": "owner-mismatch", "secret_number": True, "expected": {"name": "Ola"}},
        "secret-number-disclosed",
        {},
    ),
    (
        "awaiting_donor",
        "TELENOR",
        "NP_FBES",
        {"reason": "number-not-held", "secret_number": True, "comment": "his name is Ola"},
        "secret-number-disclosed",
        {},
    ),
]


@pytest.mark.parametrize(
    ("state", "sender", "kind", "fields", "code", "facts"),
    ABOUT_A_CASE,
    ids=[f"{n}-{row[2]}-{row[4]}" for n, row in enumerate(ABOUT_A_CASE)],
)
async def test_a_message_about_a_case_is_refused(
    service: Service,
    state: str,
    sender: str,
    kind: str,
    fields: dict[str, Any],
    code: str,
    facts: dict[str, Any],
) -> None:
    case_id = await service.case_in(state)
    async with service.unchanged():
        response = await service.post(sender, kind, case_id=case_id, **fields)
    told = service.refused(response, code)
    assert {name: told.get(name) for name in facts} == facts
    assert "Ola" not in response.text
    assert "Kari" not in response.text


async def test_numbers_incomplete_is_a_ground_for_fixed_numbers(service: Service) -> None:
    fixed: dict[str, Any] = {"number_type": "T", "main_number": "22000001", "additional_numbers": ["22000002"]}
    case_id = await service.ordered(**fixed)
    refused = await service.post("TELENOR", "NP_FBES", case_id=case_id, reason="numbers-incomplete")
    service.refused(refused, "expected-value-missing")
    expected = {"numbers": [{"first": "22000001", "last": "22000003"}]}
    answer = await service.accepted(
        "TELENOR", "NP_FBES", case_id=case_id, reason="numbers-incomplete", expected=expected
    )
    assert answer["case"]["state"] == "rejected"


async def test_stale_answer_names_the_newest(service: Service) -> None:
    order_id, change_id = str(uuid4()), str(uuid4())
    case_id = await service.ordered(message_id=order_id)
    time = "2026-11-23T12:00:00+01:00"
    await service.accepted("TELIA", "NP_ENDR", case_id=case_id, porting_time=time, message_id=change_id)
    async with service.unchanged():
        response = await service.post("TELENOR", "NP_GODK", case_id=case_id, answers=order_id)
    assert service.refused(response, "stale-answer")["newest"] == change_id
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id, answers=change_id)


async def test_execution_and_cancel_at_the_boundaries(service: Service) -> None:
    case_id = await service.case_in("awaiting_recipient")
    await service.clock(local("2026-11-23 09:30") + timedelta(microseconds=1))
    async with service.unchanged():
        late = await service.post("TELIA", "NP_IVER", case_id=case_id)
        stop = await service.post("TELIA", "NP_ANNU", case_id=case_id)
    facts = service.refused(late, "porting-time-too-early", "T10")
    assert facts["earliest"] == "2026-11-23T09:00:00.000001Z"
    assert facts["derivation"]
    facts = service.refused(stop, "stop-too-late")
    assert facts["latest"] == "2026-11-23T08:30:00Z"
    assert facts["derivation"]


async def test_execution_meets_a_number_plan_that_has_changed(service: Service) -> None:
    """NP_IVER repeats the checks of series and holder with what is true when it is accepted."""
    case_id = await service.case_in("awaiting_recipient")
    await service.db.execute("UPDATE series SET status = 'blocked' WHERE numbers @> 4790012345")
    response = await service.post("TELIA", "NP_IVER", case_id=case_id)
    facts = service.refused(response, "number-not-portable")
    assert facts["numbers"] == [{"first": "90012345", "last": "90012345"}]
    await service.db.execute("UPDATE series SET status = 'open', holder = 'LYSE' WHERE numbers @> 4790012345")
    await rows.replan(service.db)
    response = await service.post("TELIA", "NP_IVER", case_id=case_id)
    assert service.refused(response, "donor-not-holder")["count"] == 1


async def test_an_unknown_case(service: Service) -> None:
    for case_id in (str(uuid4()), "no-uuid", "0"):
        async with service.unchanged():
            response = await service.post("TELIA", "NP_ANNU", case_id=case_id)
        service.refused(response, "unknown-case")


async def test_the_first_row_of_the_table_wins(service: Service) -> None:
    """An order with everything wrong: as each mistake is mended, the next row answers."""
    await service.admin("PUT", "/caps/TELENOR/2026-11-23", {"limit": 0, "reason": "test"})
    await service.ordered(main_number="90010009")
    order: dict[str, Any] = {
        "donor": "LYSE",
        "number_type": "S",
        "main_number": "02800",
        "additional_numbers": ["99999999", "59900001", "22000001", "45360001"],
        "series": [{"first": "90010000", "last": "90020000"}, {"first": "90010000", "last": "90010001"}],
        "porting_time": "2026-11-23T08:10:00+01:00",
    }

    async def answers(code: str, **mended: Any) -> None:
        order.update(mended)
        async with service.unchanged():
            service.refused(await service.order("TELENOR", **order), code)

    await answers("five-digit-message-required")
    await answers("number-unknown", main_number="90010000")
    await answers("number-not-portable", additional_numbers=["59900001", "22000001", "45360001"])
    await answers("mixed-number-classes", additional_numbers=["22000001", "45360001"])
    await answers("duplicate-number", additional_numbers=["45360001"])
    await answers("block-too-large", series=[{"first": "90010000", "last": "90020000"}])
    await answers("number-not-in-use", series=[{"first": "90010000", "last": "90010009"}])
    await answers("donor-not-holder", additional_numbers=[])
    await answers("recipient-is-donor", donor="TELENOR")
