"""The rows of the routing table that an import makes: the same that `reroute` would make, many at a time.

All believed rows of a number share their first and last number: a cell. Most cells of a number plan hold one row, which
says what the plan says, from some instant on for ever. What ported numbers make of such a cell can be said without
looking at anything else: the numbers themselves before and after their porting, and the rest between them. These cells
are written set by set. All others (numbers that were ported once, series that change hands, transfers that are set) go
through `reroute`, some hundred rows at a time.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from nrdb.db import fetch_one
from nrdb.errors import UnusableError
from nrdb.importing.checking import rows_of

#: Ported numbers that are written by one statement, and those that go through `reroute` at once: it compares all with
#: all that it is given.
BATCH = 100_000
REROUTED = 500
#: Plan rows that are entered at once.
SERIES = 500
#: A transaction has so many places in the order of routing changes.
_BLOCK_BITS = 24

# From cell to cell: each step looks for the next number of the file behind the last cell, and for the cell it lies in.
# So the work grows with the cells that are touched, however many there are, and however many numbers touch each.
_FIND_CELLS = """
CREATE TEMPORARY TABLE nrdb_import_cell ON COMMIT DROP AS
WITH RECURSIVE touched(first, last) AS (
    SELECT 0::bigint, 0::bigint
     UNION ALL
    SELECT c.first, c.last
      FROM touched t, LATERAL (
           SELECT first AS number FROM nrdb_import_sorted WHERE first > t.last ORDER BY first LIMIT 1) n, LATERAL (
           SELECT CASE WHEN known.last >= n.number THEN known.first ELSE n.number END AS first,
                  CASE WHEN known.last >= n.number THEN known.last ELSE coalesce(
                       (SELECT first - 1 FROM routing WHERE removed_at = 'infinity' AND first > n.number
                         ORDER BY first LIMIT 1), 9223372036854775807) END AS last
             FROM (SELECT) one LEFT JOIN LATERAL (
                  SELECT first, last FROM routing WHERE removed_at = 'infinity' AND first <= n.number
                   ORDER BY first DESC LIMIT 1) known ON true) c
), found AS MATERIALIZED (
    SELECT t.first, t.last, believed.*, (
           SELECT last FROM nrdb_import_sorted WHERE first <= t.last ORDER BY first DESC LIMIT 1) AS reach
      FROM touched t, LATERAL (
           SELECT max(put_seq) AS put_seq, count(*) = 1 AND bool_and(own_holder IS NULL AND valid_until = 'infinity')
                  AS single
             FROM routing WHERE removed_at = 'infinity' AND first = t.first) believed
     WHERE t.last > 0
), reached AS (
    SELECT *, coalesce(max(reach) OVER before >= first, false) AS from_before
      FROM found WINDOW before AS (ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT first, last, put_seq,
       coalesce(single, false) AND reach <= last AND NOT from_before AND NOT EXISTS (
           SELECT 1 FROM planned_change WHERE done_at IS NULL AND action = 'code-transferred') AS plain,
       sum(CASE WHEN from_before THEN 0 ELSE 1 END) OVER (ORDER BY first) AS part, 0::bigint AS rows
  FROM reached
"""
_COUNT = """
UPDATE nrdb_import_cell c
   SET rows = (SELECT count(*) FROM nrdb_import_sorted r WHERE r.first BETWEEN c.first AND c.last)
"""
# Rows may have been left out since the cells were found.
_FORGET = "DELETE FROM nrdb_import_cell WHERE rows = 0"
# A cell is in the batch in which its first row comes.
_BATCHES = """
SELECT min(first) AS first, max(last) AS last, sum(rows)::bigint AS rows
  FROM (SELECT first, last, rows, div(sum(rows) OVER (ORDER BY part) - sum(rows) OVER (PARTITION BY part), $2) AS batch
          FROM nrdb_import_cell WHERE plain = $1) b
 GROUP BY batch ORDER BY batch
"""
# Those who change numbers of a series take turns, in the order in which `reroute` does.
_LOCK_SERIES = "SELECT count(*) FROM (SELECT 1 FROM series ORDER BY version_id FOR NO KEY UPDATE) s"
_STAMP = """
SELECT greatest($1::timestamptz, max(r.recorded_at))
  FROM nrdb_import_cell c JOIN routing r USING (put_seq) WHERE c.plain
"""
_REMOVE = """
UPDATE routing r SET removed_at = $1, removed_seq = $2 + c.place - 1
  FROM (SELECT put_seq, row_number() OVER (ORDER BY put_seq) AS place FROM nrdb_import_cell WHERE plain) c
 WHERE c.put_seq = r.put_seq
"""
# A ported number is up to four rows, of which some are empty: what lies before it in its cell (1), the number itself
# before its porting (2) and from then on (3), and, behind the last one, what is left of the cell (4).
_ADD = f"""
WITH ported AS (
    SELECT c.first AS cell_first, c.last AS cell_last, c.holder AS plan_holder, c.network AS plan_network,
           c.routing_number AS plan_routing_number, c.range_holder, c.target_number AS plan_target_number,
           c.valid_from AS plan_from, c.served_since, c.case_id, r.first, r.last, r.holder, r.network, r.target_number,
           coalesce(r.since, $3::timestamptz) AS since, lag(r.last) OVER beside AS before,
           lead(r.first) OVER beside AS after
      FROM nrdb_import_cell k JOIN routing c USING (put_seq), {rows_of("k")}
     WHERE k.plain AND k.first BETWEEN $1 AND $2
    WINDOW beside AS (PARTITION BY c.first ORDER BY r.first)
), piece AS (
    SELECT CASE k WHEN 1 THEN coalesce(before + 1, cell_first) WHEN 4 THEN last + 1 ELSE first END AS first,
           CASE k WHEN 1 THEN first - 1 WHEN 4 THEN cell_last ELSE last END AS last,
           CASE k WHEN 3 THEN holder ELSE plan_holder END AS holder,
           CASE k WHEN 3 THEN network ELSE plan_network END AS network,
           CASE k WHEN 3 THEN n.routing_number ELSE plan_routing_number END AS routing_number, range_holder,
           CASE k WHEN 3 THEN target_number ELSE plan_target_number END AS target_number,
           CASE k WHEN 3 THEN greatest(plan_from, since) ELSE plan_from END AS valid_from,
           CASE k WHEN 2 THEN since ELSE 'infinity' END AS valid_until,
           CASE k WHEN 2 THEN plan_from WHEN 3 THEN greatest(plan_from, since) ELSE served_since END AS served_since,
           CASE k WHEN 3 THEN holder END AS own_holder, CASE k WHEN 3 THEN network END AS own_network,
           CASE k WHEN 3 THEN since END AS own_since, CASE k WHEN 3 THEN NULL ELSE case_id END AS case_id
      FROM ported p JOIN (SELECT code, provider.routing_number FROM provider) n ON n.code = p.network
           CROSS JOIN generate_series(1, 4) k
     WHERE CASE k WHEN 1 THEN first > coalesce(before + 1, cell_first) WHEN 2 THEN since > plan_from WHEN 3 THEN true
                  ELSE after IS NULL AND last < cell_last END
)
INSERT INTO routing (put_seq, first, last, holder, network, routing_number, range_holder, target_number, valid_from,
                     valid_until, served_since, recorded_at, own_holder, own_network, own_since, case_id)
SELECT $5 + row_number() OVER () - 1, first, last, holder, network, routing_number, range_holder, target_number,
       valid_from, valid_until, served_since, $4, own_holder, own_network, own_since, case_id
  FROM piece
"""
_REROUTE = f"""
SELECT reroute($3, array_agg(r.first ORDER BY r.first), array_agg(r.last ORDER BY r.first),
               json_agg(json_build_object('first', r.first, 'since', coalesce(r.since, $3), 'undo', false,
                                          'holder', r.holder, 'network', r.network,
                                          'target_number', r.target_number)))
  FROM nrdb_import_cell k, {rows_of("k")}
 WHERE NOT k.plain AND k.first BETWEEN $1 AND $2
"""
_ENTER_SERIES = """
WITH entered AS (
    INSERT INTO series (series_id, numbers, number_class, holder, status, reason, valid)
    SELECT gen_random_uuid(), int8range(first, last, '[]'), number_class, holder, status, coalesce(reason, $3),
           tstzrange(coalesce(since, $4::timestamptz), NULL)
      FROM nrdb_import_sorted WHERE first BETWEEN $1 AND $2
    RETURNING version_id)
SELECT min(version_id), max(version_id) FROM entered
"""
# Nothing had been said of these numbers, so `undo` says nothing but from when on they are reckoned.
_FOLLOW_SERIES = """
SELECT reroute($3, array_agg(first ORDER BY first), array_agg(last ORDER BY first),
               json_agg(json_build_object('first', first, 'since', coalesce(since, $3), 'undo', true)))
  FROM nrdb_import_sorted WHERE first BETWEEN $1 AND $2
"""
_SERIES_BATCHES = """
SELECT min(first) AS first, max(first) AS last, count(*) AS rows
  FROM (SELECT first, (row_number() OVER (ORDER BY first) - 1) / $1 AS batch FROM nrdb_import_sorted) b
 GROUP BY batch ORDER BY batch
"""


_NEXT_PLACE = "SELECT current_setting('nrdb.routing_place')::bigint"


@dataclass(slots=True)
class Written:
    """What an import has changed: rows of the file, rows of the routing table that it has put and removed, and where.

    `first_seq` and `last_seq` are its places in the order of routing changes, `first_version` and `last_version` those
    of the series that it has entered; None while there are none. Nobody else enters series meanwhile.
    """

    rows: int = 0
    put: int = 0
    removed: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    first_version: int | None = None
    last_version: int | None = None


async def find_cells(connection: asyncpg.Connection) -> None:
    """The cells that hold numbers of the file, and whether each holds one row of the plan alone."""
    await connection.execute(_FIND_CELLS)
    await connection.execute("CREATE INDEX ON nrdb_import_cell (first); ANALYZE nrdb_import_cell")


async def write_ported(connection: asyncpg.Connection, at: datetime, written: Written) -> AsyncIterator[None]:
    """All rows, in the caller's transaction, which holds the world; yields after each batch.

    Raises `UnusableError` where the file needs more changes than one transaction may make.
    """
    await connection.fetchval(_LOCK_SERIES)
    await connection.execute(_COUNT)
    await connection.execute(_FORGET)
    stamp = await connection.fetchval(_STAMP, at)
    plain = await connection.fetchval("SELECT count(*) FROM nrdb_import_cell WHERE plain")
    if plain:
        place = await connection.fetchval("SELECT routing_places($1)", plain)
        written.removed += _count(await connection.execute(_REMOVE, stamp, place))
        await _took(connection, written, place)
    for batch in await connection.fetch(_BATCHES, True, BATCH):
        place = await connection.fetchval("SELECT routing_places(1)")
        put = _count(await connection.execute(_ADD, batch["first"], batch["last"], at, stamp, place))
        await connection.fetchval("SELECT routing_places($1)", put)
        written.rows, written.put = written.rows + batch["rows"], written.put + put
        await _took(connection, written, place)
        yield
    for batch in await connection.fetch(_BATCHES, False, REROUTED):
        await _rerouted(connection, written, _REROUTE, batch["first"], batch["last"], at)
        written.rows += batch["rows"]
        yield


async def write_plan(
    connection: asyncpg.Connection, at: datetime, reason: str, written: Written
) -> AsyncIterator[None]:
    """The same for series."""
    for batch in await connection.fetch(_SERIES_BATCHES, SERIES):
        entered = await fetch_one(connection, _ENTER_SERIES, batch["first"], batch["last"], reason, at)
        written.first_version = entered[0] if written.first_version is None else written.first_version
        written.last_version = entered[1]
        await _rerouted(connection, written, _FOLLOW_SERIES, batch["first"], batch["last"], at)
        written.rows += batch["rows"]
        yield


async def _rerouted(connection: asyncpg.Connection, written: Written, statement: str, *values: object) -> None:
    """Let `reroute` write, and count what it has written."""
    place = await connection.fetchval("SELECT routing_places(1)")
    removed = await connection.fetchval(statement, *values)
    following = await connection.fetchval(_NEXT_PLACE)
    written.removed += removed
    written.put += following - place - 1 - removed
    await _took(connection, written, place)


async def _took(connection: asyncpg.Connection, written: Written, place: int) -> None:
    """All changes of a transaction stand in one block, so that nobody ever sees a part of them."""
    last = await connection.fetchval(_NEXT_PLACE) - 1
    if written.first_seq is None:
        written.first_seq = place
    written.last_seq = last
    if written.first_seq >> _BLOCK_BITS != last >> _BLOCK_BITS:
        raise UnusableError(
            f"the file needs more than {1 << _BLOCK_BITS:,} changes of the routing table, which one import cannot "
            "make; part it by number and import the parts"
        )


def _count(status: str) -> int:
    """How many rows a statement has written, by what the server says of it."""
    return int(status.rsplit(" ", 1)[1])
