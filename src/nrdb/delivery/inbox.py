"""The inbox: all that is sent to a code, in one log with a strictly increasing `seq`.

Transactions commit in another order than they took their numbers. A reader therefore asks for the horizon first: up to
there every number is committed or will never be. Writers mark their place with an advisory lock until they end (see
`inbox_next_seq` in the first migration), so nothing but a writer to the inbox can hold a reader back.

Poll, stream and webhook give the very same bytes for an item: `Reader` makes them here. A broadcast reads the same to
everybody, so its message is fetched and written as JSON once for all who follow.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from nrdb.clock import format_time
from nrdb.db import Connection, Pool, acquire, fetch_one
from nrdb.delivery.positions import position_gone
from nrdb.vault import Vault

#: What an item shows of its case: enough to act on (contract section 4).
_CASE_FIELDS = (
    "kind",
    "state",
    "recipient",
    "donor",
    "range_holders",
    "number_type",
    "main_number",
    "numbers",
    "porting_time",
    "termination_time",
    "network",
    "routing_number",
    "target_number",
)

#: A filtered page looks at so many items at a time, and at so many windows, before it answers.
WINDOW = 2000
WINDOWS = 5
#: A page ends behind the item with which it reaches so many bytes: an order of 15,000 numbers has nearly a million.
PAGE_BYTES = 4_000_000
#: Messages fetched at once, and bytes of them kept for the next follower.
_FETCHED = 50
_KEPT_BYTES = 32_000_000

#: What some readers of lines take for the end of one, although JSON and server-sent events do not.
_LINE_ENDS = ((b"\xc2\x85", b"\\u0085"), (b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"))

#: Where an item stands: its `seq`, and the line of the log that it delivers.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Item:
    """An item as a reader gets it: its place, the type of its message, and the whole of it as JSON on one line."""

    seq: int
    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Items after a position, and the position to go on from."""

    items: list[Item]
    next: int


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the log as one reader sees it; `shared` when everybody sees it so."""

    at: datetime
    type: str
    message: bytes
    shared: bool

    def to(self, code: str, seq: int) -> Item:
        """As an item of the code's inbox."""
        at, to = format_time(self.at).encode(), code.encode()
        return Item(seq, self.type, b'{"seq":%d,"at":"%b","to":"%b","message":%b}' % (seq, at, to, self.message))


_SEALED = """
       CASE WHEN m.sealed IS NOT NULL AND (SELECT kept(c.personal_until) FROM cases c WHERE c.case_id = m.case_id)
            THEN m.sealed END AS sealed
"""
_LINES = f"""
SELECT m.id, m.at, m.type, m.body, m.case_after, m.sealed IS NULL AS shared, {_SEALED}
  FROM message_log m WHERE m.id = ANY($1::bigint[])
"""

#: A position is there when nothing after it has been taken out of the inbox, and when it has been given at all: after a
#: restore from an older backup a reader may come with one that has not. The same snapshot tells both.
_IS_THERE = """
$2 >= coalesce((SELECT gone_through FROM inbox_ack WHERE code = $1), 0) AND $2 <= (SELECT last_value FROM inbox_seq)
"""
_PLACES = f"""
SELECT {_IS_THERE} AS is_there,
       array_agg(seq ORDER BY seq) AS seqs, array_agg(log_id ORDER BY seq) AS lines
  FROM (SELECT seq, log_id FROM inbox WHERE to_code = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) w
"""
_WINDOW = f"""
SELECT {_IS_THERE} AS is_there, max(seq) AS last FROM (
    SELECT seq FROM inbox WHERE to_code = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) w
"""
_WANTED = """
SELECT i.seq, i.log_id FROM inbox i JOIN message_log m ON m.id = i.log_id
 WHERE i.to_code = $1 AND i.seq > $2 AND i.seq <= $3
   AND ($4::text[] IS NULL OR m.type = ANY($4)) AND ($5::timestamptz IS NULL OR m.at >= $5)
 ORDER BY i.seq LIMIT $6
"""


