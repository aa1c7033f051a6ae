"""The routing table against a small model that shares nothing with it: the world, walked through event by event.

Portings, returns, cancellations, changes of series and of codes, set for now or for later and taken back again, and new
routing numbers come in any order. The model keeps what has been told and, for an answer, lives through it from the
beginning to the instant asked for. Every answer that was ever given must still be given for the instant at which it was
(`known_at`).
"""

import asyncio
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from tests.support.server import Databases, sandbox_settings
from tests.support.service import Service, local, running
from tests.support.soundness import check_routing

from nrdb.routing.numbers import parse_number
from nrdb.routing.store import lookup

START = local("2026-11-23 08:00")
#: Two series of the seed, numbers in them, and their holders at the start.
SERIES = {"90012345": "TELENOR", "92000000": "TELIA"}
NUMBERS = {
    "90012345": "90012345", "90000000": "90012345", "90010000": "90012345", "90010001": "90012345",
    "90010003": "90012345", "90199999": "90012345", "92000000": "92000000", "92000007": "92000000",
}  # fmt: skip
ROUTING = {"TELENOR": "D0009", "TELIA": "+47990010", "LYSE": "D0006"}


@dataclass(order=True)
class Event:
    """Something that happens at an instant; of two at one instant, the one told of later comes later."""

    at: datetime
    order: int
    kind: str = field(compare=False)
    what: str = field(compare=False)
    to: str | None = field(compare=False, default=None)


@dataclass
class World:
    """What has been told so far."""

    now: datetime
    events: list[Event] = field(default_factory=list)
    #: When a code got another routing number.
    renumbered: list[tuple[datetime, str, str]] = field(default_factory=list)

    def answer(self, number: str, at: datetime) -> tuple[Any, ...]:
        """Holder, network, routing number, range holder."""
        plan, own = dict(SERIES), dict[str, str]()
        # What a code is called by now: what had been told of it before is told of its successor.
        called = {code: code for code in ROUTING}
        for event in sorted(self.events):
            if event.at > at:
                break
            match event.kind:
                case "port" if event.to is not None:
                    own[event.what] = called[event.to]
                case "port":
                    own.pop(event.what, None)
                case "series" if event.to is not None:
                    before, plan[event.what] = plan[event.what], called[event.to]
                    # Whom the range holder serves is not ported: it goes to the new one, or is its already.
                    for ported in [n for n, code in own.items() if code in (before, plan[event.what])]:
                        if NUMBERS[ported] == event.what:
                            del own[ported]
                case "code" if event.to is not None:
                    becomes = {code: called[event.to] if code == event.what else code for code in ROUTING}
                    called = {code: becomes[name] for code, name in called.items()}
                    plan = {key: becomes[code] for key, code in plan.items()}
                    own = {key: becomes[code] for key, code in own.items()}
                    own = {n: code for n, code in own.items() if plan[NUMBERS[n]] != code}
        range_holder = plan[NUMBERS[number]]
        holder = own.get(number, range_holder)
        return holder, holder, self.routing_number(holder, at), range_holder

    def routing_number(self, code: str, at: datetime) -> str:
        """As it was then; of the future, as it is now."""
        found = ROUTING[code]
        for since, renumbered, routing_number in self.renumbered:
            if renumbered == code and since <= at:
                found = routing_number
        return found


KINDS = ("port", "port", "port", "home", "undo", "series", "series later", "code later", "cancel", "number", "wait")
program = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 2**20)), min_size=4, max_size=14)


