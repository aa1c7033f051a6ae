"""The data key: made once, opened by a listed key only, rotated by a new one in front; a wrong key touches nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from pydantic import SecretStr
from structlog.testing import capture_logs
from tests.support.server import ADMIN_KEY, Databases

from nrdb.data_key import SANDBOX_KEY, open_vault
from nrdb.errors import ConfigurationError
from nrdb.migrate import upgrade
from nrdb.settings import Settings
from nrdb.starting import prepare

OLD = "o" * 40
NEW = "n" * 40
OTHER = "x" * 40
#: Everything that a start could touch: each table's rows, and every table and function there is.
OBJECTS = """
SELECT (SELECT array_agg(relname::text || relkind::text ORDER BY relname) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace) AS relations,
       (SELECT array_agg(proname::text ORDER BY oid) FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace) AS functions
"""
TABLES = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"


def keyed(place: Path, *keys: str, sandbox: bool = False, external: str | None = None) -> Settings:
    """Settings with these data keys, in this order."""
    return Settings(
        data_key=SecretStr(",".join(keys)) if keys else None,
        data_dir=place,
        sandbox=sandbox,
        admin_key=SecretStr(ADMIN_KEY),
        database_url=SecretStr(external) if external else None,
    )


def files(place: Path) -> list[str]:
    """What lies in a directory."""
    return [item.name for item in place.iterdir()]


@contextmanager
def everything_logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """The lines of the log, those included that tests do not show."""
    usual = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        with capture_logs() as lines:
            yield lines
    finally:
        structlog.configure(wrapper_class=usual)


@pytest.fixture
async def empty(databases: Databases) -> AsyncIterator[str]:
    async with databases.empty() as dsn:
        yield dsn


@pytest.fixture
async def db(empty: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty)
    yield connection
    await connection.close()


async def everything(db: asyncpg.Connection) -> dict[str, Any]:
    """All that stands in the database, the version of the schema included."""
    found: dict[str, Any] = dict(await db.fetchrow(OBJECTS) or {})
    for row in await db.fetch(TABLES):
        lines = await db.fetch(f"SELECT t::text, xmin::text, ctid::text FROM {row[0]} t ORDER BY ctid")
        found[row[0]] = [tuple(line) for line in lines]
    return found


async def refused(db: asyncpg.Connection, settings: Settings, dsn: str) -> str:
    """The start is refused in one line that repeats no key, and nothing has changed; the line."""
    before = await everything(db)
    with pytest.raises(ConfigurationError) as caught:
        await prepare(settings, dsn)
    assert await everything(db) == before
    text = str(caught.value)
    assert "\n" not in text
    for key in (OLD, NEW, OTHER, SANDBOX_KEY):
        assert key not in text
    return text


async def test_the_first_start_makes_a_key_and_the_next_ones_use_it(
    db: asyncpg.Connection, empty: str, tmp_path: Path
) -> None:
    settings = keyed(tmp_path, OLD)
    await prepare(settings, empty)
    (row,) = await db.fetch("SELECT * FROM data_key")
    sealed = (await open_vault(db, settings)).seal({"name": "Kari"})
    await prepare(settings, empty)
    assert await db.fetch("SELECT * FROM data_key") == [row]
    assert (await open_vault(db, settings)).open(sealed) == {"name": "Kari"}
    assert files(tmp_path) == []


async def test_many_at_the_first_start_agree(db: asyncpg.Connection, empty: str, tmp_path: Path) -> None:
    """Two ways at once: through the whole start, with the file still to be generated."""
    await asyncio.gather(*(prepare(keyed(tmp_path), empty) for _ in range(4)))
    assert await db.fetchval("SELECT count(*) FROM data_key") == 1
    vaults = [await open_vault(db, keyed(tmp_path)) for _ in range(2)]
    assert vaults[0].open(vaults[1].seal({"a": 1})) == {"a": 1}
    assert files(tmp_path) == ["data.key"]


async def test_two_with_different_keys_at_the_first_start(db: asyncpg.Connection, empty: str, tmp_path: Path) -> None:
    """One makes the key; the other finds one that it cannot open."""
    results = await asyncio.gather(
        *(prepare(keyed(tmp_path, key), empty) for key in (OLD, NEW)), return_exceptions=True
    )
    (error,) = [result for result in results if result is not None]
    assert isinstance(error, ConfigurationError)
    await open_vault(db, keyed(tmp_path, OLD, NEW))


async def test_rotation(db: asyncpg.Connection, empty: str, tmp_path: Path) -> None:
    """The new key in front, a start, the old one away; what was sealed before opens all the time."""
    await prepare(keyed(tmp_path, OLD), empty)
    sealed = (await open_vault(db, keyed(tmp_path, OLD))).seal({"name": "Kari"})
    digest = (await open_vault(db, keyed(tmp_path, OLD))).mac(b"x")
    assert "NRDB_DATA_KEY" in await refused(db, keyed(tmp_path, NEW), empty)
    both = keyed(tmp_path, NEW, OLD)
    with everything_logged() as logs:
        await prepare(both, empty)
    assert any("wrapped with the first key now" in line["event"] for line in logs)
    for settings in (both, keyed(tmp_path, NEW)):
        with everything_logged() as logs:
            await prepare(settings, empty)
        assert any("does not need the others" in line["event"] for line in logs) == (settings is both)
        vault = await open_vault(db, settings)
        assert vault.open(sealed) == {"name": "Kari"}
        assert vault.mac(b"x") == digest
    await refused(db, keyed(tmp_path, OLD), empty)
    # A key that opens it may stand anywhere in the list.
    await prepare(keyed(tmp_path, OTHER, OLD, NEW), empty)
    await prepare(keyed(tmp_path, OTHER), empty)


async def test_many_rotate_at_once(db: asyncpg.Connection, empty: str, tmp_path: Path) -> None:
    await prepare(keyed(tmp_path, OLD), empty)
    await asyncio.gather(*(prepare(keyed(tmp_path, NEW, OLD), empty) for _ in range(4)))
    await open_vault(db, keyed(tmp_path, NEW))


async def test_a_wrong_key_touches_nothing(db: asyncpg.Connection, empty: str, tmp_path: Path) -> None:
    await prepare(keyed(tmp_path, OLD), empty)
    for keys in ((NEW,), (NEW, OTHER)):
        assert "no key of NRDB_DATA_KEY opens" in await refused(db, keyed(tmp_path, *keys), empty)
    # Neither is a file generated for a database that has its key already.
    text = await refused(db, keyed(tmp_path), empty)
    assert "data.key is missing" in text
    assert "NRDB_DATA_KEY" in text
    assert files(tmp_path) == []
    (tmp_path / "data.key").write_text(f"{NEW}\n")
    assert "no key in" in await refused(db, keyed(tmp_path), empty)
    (tmp_path / "data.key").write_text(f"{NEW},{OLD}\n")
    # The setting goes before the file, and says so.
    assert "data.key is not looked at" in await refused(db, keyed(tmp_path, NEW), empty)
    await prepare(keyed(tmp_path), empty)


async def test_a_wrong_key_migrates_nothing(db: asyncpg.Connection, empty: str, tmp_path: Path) -> None:
    """A database of an older version keeps its version, whatever the new one would bring."""
    await prepare(keyed(tmp_path, OLD), empty)
    await db.execute("DROP TABLE refusal")
    await db.execute("UPDATE alembic_version SET version_num = '0001'")
    await refused(db, keyed(tmp_path, NEW), empty)
    assert await db.fetchval("SELECT version_num FROM alembic_version") == "0001"


async def test_no_key_for_a_database_of_yours(db: asyncpg.Connection, empty: str, tmp_path: Path) -> None:
    text = await refused(db, keyed(tmp_path, external=empty), empty)
    assert text.startswith("NRDB_DATA_KEY is not set")
    assert await db.fetchval("SELECT to_regclass('world')") is None
    assert files(tmp_path) == []


async def test_a_sandbox_of_yours_has_the_published_key_and_says_so(
    db: asyncpg.Connection, empty: str, tmp_path: Path
) -> None:
    settings = keyed(tmp_path, sandbox=True, external=empty)
    with everything_logged() as logs:
        await prepare(settings, empty)
    assert [line for line in logs if line["log_level"] == "warning" and "published key" in line["event"]]
    await open_vault(db, keyed(tmp_path, SANDBOX_KEY, sandbox=True))
    assert files(tmp_path) == []
    # A sandbox may have a key of its own later, and then the published one opens it no more.
    await prepare(keyed(tmp_path, NEW, SANDBOX_KEY, sandbox=True, external=empty), empty)
    assert "NRDB_DATA_KEY is not set" in await refused(db, settings, empty)


async def test_the_published_key_is_for_sandboxes_only(db: asyncpg.Connection, empty: str, tmp_path: Path) -> None:
    assert "published" in await refused(db, keyed(tmp_path, SANDBOX_KEY, external=empty), empty)
    # A database that is no sandbox is told so first, and gets no published key.
    await prepare(keyed(tmp_path, OLD, external=empty), empty)
    await db.execute("DELETE FROM data_key")
    assert "NRDB_SANDBOX" in await refused(db, keyed(tmp_path, sandbox=True, external=empty), empty)


async def test_a_database_that_was_only_migrated_gets_its_key_at_the_first_start(
    db: asyncpg.Connection, empty: str, tmp_path: Path
) -> None:
    await upgrade(empty)
    with pytest.raises(ConfigurationError, match="no data key yet"):
        await open_vault(db, keyed(tmp_path, OLD))
    await prepare(keyed(tmp_path, OLD), empty)
    await open_vault(db, keyed(tmp_path, OLD))
