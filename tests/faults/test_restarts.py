"""PostgreSQL is restarted under load: "come again" in the meantime, and then everything goes on by itself."""

import asyncio
import signal
import tempfile
from pathlib import Path

import httpx
import pytest
from tests.db.test_tail import looking, say
from tests.support.cluster import LONG, Cluster, OwnPostgres, chance, chosen_seed, cluster
from tests.support.load import Load
from tests.support.nginx import free_port
from tests.support.processes import bearer, order
from tests.support.reckoning import under_load
from tests.support.service import eventually

from nrdb.db import acquire, open_pool
from nrdb.delivery.tail import Follower
from nrdb.embedded import EmbeddedPostgres
from nrdb.migrate import upgrade

#: Seconds within which whoever asks hears that the database is away.
TOLD_WITHIN = 10.0


async def tells_that_it_is_away(service: Cluster) -> None:
    """Whatever is asked, by whomever: 503 and when to come again, soon; the process itself is well."""
    keys = service.keys()
    asked = (
        ("POST", "/v1/messages", "TELIA", order(90199999)),
        ("POST", "/v1/messages/check", "TELIA", order(90199999)),
        ("POST", "/v1/inbox/ack", "TELIA", {"through": 0}),
        ("PUT", "/v1/sandbox/clock", "ADMIN", {"advance": "PT1S"}),
        ("GET", "/v1/inbox?after=0", "TELIA", None),
        ("GET", "/v1/inbox?after=0&wait=5", "TELIA", None),
        ("GET", "/v1/inbox/status", "TELIA", None),
        ("GET", "/v1/inbox/stream", "TELIA", None),
        ("GET", "/v1/cases", "TELIA", None),
        ("GET", "/v1/routing/90012345", "TELIA", None),
        ("GET", "/v1/reports/overdue", "ADMIN", None),
        ("GET", "/v1/me", "TELIA", None),
        ("GET", "/readyz", "TELIA", None),
    )
    async with httpx.AsyncClient(trust_env=False, timeout=TOLD_WITHIN) as client:
        for address in service.addresses:
            assert (await client.get(f"{address}/healthz")).status_code == 200
            answers = await asyncio.gather(
                *(
                    client.request(method, f"{address}{path}", json=body, headers=bearer(keys[who]))
                    for method, path, who, body in asked
                )
            )
            for (method, path, _, _), answer in zip(asked, answers, strict=True):
                assert answer.status_code == 503, f"{method} {path}: {answer.status_code} {answer.text}"
                assert answer.json()["code"] == "unavailable"
                assert 1 <= int(answer.headers["retry-after"]) <= 60


async def restart(postgres: OwnPostgres, service: Cluster, load: Load, how: str) -> None:
    """The database goes, in one of three ways, and comes back; nobody touches the service."""
    if how == "pg_ctl":
        await asyncio.to_thread(postgres.restart_immediately)
    else:
        await asyncio.to_thread(postgres.kill, signal.Signals[how])
        before = load.trouble["503"]
        await tells_that_it_is_away(service)

        async def senders_are_told() -> bool:
            return load.trouble["503"] > before

        await eventually(senders_are_told, LONG)
        await asyncio.to_thread(postgres.start)
    await load.grow(60)


async def restarts(postgres: OwnPostgres, tmp_path: Path, rounds: int) -> None:
    moments = chance(chosen_seed())
    async with cluster(tmp_path, postgres.dsn) as service, under_load(service, moments) as load:
        processes = [member.pid for member in service.members]
        for _ in range(rounds):
            for how in ("pg_ctl", "SIGQUIT", "SIGKILL"):
                await load.grow(moments.randrange(1, 60))
                await restart(postgres, service, load, how)
        assert [member.pid for member in service.members if member.runs] == processes


async def test_the_database_is_restarted_under_load(postgres: OwnPostgres, tmp_path: Path) -> None:
    """Stopped at once and killed: nobody waits long or gets a 500, and nothing is lost, told twice or skipped."""
    await restarts(postgres, tmp_path, 1)


@pytest.mark.soak
async def test_the_database_is_restarted_60_times(postgres: OwnPostgres, tmp_path: Path) -> None:
    await restarts(postgres, tmp_path, 20)


async def test_numbers_that_are_given_again_after_a_crash(postgres: OwnPostgres) -> None:
    """A crash takes back numbers whose writers have failed; their second use is not passed over."""
    await upgrade(postgres.dsn)
    pool = await open_pool(postgres.dsn, 5)
    # Nothing becomes durable by the mere passing of time, so that the test does not depend on it.
    await pool.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    await pool.execute("SELECT pg_reload_conf()")
    async with looking(pool) as (tail, reader):
        with tail.following("TELIA"):
            follower = Follower(reader, tail, "TELIA", 0)
            assert not (await follower.next(100, 0.1)).items
            async with acquire(pool) as connection:
                await say(connection, "TELIA")
                assert len((await follower.next(100, 10)).items) == 1
                failing = connection.transaction()
                await failing.start()
                for _ in range(100):
                    (failed,) = await say(connection, "LYSE")
                await failing.rollback()

            async def seen() -> bool:
                return tail.horizon >= failed

            await eventually(seen)
            await asyncio.to_thread(postgres.kill, signal.SIGKILL)
            await asyncio.to_thread(postgres.start)
            async with acquire(pool) as connection:
                (seq,) = await say(connection, "TELIA")
            assert seq <= failed, "the crash has taken no number back, so that this test shows nothing"
            assert [item.seq for item in (await follower.next(100, 10)).items] == [seq]
    await pool.close()


async def test_a_machine_that_falls_silent_is_given_up_soon() -> None:
    """Over a network, the database asks after 10 s whether anybody is there, and 15 s of silence are an answer."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="nrdb-faults-") as place,
        EmbeddedPostgres(Path(place), {"listen_addresses": "127.0.0.1", "port": str(port)}),
    ):
        pool = await open_pool(f"postgresql://nrdb@127.0.0.1:{port}/nrdb", 1)
        names = ("idle", "interval", "count")
        found = [int(await pool.fetchval(f"SELECT current_setting('tcp_keepalives_{name}')")) for name in names]
        await pool.close()
    assert found == [10, 5, 3]
