"""Any sequence of messages, times and races, against a small clearinghouse of its own (`tests/properties/model`).

Providers send every type of message at random, most of them lawful or just beside it; the sandbox clock goes to the
boundaries of the rules and beside them, by a call or by itself; two or three things happen at once. Whatever happens,
there is an order of it in which the model comes to the same answers and to the same cases, histories, routing, room and
inboxes.
"""

import asyncio
import os
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, currently_in_test_context, note, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.properties.model import compare
from tests.properties.model.clearinghouse import BLOCKING, BY_TIME, MAY, Case, Message, Model
from tests.properties.model.market import CODES, NETWORKS, POOL, day_of, instant
from tests.properties.model.messages import CASE_MESSAGES, NUDGES, STARTS, Author, often, pick
from tests.properties.model.refusals import HALF_HOUR, accepts, benign, refusal
from tests.properties.model.sandbox import Act, Clock, Remind, Reply, Sandbox, Send, Way, opened, prepare_template
from tests.support.server import Databases
from tests.support.service import local

from nrdb.clock import monotonic

#: Most messages take the short way, so that many more of them fit.
WAYS: tuple[Way, ...] = ("one", "one", "other", "http")
#: States of cases that are not over.
GOING = (*BLOCKING, "awaiting_completion")
#: Of these, those in which somebody else than the recipient owes the next word.
WAITING = ("awaiting_donor", "awaiting_completion", "awaiting_return")
#: What may happen, and how often of a hundred times. The first is the cheapest: Hypothesis begins with it alone.
ACTIONS = [
    action
    for action, times in {
        "read_an_inbox": 2, "open_a_case": 15, "go_on": 27, "send_anything": 8, "let_time_pass": 11,
        "stand_at_a_boundary": 9, "race": 14, "remind": 5, "send_again": 3, "set_a_limit": 3, "close_a_day": 1,
        "let_a_worker_come_by": 2, "ask_what_may_come": 4, "ask_about_an_opening": 2, "look_at_everything": 3,
    }.items()
    for _ in range(times)
]  # fmt: skip


def _tell(what: str) -> None:
    """Show it with the steps of a failing example; those may be run again outside of Hypothesis, too."""
    if currently_in_test_context():
        note(what)


