"""The register of provider codes and their contact points (S3 2.5.4)."""

from typing import Any

from nrdb.db import Connection, fetch_one
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


async def uses_of(connection: Connection, code: str) -> dict[str, Any]:
    """What hinders that a code becomes inactive: series, ported numbers, blocking cases (contract section 8)."""
    row = await fetch_one(
        connection,
        """
        SELECT (SELECT coalesce(json_agg(DISTINCT series_id), '[]') FROM series
                 WHERE holder = $1 AND upper_inf(valid)) AS series,
               (SELECT coalesce(json_agg(json_build_array(lower(r.numbers), upper(r.numbers) - 1)), '[]')
                  FROM (SELECT * FROM routing
                         WHERE holder = $1 AND removed_at IS NULL AND (upper_inf(valid) OR upper(valid) > nrdb_now())
                         ORDER BY numbers LIMIT 100) r
                 WHERE NOT EXISTS (SELECT 1 FROM series s
                                    WHERE s.numbers @> r.numbers AND s.valid @> nrdb_now() AND s.holder = $1)
               ) AS ported,
               (SELECT coalesce(json_agg(case_id), '[]') FROM cases
                 WHERE (recipient = $1 OR donor = $1) AND due_at > nrdb_now()) AS cases
        """,
        code,
    )
    ported = [NumberRange(first, last).view() for first, last in row["ported"]]
    return {"series": row["series"], "ported": ported, "cases": row["cases"]}
