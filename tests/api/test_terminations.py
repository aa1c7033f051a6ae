"""Numbers go back to their range holder: NP_OPPS, NP_FOPS, NP_TILB, NP_ANNU, T13, T14, T16, T18 (S3 2.2.1, 2.8)."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.support import rows
from tests.support.service import Service, local

NUMBER = "90012345"
AT = "2026-11-24T10:00:00+01:00"


async def opps(service: Service, code: str = "TELIA", **fields: Any) -> httpx.Response:
    return await service.post(code, "NP_OPPS", **{"main_number": NUMBER, "termination_time": AT, **fields})


async def ported(service: Service, **fields: Any) -> None:
    """90012345 of TELENOR's series is served by TELIA, since 10:00 on Monday."""
    await service.case_in("completed", **fields)


async def terminated(service: Service, state: str) -> str:
    """A termination of TELIA's ported number, brought to the state."""
    await ported(service)
    response = await opps(service)
    assert response.status_code == 201, response.text
    case_id: str = response.json()["case"]["case_id"]
    if state == "cancelled":
        await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    if state == "rejected":
        await service.accepted("TELENOR", "NP_FOPS", case_id=case_id, reason="other", comment="ours is not to wonder")
    if state in ("awaiting_return", "returned"):
        await service.clock(local("2026-11-24 10:00"))
    if state == "returned":
        await service.accepted("TELENOR", "NP_TILB", case_id=case_id)
    assert (await service.case(case_id))["state"] == state
    return case_id


async def test_from_announcement_to_return(service: Service) -> None:
    await ported(service)
    answer = (await opps(service)).json()
    case = answer["case"]
    assert (case["kind"], case["state"]) == ("termination", "awaiting_termination")
    assert (case["recipient"], case["donor"], case["range_holder"]) == (None, "TELIA", "TELENOR")
    assert (case["number_type"], case["customer"], case["termination_time"]) == (None, None, "2026-11-24T09:00:00Z")
    assert "porting_time" not in case
    assert [(n["type"], n["by"], n["from"], n["until"]) for n in case["next"]] == [
        ("NP_ANNU", "TELIA", None, "2026-11-24T08:30:00Z"),
        ("NP_FOPS", "TELENOR", None, "2026-11-24T09:00:00Z"),
        ("NP_TILB", "TELENOR", "2026-11-24T09:00:00Z", None),
    ]
    item = (await service.inbox("TELENOR"))[-1]["message"]
    assert (item["type"], item["case"]["termination_time"]) == ("NP_OPPS", "2026-11-24T09:00:00Z")
    case_id = case["case_id"]
    service.refused(await service.get(f"/cases/{case_id}", "LYSE"), "unknown-case")
    service.refused(await service.post("TELENOR", "NP_TILB", case_id=case_id), "too-early-to-return", "T16")
    await service.clock(local("2026-11-24 10:00"))
    assert (await service.case(case_id))["state"] == "awaiting_return"
    assert (await service.read(f"/routing/{NUMBER}"))["holder"] == "TELIA"
    await service.clock(minutes=90)
    answer = await service.accepted("TELENOR", "NP_TILB", case_id=case_id)
    assert answer["case"]["state"] == "returned"
    routing = await service.read(f"/routing/{NUMBER}")
    assert (routing["holder"], routing["ported"], routing["network"]) == ("TELENOR", False, "TELENOR")
    # Its range holder serves the number since it came back, not since the series was entered.
    assert (routing["since"], routing["until"]) == ("2026-11-24T10:30:00Z", None)
    before = await service.read(f"/routing/{NUMBER}", at="2026-11-24T10:29:59Z")
    assert (before["holder"], before["until"]) == ("TELIA", "2026-11-24T10:30:00Z")
    came = {"at": before["until"], "holder": "TELENOR", "network": "TELENOR", "routing_number": "D0009"}
    assert before["next"] == came
    again = "2026-11-25T10:00:00+01:00"
    await service.case_in("scheduled", porting_time=again)
    assert (await service.read(f"/routing/{NUMBER}"))["next"]["holder"] == "TELIA"
    assert (await service.read(f"/routing/{NUMBER}", at="2026-11-24T10:29:59Z"))["next"] == came
    assert "NP_TILB" in await service.inbox_types("LYSE")
    assert "NP_TILB" in await service.inbox_types("TELIA")
    assert "NP_TILB" not in await service.inbox_types("TELENOR")
    assert (await service.case(case_id, "LYSE"))["state"] == "returned"
    assert [(line["type"], line["by"], line["to_state"]) for line in await service.history(case_id)] == [
        ("NP_OPPS", "TELIA", "awaiting_termination"),
        ("time", "NRDB", "awaiting_return"),
        ("NP_TILB", "TELENOR", "returned"),
    ]


