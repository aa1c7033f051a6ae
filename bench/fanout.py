"""Sixty providers follow while one sends NP_IVER for thousands of cases: every network is told of each."""

import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from bench import load
from bench.load import CONNECTIONS, porting_days
from bench.market import CODES, FIRST_NUMBER, Market, enter_more
from bench.service import Service

#: All of them terminate calls, so all are told of every NP_IVER but the recipient.
FOLLOWERS = [*CODES[:10], *CODES[11:], *(f"F{number:02d}" for number in range(41))]
RECIPIENT = CODES[10]
#: The daily cap to one code, and so the most that can be executed for one minute.
CASES = 15_000
ALONE = 3_000
PACED = 2_000
PACED_PER_SECOND = 100
IDLE = 400


@dataclass(frozen=True)
class FanOut:
    """What was measured. Rates are NP_IVERs accepted a second; times are seconds, `latencies` of each delivery."""

    alone_per_second: float
    per_second: float
    all_accepted: float
    all_delivered: float
    deliveries: int
    disorder: int
    megabytes: float
    resident_mb: float
    latencies: Sequence[float]
    idle_kb: float


async def fan_out(running: Service, folder: Path) -> FanOut:
    """The whole measurement on a service with a market."""
    market = await enter_more(running.market, [code for code in FOLLOWERS if code not in CODES])
    days = await porting_days(market)
    alone = await _executable(running, market, 0, ALONE, days[1])
    burst = await _executable(running, market, ALONE, CASES, days[0])
    paced = await _executable(running, market, ALONE + CASES, PACED, days[2])
    keys = {code: market.keys[code] for code in FOLLOWERS}

    began = monotonic()
    await _execute(market, alone)
    alone_per_second = ALONE / (monotonic() - began)
    # The followers begin behind what is already there.
    await _acknowledge_all(running.dsn)

    async with _followers(market, folder, keys, CASES, "") as told:
        began = monotonic()
        await _execute(market, burst)
        accepted = monotonic() - began
        found = json.loads(await told.readline())
    resident = running.resident_mb()
    await _acknowledge_all(running.dsn)

    async with _followers(market, folder, keys, PACED, "--times") as told:
        answered = await _execute(market, paced, PACED_PER_SECOND)
        arrived = json.loads(await told.readline())["times"]
    await _acknowledge_all(running.dsn)
    return FanOut(
        alone_per_second,
        CASES / accepted,
        accepted,
        found["at"] - began,
        found["items"],
        found["disorder"],
        found["megabytes"],
        resident,
        sorted(at - answered[message] for message, at in arrived),
        await _idle_kb(running, market),
    )


async def _executable(running: Service, market: Market, first: int, count: int, day: str) -> list[str]:
    """Orders of one number each for the same minute, all of them approved; their cases."""
    minute = datetime.fromisoformat(day).replace(second=0, microsecond=0) + timedelta(minutes=1)
    orders = [load.line(first + place, RECIPIENT, minute.isoformat()) for place in range(count)]
    await _batches(market, RECIPIENT, orders)
    connection = await asyncpg.connect(running.dsn)
    rows = await connection.fetch(
        "SELECT case_id FROM cases WHERE recipient = $1 AND state = 'awaiting_donor' AND main_number >= $2",
        RECIPIENT,
        4_700_000_000 + FIRST_NUMBER + first,
    )
    await connection.close()
    cases = [str(row["case_id"]) for row in rows]
    donor = CODES[0]
    await _batches(market, donor, [_message("NP_GODK", donor, case).encode() + b"\n" for case in cases])
    return cases


async def _batches(market: Market, code: str, lines: Sequence[bytes]) -> None:
    """All of them accepted, in as many batches at once as there are streams."""
    parts = [b"".join(lines[place :: load.STREAMS]) for place in range(load.STREAMS)]
    accepted = sum(await asyncio.gather(*(load.stream(market, code, part) for part in parts)))
    if accepted != len(lines):
        raise RuntimeError(f"{accepted} of {len(lines)} were accepted")


def _message(kind: str, sender: str, case_id: str, message_id: str | None = None) -> str:
    message = {"type": kind, "message_id": message_id or str(uuid4()), "sender": sender, "case_id": case_id}
    return json.dumps(message)


async def _execute(market: Market, cases: Sequence[str], per_second: float | None = None) -> dict[str, float]:
    """NP_IVER for each case, as fast as it goes or paced; when each was answered 201, by its message_id."""
    waiting = [(str(uuid4()), case) for case in cases]
    waiting.reverse()
    answered: dict[str, float] = {}
    began = monotonic()

    async def post() -> None:
        async with _connection(market) as (reader, writer):
            while waiting:
                message_id, case = waiting.pop()
                if per_second is not None:
                    place = len(cases) - len(waiting)
                    await asyncio.sleep(max(0.0, began + place / per_second - monotonic()))
                body = _message("NP_IVER", RECIPIENT, case, message_id)
                writer.write(_request(market, body))
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"HTTP/1.1 201"):
                    raise RuntimeError(head.decode())
                answered[message_id] = monotonic()
                await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))

    await asyncio.gather(*(post() for _ in range(CONNECTIONS)))
    return answered


def _request(market: Market, body: str) -> bytes:
    return (
        "POST /v1/messages HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {market.keys[RECIPIENT]}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


@asynccontextmanager
async def _connection(market: Market) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(market.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()


@asynccontextmanager
async def _followers(
    market: Market, folder: Path, keys: dict[str, str], count: int, more: str
) -> AsyncIterator[asyncio.StreamReader]:
    """A process with an open stream for each code; what it writes when all have had so many items."""
    file = folder / "keys.json"
    file.write_text(json.dumps(keys))
    port = str(urlsplit(market.url).port)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.followers", port, str(file), str(count), *more.split(),
        stdout=asyncio.subprocess.PIPE, limit=1 << 28,
    )  # fmt: skip
    if process.stdout is None or await process.stdout.readline() != b"open\n":
        raise RuntimeError("the followers did not begin")
    try:
        yield process.stdout
    finally:
        await process.wait()


async def _acknowledge_all(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        """
        INSERT INTO inbox_ack (code, through) SELECT code, inbox_horizon() FROM provider
        ON CONFLICT (code) DO UPDATE SET through = excluded.through
        """
    )
    await connection.close()


async def _idle_kb(running: Service, market: Market) -> float:
    """What one more open stream costs while nothing happens, in KB of the processes' memory."""
    requests = [
        f"GET /v1/inbox/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {market.keys[code]}\r\n\r\n".encode()
        for code in FOLLOWERS
    ]

    async def opened(count: int) -> list[asyncio.StreamWriter]:
        writers = []
        for place in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(market.url).port)
            writer.write(requests[place % len(requests)])
            await reader.readuntil(b": connected\n")
            writers.append(writer)
        return writers

    def resident() -> int:
        return sum(process.memory_info().rss for process in running.processes)

    writers = await opened(len(FOLLOWERS))
    await asyncio.sleep(1)
    before = resident()
    writers += await opened(IDLE)
    await asyncio.sleep(1)
    after = resident()
    for writer in writers:
        writer.close()
    return (after - before) / IDLE / 1e3


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted values."""
    return values[min(int(len(values) * share), len(values) - 1)] if values else math.nan
