"""The use case: a message comes in, or a time is due.

`accept` is the way of every message: facts, rules, one step of the machine, one write. `settle` writes down what time
has done; it decides nothing, because every reader and every rule reckons with it already. Both leave through the same
`Outcome`, so a message and a due time can never disagree about a case.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from nrdb import deciding
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
from nrdb.cases.many import independent, load_many
from nrdb.cases.outcome import Outcome
from nrdb.cases.queries import returning_to_nkom
from nrdb.cases.store import read_answer, write
from nrdb.changes.due import CatchingUp
from nrdb.db import Connection, Pool, acquire, lost_race, retried
from nrdb.deciding import Answer
from nrdb.errors import Code, Problem
from nrdb.messages import consequences, slots
from nrdb.messages.kinds import AnyMessage, AnyOpening, FiveIver, FiveOpps, NpBest, NpOpps
from nrdb.messages.reminding import Reminder
from nrdb.messages.rules import Rules, cap_code
from nrdb.messages.slots import Found
from nrdb.reports.refusals import is_refusal, record_refusals
from nrdb.rulebook import Rulebook
from nrdb.timers.calendar import working_calendar
from nrdb.vault import Vault

#: How many cases one statement settles.
BATCH = 200
T = TypeVar("T")


class _FallenBehindError(Exception):
    """Something is due that must be written down before anything else is decided."""


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
        time had done before is written down. A refusal is remembered.
        """
        return await retried(lambda: self._accept(message, key_id))

    async def _accept(self, message: AnyMessage, key_id: UUID | None) -> Answer:
        try:
            return await self._decide(message, key_id, commit=True)
        except Problem as problem:
            if is_refusal(problem):
                async with acquire(self._pool) as connection:
                    await record_refusals(connection, [(message, problem)])
            raise

    async def accept_many(self, messages: Sequence[AnyMessage], key_id: UUID | None = None) -> list[Answer | Problem]:
        """Decide on the first of these messages, at least one, together; the answers to so many, all committed.

        Each answer is the one that the message would have had alone after those before it. Messages that touch each
        other's cases or numbers are not decided together, and where the group as a whole loses a race, or meets a full
        day, the first goes alone.
        """
        group = list(independent(messages))
        if len(group) > 1:
            try:
                answers = await self._decide_together(group, key_id)
            except Exception as error:
                if not lost_race(error):
                    raise
                return await self._one_by_one(group, key_id)
            if answers:
                return answers
        return [await self._alone(group[0], key_id)]

    async def _one_by_one(self, group: Sequence[AnyMessage], key_id: UUID | None) -> list[Answer | Problem]:
        """Each alone. An error ends it, but never hides what has been committed: who comes later meets it again."""
        answers: list[Answer | Problem] = []
        for message in group:
            try:
                answers.append(await self._alone(message, key_id))
            except Exception:
                if not answers:
                    raise
                break
        return answers

    async def _alone(self, message: AnyMessage, key_id: UUID | None) -> Answer | Problem:
        try:
            return await self.accept(message, key_id)
        except Problem as problem:
            return problem

    async def check(self, message: AnyMessage, key_id: UUID | None = None) -> Answer:
        """What `accept` would answer now; the message itself changes nothing. A new case has no `case_id` yet."""
        return await retried(lambda: self._decide(message, key_id, commit=False))

    async def remind(self, reminder: Reminder, key_id: UUID | None = None) -> tuple[str, ...]:
        """Put a notice into the inboxes of those whom the case waits for; who they are.

        With `key_id`, the key must be live at that very instant (401). Raises `Problem` with the first refusal.
        """
        return await retried(lambda: self._caught_up(lambda: self._remind(reminder, key_id)))

    async def slots(self, message: AnyOpening, start: datetime | None = None) -> Found:
        """The lawful times for a message like this draft, from `start` or now on.

        What time has done is written down first, as for the message itself: a day is not called full that has room.
        """
        await self.catch_up_if_due()
        return await retried(lambda: self._find_slots(message, start))

    async def _find_slots(self, message: AnyOpening, start: datetime | None) -> Found:
        async with acquire(self._pool) as connection:
            # The facts tell of the cap from the day on that the message names.
            message = slots.naming(message, await connection.fetchval("SELECT nrdb_now()"))
            loaded = await self._load(connection, message, None)
            full = cap_code(message, loaded.facts) if loaded.facts.full_days else None
            if full and await self._return_room(connection, full):
                loaded = await self._load(connection, message, None)
            returning = await returning_to_nkom(connection, [row.numbers for row in loaded.facts.open_numbers])
        try:
            deciding.check_sender(message, loaded)
        except Problem as problem:
            return Found(None, not_before=(slots.NotBefore(None, None, problem),))
        rules = self._rules(loaded.closed_days)
        return slots.find_slots(
            rules, message, loaded.facts, loaded.now, start=start, routing=loaded.routing, returning=returning
        )

    async def settle(self) -> int:
        """Write down what time has done, oldest first, one batch; returns how many cases.

        Of several workers one does it at a time; the others find nothing to do.
        """
        return await retried(self._settle_batch)

    async def settle_on(self, connection: Connection) -> int:
        """One batch on the caller's connection."""
        return _count(await self._settle(connection, await load_due(connection, BATCH)))

    async def settle_returns_on(self, connection: Connection) -> int:
        """One batch, on the caller's connection, of the returns that the clearinghouse sends for Nkom."""
        return _count(await self._settle(connection, await load_due_returns(connection, BATCH)))

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
        return _count(await self._settle(connection, await load_awaiting(connection, code, BATCH), waived=code))

    async def waive_case_on(self, connection: Connection, case_id: UUID, code: str) -> int:
        """One case, within the caller's transaction, no longer waits for the code; how many ranges go home by that."""
        outcome = await self._settle(connection, await load_these(connection, [case_id]), waived=code)
        return len(outcome.routing) if outcome else 0

    async def complete_on(self, connection: Connection, case_ids: Sequence[UUID], at: datetime) -> None:
        """These cases, within the caller's transaction, wait for nobody any more: they are completed at `at`."""
        for first in range(0, len(case_ids), BATCH):
            loaded = await load_these(connection, case_ids[first : first + BATCH])
            await self._settle(connection, loaded, completed_at=at)

    async def _settle(
        self,
        connection: Connection,
        loaded: ManyCases | None,
        *,
        waived: str | None = None,
        completed_at: datetime | None = None,
    ) -> Outcome | None:
        """Write down what time has done to these cases, and that they no longer wait for a code, or for anybody."""
        if loaded is None:
            return None
        outcome = Outcome(loaded.epoch, loaded.now, self._rulebook.cap.daily_limit)
        outcome.customer_logs.update(loaded.customer_logs)
        rules = self._rules(loaded.closed_days)
        for stored in loaded.cases:
            outcome.before[stored.case_id] = stored
            case = consequences.settle(rules, stored, loaded.now, outcome, loaded.networks)
            if waived is not None:
                consequences.waive(rules, case, waived, outcome, loaded.networks)
            if completed_at is not None:
                consequences.complete(rules, case, completed_at, outcome)
        await write(connection, outcome, self._vault)
        return outcome

    async def _settle_batch(self) -> int:
        async with acquire(self._pool) as connection, connection.transaction():
            if not await connection.fetchval("SELECT pg_try_advisory_xact_lock(7267, 2)"):
                return 0
            return await self.settle_on(connection)

    async def _caught_up(self, unit: Callable[[], Awaitable[T]]) -> T:
        """Run it where nothing is due that everybody depends on: what is, is written down first."""
        while True:
            try:
                return await unit()
            except _FallenBehindError:
                await self.catch_up()

    async def _remind(self, reminder: Reminder, key_id: UUID | None) -> tuple[str, ...]:
        async with acquire(self._pool) as connection:
            loaded = await load_for_case(connection, reminder, key_id, self._rulebook.cap.daily_limit, self._vault)
            if loaded.due:
                raise _FallenBehindError
            deciding.check_sender(reminder, loaded)
            outcome = self._outcome(loaded)
            try:
                return deciding.remind(self._rules(loaded.closed_days), reminder, loaded, outcome)
            finally:
                # What time has done to the case is true whatever becomes of the reminder.
                if outcome.entries:
                    await write(connection, outcome, self._vault)

    async def _decide(self, message: AnyMessage, key_id: UUID | None, *, commit: bool) -> Answer:
        return await self._caught_up(lambda: self._decide_now(message, key_id, commit=commit))

    async def _decide_now(self, message: AnyMessage, key_id: UUID | None, *, commit: bool) -> Answer:
        async with acquire(self._pool) as connection:
            try:
                return await self._decide_on(connection, message, key_id, commit=commit)
            except Problem as problem:
                full = problem.facts if problem.code is Code.DAILY_CAP_EXCEEDED else None
                if not (full and await self._return_room(connection, full["code"])):
                    raise
            return await self._decide_on(connection, message, key_id, commit=commit)

    async def _decide_on(
        self, connection: Connection, message: AnyMessage, key_id: UUID | None, *, commit: bool
    ) -> Answer:
        loaded = await self._load(connection, message, key_id)
        if loaded.due:
            raise _FallenBehindError
        replay = await self._replay(connection, message, loaded)
        if replay is not None:
            return replay
        outcome = self._outcome(loaded)
        try:
            case = deciding.decide(self._rules(loaded.closed_days), message, loaded, outcome)
        except Problem:
            if commit and outcome.entries:
                await write(connection, outcome, self._vault)
            raise
        if commit:
            await write(connection, outcome, self._vault)
        found = deciding.answer(outcome, case, message)
        if not commit and not outcome.before:
            found.body["case"]["case_id"] = None
        return found

    async def _replay(self, connection: Connection, message: AnyMessage, loaded: Loaded) -> Answer | None:
        """The first answer to a message that had been accepted before. Raises what stands before the rules."""
        deciding.check_sender(message, loaded)
        if loaded.replay is None:
            return None
        deciding.check_replay(message, loaded.replay.digest, self._vault)
        return deciding.first_answer(await read_answer(connection, loaded.replay.log_id), message.sender, self._vault)

    async def _decide_together(self, group: Sequence[AnyMessage], key_id: UUID | None) -> list[Answer | Problem]:
        """All facts in one statement, all outcomes in another. Fewer answers than messages where one must go alone."""
        async with acquire(self._pool) as connection:
            every = await load_many(connection, group, key_id, self._rulebook.cap.daily_limit, self._vault)
            whole = self._outcome(every[0])
            answers: list[Answer | Problem] = []
            for message, loaded in zip(group, every, strict=True):
                if loaded.due:
                    break
                outcome = self._outcome(loaded)
                try:
                    found = await self._replay(connection, message, loaded)
                    if found is None:
                        case = deciding.decide(self._rules(loaded.closed_days), message, loaded, outcome)
                        found = deciding.answer(outcome, case, message)
                    answers.append(found)
                except Problem as problem:
                    if problem.code is Code.DAILY_CAP_EXCEEDED:
                        break
                    answers.append(problem)
                whole.add(outcome)
            await self._write_together(connection, whole, list(zip(group, answers, strict=False)))
        return answers

    async def _write_together(
        self, connection: Connection, whole: Outcome, answered: Sequence[tuple[AnyMessage, Answer | Problem]]
    ) -> None:
        """What was decided together is written or lost together, so that no answer hides what has been committed."""
        refused = [(m, found) for m, found in answered if isinstance(found, Problem) and is_refusal(found)]
        if not refused:
            if whole.entries:
                await write(connection, whole, self._vault)
            return
        async with connection.transaction():
            await record_refusals(connection, refused)
            if whole.entries:
                await write(connection, whole, self._vault)

    async def _return_room(self, connection: Connection, code: str) -> bool:
        """Obsolete cases give their room back at once: before a day counts as full, book what nobody has booked yet."""
        settled = False
        while await self._settle(connection, await load_due_to(connection, code, BATCH)):
            settled = True
        return settled

    async def _load(self, connection: Connection, message: AnyMessage, key_id: UUID | None) -> Loaded:
        limit = self._rulebook.cap.daily_limit
        if isinstance(message, NpBest | FiveIver | NpOpps | FiveOpps):
            return await load_for_opening(connection, message, key_id, limit, self._vault)
        return await load_for_case(connection, message, key_id, limit, self._vault)

    def _outcome(self, loaded: Loaded) -> Outcome:
        return Outcome(loaded.epoch, loaded.now, self._rulebook.cap.daily_limit)

    def _rules(self, closed_days: frozenset[date]) -> Rules:
        """The rules with the calendar of these closed days, made once for as long as they stay."""
        rules = self._rules_of.get(closed_days)
        if rules is None:
            rules = Rules(self._rulebook, working_calendar(self._rulebook, closed_days))
            self._rules_of = {closed_days: rules}
        return rules


def _count(settled: Outcome | None) -> int:
    """How many cases were settled."""
    return len(settled.before) if settled else 0