class Reader:
    """Reads items of any code. `pool` is one of its own, so that readers never stand in the way of senders."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._kept: OrderedDict[int, _Line] = OrderedDict()
        self._kept_bytes = 0
        self._fetching = asyncio.Lock()

    async def page(
        self,
        code: str,
        after: int,
        limit: int,
        *,
        horizon: int | None = None,
        personal: bool = True,
        types: Collection[str] | None = None,
        since: datetime | None = None,
    ) -> Page:
        """At most `limit` items after the position. `next` passes filtered items too, and never an uncommitted one.

        `personal` data are for the code itself; operators and admins have none. A filtered page looks at so many items
        and no more, so it may be empty while `next` moves on. A page may end early where its items are large. Raises
        410 `position-gone` where items after the position are no longer kept, or where it has never been given.
        """
        async with acquire(self._pool) as connection:
            if horizon is None:
                horizon = await connection.fetchval("SELECT inbox_horizon()")
            if types is None and since is None:
                places, reached = await _places(connection, code, after, horizon, limit)
            else:
                places, reached = await _wanted_places(connection, code, after, horizon, limit, types, since)
        items = await self.items(code, places, personal=personal)
        return Page(items, items[-1].seq if len(items) < len(places) else reached)

    async def items(self, code: str, places: Sequence[Place], *, personal: bool = True) -> list[Item]:
        """The items at these places, fewer where they are large, but at least one."""
        items: list[Item] = []
        size = 0
        for first in range(0, len(places), _FETCHED):
            some = places[first : first + _FETCHED]
            lines = await self._lines(code, [line for _, line in some], personal=personal)
            for seq, line in some:
                items.append(lines[line].to(code, seq))
                size += len(items[-1].content)
                if size >= PAGE_BYTES:
                    return items
        return items

    async def _lines(self, code: str, ids: Sequence[int], *, personal: bool) -> dict[int, _Line]:
        found = self._known(ids)
        if len(found) < len(ids):
            # One at a time: many who follow want the same lines at the same moment, and the first fetches for all.
            async with self._fetching:
                found |= self._known([id_ for id_ in ids if id_ not in found])
                missing = [id_ for id_ in ids if id_ not in found]
                if missing:
                    async with acquire(self._pool) as connection:
                        rows = await connection.fetch(_LINES, missing)
                    for row in rows:
                        found[row["id"]] = line = _line(row, code, self._vault if personal else None)
                        self._keep(row["id"], line)
        return found

    def _known(self, ids: Iterable[int]) -> dict[int, _Line]:
        return {id_: line for id_ in ids if (line := self._kept.get(id_)) is not None}

    def _keep(self, id_: int, line: _Line) -> None:
        if line.shared:
            self._kept[id_] = line
            self._kept_bytes += len(line.message)
            while self._kept_bytes > _KEPT_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= len(oldest.message)


async def _places(connection: Connection, code: str, after: int, horizon: int, limit: int) -> tuple[list[Place], int]:
    """The next places, and how far that is."""
    row = await fetch_one(connection, _PLACES, code, after, horizon, limit)
    if not row["is_there"]:
        raise await position_gone(connection, code, after)
    places = list(zip(row["seqs"] or (), row["lines"] or (), strict=True))
    return places, places[-1][0] if places else after


async def _wanted_places(
    connection: Connection,
    code: str,
    after: int,
    horizon: int,
    limit: int,
    types: Collection[str] | None,
    since: datetime | None,
) -> tuple[list[Place], int]:
    """The next places that the filter lets through, and how far it has looked."""
    places: list[Place] = []
    for _ in range(WINDOWS):
        window = await fetch_one(connection, _WINDOW, code, after, horizon, WINDOW)
        if not window["is_there"]:
            raise await position_gone(connection, code, after)
        if window["last"] is None:
            break
        missing = limit - len(places)
        wanted = list(types) if types is not None else None
        rows = await connection.fetch(_WANTED, code, after, window["last"], wanted, since, missing)
        places += [(row["seq"], row["log_id"]) for row in rows]
        if len(rows) == missing:
            return places, places[-1][0]
        after = window["last"]
    return places, after


async def find_message(
    connection: Connection, code: str | None, message_id: UUID, vault: Vault | None
) -> dict[str, Any] | None:
    """A message that the code (None: anybody) has sent or received, as its receiver sees it, if there is one."""
    row = await connection.fetchrow(
        f"""
        SELECT m.at, m.type, m.body, {_SEALED}, m.case_after FROM message_log m
         WHERE m.message_id = $2 AND m.type NOT IN ('time', 'waive') AND ($1::text IS NULL OR m.sender = $1 OR EXISTS (
               SELECT 1 FROM inbox i WHERE i.log_id = m.id AND i.to_code = $1))
         ORDER BY m.sender = $1 DESC, m.id LIMIT 1
        """,
        code,
        message_id,
    )
    return _view(row, code, vault) if row else None


def _line(row: Any, code: str, vault: Vault | None) -> _Line:
    message = orjson.dumps(_view(row, code, vault))
    for found, written in _LINE_ENDS:
        message = message.replace(found, written)
    return _Line(row["at"], row["type"], message, row["shared"])


def _view(row: Any, code: str | None, vault: Vault | None) -> dict[str, Any]:
    """The sender's message, when it was received, and the case as it left it; personal data for its parties only.

    A termination has two: the holder and the range holder. Without a vault there is nothing to show.
    """
    case = row["case_after"]
    if case is None:
        return {**row["body"], "received_at": format_time(row["at"])}
    other = case["range_holders"] if case["kind"] == "termination" else [case["recipient"]]
    personal = vault.open(row["sealed"]) if vault and code in (case["donor"], *other) else None
    return {
        **row["body"],
        **(personal or {}),
        "received_at": format_time(row["at"]),
        "case": {name: case[name] for name in _CASE_FIELDS if name in case},
    }
