"""Everything that a decision rests on, read in one statement: one snapshot of the database, one instant.

The instant is read with the facts. What could change before the outcome is written is guarded by the write itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from nrdb.cases.case import NKOM, Case
from nrdb.db import Connection, fetch_one
from nrdb.messages.facts import CapDay, Facts, Network, OpenNumbers, PlanRow
from nrdb.messages.kinds import (
    AnyCaseMessage,
    AnyOpening,
    FiveIver,
    FiveOpps,
    NpBest,
    NpEndr,
    NpIver,
    NpTilb,
    effective_time,
)
from nrdb.messages.reminding import Reminder
from nrdb.routing.numbers import NumberRange
from nrdb.routing.table import PortedRow
from nrdb.timers.calendar import oslo_day
from nrdb.vault import Vault


@dataclass(frozen=True, slots=True)
class Replay:
    """A message that was accepted under the same sender and message_id."""

    log_id: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """The facts of one message and what surrounds them. `case` is as stored, before `settled`.

    `due`: something that every decision depends on is due and has not been written down yet (see `world_is_due`).
    """

    epoch: int
    now: datetime
    due: bool
    closed_days: frozenset[date]
    key_live: bool
    sender_active: bool
    replay: Replay | None
    facts: Facts
    case: Case | None = None
    customer_log: int | None = None
    routing: tuple[PortedRow, ...] = ()


WORLD = """
WITH present AS MATERIALIZED (SELECT epoch, coalesce(sandbox_now, clock_timestamp()) AS now FROM world),
w AS MATERIALIZED (SELECT epoch, now, world_is_due(now) AS due FROM present)
"""

# OFFSET 0 keeps the planner from turning the look-ups round: each is one descent of an index for each range asked for,
# never a walk over everything that is in force now.
COMMON = """
       w.epoch, w.now, w.due,
       (SELECT json_agg(day) FROM closed_day) AS closed_days,
       ({key}::uuid IS NULL OR EXISTS (
            SELECT 1 FROM api_key WHERE key_id = {key} AND revoked_at IS NULL
               AND (expires_at IS NULL OR expires_at > w.now))) AS key_live,
       (SELECT active FROM provider WHERE code = {sender}) AS sender_active,
       (SELECT json_build_array(id, encode(digest, 'hex')) FROM message_log
         WHERE message_id = {message_id} AND sender = {sender}) AS replay,
       (SELECT json_agg(part) FROM (
            SELECT DISTINCT ON (s.version_id) json_build_array(
                   lower(s.numbers), upper(s.numbers) - 1, s.number_class, s.holder, s.status) AS part
              FROM {asked}, LATERAL (
                   SELECT * FROM series WHERE numbers && asked.numbers AND valid @> w.now OFFSET 0) s) p) AS plan,
       (SELECT json_agg(part) FROM (
            SELECT DISTINCT ON (r.put_seq) json_build_array(
                   r.first, r.last, r.holder, r.network, r.valid_from, nullif(r.valid_until, 'infinity'),
                   r.target_number) AS part
              FROM {asked}, LATERAL (
                   SELECT * FROM routing_of(lower(asked.numbers), upper(asked.numbers) - 1)
                    WHERE own_holder IS NOT NULL AND valid_until > w.now OFFSET 0) r) p) AS routing
"""

#: Days on which the code has no room for so many numbers, and days whose limit was set apart.
CAPS = """
       (SELECT json_agg(json_build_array(
                   day, used, coalesce(day_limit, {limit}), used + {numbers} > coalesce(day_limit, {limit}),
                   day_limit IS NOT NULL))
          FROM cap_day
         WHERE code = {code} AND day >= {day}
           AND (used + {numbers} > coalesce(day_limit, {limit}) OR day_limit IS NOT NULL)) AS caps
"""


def _alone(template: str, key: str) -> str:
    """The statement for one message, which comes as the first two values."""
    return template.format(key=key, sender="$1", message_id="$2", asked="asked")


_ASKED = """
asked AS MATERIALIZED (
    SELECT int8range(first, last, '[]') AS numbers FROM unnest($3::bigint[], $4::bigint[]) AS a(first, last))
