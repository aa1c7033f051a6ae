"""Any sequence of messages and times, against what must always hold.

Providers order, answer, change, cancel, execute and report at random over a handful of numbers, while the sandbox clock
moves by a call or time merely passes. After each step: one blocking case a number, one holder of it, the cap kept. At
the end: nothing lost from an inbox, and every history one consistent chain.
"""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.support.server import Databases, sandbox_settings
from tests.support.service import Service, local, order_fields, running

from nrdb.cases.machine import BLOCKING_STATES, CAP_RETURNING_STATES

NUMBERS = [f"9001234{n}" for n in range(4)]
RECIPIENTS = ["TELIA", "LYSE", "TELENOR"]
FOLLOWERS = ["TELIA", "LYSE", "TELENOR", "DSB"]
LIMIT = 4
KINDS: dict[str, dict[str, Any]] = {
    "NP_GODK": {}, "NP_FBES": {"reason": "number-not-held"}, "NP_ANNU": {}, "NP_IVER": {}, "NP_FERD": {},
    "NP_FIVE": {"comment": "x"},
}  # fmt: skip
#: What may follow which state by which entry.
ARROWS = {
    (None, "NP_BEST"): {"awaiting_donor"},
    ("awaiting_donor", "NP_GODK"): {"awaiting_recipient"},
    ("awaiting_donor", "NP_FBES"): {"rejected"},
    ("awaiting_donor", "NP_ENDR"): {"awaiting_donor"},
    ("awaiting_recipient", "NP_ENDR"): {"awaiting_donor"},
    ("awaiting_donor", "NP_ANNU"): {"cancelled"},
    ("awaiting_recipient", "NP_ANNU"): {"cancelled"},
    ("scheduled", "NP_ANNU"): {"cancelled"},
    ("awaiting_recipient", "NP_IVER"): {"scheduled"},
    ("scheduled", "NP_FIVE"): {"scheduled"},
    ("awaiting_donor", "time"): {"obsolete"},
    ("awaiting_recipient", "time"): {"obsolete"},
    ("scheduled", "time"): {"awaiting_completion"},
    ("awaiting_completion", "NP_FERD"): {"awaiting_completion", "completed"},
}


