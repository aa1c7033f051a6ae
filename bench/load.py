"""The load generators: wrk posts orders one by one, `batches` many at once, pgbench writes the same rows without us."""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx

from bench.market import ADMIN_KEY, CODES, FIRST_NUMBER, Market
from bench.service import Service
from nrdb.embedded import pg_bin

HERE = Path(__file__).parent
CONNECTIONS = 16
RECIPIENTS = CODES[10:]
#: Batches at once: one connection spreads over one process only.
STREAMS = 4
#: How the answer to an accepted line begins, after its number.
_ACCEPTED = b'"status":201,'
#: Cases that one measurement of reading asks for.
READS = 500


@dataclass(frozen=True)
class Orders:
    """What wrk measured: orders answered 201 a second, and how long they took."""

    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int
    errors: int


async def porting_days(market: Market) -> list[str]:
    """Lawful porting times on many days: from two days after the earliest, within T11."""
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with httpx.AsyncClient(base_url=market.url, headers=headers) as client:
        answer = (await client.get("/v1/portability/99999999")).raise_for_status().json()
    first = datetime.fromisoformat(answer["earliest_porting_time"]) + timedelta(days=2)
    return [(first + timedelta(days=ahead)).isoformat() for ahead in range(75)]


async def orders(market: Market, first: int, seconds: int) -> Orders:
    """NP_BEST with distinct numbers from index `first` on."""
    days = ",".join(await porting_days(market))
    keys = ",".join(f"{code}={market.keys[code]}" for code in RECIPIENTS)
    arguments = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "orders.lua"), market.url]
    out = await _run(*arguments, "--", str(first), "1000000", days, keys)
    found = json.loads(next(line for line in out.splitlines() if line.startswith("{")))
    return Orders(
        found["accepted"] / found["seconds"], found["p50_ms"], found["p99_ms"], found["refused"], found["errors"]
    )


async def batches(market: Market, first: int, streams: int, lines: int) -> float:
    """Orders accepted a second, sent in `streams` requests at once of so many lines each, numbers from `first` on."""
    days = await porting_days(market)
    bodies = [
        (code, b"".join(line(first + place * lines + n, code, days[n % len(days)]) for n in range(lines)))
        for place, code in enumerate(RECIPIENTS[:streams])
    ]
    began = monotonic()
    accepted = await asyncio.gather(*(stream(market, code, body) for code, body in bodies))
    return sum(accepted) / (monotonic() - began)


def line(index: int, code: str, porting_time: str) -> bytes:
    """An order of one number, as a line of a batch."""
    order = {
        "type": "NP_BEST",
        "message_id": str(uuid4()),
        "sender": code,
        "donor": f"B{index // 1_000_000:02}",
        "number_type": "E",
        "main_number": str(FIRST_NUMBER + index),
        "porting_time": porting_time,
        "customer": {"name": "Kari Nordmann", "birth_date": "1980-01-31"},
        "authorisation_reference": f"A-{index}",
    }
    return json.dumps(order).encode() + b"\n"


async def stream(market: Market, code: str, body: bytes) -> int:
    """One request, sent and read at the same time as a stream must be; how many lines were answered 201."""
    address = urlsplit(market.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = (
        f"POST /v1/messages/batch HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
        f"Authorization: Bearer {market.keys[code]}\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    sending = asyncio.create_task(_send(writer, head.encode() + body))
    accepted, tail = 0, b""
    while piece := await reader.read(1 << 20):
        text = tail + piece
        accepted += text.count(_ACCEPTED)
        # What is kept is shorter than the mark, so that nothing is counted twice.
        tail = text[-(len(_ACCEPTED) - 1) :]
    await sending
    writer.close()
    return accepted


async def _send(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(body)
    await writer.drain()


async def same_rows(dsn: str, seconds: int) -> float:
    """Transactions a second of pgbench writing what an accepted order writes."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        """
        CREATE TABLE IF NOT EXISTS bench_texts AS
        SELECT body, sealed, case_after FROM message_log WHERE type = 'NP_BEST' LIMIT 1
        """
    )
    await connection.close()
    script = ("-f", str(HERE / "rows.sql"))
    out = await _run(
        str(pg_bin("pgbench")), "-n", "-M", "prepared", f"-c{CONNECTIONS}", "-j1", f"-T{seconds}", *script, dsn
    )
    return float(next(line for line in out.splitlines() if line.startswith("tps")).split("=")[1].split()[0])


async def reads(running: Service, cases: int, *, by_number: bool) -> float:
    """Milliseconds that a donor's GET of one of its cases takes (median), spread over all that are loaded."""
    donor = CODES[0]
    connection = await asyncpg.connect(running.dsn)
    numbers = [4_700_000_000 + FIRST_NUMBER + place * (cases // READS) for place in range(READS)]
    rows = await connection.fetch("SELECT case_id, main_number FROM cases WHERE main_number = ANY($1)", numbers)
    await connection.close()
    headers = {"Authorization": f"Bearer {running.market.keys[donor]}"}
    took = []
    async with httpx.AsyncClient(base_url=running.market.url, headers=headers) as client:
        for case_id, number in rows:
            path = f"/v1/cases?number={str(number)[2:]}" if by_number else f"/v1/cases/{case_id}"
            began = time.perf_counter()
            answer = await client.get(path)
            took.append(time.perf_counter() - began)
            found = answer.raise_for_status().json()
            if (found["items"][0] if by_number else found)["case_id"] != str(case_id):
                raise RuntimeError("another case was answered")
    return statistics.median(took) * 1e3


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {out.decode()[-500:]}")
    return out.decode()
