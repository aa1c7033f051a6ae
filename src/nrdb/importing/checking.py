"""What only the database shows about the staged rows: each row that cannot be taken, with the first reason why.

Every check is one statement over all rows. Those of the plan go by series, of which there are few, not by row.
"""

from datetime import datetime
from typing import Final

import asyncpg


def _shown(row: str) -> str:
    """SQL for a range of numbers as people write it."""
    return f"CASE WHEN {row}.first = {row}.last THEN substr({row}.first::text, 3) ELSE {_both(row)} END"


def _both(row: str) -> str:
    return f"substr({row}.first::text, 3) || '-' || substr({row}.last::text, 3)"


def _time(value: str) -> str:
    """SQL for an instant as `format_time` writes it; these sessions are in UTC."""
    return rf"""regexp_replace(to_char({value}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '\.?0*Z$', 'Z')"""


def rows_of(place: str) -> str:
    """SQL that joins the rows that begin in a series or a cell: by the index, for one after the other.

    Left to itself the planner may take the rows first and look for the place of each among all places, because it
    cannot know that places do not overlap.
    """
    return f"""LATERAL (
           SELECT * FROM nrdb_import_sorted WHERE first BETWEEN {place}.first AND {place}.last OFFSET 0) r"""


def _refuse(code: str, query: str, *, warning: bool = False) -> str:
    """A statement that refuses the lines of a query of (line, detail); a line keeps its first reason."""
    return f"""
    INSERT INTO nrdb_import_error (line, code, detail, is_warning, of_file)
    SELECT DISTINCT ON (line) line, '{code}', detail, {warning}, false FROM ({query}) found ORDER BY line, detail
    ON CONFLICT (line) DO NOTHING
    """


# Both rows of an overlap are refused: nobody knows which is right. Of those that end where it does, the first is named.
_OVERLAP = _refuse(
    "overlap",
    f"""
    WITH later AS MATERIALIZED (SELECT line, first, last, before FROM nrdb_import_sorted WHERE before >= first),
    earlier AS MATERIALIZED (
        SELECT DISTINCT ON (last) line, first, last FROM nrdb_import_sorted WHERE last IN (SELECT before FROM later)
         ORDER BY last, first, line)
    SELECT b.line, format('%s of line %s: line %s has %s too', {_shown("b")}, b.line, a.line, {_shown("a")}) AS detail
      FROM later b JOIN earlier a ON a.last = b.before
     UNION ALL
   (SELECT DISTINCT ON (a.line) a.line,
           format('%s of line %s: line %s has %s too', {_shown("a")}, a.line, b.line, {_shown("b")})
      FROM later b JOIN earlier a ON a.last = b.before ORDER BY a.line, b.line)
    """,
)
_CODES = """
SELECT code, p.code IS NULL AS missing, p.active, p.terminating AND p.active AS usable
  FROM (SELECT DISTINCT unnest(ARRAY[holder, network]) AS code FROM (
               SELECT DISTINCT holder, network FROM nrdb_import_sorted) named) asked LEFT JOIN provider p USING (code)
 WHERE code IS NOT NULL
"""
_BY_HOLDER = "SELECT line, format({sentence}, holder) AS detail FROM nrdb_import_sorted WHERE holder = ANY($1)"
_BY_NETWORK = "SELECT line, format({sentence}, network) AS detail FROM nrdb_import_sorted WHERE network = ANY($1)"
_MISSING_HOLDER = _refuse("provider-unknown", _BY_HOLDER.format(sentence="'holder: there is no provider %s'"))
_MISSING_NETWORK = _refuse("provider-unknown", _BY_NETWORK.format(sentence="'network: there is no provider %s'"))
_INACTIVE = _refuse("provider-inactive", _BY_HOLDER.format(sentence="'holder: the provider code %s is inactive'"))
_UNUSABLE = _refuse("network-not-usable", _BY_NETWORK.format(sentence="'network: %s terminates no calls'"))
_FUTURE = _refuse(
    "time-in-future",
    f"SELECT line, format('it is %s only: a row that begins later is loaded then', {_time('$1::timestamptz')})"
    " AS detail FROM nrdb_import_sorted WHERE since > $1::timestamptz",
)

