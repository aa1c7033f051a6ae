"""Lines that read what was sent to a code, the audit log, and reports."""

from datetime import date
from typing import Any

from tests.stories.language import DAY, read_day
from tests.stories.teller import CASE, CODE, Teller, line
from tests.support.service import type_of


@line(rf"{CODE}'s inbox: (?P<types>.+)")
async def _inbox(teller: Teller, told: dict[str, Any]) -> None:
    page = await teller.service.read("/inbox", told["code"], after=teller.seen.get(told["code"], 0))
    teller.seen[told["code"]] = page["next"]
    found = [type_of(item["message"]) for item in page["items"]]
    wanted = told["types"].split(", ") if told["types"] != "nothing" else []
    if teller.quiet:  # A notice waits for a worker, or for the next message on the case.
        found, wanted = ([name for name in names if name not in _LATE] for names in (found, wanted))
    assert found == wanted, f"it holds {', '.join(found) or 'nothing'}"


_LATE = {"NOTICE obsolete", "NOTICE completed"}


@line(rf"{CODE}'s newest (?P<type>\w+) (?P<shows>shows|hides) (?P<fields>.+)")
async def _shows(teller: Teller, told: dict[str, Any]) -> None:
    items = await teller.service.inbox(told["code"], type=told["type"], limit=1000)
    assert items, f"no {told['type']} is there"
    message = items[-1]["message"]
    for name in told["fields"].split(", "):
        assert name in message, f"no {name} in {message}"
        assert (message[name] is not None) == (told["shows"] == "shows"), f"{name} is {message[name]}"


@line(rf"{CODE} (?P<reads>reads|cannot read) the (?P<type>NP_\w+|5_\w+){CASE} again")
async def _again(teller: Teller, told: dict[str, Any]) -> None:
    message_id = teller.ids[teller.case_id(told["case"]), told["type"]]
    response = await teller.service.get(f"/messages/{message_id}", told["code"])
    if told["reads"] == "reads":
        assert response.status_code == 200, response.text
        assert response.json()["type"] == told["type"]
    else:
        teller.service.refused(response, "not-found")


@line(r"audit log: (?P<actions>.+)")
async def _audit(teller: Teller, told: dict[str, Any]) -> None:
    items = (await teller.service.read("/audit", limit=1000))["items"]
    # That the clock was moved is the telling's doing, not the story's.
    new = [item for item in items if item["id"] > teller.seen.get("audit log", 0) and item["action"] != "clock-moved"]
    teller.seen["audit log"] = items[-1]["id"] if items else 0
    for item in new:
        assert item["at"]
        # Who made it: only what was set for later is carried out by the service itself.
        assert item["key_id"] or item["action"] in ("series-changed", "code-transferred"), str(item)
    found = [item["action"] for item in new]
    wanted = told["actions"].split(", ") if told["actions"] != "nothing" else []
    assert found == wanted, f"it tells {', '.join(found) or 'nothing'}"


@line(r"overdue: (?P<items>.+)")
async def _overdue(teller: Teller, told: dict[str, Any]) -> None:
    items = (await teller.service.read("/reports/overdue", limit=1000))["items"]
    found = [f"{item['message']} by {item['waiting_for']}" for item in items]
    wanted = told["items"].split(", ") if told["items"] != "nothing" else []
    assert found == wanted, f"it is {', '.join(found) or 'nothing'}"


@line(rf"figures of (?P<day>{DAY}): (?P<figures>.+)")
async def _daily(teller: Teller, told: dict[str, Any]) -> None:
    day = date.fromisoformat(read_day(told["day"]))
    following = date.fromordinal(day.toordinal() + 1)
    (item,) = (await teller.service.read("/reports/daily", from_=day, to=following))["items"]
    figures = {**item, **item["messages"], **item["cases"], **item["refusals"]}
    teller.compare(figures, told["figures"])


@line(rf"{CODE}'s key opens nothing")
async def _shut(teller: Teller, told: dict[str, Any]) -> None:
    teller.service.refused(await teller.service.get("/me", told["code"]), "unauthenticated")


@line(rf"{CODE}'s key is for (?P<codes>.+)")
async def _me(teller: Teller, told: dict[str, Any]) -> None:
    found = (await teller.service.read("/me", told["code"]))["codes"]
    assert found == told["codes"].split(", "), str(found)
