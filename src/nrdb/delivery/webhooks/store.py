"""Webhooks in the database, as their owners set and see them: one for each code. All times are real ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nrdb import __version__
from nrdb.db import Connection, fetch_one
from nrdb.delivery.webhooks.signing import signed_headers
from nrdb.vault import Vault

#: How long the secret before the newest signs too, after a rotation.
OLD_SECRET_SIGNS = timedelta(hours=24)
#: How long attempts can be looked at.
ATTEMPTS_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What signs: the newest secret, and the one before it while that is still live."""

    newest: str
    older: str | None = None

    @property
    def live(self) -> tuple[str, ...]:
        """All that sign, the newest first."""
        return (self.newest,) if self.older is None else (self.newest, self.older)


@dataclass(frozen=True, slots=True)
class Target:
    """Where items are posted to, and what signs them."""

    url: str
    secrets: Secrets


def headers_of(target: Target, webhook_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The headers of one attempt, signed with every secret that is live."""
    signed = signed_headers(target.secrets.live, webhook_id, int(now.timestamp()), body)
    return {"content-type": "application/json", "user-agent": f"nrdb/{__version__}", **signed}


def seal_secret(vault: Vault, secret: str) -> bytes:
    """A secret as it is stored."""
    return vault.seal({"secret": secret})


def open_secrets(vault: Vault, newest: bytes, older: bytes | None) -> Secrets:
    """Secrets as they were stored."""
    opened, before = vault.open(newest), vault.open(older)
    if opened is None:
        raise RuntimeError("a webhook without a secret")
    return Secrets(opened["secret"], before["secret"] if before else None)


#: An old secret whose time is over signs nothing, whether or not it has been taken away.
LIVE_OLD_SECRET = "CASE WHEN old_secret_until > clock_timestamp() THEN old_secret END AS old_secret"  # noqa: S105 (SQL)

_BEFORE = "SELECT url, types, position, switched_off_at FROM webhook WHERE code = $1 FOR UPDATE"
_INSERT = """
INSERT INTO webhook (code, url, types, secret, position, created_at, changed_at)
VALUES ($1, $2, $3, $4, coalesce($5, (SELECT through FROM inbox_ack WHERE code = $1), 0),
        clock_timestamp(), clock_timestamp())
"""
#: What was counted about the next item begins anew when it may be another one, or goes to another address; how long
#: the address has failed is forgotten only with the address, or when it is switched on again.
_UPDATE = """
UPDATE webhook
   SET url = $2, types = $3, switched_off_at = NULL, next_attempt_at = NULL, changed_at = clock_timestamp(),
       position = greatest(coalesce($4, position), (SELECT gone_through FROM inbox_ack WHERE code = $1)),
       attempts = CASE WHEN $5 THEN 0 ELSE attempts END,
       first_attempt_at = CASE WHEN $5 THEN NULL ELSE first_attempt_at END,
       failing_since = CASE WHEN $6 THEN NULL ELSE failing_since END
 WHERE code = $1
"""


async def set_webhook(
    connection: Connection, code: str, url: str, types: Sequence[str] | None, after: int | None, secret: bytes
) -> dict[str, Any] | None:
    """Set where the items of the code go; returns what was set before, None when there was nothing.

    A new one begins at `after`, by default where the code has acknowledged. One that exists keeps its secret and,
    without `after`, its position; its next attempt is made at once, and it is on again. In the caller's transaction,
    which loses a race to somebody who sets the first one at the same time.
    """
    row = await connection.fetchrow(_BEFORE, code)
    wanted = list(types) if types is not None else None
    if row is None:
        await connection.execute(_INSERT, code, url, wanted, secret, after)
        return None
    elsewhere = row["url"] != url or row["switched_off_at"] is not None
    other_item = elsewhere or row["types"] != wanted or after not in (None, row["position"])
    await connection.execute(_UPDATE, code, url, wanted, after, other_item, elsewhere)
    return dict(row)


async def delete_webhook(connection: Connection, code: str) -> dict[str, Any] | None:
    """Post nothing more; returns what was set, None when there was nothing. Attempts so far can still be looked at."""
    row = await connection.fetchrow("DELETE FROM webhook WHERE code = $1 RETURNING url, types, position", code)
    return dict(row) if row else None


async def rotate_secret(connection: Connection, code: str, secret: bytes) -> datetime | None:
    """A new secret. Until when the one so far signs, too; the one before it no longer does. None without a webhook."""
    until: datetime | None = await connection.fetchval(
        """
        UPDATE webhook SET secret = $2, old_secret = secret, old_secret_until = clock_timestamp() + $3::interval
         WHERE code = $1 RETURNING old_secret_until
        """,
        code,
        secret,
        OLD_SECRET_SIGNS,
    )
    return until


#: `failing` is an address that has failed for an hour, whatever has been skipped meanwhile.
STATE = """
CASE WHEN switched_off_at IS NOT NULL THEN 'off'
     WHEN failing_since <= clock_timestamp() - interval '1 hour' THEN 'failing' ELSE 'on' END
"""
_VIEW = f"""
SELECT w.url, w.types, w.position, {STATE} AS state, w.created_at, w.delivered_at, w.failing_since, w.attempts,
       w.next_attempt_at,
       CASE WHEN w.old_secret_until > clock_timestamp() THEN w.old_secret_until END AS old_secret_until,
       (SELECT count(*) FROM webhook_skip s WHERE s.code = w.code) AS skipped,
       CASE WHEN w.types IS NULL
            THEN (SELECT count(*) FROM inbox i WHERE i.to_code = w.code AND i.seq > w.position AND i.seq <= $2)
            ELSE (SELECT count(*) FROM inbox i JOIN message_log m ON m.id = i.log_id
                   WHERE i.to_code = w.code AND i.seq > w.position AND i.seq <= $2 AND m.type = ANY(w.types))
       END AS pending
  FROM webhook w WHERE w.code = $1
"""


async def view_webhook(connection: Connection, code: str) -> dict[str, Any] | None:
    """The webhook as its owner sees it, its newest attempt included; None where there is none."""
    horizon = await connection.fetchval("SELECT inbox_horizon()")
    row = await connection.fetchrow(_VIEW, code, horizon)
    if row is None:
        return None
    newest = await read_attempts(connection, code, None, 1)
    return {**row, "last_attempt": newest[0] if newest else None}


async def find_target(connection: Connection, code: str, vault: Vault) -> Target | None:
    """Where the code's items go; None without a webhook."""
    row = await connection.fetchrow(f"SELECT url, secret, {LIVE_OLD_SECRET} FROM webhook WHERE code = $1", code)
    return Target(row["url"], open_secrets(vault, row["secret"], row["old_secret"])) if row else None


async def read_attempts(connection: Connection, code: str, before: int | None, limit: int) -> list[dict[str, Any]]:
    """Attempts, newest first, from before an id on."""
    rows = await connection.fetch(
        """
        SELECT id, seq, webhook_id, at, outcome, status, error, milliseconds, next_attempt_at FROM webhook_attempt
         WHERE code = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
        """,
        code,
        before,
        limit,
    )
    return [dict(row) for row in rows]


async def record_test(
    connection: Connection, code: str, webhook_id: str, at: datetime, outcome: str, status: int | None,
    error: str | None, milliseconds: int,
) -> None:  # fmt: skip
    """Enter what became of a test message, which has no place in the inbox and moves no position."""
    await connection.execute(
        """
        INSERT INTO webhook_attempt (code, webhook_id, at, outcome, status, error, milliseconds)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        code,
        webhook_id,
        at,
        outcome,
        status,
        error,
        milliseconds,
    )


async def tidy(connection: Connection, limit: int) -> int:
    """Take away at most so many attempts whose time is over, and secrets that sign nothing; how many there were."""
    row = await fetch_one(
        connection,
        """
        WITH old AS (
            DELETE FROM webhook_attempt WHERE id IN (
                SELECT id FROM webhook_attempt WHERE at < (SELECT clock_timestamp()) - $1::interval
                 ORDER BY at LIMIT $2) RETURNING 1
        ), dead AS (
            UPDATE webhook SET old_secret = NULL, old_secret_until = NULL
             WHERE old_secret_until <= clock_timestamp() RETURNING 1
        )
        SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM dead) AS count
        """,
        ATTEMPTS_KEPT,
        limit,
    )
    count: int = row["count"]
    return count
