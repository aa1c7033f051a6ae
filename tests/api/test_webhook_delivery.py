"""What is posted to webhooks, by real workers to real receivers: in order, to whom it concerns, as it is set."""

import asyncio
from contextlib import AsyncExitStack

import asyncpg
import pytest
from tests.support.hooks import Hook, hook
from tests.support.service import KARI, Service, eventually
from tests.support.webhooks import attempts, orders, put, state, until_at, worker

from nrdb.delivery.webhooks import pusher


async def test_items_come_in_order_one_at_a_time_and_as_in_the_inbox(service: Service) -> None:
    """Those that were there and those that come, each once, signed, and the very same as a poll shows."""
    items = await orders(service, *range(6))
    async with hook() as found:
        secret = await put(service, "TELENOR", found.url)
        async with worker(service):
            await found.count(6)
            items = await orders(service, *range(6, 12))
            posts = await found.count(12)
            await until_at(service, items[-1]["seq"])
        assert [post.item for post in posts] == items
        assert [post.id for post in posts] == [f"item_TELENOR_{item['seq']}" for item in items]
        assert posts[0].headers["content-type"] == "application/json"
        for post in posts:
            post.verify(secret)
        assert found.most_at_once == 1
    # Delivered is not acknowledged: what a system has stored, it says itself.
    status = await service.read("/inbox/status", "TELENOR")
    assert (status["acknowledged"], status["unacknowledged"]) == (0, 12)
    seen = await state(service)
    assert (seen["pending"], seen["attempts"], seen["failing_since"]) == (0, 0, None)
    assert seen["delivered_at"] is not None
    assert await attempts(service) == [(item["seq"], "delivered", 204) for item in items]


