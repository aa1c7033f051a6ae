"""The clock is moved over both changes of summer time, and over Easter, while cases are under way and everybody reads.

In 2027 summer time begins on Easter Sunday, so the second journey leads over both.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.cluster import chance
from tests.support.followers import WAYS, Follower
from tests.support.service import Service, eventually, local, utc_text
from tests.support.webhooks import worker

#: The instants at which the clocks of Norway change, and a working day before.
JOURNEYS = (
    ("2026-10-23 12:00", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("2027-03-24 12:00", datetime(2027, 3, 28, 1, tzinfo=UTC)),
)
SECOND = timedelta(seconds=1)
journeys = pytest.mark.parametrize(("service", "change"), JOURNEYS, indirect=["service"])


@asynccontextmanager
async def followed(*services: Service) -> AsyncIterator[list[Follower]]:
    """Recipient and donor are followed in each way, at every process, while the block runs."""
    first = services[0]
    addresses = [service.address for service in services]
    followers = [
        Follower(code, way, addresses, first.keys[code], chance(1)) for code in ("TELIA", "TELENOR") for way in WAYS
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(follower.run()) for follower in followers]
        yield followers
        for follower in followers:
            rows = await first.db.fetch("SELECT seq FROM inbox WHERE to_code = $1 ORDER BY seq", follower.code)
            async with asyncio.timeout(20):
                await follower.reach(rows[-1]["seq"])
            assert [seq for seq, _ in follower.seen] == [row["seq"] for row in rows], follower
        for task in tasks:
            task.cancel()


async def ordered_for(service: Service, number: int, porting_time: datetime, *messages: tuple[str, str]) -> str:
    """A case of its own number, and what is said on it at once."""
    case_id = await service.ordered(main_number=str(90_050_000 + number), porting_time=porting_time.isoformat())
    for code, kind in messages:
        await service.accepted(code, kind, case_id=case_id)
    return case_id


async def notices(service: Service, code: str) -> list[tuple[str, str, str]]:
    """Of which case a code was told what, and of which instant, in the order in which it was told."""
    return [
        (item["message"]["case_id"], item["message"]["notice"], item["at"])
        for item in await service.inbox(code, limit=1000)
        if item["message"]["type"] == "NOTICE"
    ]


async def move(service: Service, to: datetime, turn: int) -> None:
    """By the clock call, or by the mere passing of time, which a worker notices."""
    if turn % 2:
        await service.clock(to)
        return
    await service.time_passes(to)

    async def nothing_is_due() -> Any:
        return not await service.db.fetchval("SELECT exists (SELECT FROM cases WHERE due_at <= nrdb_now())")

    await eventually(nothing_is_due, 20)


@journeys
async def test_cases_fall_due_in_order_through_the_change(service: Service, change: datetime) -> None:
    """One every ten minutes for three hours, of which one is there twice on the clocks, or not at all."""
    other = await service.second()
    times = {n: change + timedelta(minutes=10 * n) for n in range(-9, 10)}
    cases: dict[int, str] = {}
    async with worker(service), followed(service, other):
        for n in chance(2).sample(sorted(times), len(times)):
            cases[n] = await ordered_for((service, other)[n % 2], n + 9, times[n])
        for turn, n in enumerate(range(-9, 10, 2)):
            await move(service, times[n] - SECOND, turn // 2)
            await move(service, times[n], turn)
            wanted = [(cases[k], "obsolete", utc_text(times[k])) for k in times if k <= n]
            for code in ("TELIA", "TELENOR"):
                assert await notices(service, code) == wanted
        for n, case_id in cases.items():
            line = (await service.history(case_id))[-1]
            assert (line["type"], line["to_state"], line["at"]) == ("time", "obsolete", utc_text(times[n]))


@journeys
async def test_one_move_over_everything_tells_it_in_order(service: Service, change: datetime) -> None:
    """Whoever was away from Friday to Tuesday finds it as it happened."""
    dice = chance(3)
    times = [change + timedelta(minutes=30 * n + 1) for n in range(-60, 60)]
    async with followed(service):
        cases = {
            at: await ordered_for(service, n, at) for n, at in sorted(enumerate(times), key=lambda _: dice.random())
        }
        await service.clock(change + timedelta(days=2, hours=12))
        wanted = [(cases[at], "obsolete", utc_text(at)) for at in times]
        for code in ("TELIA", "TELENOR"):
            assert await notices(service, code) == wanted


@journeys
async def test_timers_are_as_long_as_they_say(service: Service, change: datetime) -> None:
    """Working minutes pass over the days that are none, and plain minutes are elapsed ones, whatever clocks show."""
    first_day = {10: "2026-10-26", 3: "2027-03-30"}[change.month]
    last_day = {10: "2026-10-23", 3: "2027-03-24"}[change.month]
    porting_time = change + timedelta(minutes=15)
    executed = (("TELENOR", "NP_GODK"), ("TELIA", "NP_IVER"))
    async with worker(service), followed(service):
        stopped = await ordered_for(service, 0, porting_time)
        kept = await ordered_for(service, 1, porting_time, *executed)
        approved = await ordered_for(service, 2, porting_time, ("TELENOR", "NP_GODK"))
        await service.clock(local(f"{last_day} 15:50"))
        earliest = local(f"{first_day} 08:25")
        response = await service.order(main_number="90060000", porting_time=(earliest - SECOND).isoformat())
        assert service.refused(response, "porting-time-too-early", "T9")["earliest"] == utc_text(earliest)
        await ordered_for(service, 3, earliest)
        # T10: thirty minutes before, to the second.
        await move(service, porting_time - timedelta(minutes=30), 0)
        late = await ordered_for(service, 4, earliest + timedelta(days=1))
        await service.accepted("TELIA", "NP_IVER", case_id=approved)
        await service.accepted("TELIA", "NP_ANNU", case_id=stopped)
        await move(service, porting_time - timedelta(minutes=30) + SECOND, 1)
        facts = service.refused(await service.post("TELIA", "NP_ANNU", case_id=kept), "stop-too-late", "T12")
        assert facts["latest"] == utc_text(porting_time - timedelta(minutes=30))
        await move(service, porting_time - SECOND, 0)
        service.refused(await service.post("TELENOR", "NP_FERD", case_id=kept), "too-early-to-complete", "T15")
        await move(service, porting_time, 1)
        assert (await service.case(late))["state"] == "awaiting_donor"
        for case_id in (kept, approved):
            for code in (await service.case(case_id))["completion"]["missing"]:
                await service.accepted(code, "NP_FERD", case_id=case_id)
        await move(service, local(f"{first_day} 08:25") - SECOND, 0)
        assert [(case_id, notice) for case_id, notice, _ in await notices(service, "TELIA")] == [
            (kept, "completed"), (approved, "completed"),
        ]  # fmt: skip
        await move(service, local(f"{first_day} 08:25"), 0)
        assert (await notices(service, "TELENOR"))[-1][1:] == ("obsolete", utc_text(earliest))
        assert (await service.case(late))["state"] == "awaiting_donor"
