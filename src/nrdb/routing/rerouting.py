"""The routing table follows what it is made of: the number plan, codes and their routing numbers.

Each takes effect through `reroute` (fourth migration), which reckons the rows of some numbers anew and writes those
that differ, with their places in the order of changes. Portings go the same way, in the statement that writes a case.
"""

from collections.abc import Sequence
from datetime import datetime

from nrdb.db import LONG, Connection
from nrdb.routing.numbers import NumberRange

#: How many ranges of numbers are reckoned at once where a code has very many.
_AT_ONCE = 20_000

# Who calls holds the world, so nothing comes or goes between two of these.
_NAMING = """
SELECT DISTINCT first, last FROM routing
 WHERE removed_at = 'infinity' AND valid_until > $2 AND $1 IN (holder, network, range_holder) AND first > $3
 ORDER BY first LIMIT $4
"""


async def reroute(connection: Connection, at: datetime, numbers: Sequence[NumberRange]) -> int:
    """Reckon these numbers anew from `at` on, or from now on if that is earlier.

    Returns how many rows are no longer believed.
    """
    changed: int = await connection.fetchval(
        "SELECT reroute(least($1, nrdb_now()), $2, $3)",
        at,
        [item.first for item in numbers],
        [item.last for item in numbers],
        timeout=LONG,
    )
    return changed


async def reroute_code(connection: Connection, at: datetime, code: str) -> int:
    """Reckon every number anew whose rows name the code at `at` or later; how many rows are no longer believed."""
    changed, after = 0, 0
    while rows := await connection.fetch(_NAMING, code, at, after, _AT_ONCE, timeout=LONG):
        changed += await reroute(connection, at, [NumberRange(row["first"], row["last"]) for row in rows])
        after = rows[-1]["first"]
    return changed