"""

OPEN_NUMBERS = """
       (SELECT json_agg(json_build_array(lower(n.numbers), upper(n.numbers) - 1, upper(n.during)))
          FROM {asked}, LATERAL (
               SELECT * FROM case_numbers
                WHERE numbers && asked.numbers AND during @> w.now OFFSET 0) n) AS open_numbers
"""

NETWORKS = """
       (SELECT json_agg(json_build_array(code, routing_number)) FROM provider
         WHERE {wanted} AND terminating AND active) AS networks
"""

_ORDER = f"""
{WORLD}, {_ASKED}
SELECT {_alone(COMMON, "$8")},
       {CAPS.format(code="$1", day="$5::date", numbers="$6::bigint", limit="$7::bigint")},
       {OPEN_NUMBERS.format(asked="asked")}
  FROM w
"""

#: What takes the room of a range holder is known with the number plan only; what is executed at once needs more.
_OTHER_OPENING = f"""
{WORLD}, {_ASKED}, taker AS MATERIALIZED (
    SELECT coalesce($9::text, (SELECT s.holder FROM series s
                                WHERE s.numbers @> $10::bigint AND s.valid @> w.now)) AS code FROM w)
SELECT {_alone(COMMON, "$8")},
       {CAPS.format(code="taker.code", day="$5::date", numbers="$6::bigint", limit="$7::bigint")},
       {OPEN_NUMBERS.format(asked="asked")},
       {NETWORKS.format(wanted="$11")},
       (SELECT sealed FROM right_of_use WHERE $11 AND number = $10 AND until IS NULL) AS right_holder
  FROM w, taker
"""

_CASE = f"""
{WORLD}, c AS MATERIALIZED (SELECT * FROM cases WHERE case_id = $3),
asked AS MATERIALIZED (SELECT numbers FROM case_numbers WHERE case_id = $3)
SELECT {_alone(COMMON, "$7")},
       {CAPS.format(code="c.cap_code", day="$4::date", numbers="c.number_count", limit="$5::bigint")},
       (SELECT json_agg(json_build_array(lower(numbers), upper(numbers) - 1)) FROM asked) AS numbers,
       (SELECT sealed FROM message_log WHERE id = c.customer_log AND kept(c.personal_until)) AS customer,
       {NETWORKS.format(wanted="$6")},
       c.*
  FROM w LEFT JOIN c ON true
"""


def _many_cases(which: str, limit: str = "ALL", order: str = "c.due_at, c.case_id") -> str:
    """Cases by the hundred, with their numbers.

    What is due is reckoned up to the next planned change. The instant is made before the cases are looked up: compared
    with the clock itself, every case would be read, and not those that the index finds.
    """
    return f"""
WITH present AS MATERIALIZED (SELECT epoch, coalesce(sandbox_now, clock_timestamp()) AS now FROM world),
w AS MATERIALIZED (
    SELECT epoch, now, least(now, (SELECT min(due_at) FROM planned_change WHERE done_at IS NULL)) AS due_by FROM present
)
SELECT w.epoch, w.now, (SELECT json_agg(day) FROM closed_day) AS closed_days,
       (SELECT json_agg(code) FROM provider WHERE terminating AND active) AS networks, c.*,
       (SELECT json_agg(json_build_array(lower(n.numbers), upper(n.numbers) - 1))
          FROM case_numbers n WHERE n.case_id = c.case_id) AS numbers
  FROM w, LATERAL (SELECT * FROM cases c WHERE {which} ORDER BY {order} LIMIT {limit} OFFSET 0) c ORDER BY {order}