@pytest.mark.parametrize("written", [True, False])
async def test_the_clearinghouse_returns_for_nkom(service: Service, written: bool) -> None:
    """A returned series is held by code 0: NP_TILB stands everywhere at the termination time, worker or none."""
    series = (await service.read("/series", number=NUMBER))["items"][0]
    await ported(service)
    await service.db.execute(
        "UPDATE series SET holder = '0', status = 'returned' WHERE series_id = $1::uuid", series["series_id"]
    )
    await rows.replan(service.db)
    case_id = (await opps(service)).json()["case"]["case_id"]
    assert (await service.case(case_id))["range_holder"] == "0"
    service.refused(await service.order("LYSE", donor="TELIA", porting_time=AT), "number-in-open-case")
    end = local("2026-11-24 10:00")
    await (service.send_clock(end) if written else service.time_passes(end))
    assert (await service.read(f"/routing/{NUMBER}"))["holder"] == "0"
    assert (await service.case(case_id))["state"] == "returned"
    assert [(line["type"], line["by"], line["at"]) for line in await service.history(case_id)][1:] == [
        ("time", "NRDB", "2026-11-24T09:00:00Z"),
        ("NP_TILB", "0", "2026-11-24T09:00:00Z"),
    ]
    item = (await service.inbox("LYSE"))[-1]
    assert (item["message"]["type"], item["message"]["sender"], item["at"]) == (
        "NP_TILB", "0", "2026-11-24T09:00:00Z",
    )  # fmt: skip
    service.refused(await service.post("TELIA", "NP_ANNU", case_id=case_id), "case-state")
    # What nobody uses is not ported, but nothing blocks it either.
    service.refused(
        await service.order("LYSE", donor="0", porting_time="2026-11-25T10:00:00+01:00"), "number-not-in-use"
    )


STATES = ["awaiting_termination", "awaiting_return", "returned", "rejected", "cancelled"]
SENDERS = {"holder": "TELIA", "OAT": "TELENOR", "receiver": "LYSE", "stranger": "CHILI"}
TABLE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "NP_ANNU": ("holder", "awaiting_termination", {}),
    "NP_FOPS": ("OAT", "awaiting_termination", {"reason": "number-not-held"}),
    "NP_TILB": ("OAT", "awaiting_return", {}),
    "5_TILB": ("nobody", "awaiting_return", {}),
    "NP_GODK": ("", "", {}),
    "NP_FBES": ("", "", {"reason": "number-not-held"}),
    "NP_ENDR": ("", "", {"porting_time": AT}),
    "NP_IVER": ("", "", {}),
    "NP_FIVE": ("", "", {"comment": "x"}),
    "NP_FERD": ("", "", {}),
    "5_FERD": ("", "", {}),
}


def expected(kind: str, who: str, state: str) -> str:
    if who == "stranger" or (who == "receiver" and state != "returned"):
        return "unknown-case"
    role, in_state, _ = TABLE[kind]
    if role and who != role:
        return "role-not-permitted"
    if role and state == in_state:
        return "accepted"
    if role == "holder" and state == "awaiting_return":
        return "stop-too-late"
    if kind == "NP_FOPS" and state == "awaiting_return":
        return "porting-time-passed"
    if kind == "NP_TILB" and state == "awaiting_termination":
        return "too-early-to-return"
    return "case-state"


