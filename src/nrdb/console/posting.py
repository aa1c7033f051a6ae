"""Posting messages by form: what a case allows, or what opens one; checked before it is sent, if one likes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from nrdb.console.inner import ApiError
from nrdb.console.message_forms import (
    ABOUT,
    FORMS,
    OPENING,
    Field,
    comes_twice,
    errors_at,
    message_of,
    packed,
    unplaced,
)
from nrdb.console.page import HOME, Form, Page, go, signed_in
from nrdb.console.reckoning import BOUNDS, rules_of
from nrdb.console.turns import ACTS, INVITATIONS, effective_time
from nrdb.console.words import clock, end

#: What to prefill a form with: everything else that stands in an address is left alone.
_PREFILLED = ("main_number", "donor")
#: Answers to an order, which may have been changed since somebody looked at it.
_ANSWERS = frozenset({"NP_GODK", "NP_FBES"})
_ORDERS = frozenset({"NP_BEST", "NP_ENDR"})
#: What kind of case a message opens; who sends one that opens a termination is the donor: the number leaves it.
_OPENS = {"NP_BEST": "porting", "NP_OPPS": "termination", "5_IVER": "five_digit", "5_OPPS": "termination"}


async def choose(page: Page) -> Response:
    """Which message, for which number."""
    return page.render("post_choose.html", opening=OPENING)


async def new(page: Page) -> Response:
    """The form of a message that opens a case."""
    kind = page.request.path_params["type"]
    if kind not in OPENING:
        raise HTTPException(404)
    values = {name: page.query(name) for name in _PREFILLED if page.query(name)}
    if "main_number" in values:
        number = values["main_number"] = packed(values["main_number"])
        try:
            found = await page.api.get(f"/portability/{quote(number, safe='')}")
        except ApiError as error:
            if error.status not in {404, 422}:
                raise
        else:
            values["main_number"] = found["number"]
            values.setdefault("donor", found["holder"])
    return await _form(page, kind, values)


async def _lawful(page: Page, kind: str, sender: str, values: Mapping[str, str]) -> dict[str, Any] | None:
    """When the message could name a time, and why not sooner; nothing where the API cannot say yet."""
    content, _ = message_of(FORMS[kind], Form(values))
    series = content.get("series", [])
    # The main number of a series lies in it.
    singles = [] if series else [content.get("main_number"), *content.get("additional_numbers", ())]
    numbers = [*singles, *series]
    parties = (
        {"donor": sender} if _OPENS[kind] == "termination" else {"donor": content.get("donor"), "recipient": sender}
    )
    if None in (*numbers, *parties.values()):
        return None
    try:
        found: dict[str, Any] = await page.api.send("POST", "/slots", {"type": kind, "numbers": numbers, **parties})
    except ApiError:
        # What is wrong with these numbers is said when the message is checked or sent.
        return None
    return found


async def window(page: Page) -> Response:
    """The lawful times for what is typed so far, for the form to renew them while somebody fills it in."""
    kind = page.request.path_params["type"]
    if kind not in OPENING:
        raise HTTPException(404)
    sender = page.field("sender") or page.caller.codes[0]
    lawful = await _lawful(page, kind, sender, page.form)
    return page.render("_window.html", windows=await _windows(page, kind, None, lawful))


async def post_new(page: Page) -> Response:
    """Check or send a message that opens a case."""
    kind = page.request.path_params["type"]
    if kind not in OPENING:
        raise HTTPException(404)
    sender = page.field("sender") or page.caller.codes[0]
    return await _post(page, kind, {"sender": sender})


async def answer(page: Page) -> Response:
    """The form of a message on a case. What the case does not allow now, the case itself says best why."""
    kind, case = await _case_for(page)
    act = _act(page, case, kind, page.query("by").upper())
    if act is None:
        return go(f"{HOME}/cases/{case['case_id']}?not_now={kind}")
    return await _form(page, kind, {}, case=case, act=act)


async def post_answer(page: Page) -> Response:
    """Check or send a message on a case, for the code that the form was made for."""
    kind, case = await _case_for(page)
    sender = page.field("sender") or page.caller.codes[0]
    common = {"sender": sender, "case_id": case["case_id"]}
    if kind in _ANSWERS and page.field("answers"):
        # The order that the reader saw: another one since is refused, and shown before anybody answers it.
        common["answers"] = page.field("answers")
    # What was allowed when the form was made may no longer be: the API says best why.
    act = _act(page, case, kind, sender) or {"type": kind, "by": sender, "earliest": None, "latest": None}
    return await _post(page, kind, common, case=case, act=act)


async def _case_for(page: Page) -> tuple[str, dict[str, Any]]:
    """The message that the address names, and its case. 404 where no case has such a message."""
    kind = page.request.path_params["type"]
    if kind not in ACTS or kind not in FORMS:
        raise HTTPException(404)
    return kind, await page.api.get(f"/cases/{page.path('case_id')}")


def _act(page: Page, case: Mapping[str, Any], kind: str, by: str) -> dict[str, Any] | None:
    """What the case says of the message from this code, or from the first of the reader's that may send it."""
    mine = (one for one in case["next"] if one["type"] == kind and one["from"] is None)
    return next((one for one in mine if one["by"] in page.caller.codes and by in ("", one["by"])), None)


