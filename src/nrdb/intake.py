"""The use case: a message comes in, or a time is due.

`accept` is the way of every message: facts, rules, one step of the machine, one write. `settle` writes down what time
has done; it decides nothing, because every reader and every rule reckons with it already. Both leave through the same
`Outcome`, so a message and a due time can never disagree about a case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from nrdb.cases.case import Case
from nrdb.cases.facts import (
    Loaded,
    ManyCases,
    load_awaiting,
    load_due,
    load_due_returns,
    load_due_to,
    load_for_case,
    load_for_opening,
    load_these,
)
from nrdb.cases.outcome import Entry, Outcome
from nrdb.cases.store import read_answer, write
from nrdb.changes.due import CatchingUp
from nrdb.clock import format_time
from nrdb.db import Connection, Pool, acquire, retried
from nrdb.errors import Code, Problem, unauthenticated
from nrdb.messages import consequences
from nrdb.messages.kinds import AnyCaseMessage, AnyMessage, FiveIver, FiveOpps, NpBest, NpOpps
from nrdb.messages.rules import Rules, check_case_message, check_opening
from nrdb.reports.refusals import is_refusal, record_refusal
from nrdb.rulebook import Rulebook
from nrdb.texts import say
from nrdb.timers.calendar import working_calendar
from nrdb.vault import Vault

#: How many cases one statement settles.
BATCH = 200


class _FallenBehindError(Exception):
    """Something is due that must be written down before anything else is decided."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told: 201 with the body, or 200 when the message had been accepted before."""

    body: dict[str, Any]
    replayed: bool


