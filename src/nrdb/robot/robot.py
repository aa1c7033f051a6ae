"""One robot: a provider code that answers as a donor, a network and a range holder do.

It keeps nothing. What is to be done follows from the cases, at start, and from then on from the inbox; message ids
follow from what is answered. So it may be killed and started at any time, twice at once too: what it does a second time
is a replay, or is refused without harm.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from nrdb.client import Accepted, Client, Item, NrdbError, PositionGoneError
from nrdb.client.following import OnState
from nrdb.robot.clock import SandboxClock
from nrdb.robot.duties import ENDS, ORDERS, Duty, Kind, kind_owed
from nrdb.robot.profile import Chance, Profile
from nrdb.robot.refusing import refusal
from nrdb.robot.telling import Did, Event, Tell

#: Requests under way at once.
_AT_ONCE = 4
#: Where to look for what is owed. A case that moves on meanwhile is found further down, or told of in the inbox.
_OWED_IN: tuple[Mapping[str, str], ...] = (
    {"state": "awaiting_donor", "role": "AT"},
    {"state": "scheduled"},
    {"state": "awaiting_completion"},
    {"state": "awaiting_termination", "role": "OAT"},
    {"state": "awaiting_return", "role": "OAT"},
)


class Robot:
    """Plays one code. The client must be of that code, and of endless patience."""

    def __init__(
        self, client: Client, code: str, clock: SandboxClock, profile: Profile, seed: int, tell: Tell, on_state: OnState
    ) -> None:
        self._client = client
        self._code = code
        self._clock = clock
        self._chance = Chance(profile, seed, code)
        self._tell = tell
        self._on_state = on_state
        self._newest = 0
        self._orders: dict[tuple[str, Kind], str | None] = {}
        self._doing: dict[tuple[str, Kind], asyncio.Task[None]] = {}
        self._hands = asyncio.Semaphore(_AT_ONCE)
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> None:
        """Play until cancelled, or until the inbox cannot be read any more. Once only."""
        await self._clock.read(self._client)
        self._newest = int((await self._client.status())["newest"])
        async with self._tasks:
            await self._look_through_cases()
            await self._client.follow(self._handle, on_state=self._on_state, on_reset=self._start_over)

    # --- what is to be done ---

    async def _look_through_cases(self) -> None:
        for where in _OWED_IN:
            async for case in self._client.cases(code=self._code, limit=1000, **where):
                await self._take_on(case)

    def _start_over(self, gone: PositionGoneError) -> None:
        """Items are missing; the cases are not."""
        self._newest = gone.oldest - 1
        self._tasks.create_task(self._look_through_cases())

    async def _handle(self, item: Item) -> None:
        """An item of the inbox. Reminders stand in no case, so they are done with before the place moves on."""
        self._clock.heard(item.at)
        if item.notice == "reminder":
            self._say("got", "NOTICE reminder", item.case_id, item.case, item.at)
            await self._reminded(item)
        elif item.seq > self._newest:
            told = f"NOTICE {item.notice}" if item.notice else item.type
            self._say("got", told, item.case_id, item.case, item.at, detail=f"from {item.sender}")
            self._take(Duty.of_item(item))
            if (item.notice or item.type) in ENDS and item.case_id is not None:
                self._drop(item.case_id)
            if item.notice == "code-transferred" and item.message.get("to") == self._code:
                self._tasks.create_task(self._look_through_cases())

    async def _reminded(self, item: Item) -> None:
        """Whoever is reminded answers at once (S3 2.3.3), unless it is silent for good."""
        if item.case_id is None:
            return
        try:
            duty = await self._owed(await self._client.case(item.case_id))
        except NrdbError as error:
            self._say("refused", "NOTICE reminder", item.case_id, item.case, item.at, detail=str(error))
            return
        if duty is not None:
            self._cancel(duty.key)
            await self._do(duty, reminded=True)

    async def _take_on(self, case: Mapping[str, Any]) -> None:
        try:
            self._take(await self._owed(case))
        except NrdbError as error:
            self._say("refused", "the case", case["case_id"], case, self._clock.now, detail=str(error))

    async def _owed(self, case: Mapping[str, Any]) -> Duty | None:
        """What the code owes; for an approval with the order that it answers."""
        if kind_owed(case, self._code) != "order":
            return Duty.of_case(case, self._code)
        newest, after = None, None
        while True:
            page = await self._client.get(f"/v1/cases/{case['case_id']}/history", limit=1000, after=after)
            newest = ([line for line in page["items"] if line["type"] in ORDERS] or [newest])[-1]
            after = page["next"]
            if after is None:
                return Duty.of_case(case, self._code, newest)

    def _take(self, duty: Duty | None) -> None:
        """Begin with a duty; a newer order takes the place of an older one."""
        if duty is None or (duty.key in self._orders and self._orders[duty.key] == duty.order):
            return
        self._cancel(duty.key)
        self._orders[duty.key] = duty.order
        self._doing[duty.key] = task = self._tasks.create_task(self._do(duty))
        task.add_done_callback(lambda done: self._forget(duty, done))

    def _forget(self, duty: Duty, done: asyncio.Task[None]) -> None:
        if self._doing.get(duty.key) is done:
            del self._doing[duty.key]

    def _drop(self, case_id: str) -> None:
        for kind in ("order", "execution", "termination"):
            self._cancel((case_id, kind))

    def _cancel(self, key: tuple[str, Kind]) -> None:
        task = self._doing.pop(key, None)
        if task is not None:
            task.cancel()

    # --- doing it ---

    async def _do(self, duty: Duty, *, reminded: bool = False) -> None:
        fate = self._chance.fate(duty)
        if fate == "silent" or (fate == "forgets" and not reminded):
            self._say(fate, duty.done_by, duty.case_id, duty.case, self._clock.now)
            return
        try:
            if fate == "refuses" and await self._refuse(duty, reminded=reminded):
                return
            await self._wait(duty, duty.from_, duty.done_by, reminded=reminded)
            answers = {"answers": duty.order} if duty.kind == "order" else {}
            await self._send(duty, duty.done_by, answers)
        except NrdbError as error:
            self._say("refused", duty.done_by, duty.case_id, duty.case, self._clock.now, detail=str(error))

    async def _refuse(self, duty: Duty, *, reminded: bool) -> bool:
        """Refuse while that is possible; whether it was."""
        reasons = self._chance.reasons(duty)
        if duty.kind == "order":
            await self._wait(duty, duty.asked, "NP_FBES", reminded=reminded)
            async with self._hands:
                fields = await refusal(self._client, duty, reasons)
            if fields is not None:
                await self._send(duty, "NP_FBES", {**fields, "answers": duty.order})
            return fields is not None
        await self._wait(duty, duty.asked, "NP_FOPS", reminded=reminded)
        async with self._hands:
            case = await self._client.case(duty.case_id)
        if case["state"] != "awaiting_termination":
            return False
        comment = {"comment": "a robot says so"} if reasons[0] == "other" else {}
        return await self._send(duty, "NP_FOPS", {"reason": reasons[0], **comment})

    async def _wait(self, duty: Duty, since: datetime, type_: str, *, reminded: bool) -> None:
        """Until it is time, and then for as long as the profile lets others wait. A reminder ends the latter."""
        seconds, due = 0, since
        if not reminded:
            working_minutes, minutes, seconds = self._chance.wait(duty)
            if working_minutes:
                span = {"from": since, "working_minutes": working_minutes}
                async with self._hands:
                    found = await self._client.get("/v1/calendar/add", **span)
                due = datetime.fromisoformat(found["at"])
            due += timedelta(minutes=minutes)
        until = f"at {due:%Y-%m-%d %H:%M:%S}Z"
        now = self._clock.now
        await self._clock.reach(due, lambda: self._say("waits", type_, duty.case_id, duty.case, now, detail=until))
        if seconds:
            await asyncio.sleep(seconds)

    async def _send(self, duty: Duty, type_: str, fields: Mapping[str, Any]) -> bool:
        """Once; or, stuttering, twice and then once more as a message of its own. Whether the first was accepted."""
        nths = (0, 0, 1) if self._chance.stutters(duty) else (0,)
        accepted = []
        async with self._hands:
            for nth in nths:
                message_id = duty.message_id(self._code, type_, nth)
                message = {"type": type_, "message_id": message_id, "case_id": duty.case_id, **fields}
                try:
                    answer = await self._client.send(message)
                except NrdbError as error:
                    self._say("refused", type_, duty.case_id, duty.case, self._clock.now, message_id, str(error))
                else:
                    accepted.append(nth)
                    self._sent(duty, answer, str(fields.get("reason", "")))
        return 0 in accepted

    def _sent(self, duty: Duty, answer: Accepted, reason: str) -> None:
        at = self._clock.heard(datetime.fromisoformat(answer.accepted_at))
        did: Did = "replayed" if answer.replayed else "sent"
        self._say(did, answer.type, duty.case_id, answer.case, at, answer.message_id, reason)

    def _say(
        self,
        did: Did,
        type_: str,
        case_id: str | None,
        case: Mapping[str, Any],
        at: datetime,
        message_id: str | None = None,
        detail: str = "",
    ) -> None:
        self._tell(Event(at, self._code, did, type_, case_id, case, message_id, detail))