"""


_DUE = _many_cases("c.due_at <= w.due_by", "$1")
#: What gives a code room under the cap again.
_DUE_TO = _many_cases(
    "c.due_at <= w.due_by AND c.cap_code = $2 AND c.state IN ('awaiting_donor', 'awaiting_recipient')", "$1"
)
#: Returns that the clearinghouse sends for Nkom.
_DUE_RETURNS = _many_cases("c.due_at <= w.due_by AND c.kind = 'termination' AND c.cap_code = '0'", "$1")
_AWAITING = _many_cases(
    """$2 = ANY(c.expected) AND NOT $2 = ANY(c.received || c.waived)
       AND c.kind IN ('porting', 'five_digit') AND c.state IN ('scheduled', 'awaiting_completion')""",
    "$1",
    "c.created_at, c.case_id",
)
_THESE = _many_cases("c.case_id = ANY($1)", order="c.created_at, c.case_id")


@dataclass(frozen=True, slots=True)
class ManyCases:
    """Cases as stored, with the world they were read in and their customers' log lines."""

    epoch: int
    now: datetime
    closed_days: frozenset[date]
    networks: tuple[str, ...]
    cases: tuple[Case, ...]
    customer_logs: dict[UUID, int | None]


async def load_due(connection: Connection, limit: int) -> ManyCases | None:
    """What time has done and nobody has written down, oldest first."""
    return _many(await connection.fetch(_DUE, limit))


async def load_due_to(connection: Connection, code: str, limit: int) -> ManyCases | None:
    """Of that, what gives the code room under the cap again."""
    return _many(await connection.fetch(_DUE_TO, limit, code))


async def load_due_returns(connection: Connection, limit: int) -> ManyCases | None:
    """Of that, the returns that the clearinghouse sends for Nkom."""
    return _many(await connection.fetch(_DUE_RETURNS, limit))


async def load_awaiting(connection: Connection, code: str, limit: int) -> ManyCases | None:
    """Cases that wait for an NP_FERD or 5_FERD of the code, now or once their porting time has come."""
    return _many(await connection.fetch(_AWAITING, limit, code))


async def load_these(connection: Connection, case_ids: Sequence[UUID]) -> ManyCases | None:
    """These cases, where there are any."""
    return _many(await connection.fetch(_THESE, list(case_ids)))


def _many(rows: list[asyncpg.Record]) -> ManyCases | None:
    if not rows:
        return None
    return ManyCases(
        epoch=rows[0]["epoch"],
        now=rows[0]["now"],
        closed_days=read_days(rows[0]["closed_days"]),
        networks=tuple(rows[0]["networks"] or ()),
        cases=tuple(read_case(row, read_numbers(row["numbers"])) for row in rows),
        customer_logs={row["case_id"]: row["customer_log"] for row in rows},
    )


async def load_for_opening(
    connection: Connection, message: AnyOpening, key_id: UUID | None, cap_limit: int, vault: Vault
) -> Loaded:
    """The facts for a message that opens a case, sent with that key (None: by the service's own tests)."""
    asked = [*message.numbers]
    if isinstance(message, FiveIver):
        asked.append(NumberRange(message.target_number, message.target_number))
    values = (
        message.sender,
        message.message_id,
        [item.first for item in asked],
        [item.last for item in asked],
        oslo_day(effective_time(message)),
        sum(item.count for item in message.numbers),
        cap_limit,
        key_id,
    )
    if isinstance(message, NpBest):
        return loaded_of(await fetch_one(connection, _ORDER, *values), None, vault)
    executes = isinstance(message, FiveIver)
    taker = message.sender if executes else NKOM if isinstance(message, FiveOpps) else None
    row = await fetch_one(connection, _OTHER_OPENING, *values, taker, message.main_number, executes)
    return loaded_of(row, None, vault)


async def load_for_case(
    connection: Connection, message: AnyCaseMessage | Reminder, key_id: UUID | None, cap_limit: int, vault: Vault
) -> Loaded:
    """The facts for a message about a case, or a reminder of it; `case` is None where there is no such case."""
    porting_time = message.porting_time if isinstance(message, NpEndr) else None
    row = await fetch_one(
        connection,
        _CASE,
        message.sender,
        message.message_id,
        case_id_of(message),
        oslo_day(porting_time) if porting_time else date.max,
        cap_limit,
        isinstance(message, NpIver | NpTilb),
        key_id,
    )
    numbers = read_numbers(row["numbers"])
    case = read_case(row, numbers, vault.open(row["customer"])) if row["case_id"] else None
    return loaded_of(row, case, vault)


