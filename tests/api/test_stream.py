"""The inbox as server-sent events, read by clients that are not ours (contract section 4)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx_sse
import pytest
import sseclient
from tests.support.service import Service, local

from nrdb.api import inbox, stream
from nrdb.delivery.inbox import Page
from nrdb.delivery.tail import Follower


@asynccontextmanager
async def events(service: Service, who: str, **asked: Any) -> AsyncIterator[AsyncIterator[httpx_sse.ServerSentEvent]]:
    headers = {"Authorization": f"Bearer {service.keys[who]}", **asked.pop("headers", {})}
    async with httpx_sse.aconnect_sse(
        service.client, "GET", f"{service.address}/v1/inbox/stream", params=asked, headers=headers
    ) as source:
        source.response.raise_for_status()
        yield source.aiter_sse()


async def take(found: AsyncIterator[httpx_sse.ServerSentEvent], count: int) -> list[httpx_sse.ServerSentEvent]:
    async with asyncio.timeout(10):
        return [await anext(found) for _ in range(count)]


async def test_a_stream_gives_what_a_poll_gives(service: Service) -> None:
    """The same items in the same order: those that were there, and those that come."""
    for n in range(3):
        await service.ordered(main_number=f"9001234{n}")
    async with events(service, "TELENOR") as found:
        seen = await take(found, 3)
        for n in range(3, 6):
            await service.ordered(main_number=f"9001234{n}")
        seen += await take(found, 3)
    polled = await service.inbox("TELENOR")
    assert [json.loads(event.data) for event in seen] == polled
    assert [(event.id, event.event) for event in seen] == [(str(item["seq"]), "NP_BEST") for item in polled]
    assert polled[0]["message"]["customer"]["name"] == "Kari Nordmann"


async def test_a_stream_goes_on_from_where_it_was(service: Service) -> None:
    for n in range(4):
        await service.ordered(main_number=f"9001234{n}")
    seqs = [item["seq"] for item in await service.inbox("TELENOR")]
    async with events(service, "TELENOR", after=seqs[0]) as found:
        assert [int(event.id) for event in await take(found, 3)] == seqs[1:]
    # The header is newer than the address, which a browser keeps when it connects again.
    async with events(service, "TELENOR", after=0, headers={"Last-Event-ID": str(seqs[2])}) as found:
        assert [int(event.id) for event in await take(found, 1)] == seqs[3:]
    await service.send("POST", "/inbox/ack", "TELENOR", {"through": seqs[1]})
    async with events(service, "TELENOR") as found:
        assert [int(event.id) for event in await take(found, 2)] == seqs[2:]


async def test_only_the_types_that_were_asked_for(service: Service) -> None:
    await service.case_in("scheduled")
    async with events(service, "TELENOR", type="NP_IVER") as found:
        assert [event.event for event in await take(found, 1)] == ["NP_IVER"]
        case_id = await service.ordered(main_number="90012399")
        await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
        await service.accepted("TELIA", "NP_IVER", case_id=case_id)
        (event,) = await take(found, 1)
    assert (event.event, json.loads(event.data)["message"]["case_id"]) == ("NP_IVER", case_id)


async def test_an_operator_reads_without_personal_data(service: Service) -> None:
    await service.ordered()
    async with events(service, "OPERATOR", code="TELENOR", after=0) as found:
        (event,) = await take(found, 1)
    assert json.loads(event.data)["message"]["customer"] is None
    assert "Nordmann" not in event.data


@pytest.mark.parametrize("header", ["x", "-1", "1.5", "9" * 20])
async def test_a_position_that_is_none(service: Service, header: str) -> None:
    headers = {"Authorization": f"Bearer {service.keys['TELENOR']}", "Last-Event-ID": header}
    response = await service.client.get("/v1/inbox/stream", headers=headers)
    service.refused(response, "invalid-message", status=422)


async def test_signs_that_end_lines_elsewhere(service: Service) -> None:
    """A name may hold what some readers take for the end of a line; every event is whole all the same."""
    name = "Kari\u2028Nordmann\u2029x"
    await service.ordered(customer={"name": name, "birth_date": "1980-01-31"})

    def read() -> Any:
        headers = {"Authorization": f"Bearer {service.keys['TELENOR']}"}
        with httpx.stream("GET", f"{service.address}/v1/inbox/stream", headers=headers, trust_env=False) as response:
            return next(iter(sseclient.SSEClient(response.iter_bytes()).events()))

    event = await asyncio.to_thread(read)
    assert json.loads(event.data)["message"]["customer"]["name"] == name
    assert (await service.inbox("TELENOR"))[0]["message"]["customer"]["name"] == name


async def test_a_comment_comes_when_nothing_else_does(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stream.HEARTBEAT < 15
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    headers = {"Authorization": f"Bearer {service.keys['LYSE']}"}
    async with service.client.stream("GET", "/v1/inbox/stream", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        read = b""
        async with asyncio.timeout(10):
            async for piece in response.aiter_bytes():
                read += piece
                if read.count(b"\n:\n") >= 1:
                    break
    assert read.startswith(b": connected\n")
    assert b"\n\n" not in read


async def test_a_stream_ends_with_its_key(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    monkeypatch.setattr(stream, "CONFIRMED", 0.0)
    headers = {"Authorization": f"Bearer {service.keys['LYSE']}"}
    keys = await service.read("/admin/keys", "ADMIN", limit=1000)
    (key_id,) = [key["key_id"] for key in keys["items"] if key["codes"] == ["LYSE"]]
    async with service.client.stream("GET", "/v1/inbox/stream", headers=headers) as response:
        pieces = response.aiter_bytes()
        await anext(pieces)
        assert (await service.send("DELETE", f"/admin/keys/{key_id}", "ADMIN", None)).status_code == 204
        async with asyncio.timeout(10):
            assert not [piece async for piece in pieces if b"data" in piece]


async def test_items_go_after_their_time_and_readers_are_told(service: Service) -> None:
    """After 400 days what is acknowledged goes; an older position is 410, and a stream says where it goes on."""
    for n in range(3):
        await service.ordered(main_number=f"9001234{n}")
    first = [item["seq"] for item in await service.inbox("TELENOR")]
    await service.send("POST", "/inbox/ack", "TELENOR", {"through": first[1]})
    await service.clock(local("2027-12-28 07:59"))
    assert [item["seq"] for item in await service.inbox("TELENOR")][:3] == first
    await service.clock(local("2027-12-28 08:01"))
    response = await service.get("/inbox", "TELENOR", after=first[0])
    facts = service.refused(response, "position-gone", status=410)
    assert facts == {"oldest": first[2], "after": first[1], "requested": first[0]}
    # What is not acknowledged stays, and so does the message itself.
    page = await service.read("/inbox", "TELENOR")
    assert page["items"][0]["seq"] == first[2]
    page = await service.read("/inbox", "TELENOR", **{"from": "2026-01-01T00:00:00Z"})
    assert page["items"][0]["seq"] == first[2]
    response = await service.get("/inbox", "TELENOR", after=0, type="NP_BEST")
    service.refused(response, "position-gone", status=410)
    response = await service.get("/inbox", "TELENOR", after=0, wait=5)
    service.refused(response, "position-gone", status=410)
    async with events(service, "TELENOR", after=0) as found:
        reset, item = await take(found, 2)
    assert (reset.event, reset.id) == ("stream-reset", str(first[1]))
    assert json.loads(reset.data) == {"requested": 0, "oldest": first[2]}
    assert (item.event, item.id) == ("NP_BEST", str(first[2]))


async def test_all_that_was_acknowledged_is_gone(service: Service) -> None:
    await service.ordered()
    await service.clock(local("2026-11-23 10:00"))
    newest = (await service.read("/inbox/status", "TELENOR"))["newest"]
    await service.send("POST", "/inbox/ack", "TELENOR", {"through": newest})
    await service.clock(local("2028-06-01 08:00"))
    status = await service.read("/inbox/status", "TELENOR")
    assert (status["acknowledged"], status["newest"], status["unacknowledged"]) == (newest, newest, 0)
    assert (await service.read("/inbox", "TELENOR")) == {"items": [], "next": newest}
    response = await service.get("/inbox", "TELENOR", after=newest - 1)
    facts = service.refused(response, "position-gone", status=410)
    assert (await service.read("/inbox", "TELENOR", after=facts["after"]))["items"] == []
    await service.ordered(main_number="90012399", porting_time="2028-06-02T10:00:00+02:00")
    assert len(await service.inbox("TELENOR", after=facts["after"])) == 1


async def test_a_position_that_has_never_been_given(service: Service) -> None:
    """After a restore, or with the place of another clearinghouse: nobody follows in silence and misses everything."""
    await service.ordered()
    (item,) = await service.inbox("TELENOR")
    given = await service.db.fetchval("SELECT last_value FROM inbox_seq")
    assert (await service.read("/inbox", "TELENOR", after=given)) == {"items": [], "next": given}
    asked: tuple[dict[str, Any], ...] = ({}, {"wait": 5}, {"type": "NP_BEST"}, {"from_": "2026-01-01T00:00:00Z"})
    for more in asked:
        response = await service.get("/inbox", "TELENOR", after=given + 1, **more)
        facts = service.refused(response, "position-gone", status=410)
        assert facts == {"oldest": item["seq"], "after": 0, "requested": given + 1}
    async with events(service, "TELENOR", after=2**63 - 1) as found:
        reset, first = await take(found, 2)
    assert (reset.event, json.loads(reset.data)["oldest"]) == ("stream-reset", item["seq"])
    assert json.loads(first.data) == item


async def test_a_type_that_does_not_exist(service: Service) -> None:
    for path in ("/inbox", "/inbox/stream"):
        service.refused(await service.get(path, "TELENOR", type="NP_BESTT"), "invalid-message", status=422)


async def test_whoever_has_waited_long_shows_the_key_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is told on the word of a key that has been revoked meanwhile."""
    waits = asyncio.Event()

    class Noted(Follower):
        async def next(self, limit: int, seconds: float) -> Page:
            waits.set()
            return await super().next(limit, seconds)

    monkeypatch.setattr(inbox, "CONFIRMED", 0.0)
    monkeypatch.setattr(inbox, "Follower", Noted)
    keys = await service.read("/admin/keys", "ADMIN", limit=1000)
    (key_id,) = [key["key_id"] for key in keys["items"] if key["codes"] == ["TELENOR"]]
    waiting = asyncio.create_task(service.get("/inbox", "TELENOR", wait=20))
    async with asyncio.timeout(10):
        await waits.wait()
    assert (await service.send("DELETE", f"/admin/keys/{key_id}", "ADMIN", None)).status_code == 204
    await service.ordered()
    assert (await waiting).status_code == 401


async def test_large_orders_make_short_pages(service: Service) -> None:
    """A page of many large orders ends early, and the next one goes on from there."""
    numbers = [str(number) for number in range(90020000, 90034000)]
    for n in range(8):
        await service.ordered(
            number_type="T", main_number=f"9001234{n}",
            additional_numbers=numbers[n::8] , porting_time="2026-11-24T10:00:00+01:00",
        )  # fmt: skip
    assert len(await service.inbox("TELENOR", limit=1000)) == 8
