"""What stands between a database's address and a service on it: reach it, migrate it, bootstrap it.

A start that the settings forbid changes nothing: they are held against the database before it is migrated.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import structlog
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError

from nrdb.app import create_app
from nrdb.data_key import open_vault, rotate, verify_data_key
from nrdb.db import UNAVAILABLE, Connection, acquire, open_pool, retried
from nrdb.erasure import BATCH, seal
from nrdb.errors import UnusableError
from nrdb.migrate import upgrade
from nrdb.seed import bootstrap, verify_kind
from nrdb.settings import Settings
from nrdb.vault import Vault

_log = structlog.get_logger(__name__)
_CONNECT_SECONDS = 10.0


def _place(dsn: str) -> str:
    """Where the database is, without the user, the password and the options."""
    url = make_url(dsn)
    return URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()


@asynccontextmanager
async def _reached(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection. Tells a wrong address or password from every other trouble."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = str(error) or f"no answer in {_CONNECT_SECONDS:.0f} s"
        raise UnusableError(f"the database {_place(dsn)} cannot be reached: {reason}") from None
    try:
        yield connection
    finally:
        await connection.close()


async def bring_up_to_date(dsn: str) -> None:
    """Migrate to the newest schema. Raises `UnusableError` where the database cannot be had or cannot follow."""
    async with _reached(dsn):
        pass
    try:
        await upgrade(dsn)
    except DBAPIError as error:
        raise UnusableError(f"the database cannot be migrated: {error.orig}") from error


async def prepare(settings: Settings, dsn: str) -> None:
    """Bring the database to what this code needs; any number of processes may do so at once.

    Raises `ConfigurationError`, with nothing touched, where the settings do not fit what is in the database, and
    `UnusableError` where the database goes away meanwhile.
    """
    try:
        await _verify_fits(settings, dsn)
        await bring_up_to_date(dsn)
        await bootstrap(settings, dsn)
        await _protect(settings, dsn)
    except UNAVAILABLE as error:
        raise UnusableError(f"the start has broken off: {str(error) or type(error).__name__}") from None


async def _verify_fits(settings: Settings, dsn: str) -> None:
    async with _reached(dsn) as connection:
        if await connection.fetchval("SELECT to_regclass('world') IS NOT NULL"):
            is_sandbox = await connection.fetchval("SELECT sandbox FROM world")
            if is_sandbox is not None:
                verify_kind(is_sandbox, settings)
        await verify_data_key(connection, settings)


async def _protect(settings: Settings, dsn: str) -> None:
    """Wrap the data key with the newest key of the settings, and seal what the first release wrote in the open."""
    pool = await open_pool(dsn, 1)
    try:
        async with acquire(pool) as connection:
            await rotate(connection, settings)
            vault = await open_vault(connection, settings)
            sealed = 0
            while count := await retried(lambda: _seal_batch(connection, vault)):
                sealed += count
        if sealed:
            _log.info("sealed personal data that an older release had written in the open", messages=sealed)
    finally:
        await pool.close()


async def _seal_batch(connection: Connection, vault: Vault) -> int:
    async with connection.transaction():
        return await seal(connection, vault, BATCH)


def document() -> bytes:
    """The OpenAPI document of the code, sandbox included, whatever the environment says.

    The application is made but not started, so no database is needed.
    """
    found = create_app(Settings.model_construct(sandbox=True), dsn="postgresql:///").openapi()
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
