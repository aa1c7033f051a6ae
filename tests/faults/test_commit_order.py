"""Writers end in every order, by commit and by rollback: nobody who reads skips an item or sees one too early."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import permutations, product
from random import Random

import asyncpg
import pytest
from tests.support.cluster import chance
from tests.support.followers import WAYS, Follower
from tests.support.service import Service

CODES = ("TELENOR", "TELIA")
#: An item for each of the codes, as a transaction that is slow to commit would write it.
_ITEM = """
INSERT INTO inbox (to_code, log_id) SELECT code, (SELECT max(id) FROM message_log) FROM unnest($1::text[]) AS code
RETURNING seq, to_code
"""


@asynccontextmanager
async def connections(service: Service, count: int) -> AsyncIterator[list[asyncpg.Connection]]:
    """So many connections beside the service."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            found.append(await asyncpg.connect(service.dsn))
            stack.push_async_callback(found[-1].close)
        yield found


class Writers:
    """Transactions that have written an item for each code and have not ended, oldest first."""

    def __init__(self, free: list[asyncpg.Connection]) -> None:
        self._free = free
        #: By writer: its connection, and where it has written for each code.
        self.standing: dict[int, tuple[asyncpg.Connection, Mapping[str, int]]] = {}
        #: What is committed, for each code.
        self.committed: dict[str, list[int]] = {code: [] for code in CODES}

    async def begin(self, writer: int) -> None:
        """One more begins and writes."""
        connection = self._free[writer]
        await connection.execute("BEGIN")
        rows = await connection.fetch(_ITEM, CODES)
        self.standing[writer] = connection, {row["to_code"]: row["seq"] for row in rows}

    async def end(self, writer: int, *, commit: bool) -> None:
        """One of them ends."""
        connection, places = self.standing.pop(writer)
        await connection.execute("COMMIT" if commit else "ROLLBACK")
        if commit:
            for code, seq in places.items():
                self.committed[code] = sorted([*self.committed[code], seq])

    def readable(self, code: str) -> list[int]:
        """What may be read: all that is committed before the first writer that has not ended, no more and no less."""
        first = min((min(places.values()) for _, places in self.standing.values()), default=2**63)
        return [seq for seq in self.committed[code] if seq < first]


@asynccontextmanager
async def followed(service: Service, dice: Random, codes: Sequence[str] = CODES) -> AsyncIterator[list[Follower]]:
    """Each code is followed in each way while the block runs."""
    followers = [
        Follower(code, way, [service.address], service.keys[code], dice, leaves=False) for code in codes for way in WAYS
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(follower.run()) for follower in followers]
        yield followers
        for task in tasks:
            task.cancel()


async def caught_up(writers: Writers, followers: list[Follower]) -> None:
    """Everybody has read what may be read, and nothing else."""
    for follower in followers:
        wanted = writers.readable(follower.code)
        async with asyncio.timeout(20):
            await follower.reach(wanted[-1] if wanted else 0)
        assert [seq for seq, _ in follower.seen] == wanted, follower


@pytest.fixture
async def begun(service: Service) -> Service:
    """A sandbox in whose log stands a message."""
    await service.ordered("LYSE", donor="COM4", main_number="59000001")
    return service


async def test_writers_end_in_every_order(begun: Service) -> None:
    """Four writers, all orders of their ends, commits and rollbacks mixed; looked at after every single step."""
    after = dict.fromkeys(CODES, 0)
    seen: dict[str, list[int]] = {code: [] for code in CODES}
    async with connections(begun, 4) as free, followed(begun, chance(4), CODES[:1]) as followers:
        writers = Writers(free)
        for turn, (order, commits) in enumerate(product(permutations(range(4)), product((True, False), repeat=4))):
            for writer in range(4):
                await writers.begin(writer)
            for step, writer in enumerate(order):
                await writers.end(writer, commit=commits[writer])
                # Each code is looked at in turn; what one page shows the other may.
                code = CODES[(turn + step) % len(CODES)]
                page = await begun.read("/inbox", code, after=after[code], limit=1000)
                seen[code] += [item["seq"] for item in page["items"]]
                assert seen[code] == writers.readable(code), (order, commits, step)
                after[code] = page["next"]
            for follower in followers:
                assert [seq for seq, _ in follower.seen] == writers.readable(follower.code)[: len(follower.seen)]
        await caught_up(writers, followers)
    assert len(writers.committed["TELIA"]) == 24 * 16 * 2


async def test_each_end_lets_those_who_wait_go_on(begun: Service) -> None:
    """By long poll and by stream, too, each step shows at once what it makes readable, and never more."""
    async with connections(begun, 4) as free, followed(begun, chance(5)) as followers:
        writers = Writers(free)
        for turn, order in enumerate(permutations(range(4))):
            for writer in range(4):
                await writers.begin(writer)
            for writer in order:
                await writers.end(writer, commit=(turn + writer) % 3 != 0)
                await caught_up(writers, followers)


async def test_writers_come_and_go_all_the_time(begun: Service) -> None:
    """There is always one that has not ended; readers are behind the oldest, and never by more."""
    dice = chance(6)
    async with connections(begun, 5) as free, followed(begun, dice) as followers:
        writers = Writers(free)
        await writers.begin(0)
        for turn in range(1, 60):
            await writers.begin(turn % 5)
            if len(writers.standing) == 5 or dice.randrange(3):
                await writers.end(
                    dice.choice([n for n in writers.standing if n != turn % 5]), commit=dice.random() < 0.7
                )
            for writer in [n for n in writers.standing if n == (turn + 1) % 5]:
                await writers.end(writer, commit=True)
            await caught_up(writers, followers)
        for writer in list(writers.standing):
            await writers.end(writer, commit=True)
        await caught_up(writers, followers)


async def test_strangers_delay_nobody(begun: Service) -> None:
    """A write transaction that has nothing to do with inboxes stays open, here and in another database; a lock, too."""
    elsewhere = await asyncpg.connect(re.sub(r"/test_\d+", "/nrdb", begun.dsn))
    async with connections(begun, 3) as free, followed(begun, chance(7)) as followers:
        writers = Writers(free)
        strangers = [free[2], elsewhere]
        for stranger in strangers:
            await stranger.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
            await stranger.execute("CREATE TABLE unrelated (one int)")
            # Of the same kind as a writer's mark, but of another program: another space of numbers.
            await stranger.execute("SELECT pg_advisory_xact_lock_shared(1), pg_advisory_xact_lock(7267, 99)")
        await elsewhere.execute("SELECT pg_advisory_xact_lock_shared((7267::bigint << 48) | 1)")
        for order in permutations(range(2)):
            for writer in range(2):
                await writers.begin(writer)
            for writer in order:
                await writers.end(writer, commit=True)
                await caught_up(writers, followers)
        for stranger in strangers:
            await stranger.execute("ROLLBACK")
    await elsewhere.close()
