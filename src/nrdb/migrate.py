"""The schema of the database: bring it to the newest version, and prove that it is the one the code expects.

Several processes may start at once, so whoever migrates holds an advisory lock and the others wait for it. A
migration that meets a lock held by live traffic gives up after seconds instead of making that traffic queue.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import asyncpg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from nrdb.models import metadata

_LOCK_KEY = 0x6E726462  # "nrdb" in ASCII; any number will do that no other program on the database uses.
_WAIT_FOR_OTHERS = "120s"
_WAIT_FOR_TRAFFIC = "5s"

# What Alembic does not compare, as PostgreSQL itself words it. The two schemas are made by the same server,
# so equal definitions have equal words.
_CATALOG = text("""
    SELECT 'constraint ' || conrelid::regclass || '.' || conname || ': ' || pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    UNION ALL
    SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'column ' || attrelid::regclass || '.' || attname || ': ' || format_type(atttypid, atttypmod)
           || CASE WHEN attnotnull THEN ' not null' ELSE '' END
           || coalesce(' default ' || pg_get_expr(adbin, adrelid), '')
           || CASE WHEN attidentity <> '' THEN ' identity ' || attidentity::text ELSE '' END
           || CASE WHEN attgenerated <> '' THEN ' generated ' || attgenerated::text ELSE '' END
      FROM pg_attribute
      JOIN pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p')
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
""")

_TABLES = text("SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'")


def migrations_dir() -> Path:
    """The migrations: inside the package when it was installed from a wheel, else beside `src`."""
    packaged = Path(__file__).parent / "_migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    # Alembic reads its options like an ini file, where a percent sign in a path would begin a variable.
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def head() -> str | None:
    """The newest version of the schema that this code knows; the database is ready when it has it."""
    return ScriptDirectory.from_config(_config()).get_current_head()


@asynccontextmanager
async def _connect(dsn: str) -> AsyncIterator[AsyncConnection]:
    """One connection through SQLAlchemy, without a pool: it ends with the work, and its locks with it."""
    # asyncpg reads the address itself, so that every option it knows (sslmode and the like) works here too.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=NullPool, hide_parameters=True
    )
    async with engine.connect() as connection:
        yield connection


async def upgrade(dsn: str) -> None:
    """Bring the database to the newest version, once whoever is doing so already has finished."""
    async with _connect(dsn) as connection:
        await connection.execute(text(f"SET lock_timeout = '{_WAIT_FOR_OTHERS}'"))
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
        await connection.execute(text(f"SET lock_timeout = '{_WAIT_FOR_TRAFFIC}'"))
        await connection.commit()
        await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
        await connection.commit()


def _alembic_differences(connection: Connection) -> list[str]:
    context = MigrationContext.configure(connection)
    return [f"models and migrations differ: {entry}" for entry in compare_metadata(context, metadata)]


async def _catalog(connection: AsyncConnection) -> set[str]:
    lines = (await connection.execute(_CATALOG)).scalars().all()
    return {line for line in lines if "alembic_version" not in line}


async def differences(dsn: str) -> list[str]:
    """How the migrated schema differs from the models; empty when they are one.

    Needs an empty database. The migrations build the schema, then its tables are dropped and the models build
    them. Functions and extensions stay between the two, since only migrations make those.
    """
    await upgrade(dsn)
    async with _connect(dsn) as connection:
        found = await connection.run_sync(_alembic_differences)
        migrated = await _catalog(connection)
        for table in (await connection.execute(_TABLES)).scalars().all():
            await connection.execute(text(f"DROP TABLE {table} CASCADE"))
        await connection.run_sync(metadata.create_all)
        modelled = await _catalog(connection)
    found += [f"only in the migrations: {line}" for line in sorted(migrated - modelled)]
    found += [f"only in the models: {line}" for line in sorted(modelled - migrated)]
    return found
