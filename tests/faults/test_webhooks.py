"""Webhooks while workers are killed, and beside receivers that behave badly."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import orjson
import psutil
import pytest
from tests.support.cluster import LONG, Cluster, OwnPostgres, chance, chosen_seed, cluster
from tests.support.load import PARTIES, Load
from tests.support.processes import bearer
from tests.support.receivers import (
    Answer,
    Receiver,
    answer,
    byte_by_byte,
    gigabyte,
    hangs,
    listening,
    says,
    slow_headers,
)
from tests.support.reckoning import under_load
from tests.support.server import Databases
from tests.support.service import eventually

from nrdb.db import UNAVAILABLE

#: Bytes that a worker may hold, whatever receivers do.
MEMORY = 400_000_000


@dataclass
class Door(Receiver):
    """A provider's receiver. Of each item that arrives it notes how far the database had recorded it by then."""

    code: str = ""
    pool: asyncpg.Pool | None = None
    #: Without them it always does what `answers` say.
    dice: random.Random | None = None
    arrivals: list[tuple[int, int]] = field(default_factory=list)

    async def reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Receive it; now and then fail, be gone before the answer, or be gone right behind it."""
        seq = orjson.loads(self.received[-1].body)["seq"]
        assert self.pool is not None
        try:
            recorded = await self.pool.fetchval("SELECT position FROM webhook WHERE code = $1", self.code)
        except UNAVAILABLE:
            recorded = 0
        self.arrivals.append((seq, recorded))
        chosen = self.dice.randrange(250) if self.dice else None
        if chosen == 0:
            await answer(500)(writer)
        elif chosen == 1:
            raise ConnectionAbortedError
        else:
            await super().reply(reader, writer)
        if chosen == 2:
            writer.close()

    def first_arrivals(self) -> list[int]:
        """Each item once, in the order in which it came first."""
        return list(dict.fromkeys(seq for seq, _ in self.arrivals))


@asynccontextmanager
async def doors(
    service: Cluster, answers: Mapping[str, Answer], dice: random.Random | None = None
) -> AsyncIterator[dict[str, Door]]:
    """A webhook for each of the codes, and what is behind it."""
    keys = service.keys()
    async with AsyncExitStack() as stack, httpx.AsyncClient(trust_env=False, timeout=20) as client:
        pool = await stack.enter_async_context(asyncpg.create_pool(service.dsn, min_size=1, max_size=8))
        found = {}
        for code, first in answers.items():
            door = found[code] = Door([first], code=code, pool=pool, dice=dice)
            await stack.enter_async_context(listening(door))
            response = await client.put(
                f"{service.addresses[0]}/v1/webhook", json={"url": door.url}, headers=bearer(keys[code])
            )
            assert response.is_success, response.text
        yield found


async def places(pool: asyncpg.Pool, code: str) -> list[int]:
    """All places of a code."""
    return [row["seq"] for row in await pool.fetch("SELECT seq FROM inbox WHERE to_code = $1 ORDER BY seq", code)]


async def is_delivered(pool: asyncpg.Pool, code: str) -> bool:
    """Whether the database has recorded everything as received."""
    position = await pool.fetchval("SELECT position FROM webhook WHERE code = $1", code)
    return bool(position >= (await places(pool, code))[-1])


async def verify(door: Door) -> None:
    """In the end everything has arrived, first arrivals in order, and nothing after its receipt was recorded."""
    assert door.pool is not None
    await eventually(partial(is_delivered, door.pool, door.code), LONG)
    assert door.first_arrivals() == await places(door.pool, door.code), door.code
    again = [(seq, recorded) for seq, recorded in door.arrivals if recorded >= seq]
    assert not again, f"{door.code}: sent after its receipt was recorded: {again[:5]}"


@asynccontextmanager
async def pushed(
    postgres: OwnPostgres, tmp_path: Path
) -> AsyncIterator[tuple[Cluster, Load, dict[str, Door], random.Random]]:
    """Two workers push under load while the block runs, to receivers that fail now and then; the end is verified."""
    moments = chance(chosen_seed())
    good = dict.fromkeys(PARTIES, answer())
    async with cluster(tmp_path, postgres.dsn, apis=1) as service, doors(service, good, moments) as found:
        async with under_load(service, moments) as load:
            load.rest = 0.05
            yield service, load, found, moments
        for door in found.values():
            await verify(door)
        first = sum(len(door.first_arrivals()) for door in found.values())
        print(f"{arrived(found)} arrivals, {arrived(found) - first} of them again")


def arrived(found: Mapping[str, Door]) -> int:
    """How much has come to all doors."""
    return sum(len(door.arrivals) for door in found.values())


async def kill_workers(postgres: OwnPostgres, tmp_path: Path, kills: int) -> None:
    async with pushed(postgres, tmp_path) as (service, load, found, moments):
        for _ in range(kills):
            least = arrived(found) + moments.randrange(1, 40)

            async def some_arrive(least: int = least) -> bool:
                return arrived(found) >= least

            await eventually(some_arrive, LONG)
            await asyncio.to_thread(moments.choice(service.workers).kill)
            service.start()
        await load.grow(20)


async def test_workers_are_killed_while_they_push(postgres: OwnPostgres, tmp_path: Path) -> None:
    """At least once, in order of first arrival, and never again once its receipt is recorded."""
    await kill_workers(postgres, tmp_path, 3)


@pytest.mark.soak
async def test_workers_are_killed_200_times_while_they_push(postgres: OwnPostgres, tmp_path: Path) -> None:
    await kill_workers(postgres, tmp_path, 200)


@pytest.mark.soak
async def test_the_database_is_restarted_30_times_while_they_push(postgres: OwnPostgres, tmp_path: Path) -> None:
    async with pushed(postgres, tmp_path) as (_, load, _, moments):
        for _ in range(30):
            await load.grow(moments.randrange(10, 60))
            await asyncio.to_thread(postgres.restart_immediately)
        await load.grow(20)


#: Receivers that behave badly, each behind the webhook of a network, which is told of every execution.
BAD: dict[str, Answer] = {
    "BANENOR": slow_headers,
    "COM4": answer(500),
    "DSB": byte_by_byte,
    "GLOBCON": says(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "IRISTEL": hangs,
}
#: This one says 200 before it goes wrong: the item is received, and what follows is its own affair.
ODD: dict[str, Answer] = {"NEXTGEN": gigabyte}


async def have_met(pool: asyncpg.Pool, found: Mapping[str, Door]) -> bool:
    """Whether the worker has met all the bad ones, and those that fail at once have done so more than once."""
    rows = await pool.fetch("SELECT code, attempts FROM webhook WHERE code = ANY($1)", ["COM4", "GLOBCON"])
    return all(row["attempts"] > 1 for row in rows) and all(found[code].received for code in BAD)


async def test_bad_receivers_hinder_nobody_and_get_everything_later(databases: Databases, tmp_path: Path) -> None:
    """They hang, answer 500, byte by byte or half, or send 1 GB; when they are well again, nothing is missing."""
    good = dict.fromkeys(PARTIES, answer())
    async with (
        databases.empty() as dsn,
        cluster(tmp_path, dsn, apis=1, workers=1) as service,
        doors(service, {**good, **BAD, **ODD}) as found,
    ):
        pool = found["TELIA"].pool
        assert pool is not None
        async with under_load(service, chance(1)) as load:
            await load.grow(150)
        for code in (*good, *ODD):
            await verify(found[code])
        await eventually(partial(have_met, pool, found), LONG)
        for code in BAD:
            position = await pool.fetchval("SELECT position FROM webhook WHERE code = $1", code)
            assert position < (await places(pool, code))[0], f"{code} took nothing, and its webhook went on"
        (worker,) = service.workers
        assert psutil.Process(worker.pid).memory_info().rss < MEMORY
        assert not service.faults()
        for code in BAD:
            found[code].answers[:] = [answer()]
        # Its next attempts are minutes away; so that nobody waits for them, they are due, and a new worker finds that.
        await asyncio.to_thread(worker.kill)
        await pool.execute("UPDATE webhook SET next_attempt_at = clock_timestamp()")
        service.start()
        for code in BAD:
            await verify(found[code])
