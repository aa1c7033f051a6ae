"""The routing table by PostgreSQL's own logical replication: a second server that subscribes and follows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from tests.support.cluster import LONG, OwnPostgres
from tests.support.portings import scheduled
from tests.support.server import sandbox_settings
from tests.support.service import Service, running

from nrdb.embedded import pg_bin
from nrdb.engines import deploy_dir, make_roles, run
from nrdb.migrate import migrations_dir, upgrade
from nrdb.routing.tree import NOTHING
from nrdb.seed import bootstrap

ROWS = """
SELECT put_seq, first, last, holder, network, routing_number, range_holder, target_number, valid_from, valid_until,
       removed_at FROM routing WHERE removed_at = 'infinity' ORDER BY put_seq
"""


async def _execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _rows(dsn: str, query: str = ROWS) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


class Pair:
    """nrdb's database, and a network's that subscribes to it."""

    def __init__(self, nrdb: OwnPostgres, network: OwnPostgres) -> None:
        self.nrdb, self.network = nrdb, network

    async def equal(self) -> list[tuple[object, ...]]:
        """Wait until all that is written there has arrived here; then the tables must be equal."""
        async with asyncio.timeout(LONG):
            while True:
                there = await _rows(self.nrdb.dsn)
                if there == await _rows(self.network.dsn):
                    break
                await asyncio.sleep(0.05)
        at = (await _rows(self.nrdb.dsn, "SELECT nrdb_now()"))[0][0]
        root = f"SELECT routing_root('{at}')"
        assert await _rows(self.network.dsn, root) == await _rows(self.nrdb.dsn, root) != [(bytes.fromhex(NOTHING),)]
        return there


@asynccontextmanager
async def _pair() -> AsyncIterator[Pair]:
    nrdb = OwnPostgres({"wal_level": "logical"})
    try:
        network = OwnPostgres({"wal_retrieve_retry_interval": "100ms"})
        try:
            yield Pair(nrdb, network)
        finally:
            network.end()
    finally:
        nrdb.end()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Pair, Service]]:
    """Both servers, with a seeded sandbox on the first and nothing on the second."""
    async with _pair() as both:
        await upgrade(both.nrdb.dsn)
        settings = sandbox_settings(tmp_path)
        await bootstrap(settings, both.nrdb.dsn)
        await _execute(both.nrdb.dsn, "UPDATE world SET sandbox_now = '2026-11-23 08:00+01'")
        lines = (tmp_path / "sandbox-keys.env").read_text().splitlines()
        keys = dict(line.split("_KEY=") for line in lines if "_KEY=" in line and not line.startswith("#"))
        make_roles(both.nrdb.dsn)
        async with running(settings, both.nrdb.dsn, keys) as service:
            yield both, service


async def _subscribe(pair: Pair, name: str) -> None:
    """As docs/networks.md says it."""
    files = (deploy_dir() / "postgresql" / "copy.sql", migrations_dir() / "sql" / "0005_hash.sql")
    read = [text for file in files for text in ("-f", str(file))]
    made = run(str(pg_bin("psql")), pair.network.dsn, "-q", "-v", "ON_ERROR_STOP=1", *read)
    assert made.returncode == 0, made.stderr
    source = f"host={pair.nrdb.place / 'postgres'} dbname=nrdb user=nrdb_replica"
    await _execute(pair.network.dsn, f"CREATE SUBSCRIPTION {name} CONNECTION '{source}' PUBLICATION nrdb_routing")


async def test_a_second_database_follows(pair: tuple[Pair, Service]) -> None:
    both, service = pair
    await _subscribe(both, "a_network")
    first = await both.equal()
    assert len(first) > 20

    case_id = await scheduled(service, "TELIA", "90012345")
    ported = await both.equal()
    assert len(ported) == len(first) + 3  # before it, after it, and the number before and after its porting time
    await service.accepted("TELIA", "NP_ANNU", case_id=case_id)
    assert ported != await both.equal()

    series = (await service.read("/series", "ADMIN", number="22015001"))["items"][0]
    await service.admin("PATCH", f"/series/{series['series_id']}", {"holder": "TELIA", "reason": "test: sold"})
    moved = await both.equal()
    assert any(row[3] == "TELIA" and row[1] == 4722000000 for row in moved)

    # Restarted at once, as after a crash: the subscriber comes back by itself and has missed nothing.
    both.nrdb.restart_immediately()
    await _execute(both.nrdb.dsn, """
        SELECT reroute(nrdb_now(), ARRAY[4790010000], ARRAY[4790010999], json_build_array(json_build_object(
               'first', 4790010000, 'since', nrdb_now(), 'undo', false, 'holder', 'LYSE', 'network', 'LYSE')))
    """)  # fmt: skip
    assert any(row[1] == 4790010000 and row[3] == "LYSE" for row in await both.equal())
    both.network.restart_immediately()
    await _execute(both.nrdb.dsn, """
        SELECT reroute(nrdb_now(), ARRAY[4790010000], ARRAY[4790010999], json_build_array(json_build_object(
               'first', 4790010000, 'since', nrdb_now(), 'undo', false, 'holder', NULL, 'network', NULL)))
    """)  # fmt: skip
    await both.equal()
    # The slot would keep the log of the first server for ever.
    await _execute(both.network.dsn, "DROP SUBSCRIPTION a_network")
    assert await _rows(both.nrdb.dsn, "SELECT slot_name FROM pg_replication_slots") == []


async def test_its_role_reads_routing_and_nothing_else(pair: tuple[Pair, Service]) -> None:
    both, _ = pair
    names = await _rows(both.nrdb.dsn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    tables = [str(name) for (name,) in names]
    connection = await asyncpg.connect(both.nrdb.dsn.replace("//nrdb@", "//nrdb_replica@"))
    try:
        assert len(await connection.fetch(ROWS)) > 20
        refused = [f"SELECT 1 FROM {table}" for table in tables if table != "routing"]
        assert len(refused) > 15
        refused += [
            "SELECT * FROM routing", "SELECT own_holder FROM routing", "SELECT case_id FROM routing",
            "SELECT * FROM enum.records('e164.arpa')", "UPDATE routing SET holder = 'X'",
            "CREATE PUBLICATION mine FOR TABLE cases", "CREATE PUBLICATION mine FOR ALL TABLES",
        ]  # fmt: skip
        for statement in refused:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
