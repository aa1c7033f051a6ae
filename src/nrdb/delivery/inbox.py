"""The inbox: all that is sent to a code, in one log with a strictly increasing `seq`.

Transactions commit in another order than they took their numbers. A reader therefore asks for the horizon first: up to
there every number is committed or will never be. Writers mark their place with an advisory lock until they end (see
`inbox_next_seq` in the first migration), so nothing but a writer to the inbox can hold a reader back.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from nrdb.clock import format_time
from nrdb.db import Connection, fetch_one

#: What an item shows of its case: enough to act on (contract section 4).
_CASE_FIELDS = (
    "kind",
    "state",
    "recipient",
    "donor",
    "range_holders",
    "number_type",
    "main_number",
    "numbers",
    "porting_time",
    "network",
    "routing_number",
    "target_number",
)


@dataclass(frozen=True, slots=True)
class Page:
    """Items after a position, and the position to go on from."""

    items: list[dict[str, Any]]
    next: int


_MINE = """
    SELECT seq, log_id FROM inbox WHERE to_code = $1 AND seq > $2 AND seq <= $3
    UNION ALL
    SELECT seq, log_id FROM inbox WHERE to_code IS NULL AND audience @> ARRAY[$1] AND seq > $2 AND seq <= $3
"""

_ITEMS = f"""
SELECT i.seq, m.at, m.type, m.body, m.personal, m.case_after
  FROM ({_MINE}) i JOIN message_log m ON m.id = i.log_id
 WHERE ($4::text IS NULL OR m.type = $4) AND ($5::timestamptz IS NULL OR m.at >= $5)
 ORDER BY i.seq LIMIT $6
"""


async def read_page(
    connection: Connection,
    code: str,
    after: int,
    limit: int,
    *,
    message_type: str | None = None,
    since: datetime | None = None,
) -> Page:
    """At most `limit` items after the position. `next` passes filtered items too, and never an uncommitted one."""
    horizon = await connection.fetchval("SELECT inbox_horizon()")
    rows = await connection.fetch(_ITEMS, code, after, horizon, message_type, since, limit)
    items = [_item(row, code) for row in rows]
    if len(rows) == limit:
        return Page(items, rows[-1]["seq"])
    newest = await connection.fetchval(f"SELECT max(seq) FROM ({_MINE}) i", code, after, horizon)
    return Page(items, after if newest is None else newest)


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
    """Where the code stands: `{acknowledged, newest, unacknowledged, oldest_unacknowledged_at}`."""
    horizon = await connection.fetchval("SELECT inbox_horizon()")
    through = await acknowledged(connection, code)
    row = await fetch_one(
        connection,
        f"SELECT count(*) AS waiting, max(seq) AS newest, min(seq) AS oldest FROM ({_MINE}) i",
        code,
        through,
        horizon,
    )
    oldest_at = await connection.fetchval(
        "SELECT m.at FROM inbox i JOIN message_log m ON m.id = i.log_id WHERE i.seq = $1", row["oldest"]
    )
    return {
        "acknowledged": through,
        "newest": through if row["newest"] is None else row["newest"],
        "unacknowledged": row["waiting"],
        "oldest_unacknowledged_at": format_time(oldest_at) if oldest_at else None,
    }


async def find_message(connection: Connection, code: str, message_id: UUID) -> dict[str, Any] | None:
    """A message that the code has sent or received, as its receiver sees it; None where there is none."""
    row = await connection.fetchrow(
        """
        SELECT m.at, m.type, m.body, m.personal, m.case_after FROM message_log m
         WHERE m.message_id = $2 AND m.type <> 'time' AND (m.sender = $1 OR EXISTS (
               SELECT 1 FROM inbox i WHERE i.log_id = m.id AND (i.to_code = $1 OR i.audience @> ARRAY[$1])))
         ORDER BY m.sender = $1 DESC LIMIT 1
        """,
        code,
        message_id,
    )
    return message_view(row, code) if row else None


def _item(row: Any, code: str) -> dict[str, Any]:
    return {"seq": row["seq"], "at": format_time(row["at"]), "to": code, "message": message_view(row, code)}


def message_view(row: Any, code: str) -> dict[str, Any]:
    """The sender's message, when it was received, and the case as it left it; personal data for MT and AT only."""
    case = row["case_after"]
    personal = (row["personal"] or {}) if code in (case["recipient"], case["donor"]) else {}
    return {
        **row["body"],
        **personal,
        "received_at": format_time(row["at"]),
        "case": {name: case[name] for name in _CASE_FIELDS},
    }
