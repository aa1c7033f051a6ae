"""The inbox: order, position, acknowledgement, filters, waiting, and what an item carries (contract section 4)."""

import asyncio
from typing import Any

from tests.support.service import Service, local

CASE_FIELDS = {
    "kind", "state", "recipient", "donor", "range_holders", "number_type", "main_number", "numbers", "porting_time",
    "network", "routing_number", "target_number",
}  # fmt: skip


async def test_an_item_carries_what_a_network_needs(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    await service.clock(local("2026-11-23 10:00"))
    (item,) = await service.inbox("DSB")
    message, case = item["message"], item["message"]["case"]
    assert item.keys() >= {"seq", "at", "to", "message"}
    assert (item["to"], item["at"], message["received_at"]) == ("DSB", "2026-11-23T07:00:00Z", "2026-11-23T07:00:00Z")
    assert (message["type"], message["sender"], message["case_id"]) == ("NP_IVER", "TELIA", case_id)
    assert case.keys() >= CASE_FIELDS
    # As this message left it, not as it is now.
    assert (case["state"], case["kind"], case["network"]) == ("scheduled", "porting", "TELIA")
    assert (case["routing_number"], case["target_number"]) == ("+47990010", None)
    assert case["numbers"] == [{"first": "90012345", "last": "90012345"}]
    assert (case["recipient"], case["donor"], case["range_holders"]) == ("TELIA", "TELENOR", ["TELENOR"])


async def test_who_is_told_what(service: Service) -> None:
    case_id = await service.case_in("scheduled")
    expected = (await service.case(case_id))["completion"]["expected"]
    terminating = {
        provider["code"]
        for provider in (await service.read("/providers", limit=1000))["items"]
        if provider["terminating"] and provider["active"]
    }
    assert set(expected) == (terminating | {"TELENOR"}) - {"TELIA"}
    assert len(expected) == len(set(expected))
    for code in (await service.read("/providers", limit=1000))["items"]:
        if code["code"] == "0":
            continue
        types = await service.inbox_types(code["code"])
        assert types.count("NP_IVER") == (code["code"] in expected), code["code"]
    assert await service.inbox_types("TELENOR") == ["NP_BEST", "NP_IVER"]
    assert await service.inbox_types("TELIA") == ["NP_GODK"]
    await service.accepted("LYSE", "NP_FIVE", case_id=case_id, comment="x")
    assert await service.inbox_types("TELIA") == ["NP_GODK", "NP_FIVE"]
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    for code in expected:
        assert (await service.inbox_types(code))[-1] == "NP_ANNU"
    assert await service.inbox_types("TELIA") == ["NP_GODK", "NP_FIVE"]


async def test_positions_pages_and_acknowledgement(service: Service) -> None:
    for n in range(7):
        await service.ordered(main_number=f"9001234{n}")
    seen: list[dict[str, Any]] = []
    after = 0
    for size in (3, 3, 1, 0):
        page = await service.read("/inbox", "TELENOR", after=after, limit=3)
        assert len(page["items"]) == size
        assert page["next"] == (page["items"][-1]["seq"] if page["items"] else after)
        after = page["next"]
        seen += page["items"]
    seqs = [item["seq"] for item in seen]
    assert seqs == sorted(set(seqs))
    assert [item["message"]["case"]["main_number"] for item in seen] == [f"9001234{n}" for n in range(7)]

    status = await service.read("/inbox/status", "TELENOR")
    assert status == {"acknowledged": 0, "newest": seqs[-1], "unacknowledged": 7,
                      "oldest_unacknowledged_at": "2026-11-23T07:00:00Z", "webhook": None}  # fmt: skip
    response = await service.send("POST", "/inbox/ack", "TELENOR", {"through": seqs[2]})
    assert (response.status_code, response.json()["acknowledged"]) == (200, seqs[2])
    assert response.json()["unacknowledged"] == 4
    # Without a position, from the acknowledged one.
    page = await service.read("/inbox", "TELENOR")
    assert [item["seq"] for item in page["items"]] == seqs[3:]
    # Lower than acknowledged changes nothing.
    response = await service.send("POST", "/inbox/ack", "TELENOR", {"through": seqs[0]})
    assert (response.status_code, response.json()["acknowledged"]) == (200, seqs[2])
    # Beyond the newest is an error, and changes nothing.
    async with service.unchanged():
        response = await service.send("POST", "/inbox/ack", "TELENOR", {"through": seqs[-1] + 1})
    service.refused(response, "invalid-message")
    assert response.json()["errors"][0]["pointer"] == "/through"
    response = await service.send("POST", "/inbox/ack", "TELENOR", {"through": seqs[-1]})
    assert response.json() == {"acknowledged": seqs[-1], "newest": seqs[-1], "unacknowledged": 0,
                               "oldest_unacknowledged_at": None, "webhook": None}  # fmt: skip
    # Acknowledged items can still be read.
    assert len(await service.inbox("TELENOR")) == 7


async def test_an_empty_inbox(service: Service) -> None:
    assert await service.read("/inbox", "CHILI") == {"items": [], "next": 0}
    status = await service.read("/inbox/status", "CHILI")
    assert (status["unacknowledged"], status["oldest_unacknowledged_at"]) == (0, None)
    response = await service.send("POST", "/inbox/ack", "CHILI", {"through": 0})
    assert response.status_code == 200


async def test_filters_move_the_position_past_what_they_leave_out(service: Service) -> None:
    first = await service.ordered()
    await service.accepted("TELIA", "NP_ANNU", case_id=first)
    await service.clock(minutes=10)
    await service.ordered(main_number="90012346")
    everything = await service.inbox("TELENOR")
    page = await service.read("/inbox", "TELENOR", after=0, type="NP_ANNU")
    assert [item["message"]["type"] for item in page["items"]] == ["NP_ANNU"]
    assert page["next"] == everything[-1]["seq"]
    page = await service.read("/inbox", "TELENOR", after=0, type="NP_FERD")
    assert page == {"items": [], "next": everything[-1]["seq"]}
    page = await service.read("/inbox", "TELENOR", after=0, from_="2026-11-23T08:10:00+01:00")
    assert [item["seq"] for item in page["items"]] == [everything[-1]["seq"]]
    page = await service.read("/inbox", "TELENOR", after=0, from_="2026-11-23T08:10:01+01:00")
    assert page["items"] == []
    # A filter with a limit must not skip what it has not looked at.
    page = await service.read("/inbox", "TELENOR", after=0, type="NP_BEST", limit=1)
    assert [item["seq"] for item in page["items"]] == [everything[0]["seq"]]
    page = await service.read("/inbox", "TELENOR", after=page["next"], type="NP_BEST", limit=1)
    assert [item["seq"] for item in page["items"]] == [everything[-1]["seq"]]


async def test_waiting_ends_with_the_first_item_or_the_time(service: Service) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await service.read("/inbox", "TELENOR", wait=0.4))["items"] == []
    assert 0.35 < loop.time() - began < 3
    waiting = asyncio.create_task(service.read("/inbox", "TELENOR", wait=20))
    await asyncio.sleep(0.05)
    began = loop.time()
    await service.ordered()
    page = await waiting
    assert [item["message"]["type"] for item in page["items"]] == ["NP_BEST"]
    assert loop.time() - began < 2


