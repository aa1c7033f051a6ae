"""Changes of the world by administrators: one transaction each, with its line in the audit log.

Such a change waits for messages in flight and lets none be decided beside it; a message is wholly before it or wholly
after it. Contract section 8: who, when, before, after, reason.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from nrdb.db import Connection, Pool, acquire, dumps

#: A line, with how far the message log was: what was decided before it, and what after.
RECORD = """
INSERT INTO audit (at, key_id, action, subject, before, after, reason, log_id)
SELECT $1, $2, $3, $4, $5::text::jsonb, $6::text::jsonb, $7, CASE WHEN is_called THEN last_value ELSE 0 END
  FROM message_log_id_seq
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A change under way: the transaction's connection, its instant, and who makes it (None: the service itself)."""

    connection: Connection
    at: datetime
    key_id: UUID | None

    async def record(
        self,
        action: str,
        subject: str,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        reason: str | None = None,
    ) -> None:
        """Enter what was done. Never personal data of customers, never a key."""
        await self.connection.execute(
            RECORD, self.at, self.key_id, action, subject, before and dumps(before), after and dumps(after), reason
        )


class _DryRunError(Exception):
    """Ends a dry run, so that its transaction is undone."""


@asynccontextmanager
async def record_change(pool: Pool, key_id: UUID | None, *, dry_run: bool = False) -> AsyncIterator[Change]:
    """The transaction of a change that no decision looks at (contacts, a new key): it makes nobody wait."""
    async with _changing(pool, key_id, "SELECT nrdb_now()", dry_run=dry_run) as change:
        yield change


@asynccontextmanager
async def change_world(pool: Pool, key_id: UUID | None, *, dry_run: bool = False) -> AsyncIterator[Change]:
    """The transaction of one administrative change; committed at the end of the block, undone by an exception.

    With `dry_run` it is undone at the end, too: what would happen is what has happened, and then it has not.
    """
    async with _changing(pool, key_id, "SELECT change_world()", dry_run=dry_run) as change:
        yield change


@asynccontextmanager
async def _changing(pool: Pool, key_id: UUID | None, begin: str, *, dry_run: bool) -> AsyncIterator[Change]:
    with suppress(_DryRunError):
        async with acquire(pool) as connection, connection.transaction():
            yield Change(connection, await connection.fetchval(begin), key_id)
            if dry_run:
                raise _DryRunError


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines: of one action, about one subject (as it stands in the line), from an instant to before another."""

    action: str | None = None
    subject: str | None = None
    from_time: datetime | None = None
    until_time: datetime | None = None
    after: int | None = None
    limit: int = 100
    newest: bool = False


AUDIT_COLUMNS = ("id", "at", "key_id", "action", "subject", "before", "after", "reason")


async def read_audit(connection: Connection, wanted: AuditFilter) -> list[dict[str, Any]]:
    """Lines after that one, oldest or newest first. Walks the log in its order, which grows with administrators."""
    beyond, order = ("<", "DESC") if wanted.newest else (">", "ASC")
    rows = await connection.fetch(
        f"""
        SELECT id, at, key_id, action, subject, before, after, reason FROM audit
         WHERE ($1::bigint IS NULL OR id {beyond} $1)
           AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR subject = $3)
           AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)
         ORDER BY id {order} LIMIT $6
        """,
        wanted.after,
        wanted.action,
        wanted.subject,
        wanted.from_time,
        wanted.until_time,
        wanted.limit,
    )
    return [dict(row) for row in rows]
