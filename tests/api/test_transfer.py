"""A code becomes another one: everything goes with it at one instant (contract section 8)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.api.test_number_plan import NUMBER, in_order, ported, routing, scheduled, series_with
from tests.support.service import Service, local


async def transfer(service: Service, code: str, to: str, *, dry_run: bool = False, **more: Any) -> Any:
    """A transfer that must succeed."""
    path = f"/provider-codes/{code}/transfer{'?dry_run=true' if dry_run else ''}"
    return await service.admin("POST", path, {"to": to, "reason": "merged", **more})


async def refused(service: Service, code: str, to: str, problem: str, **more: Any) -> dict[str, Any]:
    """A transfer that must be refused and change nothing, in a dry run too; the facts."""
    found: dict[str, Any] = {}
    async with service.unchanged():
        for query in ("?dry_run=true", ""):
            path = f"/admin/provider-codes/{code}/transfer{query}"
            response = await service.send("POST", path, "ADMIN", {"to": to, "reason": "merged", **more})
            found = service.refused(response, problem)
    return in_order(found)


async def report_all(service: Service, case_id: str, *but: str) -> None:
    for code in (await service.case(case_id))["completion"]["missing"]:
        if code not in but:
            await service.accepted(code, "NP_FERD", case_id=case_id)


async def test_everything_goes_to_the_new_code(service: Service) -> None:
    await ported(service, "90012345", "UNIFON", "TELENOR", "09:00")
    await ported(service, "90012346", "LYSE", "TELENOR", "11:00")
    await ported(service, "93000000", "LYSE", "UNIFON", "13:00")
    donor = await service.ordered(
        "CHILI", main_number="93000001", donor="UNIFON", porting_time="2026-11-24T10:00:00+01:00"
    )
    recipient = await service.ordered("UNIFON", main_number="90012347", porting_time="2026-11-24T10:00:00+01:00")
    closed = await service.ordered("UNIFON", main_number="90012348", porting_time="2026-11-24T10:00:00+01:00")
    await service.accepted("UNIFON", "NP_ANNU", case_id=closed)
    await service.clock(minutes=5)
    at = await service.now()
    inbox = await service.inbox("UNIFON")

    async with service.unchanged():
        dry = await transfer(service, "UNIFON", "LYSE", dry_run=True)
    done = await transfer(service, "UNIFON", "LYSE")
    assert dry == {"dry_run": True, **done["changed"]}
    assert (done["code"], done["to"], done["effective_at"]) == ("UNIFON", "LYSE", "2026-11-23T12:05:00Z")
    # Two series of 50,000 and 10,000, less the number that LYSE had, and one number ported to UNIFON.
    assert done["changed"]["numbers"] == 60_000
    assert done["changed"]["series_count"] == 2
    assert {donor, recipient} <= set(done["changed"]["cases"])
    assert closed not in done["changed"]["cases"]

    assert await routing(service, "67000000") == ("LYSE", "LYSE", False)
    assert await routing(service, "90012345") == ("LYSE", "TELENOR", True)
    assert await routing(service, "90012346") == ("LYSE", "TELENOR", True)
    # What LYSE served as a ported number lies in a series of its own now.
    assert await routing(service, "93000000") == ("LYSE", "LYSE", False)
    for number, before in (("67000000", ("UNIFON", "UNIFON", False)), ("90012345", ("UNIFON", "TELENOR", True)),
                           ("93000000", ("LYSE", "UNIFON", True))):  # fmt: skip
        assert await routing(service, number, at - timedelta(microseconds=1)) == before
    history = await service.read(f"/series/{(await series_with(service, '67000000'))['series_id']}/history")
    assert [item["holder"] for item in history["items"]] == ["UNIFON", "LYSE"]

    shown = await service.case(donor)
    assert (shown["recipient"], shown["donor"], shown["range_holders"]) == ("CHILI", "LYSE", ["LYSE"])
    shown = await service.case(recipient)
    assert (shown["recipient"], shown["donor"]) == ("LYSE", "TELENOR")
    assert (await service.case(closed))["recipient"] == "UNIFON"
    (*_, line) = await service.history(recipient)
    assert (line["type"], line["by"]) == ("code-transfer", "NRDB")
    assert "UNIFON" in line["note"]
    assert (await service.history(recipient))[0]["by"] == "UNIFON"
    await service.accepted("LYSE", "NP_GODK", case_id=donor)
    await service.accepted("LYSE", "NP_ENDR", case_id=recipient, porting_time="2026-11-24T12:00:00+01:00")

    # The old code reads what it had, and sends nothing.
    service.refused(await service.order("UNIFON"), "provider-inactive")
    newest = (await service.inbox("UNIFON"))[-1]["seq"]
    response = await service.send("POST", "/inbox/ack", "UNIFON", {"through": newest})
    assert response.status_code == 200, response.text
    assert await service.inbox("UNIFON") == inbox
    service.refused(await service.get(f"/cases/{recipient}", "UNIFON"), "unknown-case", status=404)
    assert (await service.case(closed, "UNIFON"))["customer"]["name"] == "Kari Nordmann"
    for code in ("LYSE", "TELIA", "CHILI"):
        notice = next(i["message"] for i in reversed(await service.inbox(code)) if i["message"]["type"] == "NOTICE")
        assert (notice["notice"], notice["code"], notice["to"]) == ("code-transferred", "UNIFON", "LYSE")
        assert notice["effective_at"] == "2026-11-23T12:05:00Z"
        assert "case_id" not in notice
    (line,) = (await service.read("/audit", limit=1000))["items"][-1:]
    assert (line["action"], line["subject"], line["reason"]) == ("code-transferred", "UNIFON", "merged")


async def test_networks_go_with_the_code(service: Service) -> None:
    await ported(service, NUMBER, "CHILI", "TELENOR")
    ahead = await scheduled(service, "90012346", "CHILI", "TELENOR", "12:00")
    assert (await service.read(f"/routing/{NUMBER}"))["network"] == "TELIA"
    # CHILI terminates nothing: calls could not be routed.
    await refused(service, "TELIA", "CHILI", "invalid-message")
    await transfer(service, "TELIA", "LYSE")
    found = await service.read(f"/routing/{NUMBER}")
    assert (found["holder"], found["network"], found["routing_number"]) == ("CHILI", "LYSE", "D0006")
    case = await service.case(ahead)
    assert (case["network"], case["routing_number"]) == ("LYSE", "D0006")
    await service.clock(local("2026-11-23 12:00"))
    assert (await service.read("/routing/90012346"))["network"] == "LYSE"


async def test_a_scheduled_porting_can_still_be_stopped(service: Service) -> None:
    """Rows that a case has entered are taken back as if nobody had changed codes in between."""
    await ported(service, NUMBER, "UNIFON", "TELENOR", "09:00")
    case_id = await scheduled(service, NUMBER, "LYCA", "UNIFON", "12:00")
    other = await scheduled(service, "90012346", "UNIFON", "TELENOR", "12:00")
    home = await scheduled(service, "90012347", "UNIFON", "TELENOR", "12:00")
    await transfer(service, "UNIFON", "LYSE")
    noon = local("2026-11-23 12:00")
    assert await routing(service, NUMBER, noon - timedelta(microseconds=1)) == ("LYSE", "TELENOR", True)
    assert await routing(service, NUMBER, noon) == ("LYCA", "TELENOR", True)
    assert await routing(service, "90012346", noon) == ("LYSE", "TELENOR", True)
    await service.accepted("LYCA", "NP_ANNU", case_id=case_id)
    await service.accepted("LYSE", "NP_ANNU", case_id=other)
    assert await routing(service, NUMBER, noon) == ("LYSE", "TELENOR", True)
    assert await routing(service, "90012346", noon) == ("TELENOR", "TELENOR", False)
    assert await routing(service, "90012347", noon) == ("LYSE", "TELENOR", True)
    await service.clock(noon)
    await report_all(service, home)


async def test_expected_senders_are_merged(service: Service) -> None:
    case_id = await ported(service, NUMBER, "CHILI", "TELENOR")
    completion = (await service.case(case_id))["completion"]
    assert {"LYSE", "UNIFON", "TLINX"} <= set(completion["missing"])
    await service.accepted("UNIFON", "NP_FERD", case_id=case_id)
    await service.accepted("TLINX", "NP_FERD", case_id=case_id)
    # UNIFON has reported, LYSE has not: its network still has to.
    await transfer(service, "UNIFON", "LYSE")
    after = (await service.case(case_id))["completion"]
    assert after["expected"] == sorted(set(completion["expected"]) - {"UNIFON"})
    assert "LYSE" in after["missing"]
    assert after["received"] == ["TLINX"]
    await service.accepted("LYSE", "NP_FERD", case_id=case_id)
    # Both have reported: once is enough.
    await transfer(service, "TLINX", "LYSE")
    after = (await service.case(case_id))["completion"]
    assert after["received"] == ["LYSE"]
    assert not {"TLINX", "UNIFON"} & set(after["expected"])
    service.refused(await service.post("LYSE", "NP_FERD", case_id=case_id), "already-sent")
    await report_all(service, case_id)
    assert (await service.case(case_id))["state"] == "completed"


async def test_the_recipient_is_not_expected(service: Service) -> None:
    """Who becomes the recipient of a case reports nothing about it; with the last report missing it is completed."""
    first = await ported(service, NUMBER, "CHILI", "TELENOR")
    second = await ported(service, "90012346", "LYSE", "TELENOR", "12:00")
    await report_all(service, first, "LYSE")
    await report_all(service, second, "UNIFON", "TELENOR")
    for case_id, missing in ((first, ["LYSE"]), (second, ["TELENOR", "UNIFON"])):
        assert (await service.case(case_id))["completion"]["missing"] == missing
    # CHILI becomes LYSE, which owed the last report of its case.
    await transfer(service, "CHILI", "LYSE")
    case = await service.case(first)
    assert (case["state"], case["recipient"], case["completion"]["missing"]) == ("completed", "LYSE", [])
    assert "LYSE" not in case["completion"]["expected"]
    lines = [(line["type"], line["to_state"]) for line in await service.history(first)]
    assert lines[-2:] == [("code-transfer", "awaiting_completion"), ("waive", "completed")]
    for code in ("LYSE", "TELENOR"):
        assert "NOTICE completed" in await service.inbox_types(code)
    # UNIFON, which owes a report of LYSE's case, becomes LYSE; TELENOR's is still missing.
    await transfer(service, "UNIFON", "LYSE")
    case = await service.case(second)
    assert (case["state"], case["completion"]["missing"]) == ("awaiting_completion", ["TELENOR"])
    assert "LYSE" not in case["completion"]["expected"]


async def test_codes_that_meet(service: Service) -> None:
    one = await service.ordered("LYSE", main_number="93000000", donor="UNIFON")
    two = await scheduled(service, "47000000", "UNIFON", "LYSE")
    third = await service.ordered("CHILI", main_number="93000001", donor="UNIFON")
    both = {"cases": sorted([one, two]), "count": 2}
    assert await refused(service, "UNIFON", "LYSE", "transfer-conflict") == both
    assert await refused(service, "LYSE", "UNIFON", "transfer-conflict") == both
    assert await refused(service, "CHILI", "UNIFON", "transfer-conflict") == {"cases": [third], "count": 1}
    await service.accepted("LYSE", "NP_ANNU", case_id=one)
    assert (await refused(service, "UNIFON", "LYSE", "transfer-conflict"))["cases"] == [two]
    # At its porting time the case blocks nothing any more; both sides are then one code.
    await service.time_passes(local("2026-11-23 10:00"))
    await transfer(service, "UNIFON", "LYSE")
    case = await service.case(two)
    assert (case["recipient"], case["donor"], case["state"]) == ("LYSE", "LYSE", "awaiting_completion")
    assert await routing(service, "47000000") == ("LYSE", "LYSE", False)
    await report_all(service, two)
    assert (await service.case(two))["state"] == "completed"


async def test_the_room_of_the_day_goes_with_the_code(service: Service) -> None:
    await service.ordered("CHILI", main_number="90012345")
    mine = await service.ordered("LYCA", main_number="90012346")
    await service.admin("PUT", "/caps/LYCA/2026-11-23", {"limit": 2, "reason": "x"})
    await service.admin("PUT", "/caps/CHILI/2026-11-23", {"limit": 10, "reason": "x"})
    await transfer(service, "CHILI", "LYCA")
    (day,) = (await service.read("/caps/LYCA", from_="2026-11-23", to="2026-11-24"))["items"]
    assert day == {"day": "2026-11-23", "limit": 2, "used": 2, "free": 0}
    (day,) = (await service.read("/caps/CHILI", from_="2026-11-23", to="2026-11-24"))["items"]
    assert (day["limit"], day["used"]) == (10, 0)
    facts = service.refused(await service.order("LYCA", main_number="90012347"), "daily-cap-exceeded")
    assert (facts["code"], facts["used"]) == ("LYCA", 2)
    await service.accepted("LYCA", "NP_ANNU", case_id=mine)
    await service.ordered("LYCA", main_number="90012347")


async def test_transfers_that_make_no_sense(service: Service) -> None:
    await service.admin("PATCH", "/providers/SVEA", {"active": False, "reason": "x"})
    await refused(service, "UNIFON", "UNIFON", "transfer-to-itself")
    await refused(service, "UNIFON", "NOBODY", "invalid-message")
    await refused(service, "UNIFON", "SVEA", "invalid-message")
    await refused(service, "SVEA", "LYSE", "invalid-message")
    await refused(service, "UNIFON", "0", "invalid-message")
    await refused(service, "0", "UNIFON", "provider-in-use")
    await refused(service, "NOBODY", "LYSE", "not-found")
    now = await service.now()
    past = (now - timedelta(microseconds=1)).isoformat()
    await refused(service, "UNIFON", "LYSE", "effective-time-passed", effective_at=past)
    async with service.unchanged():
        for body in ({"to": "LYSE"}, {"to": "LYSE", "reason": ""}, {"reason": "x"}, {"to": "L", "reason": "x"}):
            response = await service.send("POST", "/admin/provider-codes/UNIFON/transfer", "ADMIN", body)
            service.refused(response, "invalid-message")
        response = await service.send("POST", "/admin/provider-codes/UNIFON/transfer", "LYSE", {})
        service.refused(response, "role-not-permitted-here")
    done = await transfer(service, "UNIFON", "LYSE", effective_at=now.isoformat())
    assert "planned" not in done
    # A second time there is nothing left to transfer; the code can be used again and starts with nothing.
    await refused(service, "UNIFON", "LYSE", "invalid-message")
    assert (await service.admin("PATCH", "/providers/UNIFON", {"active": True, "reason": "back"}))["active"] is True
    empty = await transfer(service, "UNIFON", "LYSE", dry_run=True)
    assert (empty["numbers"], empty["case_count"], empty["series_count"]) == (0, 0, 0)


async def test_the_same_transfer_twice_and_messages_beside_it(service: Service) -> None:
    """One of two wins. A message beside them is decided before or after, never in between."""
    other = await service.second()
    form = {"to": "LYSE", "reason": "merged"}
    path = "/admin/provider-codes/UNIFON/transfer"
    tomorrow = "2026-11-24T10:00:00+01:00"
    results = await asyncio.gather(
        service.send("POST", path, "ADMIN", form),
        other.send("POST", path, "ADMIN", form),
        *(service.order("UNIFON", main_number=f"9001{place:04}", porting_time=tomorrow) for place in range(10)),
        *(
            other.order("CHILI", main_number=f"9300{place:04}", donor="UNIFON", porting_time=tomorrow)
            for place in range(10)
        ),
    )
    assert sorted(response.status_code for response in results[:2]) == [200, 422]
    for response in results[2:]:
        if response.status_code == 201:
            case = await service.case(response.json()["case"]["case_id"])
            assert "UNIFON" not in (case["recipient"], case["donor"])
        else:
            assert response.json()["code"] in ("provider-inactive", "donor-not-holder")
    left = await service.db.fetchval(
        """
        SELECT count(*) FROM routing
         WHERE 'UNIFON' IN (holder, network) AND removed_at = 'infinity' AND valid_until = 'infinity'
        """
    )
    assert left == 0


async def test_a_code_in_use_stays_active(service: Service) -> None:
    planned = await service.admin("POST", "/provider-codes/SVEA/transfer", {
        "to": "VIATEL", "reason": "x", "effective_at": "2026-11-24T10:00:00+01:00"})  # fmt: skip
    async with service.unchanged():
        for code in ("SVEA", "VIATEL"):
            for query in ("", "?dry_run=true"):
                path = f"/admin/providers/{code}{query}"
                response = await service.send("PATCH", path, "ADMIN", {"active": False, "reason": "x"})
                facts = service.refused(response, "provider-in-use")
                assert facts["planned"] == [planned["planned"]]
        dry = await service.admin("PATCH", "/providers/BAHN?dry_run=true", {"active": False, "reason": "x"})
    assert dry["dry_run"] is True
    assert dry["case_count"] == 0
    case_id = await scheduled(service, NUMBER, "CHILI", "TELENOR")
    dry = await service.admin("PATCH", "/providers/TLINX?dry_run=true", {"active": False, "reason": "x"})
    assert (dry["cases"], dry["case_count"]) == ([case_id], 1)
    assert "TLINX" in (await service.case(case_id))["completion"]["missing"]


async def test_a_report_is_waived(service: Service) -> None:
    case_id = await ported(service, NUMBER, "CHILI", "TELENOR")
    await report_all(service, case_id, "LYSE", "TLINX")
    path = f"/cases/{case_id}/waive"
    async with service.unchanged():
        dry = await service.admin("POST", f"{path}?dry_run=true", {"code": "LYSE", "reason": "bankrupt"})
    assert dry.items() >= {"dry_run": True, "cases": [case_id], "missing": ["TLINX"], "waived": ["LYSE"]}.items()
    after = await service.admin("POST", path, {"code": "LYSE", "reason": "bankrupt"})
    assert (after["state"], after["completion"]["missing"]) == ("awaiting_completion", ["TLINX"])
    assert after["completion"]["waived"] == ["LYSE"]
    assert after["customer"] is None
    async with service.unchanged():
        for code in ("LYSE", "CHILI", "TELIA", "NOBODY"):
            response = await service.send("POST", f"/admin{path}", "ADMIN", {"code": code, "reason": "x"})
            service.refused(response, "invalid-message")
        response = await service.send("POST", f"/admin{path}", "OPERATOR", {"code": "TLINX", "reason": "x"})
        service.refused(response, "role-not-permitted-here")
        for unknown in (uuid4(), "x"):
            response = await service.send(
                "POST", f"/admin/cases/{unknown}/waive", "ADMIN", {"code": "TLINX", "reason": "x"}
            )
            service.refused(response, "unknown-case", status=404)
    # The last one completes the case, and its parties are told.
    last = await service.admin("POST", path, {"code": "TLINX", "reason": "bankrupt"})
    assert last["state"] == last["changed"]["state"] == "completed"
    assert "NOTICE completed" in await service.inbox_types("CHILI")
    (line,) = (await service.read("/audit", limit=1000))["items"][-1:]
    assert (line["action"], line["subject"], line["reason"]) == ("waived", case_id, "bankrupt")
    assert (line["before"]["missing"], line["after"]["missing"]) == (["TLINX"], [])
    async with service.unchanged():
        response = await service.send("POST", f"/admin{path}", "ADMIN", {"code": "TLINX", "reason": "x"})
        facts = service.refused(response, "case-state")
        assert (facts["state"], facts["kind"]) == ("completed", "porting")
    early = await service.ordered(main_number="90012346", porting_time="2026-11-24T10:00:00+01:00")
    response = await service.send("POST", f"/admin/cases/{early}/waive", "ADMIN", {"code": "LYSE", "reason": "x"})
    assert service.refused(response, "case-state")["state"] == "awaiting_donor"