async def test_many_waiting_readers_do_not_hinder_senders(service: Service) -> None:
    """More readers wait than there are connections to the database."""
    waiting = [asyncio.create_task(service.read("/inbox", "LYSE", wait=20)) for _ in range(40)]
    await asyncio.sleep(0.05)
    began = asyncio.get_running_loop().time()
    await service.case_in("scheduled")
    pages = await asyncio.gather(*waiting)
    assert asyncio.get_running_loop().time() - began < 5
    assert all([item["message"]["type"] for item in page["items"]] == ["NP_IVER"] for page in pages)


async def test_a_key_of_two_codes_says_which(service: Service) -> None:
    form = {"role": "provider", "codes": ["TELIA", "TELENOR"], "label": "both"}
    service.keys["BOTH"] = (await service.admin("POST", "/keys", form))["key"]
    await service.ordered()
    for path in ("/inbox", "/inbox/status"):
        response = await service.get(path, "BOTH")
        service.refused(response, "invalid-message")
        assert response.json()["errors"][0]["pointer"] == "/code"
    assert len((await service.read("/inbox", "BOTH", code="TELENOR"))["items"]) == 1
    assert (await service.read("/inbox", "BOTH", code="TELIA"))["items"] == []
    service.refused(await service.get("/inbox", "BOTH", code="LYSE"), "sender-not-yours")
    # The keys of a code share its position.
    seq = (await service.read("/inbox", "BOTH", code="TELENOR"))["next"]
    response = await service.send("POST", "/inbox/ack?code=TELENOR", "BOTH", {"through": seq})
    assert response.status_code == 200
    assert (await service.read("/inbox", "TELENOR"))["items"] == []
    del service.keys["BOTH"]


async def test_wrong_parameters(service: Service) -> None:
    for wrong in ({"limit": 0}, {"limit": 1001}, {"wait": 31}, {"wait": -1}, {"after": -1}, {"after": "x"},
                  {"from_": "2026-11-23T08:10:00"}, {"after": 2**63}):  # fmt: skip
        service.refused(await service.get("/inbox", "TELENOR", **wrong), "invalid-message")


async def test_notices(service: Service) -> None:
    obsolete = await service.ordered(main_number="90012346")
    completed = await service.case_in("completed")
    for code in ("TELIA", "TELENOR"):
        notices = [i["message"] for i in await service.inbox(code) if i["message"]["type"] == "NOTICE"]
        assert [(n["notice"], n["case_id"], n["sender"]) for n in notices] == [
            ("obsolete", obsolete, "NRDB"), ("completed", completed, "NRDB"),
        ]  # fmt: skip
        assert notices[0]["received_at"] == "2026-11-23T09:00:00Z"
        assert notices[0]["case"]["state"] == "obsolete"
        again = await service.read(f"/messages/{notices[0]['message_id']}", code)
        assert again["notice"] == "obsolete"
    assert "NOTICE completed" not in await service.inbox_types("LYSE")
