"""What happens at once: two processes on one database, real HTTP, many rounds.

Whoever wins, the answers must be those of one order of events, and the database must agree with them.
"""

import asyncio
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
from tests.support.service import Service, order_fields

ROUNDS = 20
_numbers = count(90020000)


def number() -> str:
    """A number that no earlier round has used."""
    return str(next(_numbers))


def message(code: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "sender": code, "message_id": str(uuid4()), **fields}


async def at_once(*posts: tuple[Service, dict[str, Any]]) -> list[httpx.Response]:
    """All messages at the same time, each through its own process."""
    return list(await asyncio.gather(*(one.send("POST", "/messages", body["sender"], body) for one, body in posts)))


def statuses(responses: list[httpx.Response]) -> list[int]:
    return sorted(response.status_code for response in responses)


async def test_two_orders_for_one_number(service: Service) -> None:
    other = await service.second()
    won = set()
    for _ in range(ROUNDS):
        fields = order_fields(main_number=number())
        responses = await at_once(
            (service, message("TELIA", "NP_BEST", **fields)), (other, message("LYSE", "NP_BEST", **fields))
        )
        assert statuses(responses) == [201, 409]
        lost = next(response for response in responses if response.status_code == 409)
        assert service.refused(lost, "number-in-open-case")["until"] == "2026-11-23T09:00:00Z"
        page = await service.read("/cases", number=fields["main_number"])
        assert len(page["items"]) == 1
        won.add(page["items"][0]["recipient"])
    assert won <= {"TELIA", "LYSE"}
    assert await service.db.fetchval("SELECT count(*) FROM message_log") == ROUNDS


async def test_overlapping_series(service: Service) -> None:
    other = await service.second()
    for n in range(ROUNDS):
        first = 90100000 + 100 * n
        parts = [{"first": str(first), "last": str(first + 50)}, {"first": str(first + 50), "last": str(first + 99)}]
        responses = await at_once(*(
            (one, message(code, "NP_BEST", **order_fields(number_type="S", main_number=part["first"], series=[part])))
            for one, code, part in zip((service, other), ("TELIA", "LYSE"), parts, strict=True)
        ))  # fmt: skip
        assert statuses(responses) == [201, 409]
        lost = next(response for response in responses if response.status_code == 409)
        assert service.refused(lost, "number-in-open-case")["count"] == 1


async def test_one_message_twice(service: Service) -> None:
    other = await service.second()
    for _ in range(ROUNDS):
        body = message("TELIA", "NP_BEST", **order_fields(main_number=number()))
        responses = await at_once((service, body), (other, body), (service, body), (other, body))
        assert statuses(responses) == [200, 200, 200, 201]
        assert len({response.content for response in responses}) == 1
        for response in responses:
            assert (response.headers.get("idempotent-replayed") == "true") == (response.status_code == 200)
    assert await service.db.fetchval("SELECT count(*) FROM cases") == ROUNDS


async def test_one_message_id_with_two_contents(service: Service) -> None:
    other = await service.second()
    for _ in range(ROUNDS):
        body = message("TELIA", "NP_BEST", **order_fields(main_number=number()))
        responses = await at_once((service, body), (other, {**body, "main_number": number()}))
        assert statuses(responses) == [201, 409]
        lost = next(response for response in responses if response.status_code == 409)
        service.refused(lost, "duplicate-message")


async def test_the_last_room_under_the_cap(service: Service) -> None:
    other = await service.second()
    for n in range(1, ROUNDS + 1):
        await service.admin("PUT", "/caps/TELIA/2026-11-23", {"limit": n, "reason": "one more"})
        responses = await at_once(*(
            (one, message("TELIA", "NP_BEST", **order_fields(main_number=number())))
            for one in (service, other, service, other)
        ))  # fmt: skip
        assert statuses(responses) == [201, 409, 409, 409]
        for response in responses:
            if response.status_code == 409:
                facts = service.refused(response, "daily-cap-exceeded")
                assert (facts["limit"], facts["used"]) == (n, n)
    (day,) = (await service.read("/caps/TELIA", "TELIA", from_="2026-11-23", to="2026-11-24"))["items"]
    assert (day["used"], day["free"]) == (ROUNDS, 0)


