"""The service beside the model: what is sent to it, and what it is seen to be."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from tests.properties.model.clearinghouse import Message, Model
from tests.properties.model.market import NETWORKS, POOL, PREPARED
from tests.properties.model.messages import respelled
from tests.support import rows
from tests.support.server import BEGINNING, Databases, sandbox_settings
from tests.support.service import KARI, Service, running

from nrdb.data_key import open_vault
from nrdb.db import acquire, open_pool
from nrdb.errors import Problem
from nrdb.intake import Intake
from nrdb.messages.kinds import MESSAGE
from nrdb.messages.reminding import Reminder
from nrdb.routing.numbers import parse_number
from nrdb.routing.store import lookup
from nrdb.rulebook import load_rulebook

TEMPLATE = "model_template"
#: What is older was there before the model.
FIRST_YEAR = "2021"
Way = Literal["http", "one", "other"]


@dataclass(frozen=True, slots=True)
class Send:
    """A message, and the way that it takes: over HTTP or through one of two intakes on the same database."""

    message: Message
    way: Way = "one"
    #: In other words than the model's, with the same content.
    respelled: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """Time goes on: by the clock call, or by itself, in which case nobody writes down what it does."""

    to: datetime
    by_call: bool


@dataclass(frozen=True, slots=True)
class Remind:
    """A code reminds those whom a case waits for."""

    case_id: str
    code: str
    way: Way = "one"


Act = Send | Clock | Remind


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered: the body of a success, the code and facts of a refusal."""

    status: int
    code: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """The service at one moment."""

    cases: dict[str, dict[str, Any]]
    histories: dict[str, list[dict[str, Any]]]
    routing: dict[str, dict[str, Any]]
    taken: Counter[tuple[str, str]]
    #: When somebody was last reminded of a case: no answer tells, but the next reminder depends on it.
    reminded: dict[str, datetime]


class Sandbox:
    """A running service, two intakes beside it, and what everybody has read of their inboxes."""

    def __init__(self, service: Service, intakes: dict[str, Intake]) -> None:
        self.service = service
        self.intakes = intakes
        self.followed = {code: (0, list[dict[str, Any]]()) for code in (*NETWORKS, "CHILI")}

    # --- acting ---

    async def at_once(self, acts: list[Act]) -> list[Reply | None]:
        """All of them at the same time."""
        replies = await asyncio.gather(*(self._act(act) for act in acts))
        # Routing after the return of a number of code 0 is what the clearinghouse's next step makes it.
        await self.intakes["one"].catch_up()
        return replies

    async def _act(self, act: Act) -> Reply | None:
        if isinstance(act, Send):
            return await self.post(respelled(act.message) if act.respelled else act.message, act.way)
        if isinstance(act, Remind):
            return await self._remind(act)
        if not act.by_call:
            # Never backwards, whoever else moves it meanwhile.
            await self.service.db.execute("UPDATE world SET sandbox_now = greatest(sandbox_now, $1)", act.to)
            return None
        response = await self.service.send("PUT", "/sandbox/clock", "ADMIN", {"now": act.to.isoformat()})
        assert response.status_code == 200, response.text
        return None

    async def _remind(self, act: Remind) -> Reply:
        if act.way == "http":
            response = await self.service.send("POST", f"/cases/{act.case_id}/remind", act.code, None)
            return Reply(response.status_code, response.json().get("code"), response.json())
        try:
            reminded = await self.intakes[act.way].remind(Reminder(act.code, act.case_id))
        except Problem as problem:
            return Reply(problem.status, str(problem.code), {"facts": problem.facts})
        return Reply(202, None, {"reminded": list(reminded)})

    async def post(self, m: Message, way: Way, *, check: bool = False) -> Reply:
        """The answer to a message, or to the question what it would be."""
        if way == "http":
            path = "/messages/check" if check else "/messages"
            response = await self.service.send("POST", path, m["sender"], m)
            status, body = response.status_code, response.json()
            if check:
                status, body = body["status"], body["answer"]
            return Reply(status, body.get("code"), body)
        message = MESSAGE.validate_json(orjson.dumps(m))
        try:
            intake = self.intakes[way]
            answer = await (intake.check(message) if check else intake.accept(message))
        except Problem as problem:
            return Reply(problem.status, str(problem.code), {"facts": problem.facts})
        return Reply(200 if answer.replayed else 201, None, answer.body)

    # --- looking ---

    async def look(self, about: Iterable[str]) -> Seen:
        """What everybody must agree on now; the histories of the cases meant."""
        cases = await self.cases()
        histories = {case_id: await self.service.history(case_id) for case_id in about if case_id in cases}
        rows = await self.service.db.fetch("SELECT case_id::text, reminded_at FROM cases WHERE reminded_at IS NOT NULL")
        return Seen(cases, histories, await self.routing(), await self.taken(), {row[0]: row[1] for row in rows})

    async def cases(self) -> dict[str, dict[str, Any]]:
        """All cases as an operator sees them."""
        found = (await self.service.read("/cases", limit=1000))["items"]
        return {case["case_id"]: case for case in found if case["created_at"] > FIRST_YEAR}

    async def routing(self, at: datetime | None = None) -> dict[str, dict[str, Any]]:
        """Who serves the numbers; one is asked for over HTTP, the others more quickly."""
        one, *others = POOL
        found = {one: await self.service.read(f"/routing/{one}", at=at.isoformat() if at else None)}
        for number in others:
            answer = await lookup(self.service.db, parse_number(number), at)
            assert answer is not None
            found[number] = answer
        return found

    async def taken(self) -> Counter[tuple[str, str]]:
        """The numbers that are taken now, with their cases, as the database guards them."""
        rows = await self.service.db.fetch(
            """
            SELECT c.case_id::text, lower(n.numbers) AS first, upper(n.numbers) - 1 AS last
              FROM case_numbers n JOIN cases c USING (case_id) WHERE n.during @> nrdb_now()
            """
        )
        return Counter(
            (str(number).removeprefix("47"), row["case_id"])
            for row in rows
            for number in range(row["first"], row["last"] + 1)
        )

    async def follow(self, code: str) -> list[dict[str, Any]]:
        """A code reads on from where it was; all that it has read by then."""
        after, items = self.followed[code]
        page = await self.service.read("/inbox", code, after=after, limit=1000)
        self.followed[code] = page["next"], items + page["items"]
        return self.followed[code][1]


