"""After its time a person is gone from the database, and the case remains."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.support.search import find_in_database
from tests.support.server import Databases

from nrdb.db import Pool, acquire, open_pool
from nrdb.erasure import BATCH, erase, seal
from nrdb.settings import Settings
from nrdb.vault import Vault
from nrdb.worker import Housekeeping

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SETTINGS = Settings()
RETENTION = SETTINGS.retention
TICK = timedelta(microseconds=1)
VAULT = Vault(os.urandom(32), os.urandom(32))
KARI = {"customer": {"name": "Kari Nordmann", "birth_date": "1980-01-31"}}
WORDS = ("Kari Nordmann", "1980-01-31")
_CASE = """
INSERT INTO cases (case_id, kind, state, version, donor, main_number, number_count, effective_time, created_at,
                   updated_at, personal_until)
VALUES ($1, 'porting', 'completed', 3, 'TELENOR', 4790012345, 1, $2, $2, $2, $3)
"""
_LINE = """
INSERT INTO message_log (id, at, type, sender, message_id, digest, case_id, body, sealed, personal)
VALUES (nextval('message_log_id_seq'), $1, 'NP_BEST', 'TELIA', $2, $3, $4, '{"customer": null}', $5, $6) RETURNING id
"""


@pytest.fixture
async def pool(databases: Databases) -> AsyncIterator[Pool]:
    async with databases.sandbox(NOW) as dsn:
        found = await open_pool(dsn, 4)
        yield found
        await found.close()


async def new_case(pool: Pool, personal_until: datetime | None, lines: int = 2) -> UUID:
    """A case with so many lines that hold Kari."""
    case_id = uuid4()
    async with acquire(pool) as db:
        await db.execute(_CASE, case_id, NOW - timedelta(days=200), personal_until)
    for _ in range(lines):
        await new_line(pool, case_id, sealed=True)
    return case_id


async def new_line(pool: Pool, case_id: UUID, *, sealed: bool, content: dict[str, Any] | None = None) -> int:
    """A line of the log that holds Kari, sealed or in the open."""
    digest = hashlib.sha256(b"content").digest()
    secret, plain = (VAULT.seal(content or KARI), None) if sealed else (None, content or KARI)
    async with acquire(pool) as db:
        found: int = await db.fetchval(_LINE, NOW, uuid4(), digest, case_id, secret, plain)
    return found


async def new_right(pool: Pool, until: datetime | None) -> int:
    """A right of use of some five-digit number."""
    async with acquire(pool) as db:
        found: int = await db.fetchval(
            "INSERT INTO right_of_use (number, sealed, since, until) VALUES ($1, $2, $3, $4) RETURNING id",
            4_700_000 + await db.fetchval("SELECT count(*) FROM right_of_use"), VAULT.seal(KARI), NOW, until,
        )  # fmt: skip
    return found


async def erase_all(pool: Pool, limit: int = BATCH) -> list[int]:
    """Erase until nothing is due; how many at a time."""
    counts: list[int] = []
    async with acquire(pool) as db:
        while not counts or counts[-1]:
            async with db.transaction():
                counts.append(await erase(db, RETENTION, limit))
    return counts[:-1]


async def holders(pool: Pool) -> set[UUID]:
    """The cases that still hold somebody."""
    async with acquire(pool) as db:
        rows = await db.fetch("SELECT case_id FROM message_log WHERE sealed IS NOT NULL OR personal IS NOT NULL")
    return {row["case_id"] for row in rows}


async def test_at_the_instant_and_not_before(pool: Pool) -> None:
    due = await new_case(pool, NOW - RETENTION)
    kept = {await new_case(pool, until) for until in (NOW - RETENTION + TICK, NOW, NOW + RETENTION)}
    assert await erase_all(pool) == [1]
    assert await holders(pool) == kept
    async with acquire(pool) as db:
        assert await db.fetchval("SELECT personal_until FROM cases WHERE case_id = $1", due) is None
        await db.execute("UPDATE world SET sandbox_now = $1", NOW + TICK)
    assert await erase_all(pool) == [1]
    assert len(await holders(pool)) == 2


async def test_the_case_and_its_history_remain(pool: Pool) -> None:
    """Only what was sealed goes; the version stays, so that nothing in flight has to start again."""
    await new_case(pool, NOW - RETENTION, lines=3)
    query = "SELECT (to_jsonb(c) - 'personal_until')::text FROM cases c"
    log = "SELECT array_agg((to_jsonb(m) - 'sealed')::text ORDER BY id) FROM message_log m"
    async with acquire(pool) as db:
        before = await db.fetchval(query), await db.fetchval(log)
        assert await erase_all(pool) == [1]
        assert (await db.fetchval(query), await db.fetchval(log)) == before
        assert await db.fetchval("SELECT version FROM cases") == 3


async def test_lines_in_the_open_go_too(pool: Pool) -> None:
    case_id = await new_case(pool, NOW - RETENTION, lines=0)
    await new_line(pool, case_id, sealed=False)
    async with acquire(pool) as db:
        assert await find_in_database(db, WORDS) == sorted(f"message_log.personal: {word}" for word in WORDS)
        await erase_all(pool)
        assert await find_in_database(db, WORDS) == []


async def test_a_right_of_use_goes_so_long_after_the_return(pool: Pool) -> None:
    due = await new_right(pool, NOW - RETENTION)
    kept = {await new_right(pool, until) for until in (None, NOW - RETENTION + TICK, NOW)}
    assert await erase_all(pool) == [1]
    async with acquire(pool) as db:
        rows = await db.fetch("SELECT id, sealed, until FROM right_of_use")
    assert {row["id"] for row in rows if row["sealed"] is not None} == kept
    assert [row["until"] for row in rows if row["id"] == due] == [NOW - RETENTION]


async def test_it_goes_in_batches_the_oldest_first(pool: Pool) -> None:
    cases = [await new_case(pool, NOW - RETENTION - timedelta(days=n), lines=1) for n in range(5)]
    for _ in range(3):
        await new_right(pool, NOW - RETENTION)
    async with acquire(pool) as db, db.transaction():
        assert await erase(db, RETENTION, 2) == 4
    assert await holders(pool) == set(cases[:3])
    assert await erase_all(pool, 2) == [3, 1]


async def test_a_case_in_hand_is_found_by_the_next_look(pool: Pool) -> None:
    """A message in flight is neither waited for nor made to start again, and what it logs is erased afterwards."""
    case_id = await new_case(pool, NOW - RETENTION)
    async with acquire(pool) as message:
        transaction = message.transaction()
        await transaction.start()
        changed = await message.execute(
            "UPDATE cases SET version = 4, personal_until = $2 WHERE case_id = $1 AND version = 3",
            case_id, NOW - RETENTION,
        )  # fmt: skip
        assert changed == "UPDATE 1"
        await message.execute(_LINE, NOW, uuid4(), b"", case_id, VAULT.seal(KARI), None)
        assert await erase_all(pool) == []
        await transaction.commit()
    assert await erase_all(pool) == [1]
    assert await holders(pool) == set()


async def test_a_message_that_was_decided_before_logs_the_customer_once_more(pool: Pool) -> None:
    """Its version is still right after the erasure, and what it says of the retention brings the next look."""
    case_id = await new_case(pool, NOW - RETENTION)
    assert await erase_all(pool) == [1]
    async with acquire(pool) as db:
        changed = await db.execute(
            "UPDATE cases SET version = 4, personal_until = $2 WHERE case_id = $1 AND version = 3",
            case_id, NOW - RETENTION,
        )  # fmt: skip
        assert changed == "UPDATE 1"
    await new_line(pool, case_id, sealed=True)
    assert await erase_all(pool) == [1]
    assert await holders(pool) == set()


async def test_what_stands_in_the_open_is_sealed_once(pool: Pool) -> None:
    case_id = await new_case(pool, NOW, lines=1)
    ids = [await new_line(pool, case_id, sealed=False) for _ in range(5)]
    async with acquire(pool) as db:
        before = await db.fetch("SELECT id, sealed, digest FROM message_log WHERE personal IS NULL ORDER BY id")
        counts = []
        for _ in range(4):
            async with db.transaction():
                counts.append(await seal(db, VAULT, 2))
        assert counts == [2, 2, 1, 0]
        assert await find_in_database(db, WORDS) == []
        rows = await db.fetch("SELECT id, sealed, digest FROM message_log ORDER BY id")
    assert [row for row in rows if row["id"] not in ids] == before
    for row in rows:
        assert VAULT.open(row["sealed"]) == KARI
        plain = hashlib.sha256(b"content").digest()
        assert row["digest"] == (VAULT.mac(plain) if row["id"] in ids else plain)


@pytest.mark.parametrize(
    ("due_at", "updated_at", "runs_from"),
    [(NOW, NOW - TICK, NOW), (None, NOW - TICK, NOW - TICK), (None, NOW + TICK, NOW)],
    ids=["waits for its time", "closed before", "closed after"],
)
async def test_a_case_that_an_older_process_opened_gets_its_retention(
    pool: Pool, due_at: datetime | None, updated_at: datetime, runs_from: datetime
) -> None:
    """It runs from the porting time or the close, whichever is first."""
    case_id = await new_case(pool, None, lines=0)
    await new_line(pool, case_id, sealed=False)
    async with acquire(pool) as db:
        await db.execute("UPDATE cases SET effective_time = $1, due_at = $2, updated_at = $3", NOW, due_at, updated_at)
        async with db.transaction():
            assert await seal(db, VAULT, BATCH) == 1
        assert await db.fetchval("SELECT personal_until FROM cases") == runs_from


async def test_many_may_seal_and_erase_at_once(pool: Pool) -> None:
    cases = [await new_case(pool, NOW - RETENTION if n % 2 else NOW, lines=1) for n in range(20)]
    for case_id in cases:
        await new_line(pool, case_id, sealed=False)

    async def work() -> None:
        async with acquire(pool) as db:
            for _ in range(20):
                async with db.transaction():
                    await seal(db, VAULT, 3)
                    await erase(db, RETENTION, 3)

    await asyncio.gather(*(work() for _ in range(4)))
    assert await holders(pool) == {case_id for n, case_id in enumerate(cases) if n % 2 == 0}
    async with acquire(pool) as db:
        assert await find_in_database(db, WORDS) == []
        for sealed, digest in await db.fetch("SELECT sealed, digest FROM message_log WHERE sealed IS NOT NULL"):
            assert VAULT.open(sealed) == KARI
            assert digest in (VAULT.mac(plain := hashlib.sha256(b"content").digest()), plain)


async def test_one_worker_at_a_time_keeps_house(pool: Pool) -> None:
    """The others have nothing to do meanwhile, and look again later."""
    await new_case(pool, NOW - RETENTION)
    async with acquire(pool) as held, held.transaction():
        await held.execute("SELECT pg_advisory_xact_lock(7267, 4)")
        assert not await Housekeeping(pool, VAULT, SETTINGS).look()
    housekeeping = Housekeeping(pool, VAULT, SETTINGS)
    assert await housekeeping.look()
    assert await holders(pool) == set()
    # Nothing more is due; from now on it looks each minute.
    assert not await housekeeping.look()
    await new_case(pool, NOW - RETENTION)
    assert not await housekeeping.look()
    assert len(await holders(pool)) == 1


async def test_what_is_due_is_found_by_index(pool: Pool) -> None:
    """A look costs the same whatever the number of cases."""
    due = "SELECT case_id FROM cases WHERE personal_until <= (SELECT nrdb_now()) - '90 days'::interval"
    statements = {
        "ix_cases_personal": f"{due} ORDER BY personal_until LIMIT 5 FOR UPDATE SKIP LOCKED",
        "ix_message_log_personal": "SELECT id FROM message_log WHERE personal IS NOT NULL ORDER BY id LIMIT 5",
    }
    async with acquire(pool) as db:
        for index, statement in statements.items():
            plan = "\n".join(row[0] for row in await db.fetch(f"EXPLAIN {statement}"))
            assert index in plan


async def test_the_database_keeps_no_row_that_erasure_cannot_reach(pool: Pool) -> None:
    """Sealed data stand in two tables only, both with a time to be erased at."""
    async with acquire(pool) as db:
        rows = await db.fetch(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'sealed' ORDER BY table_name"
        )
    assert [row[0] for row in rows] == ["message_log", "right_of_use"]