async def _post(
    page: Page,
    kind: str,
    common: dict[str, Any],
    *,
    case: dict[str, Any] | None = None,
    act: dict[str, Any] | None = None,
) -> Response:
    content, wrong = message_of(FORMS[kind], page.form)
    values = {field.name: str(page.form.get(field.name, "")) for field in FORMS[kind]}
    errors = {name: page.word(template) for name, template in wrong.items()}
    message = {"type": kind, "message_id": page.field("message_id"), **common, **content}
    if errors:
        return await _form(page, kind, values, case=case, act=act, errors=errors, status=422)
    try:
        if page.field("act") != "send":
            found = await page.api.send("POST", "/messages/check", message)
            if found["status"] >= 400:
                raise ApiError(found["status"], found["answer"])
            return await _form(page, kind, values, case=case, act=act, checked=True, warnings=_warnings(found))
        sent = await page.api.send("POST", "/messages", message)
    except ApiError as error:
        return await _refused(page, kind, values, error, case=case, act=act)
    return go(f"{HOME}/cases/{sent['case']['case_id']}?sent={kind}")


def _warnings(found: Mapping[str, Any]) -> list[str]:
    """What a message that would be accepted is warned of."""
    return [warning["detail"] for warning in (found["answer"].get("case") or {}).get("warnings", ())]


async def _order_of(page: Page, case: Mapping[str, Any]) -> str:
    """The message that an answer would answer now: the newest order or change of it."""
    history = await page.api.all(f"/cases/{case['case_id']}/history")
    return str(next(line["message_id"] for line in reversed(history) if line["type"] in _ORDERS))


async def _refused(
    page: Page,
    kind: str,
    values: Mapping[str, str],
    error: ApiError,
    *,
    case: dict[str, Any] | None,
    act: dict[str, Any] | None,
) -> Response:
    """The form again, with what was typed, and what is wrong where it is wrong."""
    errors, problem = errors_at(FORMS[kind], error, ABOUT, page.word), unplaced(FORMS[kind], error)
    return await _form(page, kind, values, case=case, act=act, errors=errors, problem=problem, status=error.status)


async def _form(page: Page, kind: str, values: Mapping[str, str], *, status: int = 200, **more: Any) -> Response:
    case, act = more.get("case"), more.get("act")
    title = page.word(OPENING[kind]) if kind in OPENING else page.word(INVITATIONS[kind])
    address = f"{HOME}/cases/{case['case_id']}/post/{kind}" if case else f"{HOME}/post/{kind}"
    sender = page.field("sender") or (act["by"] if act else page.caller.codes[0])
    lawful = None if case else await _lawful(page, kind, sender, values)
    answers = await _order_of(page, case) if case and kind in _ANSWERS else ""
    at = effective_time(case) if case else None
    shown: dict[str, Any] = {
        "checked": False, "errors": {}, "problem": None, "case": None, "act": None, "warnings": (),
    } | more  # fmt: skip
    renewed = {} if case else {"renewed": f"{HOME}/post/{kind}/window"}
    return page.render(
        "post.html", status, kind=kind, heading=title, address=address, fields=FORMS[kind], values=values,
        message_id=page.field("message_id") or str(uuid4()), codes=page.caller.codes, sender=sender,
        answers=answers, at=at,
        windows=await _windows(page, kind, act, lawful),
        twice=[name for name, typed in values.items() if _twice(FORMS[kind], name, typed)],
        acts=ACTS,
        **renewed,
        **shown,
    )  # fmt: skip


def _twice(fields: tuple[Field, ...], name: str, typed: str) -> bool:
    if typed and next((field.kind for field in fields if field.name == name), "") == "time":
        try:
            return comes_twice(typed)
        except (ValueError, TypeError):
            return False
    return False


@dataclass(frozen=True, slots=True)
class Lawful:
    """In words, what times are lawful, and by which rules none sooner or later."""

    times: tuple[str, ...]
    why: tuple[str, ...]


async def _windows(
    page: Page, kind: str, act: Mapping[str, Any] | None, lawful: Mapping[str, Any] | None
) -> Lawful | None:
    moves = act is not None and act["earliest"] is not None
    if not moves and lawful is None:
        return None
    rules = await rules_of(page)
    first, last, _ = BOUNDS[_OPENS.get(kind, "porting")]
    if act and moves:
        time = _between(page, act["earliest"], act["latest"])
        return Lawful((time,), (f"{rules.says(first)}.", f"{rules.says(last)}."))
    found, why = lawful or {"slots": [], "not_before": []}, []
    for before in found["not_before"][:3]:
        why.append(f"{before['rule'] or before['code']}: {before['detail']}")
        why += [str(line) for line in (before.get("facts") or {}).get("derivation", [])]
    why += [f"{rules.says(last)}."] if found["slots"] else []
    return Lawful(tuple(_between(page, slot["from"], slot["until"]) for slot in found["slots"][:3]), tuple(why))


def _between(page: Page, earliest: str, latest: str) -> str:
    return page.word(
        "From {earliest} until {latest}.", earliest=clock(page.language, earliest), latest=end(page.language, latest)
    )


ROUTES = [
    Route("/post", signed_in(choose, "provider")),
    Route("/post/{type}", signed_in(new, "provider")),
    Route("/post/{type}", signed_in(post_new, "provider"), methods=["POST"]),
    Route("/post/{type}/window", signed_in(window, "provider"), methods=["POST"]),
    Route("/cases/{case_id}/post/{type}", signed_in(answer, "provider")),
    Route("/cases/{case_id}/post/{type}", signed_in(post_answer, "provider"), methods=["POST"]),
]
