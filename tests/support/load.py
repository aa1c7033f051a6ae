"""Providers at work: each sends a message until it is answered, and remembers what the answers promise."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from tests.support.cluster import LONG
from tests.support.processes import START
from tests.support.service import KARI, eventually

#: Who orders from whom, and where the numbers of the donor begin.
MARKETS = (
    ("TELIA", "TELENOR", 90_000_000),
    ("TELENOR", "TELIA", 92_000_000),
    ("LYSE", "TELENOR", 90_100_000),
    ("TELIA", "LYSE", 47_000_000),
)
#: Everybody who is a party here; each sends, and each is told.
PARTIES = ("TELIA", "TELENOR", "LYSE")
#: What a message may be refused with because the clock has moved while it was on its way.
BY_TIME = frozenset({"porting-time-passed", "porting-time-too-early", "stop-too-late", "case-state"})
#: Seconds within which everything is answered: that is a hang which takes longer.
ANSWERED_WITHIN = 25.0
#: Where the sandbox clock stands at first.
BEGINNING = datetime.fromisoformat(START)
#: Days from an order to its porting time, more than any holidays in a row, and from one move of the clock to the next.
AHEAD = timedelta(days=8)


@dataclass
class Load:
    """What was sent and what was answered. One message is one key: its sender and its message_id."""

    addresses: Sequence[str]
    keys: Mapping[str, str]
    dsn: str
    chance: random.Random
    #: Seconds that each provider rests between two cases.
    rest: float = 0.0
    now: datetime = BEGINNING
    answered: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    #: How often there was no answer, or "come again".
    trouble: Counter[str] = field(default_factory=Counter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: list[Iterator[int]] = field(default_factory=lambda: [count(first) for _, _, first in MARKETS])
    _accepted: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
        self._client = httpx.AsyncClient(trust_env=False, timeout=ANSWERED_WITHIN, limits=limits)

    async def run(self, providers: int = 6) -> None:
        """Work until told to stop; then every message under way is sent until it is answered."""
        async with self._client, asyncio.TaskGroup() as group:
            for n in range(providers):
                group.create_task(self._work(n))

    async def _work(self, n: int) -> None:
        while not self.stopping.is_set():
            await self._porting(n % len(MARKETS))
            if self.rest:
                await asyncio.sleep(self.rest * 2 * self.chance.random())

    async def _porting(self, market: int) -> None:
        """One case, taken as far as chance has it."""
        recipient, donor, _ = MARKETS[market]
        answer = await self.send(
            recipient, "NP_BEST", donor=donor, number_type="E", main_number=str(next(self._numbers[market])),
            porting_time=(self.now + AHEAD).isoformat(), customer=KARI, authorisation_reference="ref-1",
        )  # fmt: skip
        if answer is None:
            return
        case_id = answer["case"]["case_id"]
        match self.chance.randrange(10):
            case 0:
                return
            case 1:
                await self.send(donor, "NP_FBES", case_id=case_id, reason="number-not-held")
                return
            case 2:
                await self.send(recipient, "NP_ANNU", case_id=case_id)
                return
        if await self.send(donor, "NP_GODK", case_id=case_id) is None or self.chance.randrange(10) == 0:
            return
        executed = await self.send(recipient, "NP_IVER", case_id=case_id)
        if executed is not None and self.chance.randrange(10) == 0:
            await self.send(recipient, "NP_ANNU", case_id=case_id)

    async def grow(self, by: int) -> None:
        """Wait until so many more messages are accepted."""
        goal = len(self.answered) + by
        async with asyncio.timeout(LONG):
            while len(self.answered) < goal:
                self._accepted.clear()
                await self._accepted.wait()

    async def send(self, sender: str, kind: str, **fields: Any) -> dict[str, Any] | None:
        """Send one message under one id until it is accepted; None when it is refused because time has passed."""
        message = {"type": kind, "sender": sender, "message_id": str(uuid4()), **fields}
        name = (sender, message["message_id"])
        doubtful = False
        while True:
            address = self.chance.choice(self.addresses)
            response = await self._post(f"{address}/v1/messages", message, self.keys[sender])
            if response is None:
                doubtful = True
                await asyncio.sleep(0.1 * self.chance.random())
                continue
            if response.status_code in (200, 201):
                assert response.status_code == 201 or doubtful, "a message was replayed that was never sent before"
                assert name not in self.answered
                self.answered[name] = response.json()
                self._accepted.set()
                return self.answered[name]
            assert response.status_code == 409, f"{kind}: {response.status_code} {response.text}"
            code = response.json()["code"]
            assert code in BY_TIME, response.text
            self.refused[name] = code
            return None

    async def _post(self, url: str, message: Any, key: str, method: str = "POST") -> httpx.Response | None:
        """The answer; None where there is none, or "come again", which says when."""
        try:
            response = await self._client.request(method, url, json=message, headers={"Authorization": f"Bearer {key}"})
        except httpx.TimeoutException as error:
            raise AssertionError(f"no answer within {ANSWERED_WITHIN} s") from error
        except httpx.TransportError as error:
            self.trouble[type(error).__name__] += 1
            return None
        if response.status_code == 503:
            assert int(response.headers["retry-after"]) >= 1
            assert response.json()["code"] == "unavailable"
            self.trouble["503"] += 1
            return None
        return response

    async def move_clock(self, by: timedelta = AHEAD) -> None:
        """Move the sandbox clock over the porting times of all cases, in one of two ways.

        By the clock call, which writes down what is due itself; or by the mere passing of time, which leaves it to the
        workers and to the messages that come.
        """
        target = self.now + by
        by_call = self.chance.randrange(2)
        move = self._put_clock if by_call else partial(let_time_pass, self.dsn)
        await eventually(partial(move, target), LONG)
        self.now = target

    async def _put_clock(self, target: datetime) -> bool:
        url = f"{self.chance.choice(self.addresses)}/v1/sandbox/clock"
        answer = await self._post(url, {"now": target.isoformat()}, self.keys["ADMIN"], "PUT")
        assert answer is None or answer.status_code == 200, answer.text
        return answer is not None

    async def move_clock_on(self, seconds: float) -> None:
        """Move it every so often until told to stop."""
        while not self.stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), seconds)
                return
            await self.move_clock()


async def let_time_pass(dsn: str, target: datetime) -> bool:
    """It gets later, and nobody writes down what that has done; False while the database is away."""
    try:
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            await connection.execute("UPDATE world SET sandbox_now = greatest(sandbox_now, $1)", target)
        finally:
            connection.terminate()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True
