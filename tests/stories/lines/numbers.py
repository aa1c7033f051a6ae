"""Lines about numbers: who serves them, whether they can be ported, whose right of use they are, room under the cap."""

from datetime import date, datetime
from typing import Any

from tests.stories.language import DAY, TIME, read_day
from tests.stories.teller import CODE, OUTCOME, Teller, line

_NUMBER = r"(?P<number>\d+)"
_AT = rf"(?: at (?P<time>{TIME}))?"


@line(
    rf"routing {_NUMBER} is (?P<holder>[A-Z0-9]+)(?: in (?P<network>[A-Z0-9]+))?"
    rf"(?: leading to (?P<target>\d+|nowhere))?{_AT}"
)
async def _routing(teller: Teller, told: dict[str, Any]) -> None:
    found = await teller.service.read(f"/routing/{told['number']}", "LYSE", at=teller.instant(told["time"]))
    assert found["holder"] == told["holder"], f"it is {found['holder']}"
    assert found["ported"] == (found["holder"] != found["range_holder"])
    if told["network"]:
        assert found["network"] == told["network"], f"it is in {found['network']}"
    if told["target"]:
        wanted = None if told["target"] == "nowhere" else told["target"]
        assert found["target_number"] == wanted, f"it leads to {found['target_number']}"


@line(rf"routing {_NUMBER} is not ported{_AT}")
async def _at_home(teller: Teller, told: dict[str, Any]) -> None:
    found = await teller.service.read(f"/routing/{told['number']}", "LYSE", at=teller.instant(told["time"]))
    assert found["ported"] is False, str(found)
    assert ";rn=" not in (found["tel_uri"] or "")


@line(rf"routing {_NUMBER} is unknown")
async def _unknown(teller: Teller, told: dict[str, Any]) -> None:
    teller.service.refused(await teller.service.get(f"/routing/{told['number']}", "LYSE"), "number-unknown", status=404)


@line(rf"routing {_NUMBER} becomes (?P<holder>\w+) at (?P<time>{TIME})")
async def _becomes(teller: Teller, told: dict[str, Any]) -> None:
    coming = (await teller.service.read(f"/routing/{told['number']}", "LYSE"))["next"]
    assert coming, "no change is ahead"
    assert (coming["holder"], coming["at"]) == (told["holder"], teller.shown(told["time"])), str(coming)


@line(rf"routing {_NUMBER} stays")
async def _stays(teller: Teller, told: dict[str, Any]) -> None:
    found = await teller.service.read(f"/routing/{told['number']}", "LYSE")
    assert found["next"] is None, str(found["next"])


@line(rf"{_NUMBER} can be ported from (?P<time>{TIME}) on")
async def _portable(teller: Teller, told: dict[str, Any]) -> None:
    found = await teller.service.read(f"/portability/{told['number']}", "LYSE")
    assert found["portable"], str(found["reasons"])
    assert found["earliest_porting_time"] == teller.shown(told["time"]), found["earliest_porting_time"]


@line(rf"{_NUMBER} cannot be ported: (?P<reasons>.+)")
async def _not_portable(teller: Teller, told: dict[str, Any]) -> None:
    found = await teller.service.read(f"/portability/{told['number']}", "LYSE")
    assert not found["portable"]
    assert found["reasons"] == told["reasons"].split(", "), str(found["reasons"])


@line(rf"the right of use of {_NUMBER} is (?P<holder>\d+)'s, as {CODE} sees it")
async def _right(teller: Teller, told: dict[str, Any]) -> None:
    found = await teller.service.read(f"/five-digit/{told['number']}/right-holder", told["code"])
    assert found["organisation_number"] == told["holder"], str(found)
    assert (found["name"] is None) == (told["code"] in ("OPERATOR", "ADMIN"))


@line(rf"{CODE} sees no right of use of {_NUMBER}")
async def _no_right(teller: Teller, told: dict[str, Any]) -> None:
    response = await teller.service.get(f"/five-digit/{told['number']}/right-holder", told["code"])
    teller.service.refused(response, "not-found")


@line(rf"the administrator records (?P<holder>\d+) as the right holder of {_NUMBER}{OUTCOME}")
async def _record_right(teller: Teller, told: dict[str, Any]) -> None:
    body = {"organisation_number": told["holder"], "name": "Taxi Eksempel SA", "reason": "a story"}
    await teller.admin("PUT", f"/five-digit/{told['number']}/right-holder", body, told["outcome"])


@line(rf"cap {CODE} on (?P<day>{DAY}): used (?P<used>\d+), free (?P<free>\d+)")
async def _cap(teller: Teller, told: dict[str, Any]) -> None:
    day = datetime.fromisoformat(read_day(told["day"])).date()
    who = "OPERATOR" if told["code"] == "0" else told["code"]
    following = date.fromordinal(day.toordinal() + 1)
    (item,) = (await teller.service.read(f"/caps/{told['code']}", who, from_=day, to=following))["items"]
    assert (item["used"], item["free"]) == (int(told["used"]), int(told["free"])), str(item)


@line(rf"limit {CODE} on (?P<day>{DAY}) is (?P<limit>\d+)")
async def _limit(teller: Teller, told: dict[str, Any]) -> None:
    body = {"limit": int(told["limit"]), "reason": "a story"}
    await teller.service.admin("PUT", f"/caps/{told['code']}/{read_day(told['day'])}", body)
