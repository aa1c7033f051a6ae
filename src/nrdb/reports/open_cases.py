"""How many cases are open, by kind and state."""

from typing import Any

from nrdb.cases.queries import EFFECTIVE_STATE
from nrdb.db import Connection

COLUMNS = ("kind", "state", "count")

# Each kind and state is a stretch of an index that cases leave; what has ended by time alone is left out.
_OPEN = f"""
WITH w AS MATERIALIZED (SELECT nrdb_now() AS now)
SELECT o.kind, o.state, count(*)
  FROM (SELECT c.kind, {EFFECTIVE_STATE} AS state
          FROM w, (VALUES ('porting', 'awaiting_donor'), ('porting', 'awaiting_recipient'), ('porting', 'scheduled'),
                          ('porting', 'awaiting_completion'), ('termination', 'awaiting_termination'),
                          ('termination', 'awaiting_return'), ('five_digit', 'scheduled'),
                          ('five_digit', 'awaiting_completion')) AS k(kind, state),
               LATERAL (SELECT * FROM cases WHERE kind = k.kind AND state = k.state OFFSET 0) c
         WHERE $1::text[] IS NULL OR EXISTS (
               SELECT 1 FROM case_party p
                WHERE p.code = ANY($1) AND p.created_at = c.created_at AND p.case_id = c.case_id)) o
 WHERE o.state NOT IN ('completed', 'obsolete', 'returned')
 GROUP BY 1, 2 ORDER BY 1, 2
"""


async def read_open_cases(connection: Connection, *, codes: tuple[str, ...] | None) -> list[dict[str, Any]]:
    """Open cases that one of these codes may see (None: all), counted. Costs a look at every open case."""
    rows = await connection.fetch(_OPEN, list(codes) if codes is not None else None)
    return [dict(row) for row in rows]
