"""Where a code stands in its inbox: acknowledged, newest, and through where its items are no longer kept."""

from datetime import timedelta
from typing import Any

import asyncpg

from nrdb.clock import format_time
from nrdb.db import Connection, fetch_one
from nrdb.delivery.webhooks.store import STATE
from nrdb.errors import Code, Problem
from nrdb.texts import say

_STATUS = f"""
WITH ack AS MATERIALIZED (SELECT coalesce((SELECT through FROM inbox_ack WHERE code = $1), 0) AS through)
SELECT ack.through,
       coalesce((SELECT max(seq) FROM inbox WHERE to_code = $1 AND seq <= $2), 0) AS newest,
       (SELECT count(*) FROM inbox WHERE to_code = $1 AND seq > ack.through AND seq <= $2) AS waiting,
       (SELECT m.at FROM inbox i JOIN message_log m ON m.id = i.log_id
         WHERE i.to_code = $1 AND i.seq > ack.through AND i.seq <= $2 ORDER BY i.seq LIMIT 1) AS oldest_at,
       w.state, w.failing_since
  FROM ack LEFT JOIN (SELECT {STATE} AS state, failing_since FROM webhook WHERE code = $1) w ON true
"""


async def acknowledged(connection: Connection, code: str) -> int:
    """The position through which the code has confirmed receipt; 0 at the beginning."""
    through: int | None = await connection.fetchval("SELECT through FROM inbox_ack WHERE code = $1", code)
    return through or 0


async def acknowledge(connection: Connection, code: str, through: int) -> None:
    """Confirm receipt through a position. A lower one than before changes nothing."""
    await connection.execute(
        """
        INSERT INTO inbox_ack AS a (code, through) VALUES ($1, $2)
        ON CONFLICT (code) DO UPDATE SET through = greatest(a.through, excluded.through)
        """,
        code,
        through,
    )


async def status(connection: Connection, code: str) -> dict[str, Any]:
    """Where the code stands: `{acknowledged, newest, unacknowledged, oldest_unacknowledged_at, webhook}`."""
    horizon = await connection.fetchval("SELECT inbox_horizon()")
    row = await fetch_one(connection, _STATUS, code, horizon)
    return {
        "acknowledged": row["through"],
        # Items that are gone count as seen: the newest is never below what is acknowledged.
        "newest": max(row["newest"], row["through"]),
        "unacknowledged": row["waiting"],
        "oldest_unacknowledged_at": format_time(row["oldest_at"]) if row["oldest_at"] else None,
        "webhook": _webhook(row),
    }


def _webhook(row: asyncpg.Record) -> dict[str, Any] | None:
    """Whether items are posted, and since when in vain. A failure or two that will pass is no news."""
    if row["state"] is None:
        return None
    is_news = row["state"] != "on" and row["failing_since"] is not None
    return {"state": row["state"], "failing_since": format_time(row["failing_since"]) if is_news else None}


async def gone_through(connection: Connection, code: str) -> int:
    """The position through which the code's items are no longer kept; 0 while all are there."""
    through: int | None = await connection.fetchval("SELECT gone_through FROM inbox_ack WHERE code = $1", code)
    return through or 0


async def position_gone(connection: Connection, code: str, after: int) -> Problem:
    """What to tell somebody who wants to go on from a position that is no longer there."""
    gone = await gone_through(connection, code)
    first = await connection.fetchval(
        "SELECT seq FROM inbox WHERE to_code = $1 AND seq > $2 ORDER BY seq LIMIT 1", code, gone
    )
    oldest = first or gone + 1
    told = say("The oldest item that is still kept is {oldest}: go on with after={after}.", oldest=oldest, after=gone)
    if after > gone:
        told = say("No item has seq {seq} yet: the oldest that there is has {oldest}.", seq=after, oldest=oldest)
    return Problem(
        Code.POSITION_GONE,
        told,
        facts={"oldest": oldest, "after": gone, "requested": after},
    )


_BEGINNINGS = """
SELECT a.code, least(a.through, (SELECT position FROM webhook w WHERE w.code = a.code AND switched_off_at IS NULL))
           AS through
  FROM inbox_ack a, LATERAL (
       SELECT log_id FROM inbox WHERE to_code = a.code AND seq <= a.through ORDER BY seq LIMIT 1) oldest
  JOIN message_log m ON m.id = oldest.log_id
 WHERE m.at < (SELECT nrdb_now()) - $1::interval
"""
#: From the beginning on, and no further than the first item that is to be kept: what is left has no holes.
_OLD = """
SELECT max(seq) FROM (
    SELECT i.seq, bool_and(m.at < (SELECT nrdb_now()) - $3::interval) OVER (ORDER BY i.seq) AS old
      FROM inbox i JOIN message_log m ON m.id = i.log_id
     WHERE i.to_code = $1 AND i.seq <= $2 ORDER BY i.seq LIMIT $4) w
 WHERE old
"""
_LET_GO = """
WITH gone AS (DELETE FROM inbox WHERE to_code = $1 AND seq <= $2 RETURNING 1), said AS (
    UPDATE inbox_ack SET gone_through = $2 WHERE code = $1)
SELECT count(*) FROM gone
"""


async def let_go(connection: Connection, retention: timedelta, limit: int) -> int:
    """Take items out of the inboxes that are older than the retention and acknowledged, at most `limit` a code.

    In the caller's transaction; returns how many there were. What a webhook has still to deliver stays, and the log
    itself keeps every message.
    """
    count = 0
    for row in await connection.fetch(_BEGINNINGS, retention):
        through = await connection.fetchval(_OLD, row["code"], row["through"], retention, limit)
        if through is not None:
            count += await connection.fetchval(_LET_GO, row["code"], through)
    return count
