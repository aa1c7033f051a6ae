"""Routing answers, portability and the number plan (contract section 5)."""

from typing import Any
from urllib.parse import quote

import pytest
from tests.support.service import Service, local


async def test_a_number_before_and_after_its_porting(service: Service) -> None:
    await service.case_in("scheduled")
    before = await service.read("/routing/90012345", "CHILI")
    assert before.items() >= {
        "number": "90012345", "holder": "TELENOR", "network": "TELENOR", "routing_number": "D0009",
        "range_holder": "TELENOR", "ported": False, "until": "2026-11-23T09:00:00Z", "target_number": None,
        "tel_uri": "tel:+4790012345;npdi",
        "next": {"at": "2026-11-23T09:00:00Z", "holder": "TELIA", "network": "TELIA", "routing_number": "+47990010"},
    }.items()  # fmt: skip
    for at in ("2026-11-23T10:00:00+01:00", None):
        if at is None:
            await service.clock(local("2026-11-23 10:00"))
        after = await service.read("/routing/+4790012345", "CHILI", at=at)
        assert after.items() >= {
            "number": "90012345", "holder": "TELIA", "network": "TELIA", "routing_number": "+47990010",
            "range_holder": "TELENOR", "ported": True, "since": "2026-11-23T09:00:00Z", "until": None,
            "tel_uri": "tel:+4790012345;npdi;rn=+47990010", "next": None,
        }.items()  # fmt: skip
    past = await service.read("/routing/90012345", at="2026-11-23T09:59:59.999999+01:00")
    assert past["holder"] == "TELENOR"


async def test_a_routing_number_of_digits_has_a_context(service: Service) -> None:
    case_id = await service.ordered("LYSE")
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("LYSE", "NP_IVER", case_id=case_id)
    answer = await service.read("/routing/90012345", at="2026-11-23T10:00:00+01:00")
    assert answer["tel_uri"] == "tel:+4790012345;npdi;rn=D0006;rn-context=+47"


