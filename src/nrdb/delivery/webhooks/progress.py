"""How far each webhook has come: read before every attempt, recorded after it. All times are real ones.

What is recorded holds only for the webhook that was read: at the same position, and not set anew since.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from nrdb.db import Connection, fetch_one
from nrdb.delivery.webhooks.store import LIVE_OLD_SECRET, Target, open_secrets
from nrdb.vault import Vault

Outcome = Literal["delivered", "failed", "skipped", "gone"]

#: Nobody holds the lock but whoever pushes, and it falls with the connection, however the process ends.
_TRY_TURN = "SELECT pg_try_advisory_lock(7267, 5)"


async def try_turn(connection: Connection) -> bool:
    """Become the one that pushes, for as long as the connection lives, unless somebody else is."""
    taken: bool = await connection.fetchval(_TRY_TURN)
    return taken


async def active(connection: Connection) -> dict[str, datetime]:
    """The codes with a webhook that is on, and when it was last set."""
    rows = await connection.fetch("SELECT code, changed_at FROM webhook WHERE switched_off_at IS NULL")
    return {row["code"]: row["changed_at"] for row in rows}


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that is on, at one instant: `now`. `attempts` and what follows are about the item after `position`."""

    code: str
    changed_at: datetime
    position: int
    types: tuple[str, ...] | None
    target: Target
    attempts: int
    first_attempt_at: datetime | None
    wait_seconds: float
    now: datetime


_READ = f"""
SELECT changed_at, position, types, url, secret, {LIVE_OLD_SECRET}, attempts, first_attempt_at,
       greatest(0, coalesce(extract(epoch FROM next_attempt_at - clock_timestamp()), 0))::float8 AS wait_seconds,
       clock_timestamp() AS now
  FROM webhook WHERE code = $1 AND switched_off_at IS NULL
"""


async def read(connection: Connection, vault: Vault, code: str) -> Webhook | None:
    """The webhook as it is now; None where there is none that is on."""
    row = await connection.fetchrow(_READ, code)
    if row is None:
        return None
    return Webhook(
        code=code,
        changed_at=row["changed_at"],
        position=row["position"],
        types=tuple(row["types"]) if row["types"] is not None else None,
        target=Target(row["url"], open_secrets(vault, row["secret"], row["old_secret"])),
        attempts=row["attempts"],
        first_attempt_at=row["first_attempt_at"],
        wait_seconds=row["wait_seconds"],
        now=row["now"],
    )


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt, and when the next is made, where there is one for this item."""

    seq: int
    webhook_id: str
    outcome: Outcome
    status: int | None
    error: str | None
    milliseconds: int
    next_attempt_at: datetime | None = None


# The attempt has been made whether or not the webhook is still the one it was made for, so it is entered in any case.
_RECORD = """
WITH moved AS (
    UPDATE webhook
       SET position = CASE WHEN $5::text IN ('delivered', 'skipped') THEN $4::bigint ELSE position END,
           attempts = CASE WHEN $5 IN ('delivered', 'skipped') THEN 0 ELSE attempts + 1 END,
           first_attempt_at = CASE WHEN $5 IN ('failed', 'gone') THEN coalesce(first_attempt_at, $6::timestamptz) END,
           next_attempt_at = $7::timestamptz,
           failing_since = CASE WHEN $5 <> 'delivered' THEN coalesce(failing_since, $6) END,
           delivered_at = CASE WHEN $5 = 'delivered' THEN clock_timestamp() ELSE delivered_at END,
           switched_off_at = CASE WHEN $5 = 'gone' THEN clock_timestamp() END
     WHERE code = $1 AND position = $2 AND changed_at = $3
    RETURNING 1
), skipped AS (
    INSERT INTO webhook_skip AS s (code, seq, log_id, first_attempt_at, skipped_at, attempts, status, error)
    SELECT $1, i.seq, i.log_id, coalesce($12::timestamptz, $6), clock_timestamp(), $13::integer + 1, $9, $10
      FROM moved, inbox i WHERE $5 = 'skipped' AND i.to_code = $1 AND i.seq = $4
    ON CONFLICT (code, seq) DO UPDATE SET skipped_at = excluded.skipped_at, attempts = s.attempts + excluded.attempts,
                                          status = excluded.status, error = excluded.error
), made_good AS (
    DELETE FROM webhook_skip WHERE $5 = 'delivered' AND code = $1 AND seq = $4
)
INSERT INTO webhook_attempt (code, seq, webhook_id, at, outcome, status, error, milliseconds, next_attempt_at)
VALUES ($1, $4, $8, $6, $5, $9::integer, $10::text, $11::integer, $7)
RETURNING EXISTS (SELECT 1 FROM moved) AS recorded
"""


async def record(connection: Connection, webhook: Webhook, result: Result) -> bool:
    """Enter what became of an attempt; returns whether the webhook is still the one that it was made for."""
    row = await fetch_one(
        connection,
        _RECORD,
        webhook.code,
        webhook.position,
        webhook.changed_at,
        result.seq,
        result.outcome,
        webhook.now,
        result.next_attempt_at,
        result.webhook_id,
        result.status,
        result.error,
        result.milliseconds,
        webhook.first_attempt_at,
        webhook.attempts,
    )
    recorded: bool = row["recorded"]
    return recorded


async def pass_over(connection: Connection, webhook: Webhook, position: int, to: int) -> bool:
    """Move past items that the webhook does not want, or that are no longer kept."""
    done: Any = await connection.execute(
        """
        UPDATE webhook SET position = $4, attempts = 0, first_attempt_at = NULL, next_attempt_at = NULL
         WHERE code = $1 AND position = $2 AND changed_at = $3
        """,
        webhook.code,
        position,
        webhook.changed_at,
        to,
    )
    return bool(done == "UPDATE 1")