class Player:
    """Does the same to the service and to the model."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.world = World(START)
        self.told: list[World] = []
        self.planned: list[tuple[int, Event]] = []
        self.ported: list[Event] = []
        self.minute = 0

    def instant(self, chance: Random) -> datetime:
        """One that nothing else happens at, within the next hours."""
        self.minute += 1
        return self.world.now + timedelta(hours=chance.randrange(1, 9), seconds=self.minute)

    async def codes(self) -> list[str]:
        """Codes that can still be given numbers."""
        gone = {event.what for _, event in self.planned if event.kind == "code"}
        gone |= {event.what for event in self.world.events if event.kind == "code"}
        return [code for code in ROUTING if code not in gone]

    async def say(self, event: Event, *, undo: bool = False) -> None:
        number = parse_number(event.what)
        said = {"first": number, "since": event.at, "undo": undo, "holder": event.to, "network": event.to}
        await self.service.db.execute(
            "SELECT reroute(nrdb_now(), ARRAY[$1::bigint], ARRAY[$1::bigint], $2)",
            number,
            orjson.dumps([said]).decode(),
        )

    async def play(self, kind: str, value: int) -> None:
        """One step."""
        chance, world, order = Random(value), self.world, len(self.told)  # noqa: S311 (no secret)
        number, series = chance.choice(list(NUMBERS)), chance.choice(list(SERIES))
        codes = await self.codes()
        to = chance.choice(codes)
        match kind:
            case "port" | "home":
                pending = {event.what for event in self.ported if event.at > world.now}
                if number in pending:
                    return
                at = self.instant(chance) if kind == "port" else world.now
                event = Event(at, order, "port", number, to if kind == "port" else None)
                await self.say(event)
                world.events.append(event)
                if kind == "port":
                    self.ported.append(event)
            case "undo":
                waiting = [event for event in self.ported if event.at > world.now]
                if waiting:
                    event = chance.choice(waiting)
                    self.ported.remove(event)
                    world.events.remove(event)
                    await self.say(event, undo=True)
            case "series" | "series later":
                at = self.instant(chance) if kind == "series later" else world.now
                await self.change_series(series, to, at, order)
            case "code later":
                if len(codes) > 2:
                    other = chance.choice([code for code in codes if code != to])
                    await self.plan("code", to, Event(self.instant(chance), order, "code", to, other))
            case "cancel":
                if self.planned:
                    planned, event = self.planned.pop(chance.randrange(len(self.planned)))
                    response = await self.service.send("DELETE", f"/admin/planned-changes/{planned}", "ADMIN", None)
                    assert response.status_code == 204
                    world.events.remove(event)
            case "number":
                fresh = f"+4799{chance.randrange(10**6):06}"
                await self.service.admin("PATCH", f"/providers/{to}", {"routing_number": fresh})
                world.renumbered.append((world.now, to, fresh))
            case _:
                world.now += timedelta(hours=chance.randrange(1, 6), minutes=7)
                self.planned = [(id_, event) for id_, event in self.planned if event.at > world.now]
                await self.service.clock(world.now)

    async def change_series(self, series: str, to: str, at: datetime, order: int) -> None:
        """A new holder, where it is one and nothing else is set for the series."""
        world = self.world
        if any(event.what == series for _, event in self.planned) or world.answer(series, world.now)[3] == to:
            return
        if any(event.kind == "code" for _, event in self.planned):
            return
        await self.plan("series", series, Event(at, order, "series", series, to))

    async def plan(self, kind: str, what: str, event: Event) -> None:
        later = event.at > self.world.now
        if kind == "series":
            found = (await self.service.read("/series", number=what))["items"][0]
            body = {"holder": event.to, "reason": "model"} | ({"valid_from": event.at.isoformat()} if later else {})
            answer = await self.service.admin("PATCH", f"/series/{found['series_id']}", body)
        else:
            body = {"to": event.to, "reason": "model", "effective_at": event.at.isoformat()}
            answer = await self.service.admin("POST", f"/provider-codes/{what}/transfer", body)
        self.world.events.append(event)
        if later:
            self.planned.append((answer["planned"]["id"], event))

    async def compare(self) -> None:
        """Every number at every instant at which something happens, and just before it."""
        instants = {self.world.now} | {event.at for event in self.world.events}
        instants |= {at - timedelta(microseconds=1) for at in instants if at > START}
        for world in [self.world, *self.told[-1:], *self.told[:: max(1, len(self.told) // 3)]]:
            known_at = None if world is self.world else world.now
            for number in NUMBERS:
                for at in sorted(instants):
                    found = await lookup(self.service.db, parse_number(number), at, known_at) or {}
                    got = tuple(found.get(name) for name in ("holder", "network", "routing_number", "range_holder"))
                    assert got == world.answer(number, at), f"{number} at {at}, known at {known_at}"


async def _live(databases: Databases, place: Path, steps: Sequence[tuple[str, int]]) -> None:
    async with databases.sandbox(START) as dsn, running(sandbox_settings(place), dsn, databases.keys) as service:
        player = Player(service)
        # The clock goes on a little with each step, so that each is known from an instant of its own on.
        for kind, value in steps:
            note(f"{player.world.now} {kind} {value}")
            await player.play(kind, value)
            await player.compare()
            player.told.append(deepcopy(player.world))
            player.world.now += timedelta(minutes=1)
            await service.clock(player.world.now)
            player.planned = [(id_, event) for id_, event in player.planned if event.at > player.world.now]
        await check_routing(service.db)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_table_tells_what_happens(databases: Databases, tmp_path: Path) -> None:
    given(program)(
        settings(
            max_examples=25,
            deadline=None,
            database=None,
            derandomize=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )(lambda steps: asyncio.run(_live(databases, tmp_path, steps)))
    )()
