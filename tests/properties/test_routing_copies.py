"""Copies of the routing table while others write it: a snapshot and the changes after it make a later snapshot, always.

Several writers on connections of their own port numbers, send them home and take both back, wait in the middle of their
transactions, and give up at random. Readers copy the table meanwhile and follow it in pages of any size; each snapshot
is compared with every copy that has been followed to the same place.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.copies import Copy, row_of
from tests.support.server import Databases
from tests.support.service import local
from tests.support.soundness import check_routing_of

from nrdb.db import lost_race, open_pool
from nrdb.routing.export import changes, copy_snapshot, edition

NOW = local("2026-11-23 08:00")
FIRST = 4790010000
CODES = ("TELIA", "LYSE", "TELENOR", None)


@dataclass(frozen=True)
class Step:
    """What a writer does in one transaction: say something of some numbers, wait, and commit or not."""

    numbers: Sequence[tuple[int, int]]
    hours: int
    holder: str | None
    undo: bool
    pause: float
    commits: bool


steps = st.builds(
    Step,
    numbers=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 4)), min_size=1, max_size=4, unique_by=lambda n: n[0]
    ),
    hours=st.integers(0, 5),
    holder=st.sampled_from(CODES),
    undo=st.booleans(),
    pause=st.sampled_from([0, 0, 0.002, 0.01]),
    commits=st.sampled_from([True, True, True, False]),
)


async def _write(dsn: str, program: Sequence[Step]) -> None:
    connection = await asyncpg.connect(dsn)
    for step in program:
        ranges = _disjoint(step.numbers)
        since = NOW + timedelta(hours=step.hours)
        said = [
            {"first": first, "since": since, "undo": step.undo, "holder": step.holder, "network": step.holder}
            for first, _ in ranges
        ]
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(
                "SELECT reroute(nrdb_now(), $1, $2, $3)",
                [first for first, _ in ranges],
                [last for _, last in ranges],
                orjson.dumps(said).decode(),
            )
            await asyncio.sleep(step.pause)
        except asyncpg.PostgresError as error:
            await transaction.rollback()
            if not lost_race(error):
                raise
            continue
        await (transaction.commit() if step.commits else transaction.rollback())
    await connection.close()


def _disjoint(numbers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for place, length in sorted(numbers):
        if not found or FIRST + place > found[-1][1]:
            found.append((FIRST + place, FIRST + place + length))
    return found


class Reader:
    """Copies the table and follows it, as a network does."""

    def __init__(self, pool: asyncpg.Pool, chance: Random) -> None:
        self.pool, self.chance = pool, chance
        self.seen: dict[int, set[Any]] = {}

    async def snapshot(self) -> Copy:
        """The table now; it equals what every copy was at the same place."""
        lines: list[bytes] = []

        async def take(piece: bytes) -> None:
            lines.append(piece)

        async with self.pool.acquire() as connection:
            current = await edition(connection)
            # Others may write between the two.
            await asyncio.sleep(self.chance.choice([0, 0.005]))
            await copy_snapshot(connection, current, take)
        rows = [row_of(orjson.loads(line)) for line in b"".join(lines).splitlines()]
        copy = Copy(current.seq, current.at, set(rows))
        assert len(copy.rows) == len(rows)
        self.compare(copy)
        return copy

    def compare(self, copy: Copy) -> None:
        """What stands at a place is the same however one has come there."""
        assert self.seen.setdefault(copy.seq, set(copy.rows)) == copy.rows, f"two tables at {copy.seq}"

    async def follow(self, copy: Copy, *, to_the_end: bool) -> None:
        """Changes in pages of any size. At the end of a page that is not full, the copy is whole."""
        while True:
            limit = self.chance.choice([1, 3, 1000])
            async with self.pool.acquire() as connection:
                items, following, _ = await changes(connection, copy.seq, limit)
            copy.apply(items)
            copy.seq = following
            if len(items) < limit:
                self.compare(copy)
                if not items or not to_the_end:
                    return

    async def run(self, done: asyncio.Event) -> list[Copy]:
        """Copies begun at different moments, all followed to the end."""
        copies = [await self.snapshot()]
        while not done.is_set():
            await asyncio.sleep(self.chance.choice([0, 0.003]))
            if self.chance.random() < 0.3 and len(copies) < 6:
                copies.append(await self.snapshot())
            await self.follow(self.chance.choice(copies), to_the_end=False)
        for copy in copies:
            await self.follow(copy, to_the_end=True)
        return copies


async def _at_once(databases: Databases, programs: Sequence[Sequence[Step]], chance: Random) -> None:
    async with databases.sandbox(NOW) as dsn:
        pool = await open_pool(dsn, 4)
        done = asyncio.Event()
        readers = [asyncio.create_task(Reader(pool, chance).run(done)) for _ in range(2)]
        await asyncio.gather(*(_write(dsn, program) for program in programs))
        done.set()
        followed = [copy for reader in readers for copy in await reader]
        last = await Reader(pool, chance).snapshot()
        for copy in followed:
            assert copy.rows == last.rows
        await pool.close()
        await check_routing_of(dsn)


def _run(databases: Databases, programs: Sequence[Sequence[Step]], seed: int) -> None:
    asyncio.run(_at_once(databases, programs, Random(seed)))  # noqa: S311 (no secret)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_snapshot_and_the_changes_after_it_make_a_later_one(databases: Databases) -> None:
    given(
        programs=st.lists(st.lists(steps, min_size=1, max_size=8), min_size=2, max_size=4), seed=st.integers(0, 2**32)
    )(
        settings(
            max_examples=12,
            deadline=None,
            database=None,
            derandomize=True,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )(lambda programs, seed: _run(databases, programs, seed))
    )()


def test_a_place_is_given_out_only_when_all_before_it_is_committed(databases: Databases) -> None:
    """The first writer takes its place first and commits last: nobody sees the second one's change before."""

    async def run() -> None:
        async with databases.sandbox(NOW) as dsn:
            pool = await open_pool(dsn, 2)
            first, second = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
            reader = Reader(pool, Random(1))  # noqa: S311 (no secret)
            copy = await reader.snapshot()
            transaction = first.transaction()
            await transaction.start()
            await _port(first, 4790010001)
            await _port(second, 4792010001)
            assert (await reader.snapshot()).rows == copy.rows
            await transaction.commit()
            await reader.follow(copy, to_the_end=True)
            assert {copy.serving(number, NOW)[2] for number in ("90010001", "92010001")} == {"CHILI"}
            assert (await reader.snapshot()).rows == copy.rows
            await first.close()
            await second.close()
            await pool.close()

    asyncio.run(run())


async def _port(connection: Any, number: int, since: datetime = NOW) -> None:
    said = [{"first": number, "since": since, "undo": False, "holder": "CHILI", "network": "TELIA"}]
    await connection.execute(
        "SELECT reroute(nrdb_now(), ARRAY[$1::bigint], ARRAY[$1::bigint], $2)", number, orjson.dumps(said).decode()
    )
