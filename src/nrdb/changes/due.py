"""Planned changes at their instant: applied in order by whoever comes first, with their due time as their time.

What time has done to cases by then is written down before each of them. A worker does this at once; where none runs,
the first request after the instant does it before it is answered.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from nrdb.audit import Change, change_world
from nrdb.changes import series, transfer
from nrdb.changes.settling import Settler
from nrdb.clock import monotonic
from nrdb.db import LONG, Connection, Pool, acquire, retried
from nrdb.planned import SERIES_CHANGED, mark_done, next_due


async def apply_due(connection: Connection, settler: Settler, until: datetime) -> None:
    """Everything that is due by `until`, in order, in the caller's transaction, which holds the world."""
    while True:
        while await settler.settle_on(connection):
            pass
        planned = await next_due(connection, until)
        if planned is None:
            return
        change = Change(connection, planned.due_at, planned.key_id)
        # It is done before it is carried out, so that it does not count as something still planned.
        await mark_done(connection, planned.id, planned.due_at)
        if planned.action == SERIES_CHANGED:
            await series.apply_planned(change, planned)
        else:
            await transfer.apply_planned(change, settler, planned)


@asynccontextmanager
async def settled_change(
    pool: Pool, settler: Settler, key_id: UUID | None, *, dry_run: bool = False
) -> AsyncIterator[Change]:
    """The transaction of a change that looks at cases: what is due before it has happened before it."""
    async with change_world(pool, key_id, dry_run=dry_run) as change:
        await apply_due(change.connection, settler, change.at)
        yield change


class CatchingUp:
    """Lets a process write down what is due, once for all who come meanwhile."""

    def __init__(self, pool: Pool, settler: Settler) -> None:
        self._pool = pool
        self._settler = settler
        self._task: asyncio.Task[None] | None = None
        self._began = 0.0

    async def wait(self, patience: float | None = None) -> None:
        """Return when it is written down. With `patience`, at the latest so many seconds after it was begun.

        Who waits no longer reads what stands: a transfer of hundreds of thousands of numbers holds up no reader.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._catch_up())
            # Nobody may be left to ask what became of it.
            self._task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            self._began = monotonic()
        task = self._task
        await asyncio.wait({task}, timeout=None if patience is None else self._began + patience - monotonic())
        if task.done():
            task.result()

    async def _catch_up(self) -> None:
        async with acquire(self._pool) as connection:
            now = await connection.fetchval("SELECT nrdb_now()")
            if await next_due(connection, now) is None:
                while await retried(lambda: self._settler.settle_returns_on(connection)):
                    pass
                return
            async with connection.transaction():
                # Others may be about it: then there is nothing left to do once they have ended.
                await connection.execute("SELECT pg_advisory_xact_lock(7267, 1)", timeout=LONG)
                if await next_due(connection, now) is not None:
                    at = await connection.fetchval("SELECT change_world()")
                    await apply_due(connection, self._settler, at)
