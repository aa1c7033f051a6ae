"""The end of a fault: what was promised, what was read, and what stands in the database must be the same."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
from tests.support.cluster import LONG, Cluster
from tests.support.followers import WAYS, Follower
from tests.support.load import AHEAD, PARTIES, Load, let_time_pass
from tests.support.service import eventually

_NOTHING_DUE = "SELECT NOT exists (SELECT FROM cases WHERE due_at <= nrdb_now())"
#: Statements that must find nothing, and what it would mean if they did.
NEVER = {
    "a case became obsolete or completed, and a party was not told, or twice": """
        SELECT c.case_id, c.state, party, count(i.seq)
          FROM cases c
          CROSS JOIN unnest(ARRAY[c.recipient, c.donor]) AS party
          LEFT JOIN message_log m ON m.case_id = c.case_id AND m.type = 'NOTICE' AND m.body->>'notice' = c.state
          LEFT JOIN inbox i ON i.log_id = m.id AND i.to_code = party
         WHERE c.state IN ('obsolete', 'completed')
         GROUP BY 1, 2, 3 HAVING count(i.seq) <> 1""",
    "time did the same to a case twice": """
        SELECT case_id, from_state, to_state FROM message_log WHERE type = 'time'
         GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    "something is due that nobody has written down": """
        SELECT case_id, state FROM cases WHERE due_at <= nrdb_now()""",
    "a line of the log was delivered to somebody twice": """
        SELECT log_id, to_code FROM inbox GROUP BY 1, 2 HAVING count(*) > 1""",
    "an item stands in an inbox without its line in the log": """
        SELECT i.to_code, i.seq FROM inbox i LEFT JOIN message_log m ON m.id = i.log_id WHERE m.id IS NULL""",
    "an order, an answer or a cancellation was not delivered to exactly one": """
        SELECT m.id, m.type FROM message_log m LEFT JOIN inbox i ON i.log_id = m.id
         WHERE m.type IN ('NP_BEST', 'NP_GODK', 'NP_FBES') GROUP BY 1, 2 HAVING count(i.seq) <> 1""",
    "an execution was not delivered to every active terminating provider and the donor, less the recipient": """
        SELECT m.id FROM message_log m JOIN cases c USING (case_id) LEFT JOIN inbox i ON i.log_id = m.id
         WHERE m.type = 'NP_IVER' GROUP BY m.id, c.recipient, c.donor
        HAVING array_agg(i.to_code ORDER BY i.to_code) <> (
               SELECT array_agg(code ORDER BY code) FROM provider
                WHERE (active AND terminating OR code = c.donor) AND code NOT IN (c.recipient, '0'))""",
    "a history does not hang together": """
        SELECT case_id FROM (
            SELECT case_id, from_state, lag(to_state) OVER (PARTITION BY case_id ORDER BY id) AS before
              FROM message_log WHERE case_id IS NOT NULL AND type <> 'NOTICE') h
         WHERE from_state IS DISTINCT FROM before""",
}


@asynccontextmanager
async def under_load(service: Cluster, moments: random.Random) -> AsyncIterator[Load]:
    """Three providers work and are followed in each way while the block runs; then everything is compared."""
    keys = service.keys()
    load = Load(service.addresses, keys, service.dsn, moments)
    followers = [Follower(code, way, service.addresses, keys[code], moments) for code in PARTIES for way in WAYS]
    async with asyncio.TaskGroup() as group:
        working = group.create_task(load.run())
        moving = group.create_task(load.move_clock_on(1.0))
        following = [group.create_task(follower.run()) for follower in followers]
        await load.grow(20)
        yield load
        load.stopping.set()
        await asyncio.gather(working, moving)
        await service.ready()
        await reckon(load, followers)
        for task in following:
            task.cancel()
    assert service.faults() == []
    print(len(load.answered), "accepted;", dict(load.trouble), {str(one): dict(one.trouble) for one in followers})


async def reckon(load: Load, followers: Sequence[Follower]) -> None:
    """Let everything become due, wait until it is written down and read, and compare."""
    assert await let_time_pass(load.dsn, load.now + 2 * AHEAD)
    connection = await asyncpg.connect(load.dsn)
    try:
        async with asyncio.timeout(LONG):
            await eventually(partial(connection.fetchval, _NOTHING_DUE), LONG)
            for follower in followers:
                newest = await connection.fetchval(
                    "SELECT coalesce(max(seq), 0) FROM inbox WHERE to_code = $1", follower.code
                )
                await follower.reach(newest)
        await _compare_messages(connection, load)
        for meaning, statement in NEVER.items():
            assert await connection.fetch(statement) == [], meaning
        for follower in followers:
            await _compare_inbox(connection, follower)
    finally:
        connection.terminate()


async def _compare_messages(connection: asyncpg.Connection, load: Load) -> None:
    """Every 201 is in the log exactly once, with the case it named, and nothing else is."""
    rows = await connection.fetch(
        """
        SELECT sender, message_id::text, case_id::text FROM message_log
         WHERE type NOT IN ('time', 'NOTICE', 'waive') AND sender NOT IN ('NRDB', '0')
        """
    )
    written = [(row["sender"], row["message_id"]) for row in rows]
    assert len(written) == len(set(written)), "a message stands in the log twice"
    promised = {name: answer["case"]["case_id"] for name, answer in load.answered.items()}
    lost = promised.keys() - set(written)
    assert not lost, f"{len(lost)} messages were accepted and are not in the log"
    unasked = set(written) - promised.keys()
    assert not unasked, f"{len(unasked)} messages are in the log and were never answered"
    assert dict(zip(written, (row["case_id"] for row in rows), strict=True)) == promised


async def _compare_inbox(connection: asyncpg.Connection, follower: Follower) -> None:
    """The follower has seen every item of its code once, in order, and none that is not there."""
    rows = await connection.fetch(
        """
        SELECT i.seq, m.message_id::text FROM inbox i JOIN message_log m ON m.id = i.log_id
         WHERE i.to_code = $1 ORDER BY i.seq
        """,
        follower.code,
    )
    wanted = [(row["seq"], row["message_id"]) for row in rows]
    if follower.seen != wanted:
        skipped = sorted(set(wanted) - set(follower.seen))
        unknown = sorted(set(follower.seen) - set(wanted))
        raise AssertionError(f"{follower}: skipped {skipped[:5]} ({len(skipped)}), made up {unknown[:5]}")
