"""A receiver of webhooks as a provider would write it: it looks at what it gets and answers accordingly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from standardwebhooks import Webhook
from tests.support.receivers import Receiver, answer, listening

#: A status, and headers where there are some.
Told = int | tuple[int, str]


@dataclass(frozen=True, slots=True)
class Post:
    """One request that came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What names the item."""
        return self.headers["webhook-id"]

    @property
    def item(self) -> dict[str, Any]:
        """The item that was posted."""
        return cast(dict[str, Any], orjson.loads(self.body))

    @property
    def seq(self) -> int:
        """Its place."""
        return cast(int, self.item["seq"])

    def verify(self, secret: str) -> None:
        """Raises where the library of the specification finds no signature of the secret."""
        Webhook(secret).verify(self.body, self.headers)


@dataclass
class Hook(Receiver):
    """Answers 204, or what `decide` says of the post; nothing while `held` is clear."""

    decide: Callable[[Post], Told] = lambda _: 204
    held: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def posts(self) -> list[Post]:
        """What has come so far."""
        return [Post(found.headers, found.body) for found in self.received]

    async def count(self, wanted: int, seconds: float = 15.0) -> list[Post]:
        """The posts, once there are so many."""
        async with asyncio.timeout(seconds):
            while len(self.received) < wanted:
                self._news.clear()
                await self._news.wait()
        return self.posts

    async def reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Decide at once, and say so when nothing holds the answer back; unless the sender has left by then."""
        newest = self.received[-1]
        told = self.decide(Post(newest.headers, newest.body))
        self._news.set()
        held, left = asyncio.create_task(self.held.wait()), asyncio.create_task(reader.read(1))
        await asyncio.wait({held, left}, return_when=asyncio.FIRST_COMPLETED)
        for task in (held, left):
            task.cancel()
        await asyncio.wait({held, left})
        if not left.cancelled():
            raise ConnectionAbortedError
        status, *headers = told if isinstance(told, tuple) else (told,)
        await answer(status, *headers)(writer)


@asynccontextmanager
async def hook(decide: Callable[[Post], Told] = lambda _: 204) -> AsyncIterator[Hook]:
    """A receiver on a port of its own."""
    found = Hook([], decide=decide)
    found.held.set()
    async with listening(found):
        yield found
