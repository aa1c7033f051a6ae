"""Readers that follow an inbox in each of the three ways, and trust nothing: they check each item as it comes."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

import httpx
import httpx_sse

Way = Literal["poll", "wait", "stream"]
WAYS: tuple[Way, ...] = ("poll", "wait", "stream")
#: Seconds without a sign of life after which a reader gives up a connection; heartbeats come every 15 s.
SILENCE = 25.0


class Follower:
    """One reader of one code: where it is, and what it has seen."""

    def __init__(
        self, code: str, way: Way, addresses: Sequence[str], key: str, chance: random.Random, *, leaves: bool = True
    ) -> None:
        self.code = code
        self.way = way
        self.seen: list[tuple[int, str]] = []
        self.trouble: Counter[str] = Counter()
        self.last = 0
        self._addresses = addresses
        self._headers = {"Authorization": f"Bearer {key}"}
        self._chance = chance
        self._leaves = leaves
        self._come = asyncio.Event()

    def __repr__(self) -> str:
        return f"{self.code} by {self.way}"

    async def run(self) -> None:
        """Follow until cancelled, from one address and then another, always on from the last item."""
        once: Callable[[httpx.AsyncClient], Any] = {
            "poll": self._poll, "wait": self._wait, "stream": self._stream,
        }[self.way]  # fmt: skip
        async with httpx.AsyncClient(trust_env=False, timeout=SILENCE) as client:
            while True:
                try:
                    await once(client)
                except httpx.TimeoutException as error:
                    raise AssertionError(f"{self}: no sign of life for {SILENCE} s") from error
                except httpx.TransportError as error:
                    self.trouble[type(error).__name__] += 1
                    await asyncio.sleep(0.2)

    async def reach(self, seq: int) -> None:
        """Wait until the item has been seen."""
        while self.last < seq:
            self._come.clear()
            await self._come.wait()

    def take(self, item: Any) -> None:
        """An item has come."""
        seq = item["seq"]
        assert seq > self.last, f"{self}: {seq} after {self.last}"
        assert item["to"] == self.code
        self.seen.append((seq, item["message"]["message_id"]))
        self.last = seq
        self._come.set()

    def _url(self, path: str) -> str:
        return f"{self._chance.choice(self._addresses)}/v1/inbox{path}"

    def _is_away(self, response: httpx.Response) -> bool:
        """Whether the service says "come again"; it must say when. Nothing else than that and 200 is right."""
        if response.status_code == 503:
            assert int(response.headers["retry-after"]) >= 1
            self.trouble["503"] += 1
            return True
        assert response.status_code == 200, f"{self}: {response.status_code}"
        return False

    async def _page(self, client: httpx.AsyncClient, **asked: Any) -> bool:
        """Read a page from where we are; returns whether there was something."""
        asked |= {"after": self.last, "limit": self._chance.choice((1, 10, 100, 1000))}
        response = await client.get(self._url(""), params=asked, headers=self._headers)
        if self._is_away(response):
            return False
        page = response.json()
        for item in page["items"]:
            self.take(item)
        assert page["next"] == self.last, f"{self}: sent on to {page['next']}, but the last item was {self.last}"
        return bool(page["items"])

    async def _poll(self, client: httpx.AsyncClient) -> None:
        if not await self._page(client):
            await asyncio.sleep(0.05)

    async def _wait(self, client: httpx.AsyncClient) -> None:
        if not await self._page(client, wait=self._chance.choice((1, 5, 10))) and self.trouble:
            await asyncio.sleep(0.02)

    async def _stream(self, client: httpx.AsyncClient) -> None:
        """Read until the connection ends, or until chance has us leave and come again."""
        stay = self._chance.randrange(1, 300) if self._leaves else None
        # In one way or the other, as clients do.
        asked = {"after": self.last} if self._chance.randrange(2) else {}
        headers = {**self._headers, **({} if asked else {"Last-Event-ID": str(self.last)})}
        async with httpx_sse.aconnect_sse(client, "GET", self._url("/stream"), params=asked, headers=headers) as source:
            if self._is_away(source.response):
                await asyncio.sleep(0.1)
                return
            self.trouble["streams"] += 1
            async for event in source.aiter_sse():
                item = event.json()
                assert (event.id, event.event) == (str(item["seq"]), item["message"]["type"])
                self.take(item)
                if stay is not None and (stay := stay - 1) <= 0:
                    return
