"""That a copy of the routing table equals ours, or where it does not: the hash tree of the database.

The tree is brought forward by whoever asks, from where the last one left it: blocks that changes have touched since,
and blocks in which a row's time has passed. The first one ever reckons all of it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg.exceptions import LockNotAvailableError

from nrdb.clock import format_time
from nrdb.db import LONG, Connection, fetch_one
from nrdb.routing.export import Edition, edition, row_view
from nrdb.routing.tree import NOTHING, Node, bounds, depth_of, is_leaf, leaf_depth

#: How far below a node its descendants can be asked for: ten thousand of them at most.
DEEPEST = 4


class ReckoningError(TimeoutError):
    """The tree is being made anew, as after a migration or an import: longer than one should wait for."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A node as it is at one place and instant: its hash, what lies below it, or its rows where it is a leaf."""

    edition: Edition
    prefix: str
    hash: str
    children: tuple[Node, ...]
    rows: tuple[dict[str, Any], ...]

    def view(self) -> dict[str, Any]:
        """As answers write it."""
        return {
            "prefix": self.prefix,
            "seq": self.edition.seq,
            "at": format_time(self.edition.at),
            "hash": self.hash,
            "children": [{"prefix": child.prefix, "hash": child.hash} for child in self.children],
            "rows": list(self.rows),
        }


async def root(connection: Connection) -> tuple[int, datetime, str]:
    """The root of the table at its newest change: where in the order of changes, at which instant, and the hash."""
    found = await proof(connection, "", 0)
    return found.edition.seq, found.edition.at, found.hash


_NODES = """
SELECT t.seq, t.at,
       (SELECT encode(hash, 'hex') FROM routing_node WHERE depth = $2 AND node = $1) AS hash,
       coalesce((SELECT array_agg(node || ';' || encode(hash, 'hex') ORDER BY node) FROM routing_node
                  WHERE depth = $3 AND depth > $2 AND node > $1 AND node < $1 || ':'), '{}')
       -- Blocks of five-digit numbers lie nearer to the root than others.
       || coalesce((SELECT array_agg(node || ';' || encode(hash, 'hex') ORDER BY node) FROM routing_node
                     WHERE $1 = '' AND depth = $4 AND $4 < $3 AND node > '5:' AND node < '5::'), '{}') AS children
  FROM routing_tree t
"""
_ROWS = """
SELECT r.*, r.valid_until < 'infinity' AS ends
  FROM routing_tree t, LATERAL routing_rows($1, $2, t.at, t.seq) r ORDER BY r.first, r.valid_from
"""


async def proof(connection: Connection, prefix: str, depth: int) -> Proof:
    """What stands at a node and `depth` steps below it, or at the leaves that are nearer; at a leaf, its rows.

    Raises `ReckoningError` while somebody reckons longer than one should wait for.
    """
    current = await edition(connection)
    try:
        refreshed = await connection.fetch(
            "SELECT * FROM refresh_routing_tree($1, $2)", current.seq, current.at, timeout=LONG
        )
    except (LockNotAvailableError, TimeoutError):
        raise ReckoningError from None
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        own = depth_of(prefix)
        below = min(own + depth, leaf_depth(prefix)) if prefix else depth
        found = await fetch_one(connection, _NODES, prefix, own, below, leaf_depth("5:"))
        rows = await connection.fetch(_ROWS, *bounds(prefix)) if is_leaf(prefix) else []
    # Somebody else may have brought the tree further meanwhile.
    right_seq, right_at, *kept = refreshed[0]
    at = (right_seq, right_at) if [found["seq"], found["at"]] == kept else (found["seq"], found["at"])
    return Proof(
        Edition(current.source, *at),
        prefix,
        found["hash"] or NOTHING,
        tuple(sorted(Node(*child.split(";")) for child in found["children"])),
        tuple(row_view(row) for row in rows),
    )


async def root_from_scratch(connection: Connection, at: datetime) -> str:
    """The root at an instant from the rows alone, in our database or one that follows it by logical replication."""
    found: bytes = await connection.fetchval("SELECT routing_root($1)", at, timeout=LONG)
    return found.hex()
