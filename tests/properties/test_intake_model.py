"""Any sequence of messages, times and races, against a small clearinghouse of its own (`tests/properties/model`).

Providers send every type of message at random, most of them lawful or just beside it; the sandbox clock goes to the
boundaries of the rules and beside them, by a call or by itself; two or three things happen at once. Whatever happens,
there is an order of it in which the model comes to the same answers and to the same cases, histories, routing, room and
inboxes.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.properties.model import compare
from tests.properties.model.clearinghouse import OPENINGS, Message, Model
from tests.properties.model.market import CODES, NETWORKS, POOL, day_of, instant, text
from tests.properties.model.messages import CASE_MESSAGES, STARTS, Author, often, pick
from tests.properties.model.refusals import accepts, benign, refusal
from tests.properties.model.sandbox import Act, Clock, Reply, Sandbox, Send, Way, opened, prepare_template
from tests.support.server import Databases
from tests.support.service import local

from nrdb.clock import monotonic

#: Most messages take the short way, so that many more of them fit.
WAYS: tuple[Way, ...] = ("one", "one", "other", "http")


def expected(model: Model, act: Act, reply: Reply | None) -> Iterator[str]:
    """Let the model do what was done; what differs between the two answers, or nothing."""
    if isinstance(act, Clock):
        model.pass_time(act.to)
        return
    assert reply is not None
    m = act.message
    before = model.accepted.get((m["sender"], m["message_id"]))
    refused = refusal(model, m) if before is None else None
    if before is not None:
        wanted: tuple[int, str | None] = (200, None) if before == m else (409, "duplicate-message")
    else:
        wanted = (refused.status, refused.code) if refused else (201, None)
    if (reply.status, reply.code) != wanted:
        yield f"{m['type']} of {m['sender']}: {reply.status} {reply.code} instead of {wanted}"
        return
    facts = reply.body.get("facts") or {}
    for name, value in (refused.facts if refused else {}).items():
        if facts.get(name) != value:
            yield f"{m['type']} of {m['sender']} is {reply.code}, {name} {facts.get(name)} instead of {value}"
    if wanted[0] == 201:
        case = model.apply(m, reply.body["case"]["case_id"])
        if (reply.body["accepted_at"], reply.body["case"]["state"]) != (text(model.now), case.state):
            yield f"{m['type']} was accepted {reply.body['accepted_at']} into {reply.body['case']['state']}"


class Clearinghouse(RuleBasedStateMachine):
    """The service and the model, side by side; the fixture sets `databases` and `place`."""

    databases: ClassVar[Databases]
    place: ClassVar[Path]
    #: How many more things are looked at, and how often all of them.
    thorough: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.author = Author()
        self.first_answers: dict[str, tuple[Message, dict[str, Any]]] = {}
        self.settled = True
        self.differs = False

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: str) -> None:
        self.start = local(start)
        self._opened = opened(self.databases, self.start, self.place)
        self.sandbox: Sandbox = self.do(self._opened.__aenter__())
        self.model = Model(self.start)
        self.model.pass_time(self.start)

    def teardown(self) -> None:
        if hasattr(self, "sandbox"):
            try:
                if not self.differs:
                    self.do(self._at_the_end())
            finally:
                self.do(self._opened.__aexit__(None, None, None))
        self.loop.close()

    # --- what may happen ---

    @rule(data=st.data(), way=st.sampled_from(WAYS))
    def a_case_is_opened(self, data: st.DataObject, way: Way) -> None:
        self._happen([Send(self.author.opening(data.draw, self.model), way)])

    @rule(data=st.data(), way=st.sampled_from(WAYS))
    def somebody_does_what_is_lawful(self, data: st.DataObject, way: Way) -> None:
        if message := self.author.lawful(data.draw, self.model):
            self._happen([Send(message, way)])

    @rule(data=st.data(), way=st.sampled_from(WAYS))
    def a_case_goes_on(self, data: st.DataObject, way: Way) -> None:
        """Several lawful messages about one case, so that it gets somewhere."""
        if self.model.cases:
            case = self.model.cases[pick(data.draw, self.model.cases)]
            for _ in range(data.draw(st.integers(1, 4))):
                if message := self.author.lawful(data.draw, self.model, case):
                    self._happen([Send(message, way)])

    @rule(data=st.data(), way=st.sampled_from(WAYS))
    def anybody_sends_anything(self, data: st.DataObject, way: Way) -> None:
        if message := self.author.about(data.draw, self.model):
            self._happen([Send(message, way)])

    @rule(data=st.data(), by_call=st.booleans())
    def time_goes_on(self, data: st.DataObject, by_call: bool) -> None:
        self._happen([Clock(self.author.later(data.draw, self.model), by_call)])

    @rule(data=st.data())
    def several_at_once(self, data: st.DataObject) -> None:
        """Messages about one number or one case, some twice, perhaps while time goes on."""
        draw, model = data.draw, self.model
        acts: list[Act] = []
        if model.cases and often(draw, 2):
            case = model.cases[pick(draw, model.cases)]
            messages = [self.author.lawful(draw, model, case), self.author.about(draw, model, case)]
            messages.append(self.author.lawful(draw, model, case))
        else:
            number = pick(draw, POOL)
            messages = [self.author.opening(draw, model, number) for _ in range(2)]
        for message in messages[: draw(st.integers(1, 3))]:
            if message is not None:
                acts.append(Send(message, pick(draw, WAYS)))
        if acts and draw(st.booleans()):
            acts.append(Send(acts[0].message, pick(draw, WAYS), respelled=True) if isinstance(acts[0], Send) else acts[0])
        if not often(draw, 1):
            acts.append(Clock(self.author.later(draw, model), draw(st.booleans())))
        self._happen(acts[:4])

    @rule(data=st.data(), way=st.sampled_from(WAYS))
    def a_message_comes_again(self, data: st.DataObject, way: Way) -> None:
        """The same content in other words is answered as the first time; other content is another message."""
        if not self.first_answers:
            return
        message, first = self.first_answers[pick(data.draw, self.first_answers)]
        if data.draw(st.booleans()):
            reply = self.do(self.sandbox.post(message, way))
            assert (reply.status, reply.body) == (200, first), reply
            self._happen([Send(message, way, respelled=True)])
        else:
            self._happen([Send({**message, **self._changed(message)}, way)])

    @staticmethod
    def _changed(message: Message) -> Message:
        for name in ("main_number", "case_id"):
            if name in message:
                return {name: "90012399" if name == "main_number" else "00000000-0000-4000-8000-000000000000"}
        raise AssertionError(message)

    @rule(data=st.data(), limit=st.integers(0, 3), ahead=st.integers(0, 3))
    def a_limit_is_set(self, data: st.DataObject, limit: int, ahead: int) -> None:
        code, day = pick(data.draw, (*CODES, "0")), day_of(self.model.now) + timedelta(days=ahead)
        self.do(self.sandbox.service.admin("PUT", f"/caps/{code}/{day}", {"limit": limit, "reason": "model"}))
        self.model.limits[code, day] = limit

    @rule(ahead=st.integers(1, 90))
    def a_day_is_closed(self, ahead: int) -> None:
        day = day_of(self.model.now) + timedelta(days=ahead)
        self.do(self.sandbox.service.admin("PUT", f"/calendar/closed-days/{day}", {"reason": "model"}))
        self.model.closed |= {day}

    @rule(one=st.sampled_from(["one", "other"]))
    def a_worker_comes_by(self, one: str) -> None:
        self.do(self.sandbox.intakes[one].settle())
        self.settled = True

    def _happen(self, acts: list[Act]) -> None:
        """Do all of it at once, and find the order in which the model agrees."""
        if not acts:
            return
        for act in acts:
            note(f"  {act}")
        replies = self.do(self.sandbox.at_once(acts))
        note(f"    -> {[(reply.status, reply.code) if reply else 'time' for reply in replies]}")
        self.settled = self.settled and all(not isinstance(act, Clock) or act.by_call for act in acts)
        reasons = []
        for order in permutations(zip(acts, replies, strict=True)):
            model = self.model.copy()
            differences = [told for act, reply in order for told in expected(model, act, reply)]
            if not differences:
                differences = self.do(self._differences(model, self._about(acts, replies)))
            if not differences:
                self._agreed(model, acts, replies)
                return
            reasons.append("\n".join(differences))
        self.differs = True
        raise AssertionError("in no order does the model agree:\n" + "\n--\n".join(dict.fromkeys(reasons)))

    @staticmethod
    def _about(acts: list[Act], replies: list[Reply | None]) -> set[str]:
        """The cases that were meant."""
        opened_now = {reply.body["case"]["case_id"] for reply in replies if reply and "case" in reply.body}
        return opened_now | {a.message["case_id"] for a in acts if isinstance(a, Send) and "case_id" in a.message}

    def _agreed(self, model: Model, acts: list[Act], replies: list[Reply | None]) -> None:
        self.model = model
        for act, reply in zip(acts, replies, strict=True):
            if isinstance(act, Send) and reply is not None:
                if reply.status == 201:
                    self.first_answers[act.message["message_id"]] = act.message, reply.body
                facts = reply.body.get("facts") or {}
                self.author.told += [instant(facts[name]) for name in ("earliest", "latest") if facts.get(name)]
            if isinstance(act, Clock):
                self.author.told = [at for at in self.author.told if at > model.now]

    # --- what must hold ---

    async def _differences(self, model: Model, about: set[str]) -> list[str]:
        seen = await self.sandbox.cases()
        found = list(compare.cases(model, seen))
        if found:
            return found
        for case_id in about & set(model.cases):
            lines = await self.sandbox.service.history(case_id)
            found += compare.history(model.cases[case_id], lines)
            found += compare.upcoming(model, model.cases[case_id], seen[case_id]["next"])
        found += compare.routing(model, await self.sandbox.routing(), model.now)
        return found + list(compare.taken(model, await self.sandbox.taken()))

    @rule(data=st.data())
    def what_may_come_is_asked(self, data: st.DataObject) -> None:
        """`POST /v1/messages/check` says of any message what `next` and the model say, and changes nothing."""
        if not self.model.cases:
            return
        case = self.model.cases[pick(data.draw, self.model.cases)]
        seen = self.do(self.sandbox.service.case(case.case_id))
        listed = {(item["type"], item["by"]) for item in seen["next"] if item["from"] is None}
        pairs = [(kind, code) for kind in CASE_MESSAGES for code in sorted({*NETWORKS, *case.parties})]
        asked = pairs if self.thorough else {*listed, *(pick(data.draw, pairs) for _ in range(4))}
        for number, (kind, code) in enumerate(sorted(asked)):
            m = benign(kind, code, case, self.model) | {"message_id": f"00000000-0000-4000-8000-{number:012}"}
            reply = self.do(self.sandbox.post(m, "http" if number % 4 == 0 else "one", check=True))
            lawful = reply.status == 201 or reply.code == "daily-cap-exceeded"
            assert lawful == ((kind, code) in listed) == accepts(self.model, case, kind, code), (m, reply)
            refused = refusal(self.model, m)
            assert reply.code == (refused.code if refused else None), (m, reply)

    @rule(data=st.data())
    def an_opening_is_asked(self, data: st.DataObject) -> None:
        m = self.author.opening(data.draw, self.model)
        reply = self.do(self.sandbox.post(m, pick(data.draw, WAYS), check=True))
        refused = refusal(self.model, m)
        assert reply.code == (refused.code if refused else None), (m, reply)
        assert refused or reply.body["case"]["case_id"] is None

    @rule(data=st.data())
    def everything_is_looked_at(self, data: st.DataObject) -> None:
        self._hold(self._always(data.draw))

    @rule()
    def inboxes_are_read(self) -> None:
        self.do(self.sandbox.follow())

    def _hold(self, differences: Any) -> None:
        found = self.do(differences)
        self.differs = bool(found)
        assert not found, "\n".join(found)

    async def _always(self, draw: Any) -> list[str]:
        model, service = self.model, self.sandbox.service
        found = await self._differences(model, set(model.cases))
        moments = sorted({*(at for at, *_ in model.served), model.now}) + [model.now + timedelta(days=70)]
        chosen = [pick(draw, moments) for _ in range(2)] if draw else moments
        for at in chosen:
            for near in {at, max(self.start, at - timedelta(microseconds=1))}:
                found += compare.routing(model, await self.sandbox.routing(near), near)
        first = day_of(model.now)
        for code in [pick(draw, (*CODES, "0"))] if draw else (*CODES, "0"):
            page = await service.read(f"/caps/{code}", from_=str(first), to=str(first + timedelta(days=8)))
            found += compare.room(model, code, page["items"])
        await self.sandbox.follow()
        for code, (_, items) in self.sandbox.followed.items():
            found += compare.inbox(model, code, items, settled=self.settled)
            found += compare.personal(model, code, str(items))
        for code in [pick(draw, CODES)] if draw else CODES:
            found += await self._seen_by(code)
        return found

    async def _seen_by(self, code: str) -> list[str]:
        """Who sees which cases, with which personal data (contract section 3)."""
        page = await self.sandbox.service.read("/cases", code, limit=1000)
        items = [case for case in page["items"] if case["case_id"] in self.model.cases]
        visible = {case_id for case_id, case in self.model.cases.items() if case.visible_to(code)}
        found = [] if {case["case_id"] for case in items} == visible else [f"{code} sees {items} instead of {visible}"]
        for item in items:
            case = self.model.cases[item["case_id"]]
            wanted = case.customer if code in (case.mt, case.at) else None
            if item["customer"] != wanted:
                found.append(f"{code} sees the customer {item['customer']} of {case.case_id} instead of {wanted}")
        everybody = await self.sandbox.service.read("/cases", limit=1000)
        found += compare.personal(self.model, "", str(everybody))
        return found + list(compare.personal(self.model, code, str(page)))

    async def _at_the_end(self) -> None:
        await self.sandbox.at_once([Clock(self.model.now + timedelta(minutes=1), by_call=True)])
        self.model.pass_time(self.model.now + timedelta(minutes=1))
        self.settled = True
        found = await self._always(None)
        for code, (_, items) in self.sandbox.followed.items():
            if items != await self.sandbox.service.inbox(code, limit=1000):
                found.append(f"following the inbox of {code} is not reading it from the first on")
        assert not found, "\n".join(found)


@pytest.fixture
def prepared(databases: Databases, tmp_path: Path) -> type[Clearinghouse]:
    asyncio.run(prepare_template(databases, tmp_path))
    Clearinghouse.databases, Clearinghouse.place = databases, tmp_path
    return Clearinghouse


def bounded(examples: int, steps: int, **more: Any) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink) if not os.environ.get('NOSHRINK') else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        **more,
    )


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_clearinghouse_under_any_sequence(prepared: type[Clearinghouse]) -> None:
    """The same sequences each time: what fails here comes from a change, and comes again until that is mended."""
    run_state_machine_as_test(prepared, settings=bounded(12, 30, derandomize=True))


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_clearinghouse_for_long(prepared: type[Clearinghouse], monkeypatch: pytest.MonkeyPatch) -> None:
    """Other sequences each time, for NRDB_SOAK_MINUTES (30); each round tells its seed, NRDB_SOAK_SEED repeats it."""
    monkeypatch.setattr(prepared, "thorough", True)
    given = os.environ.get("NRDB_SOAK_SEED")
    end = monotonic() + 60 * float(os.environ.get("NRDB_SOAK_MINUTES", "30"))
    while monotonic() < end:
        number = int(given) if given else int.from_bytes(os.urandom(4), "big")
        print(f"NRDB_SOAK_SEED={number}", flush=True)
        run_state_machine_as_test(seed(number)(prepared), settings=bounded(20, 60))
        if given:
            break
