"""Personal data: where they never stand, and that the sandbox clock erases them in time."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.search import find_in_database
from tests.support.service import Service, local

from nrdb.data_key import open_vault
from nrdb.db import acquire, open_pool
from nrdb.erasure import BATCH, seal

PORTING_TIME = local("2026-11-23 10:00")
#: What nobody but the parties of a case may ever find.
SECRETS: dict[str, Any] = {
    "customer": {"name": "Åse Frydenlund", "birth_date": "1971-07-13"},
    "authorisation_reference": "fullmakt-7712",
}
WORDS = ("Åse Frydenlund", "1971-07-13", "fullmakt-7712", "ring på klokka", "Synnøve Solli", "1968-02-29", "19680229")


async def seal_the_rest(service: Service) -> None:
    """As a start does with what the first release wrote in the open."""
    pool = await open_pool(service.dsn, 1)
    async with acquire(pool) as connection, connection.transaction():
        await seal(connection, await open_vault(connection, service.settings), BATCH)
    await pool.close()


async def test_they_stand_nowhere_in_the_open(service: Service) -> None:
    """After every message that carries some: not in cases, lines, inboxes, audit, refusals; nor in metrics."""
    first = await service.ordered(**SECRETS)
    await service.accepted(
        "TELENOR",
        "NP_FBES",
        case_id=first,
        reason="owner-mismatch",
        expected={"name": "Synnøve Solli", "birth_date": "19680229"},
        comment="ring på klokka to ganger",
    )
    second = await service.ordered(**SECRETS)
    other = {"name": "Synnøve Solli", "birth_date": "1968-02-29"}
    await service.accepted("TELIA", "NP_ENDR", case_id=second, porting_time="2026-11-23T11:00:00+01:00", customer=other)
    await service.accepted("TELENOR", "NP_GODK", case_id=second)
    await service.accepted("TELIA", "NP_IVER", case_id=second)
    await service.accepted("TELENOR", "NP_FIVE", case_id=second, comment="ring på klokka to ganger")
    # Neither does what was refused.
    assert not (await service.order(customer=other)).is_success
    assert not (await service.post("TELENOR", "NP_FIVE", case_id=first, comment="ring på klokka")).is_success
    await service.clock(PORTING_TIME)
    await seal_the_rest(service)
    assert await find_in_database(service.db, WORDS) == []
    metrics = (await service.client.get("/metrics")).text
    assert not [word for word in WORDS if word in metrics]


async def test_the_clock_call_erases_what_is_due_before_it_answers(service: Service) -> None:
    """90 days after the porting time, to the second; nothing of it counts as a change of the case."""
    case_id = UUID(await service.ordered(**SECRETS))
    await seal_the_rest(service)
    await service.db.execute("UPDATE cases SET personal_until = $1", PORTING_TIME)
    await service.clock(PORTING_TIME + timedelta(days=90, seconds=-1))
    assert await service.db.fetchval("SELECT count(sealed) FROM message_log WHERE case_id = $1", case_id) > 0
    before = await service.dump("message_log", "world", "audit")
    version = await service.db.fetchval("SELECT version FROM cases")
    await service.clock(PORTING_TIME + timedelta(days=90))
    assert await service.db.fetchval("SELECT count(sealed) FROM message_log WHERE case_id = $1", case_id) == 0
    assert await service.db.fetchval("SELECT version FROM cases") == version
    changed = [table for table, rows in (await service.dump("message_log", "world", "audit")).items()
               if rows != before[table]]  # fmt: skip
    assert changed == ["cases"]
    assert (await service.case(str(case_id)))["customer"] is None


async def test_nobody_is_shown_what_is_due_to_be_erased(service: Service) -> None:
    """Without a worker and without a clock call: 90 days after the porting time the person is gone for every reader."""
    message_id = "0197a1b2-0000-4000-8000-00000000000a"
    case_id = await service.ordered(**SECRETS, message_id=message_id)
    await service.time_passes(PORTING_TIME + timedelta(days=90, seconds=-1))
    assert (await service.case(case_id, "TELENOR"))["customer"]["name"] == "Åse Frydenlund"
    await service.time_passes(PORTING_TIME + timedelta(days=90))
    assert (await service.case(case_id, "TELENOR"))["customer"] is None
    assert (await service.inbox("TELENOR"))[0]["message"]["customer"] is None
    assert (await service.read(f"/messages/{message_id}", "TELIA"))["authorisation_reference"] is None
    replay = await service.order(**SECRETS, message_id=message_id)
    assert (replay.status_code, replay.json()["case"]["customer"]) == (200, None)


async def test_the_clock_call_erases_more_than_a_batch(service: Service) -> None:
    await service.db.execute(
        """
        INSERT INTO cases (case_id, kind, state, version, donor, main_number, number_count, effective_time, created_at,
                           updated_at, personal_until)
        SELECT gen_random_uuid(), 'porting', 'completed', 1, 'TELENOR', 1, 1, $1, $1, $1, $1
          FROM generate_series(1, $2)
        """,
        PORTING_TIME,
        2 * BATCH + 1,
    )
    await service.clock(PORTING_TIME + timedelta(days=90))
    assert await service.db.fetchval("SELECT count(personal_until) FROM cases") == 0


@pytest.mark.parametrize("days", [89, 90])
async def test_a_right_of_use_is_erased_so_long_after_the_return(service: Service, days: int) -> None:
    returned = local("2026-11-23 09:00")
    vault = await open_vault(service.db, service.settings)
    await service.db.execute(
        "INSERT INTO right_of_use (number, sealed, since, until) VALUES (4702345, $1, $2, $2)",
        vault.seal({"organisation_number": "974760673", "name": "Synnøve Solli"}),
        returned,
    )
    await service.clock(returned + timedelta(days=days))
    assert await service.db.fetchval("SELECT count(sealed) FROM right_of_use") == (1 if days < 90 else 0)
