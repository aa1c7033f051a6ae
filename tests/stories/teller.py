"""The state of one telling, and how an answer is compared with what the story says of it."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
from tests.stories.language import read_time, same_fact
from tests.support.service import Service

from nrdb.clock import format_time

#: Parts that many lines share.
CODE = r"(?P<code>0|[A-Z0-9]{2,8})"
CASE = r"(?: in (?P<case>[A-Z]\w*|an unknown case))?"
OUTCOME = r" -> (?P<outcome>.+)"
UNKNOWN_CASE = "00000000-0000-4000-8000-000000000000"

Step = Callable[["Teller", dict[str, Any]], Awaitable[None]]
_STEPS: list[tuple[re.Pattern[str], Step]] = []


def line(pattern: str) -> Callable[[Step], Step]:
    """Enter the function as the meaning of lines that look so; no two kinds of line may look alike."""

    def enter(step: Step) -> Step:
        _STEPS.append((re.compile(pattern), step))
        return step

    return enter


class Teller:
    """One telling. `quiet`: time passes without anybody writing down what it has done."""

    def __init__(self, service: Service, *, quiet: bool) -> None:
        self.service = service
        # A story revokes keys and makes new ones; other tests have theirs.
        service.keys = dict(service.keys)
        self.quiet = quiet
        self.now: datetime | None = None
        self.cases: dict[str, str] = {}
        self.newest: str | None = None
        #: The newest place that a story has looked at, for each inbox and for the audit log.
        self.seen: dict[str, int] = {}
        #: The last message of each code, to be sent again, and the last of each type in a case, to be answered.
        self.last: dict[str, dict[str, Any]] = {}
        self.ids: dict[tuple[str, str], str] = {}
        self.key_ids: dict[str, str] = {}
        self.planned: int | None = None

    async def tell(self, text: str) -> None:
        """The whole story; a line that does not come true says which one it was."""
        for number, raw in enumerate(text.splitlines(), start=1):
            told = raw.split("#")[0].strip()
            if told:
                try:
                    await self._step(told)
                except AssertionError as error:
                    raise AssertionError(f"line {number}: {told}\n{error}") from error

    async def _step(self, told: str) -> None:
        for pattern, step in _STEPS:
            match = pattern.fullmatch(told)
            if match:
                await step(self, match.groupdict())
                return
        raise AssertionError("no such kind of line; see README.md")

    def case_id(self, name: str | None) -> str:
        """The case of that name, or the newest."""
        if name == "an unknown case":
            return UNKNOWN_CASE
        found = self.cases.get(name) if name else self.newest
        assert found, f"there is no case {name}" if name else "there is no case yet"
        return found

    def time(self, text: str) -> datetime:
        """An instant in the story."""
        return read_time(text, self.now)

    def instant(self, text: str | None) -> str | None:
        """An instant as requests write it."""
        return self.time(text).isoformat() if text else None

    def shown(self, text: str | None) -> str | None:
        """An instant as answers write it."""
        return format_time(self.time(text)) if text else None

    async def message(self, code: str, told: dict[str, Any], fields: dict[str, Any]) -> httpx.Response:
        """Send the message that a line tells, or ask what it would be answered, and compare the answer."""
        body = {"type": told["type"], "message_id": str(uuid4()), "sender": code, **fields}
        body = {name: value for name, value in body.items() if value is not None}
        if told["verb"] != "sends":
            response = await self._asked(code, body)
            self.check(response, told["outcome"])
            return response
        response = await self.service.send("POST", "/messages", code, body)
        self.last[code] = body
        self.check(response, told["outcome"])
        if response.is_success:
            case_id = response.json()["case"]["case_id"]
            self.ids[case_id, body["type"]] = body["message_id"]
            if "case_id" not in body:
                self.newest = case_id
                if told["name"]:
                    self.cases[told["name"]] = case_id
        return response

    async def _asked(self, code: str, body: dict[str, Any]) -> httpx.Response:
        """What POST /v1/messages/check says, as the answer that it tells of."""
        response = await self.service.send("POST", "/messages/check", code, body)
        assert response.status_code == 200, response.text
        told = response.json()
        kind = "application/json" if told["status"] < 300 else "application/problem+json"
        headers = {"content-type": kind, "x-request-id": response.headers["x-request-id"]}
        return httpx.Response(told["status"], json=told["answer"], headers=headers)

    def check(self, response: httpx.Response, outcome: str) -> None:
        """The answer to a message is what stands after the arrow."""
        status, _, told = outcome.partition(" ")
        if not response.is_success:
            self.refused(response, outcome)
            return
        assert response.status_code == int(status), response.text
        assert (response.headers.get("idempotent-replayed") == "true") == (status == "200"), response.headers
        body = response.json()
        state, _, warning = told.partition(", warning ")
        assert body["case"]["state"] == state, f"it is {body['case']['state']}"
        assert [item["code"] for item in body["warnings"]] == ([warning] if warning else [])

    def done(self, response: httpx.Response, outcome: str) -> Any:
        """The answer to an administrator is what stands after the arrow; its content."""
        if not response.is_success:
            self.refused(response, outcome)
            return None
        assert response.status_code == int(outcome), response.text
        return response.json() if response.content else None

    def refused(self, response: httpx.Response, outcome: str) -> None:
        """The answer is this problem, with these facts."""
        status, code, *rest = outcome.split(" ", 2)
        told = rest[0] if rest else ""
        rule = re.match(r"(T\d+)\b ?", told)
        facts = self.service.refused(response, code, rule[1] if rule else None, int(status))
        self.compare(facts, told[rule.end() :] if rule else told)

    def compare(self, found: dict[str, Any], told: str) -> None:
        """What was found has these values, told as `name value, name value`."""
        assert self.now is not None
        for part in filter(None, told.split(", ")):
            name, _, value = part.partition(" ")
            assert name in found, f"no {name} in {found}"
            known = found[name]
            if name in ("case", "cases"):
                value = " ".join(self.case_id(item) for item in value.split())
            assert same_fact(known, value, self.now), f"{name} is {known}, not {value}"

    async def admin(self, method: str, path: str, body: Any, outcome: str) -> Any:
        """An administrator's request, compared with the story; its answer."""
        return self.done(await self.service.send(method, f"/admin{path}", "ADMIN", body), outcome)

    async def series(self, number: str) -> dict[str, Any]:
        """The series that contains a number."""
        items = (await self.service.read("/series", number=number))["items"]
        assert items, f"{number} is in no series"
        found: dict[str, Any] = items[0]
        return found
