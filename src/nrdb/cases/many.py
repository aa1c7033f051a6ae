"""The facts of many messages in one statement: orders with each other, and messages about cases with each other.

What is decided on one snapshot must be what would have been decided one after the other. So a group holds messages that
touch neither the numbers nor the cases of each other; room under the daily cap is the only thing they share, and that
is guarded when the group is written.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate
from uuid import UUID

from nrdb.cases.facts import (
    CAPS,
    COMMON,
    NETWORKS,
    OPEN_NUMBERS,
    WORLD,
    Loaded,
    case_id_of,
    loaded_of,
    read_case,
    read_numbers,
)
from nrdb.db import Connection
from nrdb.messages.kinds import AnyMessage, NpBest, NpEndr, NpIver, NpTilb, Opening
from nrdb.routing.numbers import NumberRange, overlaps
from nrdb.timers.calendar import oslo_day
from nrdb.vault import Vault

_ITS_NUMBERS = """(SELECT int8range(first, last, '[]') AS numbers
   FROM unnest(($6::bigint[])[m.begins:m.ends], ($7::bigint[])[m.begins:m.ends]) AS a(first, last)) asked"""

_ORDERS = f"""
{WORLD}, m AS MATERIALIZED (
    SELECT *, coalesce(lag(ends) OVER (ORDER BY ord), 0) + 1 AS begins
      FROM unnest($1::text[], $2::uuid[], $3::date[], $4::bigint[], $5::int[])
             WITH ORDINALITY AS m(sender, message_id, day, numbers, ends, ord))
SELECT {COMMON.format(key="$9", sender="m.sender", message_id="m.message_id", asked=_ITS_NUMBERS)},
       {CAPS.format(code="m.sender", day="m.day", numbers="m.numbers", limit="$8::bigint")},
       {OPEN_NUMBERS.format(asked=_ITS_NUMBERS)}
  FROM m, w ORDER BY m.ord
"""

_OF_THE_CASE = "(SELECT numbers FROM case_numbers n WHERE n.case_id = m.case_id) asked"

_CASES = f"""
{WORLD}, m AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::date[], $5::boolean[])
             WITH ORDINALITY AS m(sender, message_id, case_id, day, networks, ord))
SELECT {COMMON.format(key="$7", sender="m.sender", message_id="m.message_id", asked=_OF_THE_CASE)},
       {CAPS.format(code="c.cap_code", day="m.day", numbers="c.number_count", limit="$6::bigint")},
       (SELECT json_agg(json_build_array(lower(numbers), upper(numbers) - 1)) FROM {_OF_THE_CASE}) AS numbers,
       (SELECT sealed FROM message_log WHERE id = c.customer_log AND kept(c.personal_until)) AS customer,
       CASE WHEN m.networks THEN (SELECT * FROM (SELECT {NETWORKS.format(wanted="true")}) n) END AS networks,
       c.*
  FROM m CROSS JOIN w LEFT JOIN LATERAL (SELECT * FROM cases WHERE cases.case_id = m.case_id OFFSET 0) c ON true
 ORDER BY m.ord
"""


def independent(messages: Sequence[AnyMessage]) -> Iterator[AnyMessage]:
    """The first of the messages that can be decided on one snapshot; at least one."""
    ids: set[tuple[str, UUID]] = set()
    cases: set[UUID] = set()
    taken = _Numbers()
    for message in messages:
        key = (message.sender, message.message_id)
        if isinstance(message, Opening):
            alike = isinstance(message, NpBest) and not cases
            touches = not taken.add(message.numbers)
        else:
            alike = not taken
            case_id = case_id_of(message)
            touches = case_id in cases
            cases.add(case_id)
        if ids and (not alike or touches or key in ids):
            return
        ids.add(key)
        yield message
        if not alike:
            return


class _Numbers:
    """Numbers seen so far: most orders name one, and those are looked up one by one."""

    def __init__(self) -> None:
        self._single: set[int] = set()
        self._ranges: list[NumberRange] = []

    def __bool__(self) -> bool:
        return bool(self._single or self._ranges)

    def add(self, numbers: Sequence[NumberRange]) -> bool:
        """Whether none of them had been seen; they have now."""
        new = [item.first for item in numbers if item.first == item.last]
        ranges = [item for item in numbers if item.first != item.last]
        fresh = self._single.isdisjoint(new)
        if ranges or self._ranges:
            seen = [*self._ranges, *(NumberRange(number, number) for number in self._single)]
            fresh = not overlaps(numbers, seen)
        self._single.update(new)
        self._ranges += ranges
        return fresh


async def load_many(
    connection: Connection, group: Sequence[AnyMessage], key_id: UUID | None, cap_limit: int, vault: Vault
) -> list[Loaded]:
    """The facts of each message of an `independent` group, on one snapshot and at one instant."""
    senders = [message.sender for message in group]
    ids = [message.message_id for message in group]
    if isinstance(group[0], NpBest):
        orders = [message for message in group if isinstance(message, NpBest)]
        asked = [item for order in orders for item in order.numbers]
        rows = await connection.fetch(
            _ORDERS,
            senders,
            ids,
            [oslo_day(order.porting_time) for order in orders],
            [sum(item.count for item in order.numbers) for order in orders],
            list(accumulate(len(order.numbers) for order in orders)),
            [item.first for item in asked],
            [item.last for item in asked],
            cap_limit,
            key_id,
        )
        return [loaded_of(row, None, vault) for row in rows]
    rows = await connection.fetch(
        _CASES,
        senders,
        ids,
        [case_id_of(message) for message in group if not isinstance(message, Opening)],
        [_new_day(message) for message in group],
        [isinstance(message, NpIver | NpTilb) for message in group],
        cap_limit,
        key_id,
    )
    return [
        loaded_of(
            row,
            read_case(row, read_numbers(row["numbers"]), vault.open(row["customer"])) if row["case_id"] else None,
            vault,
        )
        for row in rows
    ]


def _new_day(message: AnyMessage) -> date:
    """The day that NP_ENDR moves a case to; the last one of all where it moves to none."""
    porting_time = message.porting_time if isinstance(message, NpEndr) else None
    return oslo_day(porting_time) if porting_time else date.max
