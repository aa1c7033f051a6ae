"""Numbers that are being given back while their series or codes change (contract section 8)."""

from typing import Any

from tests.api.test_number_plan import NUMBER, patched, ported, refused, routing
from tests.api.test_transfer import refused as transfer_refused
from tests.api.test_transfer import transfer
from tests.support import rows
from tests.support.service import Service, local

AT = "2026-11-23T12:00:00+01:00"
NOON = local("2026-11-23 12:00")


async def announced(service: Service, number: str = NUMBER, holder: str = "LYSE", **more: Any) -> str:
    """A termination of a number by the one that it is ported to, at noon."""
    answer = await service.accepted(holder, "NP_OPPS", **{"main_number": number, "termination_time": AT, **more})
    case_id: str = answer["case"]["case_id"]
    return case_id


async def used(service: Service, code: str) -> int:
    """How many numbers count for a code on the Monday."""
    (day,) = (await service.read(f"/caps/{code}", from_="2026-11-23", to="2026-11-24"))["items"]
    used: int = day["used"]
    return used


async def test_a_termination_follows_the_series(service: Service) -> None:
    await ported(service, NUMBER, "LYSE", "TELENOR", "09:00")
    case_id = await announced(service)
    assert (await used(service, "TELENOR"), await used(service, "UNIFON")) == (1, 0)
    after = await patched(service, NUMBER, holder="UNIFON")
    assert after["changed"]["cases"] == [case_id]
    assert (await service.case(case_id))["range_holders"] == ["UNIFON"]
    assert (await used(service, "TELENOR"), await used(service, "UNIFON")) == (0, 1)
    assert (await service.case(case_id, "UNIFON"))["donor"] == "LYSE"
    service.refused(await service.get(f"/cases/{case_id}", "TELENOR"), "unknown-case", status=404)
    listed = [item["case_id"] for item in (await service.read("/cases", "UNIFON", kind="termination"))["items"]]
    assert listed == [case_id]
    await service.clock(NOON)
    assert (await service.case(case_id))["state"] == "awaiting_return"
    # It follows once more while its return is awaited.
    assert (await patched(service, NUMBER, holder="TELIA"))["changed"]["cases"] == [case_id]
    await service.accepted("TELIA", "NP_TILB", case_id=case_id)
    assert await routing(service, NUMBER) == ("TELIA", "TELIA", False)


async def test_a_termination_that_cannot_follow(service: Service) -> None:
    await ported(service, NUMBER, "LYSE", "TELENOR", "09:00")
    await ported(service, "41000000", "LYSE", "TELENOR", "10:00")
    case_id = await announced(service, additional_numbers=["41000000"])
    listed = {"cases": [case_id], "count": 1}
    # Two range holders; and the holder that gives the number back would get it.
    assert await refused(service, NUMBER, "series-in-open-case", holder="UNIFON") == listed
    assert await refused(service, "41000000", "series-in-open-case", holder="LYSE") == listed
    assert await refused(service, NUMBER, "series-in-open-case", status="blocked") == listed
    await service.clock(NOON)
    assert await refused(service, NUMBER, "series-in-open-case", holder="UNIFON") == listed
    await service.accepted("TELENOR", "NP_TILB", case_id=case_id)
    await patched(service, NUMBER, holder="UNIFON")


async def test_a_series_returned_to_nkom_takes_terminations_along(service: Service) -> None:
    """From then on the clearinghouse sends the return for Nkom, at the termination time."""
    await ported(service, NUMBER, "LYSE", "TELENOR", "09:00")
    case_id = await announced(service)
    assert (await patched(service, NUMBER, holder="0", status="returned"))["changed"]["cases"] == [case_id]
    assert (await used(service, "TELENOR"), await used(service, "0")) == (0, 1)
    await service.time_passes(NOON)
    assert await routing(service, NUMBER) == ("0", "0", False)
    assert (await service.case(case_id))["state"] == "returned"
    # And back again, in time.
    other = await announced_of_zero(service)
    await patched(service, "45360000", holder="UNIFON")
    assert (await service.case(other))["range_holders"] == ["UNIFON"]
    await service.clock(local("2026-11-24 12:00"))
    assert (await service.case(other))["state"] == "awaiting_return"
    await service.accepted("UNIFON", "NP_TILB", case_id=other)
    assert await routing(service, "45360000") == ("UNIFON", "UNIFON", False)


async def announced_of_zero(service: Service) -> str:
    """A termination of a number of the returned series, the day after."""
    await rows.ported(service, "45360000", "45360000", "CHILI", network="TELIA")
    return await announced(service, "45360000", "CHILI", termination_time="2026-11-24T12:00:00+01:00")


