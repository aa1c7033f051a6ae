"""Where a call goes: the answer for a number at an instant, from the rows of the routing table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from nrdb.cases.case import NKOM
from nrdb.clock import format_time
from nrdb.db import Connection, fetch_one
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


#: An instant as `format_time` writes it, in JSON (sessions are in UTC), and what may be null in JSON.
JSON_TIME = "replace(to_json({})::text, '+00:00', 'Z')"
JSON_TEXT = """coalesce('"' || {} || '"', 'null')"""
#: Changes of one transaction share all but so many bits of their places (see `routing_places`).
BLOCK = 24


@dataclass(frozen=True, slots=True)
class Row:
    """What the routing table says of a number during a stretch of time (`valid_until` None: no end known).

    `served_since` is when its holder began to serve it there: in an earlier row, where only the range holder or the
    routing number has changed since.
    """

    holder: str
    network: str | None
    routing_number: str | None
    range_holder: str
    target_number: int | None
    valid_from: datetime
    valid_until: datetime | None
    served_since: datetime

    @property
    def leads(self) -> tuple[str, str | None, str | None, int | None]:
        """Where a call goes: what `next` and `until` are about."""
        return self.holder, self.network, self.routing_number, self.target_number


_COLUMNS = """
    holder, network, routing_number, range_holder, target_number, valid_from,
    nullif(valid_until, 'infinity') AS valid_until, served_since
"""

# The last row of a number has no end, so one that has begun is the answer: one descent of the index finds it.
LAST_ROW = """
       SELECT * FROM routing WHERE removed_at = 'infinity' AND first <= {number}
        ORDER BY first DESC, valid_from DESC LIMIT 1
"""
_LAST = f"""
SELECT now, {{more}} r.* FROM (SELECT nrdb_now() AS now) w LEFT JOIN LATERAL (
       SELECT {_COLUMNS}, last FROM ({LAST_ROW.format(number="$1::bigint")}) l) r ON r.last >= $1
"""
_PLAIN_LAST = _LAST.format(more="")
#: The same, for a caller whose key was seen a moment ago: whether it is still good, and whether anything is due.
_CALLERS_LAST = _LAST.format(
    more="""
    EXISTS (SELECT 1 FROM api_key WHERE key_id = $2 AND revoked_at IS NULL
               AND (expires_at IS NULL OR expires_at > now)) AND NOT world_is_due(now) AS good,
"""
)

_STORY = f"""
SELECT {_COLUMNS} FROM routing_of($1, $1) ORDER BY valid_from
"""

# What is believed and what no longer is are found by different indexes. What was recorded at the very instant is known.
_KNOWN_STORY = f"""
SELECT {_COLUMNS} FROM (
       SELECT * FROM routing_of($1, $1)
        UNION ALL
       SELECT * FROM routing WHERE int8range(first, last, '[]') @> $1::bigint AND removed_at < 'infinity') every
 WHERE recorded_at <= $2 AND $2 < removed_at ORDER BY valid_from
"""


async def lookup(
    connection: Connection, number: int, at: datetime | None = None, known_at: datetime | None = None
) -> dict[str, Any] | None:
    """The routing answer at `at` (None: now), or None where the number is not in the plan then.

    With `known_at`, the answer that would have been given at that instant, as far as it was known.
    """
    if at is None:
        now, *last, _ = await fetch_one(connection, _PLAIN_LAST, number)
        if last[0] is None:
            return None
        row = Row(*last)
        if known_at is None and row.valid_from <= now:
            return answer(number, [row], now)
        at = now
    if known_at is None:
        rows = await connection.fetch(_STORY, number)
    else:
        rows = await connection.fetch(_KNOWN_STORY, number, known_at)
    return answer(number, [Row(*row) for row in rows], at)


async def lookup_now(connection: Connection, number: int, key_id: UUID) -> dict[str, Any] | None:
    """The routing answer now in one look, for the holder of that key.

    None where the number is not in the plan, where it takes more than one look, where the key is no longer good, or
    where something is due that everybody depends on: ask the long way then.
    """
    now, good, *last, _ = await fetch_one(connection, _CALLERS_LAST, number, key_id)
    if not good or last[0] is None or last[5] > now:
        return None
    return answer(number, [Row(*last)], now)


def answer(number: int, story: Sequence[Row], at: datetime) -> dict[str, Any] | None:
    """The routing answer at an instant, from the rows of the number in order of time, the last ones at least."""
    place = next((i for i, row in enumerate(story) if _in_force(row, at)), None)
    if place is None:
        return None
    row = story[place]
    until, following = row.valid_until, None
    for after in story[place + 1 :]:
        if after.leads != row.leads:
            following = after
            break
        until = after.valid_until
    ported = row.holder != row.range_holder
    reachable = row.network is not None or row.holder != NKOM
    return {
        "number": national(number),
        "holder": row.holder,
        "network": row.network,
        "routing_number": row.routing_number,
        "range_holder": row.range_holder,
        "ported": ported,
        "since": format_time(row.served_since),
        "until": format_time(until) if until else None,
        "target_number": national(row.target_number) if row.target_number else None,
        "tel_uri": tel_uri(number, row.routing_number if ported else None) if reachable else None,
        "next": following
        and {
            "at": format_time(following.valid_from),
            "holder": following.holder,
            "network": following.network,
            "routing_number": following.routing_number,
        },
    }


def _in_force(row: Row, at: datetime) -> bool:
    return row.valid_from <= at and (row.valid_until is None or at < row.valid_until)


# Answers are written where they are found: ten thousand cost less as text than as rows. Codes, digits and instants need
# no escaping. A number whose last row has not begun gets no text, but whether it is known at all.
_MANY = f"""
SELECT CASE WHEN r.last < number OR r.last IS NULL THEN ''
            WHEN r.valid_from <= $2 THEN
            '{{"number":"' || digits || '","holder":"' || r.holder || '","network":' || {JSON_TEXT.format("r.network")}
            || ',"routing_number":' || {JSON_TEXT.format("r.routing_number")} || ',"range_holder":"' || r.range_holder
            || CASE WHEN ported THEN '","ported":true,"since":' ELSE '","ported":false,"since":' END
            || {JSON_TIME.format("r.served_since")}
            || ',"until":null,"target_number":' || {JSON_TEXT.format("substr(r.target_number::text, 3)")}
            || ',"tel_uri":'
            || CASE WHEN r.network IS NULL AND r.holder = '0' THEN 'null'
                    ELSE '"' || enum.tel_uri(number, ported, r.routing_number) || '"' END
            || ',"next":null}}' END
  FROM unnest($1::bigint[]) AS number LEFT JOIN LATERAL ({LAST_ROW.format(number="number")}) r ON true,
       LATERAL (SELECT substr(number::text, 3) AS digits, r.holder <> r.range_holder AS ported) said
