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
from nrdb.vault import Vault

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
    "termination_time",
    "network",
    "routing_number",
    "target_number",
)


#: A filtered page looks at so many items at a time, and at so many windows, before it answers.
WINDOW = 2000
WINDOWS = 5


@dataclass(frozen=True, slots=True)
class Page:
    """Items after a position, and the position to go on from."""

    items: list[dict[str, Any]]
    next: int


_SEALED = """
       CASE WHEN m.sealed IS NOT NULL AND (SELECT kept(c.personal_until) FROM cases c WHERE c.case_id = m.case_id)
            THEN m.sealed END AS sealed
"""

_ITEMS = f"""
SELECT i.seq, m.at, m.type, m.body, {_SEALED}, m.case_after
  FROM inbox i JOIN message_log m ON m.id = i.log_id
 WHERE i.to_code = $1 AND i.seq > $2 AND i.seq <= $3
   AND ($4::text IS NULL OR m.type = $4) AND ($5::timestamptz IS NULL OR m.at >= $5)
 ORDER BY i.seq LIMIT $6
"""

_WINDOW = """
SELECT count(*) AS size, max(seq) AS last FROM (
    SELECT seq FROM inbox WHERE to_code = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) w
"""


async def read_page(
    connection: Connection,
    code: str,
    after: int,
    limit: int,
    *,
    vault: Vault | None,
    message_type: str | None = None,
    since: datetime | None = None,
) -> Page:
    """At most `limit` items after the position. `next` passes filtered items too, and never an uncommitted one.

    `vault` opens the personal data for the code itself; operators and admins have none. A filtered page looks at so
    many items and no more, so it may be empty while `next` moves on.
    """
    horizon = await connection.fetchval("SELECT inbox_horizon()")
    filtered = message_type is not None or since is not None
    items: list[dict[str, Any]] = []
    for _ in range(WINDOWS if filtered else 1):
        window = await fetch_one(connection, _WINDOW, code, after, horizon, WINDOW if filtered else limit)
        if not window["size"]:
            break
        wanted = limit - len(items)
        rows = await connection.fetch(_ITEMS, code, after, window["last"], message_type, since, wanted)
        items += [_item(row, code, vault) for row in rows]
        if len(rows) == wanted:
            return Page(items, rows[-1]["seq"])
        after = window["last"]
    return Page(items, after)


_STATUS = """
WITH ack AS MATERIALIZED (SELECT coalesce((SELECT through FROM inbox_ack WHERE code = $1), 0) AS through)
SELECT ack.through,
       coalesce((SELECT max(seq) FROM inbox WHERE to_code = $1 AND seq <= $2), 0) AS newest,
       (SELECT count(*) FROM inbox WHERE to_code = $1 AND seq > ack.through AND seq <= $2) AS waiting,
       (SELECT m.at FROM inbox i JOIN message_log m ON m.id = i.log_id
         WHERE i.to_code = $1 AND i.seq > ack.through AND i.seq <= $2 ORDER BY i.seq LIMIT 1) AS oldest_at
  FROM ack
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
    """Where the code stands: `{acknowledged, newest, unacknowledged, oldest_unacknowledged_at}`."""
    horizon = await connection.fetchval("SELECT inbox_horizon()")
    row = await fetch_one(connection, _STATUS, code, horizon)
    return {
        "acknowledged": row["through"],
        "newest": row["newest"],
        "unacknowledged": row["waiting"],
        "oldest_unacknowledged_at": format_time(row["oldest_at"]) if row["oldest_at"] else None,
    }


async def find_message(
    connection: Connection, code: str, message_id: UUID, vault: Vault | None
) -> dict[str, Any] | None:
    """A message that the code has sent or received, as its receiver sees it; None where there is none."""
    row = await connection.fetchrow(
        f"""
        SELECT m.at, m.type, m.body, {_SEALED}, m.case_after FROM message_log m
         WHERE m.message_id = $2 AND m.type NOT IN ('time', 'waive') AND (m.sender = $1 OR EXISTS (
               SELECT 1 FROM inbox i WHERE i.log_id = m.id AND i.to_code = $1))
         ORDER BY m.sender = $1 DESC LIMIT 1
        """,
        code,
        message_id,
    )
    return message_view(row, code, vault) if row else None


def _item(row: Any, code: str, vault: Vault | None) -> dict[str, Any]:
    return {
        "seq": row["seq"],
        "at": format_time(row["at"]),
        "to": code,
        "message": message_view(row, code, vault),
    }


def message_view(row: Any, code: str, vault: Vault | None) -> dict[str, Any]:
    """The sender's message, when it was received, and the case as it left it; personal data for its parties only.

    A termination has two: the holder and the range holder. Without a vault there is nothing to show.
    """
    case = row["case_after"]
    if case is None:
        return {**row["body"], "received_at": format_time(row["at"])}
    other = case["range_holders"] if case["kind"] == "termination" else [case["recipient"]]
    personal = vault.open(row["sealed"]) if vault and code in (case["donor"], *other) else None
    return {
        **row["body"],
        **(personal or {}),
        "received_at": format_time(row["at"]),
        "case": {name: case[name] for name in _CASE_FIELDS if name in case},
    }
