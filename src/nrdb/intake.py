"""The use case: a message comes in, or a time is due.

`accept` is the way of every message: facts, rules, one step of the machine, one write. `settle` writes down what time
has done; it decides nothing, because every reader and every rule reckons with it already. Both leave through the same
`Outcome`, so a message and a due time can never disagree about a case.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from nrdb.cases.case import Case
from nrdb.cases.facts import Loaded, ManyCases, load_awaiting, load_cases, load_due, load_for_case, load_for_order
from nrdb.cases.outcome import Entry, Outcome
from nrdb.cases.store import read_answer, write
from nrdb.changes.due import CatchingUp
from nrdb.clock import format_time
from nrdb.db import Connection, Pool, acquire, retried
from nrdb.errors import Code, Problem, unauthenticated
from nrdb.messages import consequences
from nrdb.messages.kinds import AnyCaseMessage, NpBest
from nrdb.messages.rules import Rules, check_case_message, check_order
from nrdb.rulebook import Rulebook
from nrdb.timers.calendar import working_calendar

#: How many cases one statement settles.
BATCH = 200
#: What an administrator's change does to a case once time has been settled for it.
Also = Callable[[Rules, Case, Outcome], Case]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told: 201 with the body, or 200 when the message had been accepted before."""

    body: dict[str, Any]
    replayed: bool


class Intake:
    """Accepts messages and settles due times against one database, under one rulebook."""

    def __init__(self, pool: Pool, rulebook: Rulebook) -> None:
        self._pool = pool
        self._rulebook = rulebook
        self._rules_of: dict[frozenset[date], Rules] = {}
        self._catching_up = CatchingUp(pool, self)

    async def accept(self, message: NpBest | AnyCaseMessage, key_id: UUID | None = None) -> Answer:
        """Decide on a message and commit what follows from it.

        With `key_id`, the key must be live at that very instant (401), whatever the caller believed of it. Raises
        `Problem` with the first refusal that applies (contract section 6); nothing has changed then, save that what
        time had done to the case before is written down.
        """
        return await retried(lambda: self._decide(message, key_id))

    async def settle(self) -> int:
        """Write down what time has done, oldest first, one batch; returns how many cases.

        Of several workers one does it at a time; the others find nothing to do.
        """
        return await retried(self._settle_batch)

    async def settle_on(self, connection: Connection, recipient: str | None = None) -> int:
        """One batch on the caller's connection; with `recipient`, only what gives that code room again."""
        loaded = await load_due(connection, recipient, BATCH)
        return await self._write_batch(connection, loaded, None) if loaded else 0

    async def waive_on(self, connection: Connection, code: str) -> int:
        """One batch, within the caller's transaction, of cases that no longer wait for the code's NP_FERD."""
        loaded = await load_awaiting(connection, code, BATCH)
        return await self._write_batch(connection, loaded, _waiving(code)) if loaded else 0

    async def waive_case(self, connection: Connection, case_id: UUID, code: str) -> None:
        """One case, within the caller's transaction, no longer waits for the code."""
        loaded = await load_cases(connection, [case_id])
        if loaded:
            await self._write_batch(connection, loaded, _waiving(code))

    async def complete_on(self, connection: Connection, case_ids: Sequence[UUID]) -> None:
        """These cases, within the caller's transaction, wait for nobody any more: they are completed."""
        for first in range(0, len(case_ids), BATCH):
            loaded = await load_cases(connection, case_ids[first : first + BATCH])
            if loaded:
                await self._write_batch(connection, loaded, consequences.complete)

    async def catch_up(self, patience: float | None = None) -> None:
        """Write down what is due that every reader depends on; with `patience`, wait at most so many seconds for it."""
        await self._catching_up.wait(patience)

    async def catch_up_if_due(self) -> None:
        """The same, where something is due."""
        async with acquire(self._pool) as connection:
            is_due = await connection.fetchval("SELECT world_is_due(nrdb_now())")
        if is_due:
            await self.catch_up()

    async def _write_batch(self, connection: Connection, loaded: ManyCases, more: Also | None) -> int:
        outcome = Outcome(loaded.epoch, loaded.now, self._rulebook.cap.daily_limit)
        outcome.customer_logs.update(loaded.customer_logs)
        rules = self._rules(loaded.closed_days)
        for stored in loaded.cases:
            outcome.before[stored.case_id] = stored
            case = consequences.settle(rules, stored, loaded.now, outcome)
            if more is not None:
                more(rules, case, outcome)
        await write(connection, outcome)
        return len(loaded.cases)

    async def _settle_batch(self) -> int:
        async with acquire(self._pool) as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock(7267, 2)"):
                return 0
            return await self.settle_on(connection)

    async def _decide(self, message: NpBest | AnyCaseMessage, key_id: UUID | None) -> Answer:
        async with acquire(self._pool) as connection:
            try:
                return await self._decide_on(connection, message, key_id)
            except Problem as problem:
                full = problem.code is Code.DAILY_CAP_EXCEEDED
                if not (full and await self._return_room(connection, problem)):
                    raise
            return await self._decide_on(connection, message, key_id)

    async def _decide_on(self, connection: Connection, message: NpBest | AnyCaseMessage, key_id: UUID | None) -> Answer:
        loaded = await self._load(connection, message, key_id)
        if not loaded.key_live:
            raise unauthenticated()
        if not loaded.sender_active:
            raise Problem(
                Code.PROVIDER_INACTIVE,
                f"The provider code {message.sender} is inactive: it may read, but not send.",
            )
        if loaded.replay is not None:
            if loaded.replay.digest != consequences.digest_of(message):
                raise _duplicate(message)
            return _first_answer(await read_answer(connection, loaded.replay.log_id), message.sender)
        return await self._commit(connection, message, loaded)

    async def _return_room(self, connection: Connection, full: Problem) -> bool:
        """Obsolete cases give their room back at once: before a day counts as full, book what nobody has booked yet."""
        settled = False
        while full.facts and await self.settle_on(connection, full.facts["code"]):
            settled = True
        return settled

    async def _load(self, connection: Connection, message: NpBest | AnyCaseMessage, key_id: UUID | None) -> Loaded:
        limit = self._rulebook.cap.daily_limit
        if isinstance(message, NpBest):
            return await load_for_order(connection, message, key_id, limit)
        return await load_for_case(connection, message, _case_id(message), key_id, limit)

    async def _commit(self, connection: Connection, message: NpBest | AnyCaseMessage, loaded: Loaded) -> Answer:
        rules = self._rules(loaded.closed_days)
        outcome = Outcome(loaded.epoch, loaded.now, self._rulebook.cap.daily_limit)
        if isinstance(message, NpBest):
            check_order(rules, message, loaded.facts, loaded.now)
            case = consequences.order(rules, message, loaded.facts, outcome)
        else:
            case = _visible(message, loaded)
            outcome.before[case.case_id] = case
            outcome.customer_logs[case.case_id] = loaded.customer_log or 0
            outcome.decided_at = max(loaded.now, case.updated_at)
            case = await self._about_case(connection, rules, message, case, loaded, outcome)
        await write(connection, outcome)
        return Answer(_answer(_own(outcome, message), case, message.sender), replayed=False)

    async def _about_case(
        self,
        connection: Connection,
        rules: Rules,
        message: AnyCaseMessage,
        stored: Case,
        loaded: Loaded,
        outcome: Outcome,
    ) -> Case:
        now = outcome.decided_at
        settled = consequences.settle(rules, stored, now, outcome)
        try:
            check_case_message(rules, message, stored, loaded.facts, now)
        except Problem:
            # What time did is true whatever becomes of the message, and the notice of it is due.
            if outcome.entries:
                await write(connection, outcome)
            raise
        return consequences.step(rules, message, settled, loaded.facts, loaded.routing, outcome)

    def _rules(self, closed_days: frozenset[date]) -> Rules:
        """The rules with the calendar of these closed days, made once for as long as they stay."""
        rules = self._rules_of.get(closed_days)
        if rules is None:
            rules = Rules(self._rulebook, working_calendar(self._rulebook, closed_days))
            self._rules_of = {closed_days: rules}
        return rules


