"""API keys: random, shown once, stored as a hash only. A plain SHA-256 is enough for 256 random bits."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from nrdb.db import Connection

Role = Literal["provider", "operator", "admin"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the role and the provider codes of the key, and its limits where they are not the common ones."""

    key_id: UUID
    role: Role
    codes: tuple[str, ...]
    label: str
    expires_at: datetime | None
    requests_per_second: int | None = None
    streams: int | None = None

    @property
    def sees_all(self) -> bool:
        """Operators and admins read everything."""
        return self.role != "provider"


def key_hash(key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


async def find_caller(connection: Connection, key: str) -> tuple[Caller | None, bool]:
    """The caller with this key, if the key is neither revoked nor expired; and whether the world has fallen behind.

    It has when something is due that every reader depends on and nobody has written down yet.
    """
    row = await connection.fetchrow(
        """
        SELECT key_id, role, codes, label, expires_at, requests_per_second, streams, world_is_due(nrdb_now())
          FROM api_key
         WHERE key_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > nrdb_now())
        """,
        key_hash(key),
    )
    return (Caller(row[0], row[1], tuple(row[2]), *row[3:7]), row[7]) if row else (None, False)


async def is_live(connection: Connection, key_id: UUID) -> bool:
    """Whether a key that was good once still is."""
    live: bool = await connection.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM api_key WHERE key_id = $1 AND revoked_at IS NULL
                          AND (expires_at IS NULL OR expires_at > nrdb_now()))
        """,
        key_id,
    )
    return live


async def create_key(
    connection: Connection,
    *,
    role: Role,
    codes: tuple[str, ...],
    label: str,
    created_at: datetime,
    expires_at: datetime | None = None,
    key: str | None = None,
) -> tuple[UUID, str]:
    """A new key, or the one given; returns its id and the key itself, which nobody can read again."""
    key = key or f"nrdb_{secrets.token_urlsafe(32)}"
    key_id = uuid4()
    await connection.execute(
        """
        INSERT INTO api_key (key_id, key_hash, role, codes, label, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        key_id,
        key_hash(key),
        role,
        list(codes),
        label,
        created_at,
        expires_at,
    )
    return key_id, key


_SHOWN = "key_id, role, codes, label, created_at, expires_at, revoked_at, requests_per_second, streams"


async def list_keys(connection: Connection, after: Sequence[Any] | None, limit: int) -> list[dict[str, Any]]:
    """Keys without the keys themselves, oldest first, from after a creation time and id."""
    created, key_id = after or (None, None)
    rows = await connection.fetch(
        f"""
        SELECT {_SHOWN} FROM api_key
         WHERE $1::timestamptz IS NULL OR (created_at, key_id) > ($1, $2::uuid)
         ORDER BY created_at, key_id LIMIT $3
        """,
        created,
        key_id,
        limit,
    )
    return [dict(row) for row in rows]


async def find_key(connection: Connection, key_id: UUID) -> dict[str, Any] | None:
    """One key without the key itself."""
    row = await connection.fetchrow(f"SELECT {_SHOWN} FROM api_key WHERE key_id = $1", key_id)
    return dict(row) if row else None


async def revoke_key(connection: Connection, key_id: UUID, at: datetime) -> None:
    """From now on the key opens nothing."""
    await connection.execute("UPDATE api_key SET revoked_at = $2 WHERE key_id = $1", key_id, at)


async def limit_key(connection: Connection, key_id: UUID, requests_per_second: int | None, streams: int | None) -> None:
    """Other limits for a key than the common ones; None for the common ones."""
    await connection.execute(
        "UPDATE api_key SET requests_per_second = $2, streams = $3 WHERE key_id = $1",
        key_id,
        requests_per_second,
        streams,
    )
