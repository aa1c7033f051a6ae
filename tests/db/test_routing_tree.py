"""The hash tree in SQL says what the one in Python says, brought forward or from scratch, whoever does it at once."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.server import Databases
from tests.support.service import local
from tests.support.tables import NOW, MadeRow, cells, lasting, oracle, split

from nrdb.db import Connection, open_pool
from nrdb.migrate import upgrade
from nrdb.routing.export import edition
from nrdb.routing.proof import proof, root, root_from_scratch
from nrdb.routing.tree import NOTHING, TreeRow, leaves, root_of

NO_END = datetime.max.replace(tzinfo=UTC)
START = local("2026-11-23 08:00")
COLUMNS = (
    "put_seq", "first", "last", "holder", "network", "routing_number", "range_holder", "target_number", "valid_from",
    "valid_until", "served_since", "recorded_at",
)  # fmt: skip
BELIEVED = """
SELECT first, last, concat_ws(';', holder, coalesce(network, ''), coalesce(routing_number, ''), range_holder,
                              coalesce(substr(target_number::text, 3), '')) AS told,
       replace(trim('"' FROM to_json(valid_from)::text), '+00:00', 'Z') AS begins,
       CASE WHEN valid_until = 'infinity' THEN ''
            ELSE replace(trim('"' FROM to_json(valid_until)::text), '+00:00', 'Z') END AS ends
  FROM routing WHERE removed_at = 'infinity' AND valid_until > $1 ORDER BY first, valid_from
