"""The sandbox clock, seen from outside: it stands still, and jumps when somebody moves it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from nrdb.client import Client, UnavailableError

#: Real seconds between two looks, while somebody waits.
LOOK = 0.4


class SandboxClock:
    """One clock for all robots of a process. `run` looks at it for as long as somebody waits for a time.

    The client has no patience: who asks in vain asks again at the next look.
    """

    def __init__(self, client: Client, look: float = LOOK) -> None:
        self._client = client
        self._look = look
        self._waiting: dict[asyncio.Future[None], datetime] = {}
        self._wanted = asyncio.Event()
        self.now = datetime.min.replace(tzinfo=UTC)

    async def read(self, client: Client | None = None) -> datetime:
        """Look now, where need be with the patience of another client."""
        found = await (client or self._client).get("/v1/sandbox/clock")
        return self.heard(datetime.fromisoformat(found["now"]))

    def heard(self, at: datetime) -> datetime:
        """The clearinghouse says that it is this time, or later by now."""
        self.now = max(self.now, at)
        for reached, wanted in self._waiting.items():
            if wanted <= self.now and not reached.done():
                reached.set_result(None)
        return self.now

    async def reach(self, at: datetime, tell: Callable[[], None]) -> None:
        """Wait until it is that time; `tell` is called once if it is not yet, as far as is known."""
        if at <= self.now:
            return
        tell()
        reached = asyncio.get_running_loop().create_future()
        self._waiting[reached] = at
        self._wanted.set()
        try:
            await reached
        finally:
            del self._waiting[reached]

    async def run(self) -> None:
        """Look on, through every absence of the service, until cancelled."""
        while True:
            await self._wanted.wait()
            # A service that is away will be back; whoever follows an inbox tells of it.
            with suppress(UnavailableError):
                await self.read()
            if not self._waiting:
                self._wanted.clear()
            await asyncio.sleep(self._look)
