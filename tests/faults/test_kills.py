"""`kill -9` of API and worker at random moments under load: what was answered is there, and is read, exactly once."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
from tests.support.cluster import Cluster, OwnPostgres, chance, chosen_seed, cluster
from tests.support.reckoning import under_load

from nrdb.embedded_server import running


async def kill_one(service: Cluster, moments: random.Random) -> None:
    """One process falls, or one of each kind; a supervisor starts it again."""
    fallen = {moments.choice(service.members)}
    if moments.randrange(4) == 0:
        fallen |= {moments.choice(service.apis), moments.choice(service.workers)}
    for member in fallen:
        await asyncio.to_thread(member.kill)
    service.start()


async def kill_all(service: Cluster, moments: random.Random, *, database: bool) -> None:
    """The whole process group falls, sometimes again while it starts; with the database as if the power had failed."""
    # One that answers, since a mark without its server may name anybody.
    server = running(service.data_dir / "postgres") if database else None
    service.kill_group()
    if server is not None:
        os.kill(server.pid, signal.SIGKILL)
    service.start(one_group=True)
    if moments.randrange(4) == 0:
        await asyncio.sleep(1.5 * moments.random())
        service.kill_group()
        service.start(one_group=True)


async def kill_processes(postgres: OwnPostgres, tmp_path: Path, kills: int) -> None:
    """Two API processes and two workers, of which now one and now another falls."""
    moments = chance(chosen_seed())
    async with cluster(tmp_path, postgres.dsn) as service, under_load(service, moments) as load:
        for _ in range(kills):
            await load.grow(moments.randrange(1, 60))
            await kill_one(service, moments)
        await load.grow(20)


async def kill_groups(tmp_path: Path, kills: int, *, database: bool = False) -> None:
    """API and worker with an embedded PostgreSQL, which lives on when both fall at once, or falls with them."""
    moments = chance(chosen_seed())
    async with (
        cluster(tmp_path, apis=1, workers=1, one_group=True) as service,
        under_load(service, moments) as load,
    ):
        for _ in range(kills):
            await load.grow(moments.randrange(1, 60))
            await kill_all(service, moments, database=database)
        await load.grow(20)


async def test_processes_are_killed_under_load(postgres: OwnPostgres, tmp_path: Path) -> None:
    await kill_processes(postgres, tmp_path, 5)


async def test_everything_but_the_database_is_killed_under_load(tmp_path: Path) -> None:
    await kill_groups(tmp_path, 2)


@pytest.mark.soak
async def test_processes_are_killed_200_times(postgres: OwnPostgres, tmp_path: Path) -> None:
    await kill_processes(postgres, tmp_path, 200)


@pytest.mark.soak
async def test_everything_but_the_database_is_killed_200_times(tmp_path: Path) -> None:
    await kill_groups(tmp_path, 200)


@pytest.mark.soak
async def test_everything_is_killed_with_its_database(tmp_path: Path) -> None:
    await kill_groups(tmp_path, 30, database=True)