async def test_a_return_that_is_awaited_does_not_go_to_nkom(service: Service) -> None:
    """Nkom sends nothing: the old range holder returns first, or an administrator waives it."""
    await ported(service, NUMBER, "LYSE", "TELENOR", "09:00")
    case_id = await announced(service)
    await service.clock(NOON)
    facts = await refused(service, NUMBER, "series-in-open-case", holder="0", status="returned")
    assert facts == {"cases": [case_id], "count": 1}
    waived = {"code": "TELENOR", "reason": "bankrupt"}
    async with service.unchanged():
        response = await service.send("POST", f"/admin/cases/{case_id}/waive", "ADMIN", {**waived, "code": "LYSE"})
        service.refused(response, "invalid-message")
        dry = await service.admin("POST", f"/cases/{case_id}/waive?dry_run=true", waived)
    assert (dry["state"], dry["numbers"], dry["routing_rows"]) == ("returned", 1, 1)
    after = await service.admin("POST", f"/cases/{case_id}/waive", waived)
    assert after["state"] == "returned"
    assert {"dry_run": True, **after["changed"]} == dry
    assert await routing(service, NUMBER) == ("TELENOR", "TELENOR", False)
    await patched(service, NUMBER, holder="0", status="returned")
    assert await routing(service, NUMBER) == ("0", "0", False)


async def test_terminations_in_a_transfer(service: Service) -> None:
    await ported(service, NUMBER, "LYSE", "TELENOR", "09:00")
    await ported(service, "93000000", "CHILI", "UNIFON", "10:00")
    one, two = await announced(service), await announced(service, "93000000", "CHILI")
    assert await transfer_refused(service, "LYSE", "TELENOR", "transfer-conflict") == {"cases": [one], "count": 1}
    assert await transfer_refused(service, "TELENOR", "LYSE", "transfer-conflict") == {"cases": [one], "count": 1}
    assert await transfer_refused(service, "UNIFON", "CHILI", "transfer-conflict") == {"cases": [two], "count": 1}
    await transfer(service, "LYSE", "CHILI")
    await transfer(service, "UNIFON", "TELENOR")
    assert (await service.case(one))["donor"] == "CHILI"
    assert (await service.case(two))["range_holders"] == ["TELENOR"]
    assert (await used(service, "UNIFON"), await used(service, "TELENOR")) == (0, 2)
    await service.clock(NOON)
    assert await transfer_refused(service, "CHILI", "TELENOR", "transfer-conflict") == {
        "cases": sorted([one, two]),
        "count": 2,
    }
    response = await service.send("PATCH", "/admin/providers/CHILI", "ADMIN", {"active": False, "reason": "x"})
    facts = service.refused(response, "provider-in-use")
    assert (sorted(facts["cases"]), facts["case_count"]) == (sorted([one, two]), 2)
    for case_id, number in ((one, NUMBER), (two, "93000000")):
        await service.accepted("TELENOR", "NP_TILB", case_id=case_id)
        assert await routing(service, number) == ("TELENOR", "TELENOR", False)


async def test_a_five_digit_number_in_a_transfer(service: Service) -> None:
    order = {
        "main_number": "02800", "donor": "0", "porting_time": "2026-11-23T09:00:00+01:00", "target_number": "92000000",
        "right_holder": {"name": "Taxi AS", "organisation_number": "974760673"},
    }  # fmt: skip
    await service.accepted("LYSE", "5_IVER", **order)
    await service.clock(local("2026-11-23 09:00"))
    own = await service.accepted("LYSE", "5_IVER", **{**order, "donor": "LYSE", "porting_time": AT,
                                                      "target_number": "92000001"})  # fmt: skip
    case_id = own["case"]["case_id"]
    # Its own change has one code on both sides, before and after.
    done = await transfer(service, "LYSE", "TELIA")
    assert case_id in done["changed"]["cases"]
    case = await service.case(case_id)
    assert (case["recipient"], case["donor"], case["network"]) == ("TELIA", "TELIA", "TELIA")
    assert "TELIA" not in case["completion"]["expected"]
    found = await service.read("/routing/02800")
    assert (found["holder"], found["network"], found["target_number"]) == ("TELIA", "TELIA", "92000000")
    await service.clock(NOON)
    assert (await service.read("/routing/02800"))["target_number"] == "92000001"
    assert (await service.read("/five-digit/02800/right-holder", "TELIA"))["name"] == "Taxi AS"
