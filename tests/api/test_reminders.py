"""Who waits reminds those whom a case waits for (S3 2.3.3, 2.6.1): who may, in which state, whom, and how often."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from tests.support.rows import ported
from tests.support.service import PATHS, Service, local, type_of

from nrdb.cases.machine import KINDS, STATES_OF

AT = "2026-11-23T10:00:00+01:00"
#: By whom and to whom in each state, from the contract: MT to AT, MT to the missing, the terminating holder to OAT.
WAITED_FOR = {
    ("porting", "awaiting_donor"): ["TELENOR"],
    ("porting", "awaiting_completion"): "missing",
    ("five_digit", "awaiting_completion"): "missing",
    ("termination", "awaiting_return"): ["TELENOR"],
}
#: MT of a porting, or the holder that terminates.
REMINDS = "TELIA"


async def remind(service: Service, case_id: str, who: str = REMINDS, **params: str) -> httpx.Response:
    path = f"/v1/cases/{case_id}/remind"
    return await service.client.post(path, headers=service.headers(who), params=params)


async def reminded(service: Service, case_id: str, who: str = REMINDS) -> list[str]:
    """Those who were reminded, which must have been possible."""
    response = await remind(service, case_id, who)
    assert response.status_code == 202, response.text
    assert response.json().keys() == {"reminded"}
    return list(response.json()["reminded"])


async def reminders(service: Service, code: str) -> list[dict[str, Any]]:
    items = [item["message"] for item in await service.inbox(code, limit=1000)]
    return [message for message in items if type_of(message) == "NOTICE reminder"]


async def porting_in(service: Service, state: str) -> str:
    return await service.case_in(state)


async def five_digit_in(service: Service, state: str) -> str:
    answer = await service.accepted(
        "TELIA",
        "5_IVER",
        main_number="02800",
        donor="0",
        porting_time=AT,
        target_number="22000001",
        right_holder={"name": "Sparebanken Eksempel AS", "organisation_number": "974760673"},
    )
    case_id: str = answer["case"]["case_id"]
    if state == "cancelled":
        await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    if state in ("awaiting_completion", "completed"):
        await service.clock(datetime.fromisoformat(AT))
    if state == "completed":
        for code in answer["case"]["completion"]["missing"]:
            await service.accepted(code, "5_FERD", case_id=case_id)
    return case_id


async def termination_in(service: Service, state: str) -> str:
    await ported(service, "90012345", "90012345", "TELIA")
    answer = await service.accepted("TELIA", "NP_OPPS", main_number="90012345", termination_time=AT)
    case_id: str = answer["case"]["case_id"]
    if state == "cancelled":
        await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    if state == "rejected":
        await service.accepted("TELENOR", "NP_FOPS", case_id=case_id, reason="number-not-held")
    if state in ("awaiting_return", "returned"):
        await service.clock(datetime.fromisoformat(AT))
    if state == "returned":
        await service.accepted("TELENOR", "NP_TILB", case_id=case_id)
    return case_id


CASE_IN: dict[str, Callable[[Service, str], Awaitable[str]]] = {
    "porting": porting_in,
    "five_digit": five_digit_in,
    "termination": termination_in,
}


@pytest.mark.parametrize(("kind", "state"), [(kind, state) for kind in KINDS for state in STATES_OF[kind]])
async def test_each_cell(service: Service, kind: str, state: str) -> None:
    """By everybody, in every state of every kind: who may remind whom, and what the others are answered."""
    case_id = await CASE_IN[kind](service, state)
    case = await service.case(case_id)
    assert (case["kind"], case["state"]) == (kind, state)
    history = await service.history(case_id)
    seen_by_others = state in ("scheduled", "awaiting_completion", "completed", "returned") or kind == "five_digit"
    async with service.unchanged():
        for who in ("TELENOR", "LYSE", "CHILI"):
            hidden = who == "CHILI" or (who == "LYSE" and not seen_by_others)
            response = await remind(service, case_id, who)
            facts = service.refused(response, "unknown-case" if hidden else "role-not-permitted")
            if not hidden:
                role = "terminating holder" if kind == "termination" else "MT"
                assert facts == {"role": role, "by": [REMINDS], "sender": who}
        if (kind, state) not in WAITED_FOR:
            facts = service.refused(await remind(service, case_id), "case-state")
            assert (facts["state"], facts["kind"]) == (state, kind)
            assert sorted(facts["allowed"]) == sorted({item["type"] for item in case["next"] if item["from"] is None})
    if (kind, state) not in WAITED_FOR:
        return
    waited_for = WAITED_FOR[kind, state]
    codes = case["completion"]["missing"] if waited_for == "missing" else waited_for
    assert await reminded(service, case_id) == codes
    assert codes
    for code in ("TELIA", "TELENOR", "LYSE", "CHILI"):
        assert len(await reminders(service, code)) == (code in codes)
    # A reminder changes nothing in the case, and is no part of its history.
    assert await service.case(case_id) == case
    assert await service.history(case_id) == history


def test_every_state_of_a_porting_can_be_reached() -> None:
    assert set(PATHS) == set(STATES_OF["porting"])


async def test_a_reminder_is_a_notice_like_any_other(service: Service) -> None:
    case_id = await service.ordered()
    await reminded(service, case_id)
    (item,) = await reminders(service, "TELENOR")
    case = await service.case(case_id)
    assert item == {
        "type": "NOTICE",
        "message_id": item["message_id"],
        "sender": "NRDB",
        "case_id": case_id,
        "notice": "reminder",
        "received_at": "2026-11-23T07:00:00Z",
        "case": {name: case[name] for name in item["case"]},
    }
    assert item["case"]["recipient"] == "TELIA"
    assert "Kari" not in str(item)
    again = await service.read(f"/messages/{item['message_id']}", "TELENOR")
    assert again == item


async def test_once_an_hour_a_case(service: Service) -> None:
    """Exactly an hour later is allowed; who is reminded, and in which state, makes no difference."""
    case_id = await service.case_in("scheduled")
    other = await service.ordered(main_number="90012346", porting_time="2026-11-24T10:00:00+01:00")
    await service.clock(local("2026-11-23 10:00"))
    assert await reminded(service, case_id) == (await service.case(case_id))["completion"]["missing"]
    await service.accepted("LYSE", "NP_FERD", case_id=case_id)
    await service.clock(minutes=59, seconds=59.999999)
    async with service.unchanged():
        facts = service.refused(await remind(service, case_id), "reminded-recently")
    assert facts == {"reminded_at": "2026-11-23T09:00:00Z", "earliest": "2026-11-23T10:00:00Z"}
    assert await reminded(service, other) == ["TELENOR"]
    await service.clock(local("2026-11-23 11:00"))
    assert "LYSE" not in await reminded(service, case_id)
    assert len(await reminders(service, "COM4")) == 2
    assert len(await reminders(service, "LYSE")) == 1


async def test_a_change_of_the_order_does_not_shorten_the_hour(service: Service) -> None:
    case_id = await service.ordered(porting_time="2026-11-24T10:00:00+01:00")
    await reminded(service, case_id)
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("TELIA", "NP_ENDR", case_id=case_id, porting_time="2026-11-24T11:00:00+01:00")
    service.refused(await remind(service, case_id), "reminded-recently")


async def test_what_time_has_done_is_written_down_with_it(service: Service) -> None:
    """No worker has been there: the porting time has come all the same, whether the reminder is lawful or not."""
    executed = await service.case_in("scheduled")
    forgotten = await service.ordered(main_number="90012346")
    await service.time_passes(local("2026-11-23 10:00"))
    assert "LYSE" in await reminded(service, executed)
    service.refused(await remind(service, forgotten), "case-state")
    rows = await service.db.fetch("SELECT case_id::text, state, reminded_at FROM cases")
    assert {row["case_id"]: (row["state"], row["reminded_at"]) for row in rows} == {
        executed: ("awaiting_completion", local("2026-11-23 10:00")),
        forgotten: ("obsolete", None),
    }
    assert (await service.history(executed))[-1]["type"] == "time"
    # A number that has gone back to Nkom meanwhile waits for nobody.
    await ported(service, "90012347", "90012347", "TELIA")
    series = (await service.read("/series", number="90012347"))["items"][0]
    part = {"first": "90012347", "last": "90012347", "reason": "test"}
    split = await service.admin("POST", f"/series/{series['series_id']}/split", part)
    await service.admin("PATCH", f"/series/{split['series_id']}", {"holder": "0", "status": "returned", "reason": "x"})
    at = "2026-11-23T12:00:00+01:00"
    answer = await service.accepted("TELIA", "NP_OPPS", main_number="90012347", termination_time=at)
    await service.time_passes(datetime.fromisoformat(at))
    facts = service.refused(await remind(service, answer["case"]["case_id"]), "case-state")
    assert facts["state"] == "returned"


async def test_two_at_once(service: Service) -> None:
    """One is sent and the other comes too soon, through two processes and beside a message on the same case."""
    other = await service.second()
    for round_ in range(10):
        case_id = await service.ordered(main_number=str(90020000 + round_))
        after = await service.now()
        godk, *answers = await asyncio.gather(
            service.post("TELENOR", "NP_GODK", case_id=case_id) if round_ % 2 else service.get("/me", "TELENOR"),
            remind(service, case_id),
            remind(other, case_id),
            remind(service, case_id),
        )
        assert godk.is_success
        codes = sorted(answer.json().get("code", "") for answer in answers)
        if round_ % 2:  # The approval may have come first.
            assert codes in (
                ["", "reminded-recently", "reminded-recently"],
                ["", "case-state", "case-state"],
                ["", "case-state", "reminded-recently"],
                ["case-state"] * 3,
            )
        else:
            assert codes == ["", "reminded-recently", "reminded-recently"]
        sent = [item for item in await reminders(service, "TELENOR") if item["case_id"] == case_id]
        assert len(sent) == codes.count("")
        assert await service.now() == after


async def test_a_key_of_several_codes_says_which(service: Service) -> None:
    case_id = await service.ordered()
    form = {"role": "provider", "codes": ["TELIA", "LYSE"], "label": "both"}
    service.keys["BOTH"] = (await service.admin("POST", "/keys", form))["key"]
    async with service.unchanged():
        service.refused(await remind(service, case_id, "BOTH"), "invalid-message")
        service.refused(await remind(service, case_id, "BOTH", code="TELENOR"), "sender-not-yours")
        service.refused(await remind(service, case_id, "BOTH", code="LYSE"), "unknown-case")
        service.refused(await remind(service, case_id, "TELIA", dry_run="true"), "invalid-message")
        for who in ("ADMIN", "OPERATOR"):
            service.refused(await remind(service, case_id, who), "role-not-permitted-here")
        for nothing in ("00000000-0000-4000-8000-000000000000", "no-uuid"):
            service.refused(await remind(service, nothing), "unknown-case")
    response = await remind(service, case_id, "BOTH", code="TELIA")
    assert response.json() == {"reminded": ["TELENOR"]}


async def test_an_inactive_code_reminds_nobody(service: Service) -> None:
    """It may read, but not send; its case waits on, for the others."""
    case_id = await service.case_in("awaiting_completion")
    await service.db.execute("UPDATE provider SET active = false WHERE code = 'TELIA'")
    service.refused(await remind(service, case_id), "provider-inactive")


async def test_who_became_inactive_is_not_reminded(service: Service) -> None:
    """Its report is waived; a code that another took the place of is reminded under the new name."""
    case_id = await service.case_in("awaiting_completion")
    await service.admin("PATCH", "/providers/TLINX", {"active": False, "reason": "gone"})
    await service.admin("POST", "/provider-codes/UNIFON/transfer", {"to": "CHILI", "reason": "merger"})
    codes = await reminded(service, case_id)
    assert not {"TLINX", "UNIFON"} & set(codes)
    assert len(await reminders(service, "CHILI")) == 1
    assert len(await reminders(service, "UNIFON")) == 0


async def test_nkom_has_no_inbox(service: Service) -> None:
    """A donor that has given its series back while it was asked: nobody can be reminded, and no hour begins."""
    case_id = await service.ordered()
    await service.db.execute("UPDATE cases SET donor = '0'")
    async with service.unchanged():
        assert await reminded(service, case_id) == []


async def test_reminders_count_in_no_report(service: Service) -> None:
    """A refused reminder is no refused message, and a reminder is no step of the case."""
    case_id = await service.ordered()
    await reminded(service, case_id)
    service.refused(await remind(service, case_id), "reminded-recently")
    (day,) = (await service.read("/reports/daily", from_="2026-11-23", to="2026-11-24"))["items"]
    assert (day["messages"], day["refusals"]) == ({"NP_BEST": 1}, {})
    assert day["cases"]["opened"] == 1