class Clearinghouse(RuleBasedStateMachine):
    """The service under random messages; `databases` is set before it runs."""

    databases: ClassVar[Databases]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.place = TemporaryDirectory()
        self._sandbox = self.databases.sandbox(local("2026-11-23 08:00"))
        dsn = self.do(self._sandbox.__aenter__())
        self._running = running(sandbox_settings(Path(self.place.name)), dsn, self.databases.keys)
        self.service: Service = self.do(self._running.__aenter__())
        self.cases: list[str] = []
        self.followed = {code: (0, list[dict[str, Any]]()) for code in FOLLOWERS}
        self.accepted: list[dict[str, Any]] = []

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.do(self._at_the_end())
        finally:
            self.do(self._running.__aexit__(None, None, None))
            self.do(self._sandbox.__aexit__(None, None, None))
            self.loop.close()
            self.place.cleanup()

    # --- what may happen ---

    @initialize()
    def limits(self) -> None:
        for code in RECIPIENTS:
            for day in ("2026-11-23", "2026-11-24"):
                self.do(self.service.admin("PUT", f"/caps/{code}/{day}", {"limit": LIMIT, "reason": "model"}))

    @rule(
        code=st.sampled_from(RECIPIENTS),
        numbers=st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=2, unique=True),
        ahead=st.sampled_from([35, 60, 120, 1500]),
    )
    def order(self, code: str, numbers: list[str], ahead: int) -> None:
        now = self.do(self.service.now())
        holder = self.do(self.service.read(f"/routing/{numbers[0]}"))["holder"]
        fields = order_fields(
            donor=holder, number_type="T" if numbers[1:] else "E", main_number=numbers[0],
            additional_numbers=numbers[1:], porting_time=(now + timedelta(minutes=ahead)).isoformat(),
        )  # fmt: skip
        response = self.do(self.service.post(code, "NP_BEST", **fields))
        if self._note(response):
            self.cases.append(response.json()["case"]["case_id"])

    @rule(data=st.data(), kind=st.sampled_from(sorted(KINDS)), by=st.sampled_from(["recipient", "donor", "DSB"]))
    def about_a_case(self, data: st.DataObject, kind: str, by: str) -> None:
        if self.cases:
            case_id = data.draw(st.sampled_from(self.cases))
            case = self.do(self.service.case(case_id))
            self._note(self.do(self.service.post(case.get(by, by), kind, case_id=case_id, **KINDS[kind])))

    @rule(data=st.data())
    def the_next_step(self, data: st.DataObject) -> None:
        """What the service itself says would be accepted now, is."""
        if not self.cases:
            return
        case = self.do(self.service.case(data.draw(st.sampled_from(self.cases))))
        offers = [n for n in case["next"] if n["from"] is None and n["type"] != "NP_ENDR"]
        if offers:
            offer = data.draw(st.sampled_from(offers))
            fields = {"case_id": case["case_id"], **KINDS[offer["type"]]}
            response = self.do(self.service.post(offer["by"], offer["type"], **fields))
            assert self._note(response), response.text

    @rule(data=st.data(), ahead=st.sampled_from([40, 90, 1500]))
    def change(self, data: st.DataObject, ahead: int) -> None:
        if self.cases:
            case = self.do(self.service.case(data.draw(st.sampled_from(self.cases))))
            to = (self.do(self.service.now()) + timedelta(minutes=ahead)).isoformat()
            self._note(self.do(self.service.post(
                case["recipient"], "NP_ENDR", case_id=case["case_id"], porting_time=to
            )))  # fmt: skip

    @rule(minutes=st.sampled_from([1, 5, 30, 60]), written=st.booleans())
    def later(self, minutes: int, written: bool) -> None:
        to = self.do(self.service.now()) + timedelta(minutes=minutes)
        self.do(self.service.send_clock(to) if written else self.service.time_passes(to))

    def _note(self, response: httpx.Response) -> bool:
        assert response.status_code in (201, 404, 409), response.text
        if response.status_code == 201:
            self.accepted.append(response.json())
        return response.status_code == 201

    # --- what must hold ---

    @invariant()
    def one_blocking_case_a_number(self) -> None:
        self.do(self._cases())

    async def _cases(self) -> list[dict[str, Any]]:
        cases: list[dict[str, Any]] = (await self.service.read("/cases", limit=1000))["items"]
        assert sorted(case["case_id"] for case in cases) == sorted(self.cases)
        taken: Counter[str] = Counter()
        for case in cases:
            for item in case["numbers"] if case["state"] in BLOCKING_STATES else ():
                taken.update(map(str, range(int(item["first"]), int(item["last"]) + 1)))
        assert all(times == 1 for times in taken.values()), f"a number is in two cases: {taken}"
        return cases

    @rule()
    def look_at_everything(self) -> None:
        self.do(self._always())

    async def _always(self) -> None:
        cases = await self._cases()
        used: Counter[tuple[str, str]] = Counter()
        for case in cases:
            if case["state"] not in CAP_RETURNING_STATES:
                day = (datetime.fromisoformat(case["porting_time"]) + timedelta(hours=1)).date().isoformat()
                used[case["recipient"], day] += case["number_count"]
        for code in RECIPIENTS:
            page = await self.service.read(f"/caps/{code}", from_="2026-11-23", to="2026-11-26")
            for day in page["items"]:
                assert day["used"] == used[code, day["day"]], f"{code} {day}"
                assert day["used"] <= day["limit"]
        await self._routing(cases)

    async def _routing(self, cases: list[dict[str, Any]]) -> None:
        """Each number has one holder, who is the recipient of the last execution that has taken effect."""
        now = await self.service.now()
        for number in NUMBERS:
            executed = [
                (datetime.fromisoformat(case["porting_time"]), case["recipient"])
                for case in cases
                if case["state"] in ("awaiting_completion", "completed")
                and any(item["first"] <= number <= item["last"] for item in case["numbers"])
            ]
            answer = await self.service.read(f"/routing/{number}")
            assert answer["holder"] == (max(executed)[1] if executed else "TELENOR")
            scheduled = [
                case for case in cases
                if case["state"] == "scheduled" and any(i["first"] <= number <= i["last"] for i in case["numbers"])
            ]  # fmt: skip
            assert (answer["next"] and answer["next"]["holder"]) == (scheduled[0]["recipient"] if scheduled else None)
            assert all(at <= now for at, _ in executed)

    @rule()
    def read_inboxes(self) -> None:
        self.do(self._follow())

    async def _follow(self) -> None:
        for code, (after, items) in self.followed.items():
            page = await self.service.read("/inbox", code, after=after, limit=1000)
            self.followed[code] = page["next"], items + page["items"]

    async def _at_the_end(self) -> None:
        await self.service.clock(days=3)
        await self._follow()
        await self._always()
        for code, (_, items) in self.followed.items():
            assert items == await self.service.inbox(code, limit=1000), "following is not reading from the first on"
            got = Counter(item["message"]["message_id"] for item in items)
            assert not got or max(got.values()) == 1
            told = {key for key, receivers in (await self._sent()).items() if code in receivers}
            assert set(got) == told, code
        for case_id in self.cases:
            await self._history(case_id)

    async def _sent(self) -> dict[str, set[str]]:
        """Who must have been told of each message (contract section 2), from the answers that the senders got."""
        sent: dict[str, set[str]] = {}
        for answer in self.accepted:
            case, kind = answer["case"], answer["type"]
            expected = set(case["completion"]["expected"])
            to = {"NP_BEST": {case["donor"]}, "NP_ENDR": {case["donor"]}, "NP_IVER": expected,
                  "NP_ANNU": expected or {case["donor"]}}.get(kind, {case["recipient"]})  # fmt: skip
            sent[answer["message_id"]] = to
        for row in await self.service.db.fetch("SELECT message_id, case_after FROM message_log WHERE type = 'NOTICE'"):
            case = await self.service.case(str(await self.service.db.fetchval(
                "SELECT case_id FROM message_log WHERE message_id = $1", row["message_id"]
            )))  # fmt: skip
            sent[str(row["message_id"])] = {case["recipient"], case["donor"]}
        return sent

    async def _history(self, case_id: str) -> None:
        lines = await self.service.history(case_id)
        state, at = None, ""
        for line in lines:
            assert line["from_state"] == state, lines
            assert line["to_state"] in ARROWS[state, line["type"]], lines
            moment = datetime.fromisoformat(line["at"])
            assert not at or datetime.fromisoformat(at) <= moment
            state, at = line["to_state"], line["at"]
        assert (await self.service.case(case_id))["state"] == state
        messages = [a["message_id"] for a in self.accepted if a["case"]["case_id"] == case_id]
        assert [line["message_id"] for line in lines if line["type"] != "time"] == messages


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_clearinghouse_under_any_sequence(databases: Databases) -> None:
    Clearinghouse.databases = databases
    run_state_machine_as_test(
        Clearinghouse,
        settings=settings(
            max_examples=8,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
