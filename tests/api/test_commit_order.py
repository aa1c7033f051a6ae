"""A committed item is seen exactly once by a reader that follows `seq`, whatever order transactions commit in."""

import asyncio
import re
from typing import Any

import asyncpg
from tests.support.service import Service

#: An item of the inbox written by hand, as a transaction that is slow to commit would.
SLOW_WRITE = """
INSERT INTO inbox (to_code, log_id) SELECT 'TELENOR', max(id) FROM message_log RETURNING seq
"""


async def read_on(service: Service, code: str, after: int) -> tuple[list[int], int]:
    page: dict[str, Any] = await service.read("/inbox", code, after=after)
    return [item["seq"] for item in page["items"]], page["next"]


async def test_readers_stop_before_a_writer_that_has_not_ended(service: Service) -> None:
    await service.ordered(main_number="90012340")
    seen, after = await read_on(service, "TELENOR", 0)
    slow = await asyncpg.connect(service.dsn)
    transaction = slow.transaction()
    await transaction.start()
    late = await slow.fetchval(SLOW_WRITE)
    # A later item commits first.
    await service.ordered(main_number="90012341")
    new, after = await read_on(service, "TELENOR", after)
    assert new == [], "a reader has passed an item that is not committed"
    status = await service.read("/inbox/status", "TELENOR")
    assert (status["newest"], status["unacknowledged"]) == (seen[-1], 1)
    response = await service.send("POST", "/inbox/ack", "TELENOR", {"through": late + 1})
    service.refused(response, "invalid-message")
    await transaction.commit()
    new, after = await read_on(service, "TELENOR", after)
    assert len(new) == 2
    assert new[0] == late
    assert new == sorted(new)
    await slow.close()


async def test_a_writer_that_fails_leaves_a_gap_only(service: Service) -> None:
    await service.ordered(main_number="90012340")
    _, after = await read_on(service, "TELENOR", 0)
    slow = await asyncpg.connect(service.dsn)
    transaction = slow.transaction()
    await transaction.start()
    late = await slow.fetchval(SLOW_WRITE)
    await service.ordered(main_number="90012341")
    assert (await read_on(service, "TELENOR", after))[0] == []
    await transaction.rollback()
    new, _ = await read_on(service, "TELENOR", after)
    assert len(new) == 1
    assert new[0] > late
    await slow.close()


async def test_a_writer_whose_connection_breaks_delays_nobody_for_long(service: Service) -> None:
    await service.ordered(main_number="90012340")
    _, after = await read_on(service, "TELENOR", 0)
    slow = await asyncpg.connect(service.dsn)
    await slow.execute("BEGIN")
    await slow.fetchval(SLOW_WRITE)
    await service.ordered(main_number="90012341")
    await service.db.execute("SELECT pg_terminate_backend($1, 5000)", slow.get_server_pid())
    slow.terminate()
    page = await service.read("/inbox", "TELENOR", after=after, wait=5)
    assert len(page["items"]) == 1


async def test_an_unrelated_open_transaction_delays_nothing(service: Service) -> None:
    """Neither in this database nor in another of the cluster."""
    other = await asyncpg.connect(service.dsn)
    elsewhere = await asyncpg.connect(re.sub(r"/test_\d+", "/nrdb", service.dsn))
    for connection in (other, elsewhere):
        await connection.execute("BEGIN")
        await connection.execute("CREATE TABLE unrelated (one int)")
        assert await connection.fetchval("SELECT txid_current()")
    # A message log line without an inbox item is no writer to the inbox either.
    await other.execute(
        "INSERT INTO audit (at, action, subject) VALUES (now(), 'test', 'an open transaction with a real row')"
    )
    after = 0
    for n in range(3):
        await service.ordered(main_number=f"9001234{n}")
        new, after = await read_on(service, "TELENOR", after)
        assert len(new) == 1
    for connection in (other, elsewhere):
        await connection.execute("ROLLBACK")
        await connection.close()


async def test_nothing_is_lost_or_doubled_under_load(service: Service) -> None:
    """Readers follow while two processes write; each reads every item once, in order."""
    other = await service.second()
    total = 60
    done = asyncio.Event()

    async def follow(one: Service) -> list[int]:
        seqs: list[int] = []
        after = 0
        while True:
            ended = done.is_set()
            new, after = await read_on(one, "TELENOR", after)
            seqs += new
            if ended and not new:
                return seqs

    async def write(one: Service, start: int) -> None:
        for n in range(start, total, 2):
            await one.ordered(main_number=str(90030000 + n))

    readers = [asyncio.create_task(follow(one)) for one in (service, other, service)]
    await asyncio.gather(write(service, 0), write(other, 1))
    done.set()
    wanted = [row[0] for row in await service.db.fetch("SELECT seq FROM inbox ORDER BY seq")]
    assert len(wanted) == total
    for reader in readers:
        assert await reader == wanted