async def test_cancel_against_execution(service: Service) -> None:
    other = await service.second()
    orders = set()
    for _ in range(ROUNDS):
        number_ = number()
        case_id = await service.ordered(main_number=number_)
        await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
        cancel, execute = await at_once(
            (service, message("TELIA", "NP_ANNU", case_id=case_id)),
            (other, message("TELIA", "NP_IVER", case_id=case_id)),
        )
        # A cancel is lawful before and after the execution; an execution only before the cancel.
        assert cancel.status_code == 201, cancel.text
        types = [line["type"] for line in await service.history(case_id)]
        routing = await service.read(f"/routing/{number_}", at="2026-11-23T10:00:00+01:00")
        assert routing["holder"] == "TELENOR"
        assert (await service.case(case_id))["state"] == cancel.json()["case"]["state"] == "cancelled"
        if execute.status_code == 201:
            assert types == ["NP_BEST", "NP_GODK", "NP_IVER", "NP_ANNU"]
            assert execute.json()["case"]["state"] == "scheduled"
            # Everybody who was told to execute was told to stop.
            told = [item["message"]["type"] for item in await service.inbox("LYSE", limit=1000)]
            assert told.count("NP_IVER") == told.count("NP_ANNU")
        else:
            assert types == ["NP_BEST", "NP_GODK", "NP_ANNU"]
            assert service.refused(execute, "case-state")["state"] == "cancelled"
        orders.add(tuple(types))
    assert orders


async def test_approval_against_change(service: Service) -> None:
    other = await service.second()
    for _ in range(ROUNDS):
        first = message("TELIA", "NP_BEST", **order_fields(main_number=number()))
        response = await service.send("POST", "/messages", "TELIA", first)
        case_id = response.json()["case"]["case_id"]
        change = message("TELIA", "NP_ENDR", case_id=case_id, porting_time="2026-11-24T10:00:00+01:00")
        approved, changed = await at_once(
            (service, message("TELENOR", "NP_GODK", case_id=case_id, answers=first["message_id"])),
            (other, change),
        )
        # The change is lawful either way; the approval only of what it answers.
        assert changed.status_code == 201, changed.text
        types = [line["type"] for line in await service.history(case_id)]
        case = await service.case(case_id)
        assert (case["state"], case["porting_time"]) == ("awaiting_donor", "2026-11-24T09:00:00Z")
        if approved.status_code == 201:
            assert types == ["NP_BEST", "NP_GODK", "NP_ENDR"]
            assert approved.json()["case"]["porting_time"] == "2026-11-23T09:00:00Z"
        else:
            assert types == ["NP_BEST", "NP_ENDR"]
            assert service.refused(approved, "stale-answer")["newest"] == change["message_id"]
    caps = await service.read("/caps/TELIA", "TELIA", from_="2026-11-23", to="2026-11-25")
    assert [day["used"] for day in caps["items"]] == [0, ROUNDS]


async def test_the_last_reports_complete_the_case_once(service: Service) -> None:
    other = await service.second()
    case_id = await service.case_in("awaiting_completion")
    missing = (await service.case(case_id))["completion"]["missing"]
    assert len(missing) > 5
    responses = await at_once(*(
        ((service, other)[place % 2], message(code, "NP_FERD", case_id=case_id))
        for place, code in enumerate(missing)
    ))  # fmt: skip
    assert statuses(responses) == [201] * len(missing)
    assert [r.json()["case"]["state"] for r in responses].count("completed") == 1
    case = await service.case(case_id)
    assert (case["state"], case["completion"]["missing"]) == ("completed", [])
    assert (await service.inbox_types("TELENOR")).count("NOTICE completed") == 1


async def test_orders_while_the_clock_moves(service: Service) -> None:
    """A message is wholly before a move of the clock or wholly after it."""
    other = await service.second()
    moves = 0
    for n in range(10):
        body = message(
            "TELIA", "NP_BEST", **order_fields(main_number=number(), porting_time="2026-11-24T10:00:00+01:00")
        )
        move = {"advance": "PT1M"}
        before = await service.now()
        posted, moved = await asyncio.gather(
            other.send("POST", "/messages", "TELIA", body), service.send("PUT", "/sandbox/clock", "ADMIN", move)
        )
        assert (posted.status_code, moved.status_code) == (201, 200), (n, posted.text, moved.text)
        after = await service.now()
        moves += (after - before).total_seconds() == 60
        assert posted.json()["accepted_at"] in {at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in (before, after)}
    assert moves == 10
