"""The routing table for those who copy it: as known at one place in the order of changes, and what came after.

A snapshot leaves the database as lines that are written there and only passed on here, so that neither its size nor a
slow reader is anybody's burden. The changes after it meet it exactly: a place is given out only once everything before
it is committed (`routing_horizon`).
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from nrdb.clock import format_time
from nrdb.db import Connection, fetch_one
from nrdb.errors import Code, Problem
from nrdb.routing.numbers import national
from nrdb.routing.store import JSON_TEXT
from nrdb.texts import say

#: Seconds after which a snapshot that nobody has read to its end is given up.
LONGEST = 3600


@dataclass(frozen=True, slots=True)
class Edition:
    """Which table it is: `source` names the database, `seq` the last change that is in it, `at` its instant."""

    source: UUID
    seq: int
    at: datetime


async def edition(connection: Connection) -> Edition:
    """What a copy made now is a copy of."""
    # The instant is read last: what was recorded at `seq` or before lies before it.
    row = await fetch_one(
        connection,
        """
        WITH horizon AS MATERIALIZED (SELECT routing_horizon() AS seq)
        SELECT source, seq, nrdb_now() FROM horizon, world
        """,
    )
    return Edition(*row)


_NATIONAL = "right({}::text, -2)"
#: Sessions are in UTC. PostgreSQL parts day and time by a space, which `_with_t` mends.
_INSTANT = "{}::timestamp || 'Z'"
_END = _INSTANT.format("nullif(valid_until, 'infinity')")

#: Nothing in a row needs escaping: digits, codes, routing numbers and instants. So COPY writes the lines as they are.
_JSON = (
    """'{"first":"' || """
    + _NATIONAL.format("first")
    + """ || '","last":"' || """
    + _NATIONAL.format("last")
    + """ || '","holder":"' || holder || '","network":' || """
    + JSON_TEXT.format("network")
    + """ || ',"routing_number":' || """
    + JSON_TEXT.format("routing_number")
    + """ || ',"range_holder":"' || range_holder || '","target_number":' || """
    + JSON_TEXT.format(_NATIONAL.format("target_number"))
    + """ || ',"valid_from":"' || """
    + _INSTANT.format("valid_from")
    + """ || '","valid_until":' || """
    + JSON_TEXT.format(_END)
    + """ || '}'"""
)
_CSV = f"""
    {_NATIONAL.format("first")} AS first, {_NATIONAL.format("last")} AS last, holder, network, routing_number,
    range_holder, {_NATIONAL.format("target_number")} AS target_number, {_INSTANT.format("valid_from")} AS valid_from,
    {_END} AS valid_until
"""

# What was removed after `seq` was believed at it: while nothing was, which is most of the time, the other rows need not
# be merged with it. Each part comes in order by its index. Sorted for every copy, the table would be written to disk.
_PART = "SELECT {columns} FROM routing WHERE {believed} AND put_seq <= $1 AND valid_until > $2 ORDER BY {order}"
_STILL = partial(_PART.format, believed="removed_at = 'infinity'")
_REMOVED_SINCE = partial(_PART.format, believed="removed_seq > $1")
_ANY_REMOVED_SINCE = "SELECT EXISTS (SELECT FROM routing WHERE removed_seq > $1 AND put_seq <= $1)"


def _snapshot(columns: str, *, removed_since: bool) -> str:
    if not removed_since:
        return _STILL(columns=columns, order="routing.first, routing.valid_from")
    parts = (part(columns="*", order="first, valid_from") for part in (_STILL, _REMOVED_SINCE))
    both = " UNION ALL ".join(f"({part})" for part in parts)
    return f"SELECT {columns} FROM ({both}) r ORDER BY r.first, r.valid_from"


async def copy_snapshot(
    connection: Connection, wanted: Edition, take: Callable[[bytes], Coroutine[Any, Any, None]], *, csv: bool = False
) -> None:
    """Write every row in force at that instant or scheduled after it, as known at that place, a line each.

    In order of number and time. `take` gets the lines in pieces, as fast as it takes them. The connection does not
    outlive a copy that is broken off.
    """

    async def take_with_t(piece: bytes) -> None:
        await take(_with_t(piece))

    # Where nothing needs quotes, text parted by commas is CSV, and written faster.
    form: dict[str, Any] = {"delimiter": ",", "null": "", "header": True} if csv else {}
    transaction = connection.transaction(isolation="repeatable_read", readonly=True)
    await transaction.start()
    try:
        # A reader may take its time over the last of it, when the database has nothing left to do.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        removed_since = await connection.fetchval(_ANY_REMOVED_SINCE, wanted.seq)
        await connection.copy_from_query(
            _snapshot(_CSV if csv else _JSON, removed_since=removed_since),
            wanted.seq,
            wanted.at,
            output=take_with_t,
            timeout=LONGEST,
            format="text",
            **form,
        )
    except BaseException:
        # A session that has sent all it had does not answer a wish to stop, and whoever waited would hold a place.
        connection.terminate()
        raise
    await transaction.commit()


def _with_t(lines: bytes) -> bytes:
    """Instants as `format_time` writes them, which costs less here than there. No row holds any other space."""
    return lines.replace(b" ", b"T")


# What is only about the past changes no copy: it has let go of such rows, or never had them.
_CHANGES = """
SELECT * FROM (
       SELECT put_seq AS seq, recorded_at AS at, 'put' AS op, routing.*, valid_until < 'infinity' AS ends
         FROM routing WHERE put_seq > $1 AND put_seq <= $2 AND valid_until > recorded_at
        UNION ALL
       SELECT removed_seq, removed_at, 'remove', routing.*, valid_until < 'infinity'
         FROM routing WHERE removed_seq > $1 AND removed_seq <= $2 AND valid_until > removed_at) change
 ORDER BY seq LIMIT $3
"""


async def changes(connection: Connection, after: int, limit: int) -> tuple[list[dict[str, Any]], int, UUID]:
    """What has become known after that place, in order, where to go on, and whose table it is.

    Raises 410 `position-gone` for a place that has not been given: after a restore from an older backup a copy may come
    with one, and what it holds beyond is known to nobody.
    """
    current = await edition(connection)
    if after > current.seq:
        raise Problem(
            Code.POSITION_GONE,
            say(
                "{after} lies beyond the newest change, {newest}: copy the snapshot anew.",
                after=after,
                newest=current.seq,
            ),
            facts={"newest": current.seq},
        )
    rows = await connection.fetch(_CHANGES, after, current.seq, limit)
    items = [{"seq": row["seq"], "at": format_time(row["at"]), "op": row["op"], "row": row_view(row)} for row in rows]
    return items, items[-1]["seq"] if len(items) == limit else current.seq, current.source


def row_view(row: Any) -> dict[str, Any]:
    return {
        "first": national(row["first"]),
        "last": national(row["last"]),
        "holder": row["holder"],
        "network": row["network"],
        "routing_number": row["routing_number"],
        "range_holder": row["range_holder"],
        "target_number": national(row["target_number"]) if row["target_number"] else None,
        "valid_from": format_time(row["valid_from"]),
        "valid_until": format_time(row["valid_until"]) if row["ends"] else None,
    }
