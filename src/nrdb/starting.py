"""What stands between a database's address and a service on it: reach it, migrate it, bootstrap it."""

import asyncpg
import orjson
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError

from nrdb.app import create_app
from nrdb.errors import UnusableError
from nrdb.migrate import upgrade
from nrdb.seed import bootstrap
from nrdb.settings import Settings

_CONNECT_SECONDS = 10.0


def _place(dsn: str) -> str:
    """Where the database is, without the user, the password and the options."""
    url = make_url(dsn)
    return URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()


async def _verify_reachable(dsn: str) -> None:
    """Tell a wrong address or password from every other trouble."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = str(error) or f"no answer in {_CONNECT_SECONDS:.0f} s"
        raise UnusableError(f"the database {_place(dsn)} cannot be reached: {reason}") from None
    await connection.close()


async def bring_up_to_date(dsn: str) -> None:
    """Migrate to the newest schema. Raises `UnusableError` where the database cannot be had or cannot follow."""
    await _verify_reachable(dsn)
    try:
        await upgrade(dsn)
    except DBAPIError as error:
        raise UnusableError(f"the database cannot be migrated: {error.orig}") from error


async def prepare(settings: Settings, dsn: str) -> None:
    """Bring the database to what this code needs; any number of processes may do so at once."""
    await bring_up_to_date(dsn)
    await bootstrap(settings, dsn)


def document() -> bytes:
    """The OpenAPI document of the code, sandbox included, whatever the environment says.

    The application is made but not started, so no database is needed.
    """
    found = create_app(Settings.model_construct(sandbox=True), dsn="postgresql:///").openapi()
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
