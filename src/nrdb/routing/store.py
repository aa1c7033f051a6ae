"""Where a call goes: the answer for one number at one instant, from the number plan and the ported rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from nrdb.clock import format_time
from nrdb.db import Connection
from nrdb.routing.numbers import COUNTRY_CODE, national


@dataclass(frozen=True, slots=True)
class Portability:
    """What decides whether a number can be ported now. `until` is the end of the case that it is in."""

    now: datetime
    number_class: str
    status: str
    range_holder: str
    holder: str
    closed_days: list[str] | None
    case_id: UUID | None
    until: datetime | None
    parties: tuple[str, ...]


_NETWORK = "(SELECT routing_number FROM provider WHERE code = {} AND terminating)"

_LOOKUP = f"""
WITH asked AS MATERIALIZED (SELECT coalesce($2::timestamptz, nrdb_now()) AS at),
plan AS (
    SELECT s.holder, s.status, lower(s.valid) AS since, upper(s.valid) AS until
      FROM series s, asked WHERE s.numbers @> $1::bigint AND s.valid @> asked.at),
ported AS (
    SELECT r.holder, r.network, r.target_number, lower(r.valid) AS since, upper(r.valid) AS until
      FROM routing r, asked WHERE r.numbers @> $1::bigint AND r.removed_at IS NULL AND r.valid @> asked.at),
change AS (
    SELECT r.holder, r.network, lower(r.valid) AS at
      FROM routing r, asked WHERE r.numbers @> $1::bigint AND r.removed_at IS NULL AND lower(r.valid) > asked.at
     ORDER BY lower(r.valid) LIMIT 1),
gone AS (
    SELECT max(upper(r.valid)) AS at
      FROM routing r, asked WHERE r.numbers @> $1::bigint AND r.removed_at IS NULL AND upper(r.valid) <= asked.at)
SELECT plan.holder AS range_holder, gone.at AS given_back_at, plan.since AS plan_since, plan.until AS plan_until,
       ported.holder, ported.network, ported.target_number, ported.since, ported.until,
       {_NETWORK.format("coalesce(ported.network, plan.holder)")} AS routing_number,
       {_NETWORK.format("plan.holder")} AS own_routing_number,
       change.at AS next_at, change.holder AS next_holder, change.network AS next_network,
       {_NETWORK.format("change.network")} AS next_routing_number
  FROM plan CROSS JOIN gone LEFT JOIN ported ON true LEFT JOIN change ON true
"""


async def lookup(connection: Connection, number: int, at: datetime | None) -> dict[str, Any] | None:
    """The routing answer at `at` (None: now), or None where the number is not in the plan then."""
    row = await connection.fetchrow(_LOOKUP, number, at)
    return _answer(number, row) if row else None


def _answer(number: int, row: asyncpg.Record) -> dict[str, Any]:
    entered = row["holder"] is not None
    holder = row["holder"] if entered else row["range_holder"]
    ported = holder != row["range_holder"]
    until = _earliest(row["until"], row["plan_until"], row["next_at"])
    # An unported number is served by its range holder's own network, where it has one.
    network = row["network"] if entered else (holder if row["routing_number"] else None)
    return {
        "number": national(number),
        "holder": holder,
        "network": network,
        "routing_number": row["routing_number"],
        "range_holder": row["range_holder"],
        "ported": ported,
        "since": format_time(row["since"] if entered else _latest(row["plan_since"], row["given_back_at"])),
        "until": format_time(until) if until else None,
        "target_number": national(row["target_number"]) if row["target_number"] else None,
        "tel_uri": tel_uri(number, row["routing_number"] if ported else None) if network or holder != "0" else None,
        "next": _next(row),
    }


def _earliest(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _latest(*times: datetime | None) -> datetime:
    return max(at for at in times if at is not None)


def _next(row: asyncpg.Record) -> dict[str, Any] | None:
    # Of an instant before the number was given back: its range holder comes next, whoever gets it afterwards.
    if row["until"] is not None and row["until"] != row["next_at"]:
        holder, own = row["range_holder"], row["own_routing_number"]
        return {
            "at": format_time(row["until"]),
            "holder": holder,
            "network": holder if own else None,
            "routing_number": own,
        }
    if row["next_at"] is None:
        return None
    return {
        "at": format_time(row["next_at"]),
        "holder": row["next_holder"],
        "network": row["next_network"],
        "routing_number": row["next_routing_number"],
    }


def tel_uri(number: int, routing_number: str | None) -> str:
    """RFC 4694: `npdi` says that the database has been asked; `rn` where the number is ported."""
    uri = f"tel:+{number};npdi"
    if routing_number is None:
        return uri
    if routing_number.startswith("+"):
        return f"{uri};rn={routing_number}"
    return f"{uri};rn={routing_number};rn-context=+{COUNTRY_CODE}"


_PORTABILITY = """
SELECT w.now, s.number_class, s.status, s.holder AS range_holder,
       coalesce((SELECT r.holder FROM routing r
                  WHERE r.numbers @> $1::bigint AND r.removed_at IS NULL AND r.valid @> w.now), s.holder) AS holder,
       (SELECT json_agg(day) FROM closed_day) AS closed_days,
       open.case_id, open.until, open.parties
  FROM (SELECT nrdb_now() AS now) w JOIN series s ON s.numbers @> $1::bigint AND s.valid @> w.now
  LEFT JOIN LATERAL (
       SELECT c.case_id, upper(n.during) AS until, c.recipient || array_prepend(c.donor, c.told) AS parties
         FROM case_numbers n JOIN cases c USING (case_id)
        WHERE n.numbers @> $1::bigint AND n.during @> w.now) open ON true
"""


async def portability(connection: Connection, number: int) -> Portability | None:
    """What a provider must know before it orders; None where the number is not in the plan."""
    row = await connection.fetchrow(_PORTABILITY, number)
    if row is None:
        return None
    fields = dict(row)
    return Portability(**{**fields, "parties": tuple(fields["parties"] or ())})
