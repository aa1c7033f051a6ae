"""Readers that do not read, and readers that are too many: accepting goes on, and so do all the others."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest
from tests.support.cluster import chance, cluster
from tests.support.processes import bearer
from tests.support.reckoning import under_load
from tests.support.server import Databases
from tests.support.service import Service, eventually, new_client

from nrdb import listening

#: The code of those who behave badly: a network, so that each execution is sent to it.
RUDE = "COM4"
#: Streams that the code may have.
STREAMS = 20
#: An item that is as large as a message may be.
_LARGE = """
WITH line AS (
    INSERT INTO message_log (id, at, type, sender, message_id, body)
    VALUES (nextval('message_log_id_seq'), nrdb_now(), 'NOTICE', 'NRDB', $1, json_build_object('fill', $2::text))
    RETURNING id)
INSERT INTO inbox (to_code, log_id) SELECT $3, id FROM line
"""


@asynccontextmanager
async def deaf(address: str, key: str, path: str) -> AsyncIterator[socket.socket]:
    """A reader who asks, and then reads nothing of the answer."""
    url = urlsplit(address)
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        found.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(found, (url.hostname, url.port))
        await loop.sock_sendall(
            found, f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
        )
        # The first byte of the answer says that it has begun; then nothing is read any more.
        await loop.sock_recv(found, 1)
        yield found


async def attempt(stack: AsyncExitStack, client: httpx.AsyncClient, address: str, key: str) -> httpx.Response:
    """One more stream, which stays open where it may."""
    return await stack.enter_async_context(client.stream("GET", f"{address}/v1/inbox/stream", headers=bearer(key)))


async def fill(connection: asyncpg.Connection) -> None:
    """More for the rude code than any buffer between it and the service holds."""
    for _ in range(20):
        await connection.execute(_LARGE, uuid4(), os.urandom(300_000).hex(), RUDE)


async def test_deaf_readers_and_two_hundred_streams(databases: Databases, tmp_path: Path) -> None:
    """One code has five deaf streams, ten deaf pages, and tries two hundred streams more: the others notice nothing."""
    async with (
        databases.empty() as dsn,
        # The deaf ones are still there when the service is to end, and do not hinder it.
        AsyncExitStack() as stack,
        cluster(tmp_path, dsn, apis=1, workers=1, NRDB_STREAMS_PER_CODE=str(STREAMS)) as service,
        under_load(service, chance(1)) as load,
    ):
        address, key = service.addresses[0], load.keys[RUDE]
        connection = await asyncpg.connect(dsn)
        await fill(connection)
        await connection.close()
        for path in [*["/v1/inbox/stream?after=0"] * 5, *["/v1/inbox?after=0&limit=1000"] * 10]:
            await stack.enter_async_context(deaf(address, key, path))
        async with new_client(address) as client, AsyncExitStack() as streams:
            client.timeout = httpx.Timeout(20)
            answers = await asyncio.gather(*(attempt(streams, client, address, key) for _ in range(200)))
            refused = [answer for answer in answers if answer.status_code == 429]
            assert len(answers) - len(refused) == STREAMS - 5
            for answer in refused:
                assert (await answer.aread(), answer.json()["code"])[1] == "too-many-streams"
                assert int(answer.headers["retry-after"]) >= 1
            await load.grow(200)
            # Every stream that was let in is alive, too, beside the deaf ones.
            for answer in answers:
                if answer.status_code == 200:
                    assert b"connected" in await anext(answer.aiter_bytes())
        assert not load.trouble


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux can end such connections")
@pytest.mark.parametrize("path", ["/v1/inbox/stream?after=0", "/v1/inbox?after=0&limit=1000"])
async def test_a_connection_that_is_not_read_ends(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """After some time it is cut off, without ado, whatever was asked for; what it held is free."""
    monkeypatch.setattr(listening, "UNREAD_SECONDS", 0.5)
    impatient = await service.second()
    await fill(service.db)
    async with deaf(impatient.address, service.keys[RUDE], path) as reader:
        ends = reader.getpeername()[1], reader.getsockname()[1]

        async def is_cut_off() -> bool:
            held = psutil.Process().net_connections("tcp")
            return ends not in {(one.laddr[1], *one.raddr[1:]) for one in held}

        assert not await is_cut_off()
        await eventually(is_cut_off, 20)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
