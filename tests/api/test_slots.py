"""POST /v1/slots: the next lawful times, and why not earlier (issue: calendar, timers, cap, open cases, blocks)."""

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.support.service import KARI, Service, local

ORDER = {"type": "NP_BEST", "numbers": ["90012345"], "donor": "TELENOR", "recipient": "TELIA"}
BANK = {"name": "Sparebanken Eksempel AS", "organisation_number": "974760673"}
SET_UP = {
    "main_number": "02800", "donor": "0", "porting_time": "2026-11-23T10:00:00+01:00", "target_number": "22000001",
    "right_holder": BANK,
}  # fmt: skip
LATEST = "2027-02-17T23:00:00Z"


async def ask(service: Service, who: str = "TELIA", headers: Any = None, **fields: Any) -> httpx.Response:
    return await service.client.post(
        "/v1/slots", headers={**service.headers(who), **(headers or {})}, json={**ORDER, **fields}
    )


async def slots(service: Service, who: str = "TELIA", **fields: Any) -> dict[str, Any]:
    response = await ask(service, who, **fields)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def reasons(found: dict[str, Any]) -> list[tuple[str | None, str]]:
    return [(item["until"], item["code"]) for item in found["not_before"]]


async def test_an_order_in_working_time(service: Service) -> None:
    async with service.unchanged():
        found = await slots(service)
    assert found["send_from"] == "2026-11-23T07:00:00Z"
    assert found["slots"] == [{"from": "2026-11-23T07:35:00Z", "until": LATEST}]
    (reason,) = found["not_before"]
    assert reason == {
        "from": None, "until": "2026-11-23T07:35:00Z",
        "code": "porting-time-too-early", "rule": "T9", "source": "S3 2.2.1",
        "detail": "The porting time may be at the earliest Mon 2026-11-23 08:35:00.",
        "facts": {
            "porting_time": "2026-11-23T07:00:00Z", "earliest": "2026-11-23T07:35:00Z",
            "derivation": ["T9: 35 working minutes from Mon 2026-11-23 08:00:00",
                           "Mon 2026-11-23 08:00:00-08:35:00: 35 working minutes"],
        },
    }  # fmt: skip
    # Both ends are lawful, and nothing beyond them.
    for at, code in (("2026-11-23T07:34:59.999999Z", "porting-time-too-early"),
                     ("2027-02-17T23:00:00.000001Z", "porting-time-too-late")):  # fmt: skip
        service.refused(await service.order(porting_time=at), code)
    await service.ordered(porting_time=LATEST)
    await service.ordered(main_number="90012346", porting_time="2026-11-23T07:35:00Z")


@pytest.mark.parametrize(
    ("service", "first"),
    [("2026-11-27 15:50", "2026-11-30T07:25:00Z"), ("2026-04-01 15:30", "2026-04-07T06:05:00Z")],
    indirect=["service"],
    ids=["weekend", "Easter"],
)
async def test_closed_days(service: Service, first: str) -> None:
    found = await slots(service)
    assert found["slots"][0]["from"] == first
    assert reasons(found) == [(first, "porting-time-too-early")]
    assert "closed" in " ".join(found["not_before"][0]["facts"]["derivation"])
    norwegian = (await ask(service, headers={"Accept-Language": "nb"})).json()
    assert "virkeminutter" in norwegian["not_before"][0]["facts"]["derivation"][0]
    await service.ordered(porting_time=first)


async def fill(service: Service, code: str, days: int, used: int = 15_000) -> None:
    for ahead in range(days):
        day = date(2026, 11, 23) + timedelta(days=ahead)
        await service.db.execute("INSERT INTO cap_day (code, day, used) VALUES ($1, $2, $3)", code, day, used)


