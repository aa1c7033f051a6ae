"""Lines that send messages, or ask what they would be answered."""

from datetime import UTC, datetime
from typing import Any

import httpx
from tests.stories.language import TIME, read_expected, read_numbers
from tests.stories.teller import CASE, CODE, OUTCOME, Teller, line
from tests.support.service import KARI

_SENDS = rf"{CODE} (?P<verb>sends|asks whether it could send)"
_AS = r"(?: as (?P<name>[A-Z]\w*))?"
_NUMBERS = r"(?P<numbers>[\d, -]+?)"
_NETWORK = r"(?: in network (?P<network>\w+))?"


@line(
    rf"{_SENDS} (?P<type>NP_BEST) for {_NUMBERS}(?: type (?P<number_type>[ETS]))? from (?P<donor>\w+)"
    rf" at (?P<time>{TIME}){_AS}{OUTCOME}"
)
async def _order(teller: Teller, told: dict[str, Any]) -> None:
    await teller.message(
        told["code"],
        told,
        {
            **read_numbers(told["numbers"], told["number_type"]),
            "donor": told["donor"],
            "porting_time": teller.instant(told["time"]),
            "customer": KARI,
            "authorisation_reference": "story",
        },
    )


@line(rf"{_SENDS} (?P<type>NP_OPPS|5_OPPS) for {_NUMBERS} at (?P<time>{TIME}){_AS}{OUTCOME}")
async def _termination(teller: Teller, told: dict[str, Any]) -> None:
    numbers = read_numbers(told["numbers"], None)
    del numbers["number_type"]
    await teller.message(told["code"], told, {**numbers, "termination_time": teller.instant(told["time"])})


@line(
    rf"{_SENDS} (?P<type>5_IVER) for (?P<number>\d+) from (?P<donor>\w+) at (?P<time>{TIME})"
    rf" leading to (?P<target>\d+) for the right holder (?P<holder>\d+){_NETWORK}{_AS}{OUTCOME}"
)
async def _set_up(teller: Teller, told: dict[str, Any]) -> None:
    await teller.message(
        told["code"],
        told,
        {
            "main_number": told["number"],
            "donor": told["donor"],
            "porting_time": teller.instant(told["time"]),
            "target_number": told["target"],
            "right_holder": {"name": "Sparebanken Eksempel AS", "organisation_number": told["holder"]},
            "network": told["network"],
        },
    )


@line(
    rf"{_SENDS} (?P<type>NP_(?:GODK|FBES|ENDR|ANNU|IVER|FIVE|FERD|FOPS|TILB)|5_FERD|5_TILB){CASE}"
    rf"(?: answering the (?P<answers>NP_\w+))?(?: to (?P<time>{TIME}))?(?: for \"(?P<name>[^\"]+)\")?{_NETWORK}"
    r"(?: because (?P<reason>[\w-]+))?(?: expecting (?P<expected>.+?))?(?P<secret> secret)?"
    rf"(?: saying \"(?P<comment>[^\"]*)\")?{OUTCOME}"
)
async def _about_case(teller: Teller, told: dict[str, Any]) -> None:
    case_id = teller.case_id(told["case"])
    await teller.message(
        told["code"],
        told,
        {
            "case_id": case_id,
            "answers": teller.ids[case_id, told["answers"]] if told["answers"] else None,
            "porting_time": teller.instant(told["time"]),
            "customer": {"name": told["name"], "birth_date": "1970-01-01"} if told["name"] else None,
            "network": told["network"],
            "reason": told["reason"],
            "expected": read_expected(told["expected"]) if told["expected"] else None,
            "secret_number": True if told["secret"] else None,
            "comment": told["comment"],
        },
    )


@line(rf"everybody else sends (?P<type>NP_FERD|5_FERD){CASE}{OUTCOME}")
async def _everybody(teller: Teller, told: dict[str, Any]) -> None:
    case_id = teller.case_id(told["case"])
    missing = (await teller.service.case(case_id))["completion"]["missing"]
    assert missing, f"nobody's {told['type']} is missing"
    for code in missing[:-1]:
        answer = await teller.service.accepted(code, told["type"], case_id=case_id)
        assert answer["case"]["state"] == "awaiting_completion"
    teller.check(await teller.service.post(missing[-1], told["type"], case_id=case_id), told["outcome"])


@line(rf"{CODE} sends the same message again(?P<otherwise>, spelled otherwise)?(?:, at (?P<time>{TIME}))?{OUTCOME}")
async def _again(teller: Teller, told: dict[str, Any]) -> None:
    body = dict(teller.last[told["code"]])
    if told["time"]:
        body["porting_time"] = teller.instant(told["time"])
    if told["otherwise"]:
        body = dict(reversed([(name, _otherwise(name, value)) for name, value in body.items()]))
    teller.check(await _posted(teller, told["code"], body), told["outcome"])


def _otherwise(name: str, value: Any) -> Any:
    """The same in other words: +47 before numbers, lists in another order, times in UTC."""
    if name == "main_number":
        return f"+47{value}"
    if name == "additional_numbers":
        return [f"+47{number}" for number in reversed(value)]
    if name.endswith("_time"):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


async def _posted(teller: Teller, code: str, body: dict[str, Any]) -> httpx.Response:
    return await teller.service.send("POST", "/messages", code, body)


@line(rf"{CODE} sends, as {CODE.replace('code', 'sender')}, NP_ANNU{CASE}{OUTCOME}")
async def _for_another(teller: Teller, told: dict[str, Any]) -> None:
    case_id = teller.case_id(told["case"])
    response = await teller.service.post(told["sender"], "NP_ANNU", key=told["code"], case_id=case_id)
    teller.check(response, told["outcome"])
