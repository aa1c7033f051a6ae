"""Lines in which the administrator changes the number plan, and which look at it."""

from typing import Any

from tests.stories.language import TIME
from tests.stories.teller import CODE, OUTCOME, Teller, line

_ADMIN = "the administrator"
_RANGE = r"(?P<first>\d+)-(?P<last>\d+)"
_SERIES = r"the series of (?P<number>\d+)"
_AT = rf"(?: at (?P<time>{TIME}))?"


@line(rf"{_ADMIN} adds the series {_RANGE} for {CODE}(?: (?P<status>blocked|returned))?{OUTCOME}")
async def _add(teller: Teller, told: dict[str, Any]) -> None:
    body = {"first": told["first"], "last": told["last"], "holder": told["code"], "reason": "a story"}
    if told["status"]:
        body["status"] = told["status"]
    await teller.admin("POST", "/series", body, told["outcome"])


@line(rf"{_ADMIN} gives {_SERIES} to {CODE}{_AT}{OUTCOME}")
async def _give(teller: Teller, told: dict[str, Any]) -> None:
    await _change(teller, told, {"holder": told["code"]})


@line(rf"{_ADMIN} (?P<what>blocks|opens|takes back) {_SERIES}{_AT}{OUTCOME}")
async def _status(teller: Teller, told: dict[str, Any]) -> None:
    changes = {
        "blocks": {"status": "blocked"},
        "opens": {"status": "open"},
        "takes back": {"status": "returned", "holder": "0"},
    }
    await _change(teller, told, changes[told["what"]])


async def _change(teller: Teller, told: dict[str, Any], change: dict[str, str]) -> None:
    body = {**change, "reason": "a story"}
    if told["time"]:
        body["valid_from"] = teller.time(told["time"]).isoformat()
    series = await teller.series(told["number"])
    answer = await teller.admin("PATCH", f"/series/{series['series_id']}", body, told["outcome"])
    if answer and answer.get("planned"):
        teller.planned = answer["planned"]["id"]


@line(rf"{_ADMIN} splits {_RANGE} from its series{OUTCOME}")
async def _split(teller: Teller, told: dict[str, Any]) -> None:
    series = await teller.series(told["first"])
    body = {"first": told["first"], "last": told["last"], "reason": "a story"}
    await teller.admin("POST", f"/series/{series['series_id']}/split", body, told["outcome"])


@line(rf"{_SERIES} is {_RANGE}, held by {CODE}, (?P<status>\w+)")
async def _series(teller: Teller, told: dict[str, Any]) -> None:
    found = await teller.series(told["number"])
    for name, wanted in (("first", "first"), ("last", "last"), ("holder", "code"), ("status", "status")):
        assert found[name] == told[wanted], f"{name} is {found[name]}"


@line(rf"ported from {_SERIES}, as {CODE} sees it: (?P<items>.+)")
async def _ported(teller: Teller, told: dict[str, Any]) -> None:
    series = await teller.series(told["number"])
    items = (await teller.service.read(f"/series/{series['series_id']}/ported", told["code"]))["items"]
    found = [f"{item['first']}-{item['last']} {item['holder']}" for item in items]
    wanted = told["items"].split(", ") if told["items"] != "nothing" else []
    assert found == wanted, str(found)


@line(rf"{CODE} may not see what is ported from {_SERIES}")
async def _not_seen(teller: Teller, told: dict[str, Any]) -> None:
    series = await teller.series(told["number"])
    response = await teller.service.get(f"/series/{series['series_id']}/ported", told["code"])
    teller.service.refused(response, "sender-not-yours")