@asynccontextmanager
async def opened(databases: Databases, start: datetime, place: Path) -> AsyncIterator[Sandbox]:
    """The service on a clone of the prepared template, at that time."""
    settings = sandbox_settings(place)
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(databases.sandbox(start, TEMPLATE))
        service = await stack.enter_async_context(running(settings, dsn, databases.keys))
        intakes = {way: await _intake(stack, dsn, settings) for way in ("one", "other")}
        yield Sandbox(service, intakes)


async def _intake(stack: AsyncExitStack, dsn: str, settings: Any) -> Intake:
    pool = await open_pool(dsn, 4)
    stack.push_async_callback(pool.close)
    async with acquire(pool) as connection:
        vault = await open_vault(connection, settings)
    return Intake(pool, load_rulebook(), vault)


async def prepare_template(databases: Databases, place: Path) -> None:
    """A market with few networks, and a returned series with numbers that were ported before (see `market`)."""
    async with (
        databases.kept(TEMPLATE, BEGINNING) as dsn,
        running(sandbox_settings(place), dsn, databases.keys) as service,
    ):
        await service.db.execute(
            "UPDATE provider SET terminating = false, routing_number = NULL WHERE code <> ALL($1)", list(NETWORKS)
        )
        await service.db.execute("UPDATE series SET holder = 'CHILI', status = 'open' WHERE status = 'returned'")
        await rows.replan(service.db)
        for number, code in PREPARED.items():
            await _ported(service, number, code)
        # Beyond the retention of personal data, which the first move of a clock would otherwise find due.
        await service.clock(days=120)
        await service.db.execute(
            """
            UPDATE series SET holder = '0', status = 'returned' WHERE series_id = (
                SELECT series_id FROM series WHERE numbers @> $1::bigint)
            """,
            int(f"47{next(iter(PREPARED))}"),
        )
        await rows.replan(service.db)


async def _ported(service: Service, number: str, code: str) -> None:
    at = "2020-01-02T12:00:00+01:00"
    case_id = await service.ordered(code, main_number=number, donor="CHILI", porting_time=at, customer=KARI)
    await service.accepted("CHILI", "NP_GODK", case_id=case_id)
    await service.accepted(code, "NP_IVER", case_id=case_id)


__all__ = ["Act", "Clock", "Model", "Remind", "Reply", "Sandbox", "Send", "Way", "opened", "prepare_template"]
