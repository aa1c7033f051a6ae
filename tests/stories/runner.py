"""Tells a story to the service, line by line. The lines are explained in README.md."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
from tests.stories.language import DAY, TIME, read_day, read_expected, read_numbers, read_time, same_fact
from tests.support.service import KARI, Service, type_of

_CODE = r"(?P<code>0|[A-Z0-9]{2,8})"
_CASE = r"(?: in (?P<case>[A-Z]\w*))?"
Step = Callable[["Teller", dict[str, Any]], Awaitable[None]]
_STEPS: list[tuple[re.Pattern[str], Step]] = []


def _line(pattern: str) -> Callable[[Step], Step]:
    def enter(step: Step) -> Step:
        _STEPS.append((re.compile(pattern), step))
        return step

    return enter


class Teller:
    """The state of one telling. `quiet`: time passes without anybody writing down what it has done."""

    def __init__(self, service: Service, *, quiet: bool) -> None:
        self.service = service
        self.quiet = quiet
        self.now: datetime | None = None
        self.cases: dict[str, str] = {}
        self.newest: str | None = None
        self.seen: dict[str, int] = {}

    async def tell(self, text: str) -> None:
        """The whole story; a line that does not come true says which one it was."""
        for number, raw in enumerate(text.splitlines(), start=1):
            line = raw.split("#")[0].strip()
            if line:
                try:
                    await self._step(line)
                except AssertionError as error:
                    raise AssertionError(f"line {number}: {line}\n{error}") from error

    async def _step(self, line: str) -> None:
        for pattern, step in _STEPS:
            match = pattern.fullmatch(line)
            if match:
                await step(self, match.groupdict())
                return
        raise AssertionError("no such kind of line; see README.md")

    def case_id(self, name: str | None) -> str:
        """The case of that name, or the newest."""
        found = self.cases.get(name, name) if name else self.newest
        assert found, "there is no case yet"
        return found

    def time(self, text: str) -> datetime:
        """An instant in the story."""
        return read_time(text, self.now)

    def check(self, response: httpx.Response, outcome: str) -> None:
        """The answer is what stands after the arrow."""
        status, what, *rest = outcome.split(" ", 2)
        body = response.json()
        assert response.status_code == int(status), response.text
        if response.is_success:
            state, _, warning = outcome.removeprefix(f"{status} ").partition(", warning ")
            assert body["case"]["state"] == state
            assert [item["code"] for item in body["warnings"]] == ([warning] if warning else [])
            return
        told = rest[0] if rest else ""
        rule = re.match(r"(T\d+)\b ?", told)
        facts = self.service.refused(response, what, rule[1] if rule else None)
        told = told[rule.end() :] if rule else told
        assert self.now is not None
        for part in filter(None, told.split(", ")):
            name, _, value = part.partition(" ")
            assert name in facts, f"no fact {name} in {facts}"
            assert same_fact(facts[name], value, self.now), f"{name} is {facts[name]}, not {value}"


@_line(rf"at (?P<time>{TIME})")
async def _at(teller: Teller, told: dict[str, Any]) -> None:
    first, teller.now = teller.now is None, teller.time(told["time"])
    if first or teller.quiet:
        await teller.service.time_passes(teller.now)
    else:
        await teller.service.send_clock(teller.now)


@_line(
    rf"{_CODE} sends NP_BEST for (?P<numbers>[\d, -]+?)(?: type (?P<type>[ETS]))? from (?P<donor>\w+)"
    rf" at (?P<time>{TIME})(?: as (?P<name>\w+))? -> (?P<outcome>.+)"
)
async def _order(teller: Teller, told: dict[str, Any]) -> None:
    response = await teller.service.post(
        told["code"],
        "NP_BEST",
        donor=told["donor"],
        porting_time=teller.time(told["time"]).isoformat(),
        customer=KARI,
        authorisation_reference="story",
        **read_numbers(told["numbers"], told["type"]),
    )
    teller.check(response, told["outcome"])
    if response.is_success:
        teller.newest = response.json()["case"]["case_id"]
        if told["name"]:
            teller.cases[told["name"]] = response.json()["case"]["case_id"]


@_line(
    rf"{_CODE} sends (?P<type>NP_\w+){_CASE}(?: to (?P<time>{TIME}))?(?: for \"(?P<name>[^\"]+)\")?"
    r"(?: in network (?P<network>\w+))?(?: because (?P<reason>[\w-]+))?(?: expecting (?P<expected>.+?))?"
    r"(?P<secret> secret)?(?: saying \"(?P<comment>[^\"]*)\")? -> (?P<outcome>.+)"
)
async def _about_case(teller: Teller, told: dict[str, Any]) -> None:
    response = await teller.service.post(
        told["code"],
        told["type"],
        case_id=teller.case_id(told["case"]),
        porting_time=teller.time(told["time"]).isoformat() if told["time"] else None,
        customer={"name": told["name"], "birth_date": "1970-01-01"} if told["name"] else None,
        network=told["network"],
        reason=told["reason"],
        expected=read_expected(told["expected"]) if told["expected"] else None,
        secret_number=True if told["secret"] else None,
        comment=told["comment"],
    )
    teller.check(response, told["outcome"])


@_line(rf"everybody else sends NP_FERD{_CASE} -> (?P<outcome>.+)")
async def _everybody(teller: Teller, told: dict[str, Any]) -> None:
    case_id = teller.case_id(told["case"])
    missing = (await teller.service.case(case_id))["completion"]["missing"]
    assert missing, "nobody's NP_FERD is missing"
    for code in missing[:-1]:
        answer = await teller.service.accepted(code, "NP_FERD", case_id=case_id)
        assert answer["case"]["state"] == "awaiting_completion"
    teller.check(await teller.service.post(missing[-1], "NP_FERD", case_id=case_id), told["outcome"])


@_line(rf"the case{_CASE} is (?P<state>\w+)")
async def _state(teller: Teller, told: dict[str, Any]) -> None:
    case = await teller.service.case(teller.case_id(told["case"]))
    assert case["state"] == told["state"], f"it is {case['state']}"


@_line(rf"{_CODE}'s inbox: (?P<types>.+)")
async def _inbox(teller: Teller, told: dict[str, Any]) -> None:
    page = await teller.service.read("/inbox", told["code"], after=teller.seen.get(told["code"], 0))
    teller.seen[told["code"]] = page["next"]
    found = [type_of(item["message"]) for item in page["items"]]
    wanted = told["types"].split(", ") if told["types"] != "nothing" else []
    if teller.quiet:  # A notice waits for a worker, or for the next message on the case.
        found, wanted = ([name for name in names if "NOTICE" not in name] for names in (found, wanted))
    assert found == wanted, f"it holds {', '.join(found) or 'nothing'}"


@_line(rf"routing (?P<number>\d+) is (?P<holder>\w+)(?: in (?P<network>[A-Z0-9]+))?(?: at (?P<time>{TIME}))?")
async def _routing(teller: Teller, told: dict[str, Any]) -> None:
    at = teller.time(told["time"]).isoformat() if told["time"] else None
    found = await teller.service.read(f"/routing/{told['number']}", "LYSE", at=at)
    assert found["holder"] == told["holder"], f"it is {found['holder']}"
    assert found["ported"] == (found["holder"] != found["range_holder"])
    if told["network"]:
        assert found["network"] == told["network"], f"it is in {found['network']}"


@_line(rf"cap {_CODE} on (?P<day>{DAY}): used (?P<used>\d+), free (?P<free>\d+)")
async def _cap(teller: Teller, told: dict[str, Any]) -> None:
    day = datetime.fromisoformat(read_day(told["day"])).date()
    page = await teller.service.read(
        f"/caps/{told['code']}", told["code"], from_=day, to=day.fromordinal(day.toordinal() + 1)
    )
    (item,) = page["items"]
    assert (item["used"], item["free"]) == (int(told["used"]), int(told["free"])), str(item)


@_line(rf"{_CODE} (?P<sees>sees|does not see) the case{_CASE}")
async def _sees(teller: Teller, told: dict[str, Any]) -> None:
    response = await teller.service.get(f"/cases/{teller.case_id(told['case'])}", told["code"])
    if told["sees"] == "sees":
        assert response.status_code == 200, response.text
    else:
        teller.service.refused(response, "unknown-case")


@_line(rf"limit {_CODE} on (?P<day>{DAY}) is (?P<limit>\d+)")
async def _limit(teller: Teller, told: dict[str, Any]) -> None:
    body = {"limit": int(told["limit"]), "reason": "a story"}
    await teller.service.admin("PUT", f"/caps/{told['code']}/{read_day(told['day'])}", body)


@_line(rf"closed (?P<day>{DAY})")
async def _closed(teller: Teller, told: dict[str, Any]) -> None:
    await teller.service.admin("PUT", f"/calendar/closed-days/{read_day(told['day'])}", {"reason": "a story"})