async def test_full_days(service: Service) -> None:
    await fill(service, "TELIA", 2)
    found = await slots(service)
    assert reasons(found) == [
        ("2026-11-23T07:35:00Z", "porting-time-too-early"),
        ("2026-11-23T23:00:00Z", "daily-cap-exceeded"),
        ("2026-11-24T23:00:00Z", "daily-cap-exceeded"),
    ]
    assert found["not_before"][1]["facts"] == {
        "code": "TELIA", "day": "2026-11-23", "limit": 15000, "used": 15000, "requested": 1,
        "next_day_with_room": "2026-11-25",
    }  # fmt: skip
    assert found["slots"] == [{"from": "2026-11-24T23:00:00Z", "until": LATEST}]
    service.refused(await service.order(porting_time="2026-11-24T22:59:59.999999Z"), "daily-cap-exceeded")
    # A lifted limit is room again, and a gap between two slots is told.
    await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": 15_001, "reason": "a merger"})
    found = await slots(service)
    assert [slot["from"] for slot in found["slots"]] == ["2026-11-23T07:35:00Z", "2026-11-24T23:00:00Z"]
    assert found["slots"][0]["until"] == "2026-11-23T22:59:59.999999Z"
    assert reasons(found)[1:] == [("2026-11-24T23:00:00Z", "daily-cap-exceeded")]
    # What stands between two slots is told from the end of the one to the beginning of the other.
    assert [item["from"] for item in found["not_before"]] == [None, "2026-11-23T23:00:00Z"]
    await service.ordered(porting_time=found["slots"][0]["until"])
    assert len((await slots(service))["slots"]) == 1


async def test_more_numbers_than_the_common_limit(service: Service) -> None:
    """They need a day whose limit was lifted."""
    many = [{"first": f"9{n}", "last": f"9{n + 4_000}"} for n in (0, 10_000, 20_000, 30_000)]
    many = [{end: f"90{int(text[1:]):06}" for end, text in item.items()} for item in many]
    found = await slots(service, numbers=many)
    assert found["slots"] == []
    assert reasons(found) == [("2026-11-23T07:35:00Z", "porting-time-too-early"), (None, "daily-cap-exceeded")]
    assert found["not_before"][1]["from"] == "2026-11-23T07:35:00Z"
    assert "No lawful day has room" in found["not_before"][1]["detail"]
    await service.admin("PUT", "/caps/TELIA/2026-12-01", {"limit": 20_000, "reason": "a large customer"})
    found = await slots(service, numbers=many)
    assert found["slots"] == [{"from": "2026-11-30T23:00:00Z", "until": "2026-12-01T22:59:59.999999Z"}]


async def test_room_of_an_obsolete_case_that_nobody_has_booked(service: Service) -> None:
    await service.ordered(porting_time="2026-11-23T08:35:00+01:00")
    await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": 1, "reason": "test"})
    other: dict[str, Any] = {"numbers": ["90012346"]}
    assert (await slots(service, **other))["slots"][0]["from"] == "2026-11-23T23:00:00Z"
    await service.time_passes(local("2026-11-23 08:35"))
    found = await slots(service, **other)
    assert found["slots"][0]["from"] == "2026-11-23T08:10:00Z"
    await service.ordered(main_number="90012346", porting_time="2026-11-23T08:10:00Z")


async def test_an_open_case(service: Service) -> None:
    case_id = await service.ordered(porting_time="2026-11-23T15:50:00+01:00")
    for who in ("TELIA", "OPERATOR"):
        found = await slots(service, who)
        assert found["send_from"] == "2026-11-23T14:50:00Z"
        assert reasons(found) == [
            ("2026-11-23T14:50:00Z", "number-in-open-case"), ("2026-11-24T07:25:00Z", "porting-time-too-early"),
        ]  # fmt: skip
        assert found["not_before"][0]["facts"]["until"] == "2026-11-23T14:50:00Z"
        assert [item["from"] for item in found["not_before"]] == [None, "2026-11-23T14:50:00Z"]
        early = found["not_before"][1]["facts"]
        assert (early["porting_time"], early["derivation"][0]) == (
            "2026-11-23T14:50:00Z", "T9: 35 working minutes from Mon 2026-11-23 15:50:00",
        )  # fmt: skip
        assert found["slots"][0]["from"] == "2026-11-24T07:25:00Z"
    # Once it is executed, the number will have another holder.
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    lyse: dict[str, Any] = {"recipient": "LYSE"}
    found = await slots(service, "LYSE", **lyse)
    assert (found["send_from"], found["slots"]) == (None, [])
    assert reasons(found) == [("2026-11-23T14:50:00Z", "number-in-open-case"), (None, "donor-not-holder")]
    found = await slots(service, "LYSE", donor="TELIA", **lyse)
    assert reasons(found)[0] == ("2026-11-23T14:50:00Z", "donor-not-holder")
    await service.clock(datetime.fromisoformat(found["send_from"]))
    await service.ordered("LYSE", donor="TELIA", porting_time=found["slots"][0]["from"])


