"""`nrdb` commands of a client, run as programs against a service."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path

from tests.support.service import Service

import nrdb


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code, and what stands on the two outputs."""

    code: int | None
    out: str
    err: str


async def start(service: Service, *arguments: str, who: str = "CHILI") -> Process:
    """A command that is running."""
    assert nrdb.__file__
    where = {
        **os.environ, "NRDB_URL": service.address, "NRDB_KEY": service.keys[who], "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": str(Path(nrdb.__file__).parents[1]),
    }  # fmt: skip
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nrdb", *arguments, env=where, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )


async def command(service: Service, *arguments: str, who: str = "CHILI", given: bytes = b"") -> Ended:
    """A command from beginning to end."""
    running = await start(service, *arguments, who=who)
    async with asyncio.timeout(60):
        out, err = await running.communicate(given)
    return Ended(running.returncode, out.decode(), err.decode())
