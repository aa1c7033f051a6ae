"""Posts the items of inboxes to the webhooks of their codes: each item in its turn, until it is received.

One process pushes at a time: whoever holds the lock of the session. All that is read before an attempt and recorded
after it goes through that very session, so that nothing is recorded by somebody whose turn is over, and the next one
reads what was recorded last. No transaction is open while a receiver takes its time.
"""

import asyncio
import random
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from nrdb.clock import monotonic
from nrdb.db import UNAVAILABLE, Connection, Pool, acquire, open_pool
from nrdb.delivery.inbox import Item, Page, Reader
from nrdb.delivery.tail import Follower, Tail
from nrdb.delivery.webhooks import progress, schedule
from nrdb.delivery.webhooks.attempt import Attempt, Sender
from nrdb.delivery.webhooks.progress import Outcome, Result, Webhook
from nrdb.delivery.webhooks.store import headers_of
from nrdb.errors import Code, Problem
from nrdb.vault import Vault

#: Seconds between two looks at what is set, between two tries for the turn, and after the database was away.
LOOK_AGAIN = 1.0
#: Seconds that the session may take for an answer before it counts as lost.
PATIENCE = 5.0
#: Seconds that attempts under way may take when the process is to end.
GRACE = 4.0
#: Seconds after which a webhook is tried again that met an error of ours.
AFTER_ERROR = 30.0
#: Attempts under way at once, of all codes: as many bodies of at most 1 MiB are held.
ATTEMPTS = 200
#: The answer of an address that wants nothing more.
GONE = 410
#: Items read ahead of a receiver, and seconds after which what it does not want is passed over.
_ITEMS = 20
_IDLE = 30.0
P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger()


def webhook_id(code: str, seq: int) -> str:
    """What names an item to its receiver, the same at every attempt. One address may serve several codes."""
    return f"item_{code}_{seq}"


class Session:
    """The connection that holds the turn. It does one thing at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._free = asyncio.Lock()
        self.lost = asyncio.Event()
        connection.add_termination_listener(lambda _: self.lost.set())

    async def ask(
        self,
        statement: Callable[Concatenate[Connection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a statement. When the database does not answer, the turn is over."""
        async with self._free:
            try:
                async with asyncio.timeout(PATIENCE):
                    return await statement(self._connection, *args, **kwargs)
            except UNAVAILABLE:
                self.lost.set()
                raise


@asynccontextmanager
async def open_session(dsn: str) -> AsyncIterator[Session]:
    """A connection of its own, which nobody replaces by another when it is lost."""
    pool = await open_pool(dsn, 1)
    try:
        async with acquire(pool) as connection:
            try:
                yield Session(connection)
            finally:
                # Closed in any case, without a farewell that might not be heard, and with it goes the lock.
                connection.terminate()
    finally:
        pool.terminate()


@dataclass(slots=True)
class Courier:
    """Delivers to one webhook as it was last set."""

    code: str
    changed_at: datetime
    work: "Pusher"
    session: Session
    sending: bool = False
    task: asyncio.Task[None] = field(init=False)

    async def run(self) -> None:
        """Deliver until the webhook is another one, off or gone; whoever watches starts a new courier where needed."""
        with self.work.tail.following(self.code):
            while not self.work.ending and (webhook := await self._read()) is not None:
                if webhook.wait_seconds > 0:
                    # Looked at again now and then: the database's clock says when it is time.
                    await asyncio.sleep(min(webhook.wait_seconds, LOOK_AGAIN))
                else:
                    await self._deliver_from(webhook)

    async def _read(self) -> Webhook | None:
        webhook = await self.session.ask(progress.read, self.work.vault, self.code)
        return webhook if webhook is not None and webhook.changed_at == self.changed_at else None

    async def _deliver_from(self, webhook: Webhook) -> None:
        """What stands after the position, and what comes, until an attempt fails."""
        position = webhook.position
        follower = Follower(self.work.reader, self.work.tail, self.code, position, types=webhook.types)
        while not self.work.ending:
            try:
                page = await follower.next(_ITEMS, _IDLE)
            except Problem as problem:
                if problem.code is not Code.POSITION_GONE or problem.facts is None:
                    raise
                # Only what the code has acknowledged goes, so nobody waits for it.
                follower.position = problem.facts["after"]
                page = Page([], follower.position)
            for item in page.items:
                if not await self._deliver(item, position):
                    return
                position = item.seq
            if not page.items and page.next > position:
                if not await self.session.ask(progress.pass_over, webhook, position, page.next):
                    return
                position = page.next

    async def _deliver(self, item: Item, position: int) -> bool:
        """One attempt; returns whether to go on with the next item."""
        async with self.work.slots:
            # Directly before the attempt: what was received and recorded is never sent again.
            webhook = await self._read()
            if webhook is None or webhook.position != position or webhook.wait_seconds > 0 or self.work.ending:
                return False
            id_ = webhook_id(self.code, item.seq)
            headers = headers_of(webhook.target, id_, webhook.now, item.content)
            self.sending = True
            try:
                attempt = await self.work.sender.post(webhook.target.url, headers, item.content)
                result = judged(webhook, item.seq, id_, attempt)
                recorded = await self.session.ask(progress.record, webhook, result)
            finally:
                self.sending = False
        self.work.count(result.outcome)
        if recorded:
            self._tell(webhook, result)
        return recorded and result.outcome in {"delivered", "skipped"}

    def _tell(self, webhook: Webhook, result: Result) -> None:
        """What an operator has to know; of the item its place only."""
        if result.outcome == "skipped":
            log.warning(
                "skipped an item that a webhook has not taken for three days",
                code=self.code,
                seq=result.seq,
                attempts=webhook.attempts + 1,
                status=result.status,
                error=result.error,
            )
        elif result.outcome == "gone":
            log.warning("switched a webhook off, because its address is gone", code=self.code, status=result.status)