async def test_what_is_never_lawful(service: Service) -> None:
    for code, fields in (
        ("number-not-portable", {"numbers": ["59900001"], "donor": "DSB"}),
        ("number-unknown", {"numbers": ["99999999"]}),
        ("number-not-in-use", {"numbers": ["45360001"], "donor": "0"}),
        ("mixed-number-classes", {"numbers": ["90012345", "22000001"]}),
        ("block-too-large", {"numbers": [{"first": "90000000", "last": "90010000"}]}),
        ("donor-not-holder", {"donor": "LYSE"}),
        ("recipient-is-donor", {"recipient": "TELENOR"}),
        ("five-digit-message-required", {"numbers": ["02800"]}),
    ):
        found = await slots(service, "OPERATOR", **fields)
        assert (found["send_from"], found["slots"], reasons(found)) == (None, [], [(None, code)])
        assert found["not_before"][0]["facts"]
    await service.admin("PATCH", "/providers/FJORD", {"active": False, "reason": "test"})
    found = await slots(service, "FJORD", recipient="FJORD")
    assert reasons(found) == [(None, "provider-inactive")]


async def test_a_five_digit_number(service: Service) -> None:
    five: dict[str, Any] = {"type": "5_IVER", "numbers": ["02800"]}
    found = await slots(service, donor="0", **five)
    assert found["slots"] == [{"from": "2026-11-23T07:30:00Z", "until": LATEST}]
    assert (found["not_before"][0]["rule"], reasons(found)) == (
        "T10", [("2026-11-23T07:30:00Z", "porting-time-too-early")],
    )  # fmt: skip
    await service.accepted("TELIA", "5_IVER", **SET_UP)
    await service.clock(local("2026-11-23 10:00"))
    assert reasons(await slots(service, donor="0", **five)) == [(None, "donor-not-holder")]
    found = await slots(service, "LYSE", donor="TELIA", recipient="LYSE", **five)
    assert found["slots"][0]["from"] == "2026-11-23T09:30:00Z"
    # Given back: the next provider waits for the end, and then sets it up from Nkom.
    assert (await slots(service, type="5_OPPS", numbers=["02800"], donor="TELIA", recipient=None))["slots"]
    end = "2026-11-23T12:00:00Z"
    await service.accepted("TELIA", "5_OPPS", main_number="02800", termination_time=end)
    found = await slots(service, "LYSE", donor="TELIA", recipient="LYSE", **five)
    assert reasons(found) == [(end, "number-in-open-case"), (None, "donor-must-be-nkom")]
    found = await slots(service, "LYSE", donor="0", recipient="LYSE", **five)
    assert reasons(found) == [(end, "donor-not-holder"), ("2026-11-23T12:30:00Z", "porting-time-too-early")]
    await service.time_passes(local("2026-11-23 13:00"))
    assert (await slots(service, "LYSE", donor="0", recipient="LYSE", **five))["send_from"] == end
    fields = {**SET_UP, "porting_time": found["slots"][0]["from"]}
    await service.accepted("LYSE", "5_IVER", **fields)


async def test_a_termination(service: Service) -> None:
    given_back = {"type": "NP_OPPS", "donor": "TELIA"}
    assert reasons(await slots(service, **given_back)) == [(None, "donor-not-holder")]
    await service.case_in("completed")
    await fill(service, "TELENOR", 2)
    found = await slots(service, **given_back, recipient=None)
    assert reasons(found) == [
        ("2026-11-23T09:30:00Z", "termination-time-too-early"),
        ("2026-11-23T23:00:00Z", "daily-cap-exceeded"),
        ("2026-11-24T23:00:00Z", "daily-cap-exceeded"),
    ]
    assert found["not_before"][1]["facts"]["code"] == "TELENOR"
    at = found["slots"][0]["from"]
    await service.accepted("TELIA", "NP_OPPS", main_number="90012345", termination_time=at)
    found = await slots(service, "LYSE", donor="TELIA", recipient="LYSE")
    assert (found["slots"], reasons(found)) == ([], [(None, "number-in-open-case")])
    assert found["not_before"][0]["facts"]["until"] is None


