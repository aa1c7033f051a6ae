"""What a database needs before it can serve: the sandbox marker, the data key, Nkom, an admin key, and a seed.

Everything here is done once and found done afterwards, by whichever process comes first.
"""

import os
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import structlog

from nrdb.data_key import establish
from nrdb.db import Connection, acquire, open_pool
from nrdb.errors import ConfigurationError
from nrdb.providers.keys import Role, create_key, key_hash
from nrdb.providers.registry import create_provider
from nrdb.routing.numbers import NumberRange, parse_number
from nrdb.routing.plan import NewSeries, add_series
from nrdb.rulebook import load_rulebook
from nrdb.settings import Settings

log = structlog.get_logger()

#: The file beside the data that holds the ready-made keys of a sandbox seed.
KEYS_FILE = "sandbox-keys.env"
_NKOM = {
    "code": "0",
    "name": "Nasjonal kommunikasjonsmyndighet (Nkom)",
    "terminating": False,
    "contact": {"email": "firmapost@nkom.no", "phone": "22824600"},
}


async def bootstrap(settings: Settings, dsn: str) -> None:
    """Bring a migrated database to where it can serve. Raises `ConfigurationError` where the settings contradict it."""
    pool = await open_pool(dsn, 1)
    try:
        async with acquire(pool) as connection, connection.transaction():
            # Processes that start at once take turns, before any of them looks.
            await connection.execute("SELECT pg_advisory_xact_lock(7267, 3)")
            await _world(connection, settings)
            await establish(connection, settings)
            await create_provider(connection, _NKOM)
            await _admin_key(connection, settings)
            if settings.seed == "norway" and await _is_empty(connection):
                await _seed(connection, settings)
    finally:
        await pool.close()


async def _world(connection: Connection, settings: Settings) -> None:
    await connection.execute(
        """
        INSERT INTO world (sandbox, sandbox_now)
        SELECT sandbox, CASE WHEN sandbox THEN coalesce(start, clock_timestamp()) END
          FROM (VALUES ($1::boolean, $2::timestamptz)) AS wanted(sandbox, start) ON CONFLICT DO NOTHING
        """,
        settings.sandbox,
        settings.sandbox_start,
    )
    verify_kind(await connection.fetchval("SELECT sandbox FROM world"), settings)


def verify_kind(is_sandbox: bool, settings: Settings) -> None:
    """A database is a sandbox for ever, or never. Raises `ConfigurationError` where the settings say otherwise."""
    if is_sandbox != settings.sandbox:
        raise ConfigurationError(
            "this database is a sandbox: set NRDB_SANDBOX=1, or use another database"
            if is_sandbox
            else "this database is not a sandbox: unset NRDB_SANDBOX, or use another database"
        )


async def _admin_key(connection: Connection, settings: Settings) -> None:
    if settings.admin_key is None:
        return
    key = settings.admin_key.get_secret_value()
    if await connection.fetchval("SELECT 1 FROM api_key WHERE key_hash = $1", key_hash(key)):
        return
    now = await connection.fetchval("SELECT nrdb_now()")
    await create_key(connection, role="admin", codes=(), label="NRDB_ADMIN_KEY", created_at=now, key=key)


async def _is_empty(connection: Connection) -> bool:
    return not await connection.fetchval("SELECT EXISTS (SELECT 1 FROM series)")


async def _seed(connection: Connection, settings: Settings) -> None:
    """The example market of `seeds/norway.toml`; in a sandbox with keys for everybody in it."""
    seed = tomllib.loads((files("nrdb") / "seeds" / "norway.toml").read_text(encoding="utf-8"))
    for provider in seed["providers"]:
        await create_provider(connection, provider)
    for entry in seed["series"]:
        await add_series(connection, _series(entry))
    if settings.sandbox:
        await _sandbox_keys(connection, settings, [provider["code"] for provider in seed["providers"]])
    log.info("seeded", providers=len(seed["providers"]), series=len(seed["series"]))


def _series(entry: dict[str, Any]) -> NewSeries:
    first = entry["first"]
    return NewSeries(
        numbers=NumberRange(parse_number(first), parse_number(entry["last"])),
        holder=entry["holder"],
        number_class=entry.get("number_class") or load_rulebook().default_class(first) or "",
        status=entry.get("status", "open"),
        reason=entry.get("reason", "example number plan"),
    )


async def _sandbox_keys(connection: Connection, settings: Settings, codes: list[str]) -> None:
    """One key for each provider, one operator, one admin, in a file that only this user can read."""
    now = await connection.fetchval("SELECT nrdb_now()")
    lines = ["# Keys of this sandbox, made when it was seeded. They open nothing else."]
    roles: list[tuple[str, Role, tuple[str, ...]]] = [("ADMIN", "admin", ()), ("OPERATOR", "operator", ())]
    roles += [(code, "provider", (code,)) for code in codes]
    for name, role, of in roles:
        _, key = await create_key(connection, role=role, codes=of, label=f"sandbox {name}", created_at=now)
        lines.append(f"{name}_KEY={key}")
    path = Path(settings.data_dir) / KEYS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