def case_id_of(message: AnyCaseMessage | Reminder) -> UUID:
    """The id as the database keeps it; the nil UUID, which no case has, for what cannot be one."""
    try:
        return UUID(message.case_id)
    except ValueError:
        return UUID(int=0)


def read_numbers(parts: list[list[int]] | None) -> tuple[NumberRange, ...]:
    """The ranges of a case, ascending."""
    return tuple(NumberRange(first, last) for first, last in sorted(parts or ()))


def read_case(row: asyncpg.Record, numbers: tuple[NumberRange, ...], personal: dict[str, Any] | None = None) -> Case:
    """A row of `cases` with its numbers, and the personal data of the message that holds its customer."""
    return Case(
        case_id=row["case_id"],
        kind=row["kind"],
        state=row["state"],
        version=row["version"],
        recipient=row["recipient"],
        donor=row["donor"],
        range_holders=tuple(row["range_holders"]),
        cap_code=row["cap_code"],
        number_type=row["number_type"],
        main_number=row["main_number"],
        numbers=numbers,
        effective_time=row["effective_time"],
        newest_order=row["newest_order"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        network=row["network"],
        routing_number=row["routing_number"],
        target_number=row["target_number"],
        entered_from=row["entered_from"],
        expected=tuple(row["expected"]),
        received=tuple(row["received"]),
        waived=tuple(row["waived"]),
        told=tuple(row["told"]),
        warnings=tuple(row["warnings"]),
        customer=personal["customer"] if personal else None,
        reminded_at=row["reminded_at"],
    )


def loaded_of(row: asyncpg.Record, case: Case | None, vault: Vault) -> Loaded:
    """What a row of facts says of one message."""
    now: datetime = row["now"]
    routing = tuple(_ported_row(part) for part in row["routing"] or ())
    caps = row["caps"] or ()
    right_holder = vault.open(row.get("right_holder"))
    facts = Facts(
        plan=tuple(PlanRow(NumberRange(p[0], p[1]), p[2], p[3], p[4]) for p in row["plan"] or ()),
        ported=tuple(row for row in routing if row.in_force(now)),
        open_numbers=tuple(
            OpenNumbers(NumberRange(part[0], part[1]), datetime.fromisoformat(part[2]) if part[2] else None)
            for part in row.get("open_numbers") or ()
        ),
        full_days={date.fromisoformat(c[0]): CapDay(c[1], c[2]) for c in caps if c[3]},
        raised_days=frozenset(date.fromisoformat(c[0]) for c in caps if c[4]),
        networks={code: Network(code, number) for code, number in row.get("networks") or ()},
        right_holder=right_holder["organisation_number"] if right_holder else None,
    )
    return Loaded(
        epoch=row["epoch"],
        now=now,
        due=row["due"],
        closed_days=read_days(row["closed_days"]),
        key_live=row["key_live"],
        sender_active=bool(row["sender_active"]),
        replay=_replay(row["replay"]),
        facts=facts,
        case=case,
        customer_log=row["customer_log"] if case else None,
        routing=routing,
    )


def _ported_row(part: list[Any]) -> PortedRow:
    first, last, holder, network, start, end, target = part
    return PortedRow(
        numbers=NumberRange(first, last),
        holder=holder,
        network=network,
        valid_from=datetime.fromisoformat(start),
        valid_until=datetime.fromisoformat(end) if end else None,
        target_number=target,
    )


def _replay(part: list[Any] | None) -> Replay | None:
    return Replay(log_id=part[0], digest=bytes.fromhex(part[1])) if part else None


def read_days(days: list[str] | None) -> frozenset[date]:
    """The closed days, as the calendar is made of."""
    return frozenset(date.fromisoformat(day) for day in days or ())
