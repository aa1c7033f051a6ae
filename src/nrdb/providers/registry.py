"""The register of provider codes and their contact points (S3 2.5.4)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from nrdb.db import LONG, Connection, fetch_one
from nrdb.routing.numbers import NumberRange

_COLUMNS = "code, name, organisation_number, terminating, routing_number, active, email, phone, contacts"


def _view(row: Any) -> dict[str, Any]:
    shown = dict(row)
    shown["contact"] = {"email": shown.pop("email"), "phone": shown.pop("phone")}
    return shown


async def list_providers(connection: Connection, after: str, limit: int) -> list[dict[str, Any]]:
    """Codes after that one, in order of code."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM provider WHERE code > $1 ORDER BY code LIMIT $2", after, limit
    )
    return [_view(row) for row in rows]


async def find_provider(connection: Connection, code: str) -> dict[str, Any] | None:
    """One provider, or None."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM provider WHERE code = $1", code)
    return _view(row) if row else None


async def create_provider(connection: Connection, fields: dict[str, Any]) -> bool:
    """A new code. False where the code exists."""
    status = await connection.execute(
        """
        INSERT INTO provider (code, name, organisation_number, terminating, routing_number, email, phone, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, nrdb_now()) ON CONFLICT (code) DO NOTHING
        """,
        fields["code"],
        fields["name"],
        fields.get("organisation_number"),
        fields["terminating"],
        fields.get("routing_number"),
        fields["contact"]["email"],
        fields["contact"]["phone"],
    )
    return bool(status == "INSERT 0 1")


async def update_provider(connection: Connection, code: str, provider: dict[str, Any]) -> None:
    """The provider as a whole, as it is to be from now on."""
    await connection.execute(
        """
        UPDATE provider SET name = $2, organisation_number = $3, terminating = $4, routing_number = $5, active = $6,
               email = $7, phone = $8 WHERE code = $1
        """,
        code,
        provider["name"],
        provider["organisation_number"],
        provider["terminating"],
        provider["routing_number"],
        provider["active"],
        provider["contact"]["email"],
        provider["contact"]["phone"],
    )


async def set_contacts(connection: Connection, code: str, contacts: list[dict[str, Any]]) -> None:
    """The contact points, replaced whole."""
    await connection.execute("UPDATE provider SET contacts = $2 WHERE code = $1", code, contacts)


_USES = """
WITH held AS MATERIALIZED (
    SELECT series_id FROM series
     WHERE holder = $1 AND (upper_inf(valid) OR upper(valid) > $2::timestamptz)
), ported AS MATERIALIZED (
    SELECT int8range(first, last, '[]') AS numbers FROM routing
     WHERE removed_at = 'infinity' AND valid_until > $2 AND holder = $1 AND range_holder <> $1
), party AS MATERIALIZED (
    SELECT case_id, created_at FROM cases
     WHERE (recipient = $1 OR donor = $1 OR kind = 'termination' AND $1 = ANY(range_holders))
       AND (due_at > $2 OR state = 'awaiting_return')
)
SELECT (SELECT count(DISTINCT series_id) FROM held) AS series_count,
       (SELECT json_agg(series_id) FROM (SELECT DISTINCT series_id FROM held LIMIT 100) h) AS series,
       (SELECT count(*) FROM ported) AS ported_count,
       (SELECT json_agg(json_build_array(lower(p.numbers), upper(p.numbers) - 1))
          FROM (SELECT numbers FROM ported ORDER BY numbers LIMIT 100) p) AS ported,
       (SELECT count(*) FROM party) AS case_count,
       (SELECT json_agg(p.case_id) FROM (SELECT case_id FROM party ORDER BY created_at, case_id LIMIT 100) p) AS cases
"""


async def uses_of(connection: Connection, code: str, at: datetime) -> dict[str, Any]:
    """What hinders that a code becomes inactive: series, ported numbers, blocking cases (contract section 8).

    Lists hold at most 100, with their counts; empty where nothing hinders. Time's part must have been written down.
    """
    row = await fetch_one(connection, _USES, code, at)
    ported = [NumberRange(first, last).view() for first, last in row["ported"] or ()]
    if not (row["series_count"] or row["ported_count"] or row["case_count"]):
        return {}
    return {
        "series": row["series"] or [],
        "series_count": row["series_count"],
        "ported": ported,
        "ported_count": row["ported_count"],
        "cases": row["cases"] or [],
        "case_count": row["case_count"],
    }


_CALLS = """
WITH held AS MATERIALIZED (
    SELECT DISTINCT series_id FROM series
     WHERE holder = $1 AND status <> 'returned' AND (upper_inf(valid) OR upper(valid) > $2::timestamptz)
), routed AS MATERIALIZED (
    SELECT int8range(first, last, '[]') AS numbers FROM routing
     WHERE removed_at = 'infinity' AND valid_until > $2 AND network = $1 AND own_holder IS NOT NULL
)
SELECT (SELECT count(*) FROM held) AS series_count,
       (SELECT json_agg(series_id) FROM (SELECT series_id FROM held ORDER BY series_id LIMIT 100) h) AS series,
       (SELECT count(*) FROM routed) AS routed_count,
       (SELECT json_agg(json_build_array(lower(r.numbers), upper(r.numbers) - 1))
          FROM (SELECT numbers FROM routed ORDER BY numbers LIMIT 100) r) AS routed
"""


async def calls_to(connection: Connection, code: str, at: datetime) -> dict[str, Any]:
    """What calls are routed to the code for, now or as scheduled: series that it holds, and ported numbers.

    Lists hold at most 100, with their counts; empty where there are none.
    """
    (row,) = await connection.fetch(_CALLS, code, at, timeout=LONG)
    if not (row["series_count"] or row["routed_count"]):
        return {}
    return {
        "series": row["series"] or [],
        "series_count": row["series_count"],
        "routed": [NumberRange(first, last).view() for first, last in row["routed"] or ()],
        "routed_count": row["routed_count"],
    }


async def cases_awaiting(connection: Connection, code: str) -> list[UUID]:
    """The cases that wait for a report of the code, now or from their porting time on."""
    rows = await connection.fetch(
        """
        SELECT case_id FROM cases
         WHERE kind IN ('porting', 'five_digit') AND state IN ('scheduled', 'awaiting_completion')
           AND $1 = ANY(expected) AND NOT $1 = ANY(received || waived)
         ORDER BY created_at, case_id
        """,
        code,
    )
    return [row["case_id"] for row in rows]
