"""Real processes to measure: a PostgreSQL with the service's own settings, and `nrdb serve` on it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from bench.market import ADMIN_KEY, DATA_KEY, Market, enter_market
from nrdb.embedded import EmbeddedPostgres

FIRST_PORT = 18200


@dataclass(frozen=True)
class Service:
    """A running service: the market on it, its processes, and the database below."""

    market: Market
    processes: tuple[psutil.Process, ...]
    dsn: str

    def resident_mb(self) -> float:
        """The largest process, in MB."""
        return max(process.memory_info().rss for process in self.processes) / 1e6


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """`nrdb serve` with nothing of this shell's own NRDB_ settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NRDB_")}
    return subprocess.Popen(
        [sys.executable, "-m", "nrdb", "serve", *arguments],
        env={**clean, "NRDB_ADMIN_KEY": ADMIN_KEY, "NRDB_DATA_KEY": DATA_KEY, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the service accepts messages. Raises `RuntimeError` when it ends instead."""
    while process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=1).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"nrdb serve ended with {process.returncode}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it as a supervisor would."""
    process.send_signal(signal.SIGTERM)
    process.wait(20)


@contextmanager
def database(folder: Path, name: str) -> Iterator[str]:
    """A PostgreSQL of its own."""
    with EmbeddedPostgres(folder / name) as server:
        yield server.dsn


@asynccontextmanager
async def service(dsn: str, folder: Path, port: int, processes: int = 1) -> AsyncIterator[Service]:
    """`processes` API processes that share one port, the first with the worker, and a market entered."""
    url = f"http://127.0.0.1:{port}"
    environment = {
        "NRDB_DATABASE_URL": dsn,
        "NRDB_DATA_DIR": str(folder),
        "NRDB_PORT": str(port),
        "NRDB_POOL_SIZE": "16",
    }
    running = []
    try:
        for place in range(processes):
            process = start(environment, "--share-port", *(["--no-worker"] if place else []))
            running.append(process)
            until_ready(url, process)
        # The last one shares the port with the first, so its own readiness cannot be asked for by address.
        await asyncio.sleep(3 if processes > 1 else 0)
        market = await enter_market(url)
        yield Service(market, tuple(psutil.Process(process.pid) for process in running), dsn)
    finally:
        for process in running:
            stop(process)
