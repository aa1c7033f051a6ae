"""`nrdb follow` as a program, against a scripted service on a real socket."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from tests.support.receivers import Receiver, answer, receiver, says

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: connected\n"
ITEM = {"seq": 7, "at": "2026-11-23T07:00:00Z", "to": "TELIA", "message": {"type": "NP_NEW", "more": "æ\u2028"}}
EVENT = f"id: 7\nevent: NP_NEW\ndata: {json.dumps(ITEM, ensure_ascii=False)}\n\n".encode()
REVOKED = answer(401, "Content-Type: application/json", body=b'{"code": "unauthenticated", "detail": "No such key."}')


async def follow(server: Receiver, *arguments: str, key: str = "key") -> tuple[int | None, list[str], list[str]]:
    """The exit code and what stands on the two outputs."""
    where = {**os.environ, "NRDB_URL": f"http://127.0.0.1:{server.port}", "NRDB_KEY": key, "NO_PROXY": "127.0.0.1"}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nrdb", "follow", *arguments,
        env=where, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await running.communicate()
    return running.returncode, out.decode().split("\n")[:-1], err.decode().split("\n")[:-1]


async def test_each_change_is_said_once_and_items_are_as_on_the_wire(tmp_path: Path) -> None:
    place = tmp_path / "place"
    async with receiver([answer(503), says(HEAD + EVENT), REVOKED]) as server:
        code, out, err = await follow(server, "--after", "6", "--cursor", str(place), "--json")
        assert (code, [json.loads(line) for line in out]) == (1, [ITEM])
        assert err == [
            "-- the service is away (status 503); trying on",
            "-- following, by stream",
            "-- the service is away (the stream has ended); trying on",
            "nrdb follow: unauthenticated: No such key.",
        ]
        await follow(server, "--cursor", str(place))
    assert place.read_text() == "7\n"
    assert [request.line.split()[1] for request in server.received][-1] == "/v1/inbox/stream?after=7"


async def test_by_asking_it_says_why() -> None:
    page = json.dumps({"items": [ITEM], "next": 7}).encode()
    asked = answer(200, "Content-Type: application/json", body=page)
    async with receiver([answer(404, body=b"<html>"), asked, REVOKED]) as server:
        _, out, err = await follow(server, "--after", "0")
    assert out == ["       7  2026-11-23 07:00:00Z  NP_NEW  from None"]
    assert err[0] == "-- following, by asking: status 404, and nothing that an nrdb would say"


@pytest.mark.parametrize("place", [".", "nowhere/place"])
async def test_a_place_that_cannot_be_kept_is_one_line(tmp_path: Path, place: str) -> None:
    async with receiver([says(HEAD + EVENT, close=False)]) as server:
        code, _, err = await follow(server, "--after", "0", "--cursor", str(tmp_path / place))
    assert code == 1
    assert err[-1].startswith("nrdb follow: [Errno")
    assert not any("Traceback" in line for line in err)


async def test_a_key_that_is_none_is_told_and_not_shown() -> None:
    async with receiver([REVOKED]) as server:
        code, out, err = await follow(server, "--after", "0", key="se cret")
    assert (code, out, err) == (1, [], ["nrdb follow: the key is one word of letters, digits and signs"])
    assert not server.received