class Clearinghouse(RuleBasedStateMachine):
    """The service and the model, side by side; the fixture sets `databases` and `place`."""

    databases: ClassVar[Databases]
    place: ClassVar[Path]
    #: How many more things are looked at, and how often all of them.
    thorough: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.first_answers: dict[str, tuple[Message, dict[str, Any]]] = {}
        self.settled = True
        self.differs = False

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: str) -> None:
        self.start = local(start)
        self.model = Model(self.start)
        self.author = Author(self.start)

    def _begun(self) -> None:
        """Start the service when the first thing happens."""
        if hasattr(self, "sandbox"):
            return
        self._opened = opened(self.databases, self.start, self.place)
        self.sandbox: Sandbox = self.do(self._opened.__aenter__())

    def teardown(self) -> None:
        if hasattr(self, "sandbox"):
            try:
                if not self.differs:
                    self.do(self._at_the_end())
            finally:
                self.do(self._opened.__aexit__(None, None, None))
        self.loop.close()

    # --- what may happen ---

    @rule(action=st.sampled_from(ACTIONS), chance=st.integers(0, 2**23))
    def step(self, action: str, chance: int) -> None:
        """One rule with weights of its own: of many, Hypothesis would leave out some at random.

        What an action does is thrown with dice of its own, so that an example is no more than a start and a list of
        (action, chance), and failing ones shrink by their steps.
        """
        self._begun()
        action = action if self.model.cases else "open_a_case"
        getattr(self, f"_{action}")(Random(chance))  # noqa: S311 (no secret)

    def _open_a_case(self, dice: Random) -> None:
        self._happen([Send(self.author.opening(dice, self.model), pick(dice, WAYS))])

    def _go_on(self, dice: Random) -> None:
        """Several lawful messages about one case, and its time, so that it gets somewhere."""
        going = [case_id for case_id, case in self.model.cases.items() if case.state in GOING]
        if not going:
            self._open_a_case(dice)
            return
        case_id = pick(dice, going)
        for _ in range(dice.randint(1, 4)):
            case = self.model.cases[case_id]
            if message := self.author.lawful(dice, self.model, case):
                self._happen([Send(message, pick(dice, WAYS))])
            elif case.state in BY_TIME and case.time <= self.author.end:
                self._happen([Clock(case.time, by_call=often(dice, 1))])

    def _send_anything(self, dice: Random) -> None:
        if message := self.author.about(dice, self.model):
            self._happen([Send(message, pick(dice, WAYS))])

    def _let_time_pass(self, dice: Random) -> None:
        self._happen([Clock(self.author.later(dice, self.model), often(dice, 1))])

    def _race(self, dice: Random) -> None:
        """Messages about one number or one case at once, some twice, perhaps while time goes on."""
        model = self.model
        if often(dice, 2):
            case = model.cases[pick(dice, model.cases)]
            wanted = [self.author.lawful(dice, model, case), self.author.about(dice, model, case)]
            wanted.append(self.author.lawful(dice, model, case))
        else:
            number = pick(dice, POOL)
            wanted = [self.author.opening(dice, model, number) for _ in range(2)]
        messages = [message for message in wanted if message is not None][: dice.randint(1, 3)]
        acts: list[Act] = [Send(message, pick(dice, WAYS)) for message in messages]
        if often(dice, 1):
            acts.append(Send(messages[0], pick(dice, WAYS), respelled=True))
        if often(dice, 1):
            acts.append(Clock(self.author.later(dice, model), by_call=often(dice, 1)))
        self._happen(acts)

    def _remind(self, dice: Random) -> None:
        """Whoever waits, or somebody else, reminds; perhaps twice at once, beside a message, or while time goes on."""
        waiting = [case.case_id for case in self.model.cases.values() if case.state in WAITING]
        case = self.model.cases[pick(dice, waiting if waiting and often(dice) else self.model.cases)]
        code = case.mt or case.at if often(dice) else pick(dice, CODES)
        acts: list[Act] = [Remind(case.case_id, code, pick(dice, WAYS)) for _ in range(dice.randint(1, 2))]
        if often(dice, 1) and (message := self.author.lawful(dice, self.model, case)):
            acts.append(Send(message, pick(dice, WAYS)))
        elif often(dice, 1):
            acts.append(Clock(self.author.later(dice, self.model), by_call=often(dice, 1)))
        self._happen(acts)
        if (at := self.model.cases[case.case_id].reminded) and often(dice):
            at += timedelta(hours=1) + pick(dice, NUDGES)
            self._happen([Clock(self.author.forward(self.model, at), by_call=often(dice, 1))])
            self._happen([Remind(case.case_id, case.mt or case.at, pick(dice, WAYS))])

    def _send_again(self, dice: Random) -> None:
        """The same content in other words is answered as the first time; other content is another message."""
        message, first = self.first_answers[pick(dice, self.first_answers)]
        way = pick(dice, WAYS)
        if often(dice, 1):
            reply = self.do(self.sandbox.post(message, way))
            assert (reply.status, reply.body) == (200, first), reply
            self._happen([Send(message, way, respelled=True)])
        else:
            self._happen([Send({**message, **self._changed(message)}, way)])

    def _set_a_limit(self, dice: Random) -> None:
        code, limit = pick(dice, (*CODES, "0")), dice.randint(0, 3)
        day = day_of(self.model.now) + timedelta(days=dice.randint(0, 3))
        self.do(self.sandbox.service.admin("PUT", f"/caps/{code}/{day}", {"limit": limit, "reason": "model"}))
        self.model.limits[code, day] = limit

    def _close_a_day(self, dice: Random) -> None:
        day = day_of(self.model.now) + timedelta(days=dice.randint(1, 90))
        self.do(self.sandbox.service.admin("PUT", f"/calendar/closed-days/{day}", {"reason": "model"}))
        self.model.closed |= {day}

    def _let_a_worker_come_by(self, dice: Random) -> None:
        self.do(self.sandbox.intakes[pick(dice, ("one", "other"))].settle())
        self.settled = True

    def _read_an_inbox(self, dice: Random) -> None:
        self.do(self.sandbox.follow(pick(dice, CODES)))

    @staticmethod
    def _changed(message: Message) -> Message:
        for name in ("main_number", "case_id"):
            if name in message:
                return {name: "90012399" if name == "main_number" else "00000000-0000-4000-8000-000000000000"}
        raise AssertionError(message)

    def _happen(self, acts: list[Act]) -> None:
        """Do all of it at once, and find the order in which the model agrees."""
        if not acts:
            return
        for act in acts:
            _tell(f"  {act}")
        replies = self.do(self.sandbox.at_once(acts))
        _tell(f"    -> {[(reply.status, reply.code) if reply else 'time' for reply in replies]}")
        self.settled = self.settled and all(not isinstance(act, Clock) or act.by_call for act in acts)
        seen = self.do(self.sandbox.look(self._about(acts, replies)))
        reasons = []
        for order in permutations(zip(acts, replies, strict=True)):
            model = self.model.copy()
            differences = [told for act, reply in order for told in compare.answer(model, act, reply)]
            if not differences:
                differences = compare.everything(model, seen)
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
        reminded = {act.case_id for act in acts if isinstance(act, Remind)}
        meant = {a.message["case_id"] for a in acts if isinstance(a, Send) and "case_id" in a.message}
        return opened_now | reminded | meant

    def _agreed(self, model: Model, acts: list[Act], replies: list[Reply | None]) -> None:
        self.model = model
        for act, reply in zip(acts, replies, strict=True):
            if reply is not None:
                if isinstance(act, Send) and reply.status == 201:
                    self.first_answers[act.message["message_id"]] = act.message, reply.body
                facts = reply.body.get("facts") or {}
                self.author.told += [instant(facts[name]) for name in ("earliest", "latest") if facts.get(name)]
            if isinstance(act, Clock):
                self.author.told = [at for at in self.author.told if at > model.now]

    # --- what must hold ---

    def _ask_what_may_come(self, dice: Random) -> None:
        case = self.model.cases[pick(dice, self.model.cases)]
        pairs = [(kind, code) for kind in CASE_MESSAGES for code in sorted({*NETWORKS, *case.parties})]
        self._ask(case, pairs if self.thorough else dice.sample(pairs, 5))

    def _stand_at_a_boundary(self, dice: Random) -> None:
        """At 30 minutes before a case's time, or at its time, or beside it: everybody asks, and somebody acts."""
        cases = [case for case in self.model.cases.values() if case.time > self.model.now]
        if not cases:
            return
        # The one that comes first, so that the others are not passed over.
        case_id = min(cases, key=lambda case: case.time).case_id
        at = self.model.cases[case_id].time - pick(dice, (HALF_HOUR, HALF_HOUR, timedelta()))
        self._happen([Clock(self.author.forward(self.model, at + pick(dice, NUDGES)), by_call=often(dice, 1))])
        case = self.model.cases[case_id]
        pairs = [(kind, code) for of, kind in MAY if of == case.kind for code in sorted(case.parties | case.told)]
        self._ask(case, [pair for pair in pairs if pair[1] in case.parties or often(dice, 1)])
        if message := self.author.lawful(dice, self.model, case):
            self._happen([Send(message, pick(dice, WAYS))])

    def _ask(self, case: Case, pairs: list[tuple[str, str]]) -> None:
        """`POST /v1/messages/check` says of these messages what `next` and the model say; it changes nothing."""
        seen = self.do(self.sandbox.service.case(case.case_id))
        listed = {(item["type"], item["by"]) for item in seen["next"] if item["from"] is None}
        for number, (kind, code) in enumerate(sorted({*listed, *pairs})):
            m = benign(kind, code, case, self.model) | {"message_id": f"00000000-0000-4000-8000-{number:012}"}
            reply = self.do(self.sandbox.post(m, "http" if number % 4 == 0 else "one", check=True))
            lawful = reply.status == 201 or reply.code == "daily-cap-exceeded"
            assert lawful == ((kind, code) in listed) == accepts(self.model, case, kind, code), (m, reply)
            refused = refusal(self.model, m)
            assert reply.code == (refused.code if refused else None), (m, reply)

    def _ask_about_an_opening(self, dice: Random) -> None:
        m = self.author.opening(dice, self.model)
        reply = self.do(self.sandbox.post(m, pick(dice, WAYS), check=True))
        refused = refusal(self.model, m)
        assert reply.code == (refused.code if refused else None), (m, reply)
        assert refused or reply.body["case"]["case_id"] is None

    def _look_at_everything(self, dice: Random) -> None:
        self._hold(self._always(dice))

    def _hold(self, differences: Any) -> None:
        found = self.do(differences)
        self.differs = bool(found)
        assert not found, "\n".join(found)

    async def _always(self, dice: Random | None) -> list[str]:
        model, service = self.model, self.sandbox.service
        found = compare.everything(model, await self.sandbox.look(model.cases))
        moments = [*sorted({*(at for at, *_ in model.served), model.now}), model.now + timedelta(days=70)]
        chosen = [pick(dice, moments) for _ in range(2)] if dice else moments
        for at in chosen:
            for near in {at, max(self.start, at - timedelta(microseconds=1))}:
                found += compare.routing(model, await self.sandbox.routing(near), near)
        first = day_of(model.now)
        for code in [pick(dice, (*CODES, "0"))] if dice else (*CODES, "0"):
            page = await service.read(f"/caps/{code}", from_=str(first), to=str(first + timedelta(days=8)))
            found += compare.room(model, code, page["items"])
        for code in [pick(dice, self.sandbox.followed)] if dice else self.sandbox.followed:
            items = await self.sandbox.follow(code)
            found += compare.inbox(model, code, items, settled=self.settled)
            found += compare.personal(model, code, str(items))
        for code in [pick(dice, CODES)] if dice else CODES:
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
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        **more,
    )


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_clearinghouse_under_any_sequence(prepared: type[Clearinghouse]) -> None:
    """The same sequences each time: what fails here comes from a change, and comes again until that is mended."""
    run_state_machine_as_test(prepared, settings=bounded(14, 30, derandomize=True))


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
