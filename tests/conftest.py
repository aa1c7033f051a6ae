"""Fixtures: one database server for the run, and for each test the real service on a database of its own."""

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.server import FAST, Databases, prepare, sandbox_settings
from tests.support.service import Service, local, running
from tests.support.soundness import check_routing

from nrdb.embedded import EmbeddedPostgres

# A line for each request would only hide what failed.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

#: A Monday without holidays near it.
START = "2026-11-23 08:00"


@contextmanager
def removed(place: Path) -> Iterator[None]:
    """Leave nothing of the folder behind."""
    try:
        yield
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A server with a migrated and seeded sandbox to clone, in memory where the machine has a place for that."""
    memory = Path("/dev/shm")  # noqa: S108 (a folder of its own is made in it)
    place = Path(tempfile.mkdtemp(prefix="nrdb-tests-", dir=memory if os.access(memory, os.W_OK) else None))
    with removed(place), EmbeddedPostgres(place / "server", FAST) as server:
        yield prepare(server.dsn, place)


@pytest.fixture
async def service(databases: Databases, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Service]:
    """A sandbox with the Norwegian seed on Monday 2026-11-23 at 08:00, without a worker.

    `@pytest.mark.parametrize("service", ["2026-12-23 12:00"], indirect=True)` starts it at another time.
    """
    start = local(getattr(request, "param", START))
    async with (
        databases.sandbox(start) as dsn,
        running(sandbox_settings(tmp_path), dsn, databases.keys) as found,
    ):
        yield found
        await check_routing(found.db)