def judged(webhook: Webhook, seq: int, id_: str, attempt: Attempt) -> Result:
    """What an attempt means: received, to be tried again, given up, or an address that is gone."""
    outcome: Outcome = "delivered"
    again = None
    if attempt.status == GONE:
        outcome = "gone"
    elif not attempt.delivered:
        again = schedule.next_attempt(
            webhook.attempts + 1,
            webhook.now + timedelta(milliseconds=attempt.milliseconds),
            webhook.first_attempt_at or webhook.now,
            attempt.retry_after,
            random.random(),  # noqa: S311 (no secret: those who failed together shall not come again together)
        )
        outcome = "skipped" if again is None else "failed"
    return Result(seq, id_, outcome, attempt.status, attempt.error, attempt.milliseconds, again)


def tell_error(what: str, error: BaseException, **about: str) -> None:
    """Log where an error happened; its own text may hold anything."""
    where = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
    log.error(what, error=type(error).__name__, where=where, **about)


class Pusher:
    """Competes for the turn and, while it has it, keeps a courier for each webhook that is on."""

    def __init__(
        self, dsn: str, pool: Pool, vault: Vault, sender: Sender, count: Callable[[str], None] = lambda _: None
    ) -> None:
        self.vault = vault
        self.sender = sender
        self.count = count
        self.reader = Reader(pool, vault)
        self.tail = Tail(pool)
        self.slots = asyncio.Semaphore(ATTEMPTS)
        self.ending = False
        self._dsn = dsn
        self._couriers: dict[str, Courier] = {}
        self._not_before: dict[str, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Push until `stop` is set. It outlives the database going away, and errors of ours."""
        no_more = asyncio.Event()
        following = asyncio.create_task(self.tail.run(no_more))
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    async with open_session(self._dsn) as session:
                        await self._take_turns(session, stopped)
                except UNAVAILABLE as error:
                    log.warning("webhooks wait for the database", error=type(error).__name__)
                except Exception as error:  # noqa: BLE001 (whatever it is, what else the process does goes on)
                    tell_error("webhooks met an error of ours", error)
                await asyncio.wait({stopped}, timeout=LOOK_AGAIN)
        finally:
            no_more.set()
            stopped.cancel()
            await asyncio.wait({following, stopped})
            if not following.cancelled():
                following.result()

    async def _take_turns(self, session: Session, stopped: "asyncio.Task[bool]") -> None:
        """Wait for the turn, and use it until the process is to end or the session is lost."""
        lost = asyncio.create_task(session.lost.wait())
        try:
            has_turn = False
            while not (stopped.done() or lost.done()):
                has_turn = has_turn or await session.ask(progress.try_turn)
                if has_turn:
                    await self._employ(session, await session.ask(progress.active))
                await asyncio.wait({stopped, lost}, timeout=LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.ending = stopped.done()
            lost.cancel()
            await self._dismiss(GRACE if stopped.done() and not session.lost.is_set() else 0)

    async def _employ(self, session: Session, active: dict[str, datetime]) -> None:
        """A courier for each webhook that is on, as it is set now, and no other."""
        leaving = [one for one in self._couriers.values() if one.task.done() or active.get(one.code) != one.changed_at]
        for courier in leaving:
            courier.task.cancel()
        if leaving:
            await asyncio.wait([courier.task for courier in leaving], timeout=LOOK_AGAIN)
        for courier in leaving:
            if courier.task.done():
                self._look_back(courier)
                del self._couriers[courier.code]
        for code, changed_at in active.items():
            if code not in self._couriers and monotonic() >= self._not_before.get(code, 0):
                courier = self._couriers[code] = Courier(code, changed_at, self, session)
                courier.task = asyncio.create_task(courier.run())

    def _look_back(self, courier: Courier) -> None:
        """One courier's error is no reason to stop the others, nor to be told every second."""
        self._not_before.pop(courier.code, None)
        error = None if courier.task.cancelled() else courier.task.exception()
        if error is not None and not isinstance(error, UNAVAILABLE):
            self._not_before[courier.code] = monotonic() + AFTER_ERROR
            tell_error("a webhook met an error of ours", error, code=courier.code)

    async def _dismiss(self, grace: float) -> None:
        """Let attempts under way come to their end for so long, and stop everything else at once."""
        couriers = list(self._couriers.values())
        self._couriers.clear()
        for courier in couriers:
            if not (grace and courier.sending):
                courier.task.cancel()
        tasks = [courier.task for courier in couriers]
        if tasks:
            if grace:
                await asyncio.wait(tasks, timeout=grace)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
