"""The migrations make the schema that the models declare, and take it away again."""

import asyncio

import asyncpg
from alembic import command
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support.server import Databases

from nrdb.migrate import _config, differences, head, upgrade

LEFT = """
SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
   AND relname <> 'alembic_version'
"""
FUNCTIONS = """
SELECT count(*) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


async def test_migrated_schema_equals_models(databases: Databases) -> None:
    async with databases.empty() as dsn:
        assert await differences(dsn) == []


async def test_up_down_and_up_again(databases: Databases) -> None:
    async with databases.empty() as dsn:
        await upgrade(dsn)
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == head()
        assert await connection.fetchval(LEFT) > 5
        engine = create_async_engine(make_url(dsn).set(drivername="postgresql+asyncpg"))
        async with engine.connect() as down:
            await down.run_sync(lambda sync: command.downgrade(_config(sync), "base"))
            await down.commit()
        await engine.dispose()
        assert await connection.fetchval(LEFT) == 0
        assert await connection.fetchval(FUNCTIONS) == 0
        await upgrade(dsn)
        assert await connection.fetchval(LEFT) > 5
        await connection.close()


async def test_many_processes_migrate_at_once(databases: Databases) -> None:
    async with databases.empty() as dsn:
        await asyncio.gather(*(upgrade(dsn) for _ in range(4)))
        connection = await asyncpg.connect(dsn)
        assert await connection.fetchval("SELECT array_agg(version_num) FROM alembic_version") == [head()]
        await connection.close()