async def test_an_unassigned_five_digit_number(service: Service) -> None:
    answer = await service.read("/routing/02800")
    assert (answer["holder"], answer["network"], answer["routing_number"], answer["tel_uri"]) == (
        "0", None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize("number", ["99999999", "9001234", "123456789012345", "580099999999", "01000"])
async def test_not_in_the_plan(service: Service, number: str) -> None:
    for path in ("routing", "portability"):
        response = await service.get(f"/{path}/{number}")
        service.refused(response, "number-unknown", status=404)
    response = await service.get("/routing/90012345", at="1999-01-01T00:00:00Z")
    service.refused(response, "number-unknown", status=404)


PORTABILITY: list[tuple[str, dict[str, Any]]] = [
    ("90012345", {"number_class": "MOBILE", "portable": True, "reasons": [], "holder": "TELENOR",
                  "earliest_porting_time": "2026-11-23T07:35:00Z"}),
    ("22000001", {"number_class": "GEO", "portable": True}),
    ("80000001", {"number_class": "NONGEO", "portable": True}),
    ("580000000001", {"number_class": "MOBILE", "portable": True}),
    ("59900001", {"number_class": "MOBILE", "portable": False, "reasons": ["number-not-portable"], "holder": "DSB"}),
    ("45360001", {"portable": False, "reasons": ["number-not-in-use"], "holder": "0", "range_holder": "0"}),
]  # fmt: skip


@pytest.mark.parametrize(("number", "wanted"), PORTABILITY)
async def test_portability(service: Service, number: str, wanted: dict[str, Any]) -> None:
    answer = await service.read(f"/portability/{number}", "TELIA")
    assert answer["number"] == number
    assert answer.items() >= {**wanted, "open_case": None}.items()


async def test_portability_of_a_number_in_a_case(service: Service) -> None:
    case_id = await service.ordered()
    for who in ("TELIA", "TELENOR"):
        answer = await service.read("/portability/90012345", who)
        assert answer["open_case"]["case_id"] == case_id
        assert (answer["portable"], answer["reasons"]) == (False, ["number-in-open-case"])
    answer = await service.read("/portability/90012345", "LYSE")
    assert (answer["portable"], answer["reasons"], answer["open_case"]) == (False, ["number-in-open-case"], None)
    # What portability says is what an order would meet.
    service.refused(await service.order("LYSE"), "number-in-open-case")
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    assert (await service.read("/portability/90012345", "LYSE"))["portable"]


SET_UP = {
    "main_number": "02800", "donor": "0", "porting_time": "2026-11-23T10:00:00+01:00", "target_number": "22000001",
    "right_holder": {"name": "Sparebanken Eksempel AS", "organisation_number": "974760673"},
}  # fmt: skip


async def test_portability_of_a_five_digit_number(service: Service) -> None:
    """It is set up, ported and given back; free is no hindrance, an open case is."""
    path = "/portability/02800"
    free = {"number_class": "FIVE", "portable": True, "reasons": [], "holder": "0", "range_holder": "0",
            "open_case": None, "earliest_porting_time": "2026-11-23T07:30:00Z"}  # fmt: skip
    assert (await service.read(path, "TELIA")).items() >= free.items()
    case_id = (await service.accepted("TELIA", "5_IVER", **SET_UP))["case"]["case_id"]
    answer = await service.read(path, "TELIA")
    assert answer["open_case"] == {"case_id": case_id, "until": "2026-11-23T09:00:00Z"}
    assert (answer["reasons"], answer["earliest_porting_time"]) == (["number-in-open-case"], None)
    await service.clock(local("2026-11-23 10:00"))
    answer = await service.read(path, "LYSE")
    assert (answer["portable"], answer["holder"], answer["earliest_porting_time"]) == (
        True, "TELIA", "2026-11-23T09:30:00Z",
    )  # fmt: skip
    end = "2026-11-23T12:00:00Z"
    case_id = (await service.accepted("TELIA", "5_OPPS", main_number="02800", termination_time=end))["case"]["case_id"]
    assert (await service.read(path, "TELIA"))["open_case"] == {"case_id": case_id, "until": end}
    assert (await service.read(path, "LYSE"))["open_case"] is None
    await service.clock(local("2026-11-23 13:00"))
    answer = await service.read(path, "LYSE")
    assert answer.items() >= {**free, "earliest_porting_time": "2026-11-23T12:30:00Z"}.items()


async def test_portability_of_a_number_that_is_being_given_back(service: Service) -> None:
    """Nobody knows how long: its range holder has still to confirm."""
    await service.case_in("completed")
    answer = await service.accepted("TELIA", "NP_OPPS", main_number="90012345", termination_time="2026-11-24T10:00:00Z")
    open_case = {"case_id": answer["case"]["case_id"], "until": None}
    # Its holder, its range holder, and those who see everything.
    for who in ("TELIA", "TELENOR", "OPERATOR"):
        answer = await service.read("/portability/90012345", who)
        assert (answer["portable"], answer["reasons"], answer["open_case"]) == (
            False, ["number-in-open-case"], open_case,
        )  # fmt: skip
        assert answer["earliest_porting_time"] is None
    assert (await service.read("/portability/90012345", "LYSE"))["open_case"] is None


@pytest.mark.parametrize("service", ["2026-11-27 15:50", "2026-12-23 15:45", "2026-04-01 12:00"], indirect=True)
async def test_portability_agrees_with_slots(service: Service) -> None:
    for number, kind, donor in (("90012345", "NP_BEST", "TELENOR"), ("02800", "5_IVER", "0")):
        answer = await service.read(f"/portability/{number}", "TELIA")
        wanted = {"type": kind, "numbers": [number], "donor": donor, "recipient": "TELIA"}
        found = (await service.send("POST", "/slots", "TELIA", wanted)).json()
        assert answer["earliest_porting_time"] == found["slots"][0]["from"]


async def test_the_earliest_porting_time_is_accepted(service: Service) -> None:
    await service.clock(local("2026-11-27 15:50"))
    answer = await service.read("/portability/90012345", "TELIA")
    assert answer["earliest_porting_time"] == "2026-11-30T07:25:00Z"
    await service.ordered(porting_time=answer["earliest_porting_time"])


@pytest.mark.parametrize("number", ["112", "116117", "9" * 15, "+47112", "99999999"])
async def test_a_number_that_the_plan_does_not_know_is_well_formed_everywhere(service: Service, number: str) -> None:
    """A short code is a number, and no mistake in writing: it is asked about in vain, whatever its length."""
    for path in ("/routing", "/portability"):
        service.refused(await service.get(f"{path}/{number}", "TELIA"), "number-unknown", status=404)
    for path in ("/series", "/cases"):
        assert await service.read(path, "TELIA", number=number) == {"items": [], "next": None}


@pytest.mark.parametrize("number", ["9001234x", "", "+4690012345", "9" * 16, "９００１２３４５", "90012345\n"])
async def test_what_is_no_number_is_a_form_error_everywhere(service: Service, number: str) -> None:
    for path in (f"/routing/{quote(number)}", f"/portability/{quote(number)}") if number else ():
        service.refused(await service.get(path, "TELIA"), "invalid-message")
    for path in ("/series", "/cases"):
        response = await service.get(path, "TELIA", number=number)
        service.refused(response, "invalid-message")
        assert [error["pointer"] for error in response.json()["errors"]] == ["/number"]


async def test_series(service: Service) -> None:
    (found,) = (await service.read("/series", "CHILI", number="90012345"))["items"]
    assert found.items() >= {"first": "90000000", "last": "90199999", "holder": "TELENOR", "number_class": "MOBILE",
                             "status": "open"}.items()  # fmt: skip
    assert {item["holder"] for item in (await service.read("/series", holder="TELIA"))["items"]} == {"TELIA"}
    everything = (await service.read("/series", limit=1000))["items"]
    assert len(everything) == 26
    assert {item["status"] for item in everything} == {"open", "blocked", "returned"}
    paged: list[dict[str, Any]] = []
    after = None
    for _ in range(30):
        page = await service.read("/series", limit=5, after=after)
        paged += page["items"]
        after = page["next"]
        if after is None:
            break
    assert paged == everything


NEW = {"first": "94000000", "last": "94009999", "holder": "LYSE", "reason": "assigned"}


async def test_a_new_series(service: Service) -> None:
    service.refused(await service.order("TELIA", donor="LYSE", main_number="94000001"), "number-unknown")
    created = await service.admin("POST", "/series", NEW)
    assert created.items() >= {**NEW, "number_class": "MOBILE", "status": "open",
                               "valid_from": "2026-11-23T07:00:00Z"}.items()  # fmt: skip
    assert (await service.read("/routing/94000001"))["holder"] == "LYSE"
    await service.ordered("TELIA", donor="LYSE", main_number="94000001")
    (line,) = (await service.read("/audit"))["items"]
    assert (line["reason"], line["after"]["first"], line["before"]) == ("assigned", "94000000", None)


@pytest.mark.parametrize(
    ("first", "last"),
    [("94009999", "94010000"), ("93999999", "94000000"), ("94001000", "94001000"), ("93900000", "94900000")],
)
async def test_series_never_overlap(service: Service, first: str, last: str) -> None:
    await service.admin("POST", "/series", NEW)
    async with service.unchanged():
        response = await service.send("POST", "/admin/series", "ADMIN", {**NEW, "first": first, "last": last})
    service.refused(response, "series-overlap")
    beside = {**NEW, "first": "94010000", "last": "94019999"}
    await service.admin("POST", "/series", beside)


async def test_the_class_of_a_series_decides(service: Service) -> None:
    """Classes by prefix are defaults only (contract section 5)."""
    await service.admin("POST", "/series", {**NEW, "number_class": "GEO"})
    order = {"donor": "LYSE", "main_number": "94000001"}
    service.refused(await service.order(number_type="T", **order), "number-type-mismatch")
    for first, wanted in (("28000000", "GEO"), ("54000000", "GEO"), ("86000000", "NONGEO"), ("48000000", "MOBILE"),
                          ("58000000", "MOBILE"), ("580040000000", "MOBILE")):  # fmt: skip
        created = await service.admin("POST", "/series", {**NEW, "first": first, "last": first})
        assert created["number_class"] == wanted
