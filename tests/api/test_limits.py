"""How much one key may ask, and how many streams a code may have open (429 with Retry-After)."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from tests.support.service import Service, order_fields

from nrdb.api import guard, limits
from nrdb.api.limits import BURST_SECONDS, RequestLimits, StreamSlots
from nrdb.errors import Code, Problem
from nrdb.providers.keys import Caller


async def key_of(service: Service, code: str) -> str:
    keys = await service.read("/admin/keys", "ADMIN", limit=1000)
    (key_id,) = [key["key_id"] for key in keys["items"] if key["codes"] == [code]]
    return str(key_id)


async def limit(service: Service, code: str, **wanted: Any) -> dict[str, Any]:
    form = {"requests_per_second": None, "streams": None, "reason": "a test", **wanted}
    found: dict[str, Any] = await service.admin("PUT", f"/keys/{await key_of(service, code)}/limits", form)
    return found


async def test_a_key_asks_too_much_and_others_do_not_notice(service: Service) -> None:
    shown = await limit(service, "TELIA", requests_per_second=2)
    assert (shown["requests_per_second"], shown["streams"]) == (2, None)
    answers = [await service.get("/me", "TELIA") for _ in range(2 * BURST_SECONDS + 3)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers[: 2 * BURST_SECONDS]] == [200] * 2 * BURST_SECONDS
    assert refused
    assert service.refused(refused[0], "too-many-requests", status=429) == {"requests_per_second": 2}
    assert refused[0].headers["retry-after"] == "1"
    for _ in range(10):
        assert (await service.get("/me", "TELENOR")).status_code == 200
    # Whoever waits as told is let in.
    await asyncio.sleep(int(refused[0].headers["retry-after"]))
    assert (await service.get("/me", "TELIA")).json()["limits"] == {"requests_per_second": 2, "streams": 20}


async def test_messages_count_too(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have a way of their own through the service; a limit holds there after some seconds."""
    monkeypatch.setattr(guard, "KNOWN_SECONDS", 0.0)
    await service.ordered(main_number="90012340")
    await limit(service, "TELIA", requests_per_second=1)
    answers = [await service.order(main_number=f"9001235{n}") for n in range(5)]
    assert [answer.status_code for answer in answers][:2] == [201, 201]
    late = next(answer for answer in answers if answer.status_code != 201)
    service.refused(late, "too-many-requests", status=429)
    cases = (await service.read("/cases"))["items"]
    assert len(cases) == 1 + sum(answer.status_code == 201 for answer in answers)


async def test_a_batch_is_one_request(service: Service) -> None:
    await limit(service, "TELIA", requests_per_second=1)
    orders = [order_fields(main_number=f"900123{n}") for n in range(10, 20)]
    common = {"type": "NP_BEST", "sender": "TELIA"}
    content = "\n".join(json.dumps({**common, "message_id": str(uuid4()), **order}) for order in orders)
    headers = {**service.headers("TELIA"), "Content-Type": "application/x-ndjson"}
    answer = await service.client.post("/v1/messages/batch", content=content, headers=headers)
    assert answer.text.count('"status":201') == 10


async def test_limits_are_audited_and_taken_back(service: Service) -> None:
    await limit(service, "TELIA", requests_per_second=7, streams=3)
    shown = await limit(service, "TELIA")
    assert (shown["requests_per_second"], shown["streams"]) == (None, None)
    assert (await service.read("/me", "TELIA"))["limits"] == {"requests_per_second": 1000, "streams": 20}
    lines = (await service.read("/audit", "ADMIN", action="key-limited"))["items"]
    assert [line["after"]["requests_per_second"] for line in lines] == [7, None]
    assert lines[0]["reason"] == "a test"
    for wrong in ({"requests_per_second": 0}, {"streams": -1}, {"streams": "many"}, {"reason": ""}, {"else": 1}):
        form = {"requests_per_second": None, "streams": None, "reason": "x", **wrong}
        path = f"/admin/keys/{await key_of(service, 'TELIA')}/limits"
        service.refused(await service.send("PUT", path, "ADMIN", form), "invalid-message", status=422)
    form = {"requests_per_second": 1, "streams": 1, "reason": "x"}
    response = await service.send("PUT", f"/admin/keys/{uuid4()}/limits", "ADMIN", form)
    service.refused(response, "not-found", status=404)
    response = await service.send("PUT", path, "TELIA", form)
    service.refused(response, "role-not-permitted-here", status=403)


