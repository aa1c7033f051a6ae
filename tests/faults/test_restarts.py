"""PostgreSQL is restarted under load: "come again" in the meantime, and then everything goes on by itself."""

import asyncio
import signal

from tests.db.test_tail import looking, say
from tests.support.cluster import OwnPostgres
from tests.support.service import eventually

from nrdb.db import acquire, open_pool
from nrdb.delivery.tail import Follower
from nrdb.migrate import upgrade


async def test_numbers_that_are_given_again_after_a_crash(postgres: OwnPostgres) -> None:
    """A crash takes back numbers whose writers have failed; who had seen them settled must not pass their second use."""
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
