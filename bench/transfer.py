"""A transfer of a code with 200,000 ported numbers and 50 series, and what a reader sees of it meanwhile."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from bench.market import ADMIN_KEY, REASON, Market

_PREPARE = Path(__file__).with_name("transfer.sql")
CODE, SUCCESSOR = "B10", "B11"
#: A number that moves, one that does not, and one of a series that moves.
_NUMBERS = ("95000000", "90500000", "40123456")
_HEADERS = {"Authorization": f"Bearer {ADMIN_KEY}"}


@dataclass(frozen=True)
class Transferred:
    """How long the transfer took, and the 99th percentile of the readers before it and while it ran, in ms."""

    seconds: float
    numbers: int
    cases: int
    p99_before: float
    p99_during: float
    errors: int


async def prepare(dsn: str) -> None:
    """Series and ported numbers, entered without us."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_PREPARE.read_text())
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def transfer(market: Market) -> Transferred:
    """The transfer over HTTP, with four readers beside it."""
    async with httpx.AsyncClient(base_url=market.url, headers=_HEADERS, timeout=120) as client:
        before, errors = await _read_while(client, asyncio.sleep(3))
        began = time.perf_counter()
        form = {"to": SUCCESSOR, "reason": REASON}
        moving = asyncio.create_task(client.post(f"/v1/admin/provider-codes/{CODE}/transfer", json=form))
        during, more_errors = await _read_while(client, moving)
        seconds = time.perf_counter() - began
        answer = moving.result()
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(answer.text)
    changed = answer.json()["changed"]
    return Transferred(
        seconds, changed["numbers"], changed["case_count"], _p99(before), _p99(during), errors + more_errors
    )


async def _read_while(client: httpx.AsyncClient, work: object) -> tuple[list[float], int]:
    task = asyncio.ensure_future(work)  # type: ignore[call-overload]
    times: list[float] = []
    errors = 0

    async def reader(place: int) -> None:
        nonlocal errors
        while not task.done():
            began = time.perf_counter()
            answer = await client.get(f"/v1/routing/{_NUMBERS[place % len(_NUMBERS)]}")
            times.append((time.perf_counter() - began) * 1e3)
            errors += answer.status_code != httpx.codes.OK
            place += 1
            await asyncio.sleep(0.005)

    await asyncio.gather(task, *(reader(place) for place in range(4)))
    return times, errors


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]