async def test_a_code_has_so_many_streams(service: Service) -> None:
    """Streams of others and everything else go on; a slot is free as soon as a stream is closed."""
    await limit(service, "LYSE", streams=2)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(AsyncExitStack())
        for place in range(2):
            headers = service.headers("LYSE")
            opened = await (first if place else stack).enter_async_context(
                service.client.stream("GET", "/v1/inbox/stream", headers=headers)
            )
            assert opened.status_code == 200
        refused = await service.get("/inbox/stream", "LYSE")
        assert service.refused(refused, "too-many-streams", status=429) == {"code": "LYSE", "streams": 2}
        assert int(refused.headers["retry-after"]) > 0
        assert (await service.get("/inbox", "LYSE")).status_code == 200
        async with service.client.stream("GET", "/v1/inbox/stream", headers=service.headers("TELIA")) as other:
            assert other.status_code == 200
        await first.aclose()
        async with asyncio.timeout(10):
            while True:
                async with service.client.stream("GET", "/v1/inbox/stream", headers=service.headers("LYSE")) as again:
                    if again.status_code == 200:
                        break


async def test_an_operator_takes_no_place_of_a_provider(service: Service) -> None:
    await limit(service, "LYSE", streams=1)
    async with AsyncExitStack() as stack:
        for who in ("OPERATOR", "OPERATOR", "LYSE"):
            opened = await stack.enter_async_context(
                service.client.stream("GET", "/v1/inbox/stream?code=LYSE", headers=service.headers(who))
            )
            assert opened.status_code == 200


def caller(rate: int | None = None, streams: int | None = None) -> Caller:
    return Caller(uuid4(), "provider", ("TELIA",), "test", None, rate, streams)


def test_a_bucket_fills_at_the_rate_of_its_key() -> None:
    found, key = RequestLimits(5), caller()
    for _ in range(5 * BURST_SECONDS):
        found.take(key, 100.0)
    with pytest.raises(Problem) as refused:
        found.take(key, 100.0)
    assert (refused.value.code, refused.value.headers["Retry-After"]) == (Code.TOO_MANY_REQUESTS, "1")
    with pytest.raises(Problem):
        found.take(key, 100.19)
    found.take(key, 100.2)
    with pytest.raises(Problem):
        found.take(key, 100.2)
    # However long it is still, no more than the burst.
    for _ in range(5 * BURST_SECONDS):
        found.take(key, 1e6)
    with pytest.raises(Problem):
        found.take(key, 1e6)
    found.take(caller(), 100.0)


def test_keys_that_are_still_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_REMEMBERED", 10)
    found, busy = RequestLimits(1), caller()
    for second in range(100):
        found.take(caller(), float(second))
        assert len(found._buckets) <= 10
    for _ in range(2):
        found.take(busy, 100.0)
    for _ in range(20):
        found.take(caller(), 100.0)
    with pytest.raises(Problem):
        found.take(busy, 100.5)


def test_slots_come_back_whatever_happens() -> None:
    slots, key = StreamSlots(1), caller()
    for _ in range(3):
        with pytest.raises(KeyError), slots.one(key, "TELIA"):
            raise KeyError
    with slots.one(key, "TELIA"):
        with pytest.raises(Problem), slots.one(key, "TELIA"):
            pass
        with slots.one(caller(streams=2), "TELIA"):
            pass
