"""Five-digit numbers: set up, ported, led to an ordinary number, given back (S1, S3 2.7)."""

from typing import Any

import httpx
import pytest
from tests.support.service import Service, local

NUMBER = "02800"
AT = "2026-11-23T10:00:00+01:00"
BANK = {"name": "Sparebanken Eksempel AS", "organisation_number": "974760673"}
OTHER = {"name": "Taxi Eksempel SA", "organisation_number": "923609016"}


async def iver(service: Service, code: str = "TELIA", **fields: Any) -> httpx.Response:
    order = {
        "main_number": NUMBER,
        "donor": "0",
        "porting_time": AT,
        "target_number": "22000001",
        "right_holder": BANK,
    }
    return await service.post(code, "5_IVER", **{**order, **fields})


async def case_in(service: Service, state: str, **fields: Any) -> str:
    response = await iver(service, **fields)
    assert response.status_code == 201, response.text
    case = response.json()["case"]
    case_id: str = case["case_id"]
    if state == "cancelled":
        await service.accepted(case["recipient"], "NP_ANNU", case_id=case_id)
    if state in ("awaiting_completion", "completed"):
        await service.clock(local(fields.get("porting_time", AT)[:16]))
    if state == "completed":
        for code in case["completion"]["missing"]:
            await service.accepted(code, "5_FERD", case_id=case_id)
    assert (await service.case(case_id))["state"] == state
    return case_id


async def test_set_up(service: Service) -> None:
    before = await service.read(f"/routing/{NUMBER}")
    assert (before["holder"], before["network"], before["routing_number"], before["tel_uri"]) == ("0", None, None, None)
    case = (await iver(service)).json()["case"]
    assert (case["kind"], case["state"], case["donor"], case["recipient"]) == ("five_digit", "scheduled", "0", "TELIA")
    assert (case["target_number"], case["network"], case["number_type"]) == ("22000001", "TELIA", None)
    assert "0" not in case["completion"]["expected"]
    assert "LYSE" in case["completion"]["expected"]
    message = (await service.inbox("LYSE"))[-1]["message"]
    assert (message["type"], message["target_number"], message["right_holder"]) == ("5_IVER", "22000001", None)
    assert message["case"]["target_number"] == "22000001"
    assert (await service.read(f"/routing/{NUMBER}"))["next"]["holder"] == "TELIA"
    await service.clock(local("2026-11-23 10:00"))
    after = await service.read(f"/routing/{NUMBER}")
    assert (after["holder"], after["network"], after["target_number"]) == ("TELIA", "TELIA", "22000001")
    assert after["tel_uri"].startswith("tel:+4702800;npdi;rn=")
    for code in case["completion"]["missing"]:
        await service.accepted(code, "5_FERD", case_id=case["case_id"])
    assert (await service.case(case["case_id"]))["state"] == "completed"
    assert "NOTICE completed" in await service.inbox_types("TELIA")


async def test_ported_by_the_same_organisation_only(service: Service) -> None:
    await case_in(service, "completed")
    again = "2026-11-24T10:00:00+01:00"
    fields = {"donor": "TELIA", "porting_time": again, "target_number": "47000001"}
    facts = service.refused(await iver(service, "LYSE", right_holder=OTHER, **fields), "right-holder-differs")
    assert "974760673" not in str(facts)
    assert "923609016" not in str(facts)
    case = (await iver(service, "LYSE", **fields)).json()["case"]
    # The right holder is shown to the two parties.
    assert (await service.inbox("TELIA"))[-1]["message"]["right_holder"] == BANK
    assert "NP_ANNU" in [n["type"] for n in case["next"]]
    await service.clock(local(again[:16]))
    after = await service.read(f"/routing/{NUMBER}")
    assert (after["holder"], after["target_number"], after["ported"]) == ("LYSE", "47000001", True)


async def test_given_back(service: Service) -> None:
    await case_in(service, "completed")
    end = "2026-11-24T10:00:00+01:00"
    service.refused(await service.post("LYSE", "5_OPPS", main_number=NUMBER, termination_time=end), "donor-not-holder")
    case = (await service.accepted("TELIA", "5_OPPS", main_number=NUMBER, termination_time=end))["case"]
    assert (case["kind"], case["state"], case["range_holder"]) == ("termination", "awaiting_termination", "0")
    assert [n["type"] for n in case["next"]] == ["NP_ANNU"]
    caps = await service.read("/caps/0", "OPERATOR", from_="2026-11-24", to="2026-11-25")
    assert caps["items"][0]["used"] == 1
    await service.clock(local(end[:16]))
    after = await service.read(f"/routing/{NUMBER}")
    assert (after["holder"], after["network"], after["target_number"]) == ("0", None, None)
    assert (await service.case(case["case_id"]))["state"] == "returned"
    assert [(line["type"], line["by"]) for line in await service.history(case["case_id"])][-1] == ("5_TILB", "0")
    assert (await service.inbox("LYSE"))[-1]["message"]["type"] == "5_TILB"
    # Nobody has the right to use it now: another organisation may set it up.
    assert (await iver(service, "LYSE", right_holder=OTHER, porting_time="2026-11-25T10:00:00+01:00")).is_success


async def test_a_cancelled_set_up_leaves_no_right(service: Service) -> None:
    case_id = await case_in(service, "cancelled")
    assert (await service.read(f"/routing/{NUMBER}"))["next"] is None
    assert (await service.case(case_id))["state"] == "cancelled"
    assert (await iver(service, "LYSE", right_holder=OTHER)).status_code == 201


