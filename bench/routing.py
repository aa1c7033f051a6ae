"""Asking the routing table: one number, many, all of it, against what the server and PostgreSQL do by themselves."""

import asyncio
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson

from bench.market import ADMIN_KEY, Market
from bench.service import Service

HERE = Path(__file__).parent
CONNECTIONS = 16
SECONDS = 5
#: Numbers of a request that asks for many, and such requests at once.
MANY, AT_ONCE = 10_000, 2
#: Numbers that change at one instant.
CHANGING = 15_000
_HEADERS = {"Authorization": f"Bearer {ADMIN_KEY}"}
_COLUMNS = "first, last, holder, network, routing_number, range_holder, target_number, valid_from, valid_until"
_ANY = f"SELECT {_COLUMNS} FROM bare WHERE first = ANY($1::bigint[])"


async def fill(dsn: str, count: int) -> None:
    """So many ported numbers, entered without us, and the same rows in a bare table with one index."""
    connection = await asyncpg.connect(dsn, command_timeout=3600)
    try:
        for statement in (HERE / "routing.sql").read_text().replace(":count", str(count)).split("\n\n"):
            await connection.execute(statement)
        await connection.execute(f"CREATE UNLOGGED TABLE bare AS SELECT {_COLUMNS} FROM routing ORDER BY first")
        await connection.execute("CREATE INDEX ON bare (first)")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def asked(market: Market, address: str, numbers: int = 0) -> float:
    """Answers 200 a second; an address that ends in a slash gets a number of its own each time."""
    arguments = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(HERE / "routing.lua"), market.url, "--"]
    process = await asyncio.create_subprocess_exec(
        *arguments, address, next(iter(market.keys.values())), str(numbers), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    found = json.loads(next(line for line in out.decode().splitlines() if line.startswith("{")))
    return float(found["answered"] / found["seconds"])


def some(count: int) -> list[int]:
    """Numbers of the table, ported and not, in no order."""
    return [90_000_000 + random.randrange(count * 2) for _ in range(MANY)]


async def many(market: Market, count: int) -> float:
    """Numbers answered a second by `POST /v1/routing/lookup`."""
    async with httpx.AsyncClient(base_url=market.url, headers=_HEADERS, timeout=60) as client:

        async def ask(until: float) -> int:
            answered = 0
            while time.perf_counter() < until:
                body = orjson.dumps({"numbers": [str(number) for number in some(count)]})
                answer = await client.post(
                    "/v1/routing/lookup", content=body, headers={"Content-Type": "application/json"}
                )
                if answer.status_code != httpx.codes.OK or b'"error"' in answer.content:
                    raise RuntimeError(answer.text[:200])
                answered += MANY
            return answered

        return await _rate(ask)


async def many_bare(dsn: str, count: int) -> float:
    """Numbers read a second from the bare table with `= ANY`, by as many connections."""
    connections = [await asyncpg.connect(dsn) for _ in range(AT_ONCE)]
    try:
        free = list(connections)

        async def ask(until: float) -> int:
            connection, found = free.pop(), 0
            while time.perf_counter() < until:
                found += len(await connection.fetch(_ANY, [4_700_000_000 + number for number in some(count)]))
            return found

        return await _rate(ask)
    finally:
        for connection in connections:
            await connection.close()


async def _rate(ask: Any) -> float:
    began = time.perf_counter()
    found = await asyncio.gather(*(ask(began + SECONDS) for _ in range(AT_ONCE)))
    return float(sum(found) / (time.perf_counter() - began))


async def first_root(running: Service) -> float:
    """Seconds until the hash tree of a table that has come all at once is there; the worker makes it meanwhile."""
    began = time.perf_counter()
    async with httpx.AsyncClient(base_url=running.market.url, headers=_HEADERS, timeout=600) as client:
        while (await client.get("/v1/routing/proof")).status_code != httpx.codes.OK:  # noqa: ASYNC110 (it is elsewhere)
            await asyncio.sleep(0.5)
    return time.perf_counter() - began


@dataclass(frozen=True)
class Copied:
    """A whole table: its rows, its bytes, how long it took, and how much larger the serving process had become."""

    rows: int
    size: int
    seconds: float
    grown_mb: float


async def snapshot(running: Service, accept: str) -> Copied:
    """The snapshot over HTTP, as fast as it comes."""
    before, most = running.resident_mb(), 0.0
    began, size, rows = time.perf_counter(), 0, 0
    headers = {**_HEADERS, "Accept": accept, "Accept-Encoding": "identity"}
    async with (
        httpx.AsyncClient(base_url=running.market.url, headers=headers, timeout=600) as client,
        client.stream("GET", "/v1/routing/snapshot") as response,
    ):
        async for piece in response.aiter_raw():
            size += len(piece)
            rows += piece.count(b"\n")
            most = max(most, running.resident_mb())
    return Copied(rows, size, time.perf_counter() - began, most - before)


async def copy_out(dsn: str) -> float:
    """Seconds that PostgreSQL takes to copy the same columns of the same rows to a client."""
    connection = await asyncpg.connect(dsn)
    try:
        size = 0

        async def take(piece: bytes) -> None:
            nonlocal size
            size += len(piece)

        began = time.perf_counter()
        await connection.copy_from_query(
            f"SELECT {_COLUMNS} FROM routing WHERE removed_at = 'infinity'", output=take, timeout=600
        )
        return time.perf_counter() - began
    finally:
        await connection.close()


_CHANGE = """
SELECT reroute(now(), array_agg(number), array_agg(number), json_agg(json_build_object(
       'first', number, 'since', $1::timestamptz, 'undo', false, 'holder', 'B19', 'network', 'B19')))
  FROM (SELECT 4790000001 + n * 2 AS number FROM generate_series(0, $2::bigint - 1) AS n) changing
"""


async def change_at_once(market: Market, dsn: str) -> tuple[float, float, int]:
    """Many numbers change at one instant: seconds to write that, ms of the first look after it, wrong answers."""
    connection = await asyncpg.connect(dsn)
    try:
        at = await connection.fetchval("SELECT date_trunc('second', now()) + interval '12 seconds'")
        began = time.perf_counter()
        await connection.execute(_CHANGE, at, CHANGING, timeout=60)
        written = time.perf_counter() - began
        await connection.execute("SELECT pg_sleep(extract(epoch FROM $1::timestamptz - clock_timestamp()))", at)
    finally:
        await connection.close()
    async with httpx.AsyncClient(base_url=market.url, headers=_HEADERS, timeout=60) as client:
        began = time.perf_counter()
        first = (await client.get("/v1/routing/90000001")).json()
        took = (time.perf_counter() - began) * 1e3
        wrong = int(first["holder"] != "B19")
        for begin in range(0, CHANGING, MANY):
            numbers = [str(90_000_001 + n * 2) for n in range(begin, min(begin + MANY, CHANGING))]
            answer = await client.post("/v1/routing/lookup", json={"numbers": numbers})
            wrong += sum(item["holder"] != "B19" for item in answer.json()["items"])
    return written, took, wrong
