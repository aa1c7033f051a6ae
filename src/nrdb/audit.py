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


@asynccontextmanager
async def record_change(pool: Pool, key_id: UUID | None) -> AsyncIterator[Change]:
    """The transaction of a change that no decision looks at (contacts, a new key): it makes nobody wait."""
    async with acquire(pool) as connection, connection.transaction():
        at = await connection.fetchval("SELECT nrdb_now()")
        yield Change(connection, at, key_id)


class _DryRunError(Exception):
    """Ends a dry run, so that its transaction is undone."""


@asynccontextmanager
async def change_world(pool: Pool, key_id: UUID | None, *, dry_run: bool = False) -> AsyncIterator[Change]:
    """The transaction of one administrative change; committed at the end of the block, undone by an exception.

    With `dry_run` it is undone at the end, too: what would happen is what has happened, and then it has not.
    """
    with suppress(_DryRunError):
        async with acquire(pool) as connection, connection.transaction():
            at = await connection.fetchval("SELECT change_world()")
            yield Change(connection, at, key_id)
            if dry_run:
                raise _DryRunError


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines: of one action, about one subject (as it stands in the line), from an instant to before another."""

    action: str | None = None
    subject: str | None = None
    from_time: datetime | None = None
    until_time: datetime | None = None
    after: int = 0
    limit: int = 100


AUDIT_COLUMNS = ("id", "at", "key_id", "action", "subject", "before", "after", "reason")


async def read_audit(connection: Connection, wanted: AuditFilter) -> list[dict[str, Any]]:
    """Lines after that one, oldest first. Walks the log in its order: it grows with administrators, not with cases."""
    rows = await connection.fetch(
        """
        SELECT id, at, key_id, action, subject, before, after, reason FROM audit
         WHERE id > $1 AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR subject = $3)
           AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)
         ORDER BY id LIMIT $6
        """,
        wanted.after,
        wanted.action,
        wanted.subject,
        wanted.from_time,
        wanted.until_time,
        wanted.limit,
    )
    return [dict(row) for row in rows]
