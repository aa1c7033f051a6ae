"""Where a call goes: the answer for one number at one instant, from the number plan and the ported rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from nrdb.cases.case import NKOM
from nrdb.clock import format_time
from nrdb.db import Connection
from nrdb.routing.numbers import COUNTRY_CODE, national


@dataclass(frozen=True, slots=True)
class Portability:
    """What decides whether a number can be ported now. `until` is the end of the case that it is in, where it is known.

    `parties` are the codes to which that case is visible.
    """

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
    SELECT s.holder, s.status, later.at AS until, later.holder AS next_holder,
           -- Versions that change something else than the holder, and splits, are no news of who serves the number.
           coalesce((SELECT max(upper(e.valid)) FROM series e
                      WHERE e.numbers @> $1::bigint AND upper(e.valid) <= lower(s.valid) AND e.holder <> s.holder),
                    (SELECT min(lower(e.valid)) FROM series e WHERE e.numbers @> $1::bigint)) AS since
      FROM series s CROSS JOIN asked LEFT JOIN LATERAL (
           SELECT lower(e.valid) AS at, e.holder FROM series e
            WHERE e.numbers @> $1::bigint AND lower(e.valid) > asked.at AND e.holder <> s.holder
            ORDER BY lower(e.valid) LIMIT 1) later ON true
     WHERE s.numbers @> $1::bigint AND s.valid @> asked.at),
ported AS (
    SELECT r.holder, r.network, r.target_number, lower(r.valid) AS since, upper(r.valid) AS until
      FROM routing r, asked WHERE r.numbers @> $1::bigint AND r.removed_at IS NULL AND r.valid @> asked.at),
change AS (
    SELECT r.holder, r.network, lower(r.valid) AS at
      FROM routing r, asked WHERE r.numbers @> $1::bigint AND r.removed_at IS NULL AND lower(r.valid) > asked.at
     ORDER BY lower(r.valid) LIMIT 1)
SELECT plan.holder AS range_holder, plan.since AS plan_since, plan.until AS plan_until, plan.next_holder AS plan_next,
       {_NETWORK.format("plan.next_holder")} AS plan_next_routing_number,
       ported.holder, ported.network, ported.target_number, ported.since, ported.until,
       -- Who serves the number without a row of its own does so at the earliest since the last one ended.
       CASE WHEN ported.holder IS NULL THEN (
            SELECT max(upper(r.valid)) FROM routing r, asked
             WHERE r.numbers @> $1::bigint AND r.removed_at IS NULL AND upper(r.valid) <= asked.at
               AND r.holder <> plan.holder) END AS home_since,
       {_NETWORK.format("coalesce(ported.network, plan.holder)")} AS routing_number,
       {_NETWORK.format("plan.holder")} AS own_routing_number,
       change.at AS next_at, change.holder AS next_holder, change.network AS next_network,
       {_NETWORK.format("change.network")} AS next_routing_number,
       asked.at AS asked_at,
       (SELECT json_agg(json_build_array(p.due_at, p.subject, p.details ->> 'to',
                        {_NETWORK.format("p.details ->> 'to'")}) ORDER BY p.due_at, p.id)
          FROM planned_change p WHERE p.done_at IS NULL AND p.action = 'code-transferred') AS transfers
  FROM asked CROSS JOIN plan LEFT JOIN ported ON true LEFT JOIN change ON true
"""


async def lookup(connection: Connection, number: int, at: datetime | None) -> dict[str, Any] | None:
    """The routing answer at `at` (None: now), or None where the number is not in the plan then.

    Transfers of codes that are set for later are reckoned with, as changes of series are, which stand in the plan.
    """
    row = await connection.fetchrow(_LOOKUP, number, at)
    return _answer(number, row) if row else None


def _answer(number: int, row: asyncpg.Record) -> dict[str, Any]:
    entered = row["holder"] is not None
    holder = row["holder"] if entered else row["range_holder"]
    until = _earliest(row["until"], row["next_at"], row["plan_until"] if _goes_with_the_plan(row) else None)
    since = row["since"] if entered else max(row["plan_since"], row["home_since"] or row["plan_since"])
    answer = {
        "number": national(number),
        "holder": holder,
        # An unported number is served by its range holder's own network, where it has one.
        "network": row["network"] if entered else (holder if row["routing_number"] else None),
        "routing_number": row["routing_number"],
        "range_holder": row["range_holder"],
        "ported": False,
        "since": since,
        "until": until,
        "target_number": national(row["target_number"]) if row["target_number"] else None,
        "tel_uri": None,
        "next": _next(row),
    }
    for due_at, code, to, routing_number in row["transfers"] or ():
        _transfer(answer, row["asked_at"], datetime.fromisoformat(due_at), code, to, routing_number)
    answer["ported"] = answer["holder"] != answer["range_holder"]
    if answer["network"] or answer["holder"] != NKOM:
        answer["tel_uri"] = tel_uri(number, answer["routing_number"] if answer["ported"] else None)
    return _written(answer)


def _transfer(
    answer: dict[str, Any], asked_at: datetime, due_at: datetime, code: str, to: str, routing_number: str | None
) -> None:
    """What a transfer of the code `code` that is set for `due_at` makes of the answer at `asked_at`."""
    following = answer["next"]
    if following and following["at"] >= due_at:
        _rename(following, code, to, routing_number)
    if due_at <= asked_at:
        if answer["holder"] == code:
            answer["since"] = due_at
        if answer["range_holder"] == code:
            answer["range_holder"] = to
        _rename(answer, code, to, routing_number)
    elif answer["holder"] == code and (following is None or due_at < following["at"]):
        changed = {"at": due_at, **{name: answer[name] for name in ("holder", "network", "routing_number")}}
        _rename(changed, code, to, routing_number)
        answer["next"], answer["until"] = changed, due_at


def _rename(served: dict[str, Any], code: str, to: str, routing_number: str | None) -> None:
    """Who serves, and where calls go, after the code has become the other."""
    if served["holder"] == code:
        served["holder"] = to
    if served["network"] == code:
        served |= {"network": to, "routing_number": routing_number}


def _written(answer: dict[str, Any]) -> dict[str, Any]:
    """Its instants as text."""
    times = {name: format_time(answer[name]) if answer[name] else None for name in ("since", "until")}
    following = answer["next"]
    return {**answer, **times, "next": {**following, "at": format_time(following["at"])} if following else None}


def _goes_with_the_plan(row: asyncpg.Record) -> bool:
    """The plan decides for a number that is not ported, until a porting does."""
    return row["holder"] in (None, row["range_holder"])


def _earliest(*times: datetime | None) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _next(row: asyncpg.Record) -> dict[str, Any] | None:
    at, plan_at = row["next_at"], row["plan_until"]
    if _goes_with_the_plan(row) and plan_at is not None and (at is None or plan_at < at):
        routing_number = row["plan_next_routing_number"]
        return {
            "at": plan_at,
            "holder": row["plan_next"],
            "network": row["plan_next"] if routing_number else None,
            "routing_number": routing_number,
        }
    # Of an instant before the number was given back: its range holder comes next, whoever gets it afterwards.
    if row["until"] is not None and row["until"] != at:
        own = row["own_routing_number"]
        return {
            "at": row["until"],
            "holder": row["range_holder"],
            "network": row["range_holder"] if own else None,
            "routing_number": own,
        }
    if at is None:
        return None
    return {
        "at": row["next_at"],
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
       SELECT c.case_id, upper(n.during) AS until,
              array_remove(c.told || c.donor || c.recipient ||
                           CASE WHEN c.kind = 'termination' THEN c.range_holders END, NULL) AS parties
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
