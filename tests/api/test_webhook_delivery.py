"""What is posted to webhooks, by real workers, to real receivers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.support.hooks import Hook, Post, Told, hook
from tests.support.service import KARI, Service, eventually, local

from nrdb.delivery.webhooks import pusher
from nrdb.worker import run_worker


@asynccontextmanager
async def worker(service: Service) -> AsyncIterator[None]:
    """A worker in this loop, with connections of its own, stopped in order at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(service.settings, service.dsn, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def put(service: Service, who: str, url: str, **form: Any) -> str:
    """Set a webhook; its secret where it is new."""
    response = await service.send("PUT", "/webhook", who, {"url": url, **form})
    assert response.is_success, response.text
    return str(response.json().get("secret"))


async def state(service: Service, who: str = "TELENOR") -> dict[str, Any]:
    return await service.read("/webhook", who)


async def attempts(service: Service, who: str = "TELENOR") -> list[tuple[int, str, int | None]]:
    """`(seq, outcome, status)`, oldest first."""
    page = await service.read("/webhook/attempts", who, limit=1000)
    return [(one["seq"], one["outcome"], one["status"]) for one in reversed(page["items"])]


async def orders(service: Service, *numbers: int) -> list[dict[str, Any]]:
    """Orders to TELENOR; the items that it has in its inbox then."""
    for n in numbers:
        await service.ordered(main_number=f"900123{n:02}")
    return await service.inbox("TELENOR")


async def until_at(service: Service, seq: int, who: str = "TELENOR") -> None:
    async def there() -> bool:
        return bool((await state(service, who))["position"] == seq)

    await eventually(there, 15)


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


async def test_a_failure_is_tried_again_under_the_same_id(service: Service) -> None:
    """The first retry comes within 5 s, and nothing overtakes the item."""
    items = await orders(service, 1, 2)
    answers: list[Told] = [500, (302, "Location: /elsewhere"), 204, 200]
    async with hook(lambda _: answers.pop(0)) as found:
        secret = await put(service, "TELENOR", found.url)
        async with worker(service):
            await found.count(1)

            async def failed() -> bool:
                return bool((await state(service))["attempts"] == 1)

            await eventually(failed)
            seen = await state(service)
            assert (seen["position"], seen["pending"], seen["state"]) == (0, 2, "on")
            assert seen["failing_since"] == seen["last_attempt"]["at"]
            left = await service.db.fetchval(
                "SELECT w.next_attempt_at - a.at FROM webhook w JOIN webhook_attempt a USING (code)"
            )
            assert timedelta(0) < left <= timedelta(seconds=5)
            assert seen["last_attempt"]["next_attempt_at"] == seen["next_attempt_at"]
            await found.count(2)
            # The redirect was not followed, and is a failure.
            await eventually(lambda: _attempts_are(service, 2))
            # Set again as it is, it is tried at once.
            await put(service, "TELENOR", found.url)
            posts = await found.count(4)
            await until_at(service, items[1]["seq"])
    assert [post.seq for post in posts] == [items[0]["seq"]] * 3 + [items[1]["seq"]]
    assert len({post.id for post in posts[:3]}) == 1
    assert len({post.body for post in posts[:3]}) == 1
    for post in posts:
        post.verify(secret)
    first, second = (item["seq"] for item in items)
    assert await attempts(service) == [
        (first, "failed", 500), (first, "failed", 302), (first, "delivered", 204), (second, "delivered", 200),
    ]  # fmt: skip
    seen = await state(service)
    assert (seen["attempts"], seen["failing_since"], seen["next_attempt_at"]) == (0, None, None)


async def _attempts_are(service: Service, count: int) -> bool:
    return len(await attempts(service)) == count


async def test_after_three_days_an_item_is_skipped_and_named(service: Service) -> None:
    items = await orders(service, 1, 2)
    first, second = (item["seq"] for item in items)
    async with hook(lambda post: 500 if post.seq == first else 204) as found:
        await put(service, "TELENOR", found.url)
        async with worker(service):
            await eventually(lambda: _attempts_are(service, 1))
            await service.db.execute(
                "UPDATE webhook SET first_attempt_at = first_attempt_at - interval '3 days',"
                " failing_since = failing_since - interval '3 days'"
            )
            await until_at(service, second)
        assert [post.seq for post in found.posts] == [first, first, second]
    assert await attempts(service) == [(first, "failed", 500), (first, "skipped", 500), (second, "delivered", 204)]
    skip = await service.db.fetchrow("SELECT s.*, i.log_id AS line FROM webhook_skip s JOIN inbox i USING (seq)")
    assert skip is not None
    assert (skip["code"], skip["seq"], skip["attempts"], skip["status"]) == ("TELENOR", first, 2, 500)
    assert skip["log_id"] == skip["line"]
    assert skip["skipped_at"] - skip["first_attempt_at"] >= timedelta(days=3)
    assert (await state(service))["skipped"] == 1
    # It stands in the inbox, and can be had again.
    assert [item["seq"] for item in await service.inbox("TELENOR")] == [first, second]
    async with hook() as found:
        await put(service, "TELENOR", found.url, after=0)
        async with worker(service):
            await until_at(service, second)
        assert [post.seq for post in found.posts] == [first, second]
    assert (await state(service))["skipped"] == 0


async def test_gone_switches_off_and_put_switches_on(service: Service) -> None:
    """With the position kept and nothing skipped."""
    items = await orders(service, 1, 2, 3)
    seqs = [item["seq"] for item in items]
    async with hook(lambda post: 410 if post.seq == seqs[1] else 204) as found:
        secret = await put(service, "TELENOR", found.url)
        async with worker(service):

            async def off() -> bool:
                return bool((await state(service))["state"] == "off")

            await eventually(off)
            seen = await state(service)
            assert (seen["position"], seen["pending"], seen["skipped"]) == (seqs[0], 2, 0)
            assert seen["next_attempt_at"] is None
            assert seen["last_attempt"]["outcome"] == "gone"
            assert (await service.read("/inbox/status", "TELENOR"))["webhook"]["state"] == "off"
            found.decide = lambda _: 204
            assert await put(service, "TELENOR", found.url) == "None"
            await until_at(service, seqs[2])
        assert [post.seq for post in found.posts] == [seqs[0], seqs[1], seqs[1], seqs[2]]
        found.posts[-1].verify(secret)


async def test_the_receiver_says_when_to_come_again(service: Service) -> None:
    await orders(service, 1)
    async with hook(lambda _: (503, "Retry-After: 1234")) as found:
        await put(service, "TELENOR", found.url)
        async with worker(service):
            await eventually(lambda: _attempts_are(service, 1))
    left = await service.db.fetchval("SELECT next_attempt_at - clock_timestamp() FROM webhook")
    assert 1200 < left.total_seconds() <= 1234


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


async def test_a_receiver_that_hangs_delays_nobody_else(service: Service) -> None:
    await service.case_in("scheduled")
    async with hook() as slow, hook() as quick:
        slow.held.clear()
        await put(service, "TELENOR", slow.url)
        await put(service, "DSB", quick.url)
        async with worker(service):
            await slow.count(1)
            (post,) = await quick.count(1)
            assert post.item["message"]["type"] == "NP_IVER"
            # Neither does it delay what is due: the case is settled meanwhile.
            await service.time_passes(local("2026-11-23 10:00"))

            async def written_down() -> bool:
                return bool(await service.db.fetchval("SELECT count(*) FROM message_log WHERE type = 'time'"))

            await eventually(written_down)
            assert len(slow.posts) == 1
            slow.held.set()
            await slow.count(2)


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


async def test_it_goes_on_where_a_worker_stopped(service: Service) -> None:
    items = await orders(service, 1, 2, 3)
    async with hook() as found:
        await put(service, "TELENOR", found.url)
        found.held.clear()
        async with worker(service):
            await found.count(1)
            asyncio.get_running_loop().call_later(0.5, found.held.set)
        # What was under way has come to its end and is recorded; nothing else was begun.
        assert [post.seq for post in found.posts] == [items[0]["seq"]]
        assert (await state(service))["position"] == items[0]["seq"]
        async with worker(service):
            await found.count(3)
        assert [post.seq for post in found.posts] == [item["seq"] for item in items]


async def test_a_worker_that_stops_does_not_wait_for_a_receiver_that_hangs(service: Service) -> None:
    items = await orders(service, 1)
    async with hook() as found:
        await put(service, "TELENOR", found.url)
        found.held.clear()
        async with asyncio.timeout(9), worker(service):
            await found.count(1)
        found.held.set()
        async with worker(service):
            await found.count(2)
            await until_at(service, items[0]["seq"])
        # It may come twice, under one id: nobody knows what the receiver has made of the first.
        assert len({post.id for post in found.posts}) == 1


async def test_two_workers_send_nothing_twice(service: Service) -> None:
    async with hook() as found, worker(service), worker(service):
        await put(service, "TELENOR", found.url)
        items = await orders(service, *range(30))
        await found.count(30)
        await until_at(service, items[-1]["seq"])
        assert [post.seq for post in found.posts] == [item["seq"] for item in items]
        assert found.most_at_once == 1


_END_THE_TURN = """
SELECT pg_terminate_backend(pid) FROM pg_locks
 WHERE locktype = 'advisory' AND classid = 7267 AND objid = 5 AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_whoever_loses_its_session_records_nothing_more(service: Service) -> None:
    """The turn is ended from outside again and again: what was recorded as received never comes again."""
    recorded: set[int] = set()
    late: list[int] = []

    def decide(post: Post) -> Told:
        if post.seq in recorded:
            late.append(post.seq)
        return 204

    async def turn_ended() -> bool:
        rows = await service.db.fetch("SELECT seq FROM webhook_attempt WHERE outcome = 'delivered'")
        recorded.update(row["seq"] for row in rows)
        return bool(await service.db.fetch(_END_THE_TURN))

    async with hook(decide) as found, worker(service), worker(service):
        await put(service, "TELENOR", found.url)
        for first in range(0, 50, 10):
            items = await orders(service, *range(first, first + 10))
            await eventually(turn_ended)
        await until_at(service, items[-1]["seq"])
        order = [post.seq for post in found.posts]
    assert late == []
    assert order == sorted(order)
    assert sorted(set(order)) == [item["seq"] for item in items]
    delivered = [seq for seq, outcome, _ in await attempts(service) if outcome == "delivered"]
    assert delivered == [item["seq"] for item in items]


async def test_it_outlives_the_database_going_away(service: Service) -> None:
    async with hook() as found, worker(service):
        await put(service, "TELENOR", found.url)
        await orders(service, 1)
        await found.count(1)
        for n in range(2, 5):
            await service.db.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

            async def accepted(n: int = n) -> bool:
                return (await service.order(main_number=f"900123{n:02}")).status_code == 201

            await eventually(accepted)
        items = await service.inbox("TELENOR")
        await until_at(service, items[-1]["seq"])
        assert sorted({post.seq for post in found.posts}) == [item["seq"] for item in items]


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