def _waiving(code: str) -> Also:
    return lambda rules, case, outcome: consequences.waive(rules, case, code, outcome)


def _case_id(message: AnyCaseMessage) -> UUID:
    """The id as the database keeps it; the nil UUID, which no case has, for what cannot be one."""
    try:
        return UUID(message.case_id)
    except ValueError:
        return UUID(int=0)


def unknown_case() -> Problem:
    """The same words whether the case does not exist or is not visible, so that nobody can tell."""
    return Problem(Code.UNKNOWN_CASE, "There is no such case, or it is not visible to you.")


def _visible(message: AnyCaseMessage, loaded: Loaded) -> Case:
    if loaded.case is None or not loaded.case.visible_to(message.sender):
        raise unknown_case()
    return loaded.case


def _duplicate(message: NpBest | AnyCaseMessage) -> Problem:
    return Problem(
        Code.DUPLICATE_MESSAGE,
        f"{message.sender} has sent another message under this message_id. Use a new UUID for a new message.",
        facts={"message_id": str(message.message_id), "sender": message.sender},
    )


def _own(outcome: Outcome, message: NpBest | AnyCaseMessage) -> Entry:
    return next(entry for entry in outcome.entries if entry.message_id == message.message_id)


def _answer(entry: Entry, case: Case, sender: str) -> dict[str, Any]:
    view = dict(entry.case_after or {})
    if sender in (case.recipient, case.donor):
        view["customer"] = case.customer
    return {
        "message_id": str(entry.message_id),
        "type": entry.type,
        "accepted_at": format_time(entry.at),
        "case": view,
        "warnings": list(entry.warnings),
    }


def _first_answer(row: asyncpg.Record, sender: str) -> Answer:
    """What was answered the first time, with the customer as he was then (null once he has been erased)."""
    view = row["case_after"]
    if sender in (view["recipient"], view["donor"]):
        view["customer"] = row["customer"]
    body = {
        "message_id": str(row["message_id"]),
        "type": row["type"],
        "accepted_at": format_time(row["at"]),
        "case": view,
        "warnings": row["warnings"],
    }
    return Answer(body, replayed=True)
