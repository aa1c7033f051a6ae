"""The database server of a test run, and a fresh seeded sandbox for each test.

Migrating and seeding take a second; cloning the result takes some milliseconds. The clock of the template stands at
the beginning of 2020, so that a test may start at any later time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from nrdb.migrate import upgrade
from nrdb.seed import bootstrap
from nrdb.settings import Settings

#: Nothing here must survive a crash of the machine.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200",
        "autovacuum": "off", "max_wal_size": "4GB"}  # fmt: skip
TEMPLATE = "sandbox_template"
DATA_KEY = "the-data-key-of-the-tests-0123456789"
ADMIN_KEY = "the-admin-key-of-the-tests-0123456789"
BEGINNING = datetime.fromisoformat("2020-01-01T00:00:00+01:00")
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Databases:
    """A running server with the seeded template in it, and the keys that stand in the template."""

    server_dsn: str
    keys: dict[str, str]

    def dsn(self, name: str) -> str:
        """The address of one database of the server."""
        return self.server_dsn.replace("@/nrdb?", f"@/{name}?")

    async def execute(self, sql: str) -> None:
        """Run a statement beside all databases of tests."""
        connection = await asyncpg.connect(self.server_dsn)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        """A database with nothing in it."""
        async with self._created("template0") as dsn:
            yield dsn

    @asynccontextmanager
    async def sandbox(self, now: datetime, template: str = TEMPLATE) -> AsyncIterator[str]:
        """A clone of the template whose clock shows `now`."""
        async with self._created(template) as dsn:
            await _set_clock(dsn, now)
            yield dsn

    @asynccontextmanager
    async def kept(self, name: str, now: datetime) -> AsyncIterator[str]:
        """A clone of the template that stays, for a test to make a template of its own."""
        await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        await _set_clock(self.dsn(name), now)
        yield self.dsn(name)

    @asynccontextmanager
    async def _created(self, template: str) -> AsyncIterator[str]:
        name = f"test_{next(_numbers)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.dsn(name)
        finally:
            await self.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def _set_clock(dsn: str, now: datetime) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE world SET sandbox_now = $1", now)
    await connection.close()


def sandbox_settings(data_dir: Path) -> Settings:
    """The settings of a seeded sandbox."""
    return Settings(
        sandbox=True,
        sandbox_start=BEGINNING,
        seed="norway",
        data_dir=data_dir,
        admin_key=SecretStr(ADMIN_KEY),
        data_key=SecretStr(DATA_KEY),
    )


def prepare(server_dsn: str, data_dir: Path) -> Databases:
    """Make the template."""
    databases = Databases(server_dsn, {})

    async def make() -> None:
        await databases.execute(f"CREATE DATABASE {TEMPLATE}")
        await upgrade(databases.dsn(TEMPLATE))
        await bootstrap(sandbox_settings(data_dir), databases.dsn(TEMPLATE))

    asyncio.run(make())
    for line in (data_dir / "sandbox-keys.env").read_text().splitlines():
        name, sign, key = line.partition("=")
        if sign and not name.startswith("#"):
            databases.keys[name.removesuffix("_KEY")] = key
    return databases
