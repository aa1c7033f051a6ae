"""The worker announces what is already true: it writes down what time has done, and notices follow from that."""

import asyncio
from contextlib import suppress

import structlog

from nrdb.api.metrics import SETTLED
from nrdb.db import UNAVAILABLE, ConflictError, open_pool
from nrdb.intake import Intake
from nrdb.rulebook import load_rulebook
from nrdb.settings import Settings

#: Seconds between two looks when nothing is due. Notices stand in the inboxes at the latest 2 s after they are due.
LOOK_AGAIN = 0.5
#: Seconds to wait when the database is away.
TRY_AGAIN = 1.0

log = structlog.get_logger()


async def run_worker(_settings: Settings, dsn: str, stop: asyncio.Event) -> None:
    """Settle due cases until `stop` is set. Any number of workers may run on one database."""
    pool = await open_pool(dsn, 2)
    intake = Intake(pool, load_rulebook())
    try:
        while not stop.is_set():
            await _wait(stop, await _look(intake))
    finally:
        await pool.close()


async def _look(intake: Intake) -> float:
    """One look; returns how long to wait before the next."""
    try:
        await intake.catch_up_if_due()
        settled = await intake.settle()
    except (*UNAVAILABLE, ConflictError) as error:
        log.warning("worker waits for the database", error=type(error).__name__)
        return TRY_AGAIN
    SETTLED.inc(settled)
    return 0 if settled else LOOK_AGAIN


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    if seconds:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
