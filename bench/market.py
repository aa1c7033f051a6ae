"""The market that the benchmarks play on: real providers, keys and series, entered over HTTP as an admin would."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

ADMIN_KEY = "bench-" + secrets.token_hex(20)
DATA_KEY = "bench-" + secrets.token_hex(20)
#: Enough codes that the cap of 15,000 a day leaves room for millions of orders within T11.
CODES = [f"B{number:02d}" for number in range(20)]
FIRST_NUMBER = 90_000_000
NUMBERS = 10_000_000
FIRST_M2M = 580_000_000_000
M2M_SERIES = 1_000_000_000
REASON = "benchmark"


@dataclass(frozen=True)
class Market:
    """A service with a market on it: its address and the key of each code."""

    url: str
    keys: dict[str, str]


def donor_of(index: int) -> str:
    """Each of the ten mobile series belongs to one of the first ten codes."""
    return CODES[index // (NUMBERS // 10)]


async def enter_market(url: str) -> Market:
    """Providers, keys and series."""
    async with _admin(url) as admin:
        keys = {code: await _provider(admin, code, place) for place, code in enumerate(CODES)}
        step = NUMBERS // 10
        for place in range(10):
            first = FIRST_NUMBER + place * step
            await _series(admin, first, first + step - 1, CODES[place])
        await _series(admin, FIRST_M2M, FIRST_M2M + M2M_SERIES - 1, CODES[0])
    return Market(url, keys)


async def enter_more(market: Market, codes: Sequence[str]) -> Market:
    """The market with more providers that terminate calls."""
    async with _admin(market.url) as admin:
        keys = {code: await _provider(admin, code, len(CODES) + place) for place, code in enumerate(codes)}
    return Market(market.url, {**market.keys, **keys})


def _admin(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}, timeout=60)


async def _provider(admin: httpx.AsyncClient, code: str, place: int) -> str:
    """A provider; its key."""
    provider = {
        "code": code,
        "name": code,
        "terminating": True,
        "routing_number": f"D{place:04d}",
        "contact": {"email": f"{code}@bench.example", "phone": "22000000"},
    }
    await _post(admin, "/v1/admin/providers", provider)
    return (await _post(admin, f"/v1/admin/providers/{code}/keys", {"label": "bench"}))["key"]


async def _series(admin: httpx.AsyncClient, first: int, last: int, holder: str) -> None:
    series = {"first": str(first), "last": str(last), "holder": holder, "reason": REASON}
    await _post(admin, "/v1/admin/series", series)


async def _post(admin: httpx.AsyncClient, path: str, body: Mapping[str, object]) -> dict[str, str]:
    answer = await admin.post(path, json=body)
    answer.raise_for_status()
    found: dict[str, str] = answer.json()
    return found


_LOAD = Path(__file__).with_name("load.sql")


async def load_cases(dsn: str, first: int, count: int) -> None:
    """Cases of the very shape that an accepted NP_BEST leaves, copied from the newest one in the database."""
    connection = await asyncpg.connect(dsn)
    try:
        for begin in range(first, first + count, 50_000):
            end = min(begin + 50_000, first + count)
            await connection.execute(_LOAD.read_text().replace(":first", str(begin)).replace(":last", str(end - 1)))
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