async def test_only_the_types_that_are_wanted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is not wanted is passed over, so that nothing is kept for it."""
    for n in range(2):
        case_id = await service.ordered(main_number=f"9001234{n}")
        await service.accepted("TELIA", "NP_ENDR", case_id=case_id, porting_time="2026-11-23T11:00:00+01:00")
    items = await service.inbox("TELENOR")
    assert [item["message"]["type"] for item in items] == ["NP_BEST", "NP_ENDR"] * 2
    async with hook() as found:
        await put(service, "TELENOR", found.url, types=["NP_ENDR"])
        async with worker(service):
            posts = await found.count(2)
            await until_at(service, items[3]["seq"])
        assert [post.seq for post in posts] == [items[1]["seq"], items[3]["seq"]]
        # Nothing that is wanted: the position moves on all the same, only not for every item.
        monkeypatch.setattr(pusher, "_IDLE", 0.2)
        await put(service, "TELENOR", found.url, types=["NOTICE"], after=0)
        async with worker(service):
            await until_at(service, items[3]["seq"])
        assert len(found.posts) == 2
        assert (await state(service))["state"] == "on"


async def test_several_codes_at_one_address(service: Service) -> None:
    """The same broadcast to each, under different ids."""
    await service.case_in("scheduled")
    async with hook() as found:
        secrets = {code: await put(service, code, found.url) for code in ("DSB", "LYSE")}
        async with worker(service):
            posts = await found.count(2)
        assert len({post.id for post in posts}) == 2
        assert {post.item["to"] for post in posts} == set(secrets)
        for post in posts:
            post.verify(secrets[post.item["to"]])


async def test_personal_data_go_to_the_parties_only(service: Service) -> None:
    case_id = await service.ordered()
    await service.accepted("TELENOR", "NP_GODK", case_id=case_id)
    await service.accepted("TELIA", "NP_IVER", case_id=case_id)
    await service.accepted("LYSE", "NP_FIVE", case_id=case_id, comment="the comment of LYSE")
    async with AsyncExitStack() as stack:
        receivers: dict[str, Hook] = {}
        for code in ("TELENOR", "TELIA", "DSB", "LYSE"):
            receivers[code] = await stack.enter_async_context(hook())
            await put(service, code, receivers[code].url)
        async with worker(service):
            for code, found in receivers.items():
                items = await service.inbox(code)
                posts = await found.count(len(items))
                assert [post.item for post in posts] == items
        assert KARI["name"] in receivers["TELENOR"].posts[0].body.decode()
        assert "the comment of LYSE" in receivers["TELIA"].posts[-1].body.decode()
        for code in ("DSB", "LYSE"):
            said = b"".join(post.body for post in receivers[code].posts).decode()
            assert KARI["name"] not in said
            assert "the comment of LYSE" not in said


async def test_two_workers_send_nothing_twice(service: Service) -> None:
    async with hook() as found, worker(service), worker(service):
        await put(service, "TELENOR", found.url)
        items = await orders(service, *range(30))
        await found.count(30)
        await until_at(service, items[-1]["seq"])
        assert [post.seq for post in found.posts] == [item["seq"] for item in items]
        assert found.most_at_once == 1


async def test_a_change_is_noticed_while_an_attempt_hangs(service: Service) -> None:
    """Another address, and none: what was under way is given up."""
    items = await orders(service, 1)
    async with hook() as old, hook() as new:
        old.held.clear()
        await put(service, "TELENOR", old.url)
        async with worker(service):
            await old.count(1)
            await put(service, "TELENOR", new.url)
            (post,) = await new.count(1, 4)
            assert post.seq == items[0]["seq"]
            await until_at(service, post.seq)
            new.held.clear()
            items = await orders(service, 2)
            await new.count(2)
            assert (await service.send("DELETE", "/webhook", "TELENOR", None)).status_code == 204
            await eventually(lambda: _no_courier(new), 4)
            new.held.set()
        assert await service.db.fetchval("SELECT count(*) FROM webhook") == 0
        assert len(old.posts) == 1


async def _no_courier(found: Hook) -> bool:
    return found.at_once == 0


async def test_a_rotated_secret_signs_the_next_attempt(service: Service) -> None:
    """Both sign while both live, so a receiver may change over at any time within the day."""
    async with hook() as found:
        old = await put(service, "TELENOR", found.url)
        async with worker(service):
            await orders(service, 1)
            await found.count(1)
            new = (await service.send("POST", "/webhook/secret", "TELENOR", None)).json()["secret"]
            await orders(service, 2)
            posts = await found.count(2)
        posts[0].verify(old)
        posts[1].verify(old)
        posts[1].verify(new)


async def test_an_open_transaction_holds_items_back_and_none_is_passed(service: Service) -> None:
    """Never beyond the horizon: what commits later with a lower place still comes first."""
    async with hook() as found:
        await put(service, "TELENOR", found.url)
        async with worker(service):
            await orders(service, 1)
            await found.count(1)
            other = await asyncpg.connect(service.dsn)
            try:
                transaction = other.transaction()
                await transaction.start()
                await other.execute("INSERT INTO inbox (to_code, log_id) SELECT 'TELENOR', max(id) FROM message_log")
                await service.ordered(main_number="90012350")
                await asyncio.sleep(0.5)
                assert len(found.posts) == 1
                await transaction.commit()
            finally:
                await other.close()
            posts = await found.count(3)
        assert [post.seq for post in posts] == [item["seq"] for item in await service.inbox("TELENOR")]


async def test_old_attempts_and_dead_secrets_are_taken_away(service: Service) -> None:
    async with hook() as found:
        await put(service, "TELENOR", found.url)
        await service.send("POST", "/webhook/secret", "TELENOR", None)
        for _ in range(2):
            await service.send("POST", "/webhook/test", "TELENOR", None)
    await service.db.execute("UPDATE webhook SET old_secret_until = clock_timestamp()")
    await service.db.execute(
        "UPDATE webhook_attempt SET at = at - interval '30 days 1 minute'"
        " WHERE id = (SELECT min(id) FROM webhook_attempt)"
    )
    async with worker(service):

        async def gone() -> bool:
            return bool(await service.db.fetchval("SELECT old_secret IS NULL FROM webhook"))

        await eventually(gone)
    assert await service.db.fetchval("SELECT count(*) FROM webhook_attempt") == 1
