"""Changes set for later happen at their instant, in order, whoever looks first (contract section 8)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.api.test_number_plan import NUMBER, patched, ported, refused, routing, scheduled, series_with
from tests.api.test_transfer import refused as transfer_refused
from tests.api.test_transfer import transfer
from tests.support.service import Service, eventually, local

from nrdb.data_key import open_vault
from nrdb.db import open_pool
from nrdb.intake import Intake
from nrdb.rulebook import load_rulebook
from nrdb.worker import run_worker

AT = "2026-11-23T12:00:00+01:00"
NOON = local("2026-11-23 12:00")
JUST = timedelta(microseconds=1)


async def planned(service: Service) -> list[dict[str, Any]]:
    """What is still to come."""
    items: list[dict[str, Any]] = (await service.read("/admin/planned-changes"))["items"]
    return items


async def test_a_series_changes_hands_at_its_time(service: Service) -> None:
    await ported(service, NUMBER, "LYSE", "TELENOR", "09:00", network="LYSE")
    open_case = await service.ordered("CHILI", main_number="90012346", porting_time="2026-11-24T10:00:00+01:00")
    before = await series_with(service, NUMBER)
    async with service.unchanged():
        dry = await patched(service, NUMBER, dry_run=True, holder="LYSE", valid_from=AT)
    after = await patched(service, NUMBER, holder="LYSE", valid_from=AT)
    assert {"dry_run": True, **after["changed"]} == dry
    assert (dry["numbers"], dry["cases"], dry["due_at"]) == (199_999, [open_case], "2026-11-23T11:00:00Z")
    assert [(item["holder"], item["valid_from"]) for item in dry["series"]] == [("LYSE", dry["due_at"])]
    # Now it is as before; the routing answer for then, and the history, show what is to come.
    assert after["holder"] == "TELENOR"
    assert after["valid_until"] == "2026-11-23T11:00:00Z"
    (item,) = await planned(service)
    assert item == after["planned"]
    assert (item["action"], item["subject"]) == ("series-changed", before["series_id"])
    assert item["details"] == {"holder": "LYSE", "status": "open"}
    found = await service.read("/routing/90000000")
    assert (found["holder"], found["until"]) == ("TELENOR", "2026-11-23T11:00:00Z")
    assert found["next"] == {
        "at": "2026-11-23T11:00:00Z", "holder": "LYSE", "network": "LYSE", "routing_number": "D0006",
    }  # fmt: skip
    assert (await service.read(f"/routing/{NUMBER}"))["next"] is None
    assert await routing(service, "90000000", NOON - JUST) == ("TELENOR", "TELENOR", False)
    assert await routing(service, "90000000", NOON) == ("LYSE", "LYSE", False)
    assert await routing(service, NUMBER, NOON) == ("LYSE", "LYSE", False)
    page = await service.read(f"/series/{before['series_id']}/history")
    assert [item["holder"] for item in page["items"]] == ["TELENOR", "LYSE"]
    assert (await service.case(open_case))["donor"] == "TELENOR"

    await service.time_passes(NOON - JUST)
    assert (await series_with(service, NUMBER))["holder"] == "TELENOR"
    assert await planned(service) == [item]
    # At its very instant, with no worker and no clock call, the first reader finds it done.
    await service.time_passes(NOON)
    assert (await service.case(open_case))["donor"] == "LYSE"
    assert await planned(service) == []
    assert (await series_with(service, NUMBER))["valid_from"] == "2026-11-23T11:00:00Z"
    assert (await service.history(open_case))[-1]["at"] == "2026-11-23T11:00:00Z"
    ported_on = await service.read(f"/routing/{NUMBER}")
    assert (ported_on["holder"], ported_on["range_holder"], ported_on["ported"]) == ("LYSE", "LYSE", False)
    actions = [(line["action"], line["at"]) for line in (await service.read("/audit"))["items"]]
    assert actions[-1] == ("series-changed", "2026-11-23T11:00:00Z")
    assert ("series-change-planned", "2026-11-23T08:00:00Z") in actions


async def test_a_transfer_at_its_time_by_the_clock(service: Service) -> None:
    order = {"main_number": NUMBER, "porting_time": "2026-11-24T10:00:00+01:00"}
    case_id = await service.ordered("UNIFON", **order)
    async with service.unchanged():
        dry = await transfer(service, "UNIFON", "LYSE", dry_run=True, effective_at=AT)
    after = await transfer(service, "UNIFON", "LYSE", effective_at=AT)
    assert after["effective_at"] == "2026-11-23T11:00:00Z"
    assert {"dry_run": True, **after["changed"]} == dry
    assert dry["cases"] == [case_id]
    assert (await service.case(case_id))["recipient"] == "UNIFON"
    assert await transfer_refused(service, "UNIFON", "TELIA", "transfer-conflict") == {
        "planned": [after["planned"]], "count": 1,
    }  # fmt: skip
    await service.clock(NOON)
    assert (await service.case(case_id))["recipient"] == "LYSE"
    assert (await service.read("/routing/67000000"))["holder"] == "LYSE"
    notice = (await service.inbox("CHILI"))[-1]
    assert (notice["at"], notice["message"]["notice"]) == ("2026-11-23T11:00:00Z", "code-transferred")
    service.refused(await service.order("UNIFON", main_number="90012346"), "provider-inactive")


async def test_what_is_due_happens_in_order(service: Service) -> None:
    """Cases that are due before a change are settled before it, at the same instant too, and later ones after it."""
    first = await scheduled(service, "90012345", "LYSE", "TELENOR", "11:00")
    same = await scheduled(service, "90012346", "LYSE", "TELENOR", "12:00")
    later = await scheduled(service, "90012347", "CHILI", "TELENOR", "13:00")
    meeting = await service.ordered("LYSE", main_number="90012348", porting_time="2026-11-23T12:30:00+01:00")
    series = await series_with(service, NUMBER)
    # At this instant LYSE has open orders in the series: it is refused now, so the change is set when they are not.
    await refused(service, NUMBER, "series-in-open-case", holder="LYSE", valid_from=AT)
    await service.accepted("LYSE", "NP_ANNU", case_id=meeting)
    await service.accepted("LYSE", "NP_ANNU", case_id=same)
    await service.accepted("LYSE", "NP_ANNU", case_id=first)
    await patched(service, NUMBER, holder="LYSE", valid_from=AT)
    first = await scheduled(service, "90012345", "LYSE", "TELENOR", "11:00")
    same = await scheduled(service, "90012346", "LYSE", "TELENOR", "12:00")
    meeting = await service.ordered("LYSE", main_number="90012348", porting_time="2026-11-23T12:30:00+01:00")
    await service.clock(local("2026-11-23 14:00"))
    # Those before it, and at it, were ported to LYSE and waited for reports; then they were LYSE's own numbers.
    for case_id in (first, same):
        case = await service.case(case_id)
        assert (case["donor"], case["state"]) == ("TELENOR", "awaiting_completion")
    assert await routing(service, "90012345", NOON - JUST) == ("LYSE", "TELENOR", True)
    for number in ("90012345", "90012346"):
        assert await routing(service, number) == ("LYSE", "LYSE", False)
    # The later one had its donor changed first. What met its new donor kept its parties, and the audit log says so.
    assert (await service.case(later))["donor"] == "LYSE"
    assert await routing(service, "90012347") == ("CHILI", "LYSE", True)
    assert (await service.case(meeting))["donor"] == "TELENOR"
    assert (await service.case(meeting))["state"] == "obsolete"
    (line,) = [
        line
        for line in (await service.read("/audit"))["items"]
        if (line["action"], line["subject"]) == ("series-changed", series["series_id"])
    ]
    assert line["after"]["changed"]["conflicts"] == [meeting]
    assert line["after"]["changed"]["cases"] == [later]


async def test_conflicts_at_the_instant_of_a_transfer(service: Service) -> None:
    await transfer(service, "UNIFON", "LYSE", effective_at=AT)
    order = {"donor": "UNIFON", "porting_time": "2026-11-24T10:00:00+01:00"}
    meeting = await service.ordered("LYSE", main_number="93000000", **order)
    follows = await service.ordered("CHILI", main_number="93000001", **order)
    await service.clock(NOON)
    assert [(await service.case(case_id))["donor"] for case_id in (meeting, follows)] == ["LYSE", "LYSE"]
    (line,) = (await service.read("/audit"))["items"][-2:-1]
    assert (line["action"], line["after"]["changed"]["conflicts"]) == ("code-transferred", [meeting])
    # LYSE stands on both sides now, so that the case is nobody's only in name: it may approve, and it may stop.
    await service.accepted("LYSE", "NP_GODK", case_id=meeting)
    await service.accepted("LYSE", "NP_ANNU", case_id=meeting)


async def test_a_blocked_series_at_its_time(service: Service) -> None:
    """What was ported since the change was set is listed; the series is blocked all the same."""
    await patched(service, NUMBER, status="blocked", valid_from=AT)
    await ported(service, NUMBER, "LYSE", "TELENOR", "10:00")
    await service.clock(NOON)
    service.refused(await service.order("CHILI", main_number="90000000", porting_time="2026-11-24T10:00:00+01:00"),
                    "number-not-portable")  # fmt: skip
    line = (await service.read("/audit"))["items"][-2]
    assert line["after"]["ported"] == [{"first": NUMBER, "last": NUMBER}]
    assert await routing(service, NUMBER) == ("LYSE", "TELENOR", True)


async def test_one_planned_change_of_a_series_at_a_time(service: Service) -> None:
    after = await patched(service, NUMBER, holder="LYSE", valid_from=AT)
    facts = await refused(service, NUMBER, "series-overlap", holder="CHILI", valid_from="2026-11-24T10:00:00+01:00")
    assert facts == {"planned": [after["planned"]], "count": 1}
    await refused(service, NUMBER, "series-overlap", status="blocked")
    async with service.unchanged():
        form = {"first": "90000000", "last": "90000009", "reason": "x"}
        response = await service.send("POST", f"/admin/series/{after['series_id']}/split", "ADMIN", form)
        service.refused(response, "series-overlap")
    before = await series_with(service, NUMBER)
    assert before["valid_until"] == "2026-11-23T11:00:00Z"

    async with service.unchanged():
        for who, problem in (("OPERATOR", "role-not-permitted-here"), ("LYSE", "role-not-permitted-here")):
            response = await service.send("DELETE", f"/admin/planned-changes/{after['planned']['id']}", who, None)
            service.refused(response, problem)
        service.refused(await service.send("DELETE", "/admin/planned-changes/999", "ADMIN", None), "not-found")
        service.refused(await service.get("/admin/planned-changes", "LYSE"), "role-not-permitted-here")
    path = f"/admin/planned-changes/{after['planned']['id']}"
    response = await service.send("DELETE", f"{path}?reason=not+yet", "ADMIN", None)
    assert response.status_code == 204
    assert await planned(service) == []
    assert (await series_with(service, NUMBER))["valid_until"] is None
    line = (await service.read("/audit"))["items"][-1]
    assert (line["action"], line["before"]["id"], line["reason"]) == (
        "planned-change-cancelled", after["planned"]["id"], "not yet",
    )  # fmt: skip
    assert await routing(service, "90000000", NOON) == ("TELENOR", "TELENOR", False)
    # Once it has been carried out it cannot be cancelled.
    again = await patched(service, NUMBER, holder="LYSE", valid_from=AT)
    await service.time_passes(NOON)
    path = f"/admin/planned-changes/{again['planned']['id']}"
    service.refused(await service.send("DELETE", path, "ADMIN", None), "not-found")
    assert (await series_with(service, NUMBER))["holder"] == "LYSE"


async def test_planned_changes_and_transfers_meet(service: Service) -> None:
    """What was to go to a code goes to its successor; a series that goes elsewhere goes there."""
    await patched(service, NUMBER, holder="UNIFON", valid_from="2026-11-23T13:00:00+01:00")
    await patched(service, "93000000", holder="CHILI", valid_from="2026-11-23T13:00:00+01:00")
    await transfer(service, "SVEA", "UNIFON", effective_at="2026-11-23T14:00:00+01:00")
    await transfer(service, "LYSE", "UNIFON", effective_at="2026-11-23T15:00:00+01:00")
    await transfer(service, "UNIFON", "LYSE", effective_at=AT)
    await service.clock(NOON)
    assert [(item["action"], item["subject"][:4], item["details"].get("to")) for item in await planned(service)][
        2:
    ] == [("code-transferred", "SVEA", "LYSE")]
    await service.clock(local("2026-11-23 13:00"))
    assert await routing(service, "90000000") == ("LYSE", "LYSE", False)
    assert await routing(service, "93000000") == ("CHILI", "CHILI", False)
    assert await routing(service, "67000000") == ("LYSE", "LYSE", False)
    await service.clock(local("2026-11-23 16:00"))
    assert await planned(service) == []
    codes = {item["code"]: item["active"] for item in (await service.read("/providers", limit=1000))["items"]}
    assert (codes["UNIFON"], codes["SVEA"], codes["LYSE"]) == (False, False, True)


async def test_series_and_code_at_one_instant(service: Service) -> None:
    """The series changes first; the code then takes with it what is left."""
    case_id = await service.ordered("CHILI", main_number="93000000", donor="UNIFON",
                                    porting_time="2026-11-24T10:00:00+01:00")  # fmt: skip
    await transfer(service, "UNIFON", "LYSE", effective_at=AT)
    await patched(service, "93000000", holder="TELIA", valid_from=AT)
    await service.clock(NOON)
    assert (await service.case(case_id))["donor"] == "TELIA"
    assert (await series_with(service, "93000000"))["holder"] == "TELIA"
    assert (await series_with(service, "67000000"))["holder"] == "LYSE"


async def test_all_come_at_once(service: Service) -> None:
    """Readers, messages, a clock call and two processes find it due at one time: it is done once."""
    other = await service.second()
    await service.ordered(porting_time="2026-11-24T10:00:00+01:00")
    await patched(service, NUMBER, holder="LYSE", valid_from=AT)
    await service.time_passes(NOON)
    responses = await asyncio.gather(
        *(one.get("/series", number=NUMBER) for one in (service, other) for _ in range(10)),
        *(one.order(main_number=f"9001{place:04}", donor="LYSE", porting_time="2026-11-24T10:00:00+01:00")
          for place, one in enumerate((service, other) * 5)),
        service.send("PUT", "/sandbox/clock", "ADMIN", {"advance": "PT1M"}),
    )  # fmt: skip
    for response in responses[:20]:
        assert response.json()["items"][0]["holder"] == "LYSE"
    assert {response.status_code for response in responses[20:30]} == {201}
    assert responses[30].status_code == 200
    actions = [line["action"] for line in (await service.read("/audit"))["items"]]
    assert actions.count("series-changed") == 1


async def test_a_worker_carries_it_out(service: Service) -> None:
    case_id = await scheduled(service, NUMBER, "LYSE", "TELENOR", "11:00")
    await service.accepted("LYSE", "NP_ANNU", case_id=case_id)
    await patched(service, NUMBER, holder="LYSE", valid_from=AT)
    case_id = await scheduled(service, NUMBER, "LYSE", "TELENOR", "13:00")
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(service.settings, service.dsn, stop))
    try:
        await service.time_passes(NOON + timedelta(hours=2))

        async def done() -> bool:
            return bool(await service.db.fetchval("SELECT bool_and(done_at IS NOT NULL) FROM planned_change")) and bool(
                await service.db.fetchval("SELECT bool_and(due_at IS NULL) FROM cases")
            )

        await eventually(done)
    finally:
        stop.set()
        await worker
    # The change came first and found the case open: its recipient was the new holder, so it kept its parties.
    lines = await service.db.fetch("SELECT at, action FROM audit ORDER BY id")
    assert (NOON, "series-changed") in [(row["at"], row["action"]) for row in lines]
    assert (await service.case(case_id))["donor"] == "TELENOR"


async def test_settling_never_passes_a_planned_change(service: Service) -> None:
    """Whoever settles what is due stops at a change that has not been carried out."""
    case_id = await service.ordered("CHILI", porting_time="2026-11-23T13:00:00+01:00")
    early = await service.ordered("CHILI", main_number="90012346", porting_time="2026-11-23T11:00:00+01:00")
    await patched(service, NUMBER, holder="LYSE", valid_from=AT)
    await service.time_passes(NOON + timedelta(hours=3))
    pool = await open_pool(service.dsn, 2)
    try:
        async with pool.acquire() as connection:
            vault = await open_vault(connection, service.settings)
        intake = Intake(pool, load_rulebook(), vault)
        assert await intake.settle() == 1
        assert await intake.settle() == 0
        rows = await service.db.fetch("SELECT case_id::text, state FROM cases")
        assert {row[0]: row[1] for row in rows} == {case_id: "awaiting_donor", early: "obsolete"}
        await intake.catch_up_if_due()
        await intake.catch_up_if_due()
        await intake.catch_up()
    finally:
        await pool.close()
    assert [(line["type"], line["at"]) for line in await service.history(case_id)][1:] == [
        ("plan-change", "2026-11-23T11:00:00Z"), ("time", "2026-11-23T12:00:00Z"),
    ]  # fmt: skip
    assert (await service.case(case_id))["donor"] == "LYSE"


@pytest.mark.parametrize("held", [True, False])
async def test_a_reader_does_not_wait_for_ever(service: Service, held: bool) -> None:
    """While somebody else changes the world for long, a reader gets what stands; the change is not lost."""
    await patched(service, NUMBER, holder="LYSE", valid_from=AT)
    await service.time_passes(NOON)
    transaction = service.db.transaction()
    if held:
        await transaction.start()
        await service.db.execute("SELECT pg_advisory_xact_lock(7267, 1)")
    assert len(await planned(service)) == (1 if held else 0)
    if held:
        await transaction.rollback()

        async def done() -> bool:
            return not await planned(service)

        await eventually(done)


async def test_a_transfer_that_is_set_says_from_when(service: Service) -> None:
    async with service.unchanged():
        dry = await transfer(service, "UNIFON", "LYSE", effective_at=AT, dry_run=True)
    after = await transfer(service, "UNIFON", "LYSE", effective_at=AT)
    assert {"dry_run": True, **after["changed"]} == dry
    assert dry["due_at"] == after["effective_at"] == "2026-11-23T11:00:00Z"
    assert {(item["holder"], item["valid_from"]) for item in dry["series"]} == {("LYSE", dry["due_at"])}


async def test_what_is_wrong_with_the_form_comes_first(service: Service) -> None:
    """422, then 404, then 409 (contract section 1): the time has passed, and something else is wrong, too."""
    past = "2026-11-20T12:00:00+01:00"
    series = f"/admin/series/{(await series_with(service, NUMBER))['series_id']}"
    unknown = f"/admin/series/{uuid4()}"
    codes = "/admin/provider-codes"
    async with service.unchanged():
        for method, path, form, code in (
            ("PATCH", series, {"holder": "NOPE", "valid_from": past}, "invalid-message"),
            ("PATCH", unknown, {"holder": "NOPE", "valid_from": past}, "invalid-message"),
            ("PATCH", unknown, {"holder": "LYSE", "valid_from": past}, "not-found"),
            ("PATCH", series, {"holder": "LYSE", "valid_from": past}, "effective-time-passed"),
            ("POST", f"{codes}/NOPE/transfer", {"to": "NOPE", "effective_at": past}, "invalid-message"),
            ("POST", f"{codes}/NOPE/transfer", {"to": "LYSE", "effective_at": past}, "not-found"),
            ("POST", f"{codes}/UNIFON/transfer", {"to": "NOPE", "effective_at": past}, "invalid-message"),
            ("POST", f"{codes}/UNIFON/transfer", {"to": "LYSE", "effective_at": past}, "effective-time-passed"),
        ):
            response = await service.send(method, path, "ADMIN", {"reason": "x", **form})
            service.refused(response, code)


async def test_a_returned_series_needs_no_holder_named(service: Service) -> None:
    """It can only be Nkom's, now and at a set time."""
    dry = await patched(service, NUMBER, dry_run=True, status="returned")
    assert [(item["holder"], item["status"]) for item in dry["series"]] == [("0", "returned")]
    after = await patched(service, NUMBER, status="returned", valid_from=AT)
    assert after["planned"]["details"] == {"holder": "0", "status": "returned"}
    await service.clock(NOON)
    found = await series_with(service, NUMBER)
    assert (found["holder"], found["status"]) == ("0", "returned")
