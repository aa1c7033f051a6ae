# ruff: noqa: ARG001 (the table of forms calls all of them alike)
"""What stands before a change and what after it, for people to compare; all of it as the API tells it.

`before` functions read, `after` functions reckon from what was, what is typed and what the API says would follow.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.exceptions import HTTPException

from nrdb.console.inner import ApiError
from nrdb.console.page import Page

State = Mapping[str, Any]
Subject = Mapping[str, str]
SLOTS: Final = 4
_PROVIDER: Final = ("name", "organisation_number", "terminating", "routing_number", "active", "contact")
_SERIES: Final = ("first", "last", "number_class", "holder", "status", "valid_from", "valid_until")
_KEY: Final = ("label", "role", "codes", "expires_at", "revoked_at", "requests_per_second", "streams")


def _some(found: State, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: found[name] for name in names}


def _at(value: str) -> str:
    return quote(value, safe="")


async def nothing(page: Page, subject: Subject) -> None:
    """There was nothing."""


async def _provider(page: Page, code: str) -> dict[str, Any]:
    found = next((one for one in await page.api.all("/providers") if one["code"] == code), None)
    if found is None:
        raise HTTPException(404)
    return dict(found)


async def provider(page: Page, subject: Subject) -> State:
    """What the register says of a code."""
    return _some(await _provider(page, subject["code"]), _PROVIDER)


async def code(page: Page, subject: Subject) -> State:
    """A code that is to become another."""
    found = await _provider(page, subject["code"])
    return {"code": found["code"], "name": found["name"], "active": found["active"]}


async def contacts(page: Page, subject: Subject) -> State:
    """The contact points of a code."""
    return {"contacts": (await _provider(page, subject["code"]))["contacts"]}


async def keys(page: Page, subject: Subject) -> State:
    """How many keys live: a second key made by the same click would not be the second for long."""
    found = await page.api.all("/admin/keys")
    return {"living_keys": sum(one["revoked_at"] is None for one in found)}


async def key(page: Page, subject: Subject) -> State:
    """One key, without the key."""
    return _some(await page.api.get(f"/admin/keys/{_at(subject['key_id'])}"), _KEY)


async def planned(page: Page, subject: Subject) -> State:
    """A change that is set for later."""
    wanted = subject["planned_id"]
    found = next((one for one in await page.api.all("/admin/planned-changes") if str(one["id"]) == wanted), None)
    if found is None:
        raise HTTPException(404)
    return _some(found, ("action", "subject", "details", "due_at", "reason"))


async def series(page: Page, subject: Subject) -> State:
    """A series as it is now."""
    return _some(await page.api.get(f"/series/{_at(subject['series_id'])}"), _SERIES)


async def limit(page: Page, subject: Subject) -> State:
    """Limit and use of a day."""
    following = _day(subject) + timedelta(days=1)
    path = f"/caps/{_at(subject['code'])}"
    (found,) = (await page.api.get(path, from_=subject["day"], to=following.isoformat()))["items"]
    return _some(found, ("limit", "used", "free"))


async def closed_day(page: Page, subject: Subject) -> State:
    """A day of the working-time calendar."""
    following = _day(subject) + timedelta(days=1)
    (found,) = (await page.api.get("/calendar", from_=subject["day"], to=following.isoformat()))["items"]
    return {"working_day": found["working_day"]}


def _day(subject: Subject) -> date:
    """A day that has a day after it, for the API to say the rest. 404 for what is none."""
    try:
        found = date.fromisoformat(subject["day"])
    except ValueError:
        raise HTTPException(404) from None
    if found == date.max:
        raise HTTPException(404)
    return found


async def right_holder(page: Page, subject: Subject) -> State | None:
    """Who has the right of use; None where nobody is on record."""
    try:
        found = await page.api.get(f"/five-digit/{_at(subject['number'])}/right-holder")
    except ApiError as error:
        if error.code != "not-found":
            raise
        return None
    # Administrators are not shown the name on record.
    return {"organisation_number": found["organisation_number"], "since": found["since"]}


async def case(page: Page, subject: Subject) -> State:
    """Whom a case waits for."""
    found = await page.api.get(f"/cases/{_at(subject['case_id'])}")
    return _some(found, ("main_number", "state")) | _some(found["completion"], ("missing", "waived"))


def as_it_is(content: State, before: State | None) -> Any:
    """What is typed is what is sent."""
    return dict(content)


def merged(before: State | None, content: State, effects: State) -> State:
    """What is typed takes the place of what was; the rest stays."""
    after = dict(before or {})
    for name, value in content.items():
        if name != "reason":
            old = after.get(name)
            after[name] = {**old, **value} if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return after


def gone(before: State | None, content: State, effects: State) -> None:
    """Nothing is left of it."""


def transferred(before: State | None, content: State, effects: State) -> State:
    """The old code is inactive; what it had is listed beside."""
    at = {"effective_at": content["effective_at"]} if "effective_at" in content else {}
    return {**(before or {}), "active": False, "transferred_to": content.get("to")} | at


def revoked(before: State | None, content: State, effects: State) -> State:
    """It opens nothing any more."""
    return {**(before or {}), "revoked_at": "now"}


def one_key_more(before: State | None, content: State, effects: State) -> State:
    """The new key beside those that live."""
    new = {name: content.get(name) for name in ("role", "codes", "label", "expires_at")}
    return {"living_keys": (before or {"living_keys": 0})["living_keys"] + 1} | new


def key_body(content: State, before: State | None) -> Any:
    """Codes are written in capitals."""
    return {**content, "codes": [code.upper() for code in content.get("codes", ())]}


def key_limits(content: State, before: State | None) -> Any:
    """An empty field means the common limit."""
    return {"requests_per_second": None, "streams": None, **content}


def key_limited(before: State | None, content: State, effects: State) -> State:
    """The key with its new limits."""
    return merged(before, key_limits(content, before), effects)


def series_after(before: State | None, content: State, effects: State) -> State:
    """The series as the API says that it will be."""
    return _some(effects["series"][0], _SERIES) if effects.get("series") else merged(before, content, effects)


def split(before: State | None, content: State, effects: State) -> State:
    """The part and the rest."""
    parts = [f"{one['first']}–{one['last']}" for one in effects.get("series", ())]
    return {**(before or {}), "parts": parts}


def limited(before: State | None, content: State, effects: State) -> State:
    """Limit and room of the day."""
    was = dict(before or {})
    return {**was, "limit": content["limit"], "free": max(0, content["limit"] - was["used"])}


def closed(before: State | None, content: State, effects: State) -> State:
    """The day, closed."""
    return {"working_day": False}


def waived(before: State | None, content: State, effects: State) -> State:
    """The case as the API says that it will be."""
    return {**(before or {}), **_some(effects, ("state", "missing", "waived"))}


def typed(before: State) -> dict[str, str]:
    """What was, as the fields of a form have it."""
    fields: dict[str, str] = {}
    for name, value in before.items():
        if isinstance(value, Mapping):
            fields |= {f"{name}/{part}": str(found) for part, found in value.items() if found is not None}
        elif isinstance(value, bool):
            fields[name] = "yes" if value else "no"
        elif value is not None:
            fields[name] = str(value)
    return fields


def contacts_typed(before: State) -> dict[str, str]:
    """The first contact points, as the fields of the form have them."""
    points = before["contacts"][:SLOTS]
    return {f"{slot}/{name}": str(value) for slot, point in enumerate(points) for name, value in point.items() if value}


def contacts_body(content: State, before: State | None) -> Any:
    """The contact points of the form, and after them those that it had no room for."""
    points = [content[str(slot)] for slot in range(SLOTS) if str(slot) in content]
    return points + list((before or {"contacts": ()})["contacts"][SLOTS:])


def as_named(content: State, pointer: str) -> str:
    """The API names the field as the form does."""
    return pointer


def contact_named(content: State, pointer: str) -> str:
    """The API counts the contact points that are filled in, the form its places for them."""
    place, _, rest = pointer.strip("/").partition("/")
    filled = [str(slot) for slot in range(SLOTS) if str(slot) in content]
    return f"/{filled[int(place)]}/{rest}" if place.isdigit() and int(place) < len(filled) else pointer


def contacts_after(before: State | None, content: State, effects: State) -> State:
    """The new contact points."""
    return {"contacts": contacts_body(content, before)}
