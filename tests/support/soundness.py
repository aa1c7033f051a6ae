"""What is always true of the routing table, whoever has written it."""

from typing import Any

import asyncpg

_FLAWS = """
WITH believed AS (SELECT * FROM routing WHERE removed_at = 'infinity'),
cell AS (SELECT DISTINCT first, last FROM believed),
story AS (
    SELECT b.*, lag(valid_until) OVER told AS ended,
           lag(to_jsonb(b) - '{put_seq,valid_from,valid_until,recorded_at}'::text[]) OVER told AS said_before,
           to_jsonb(b) - '{put_seq,valid_from,valid_until,recorded_at}'::text[] AS said
      FROM believed b WINDOW told AS (PARTITION BY first, last ORDER BY valid_from))
SELECT 'two rows for a number' AS flaw, first FROM (
       SELECT first, lag(last) OVER (ORDER BY first, last) AS before FROM cell) c WHERE before >= first
 UNION ALL
SELECT 'a gap or two rows for an instant', first FROM story WHERE ended <> valid_from
 UNION ALL
SELECT 'one story in two rows', first FROM story WHERE ended = valid_from AND said_before = said
 UNION ALL
SELECT 'a number of the plan without a row', lower(lost) FROM (
       SELECT (SELECT range_agg(numbers) FROM series) - (SELECT range_agg(int8range(first, last, '[]')) FROM cell) AS n
       ) l, unnest(n) AS lost
 UNION ALL
SELECT 'a row of no number of the plan', lower(lost) FROM (
       SELECT (SELECT range_agg(int8range(first, last, '[]')) FROM cell) - (SELECT range_agg(numbers) FROM series) AS n
       ) l, unnest(n) AS lost
 UNION ALL
SELECT 'a row ends and is followed by nothing', first FROM (
       SELECT first, max(valid_until) AS ends FROM believed GROUP BY first) e WHERE ends < 'infinity'
 UNION ALL
SELECT 'two changes at one place', put_seq FROM routing r WHERE EXISTS (
       SELECT 1 FROM routing o WHERE o.removed_seq = r.put_seq)
"""

_ANEW = """
SELECT reroute(nrdb_now(), array_agg(first ORDER BY first), array_agg(last ORDER BY first))
  FROM (SELECT DISTINCT first, last FROM routing WHERE removed_at = 'infinity') c
"""


async def check_routing(connection: Any) -> None:
    """For each number of the plan there is one row at each instant, and reckoned anew it would be the same."""
    flaws = [tuple(row) for row in await connection.fetch(_FLAWS)]
    assert flaws == []
    transaction = connection.transaction()
    await transaction.start()
    try:
        changed = await connection.fetchval(_ANEW)
        assert changed == 0, f"{changed} rows are other than what they follow from"
    finally:
        await transaction.rollback()


async def check_routing_of(dsn: str) -> None:
    """The same, of a database that nobody is connected to."""
    connection = await asyncpg.connect(dsn)
    try:
        await check_routing(connection)
    finally:
        await connection.close()
