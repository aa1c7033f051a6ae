"""Lines that look at a case: its state and parties, what comes next, what happened, who sees it; and that remind."""

import re
from typing import Any

from tests.stories.language import TIME
from tests.stories.teller import CASE, CODE, OUTCOME, Teller, line


@line(rf"the case{CASE} is (?P<state>\w+)")
async def _state(teller: Teller, told: dict[str, Any]) -> None:
    case = await teller.service.case(teller.case_id(told["case"]))
    assert case["state"] == told["state"], f"it is {case['state']}"


@line(rf"the case{CASE} has (?!waived )(?P<facts>.+)")
async def _facts(teller: Teller, told: dict[str, Any]) -> None:
    teller.compare(await teller.service.case(teller.case_id(told["case"])), told["facts"])


@line(rf"the case{CASE} (?P<what>waits for|expects|has waived) (?P<codes>.+)")
async def _completion(teller: Teller, told: dict[str, Any]) -> None:
    completion = (await teller.service.case(teller.case_id(told["case"])))["completion"]
    found = completion[{"waits for": "missing", "expects": "expected", "has waived": "waived"}[told["what"]]]
    wanted = [] if told["codes"] == "nobody" else told["codes"].split(", ")
    assert found == wanted, f"it is {', '.join(found) or 'nobody'}"


@line(rf"{CODE} (?P<sees>sees|does not see) the case{CASE}")
async def _sees(teller: Teller, told: dict[str, Any]) -> None:
    response = await teller.service.get(f"/cases/{teller.case_id(told['case'])}", told["code"])
    if told["sees"] == "sees":
        assert response.status_code == 200, response.text
    else:
        teller.service.refused(response, "unknown-case")


@line(rf"{CODE} (?P<sees>sees|does not see) the customer{CASE}")
async def _customer(teller: Teller, told: dict[str, Any]) -> None:
    case = await teller.service.case(teller.case_id(told["case"]), told["code"])
    assert (case["customer"] is not None) == (told["sees"] == "sees"), str(case["customer"])


@line(rf"{CODE} lists (?P<cases>.+?) with (?P<filters>\w+ \w+(?:, \w+ \w+)*)")
async def _lists(teller: Teller, told: dict[str, Any]) -> None:
    filters = dict(part.split(" ") for part in told["filters"].split(", "))
    items = (await teller.service.read("/cases", told["code"], **filters))["items"]
    names = {case_id: name for name, case_id in teller.cases.items()}
    found = sorted(names.get(item["case_id"], "?") for item in items)
    wanted = [] if told["cases"] == "nothing" else sorted(told["cases"].split(", "))
    assert found == wanted, f"it lists {', '.join(found) or 'nothing'}"


_NEXT = re.compile(
    rf"(?P<type>\w+) by (?P<by>\w+)(?: from (?P<from>{TIME}))?(?: (?P<end>until|before) (?P<until>{TIME}))?"
    rf"(?: for (?P<earliest>{TIME}) to (?P<latest>{TIME}))?"
)


@line(rf"next{CASE}: (?P<items>.+)")
async def _next(teller: Teller, told: dict[str, Any]) -> None:
    case = await teller.service.case(teller.case_id(told["case"]))
    found = [
        (
            item["type"],
            item["by"],
            item["from"],
            item["until"],
            item["until_included"],
            item["earliest"],
            item["latest"],
        )
        for item in case["next"]
    ]
    wanted = []
    for text in told["items"].split(", ") if told["items"] != "nothing" else []:
        part = _NEXT.fullmatch(text)
        assert part, f"not understood: {text}"
        times = {name: teller.shown(part[name]) for name in ("from", "until", "earliest", "latest")}
        included = part["end"] == "until"
        wanted.append(
            (part["type"], part["by"], times["from"], times["until"], included, times["earliest"], times["latest"])
        )
    assert found == wanted, str(found)


_HAPPENED = re.compile(rf"(?P<type>[\w-]+)(?: by (?P<by>\w+))?(?: at (?P<at>{TIME}))?(?: to (?P<to_state>\w+))?")


@line(rf"history{CASE}: (?P<items>.+)")
async def _history(teller: Teller, told: dict[str, Any]) -> None:
    found = await teller.service.history(teller.case_id(told["case"]))
    wanted = told["items"].split(", ")
    assert [item["type"] for item in found] == [text.split(" ")[0] for text in wanted], str(found)
    assert [item["seq"] for item in found] == list(range(1, len(found) + 1))
    for item, text in zip(found, wanted, strict=True):
        part = _HAPPENED.fullmatch(text)
        assert part, f"not understood: {text}"
        for name in ("by", "to_state"):
            assert part[name] in (None, item[name]), f"{name} is {item[name]}: {text}"
        assert part["at"] is None or item["at"] == teller.shown(part["at"]), f"it was at {item['at']}: {text}"


@line(rf"{CODE} reminds{CASE}{OUTCOME}")
async def _reminds(teller: Teller, told: dict[str, Any]) -> None:
    path = f"/cases/{teller.case_id(told['case'])}/remind"
    response = await teller.service.send("POST", path, told["code"], None)
    if response.is_success:
        outcome = f"{response.status_code} {', '.join(response.json()['reminded'])}"
        assert told["outcome"] == outcome, f"it is {outcome}"
    else:
        teller.refused(response, told["outcome"])
