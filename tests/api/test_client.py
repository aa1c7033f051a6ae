"""The client and `nrdb follow` against the real service."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.support.nginx import free_port
from tests.support.processes import environment, process, until
from tests.support.service import KARI, Service, eventually, order_fields

from nrdb.client import Client, InvalidMessageError, Item, NotPermittedError, RefusedError
from nrdb.watching import line


def client_of(service: Service, code: str) -> Client:
    return Client(service.address, service.keys[code], code=code, http=httpx.AsyncClient(trust_env=False, timeout=20))


async def test_a_porting_by_two_clients(service: Service) -> None:
    """From the order to the end; every item is handled once and acknowledged."""
    handled: list[tuple[str, int]] = []

    async def approve(item: Item) -> None:
        handled.append((item.type, item.seq))
        if item.type == "NP_BEST":
            await telenor.send({"type": "NP_GODK", "case_id": str(item.case_id), "answers": item.message_id})

    async with client_of(service, "TELIA") as telia, client_of(service, "TELENOR") as telenor:
        following = asyncio.create_task(telenor.follow(approve))
        ordered = await telia.send({"type": "NP_BEST", **order_fields()})
        assert not ordered.replayed
        async for item in telia.items():
            assert (item.type, item.case_id, item.case["state"]) == ("NP_GODK", ordered.case_id, "awaiting_recipient")
            break
        executed = await telia.send({"type": "NP_IVER", "case_id": ordered.case_id})
        assert executed.case["state"] == "scheduled"

        async def acknowledged() -> bool:
            return len(handled) == 2 and (await telenor.status())["acknowledged"] == handled[-1][1]

        await eventually(acknowledged)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        assert [kind for kind, _ in handled] == ["NP_BEST", "NP_IVER"]
        assert (await telia.case(ordered.case_id))["state"] == "scheduled"
        assert [case["case_id"] async for case in telia.cases(number="90012345", limit=1)] == [ordered.case_id]
        assert (await telenor.message(executed.message_id))["type"] == "NP_IVER"
        assert (await telia.check({"type": "NP_ANNU", "case_id": ordered.case_id}))["status"] == 201


async def test_refusals_have_their_facts(service: Service) -> None:
    async with client_of(service, "TELIA") as telia:
        with pytest.raises(RefusedError) as refused:
            await telia.send({"type": "NP_BEST", **order_fields(porting_time="2026-11-23T08:01:00+01:00")})
        assert (refused.value.code, refused.value.rule) == ("porting-time-too-early", "T9")
        assert refused.value.facts["earliest"] == "2026-11-23T07:35:00Z"
        with pytest.raises(RefusedError, match="unknown-case"):
            await telia.case("nowhere")
        with pytest.raises(InvalidMessageError) as invalid:
            await telia.send({"type": "NP_BEST", "customer": KARI})
        assert any(error["pointer"] == "/donor" for error in invalid.value.errors)
        with pytest.raises(NotPermittedError):
            await telia.send({"type": "NP_BEST", **order_fields(), "sender": "TELENOR"})


async def test_follow_survives_a_kill_before_your_eyes(tmp_path: Path) -> None:
    """`nrdb follow` goes on where it was when the service is killed and started again."""
    port = str(free_port())
    with process(tmp_path / "data", "serve", NRDB_PORT=port) as first:
        first.await_address()
        keys = first.keys()
        where = {**environment(tmp_path), "NRDB_URL": first.address, "NRDB_KEY": keys["TELENOR"]}
        command = [sys.executable, "-m", "nrdb", "follow", "--code", "TELENOR", "--json"]
        followed, told = tmp_path / "followed", tmp_path / "told"
        with followed.open("wb") as out, told.open("wb") as err:
            watching = subprocess.Popen(command, env=where, stdout=out, stderr=err)  # noqa: ASYNC220

        def seen() -> list[int]:
            return [json.loads(found)["seq"] for found in followed.read_text().splitlines()]

        async def order(number: str) -> None:
            async with Client(first.address, keys["TELIA"], code="TELIA") as telia:
                await telia.send({"type": "NP_BEST", **order_fields(main_number=number)})

        await order("90012340")
        await asyncio.to_thread(until, lambda: len(seen()) == 1, 20)
        first.popen.send_signal(signal.SIGKILL)
        first.popen.wait()
        await asyncio.to_thread(until, lambda: "away" in told.read_text(), 20)
    with process(tmp_path / "data", "serve", NRDB_PORT=port) as second:
        second.await_address()
        await order("90012341")
        await asyncio.to_thread(until, lambda: len(seen()) == 2, 40)
        assert told.read_text().splitlines()[-1] == "-- following, by stream"
        os.kill(watching.pid, signal.SIGINT)
        assert watching.wait(10) == 0
    assert seen() == sorted(set(seen()))


def test_a_line_for_the_eye() -> None:
    numbers = [{"first": f"9001234{n}", "last": f"9001234{n}"} for n in range(4)]
    case = {"state": "scheduled", "recipient": "TELIA", "donor": "TELENOR", "numbers": numbers}
    message = {"type": "NP_IVER", "sender": "TELIA", "case_id": "c", "case": case}
    item = Item.from_json({"seq": 7, "at": "2026-11-23T07:00:00Z", "to": "LYSE", "message": message})
    assert line(item) == (
        "       7  2026-11-23 07:00:00Z  NP_IVER  from TELIA  90012340,90012341,90012342 and 1 more"
        "  TELIA <- TELENOR  scheduled  c"
    )
