"""One look at the inboxes for all who follow them in this process.

Sixty providers with open streams are told the same things at the same moment. Instead of each asking the database over
and over, one loop asks for all: where the horizon is, and what has come for the codes that somebody follows. Whoever
keeps up is served from that; whoever is behind reads pages until it has caught up. Nobody has a queue of its own, so a
reader that does not read costs nothing but its place.
"""

import asyncio
from bisect import bisect_right
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
import structlog

from nrdb.clock import monotonic
from nrdb.db import UNAVAILABLE, Pool, acquire
from nrdb.delivery.inbox import Page, Place, Reader

#: Seconds between two looks, and after one that found the database away.
LOOK_AGAIN = 0.1
TRY_AGAIN = 0.5
#: Places read for a code in one look, and those that are remembered for it at least.
_PLACES = 1000
_REMEMBERED = 2000

log = structlog.get_logger()

_NEWEST = """
SELECT code, coalesce((SELECT seq FROM inbox WHERE to_code = code AND seq <= $2 ORDER BY seq DESC LIMIT 1), 0) AS seq
  FROM unnest($1::text[]) AS code
"""
_NEW = """
SELECT f.code, i.seq, i.log_id
  FROM unnest($1::text[], $2::bigint[]) AS f(code, seen), LATERAL (
       SELECT seq, log_id FROM inbox WHERE to_code = f.code AND seq > f.seen AND seq <= $3 ORDER BY seq LIMIT $4) i
"""


@dataclass(slots=True)
class _Followed:
    """What is known of one code: every place after `start` and through `newest`. Before the first look: nothing.

    Both are places of items, never the horizon: a number below it whose writer has failed may be given once more when
    the database has crashed, because nothing has made such a number durable.
    """

    followers: int = 0
    start: int | None = None
    newest: int = 0
    places: list[Place] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    def add(self, places: list[Place]) -> None:
        if places:
            self.places += places
            self.newest = places[-1][0]
            if len(self.places) > 2 * _REMEMBERED:
                self.start = self.places[-_REMEMBERED - 1][0]
                del self.places[:-_REMEMBERED]
            self.wake()

    def since(self, after: int, limit: int) -> list[Place] | None:
        """The next places after a position; None where they must be read, because they are older than what is known."""
        if self.start is None or after < self.start:
            return None
        first = bisect_right(self.places, after, key=lambda place: place[0])
        return self.places[first : first + limit]


class Tail:
    """Looks at the inboxes of the codes that somebody follows. `run` is its background task."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._followed: dict[str, _Followed] = {}
        self._somebody = asyncio.Event()
        self._ended = False
        #: Up to here every place is committed or will never be, as of the last look; 0 before the first.
        self.horizon = 0

    @property
    def ended(self) -> bool:
        """Whether nobody looks any more, because the process is to end."""
        return self._ended

    async def run(self, stop: asyncio.Event) -> None:
        """Look while somebody follows, until `stop` is set; then whoever waits is let go."""
        stopped = asyncio.create_task(stop.wait())
        looking = asyncio.create_task(self._look_on())
        try:
            await asyncio.wait({stopped, looking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ended = True
            for followed in self._followed.values():
                followed.wake()
            for task in (stopped, looking):
                task.cancel()
            await asyncio.gather(stopped, looking, return_exceptions=True)
        if not looking.cancelled():
            looking.result()

    async def _look_on(self) -> None:
        away = False
        while True:
            await self._somebody.wait()
            try:
                full = await self._look()
            except (*UNAVAILABLE, asyncpg.PostgresError) as error:
                if not away:
                    log.warning("readers of inboxes wait for the database", error=type(error).__name__)
                away = True
                # Numbers of before may be given again: nobody shall read by them.
                self.horizon = 0
                await asyncio.sleep(TRY_AGAIN)
            else:
                away = False
                await asyncio.sleep(0 if full else LOOK_AGAIN)

    async def _look(self) -> bool:
        """One look; returns whether some code has more than was read."""
        async with acquire(self._pool) as connection:
            horizon = await connection.fetchval("SELECT inbox_horizon()")
            new = [code for code, followed in self._followed.items() if followed.start is None]
            newest = await connection.fetch(_NEWEST, new, horizon) if new else []
            known = {code: one for code, one in self._followed.items() if one.start is not None}
            seen = [one.newest for one in known.values()]
            rows = await connection.fetch(_NEW, list(known), seen, horizon, _PLACES) if known else []
        self.horizon = horizon
        for code, seq in newest:
            if (followed := self._followed.get(code)) is not None:
                followed.start = followed.newest = seq
                followed.wake()
        places: dict[str, list[Place]] = {code: [] for code in known}
        for code, seq, line in rows:
            places[code].append((seq, line))
        full = False
        for code, found in places.items():
            # One that is followed anew since the look began has not seen what was asked for the one before it.
            if self._followed.get(code) is known[code]:
                known[code].add(found)
                full = full or len(found) == _PLACES
        return full

    @contextmanager
    def following(self, code: str) -> Iterator[None]:
        """Count a follower of the code: while there is one, its inbox is looked at."""
        followed = self._followed.setdefault(code, _Followed())
        followed.followers += 1
        self._somebody.set()
        try:
            yield
        finally:
            followed.followers -= 1
            if not followed.followers:
                del self._followed[code]
            if not self._followed:
                self._somebody.clear()

    def since(self, code: str, after: int, limit: int) -> list[Place] | None:
        """The next places of a followed code after a position; None where they must be read page by page."""
        return self._followed[code].since(after, limit)

    async def wait(self, code: str, after: int, seconds: float) -> bool:
        """Whether something beyond the position stands in the inbox of a followed code; waits for it so long at most.

        It may be something that a filter does not want. Whoever waits when the process is to end is let go at once.
        """
        followed = self._followed[code]
        deadline = monotonic() + seconds
        while not (self._ended or followed.newest > after):
            try:
                async with asyncio.timeout(deadline - monotonic()):
                    await followed.news.wait()
            except TimeoutError:
                break
        return followed.newest > after


class Follower:
    """One reader's way through the inbox of a code that the tail follows."""

    def __init__(
        self,
        reader: Reader,
        tail: Tail,
        code: str,
        after: int,
        *,
        personal: bool = True,
        types: Collection[str] | None = None,
        since: datetime | None = None,
    ) -> None:
        self.position = after
        self._reader = reader
        self._tail = tail
        self._code = code
        self._personal = personal
        self._types = types
        self._since = since

    async def next(self, limit: int, seconds: float) -> Page:
        """The next items, as soon as there are some; an empty page when so many seconds have brought none.

        Raises 410 `position-gone` as `Reader.page` does.
        """
        deadline = monotonic() + seconds
        while True:
            page = await self._read(limit)
            self.position = page.next
            left = deadline - monotonic()
            if page.items or left <= 0:
                return page
            if not await self._tail.wait(self._code, self.position, left):
                return page

    async def _read(self, limit: int) -> Page:
        places = self._tail.since(self._code, self.position, limit) if self._since is None else None
        if places is None:
            return await self._reader.page(
                self._code,
                self.position,
                limit,
                horizon=self._tail.horizon or None,
                personal=self._personal,
                types=self._types,
                since=self._since,
            )
        items = await self._reader.items(self._code, places, personal=self._personal)
        reached = items[-1].seq if items else self.position
        if self._types is not None:
            items = [item for item in items if item.type in self._types]
        return Page(items, reached)