@pytest.mark.parametrize("state", STATES)
async def test_each_message_of_each_sender_in_this_state(service: Service, state: str) -> None:
    case_id = await terminated(service, state)
    cells = [(kind, who) for kind in TABLE for who in SENDERS]
    async with service.unchanged():
        for kind, who in cells:
            wanted = expected(kind, who, state)
            if wanted != "accepted":
                response = await service.post(SENDERS[who], kind, case_id=case_id, **TABLE[kind][2])
                assert response.json().get("code") == wanted, f"{kind} of {who}: {response.text}"
    offered = {(n["type"], n["by"]) for n in (await service.case(case_id))["next"] if n["from"] is None}
    assert offered == {(kind, SENDERS[who]) for kind, who in cells if expected(kind, who, state) == "accepted"}


async def test_a_comment_is_for_the_two_parties(service: Service) -> None:
    case_id = await terminated(service, "rejected")
    message = (await service.inbox("TELIA"))[-1]["message"]
    assert (message["type"], message["comment"]) == ("NP_FOPS", "ours is not to wonder")
    again = await service.read(f"/messages/{message['message_id']}", "OPERATOR", code="TELIA")
    assert again["comment"] is None
    assert (await service.read(f"/messages/{message['message_id']}", "TELENOR"))["comment"]
    # The number is free again.
    assert (await service.case(case_id))["next"] == []
    assert (await opps(service)).status_code == 201


async def test_refusals_of_an_announcement(service: Service) -> None:
    async with service.unchanged():
        service.refused(await opps(service, "TELENOR"), "not-ported")
        service.refused(await opps(service, "TELIA"), "donor-not-holder")
        service.refused(await opps(service, "TELIA", main_number="02800"), "five-digit-message-required")
        service.refused(await opps(service, "TELIA", main_number="11111111"), "number-unknown")
    await ported(service)
    async with service.unchanged():
        service.refused(
            await opps(service, termination_time=(await service.now() + timedelta(minutes=29, seconds=59)).isoformat()),
            "termination-time-too-early",
            "T13",
        )
        facts = service.refused(
            await opps(service, termination_time="2027-02-18T00:00:00.000001+01:00"), "termination-time-too-late", "T14"
        )
        assert facts["latest"] == "2027-02-17T23:00:00Z"
    assert (await opps(service, termination_time="2027-02-18T00:00:00+01:00")).status_code == 201
    facts = service.refused(await opps(service), "number-in-open-case")
    assert facts["until"] is None


async def test_the_cap_is_the_range_holders(service: Service) -> None:
    await ported(service)
    await service.admin("PUT", "/caps/TELENOR/2026-11-24", {"limit": 1, "reason": "a test"})
    case_id = (await opps(service)).json()["case"]["case_id"]
    caps = {"from_": "2026-11-24", "to": "2026-11-25"}
    assert (await service.read("/caps/TELENOR", **caps))["items"][0]["free"] == 0
    service.refused(
        await service.order("TELENOR", donor="TELIA", main_number="40000001", porting_time=AT), "daily-cap-exceeded"
    )
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    assert (await service.read("/caps/TELENOR", **caps))["items"][0]["free"] == 1


async def test_stopped_until_half_an_hour_before(service: Service) -> None:
    case_id = await terminated(service, "awaiting_termination")
    await service.clock(local("2026-11-24 09:30"))
    assert (await service.accepted("TELIA", "NP_ANNU", case_id=case_id))["case"]["state"] == "cancelled"
    again = (await opps(service, termination_time="2026-11-24T11:00:00+01:00")).json()["case"]["case_id"]
    await service.clock(local("2026-11-24 10:30:01"))
    service.refused(await service.post("TELIA", "NP_ANNU", case_id=again), "stop-too-late", "T18")
