"""The same message at once, while the clock passes a boundary: one 201 and then its replay, or refused both times.

Time passes by itself between two decisions, as it does where no sandbox clock stands still. Who has to wait, waits for
a lock that the test holds, so every order of events here is the one meant.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from tests.support.service import Service, eventually, local, order_fields

#: The earliest time that an order may name when the tests begin (T9): a moment later it is too early.
EARLIEST = local("2026-11-23 08:35")
DAY = EARLIEST.date()
#: What every write waits for, before it looks whether the same message was refused.
WORLD = "SELECT pg_advisory_xact_lock(7267, 1)"
#: What an order waits for at the very end of its write.
ROOM = "SELECT FROM cap_day WHERE code = 'TELIA' FOR UPDATE"


@asynccontextmanager
async def holding(service: Service, statement: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction in which the statement has been run, to be ended by the test."""
    connection = await asyncpg.connect(service.dsn)
    try:
        await connection.execute("BEGIN")
        await connection.execute(statement)
        yield connection
    finally:
        await connection.close()


async def waiting(service: Service, number: int) -> None:
    """So many decisions wait for a lock."""

    async def found() -> bool:
        # By sessions: one that waits for a row may stand in two queues.
        return bool(
            number
            == await service.db.fetchval(
                """
                SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
                 WHERE NOT granted AND datname = current_database()
                """
            )
        )

    await eventually(found)


def post(one: Service, body: dict[str, Any]) -> "asyncio.Task[httpx.Response]":
    """The message on its way."""
    return asyncio.create_task(one.send("POST", "/messages", "TELIA", body))


def order(**fields: Any) -> dict[str, Any]:
    """An order whose porting time is too early a moment after the tests begin."""
    fields = order_fields(porting_time=EARLIEST.isoformat(), **fields)
    return {"type": "NP_BEST", "sender": "TELIA", "message_id": str(uuid4()), **fields}


@pytest.fixture(params=["one process", "two processes"])
async def other(request: pytest.FixtureRequest, service: Service) -> Service:
    """Where the second one goes."""
    return service if request.param == "one process" else await service.second()


async def passes(service: Service) -> None:
    """From now on such orders are refused."""
    await service.time_passes(await service.now() + timedelta(minutes=1))


async def test_the_second_waits_for_one_that_is_being_written(service: Service, other: Service) -> None:
    await service.admin("PUT", f"/caps/TELIA/{DAY}", {"limit": 10, "reason": "a row to wait for"})
    body = order()
    async with holding(service, ROOM) as held:
        first = post(service, body)
        await waiting(service, 1)
        await passes(service)
        second = post(other, body)
        await waiting(service, 2)
        await held.execute("ROLLBACK")
        answers = await asyncio.gather(first, second)
    assert [answer.status_code for answer in answers] == [201, 200], answers[1].text
    assert answers[0].content == answers[1].content
    assert await service.db.fetchval("SELECT count(*) FROM refusal") == 0


async def test_one_that_comes_too_late_to_be_written_is_decided_on_again(service: Service, other: Service) -> None:
    """It was lawful when it was looked at; by the time it is written, the same message has been refused."""
    body = order()
    async with holding(service, WORLD) as held:
        first = post(service, body)
        await waiting(service, 1)
        await passes(service)
        service.refused(await post(other, body), "porting-time-too-early", "T9")
        await held.execute("ROLLBACK")
        service.refused(await first, "porting-time-too-early", "T9")
    assert await service.db.fetchval("SELECT count(*) FROM message_log") == 0
    refused = await service.db.fetch("SELECT sender, code, message_id::text FROM refusal")
    assert [tuple(row) for row in refused] == [("TELIA", "porting-time-too-early", body["message_id"])] * 2


async def test_the_same_of_a_message_about_a_case(service: Service, other: Service) -> None:
    """A cancel is looked at exactly 30 minutes before the porting time, which is allowed, and written after."""
    case_id = await service.ordered(porting_time=EARLIEST.isoformat())
    body = {"type": "NP_ANNU", "sender": "TELIA", "message_id": str(uuid4()), "case_id": case_id}
    await service.time_passes(EARLIEST - timedelta(minutes=30))
    async with holding(service, WORLD) as held:
        first = post(service, body)
        await waiting(service, 1)
        await passes(service)
        service.refused(await post(other, body), "stop-too-late", "T12")
        await held.execute("ROLLBACK")
        service.refused(await first, "stop-too-late", "T12")
    assert (await service.case(case_id))["state"] == "awaiting_donor"


async def batch(one: Service, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers to the lines of a batch."""
    headers = {**one.headers("TELIA"), "Content-Type": "application/x-ndjson"}
    content = "".join(f"{json.dumps(body)}\n" for body in bodies)
    answer = await one.client.post("/v1/messages/batch", headers=headers, content=content)
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_lines_of_batches_wait_too(service: Service, other: Service) -> None:
    """Decided with others, in one go: the others are answered as if nothing had been."""
    await service.admin("PUT", f"/caps/TELIA/{DAY}", {"limit": 10, "reason": "a row to wait for"})
    same = order()
    late = order_fields(porting_time=(EARLIEST + timedelta(days=1)).isoformat(), main_number="90012346")
    lawful = {"type": "NP_BEST", "sender": "TELIA", "message_id": str(uuid4()), **late}
    async with holding(service, ROOM) as held:
        first = asyncio.create_task(batch(service, same, order(main_number="90012347")))
        await waiting(service, 1)
        await passes(service)
        second = asyncio.create_task(batch(other, same, lawful, order(main_number="90012348")))
        await waiting(service, 2)
        await held.execute("ROLLBACK")
        answers = await asyncio.gather(first, second)
    assert [line["status"] for line in answers[0]] == [201, 201]
    assert [line["status"] for line in answers[1]] == [200, 201, 409]
    assert await service.db.fetchval("SELECT count(*) FROM refusal") == 1


async def test_lines_of_batches_are_decided_on_again(service: Service, other: Service) -> None:
    same, alone = order(), order(main_number="90012346")
    async with holding(service, WORLD) as held:
        first = asyncio.create_task(batch(service, same, alone))
        await waiting(service, 1)
        await passes(service)
        refused = await batch(other, same, order(main_number="90012347"))
        assert [line["status"] for line in refused] == [409, 409]
        await held.execute("ROLLBACK")
        assert [line["status"] for line in await first] == [409, 409]
    assert await service.db.fetchval("SELECT count(*) FROM message_log") == 0
    assert await service.db.fetchval("SELECT count(*) FROM refusal") == 4


async def test_a_refused_message_may_be_sent_again_at_once(service: Service) -> None:
    """Also while the clock stands still, and under the same id, with what was wrong put right."""
    body = order(main_number="02800")
    service.refused(await post(service, body), "five-digit-message-required")
    answer = await post(service, {**body, "main_number": "90012345"})
    assert answer.status_code == 201, answer.text
    service.refused(await post(service, body), "duplicate-message")
