"""Asking the routing table by DNS: PowerDNS on the database of a service, asked by `dnsperf`."""

import asyncio
import re
import tempfile
from pathlib import Path

from bench.routing import SECONDS, some
from nrdb.engines import found, make_roles
from nrdb.engines.dns import ZONE, PowerDNS

CONNECTIONS = 16


async def asked(engine: PowerDNS, numbers: list[int], seconds: int = SECONDS) -> float:
    """Answers a second of a name server to questions for these numbers, each NOERROR and none lost."""
    program = found("dnsperf")
    if program is None:
        raise RuntimeError("the benchmark of DNS needs dnsperf: apt-get install dnsperf")
    with tempfile.TemporaryDirectory(prefix="nrdb-dnsperf-") as place:
        questions = Path(place) / "questions"
        questions.write_text(
            "".join(f"{'.'.join(reversed('47' + str(number)))}.{engine.zone} NAPTR\n" for number in numbers)
        )
        process = await asyncio.create_subprocess_exec(
            program, "-s", engine.host, "-p", str(engine.port), "-d", str(questions), "-l", str(seconds),
            "-c", str(CONNECTIONS), "-q", str(CONNECTIONS), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
    said = out.decode()
    lost = re.search(r"Queries lost:\s+(\d+)", said)
    rate = re.search(r"Queries per second:\s+([0-9.]+)", said)
    if rate is None or lost is None or lost[1] != "0" or not re.search(r"Response codes:\s+NOERROR \d+ \(100", said):
        raise RuntimeError(said)
    return float(rate[1])


async def lookups(dsn: str, count: int) -> float:
    """Numbers answered a second by PowerDNS on a table of so many ported numbers (see `bench.routing.fill`)."""
    make_roles(dsn)
    with PowerDNS(dsn, zone=ZONE) as engine:
        return await asked(engine, some(count))
