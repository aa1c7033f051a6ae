"""The worker announces what is already true: it writes down what time has done, and notices follow from that.

It also keeps house: personal data and inbox items go when their time is over. Beside it, on connections of its own, one
worker of all posts items to webhooks, and the hash tree of the routing table is brought forward.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from nrdb.api.metrics import ERASED, SETTLED, WEBHOOK_ATTEMPTS
from nrdb.clock import monotonic
from nrdb.data_key import open_vault
from nrdb.db import UNAVAILABLE, ConflictError, Pool, acquire, open_pool, retried
from nrdb.delivery.positions import let_go
from nrdb.delivery.webhooks.attempt import Sender
from nrdb.delivery.webhooks.pusher import Pusher
from nrdb.delivery.webhooks.store import tidy
from nrdb.erasure import BATCH, erase, seal, try_turn
from nrdb.intake import Intake
from nrdb.routing.proof import root
from nrdb.rulebook import load_rulebook
from nrdb.settings import Settings
from nrdb.vault import Vault

#: Seconds between two looks when nothing is due. Notices stand in the inboxes at the latest 2 s after they are due.
LOOK_AGAIN = 0.5
#: Seconds to wait when the database is away.
TRY_AGAIN = 1.0
#: Seconds between two looks for personal data to erase.
KEEP_HOUSE_AGAIN = 60.0

#: Seconds between two looks for what has changed in the routing table.
PROVE_AGAIN = 5.0

#: Connections for reading what is posted to webhooks.
_READERS = 2

log = structlog.get_logger()


class Housekeeping:
    """What nobody waits for.

    Erases personal data whose time is up, seals what a process of the first release still writes in the open, takes old
    items out of the inboxes, and forgets old attempts of webhooks.
    """

    def __init__(self, pool: Pool, vault: Vault, settings: Settings) -> None:
        self._pool = pool
        self._vault = vault
        self._retention = settings.retention
        self._inbox_retention = settings.inbox_retention
        self._next = monotonic()

    async def look(self) -> bool:
        """One batch, when it is time for one; returns whether there is more to do at once."""
        if monotonic() < self._next:
            return False
        done = await retried(self._batch)
        if not done:
            self._next = monotonic() + KEEP_HOUSE_AGAIN
        return done > 0

    async def _batch(self) -> int:
        async with acquire(self._pool) as connection, connection.transaction():
            if not await try_turn(connection):
                return 0
            sealed = await seal(connection, self._vault, BATCH)
            erased = await erase(connection, self._retention, BATCH)
            let_go_of = await let_go(connection, self._inbox_retention, BATCH)
            tidied = await tidy(connection, BATCH)
        if erased:
            ERASED.inc(erased)
            log.info("erased personal data whose time was up", count=erased)
        return sealed + erased + let_go_of + tidied


async def run_worker(settings: Settings, dsn: str, stop: asyncio.Event) -> None:
    """Settle due cases until `stop` is set. Any number of workers may run on one database."""
    pool = await open_pool(dsn, 2, settings.retention_days)
    try:
        async with acquire(pool) as connection:
            vault = await open_vault(connection, settings)
        intake = Intake(pool, load_rulebook(), vault)
        housekeeping = Housekeeping(pool, vault, settings)
        async with _pushing(settings, dsn, vault, stop), _proving(settings, dsn):
            # From here on it outlives the database going away.
            log.info("the worker is at work")
            while not stop.is_set():
                await _wait(stop, await _look(intake, housekeeping))
    finally:
        await pool.close()


@asynccontextmanager
async def _pushing(settings: Settings, dsn: str, vault: Vault, stop: asyncio.Event) -> AsyncIterator[None]:
    """Post items to webhooks meanwhile, with connections of its own: a slow receiver delays nothing that is due."""
    pool = await open_pool(dsn, _READERS, settings.retention_days)
    try:
        async with Sender(allow_private=settings.private_webhooks) as sender:
            pusher = Pusher(dsn, pool, vault, sender, lambda outcome: WEBHOOK_ATTEMPTS.labels(outcome).inc())
            pushing = asyncio.create_task(pusher.run(stop))
            try:
                yield
            finally:
                if not stop.is_set():
                    pushing.cancel()
                await asyncio.wait({pushing})
            if not pushing.cancelled():
                pushing.result()
    finally:
        await pool.close()


@asynccontextmanager
async def _proving(settings: Settings, dsn: str) -> AsyncIterator[None]:
    """Bring the hash tree of the routing table forward meanwhile: whoever copies the table need not wait for it.

    After an import of millions of numbers that takes minutes; at other times milliseconds.
    """
    pool = await open_pool(dsn, 2, settings.retention_days)
    proving = asyncio.create_task(_prove(pool))
    try:
        yield
    finally:
        proving.cancel()
        await asyncio.wait({proving})
        await pool.close()
    if not proving.cancelled():
        proving.result()


async def _prove(pool: Pool) -> None:
    while True:
        try:
            async with acquire(pool) as connection:
                await root(connection)
        except UNAVAILABLE as error:
            log.info("the hash tree waits", error=type(error).__name__)
        await asyncio.sleep(PROVE_AGAIN)


async def _look(intake: Intake, housekeeping: Housekeeping) -> float:
    """One look; returns how long to wait before the next."""
    try:
        await intake.catch_up_if_due()
        settled = await intake.settle()
        SETTLED.inc(settled)
        more = await housekeeping.look()
    except (*UNAVAILABLE, ConflictError) as error:
        log.warning("worker waits for the database", error=type(error).__name__)
        return TRY_AGAIN
    return 0 if settled or more else LOOK_AGAIN


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    if seconds:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