async def test_from_a_later_time(service: Service) -> None:
    found = await slots(service, **{"from": "2026-12-01T12:00:00+01:00"})
    assert (found["slots"], found["not_before"]) == ([{"from": "2026-12-01T11:00:00Z", "until": LATEST}], [])
    past = await slots(service, **{"from": "1999-01-01T00:00:00Z"})
    assert past == await slots(service)
    late = await slots(service, **{"from": "9998-12-31T23:59:59Z"})
    assert (late["slots"], reasons(late)) == ([], [(None, "porting-time-too-late")])


async def test_who_may_ask(service: Service) -> None:
    await fill(service, "TELIA", 1)
    service.refused(await ask(service, "LYSE"), "sender-not-yours")
    service.refused(await ask(service, "TELENOR", type="NP_OPPS", donor="TELIA", recipient="TELENOR"),
                    "sender-not-yours")  # fmt: skip
    full = {who: (await slots(service, who))["not_before"][1] for who in ("TELIA", "TELENOR", "OPERATOR", "ADMIN")}
    assert full["TELIA"] == full["OPERATOR"] == full["ADMIN"]
    # The donor learns that the day is full, not how many numbers its competitor gets.
    assert set(full["TELIA"]["facts"]) - set(full["TELENOR"]["facts"]) == {"limit", "used"}
    assert "15000" not in full["TELENOR"]["detail"]


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("/type", {"type": "NP_ENDR"}),
    ("/numbers", {"numbers": []}),
    ("/numbers", {"type": "5_IVER", "numbers": ["02800", "02801"]}),
    ("/numbers", {"type": "5_OPPS", "numbers": [{"first": "02800", "last": "02801"}]}),
    ("/numbers", {"numbers": [{"first": "90012340", "last": "90012345"}] * 1001}),
    ("/numbers/0", {"numbers": ["9001"]}),
    ("/numbers/0", {"numbers": [7]}),
    ("/numbers/0", {"numbers": [{"first": "90012345", "last": "90012344"}]}),
    ("/recipient", {"recipient": None}),
    ("/from", {"from": "2026-11-23T10:00:00"}),
    ("/customer", {"customer": KARI}),
]


@pytest.mark.parametrize(("pointer", "fields"), WRONG, ids=range(len(WRONG)))
async def test_a_wrong_form(service: Service, pointer: str, fields: dict[str, Any]) -> None:
    response = await ask(service, **fields)
    service.refused(response, "invalid-message")
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_a_code_that_does_not_exist(service: Service) -> None:
    """It is a wrong form, as in administration; one that is inactive is a refusal."""
    for who, pointer, fields in (
        ("OPERATOR", "/recipient", {"recipient": "ZZZ"}),
        ("OPERATOR", "/donor", {"donor": "ZZZ"}),
        ("OPERATOR", "/donor", {"donor": "ZZZ", "type": "NP_OPPS"}),
        ("TELIA", "/donor", {"donor": "ZZZ"}),
        ("TELENOR", "/recipient", {"recipient": "ZZZ"}),
    ):
        response = await ask(service, who, **fields)
        service.refused(response, "invalid-message")
        assert response.json()["errors"] == [{"pointer": pointer, "detail": "there is no such provider code"}]
    service.refused(await ask(service, donor="YYY", recipient="ZZZ"), "sender-not-yours")
    # Of a termination the recipient plays no part.
    assert reasons(await slots(service, type="NP_OPPS", donor="TELIA", recipient="ZZZ")) == [(None, "donor-not-holder")]


async def test_as_many_numbers_as_a_message_holds(service: Service) -> None:
    numbers = [f"9000{n:04}" for n in range(0, 10_000, 2)]
    found = await slots(service, numbers=numbers)
    assert found["slots"][0]["from"] == "2026-11-23T07:35:00Z"
    singles: dict[str, Any] = {"main_number": numbers[0], "additional_numbers": numbers[1:], "number_type": "T"}
    await service.ordered(porting_time="2026-11-23T07:35:00Z", **singles)
