"""What is due before an import: changes of the plan that were set for an instant that has passed."""

import asyncio

import asyncpg

from nrdb.clock import monotonic
from nrdb.errors import UnusableError

#: A worker writes it down at once; without one, nobody does until a request comes.
_SECONDS = 10.0


async def nothing_due(connection: asyncpg.Connection) -> None:
    """Wait until what is due has been written down. Raises `UnusableError` where nobody does."""
    until = monotonic() + _SECONDS
    while await connection.fetchval("SELECT world_is_due(nrdb_now())"):
        if monotonic() > until:
            raise UnusableError("changes are due that nobody has carried out: run `nrdb serve` or `nrdb worker` first")
        await asyncio.sleep(0.1)
