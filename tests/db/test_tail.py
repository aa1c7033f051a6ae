"""Everybody who follows sees every item once and in order, whoever writes, falls behind, comes late or goes."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from tests.support.server import Databases

from nrdb.db import Connection, Pool, acquire, open_pool
from nrdb.delivery import inbox, tail
from nrdb.delivery.inbox import Reader
from nrdb.delivery.tail import Follower, Tail
from nrdb.vault import Vault

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
CODES = ("TELIA", "TELENOR", "LYSE")
_SAID = """
WITH line AS (
    INSERT INTO message_log (id, at, type, sender, message_id, body)
    VALUES (nextval('message_log_id_seq'), $1, $2, 'NRDB', $3, $4) RETURNING id)
INSERT INTO inbox (to_code, log_id) SELECT code, id FROM line, unnest($5::text[]) AS code RETURNING seq
"""


@pytest.fixture
async def pool(databases: Databases) -> AsyncIterator[Pool]:
    async with databases.sandbox(NOW) as dsn:
        found = await open_pool(dsn, 12)
        yield found
        await found.close()


@asynccontextmanager
async def looking(pool: Pool) -> AsyncIterator[tuple[Tail, Reader]]:
    stop = asyncio.Event()
    found = Tail(pool)
    task = asyncio.create_task(found.run(stop))
    try:
        yield found, Reader(pool, Vault(os.urandom(32), os.urandom(32)))
    finally:
        stop.set()
        await task


async def say(connection: Connection, *codes: str, kind: str = "NOTICE", fill: str = "") -> list[int]:
    """An item for each of the codes; their places."""
    rows = await connection.fetch(_SAID, NOW, kind, uuid4(), {"type": kind, "fill": fill}, list(codes))
    return [row["seq"] for row in rows]


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_misses_anything(pool: Pool, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Writers commit late, in any order, or not at all; little is remembered, so that followers fall behind it."""
    monkeypatch.setattr(tail, "_PLACES", 7)
    monkeypatch.setattr(tail, "_REMEMBERED", 10)
    monkeypatch.setattr(tail, "LOOK_AGAIN", 0.005)
    monkeypatch.setattr(inbox, "_FETCHED", 3)
    dice = random.Random(seed)  # noqa: S311 (no secret)

    async def write() -> None:
        for _ in range(25):
            async with acquire(pool) as connection:
                transaction = connection.transaction()
                await transaction.start()
                for _ in range(dice.randint(1, 4)):
                    await say(connection, *dice.sample(CODES, dice.randint(1, 3)))
                    await asyncio.sleep(dice.uniform(0, 0.01))
                await (transaction.rollback() if dice.random() < 0.2 else transaction.commit())

    async with looking(pool) as found:
        writing = asyncio.gather(*(write() for _ in range(5)))
        # Nobody knows yet which item is the last: it is written when all others are.
        last = asyncio.get_running_loop().create_future()
        followers = [
            asyncio.create_task(_follow_to(found, code, last, random.Random(f"{seed} {code} {n}")))  # noqa: S311
            for code in CODES
            for n in range(3)
        ]
        await writing
        async with acquire(pool) as connection:
            last.set_result(max(await say(connection, *CODES)))
        async with asyncio.timeout(30):
            seen = await asyncio.gather(*followers)
    for place, code in enumerate(code for code in CODES for _ in range(3)):
        rows = await pool.fetch("SELECT seq FROM inbox WHERE to_code = $1 ORDER BY seq", code)
        assert seen[place] == [row["seq"] for row in rows]
        assert len(rows) > 40


async def _follow_to(
    found: tuple[Tail, Reader], code: str, last: asyncio.Future[int], dice: random.Random
) -> list[int]:
    """Follow until the last item of the code has come, whenever that is known."""
    seen: list[int] = []
    # The last items are one for each code, so a code's own may stand some places before the very last.
    while not (last.done() and seen and seen[-1] > last.result() - len(CODES)):
        with found[0].following(code):
            follower = Follower(found[1], found[0], code, seen[-1] if seen else 0)
            for _ in range(dice.randint(1, 8)):
                page = await follower.next(dice.randint(1, 40), 0.2)
                seen += [item.seq for item in page.items]
                if dice.random() < 0.2:
                    await asyncio.sleep(dice.uniform(0, 0.1))
    return seen


async def test_one_that_is_followed_again_is_looked_at_anew(pool: Pool) -> None:
    """What came while nobody followed is read, not taken for known."""
    async with looking(pool) as found, acquire(pool) as connection:
        for round_ in range(3):
            (seq,) = await say(connection, "TELIA")
            with found[0].following("TELIA"):
                follower = Follower(found[1], found[0], "TELIA", 0)
                seen: list[int] = []
                while len(seen) <= round_:
                    seen += [item.seq for item in (await follower.next(100, 5)).items]
                assert (len(seen), seen[-1]) == (round_ + 1, seq)
                assert not (await follower.next(100, 0.1)).items


async def test_types_that_nobody_wants_move_the_position_on(pool: Pool) -> None:
    async with looking(pool) as found, acquire(pool) as connection:
        with found[0].following("TELIA"):
            follower = Follower(found[1], found[0], "TELIA", 0, types=("NP_IVER",))
            assert not (await follower.next(100, 0.1)).items
            (unwanted,) = await say(connection, "TELIA", kind="NP_BEST")
            assert not (await follower.next(100, 0.5)).items
            assert follower.position == unwanted
            (wanted,) = await say(connection, "TELIA", kind="NP_IVER")
            (item,) = (await follower.next(100, 5)).items
            assert (item.seq, item.type, follower.position) == (wanted, "NP_IVER", wanted)


async def test_large_items_come_one_by_one(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page ends where its items have become large; the next goes on from there, behind and in step alike."""
    monkeypatch.setattr(inbox, "PAGE_BYTES", 1000)
    async with looking(pool) as found, acquire(pool) as connection:
        wanted = [seq for _ in range(4) for seq in await say(connection, "TELIA", fill="x" * 600)]
        with found[0].following("TELIA"):
            follower = Follower(found[1], found[0], "TELIA", 0)
            seen = [[item.seq for item in (await follower.next(100, 5)).items] for _ in range(2)]
            wanted += [seq for _ in range(3) for seq in await say(connection, "TELIA", fill="x" * 600)]
            while sum(map(len, seen)) < len(wanted):
                seen.append([item.seq for item in (await follower.next(100, 5)).items])
    assert [seq for page in seen for seq in page] == wanted
    assert max(map(len, seen)) == 2


async def test_whoever_waits_is_let_go_at_the_end(pool: Pool) -> None:
    stop = asyncio.Event()
    found = Tail(pool)
    task = asyncio.create_task(found.run(stop))
    with found.following("TELIA"):
        waiting = asyncio.create_task(found.wait("TELIA", 0, 60))
        await asyncio.sleep(0)
        stop.set()
        async with asyncio.timeout(5):
            assert not await waiting
            await task
    assert found.ended


async def test_followers_outlive_the_connections(pool: Pool) -> None:
    """The database ends every connection; who follows sees what comes afterwards."""
    async with looking(pool) as found:
        with found[0].following("TELIA"):
            follower = Follower(found[1], found[0], "TELIA", 0)
            assert not (await follower.next(100, 0.1)).items
            await pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            async with acquire(pool) as connection:
                (seq,) = await say(connection, "TELIA")
            assert [item.seq for item in (await follower.next(100, 10)).items] == [seq]