"""


_STORIES = f"""
SELECT asked.place, r.*
  FROM unnest($1::bigint[]) WITH ORDINALITY AS asked(number, place), LATERAL (
       SELECT {_COLUMNS} FROM routing_of(asked.number, asked.number) OFFSET 0) r
 ORDER BY asked.place, r.valid_from
"""


async def lookup_many(connection: Connection, numbers: Sequence[int], at: datetime | None = None) -> list[bytes]:
    """The routing answers at one instant as JSON, in the order asked; empty for a number that is in no series then."""
    found: list[bytes | None] = [None] * len(numbers)
    if at is None:
        at = await connection.fetchval("SELECT nrdb_now()")
        # In ascending order: what lies near each other in the index is looked at together.
        ascending = sorted(range(len(numbers)), key=numbers.__getitem__)
        rows = await connection.fetch(_MANY, [numbers[place] for place in ascending], at)
        for place, (text,) in zip(ascending, map(tuple, rows), strict=True):
            found[place] = None if text is None else text.encode()
    left = [place for place, text in enumerate(found) if text is None]
    if left:
        stories: list[list[Row]] = [[] for _ in left]
        for place, *row in await connection.fetch(_STORIES, [numbers[place] for place in left]):
            stories[place - 1].append(Row(*row))
        for place, story in zip(left, stories, strict=True):
            told = answer(numbers[place], story, at)
            found[place] = orjson.dumps(told) if told else b""
    return [text or b"" for text in found]


_HISTORY = f"""
SELECT put_seq, removed_seq, recorded_at, nullif(removed_at, 'infinity') AS removed_at, {_COLUMNS} FROM (
       SELECT * FROM routing_of($1, $1)
        UNION ALL
       SELECT * FROM routing WHERE int8range(first, last, '[]') @> $1::bigint AND removed_at < 'infinity') every
 ORDER BY put_seq
"""


@dataclass(slots=True)
class Belief:
    """A row as it was believed of one number, from `recorded_at` to before `removed_at` (None: still)."""

    seq: int
    removed_seq: int | None
    recorded_at: datetime
    removed_at: datetime | None
    row: Row

    def view(self) -> dict[str, Any]:
        """As answers write it."""
        row = self.row
        return {
            "seq": self.seq,
            "recorded_at": format_time(self.recorded_at),
            "removed_seq": self.removed_seq,
            "removed_at": format_time(self.removed_at) if self.removed_at else None,
            "holder": row.holder,
            "network": row.network,
            "routing_number": row.routing_number,
            "range_holder": row.range_holder,
            "target_number": national(row.target_number) if row.target_number else None,
            "valid_from": format_time(row.valid_from),
            "valid_until": format_time(row.valid_until) if row.valid_until else None,
        }


async def history(connection: Connection, number: int, after: int, limit: int) -> list[Belief]:
    """All that has been believed of a number, in the order in which it became known, from after that place."""
    beliefs: list[Belief] = []
    going_on: dict[Row, Belief] = {}
    for row in await connection.fetch(_HISTORY, number):
        belief = Belief(row[0], row[1], row[2], row[3], Row(*tuple(row)[4:]))
        before = going_on.get(belief.row)
        # Where a neighbour was ported, the row was parted; nothing became known of this number.
        if before is not None and before.removed_seq is not None and before.removed_seq >> BLOCK == belief.seq >> BLOCK:
            before.removed_seq, before.removed_at = belief.removed_seq, belief.removed_at
        else:
            beliefs.append(belief)
            going_on[belief.row] = belief
    return [belief for belief in beliefs if belief.seq > after][:limit]


def tel_uri(number: int, routing_number: str | None) -> str:
    """RFC 4694: `npdi` says that the database has been asked; `rn` where the number is ported."""
    uri = f"tel:+{number};npdi"
    if routing_number is None:
        return uri
    if routing_number.startswith("+"):
        return f"{uri};rn={routing_number}"
    return f"{uri};rn={routing_number};rn-context=+{COUNTRY_CODE}"


_PORTABILITY = """
SELECT w.now, s.number_class, s.status, r.range_holder, r.holder,
       (SELECT json_agg(day) FROM closed_day) AS closed_days,
       open.case_id, open.until, open.parties
  FROM (SELECT nrdb_now() AS now) w JOIN series s ON s.numbers @> $1::bigint AND s.valid @> w.now
  JOIN routing_of($1, $1) r ON r.valid_from <= w.now AND w.now < r.valid_until
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
