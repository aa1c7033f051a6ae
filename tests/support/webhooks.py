"""Webhooks as their owners set and see them, and workers that post, for tests of delivery."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.service import Service, eventually

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
    """The webhook as its owner sees it."""
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
    """Wait until everything up to there is delivered, skipped or not wanted."""

    async def there() -> bool:
        return bool((await state(service, who))["position"] == seq)

    await eventually(there, 15)


async def attempts_are(service: Service, count: int) -> bool:
    """Whether there have been so many."""
    return len(await attempts(service)) == count
