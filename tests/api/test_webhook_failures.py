"""What goes wrong while items are posted to webhooks: with receivers, workers, sessions and the database."""

import asyncio
import signal
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from tests.support.hooks import Post, Told, hook
from tests.support.processes import process
from tests.support.server import DATA_KEY
from tests.support.service import Service, eventually, local
from tests.support.webhooks import attempts, attempts_are, orders, put, state, until_at, worker

from nrdb.api.metrics import REGISTRY


async def test_a_failure_is_tried_again_under_the_same_id(service: Service) -> None:
    """The first retry comes within 5 s, and nothing overtakes the item."""
    items = await orders(service, 1, 2)
    counted = {outcome: _counted(outcome) for outcome in ("failed", "delivered")}
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
            await eventually(lambda: attempts_are(service, 2))
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
    assert {outcome: _counted(outcome) - before for outcome, before in counted.items()} == {"failed": 2, "delivered": 2}


def _counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("nrdb_webhook_attempts_total", {"outcome": outcome}) or 0


async def test_after_three_days_an_item_is_skipped_and_named(service: Service) -> None:
    items = await orders(service, 1, 2)
    first, second = (item["seq"] for item in items)
    async with hook(lambda post: 500 if post.seq == first else 204) as found:
        await put(service, "TELENOR", found.url)
        async with worker(service):
            await eventually(lambda: attempts_are(service, 1))
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
            await eventually(lambda: attempts_are(service, 1))
    left = await service.db.fetchval("SELECT next_attempt_at - clock_timestamp() FROM webhook")
    assert 1200 < left.total_seconds() <= 1234


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


async def test_kill_9_of_the_process_that_pushes(service: Service, tmp_path: Path) -> None:
    """Real workers, two killed while an item is under way: another goes on, and nothing recorded comes again."""
    settings = {"NRDB_DATABASE_URL": service.dsn, "NRDB_DATA_KEY": DATA_KEY}
    recorded: set[int] = set()
    late: list[int] = []

    def decide(post: Post) -> Told:
        if post.seq in recorded:
            late.append(post.seq)
        return 204

    async with hook(decide) as found:
        await put(service, "TELENOR", found.url)
        with ExitStack() as stack:
            workers = [stack.enter_context(process(tmp_path / str(n), "worker", **settings)) for n in range(3)]
            for first, fallen in zip(range(0, 30, 10), [*workers[:2], None], strict=True):
                found.held.clear()
                before = len(found.received)
                items = await orders(service, *range(first, first + 10))
                await found.count(before + 1, 30)
                rows = await service.db.fetch("SELECT seq FROM webhook_attempt WHERE outcome = 'delivered'")
                recorded.update(row["seq"] for row in rows)
                if fallen is not None:
                    fallen.end(signal.SIGKILL)
                found.held.set()
                await until_at(service, items[-1]["seq"])
    order = [post.seq for post in found.posts]
    assert late == []
    assert order == sorted(order)
    assert sorted(set(order)) == [item["seq"] for item in items]