"""


@pytest.fixture
async def pool(databases: Databases) -> AsyncIterator[asyncpg.Pool]:
    """Connections as the service has them, to a seeded sandbox."""
    async with databases.sandbox(START) as dsn:
        found = await open_pool(dsn, 4)
        yield found
        await found.close()


async def _put(connection: Connection, rows: Iterable[MadeRow]) -> None:
    found = list(rows)
    place = await connection.fetchval("SELECT routing_places($1)", max(len(found), 1))
    records = [
        (place + i, r.first, r.last, r.holder, r.network, r.routing_number, r.range_holder, r.target_number,
         r.valid_from, r.valid_until or NO_END, r.valid_from, NOW)
        for i, r in enumerate(found)
    ]  # fmt: skip
    await connection.executemany(
        f"INSERT INTO routing ({', '.join(COLUMNS)}) VALUES ({', '.join(f'${i + 1}' for i in range(len(COLUMNS)))})",
        records,
    )


async def _root_in_python(connection: Connection, at: datetime) -> str:
    return root_of(leaves(TreeRow(*row) for row in await connection.fetch(BELIEVED, at)))


async def test_sql_and_python_and_the_oracle_agree_on_any_table(databases: Databases) -> None:
    async with databases.empty() as dsn:
        await upgrade(dsn)
        connection = await asyncpg.connect(dsn)
        loop = asyncio.get_running_loop()

        async def check(table: list[list[MadeRow]], random: Random) -> None:
            rows = split(table, random)
            transaction = connection.transaction()
            await transaction.start()
            await _put(connection, rows)
            found = await root_from_scratch(connection, NOW)
            await transaction.rollback()
            assert found == oracle(rows, NOW) == root_of(leaves(lasting(rows, NOW)))

        @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(cells(), st.randoms(use_true_random=False))
        def every(table: list[list[MadeRow]], random: Random) -> None:
            asyncio.run_coroutine_threadsafe(check(table, random), loop).result(30)

        await asyncio.to_thread(every)
        await connection.close()


async def test_an_empty_table_has_the_hash_of_nothing(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("DELETE FROM routing")
        assert (await root(connection))[2] == NOTHING
        assert await root_from_scratch(connection, START) == NOTHING


async def _say(connection: Connection, number: int, count: int, since: datetime, holder: str | None) -> None:
    said = [{"first": number, "since": since.isoformat(), "undo": False, "holder": holder, "network": holder}]
    await connection.execute("SELECT reroute(nrdb_now(), $1, $2, $3)", [number], [number + count - 1], said)


async def _check(connection: Connection) -> tuple[int, datetime]:
    """The tree that is brought forward is that of the rows; and the edition it is of."""
    seq, at, found = await root(connection)
    assert found == await root_from_scratch(connection, at) == await _root_in_python(connection, at)
    return seq, at


async def test_it_follows_portings_and_the_passing_of_time(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        seq, at = await _check(connection)
        assert (seq, at) == (await connection.fetchval("SELECT routing_horizon()"), START)
        before = (await root(connection))[2]
        for number, count, hours, holder in (
            (4790012345, 1, 2, "LYSE"), (4790012998, 10, 1, "ICE"), (47580000000000, 1_000_000, 3, "LYSE"),
            (4702800, 1, 1, "TELIA"),
        ):  # fmt: skip
            await _say(connection, number, count, START + timedelta(hours=hours), holder)
            await _check(connection)
        assert (await root(connection))[2] != before
        for minutes in (59, 60, 61, 120, 10_000):
            await connection.execute("UPDATE world SET sandbox_now = $1", START + timedelta(minutes=minutes))
            await _check(connection)
        await _say(connection, 4790012345, 1, START + timedelta(days=30), None)
        await _check(connection)


async def test_where_nothing_happens_nothing_is_written(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await root(connection)
        kept = await connection.fetchrow("SELECT xmin, * FROM routing_tree")
        later = START + timedelta(hours=1)
        await connection.execute("UPDATE world SET sandbox_now = $1", later)
        assert (await root(connection))[1] == later
        assert await connection.fetchrow("SELECT xmin, * FROM routing_tree") == kept


async def test_two_who_reckon_at_once_are_both_right(pool: asyncpg.Pool) -> None:
    random = Random(5)  # noqa: S311 (no secret)

    async def change() -> None:
        async with pool.acquire() as connection:
            for _ in range(30):
                number = 4790010000 + random.randint(0, 3000)
                since = START + timedelta(hours=random.randint(0, 5))
                await _say(connection, number, random.randint(1, 5), since, random.choice(("LYSE", "ICE", None)))

    async def look() -> list[tuple[int, datetime, str]]:
        async with pool.acquire() as connection:
            return [await root(connection) for _ in range(30)]

    _, *seen = await asyncio.gather(change(), look(), look(), look())
    by_place: dict[int, set[str]] = {}
    for found in seen:
        assert [seq for seq, _, _ in found] == sorted(seq for seq, _, _ in found)
        for seq, _, hash_ in found:
            by_place.setdefault(seq, set()).add(hash_)
    assert all(len(hashes) == 1 for hashes in by_place.values())
    async with pool.acquire() as connection:
        await _check(connection)


async def test_a_place_once_shown_is_the_place_of_its_rows(pool: asyncpg.Pool) -> None:
    """What is believed after the tree's place is not in it, and what was removed after it still is."""
    async with pool.acquire() as connection, pool.acquire() as writer:
        old = await edition(connection)
        before = (await root(connection))[2]
        await _say(writer, 4790012345, 1, START + timedelta(hours=1), "LYSE")
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE routing_tree SET seq = 0, at = '-infinity'")
        await connection.execute("DELETE FROM routing_node")
        await connection.execute("SELECT refresh_routing_tree($1, $2)", old.seq, old.at)
        assert await connection.fetchval("SELECT encode(hash, 'hex') FROM routing_node WHERE node = ''") == before
        await transaction.rollback()
        await _check(connection)


async def test_the_rows_of_a_leaf_make_its_hash(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await _say(connection, 4790012345, 2, START + timedelta(hours=1), "LYSE")
        top = await proof(connection, "8:90", 4)
        assert {child.prefix for child in top.children} >= {f"8:90{i:03}" for i in range(100)}
        assert {len(child.prefix) for child in top.children} == {len("8:90012")}
        leaf = await proof(connection, "8:90012", 1)
        assert (leaf.prefix, leaf.hash) in top.children
        assert not leaf.children
        rows = [(row["first"], row["last"], row["holder"], row["valid_until"]) for row in leaf.rows]
        assert rows[1:3] == [
            ("90012345", "90012346", "TELENOR", "2026-11-23T08:00:00Z"), ("90012345", "90012346", "LYSE", None),
        ]  # fmt: skip
        # Five-digit numbers have leaves where the others have none yet.
        shown = {child.prefix for child in (await proof(connection, "", 4)).children}
        assert {"5:02", "8:900", "12:580"} <= shown
        assert {len(prefix.split(":")[1]) for prefix in shown if not prefix.startswith("5:")} == {3}