# The series in force in order, each with where the next one begins: what lies between them is in no series.
_PLAN = """
plan AS MATERIALIZED (
    SELECT lower(numbers) AS first, upper(numbers) - 1 AS last, holder, status,
           lead(lower(numbers), 1, 9223372036854775807) OVER (ORDER BY lower(numbers)) AS next
      FROM series WHERE valid @> $1::timestamptz)
"""
_UNKNOWN = _refuse(
    "number-unknown",
    f"""
    WITH {_PLAN}, gap AS (
        SELECT last + 1 AS first, next - 1 AS last FROM plan WHERE last + 1 < next
         UNION ALL SELECT 0, coalesce((SELECT min(first) FROM plan) - 1, 9223372036854775807))
    SELECT r.line, format('%s is in no series of the number plan', {_shown("r")}) AS detail
      FROM gap g, {rows_of("g")}
    """,
)
# Rows that overlap no other: of those that begin in a series only the last can reach beyond it.
_TWO_SERIES = _refuse(
    "not-one-series",
    f"""
    WITH {_PLAN}
    SELECT r.line, format('%s does not lie in one series: %s ends before it', {_shown("r")}, {_both("s")}) AS detail
      FROM plan s, LATERAL (
           SELECT line, first, last FROM nrdb_import_sorted WHERE first BETWEEN s.first AND s.last
            ORDER BY first DESC LIMIT 1) r
     WHERE r.last > s.last
    """,
)
_BLOCKED = _refuse(
    "number-not-portable",
    f"""
    WITH {_PLAN}
    SELECT r.line, format('%s: the series %s is blocked, its numbers are never ported', {_shown("r")}, {_both("s")})
           AS detail
      FROM plan s, {rows_of("s")} WHERE s.status = 'blocked'
    """,
)
_TARGET = _refuse(
    "target-number-unknown",
    """
    SELECT r.line, format('the target_number %s is in no series, or in a blocked one', substr(target_number::text, 3))
           AS detail
      FROM nrdb_import_sorted r
     WHERE target_number IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM series s WHERE s.numbers @> r.target_number AND s.valid @> $1::timestamptz
              AND s.status <> 'blocked')
    """,
)
# Cells that hold plan rows alone have been told from others before: only those are looked at row by row.
_PORTED = _refuse(
    "already-ported",
    f"""
    SELECT r.line, format('%s: %s is ported to %s already, since %s', {_shown("r")}, {_shown("o")}, o.holder,
           {_time("o.own_since")}) AS detail
      FROM nrdb_import_cell c, {rows_of("c")}, LATERAL (
           SELECT * FROM routing_of(r.first, r.last) OFFSET 0) o
     WHERE NOT c.plain AND o.own_holder IS NOT NULL AND o.holder <> o.range_holder
       AND o.valid_until > coalesce(r.since, $1::timestamptz)
    """,
)
_OPEN_CASE = _refuse(
    "number-in-open-case",
    f"""
    WITH open AS MATERIALIZED (
        SELECT case_id, lower(numbers) AS first, upper(numbers) - 1 AS last FROM case_numbers
         WHERE during @> $1::timestamptz)
    SELECT r.line, format('%s is in the open case %s', {_shown("r")}, o.case_id) AS detail
      FROM open o, LATERAL (
           SELECT line, first, last FROM nrdb_import_sorted WHERE first BETWEEN o.first AND o.last
            UNION ALL
           (SELECT line, first, last FROM nrdb_import_sorted WHERE first < o.first ORDER BY first DESC LIMIT 1)) r
     WHERE r.last >= o.first
    """,
)
_AS_PLANNED = _refuse(
    "as-planned",
    f"""
    WITH {_PLAN}
    SELECT r.line, format('%s: %s holds its series, so it is not ported; the row is left out', {_shown("r")}, r.holder)
           AS detail
      FROM plan s, {rows_of("s")}
     WHERE r.holder = s.holder AND r.network = s.holder AND r.target_number IS NULL
    """,
    warning=True,
)
# Not wrong, but not what the row says either: no number has an answer before its series begins.
_EARLY = f"""
WITH {_PLAN}, early AS MATERIALIZED (
    SELECT r.line
      FROM plan s, LATERAL (SELECT min(lower(valid)) AS begins FROM series o WHERE o.numbers @> s.first OFFSET 0) b,
           {rows_of("s")}
     WHERE r.since < b.begins AND NOT EXISTS (SELECT 1 FROM nrdb_import_error e WHERE e.line = r.line))
SELECT (SELECT count(*) FROM early) AS count, ARRAY(SELECT line FROM early ORDER BY line LIMIT $2) AS lines
"""
_SERIES = _refuse(
    "series-overlap",
    f"""
    SELECT r.line, format('%s: %s is in the number plan already, as the series %s of %s', {_shown("r")}, {_both("o")},
           series_id, o.holder) AS detail
      FROM nrdb_import_sorted r, LATERAL (
           SELECT lower(numbers) AS first, upper(numbers) - 1 AS last, series_id, holder FROM series
            WHERE numbers && int8range(r.first, r.last, '[]')
              AND valid && tstzrange(coalesce(r.since, $1::timestamptz), NULL) OFFSET 0) o
    """,
)
_LEAVE_OUT = "DELETE FROM nrdb_import_sorted r USING nrdb_import_error e WHERE e.line = r.line"

#: Those of ported numbers that look at cells stand behind the finding of the cells (`writing.find_cells`).
PORTED_BEFORE: Final = (_UNKNOWN, _TWO_SERIES, _BLOCKED, _TARGET, _FUTURE)
PORTED_AFTER: Final = (_PORTED, _OPEN_CASE, _AS_PLANNED)
PLAN: Final = (_FUTURE, _SERIES)


async def check_overlaps(connection: asyncpg.Connection) -> None:
    """Rows of the file that have numbers of other rows of it."""
    await connection.execute(_OVERLAP)


async def check_providers(connection: asyncpg.Connection) -> list[str]:
    """Codes that are no providers, inactive, or not to be called; all that are missing are returned."""
    found = await connection.fetch(_CODES)
    missing = sorted(row["code"] for row in found if row["missing"])
    inactive = [row["code"] for row in found if row["active"] is False]
    unusable = [row["code"] for row in found if not row["missing"] and not row["usable"]]
    for statement, codes in (
        (_MISSING_HOLDER, missing),
        (_MISSING_NETWORK, missing),
        (_INACTIVE, inactive),
        (_UNUSABLE, unusable),
    ):
        if codes:
            await connection.execute(statement, codes)
    return missing


async def check(connection: asyncpg.Connection, statements: tuple[str, ...], at: datetime) -> None:
    """Each of these checks, at this instant."""
    for statement in statements:
        await connection.execute(statement, at)


async def find_early(connection: asyncpg.Connection, at: datetime, shown: int) -> tuple[int, list[int]]:
    """Rows that are right and whose numbers were ported before the plan knows them: how many, and the first lines."""
    (row,) = await connection.fetch(_EARLY, at, shown)
    return row["count"], row["lines"]


async def leave_out(connection: asyncpg.Connection) -> None:
    """What is refused or warned of is not written."""
    await connection.execute(_LEAVE_OUT)
