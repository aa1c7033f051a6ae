"""One search box: a number, a case, a message or an organisation, and what is known of it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from nrdb.cases.machine import ENDS
from nrdb.clock import parse_time
from nrdb.console.drawing import holders
from nrdb.console.inner import ApiError
from nrdb.console.message_forms import packed
from nrdb.console.page import HOME, Page, go, signed_in
from nrdb.console.turns import look, waits_for
from nrdb.console.words import text
from nrdb.console.work import heads

_NUMBER = re.compile(r"\+?[0-9]{3,15}")


async def home(page: Page) -> Response:
    """The first page."""
    return page.render("home.html", heads=await heads(page))


async def find(page: Page) -> Response:
    """Go to what is meant. What is nothing that we know is said so, with what can be searched for."""
    wanted = page.query("q")
    number = packed(wanted)
    if _NUMBER.fullmatch(number):
        return go(f"{HOME}/numbers/{quote(_national(number), safe='')}")
    if (found := _uuid(wanted)) is not None:
        return await _by_id(page, found)
    return await _by_name(page, wanted) if wanted else page.render("find.html", wanted="")


def _national(number: str) -> str:
    """Without the country's 47, whose number is five, eight or twelve digits long, before it or not."""
    digits = number.removeprefix("+").removeprefix("00")
    return digits.removeprefix("47") if len(digits) in {7, 10, 14} else number


async def _by_name(page: Page, wanted: str) -> Response:
    """The organisation of that code, or those whose names have it in them."""
    said = wanted.casefold()
    providers = await page.api.all("/providers")
    named = [one["code"] for one in providers if said in one["name"].casefold()]
    codes = [one["code"] for one in providers if one["code"].casefold() == said] or named
    match codes:
        case []:
            return page.render("find.html", 404, wanted=wanted)
        case [code]:
            return go(f"{HOME}/providers/{code}")
        case _:
            return go(f"{HOME}/providers?{urlencode({'q': wanted})}")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _by_id(page: Page, wanted: UUID) -> Response:
    try:
        await page.api.get(f"/cases/{wanted}")
    except ApiError as error:
        if error.status != 404:
            raise
    else:
        return go(f"{HOME}/cases/{wanted}")
    for code in page.caller.codes or (None,):
        try:
            await page.api.get(f"/messages/{wanted}", code=code)
        except ApiError as error:
            if error.status not in {403, 404, 409, 422}:
                raise
            continue
        return go(f"{HOME}/messages/{wanted}")
    return page.render("find.html", 404, wanted=str(wanted))


async def number(page: Page) -> Response:
    """What the number is, who serves it, all that has happened to it, and what is open."""
    wanted = page.path("number")
    try:
        routing = await page.api.get(f"/routing/{wanted}")
    except ApiError as error:
        # Neither what is in no plan nor what is no number at all.
        if error.status not in {404, 422}:
            raise
        routing = None
    if routing is None:
        return page.render("find.html", 404, wanted=page.request.path_params["number"], number=True)
    found = routing["number"]
    portability = await page.api.get(f"/portability/{found}")
    beliefs = await page.api.all(f"/routing/{found}/history")
    known = sorted((belief for belief in beliefs if belief["removed_at"] is None), key=_begins)
    cases = await page.api.get("/cases", number=found, limit=100)
    series = await page.api.get("/series", number=found)
    shown = [case | {"look": look(page, case["state"], waits_for(case))} for case in cases["items"]]
    return page.render(
        "number.html",
        routing=routing,
        portability=portability,
        reasons=[page.word(HINDRANCES.get(code, code)) for code in portability["reasons"]],
        history=[belief | {"now": _is_now(belief, page.now)} for belief in known],
        corrected=[belief for belief in beliefs if belief["removed_at"] is not None],
        drawn=holders(known, page.now, page.language),
        open_cases=[case for case in shown if case["state"] not in ENDS],
        closed_cases=[case for case in shown if case["state"] in ENDS],
        more_cases=cases["next"] is not None,
        series=series["items"],
    )


def _begins(belief: Mapping[str, Any]) -> datetime:
    return parse_time(belief["valid_from"])


def _is_now(belief: Mapping[str, Any], now: datetime) -> bool:
    until = belief["valid_until"]
    return _begins(belief) <= now and (until is None or now < parse_time(until))


#: Why a number cannot be ported now.
HINDRANCES = {
    "number-not-portable": text("Its series is blocked."),
    "number-not-in-use": text("Nobody uses it."),
    "number-in-open-case": text("It is in another case, and one at a time is allowed."),
}

ROUTES = [
    Route("/", signed_in(home)),
    Route("/find", signed_in(find)),
    Route("/numbers/{number}", signed_in(number)),
]
