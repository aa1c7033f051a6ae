"""Every provider's own client beside the play: it follows its inbox from the opening to the end."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import aclosing

import httpx

from nrdb.client import Client, Item, NrdbError, State

_TIMEOUT = httpx.Timeout(30, connect=10)


class Followers:
    """A thread in which one client for each code follows by stream. What it has seen can be looked at any time."""

    def __init__(self, urls: Sequence[str], keys: Mapping[str, str]) -> None:
        self.seen: dict[str, list[Item]] = {code: [] for code in keys}
        self.states: dict[str, list[State]] = {code: [] for code in keys}
        self.errors: dict[str, str] = {}
        self._urls = urls
        self._keys = keys
        self._loop = asyncio.new_event_loop()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()

    def wait_for(self, code: str, seq: int, seconds: float) -> bool:
        """Whether the code has seen this item; waits for it so long at most."""
        with self._news:
            return self._news.wait_for(lambda: self._has_seen(code, seq) or code in self.errors, seconds)

    def _has_seen(self, code: str, seq: int) -> bool:
        seen = self.seen[code]
        return bool(seen) and seen[-1].seq >= seq

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        following = [self._follow(place, code) for place, code in enumerate(self._keys)]
        self._tasks = [self._loop.create_task(one) for one in following]
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _follow(self, place: int, code: str) -> None:
        url = self._urls[place % len(self._urls)]
        http = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False)
        try:
            async with (
                Client(url, self._keys[code], code=code, http=http) as client,
                aclosing(client.items(0, on_state=self.states[code].append)) as items,
            ):
                async for item in items:
                    with self._news:
                        self.seen[code].append(item)
                        self._news.notify_all()
        except NrdbError as error:
            with self._news:
                self.errors[code] = str(error)
                self._news.notify_all()