async def test_the_holder_changes_the_target(service: Service) -> None:
    await case_in(service, "completed")
    fields = {"donor": "TELIA", "porting_time": "2026-11-24T10:00:00+01:00"}
    service.refused(await iver(service, **fields), "recipient-is-donor")
    case = (await iver(service, **fields, target_number="40000001")).json()["case"]
    assert "TELIA" not in case["completion"]["expected"]
    caps = await service.read("/caps/TELIA", from_="2026-11-24", to="2026-11-25")
    assert caps["items"][0]["used"] == 0
    await service.accepted("TELIA", "NP_ANNU", case_id=case["case_id"])
    case = (await iver(service, **fields, network="LYSE")).json()["case"]
    assert case["network"] == "LYSE"
    await service.clock(local(fields["porting_time"][:16]))
    for code in case["completion"]["missing"]:
        await service.accepted(code, "5_FERD", case_id=case["case_id"])
    notices = [item["message"] for item in await service.inbox("TELIA", type="NOTICE")]
    assert [(n["case_id"], n["notice"]) for n in notices][1:] == [(case["case_id"], "completed")], (
        "told once, not twice"
    )


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("network-not-usable", {"network": "CHILI"}),
        ("five-digit-only", {"main_number": "90012345", "donor": "TELENOR"}),
        ("number-unknown", {"main_number": "01800"}),
        ("target-number-unknown", {"target_number": "11111111"}),
        ("target-number-unknown", {"target_number": "59900001"}),
        ("donor-must-be-nkom", {"donor": "LYSE"}),
        ("porting-time-too-early", {"porting_time": "2026-11-23T08:29:59+01:00"}),
        ("porting-time-too-late", {"porting_time": "2027-02-18T00:00:01+01:00"}),
    ],
)
async def test_refused(service: Service, code: str, fields: dict[str, Any]) -> None:
    async with service.unchanged():
        service.refused(await iver(service, **fields), code)


async def test_refused_by_the_form(service: Service) -> None:
    for fields in ({"target_number": "580010000001"}, {"right_holder": {"name": "X"}}, {"right_holder": None}):
        service.refused(await iver(service, **fields), "invalid-message")
    service.refused(await service.post("TELIA", "5_TILB", sender="0", case_id="x"), "sender-not-yours")


async def test_in_an_open_case(service: Service) -> None:
    await case_in(service, "scheduled")
    facts = service.refused(await iver(service, "LYSE"), "number-in-open-case")
    assert facts["until"] == "2026-11-23T09:00:00Z"
    service.refused(await service.order("LYSE", main_number=NUMBER, donor="TELIA"), "five-digit-message-required")


SENDERS = {"MT": "TELIA", "receiver": "LYSE", "stranger": "CHILI"}
STATES = ["scheduled", "awaiting_completion", "completed", "cancelled"]
TABLE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "NP_ANNU": ("MT", "scheduled", {}),
    "NP_FIVE": ("receiver", "scheduled", {"comment": "x"}),
    "5_FERD": ("receiver", "awaiting_completion", {}),
    "NP_FERD": ("", "", {}),
    "NP_GODK": ("", "", {}),
    "NP_IVER": ("", "", {}),
    "NP_TILB": ("", "", {}),
    "5_TILB": ("", "", {}),
}


def expected(kind: str, who: str, state: str) -> str:
    if who == "stranger":
        return "unknown-case"
    role, in_state, _ = TABLE[kind]
    if role and who != role:
        return "role-not-permitted"
    if kind == "5_FERD" and state == "completed":
        return "already-sent"
    if role and state == in_state:
        return "accepted"
    if state == "awaiting_completion" and in_state == "scheduled":
        return "stop-too-late" if kind == "NP_ANNU" else "porting-time-passed"
    if kind == "5_FERD" and state == "scheduled":
        return "too-early-to-complete"
    return "case-state"


@pytest.mark.parametrize("state", STATES)
async def test_each_message_of_each_sender_in_this_state(service: Service, state: str) -> None:
    case_id = await case_in(service, state)
    async with service.unchanged():
        for kind, (_, _, fields) in TABLE.items():
            for who, code in SENDERS.items():
                wanted = expected(kind, who, state)
                if wanted != "accepted":
                    response = await service.post(code, kind, case_id=case_id, **fields)
                    assert response.json().get("code") == wanted, f"{kind} of {who}: {response.text}"


async def test_a_check_says_what_would_be_answered_and_changes_nothing(service: Service) -> None:
    order = {
        "type": "5_IVER",
        "message_id": "0197a1b2-0000-4000-8000-00000000000a",
        "sender": "TELIA",
        "main_number": NUMBER,
        "donor": "0",
        "porting_time": AT,
        "target_number": "22000001",
        "right_holder": BANK,
    }
    async with service.unchanged():
        found = (await service.send("POST", "/messages/check", "TELIA", order)).json()
        assert (found["status"], found["answer"]["case"]["case_id"]) == (201, None)
        found = (await service.send("POST", "/messages/check", "TELIA", {**order, "donor": "LYSE"})).json()
        assert (found["status"], found["answer"]["code"]) == (409, "donor-must-be-nkom")
        found = (await service.send("POST", "/messages/check", "TELIA", {**order, "donor": None})).json()
        assert (found["status"], found["answer"]["code"]) == (422, "invalid-message")
    accepted = await service.send("POST", "/messages", "TELIA", order)
    again = (await service.send("POST", "/messages/check", "TELIA", order)).json()
    assert again == {"status": 200, "answer": accepted.json()}