class Intake:
    """Accepts messages and settles due times against one database, under one rulebook."""

    def __init__(self, pool: Pool, rulebook: Rulebook, vault: Vault) -> None:
        self._pool = pool
        self._rulebook = rulebook
        self._vault = vault
        self._rules_of: dict[frozenset[date], Rules] = {}
        self._catching_up = CatchingUp(pool, self)

    async def accept(self, message: AnyMessage, key_id: UUID | None = None) -> Answer:
        """Decide on a message and commit what follows from it.

        With `key_id`, the key must be live at that very instant (401), whatever the caller believed of it. Raises
        `Problem` with the first refusal that applies (contract section 6); nothing has changed then, save that what
        time had done before is written down. A refusal is counted, for the daily report.
        """
        try:
            return await retried(lambda: self._decide(message, key_id, commit=True))
        except Problem as problem:
            if is_refusal(problem):
                async with acquire(self._pool) as connection:
                    await record_refusal(connection, message.sender, message.type, problem.code)
            raise

    async def check(self, message: AnyMessage, key_id: UUID | None = None) -> Answer:
        """What `accept` would answer now; the message itself changes nothing. A new case has no `case_id` yet."""
        return await retried(lambda: self._decide(message, key_id, commit=False))

    async def settle(self) -> int:
        """Write down what time has done, oldest first, one batch; returns how many cases.

        Of several workers one does it at a time; the others find nothing to do.
        """
        return await retried(self._settle_batch)

    async def settle_on(self, connection: Connection) -> int:
        """One batch on the caller's connection."""
        return await self._settle(connection, await load_due(connection, BATCH))

    async def settle_returns_on(self, connection: Connection) -> int:
        """One batch, on the caller's connection, of the returns that the clearinghouse sends for Nkom."""
        return await self._settle(connection, await load_due_returns(connection, BATCH))

    async def catch_up(self, patience: float | None = None) -> None:
        """Write down what everybody depends on and what is due: whoever comes first after its instant does so.

        With `patience`, wait at most so many seconds for it. Called without a connection in hand: it takes one itself.
        """
        await self._catching_up.wait(patience)

    async def catch_up_if_due(self) -> None:
        """The same, where something is due."""
        async with acquire(self._pool) as connection:
            is_due = await connection.fetchval("SELECT world_is_due(nrdb_now())")
        if is_due:
            await self.catch_up()

    async def waive_on(self, connection: Connection, code: str) -> int:
        """One batch, within the caller's transaction, of cases that no longer wait for the code's NP_FERD."""
        return await self._settle(connection, await load_awaiting(connection, code, BATCH), waived=code)

    async def waive_case_on(self, connection: Connection, case_id: UUID, code: str) -> None:
        """One case, within the caller's transaction, no longer waits for the code."""
        await self._settle(connection, await load_these(connection, [case_id]), waived=code)

    async def complete_on(self, connection: Connection, case_ids: Sequence[UUID]) -> None:
        """These cases, within the caller's transaction, wait for nobody any more: they are completed."""
        for first in range(0, len(case_ids), BATCH):
            loaded = await load_these(connection, case_ids[first : first + BATCH])
            await self._settle(connection, loaded, complete=True)

    async def _settle(
        self, connection: Connection, loaded: ManyCases | None, *, waived: str | None = None, complete: bool = False
    ) -> int:
        """Write down what time has done to these cases, and that they no longer wait for a code, or for anybody."""
        if loaded is None:
            return 0
        outcome = Outcome(loaded.epoch, loaded.now, self._rulebook.cap.daily_limit)
        outcome.customer_logs.update(loaded.customer_logs)
        rules = self._rules(loaded.closed_days)
        for stored in loaded.cases:
            outcome.before[stored.case_id] = stored
            routing = loaded.routing[stored.case_id]
            case = consequences.settle(rules, stored, loaded.now, outcome, routing, loaded.networks)
            if waived is not None:
                consequences.waive(rules, case, waived, outcome, routing, loaded.networks)
            if complete:
                consequences.complete(rules, case, outcome)
        await write(connection, outcome, self._vault)
        return len(loaded.cases)

    async def _settle_batch(self) -> int:
        async with acquire(self._pool) as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock(7267, 2)"):
                return 0
            return await self.settle_on(connection)

    async def _decide(self, message: AnyMessage, key_id: UUID | None, *, commit: bool) -> Answer:
        while True:
            try:
                return await self._decide_now(message, key_id, commit=commit)
            except _FallenBehindError:
                await self.catch_up()

    async def _decide_now(self, message: AnyMessage, key_id: UUID | None, *, commit: bool) -> Answer:
        async with acquire(self._pool) as connection:
            try:
                return await self._decide_on(connection, message, key_id, commit=commit)
            except Problem as problem:
                full = problem.code is Code.DAILY_CAP_EXCEEDED
                if not (full and await self._return_room(connection, problem)):
                    raise
            return await self._decide_on(connection, message, key_id, commit=commit)

    async def _decide_on(
        self, connection: Connection, message: AnyMessage, key_id: UUID | None, *, commit: bool
    ) -> Answer:
        loaded = await self._load(connection, message, key_id)
        if loaded.due:
            raise _FallenBehindError
        if not loaded.key_live:
            raise unauthenticated()
        if not loaded.sender_active:
            raise Problem(
                Code.PROVIDER_INACTIVE,
                say("The provider code {sender} is inactive: it may read, but not send.", sender=message.sender),
            )
        if loaded.replay is not None:
            self._same_content(message, loaded.replay.digest)
            return self._first_answer(await read_answer(connection, loaded.replay.log_id), message.sender)
        return await self._conclude(connection, message, loaded, commit=commit)

    async def _return_room(self, connection: Connection, full: Problem) -> bool:
        """Obsolete cases give their room back at once: before a day counts as full, book what nobody has booked yet."""
        settled = False
        while full.facts and await self._settle(connection, await load_due_to(connection, full.facts["code"], BATCH)):
            settled = True
        return settled

    async def _load(self, connection: Connection, message: AnyMessage, key_id: UUID | None) -> Loaded:
        limit = self._rulebook.cap.daily_limit
        if isinstance(message, NpBest | FiveIver | NpOpps | FiveOpps):
            return await load_for_opening(connection, message, key_id, limit, self._vault)
        return await load_for_case(connection, message, _case_id(message), key_id, limit, self._vault)

    async def _conclude(self, connection: Connection, message: AnyMessage, loaded: Loaded, *, commit: bool) -> Answer:
        rules = self._rules(loaded.closed_days)
        outcome = Outcome(loaded.epoch, loaded.now, self._rulebook.cap.daily_limit)
        if isinstance(message, NpBest | FiveIver | NpOpps | FiveOpps):
            check_opening(rules, message, loaded.facts, loaded.now)
            case = consequences.open_case(rules, message, loaded.facts, loaded.routing, outcome)
        else:
            case = _visible(message, loaded)
            outcome.before[case.case_id] = case
            outcome.customer_logs[case.case_id] = loaded.customer_log
            outcome.decided_at = max(loaded.now, case.updated_at)
            case = await self._about_case(connection, rules, message, case, loaded, outcome)
        if commit:
            await write(connection, outcome, self._vault)
        answer = _answer(_own(outcome, message), case, message.sender)
        if not commit and not outcome.before:
            answer["case"]["case_id"] = None
        return Answer(answer, replayed=False)

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
                await write(connection, outcome, self._vault)
            raise
        return consequences.step(rules, message, settled, loaded.facts, loaded.routing, outcome)

    def _same_content(self, message: AnyMessage, digest: bytes) -> None:
        """Raises `duplicate-message` where another message was accepted under this id."""
        content = consequences.content_of(message)
        # The first release stored the content's own digest.
        if digest not in (self._vault.mac(content), content):
            raise Problem(
                Code.DUPLICATE_MESSAGE,
                say(
                    "{sender} has sent another message under this message_id. Use a new UUID for a new message.",
                    sender=message.sender,
                ),
                facts={"message_id": str(message.message_id), "sender": message.sender},
            )

    def _first_answer(self, row: asyncpg.Record, sender: str) -> Answer:
        """What was answered the first time, with the customer as he was then (null once he has been erased)."""
        view = row["case_after"]
        personal = self._vault.open(row["sealed"])
        if sender in (view["recipient"], view["donor"]):
            view["customer"] = personal["customer"] if personal else None
        body = {
            "message_id": str(row["message_id"]),
            "type": row["type"],
            "accepted_at": format_time(row["at"]),
            "case": view,
            "warnings": row["warnings"],
        }
        return Answer(body, replayed=True)

    def _rules(self, closed_days: frozenset[date]) -> Rules:
        """The rules with the calendar of these closed days, made once for as long as they stay."""
        rules = self._rules_of.get(closed_days)
        if rules is None:
            rules = Rules(self._rulebook, working_calendar(self._rulebook, closed_days))
            self._rules_of = {closed_days: rules}
        return rules


def _case_id(message: AnyCaseMessage) -> UUID:
    """The id as the database keeps it; the nil UUID, which no case has, for what cannot be one."""
    try:
        return UUID(message.case_id)
    except ValueError:
        return UUID(int=0)


def unknown_case() -> Problem:
    """The same words whether the case does not exist or is not visible, so that nobody can tell."""
    return Problem(Code.UNKNOWN_CASE, say("There is no such case, or it is not visible to you."))


def _visible(message: AnyCaseMessage, loaded: Loaded) -> Case:
    if loaded.case is None or not loaded.case.visible_to(message.sender):
        raise unknown_case()
    return loaded.case


def _own(outcome: Outcome, message: AnyMessage) -> Entry:
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
