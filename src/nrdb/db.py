"""The way to the database: one pool of asyncpg connections, and the one place that starts again after a lost race.

A unit of work reads its facts in one statement and writes its outcome in one statement, both committed by themselves.
The second carries its own guards (see `models`): when the world has moved in between, or somebody else was faster,
it fails as a whole and `retried` runs the unit again on fresh facts, a bounded number of times.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
import orjson
from asyncpg import exceptions as pg
from asyncpg.pool import PoolAcquireContext

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Pool = asyncpg.Pool
T = TypeVar("T")

#: What the guards of a write raise when the facts of the decision are no longer true.
STALE = "NR001"
ATTEMPTS = 12
#: Seconds that a request waits for a connection before it is told to come again.
ACQUIRE_SECONDS = 5
#: Seconds that one statement of an administrative change may take: it may move hundreds of thousands of rows.
LONG = 300
_LOST_RACES = (
    pg.UniqueViolationError,
    pg.ExclusionViolationError,
    pg.SerializationError,
    pg.DeadlockDetectedError,
)
#: The database is away, stopping, starting or full: nothing is wrong with the message.
UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What the driver says to whoever takes a connection between the last word of a server that stops and its end.
    asyncpg.InternalClientError,
    pg.PostgresConnectionError,
    pg.OperatorInterventionError,
    pg.InsufficientResourcesError,
    pg.CannotConnectNowError,
    # A standby that has not been promoted yet.
    pg.ReadOnlySQLTransactionError,
)


#: Statements are planned once for each connection, perhaps while the tables are still empty, and must stay good when
#: they hold millions of rows. All of them look up by index; planning again for each message would cost as much as
#: running it.
_SESSION = {
    "application_name": "nrdb",
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    # A process that stops in the middle of a change must not hold up everybody else.
    "idle_in_transaction_session_timeout": "15s",
    # Nor must a machine that is gone without a word: by the system's default the database would keep its session, and
    # with it the turn at the webhooks, for two hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


class ConflictError(Exception):
    """The race was lost `ATTEMPTS` times in a row; the sender may try again."""


async def open_pool(dsn: str, size: int, retention_days: int = 90) -> Pool:
    """A pool of at most `size` connections. The caller closes it.

    Its sessions show personal data for so many days after their retention has begun to run.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=min(2, size),
        max_size=size,
        init=_prepare,
        reset=_leave_as_it_is,
        command_timeout=30,
        max_inactive_connection_lifetime=0,
        server_settings={**_SESSION, "nrdb.retention_days": str(retention_days)},
    )


async def fetch_one(connection: Connection, statement: str, *values: Any) -> asyncpg.Record:
    """The row of a statement that always answers with one."""
    row = await connection.fetchrow(statement, *values)
    if row is None:
        raise RuntimeError("a statement that always answers with a row answered with none")
    return row


def acquire(pool: Pool) -> PoolAcquireContext:
    """A connection for the length of an `async with` block. Raises `TimeoutError` rather than wait for ever."""
    # The time is only watched where there is something to wait for: watching costs as much as the acquiring.
    return pool.acquire(timeout=None if pool.get_idle_size() else ACQUIRE_SECONDS)


async def _prepare(connection: asyncpg.Connection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=dumps, decoder=orjson.loads, format="text")


async def _leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Connections keep no session state here, and asyncpg's reset would cost every request a round trip."""


def dumps(value: Any) -> str:
    """JSON as PostgreSQL takes it: dates, UUIDs (asyncpg's own kind, too) and instants included."""
    return orjson.dumps(value, default=str).decode()


def lost_race(error: BaseException) -> bool:
    """Whether the guards of a write found the world or a row changed since the decision."""
    return isinstance(error, _LOST_RACES) or (isinstance(error, asyncpg.PostgresError) and error.sqlstate == STALE)


async def retried(unit: Callable[[], Awaitable[T]]) -> T:
    """Run the unit of work until its write meets the world it was decided in. Raises `ConflictError` at the bound."""
    for attempt in range(ATTEMPTS):
        try:
            return await unit()
        except asyncpg.PostgresError as error:
            if not lost_race(error):
                raise
        # Those who met here must not meet again in step.
        await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))  # noqa: S311 (no secret)
    raise ConflictError
