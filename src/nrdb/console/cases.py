"""One case: what it is, who must do what until when, and all that has happened."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from nrdb.cases.machine import ENDS
from nrdb.clock import parse_time
from nrdb.console.admin.changing import done
from nrdb.console.drawing import Happened, Timeline, Window, axis_of, timeline
from nrdb.console.inner import ApiError
from nrdb.console.messages import find_message, reason_of
from nrdb.console.page import HEADERS, HOME, Page, go, signed_in
from nrdb.console.reckoning import remarks_of, rules_of, windows_of
from nrdb.console.turns import ACTS, INVITATIONS, acts_of, effective_time, meaning, reminder_of, turns
from nrdb.texts import OSLO

_GOOD: Final = frozenset({"NP_GODK", "NP_IVER", "5_IVER", "NP_FERD", "5_FERD", "NP_TILB", "5_TILB"})
_BAD: Final = frozenset({"NP_FBES", "NP_ANNU", "NP_FIVE", "NP_FOPS"})
#: Days of working hours that a drawing shades at most; beyond, they would be too thin to see.
_SHADED: Final = timedelta(days=40)
#: The parts of the page that change while one looks, each in an element of that name.
PARTS: Final = ("badge", "turns", "remarks", "drawing", "windows", "completion", "log")
#: To whom a message goes where not all who see the case have it.
_RECEIVERS: Final[Mapping[str, str]] = {
    "NP_BEST": "donor", "NP_ENDR": "donor", "NP_GODK": "recipient", "NP_FBES": "recipient", "NP_FIVE": "recipient",
    "NP_FERD": "recipient", "5_FERD": "recipient", "NP_FOPS": "donor", "5_OPPS": "donor",
}  # fmt: skip
#: Lines of a history that no message stands behind.
_NO_MESSAGE: Final = frozenset({"time", "waive", "plan-change", "code-transfer"})


async def case(page: Page) -> Response:
    """The case as it is now. With `seen`, those parts that have changed since, or 204 while none has."""
    seen = page.query("seen").split(".")
    found = await page.api.get(f"/cases/{page.path('case_id')}")
    if seen[0] == _mark(page, found):
        return Response(None, 204, HEADERS)
    shown = await _shown(page, found)
    if seen[0]:
        known = dict(zip(("news", *PARTS), seen[1:], strict=False))
        changed = [name for name in PARTS if known.get(name) != shown["marks"][name]]
        told = known.get("news") != _hash(shown["news"])
        return page.render("_case_changed.html", **shown, changed=changed, told=told)
    return _page(page, shown)


def _page(page: Page, shown: Mapping[str, Any], status: int = 200, **values: Any) -> Response:
    return page.render(
        "case.html",
        status,
        **{"customer": None, "problem": None, "reminded": (), "done": done(page), **shown, **values},
    )


async def customer(page: Page) -> Response:
    """The same page with the customer, which is written down in the audit log."""
    shown = await _shown(page)
    found = await page.api.send("POST", f"/cases/{page.path('case_id')}/customer")
    return _page(page, shown, customer=found["customer"])


async def remind(page: Page) -> Response:
    """Remind those whom the case waits for."""
    path = f"/cases/{page.path('case_id')}"
    found = await page.api.get(path)
    # Who may not is told so by the API, with one of the codes that the reader has in the case.
    code = reminder_of(found, page.caller.codes) or next(
        (code for code in page.caller.codes if code in _codes(found)), page.caller.codes[0]
    )
    try:
        answer = await page.api.send("POST", f"{path}/remind", parameters={"code": code})
    except ApiError as error:
        return _page(page, await _shown(page), error.status, problem=error.document)
    return go(f"{HOME}{path}?reminded={'.'.join(answer['reminded'])}")


async def back(page: Page) -> Response:
    """The case, for whoever loads the address of one of its forms again."""
    return go(f"{HOME}/cases/{page.path('case_id')}")


async def _shown(page: Page, found: dict[str, Any] | None = None) -> dict[str, Any]:
    """All that the page says, and its parts as HTML. The customer is not among it."""
    path = f"/cases/{page.path('case_id')}"
    found = dict(found or await page.api.get(path))
    mark = _mark(page, found)
    has_customer = found.pop("customer", None) is not None
    history = await page.api.all(f"{path}/history")
    at = effective_time(found)
    said = turns(page, acts_of(found, page.caller.codes))
    rules = await rules_of(page)
    windows = await windows_of(rules, found, history, at)
    remarks = await remarks_of(rules, found, history, at, said)
    shown: dict[str, Any] = {
        "case": found,
        "at": at,
        "has_customer": has_customer,
        "history": [line | {"link": _link(page, found, line), "name": _name(page, line)} for line in history],
        "turns": said,
        "meaning": meaning(page, found),
        "mine": any(turn.mine and turn.duty for turn in said),
        "invitations": INVITATIONS,
        "over": found["state"] in ENDS,
        "windows": windows,
        "remarks": remarks,
        "parties": await _parties(page, found),
        "reminder": reminder_of(found, page.caller.codes),
        "drawn": await _drawn(page, found, history, windows, at),
        "reminded": [code for code in page.query("reminded").split(".") if code in _codes(found)],
    }
    own = [line["type"] for line in history if line["by"] in page.caller.codes]
    shown["sent"] = next((kind for kind in own if kind == page.query("sent")), None)
    shown["why"] = await _why(page, found, history)
    shown["not_now"] = next((kind for kind in ACTS if kind == page.query("not_now")), None)
    shown["parts"] = {name: page.part(f"_case_{name}.html", **shown) for name in PARTS}
    shown["news"] = " ".join(
        [page.word(f"state {found['state']}"), *(turn.say for turn in said if turn.duty), shown["meaning"]]
    )
    shown["marks"] = {name: _hash(part) for name, part in shown["parts"].items()}
    # Somebody may be reading how a remark was reckoned: one whose times go with now does not change for that alone.
    shown["marks"]["remarks"] = _hash(repr([(one.late, "" if one.moving else one.say) for one in remarks]))
    shown["seen"] = ".".join([mark, _hash(shown["news"]), *shown["marks"].values()])
    return shown


async def _why(page: Page, found: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """Why the order or the termination was rejected, for those who have that message."""
    line = next((line for line in reversed(history) if line["type"] in {"NP_FBES", "NP_FOPS"}), None)
    if found["state"] != "rejected" or line is None or _link(page, found, line) is None:
        return ""
    codes = page.caller.codes or (line["by"],)
    return await reason_of(page, (await find_message(page, line["message_id"], codes))["reason"])


def _codes(found: Mapping[str, Any]) -> set[str]:
    return {found["recipient"], found["donor"], *found["range_holders"], *found["completion"]["expected"]} - {None}


async def _parties(page: Page, found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The parties with their parts in the case; one code may have several."""
    roles: dict[str, list[str]] = {}
    if found["recipient"]:
        roles.setdefault(found["recipient"], []).append(page.word("Recipient (MT)"))
    roles.setdefault(found["donor"], []).append(
        page.word("Donor (AT)") if found["recipient"] else page.word("Holder that terminates")
    )
    for code in found["range_holders"]:
        roles.setdefault(code, []).append(page.word("Range holder (OAT)"))
    providers = {one["code"]: one for one in await page.api.all("/providers")}
    return [(", ".join(parts), providers[code]) for code, parts in roles.items() if code in providers]


def _link(page: Page, found: Mapping[str, Any], line: Mapping[str, Any]) -> str | None:
    """Where the message of a line can be read by this reader; None where there is none, or it went to others."""
    if line["message_id"] is None or line["type"] in _NO_MESSAGE:
        return None
    address = f"{HOME}/messages/{line['message_id']}"
    if page.caller.role != "provider":
        return f"{address}?code={line['by']}"
    receiver = _RECEIVERS.get(line["type"])
    if receiver is None or {line["by"], found[receiver]} & set(page.caller.codes):
        return address
    return None


async def _drawn(
    page: Page, found: Mapping[str, Any], history: Sequence[Mapping[str, Any]], windows: Sequence[Window], at: datetime
) -> Timeline:
    """The case in time: what happened, when it takes effect, and when who may do what."""
    happened = [Happened(_name(page, line), parse_time(line["at"]), _look(line["type"])) for line in history]
    over = found["state"] in ENDS
    axis = axis_of([line.at for line in happened] + [at] + ([] if over else [page.now]))
    calendar: list[Any] = []
    if axis.end - axis.begin <= _SHADED:
        begin, end = (instant.astimezone(OSLO).date() for instant in (axis.begin, axis.end + timedelta(days=1)))
        calendar = (await page.api.get("/calendar", from_=begin.isoformat(), to=end.isoformat()))["items"]
    return timeline(
        axis, page.language, calendar=calendar, windows=windows, history=happened, port=at,
        now=None if over else page.now,
    )  # fmt: skip


def _name(page: Page, line: Mapping[str, Any]) -> str:
    kind: str = line["type"]
    names = {
        "time": page.word("time passed"),
        "waive": page.word("no longer waited for"),
        "plan-change": page.word("number plan changed"),
        "code-transfer": page.word("code changed"),
    }
    return names.get(kind, kind)


def _look(kind: str) -> str:
    return "good" if kind in _GOOD else "bad" if kind in _BAD else ""


def _mark(page: Page, found: Mapping[str, Any]) -> str:
    """Changes when anything of the case has changed, and with each minute while now moves through the drawing."""
    # The bounds of a new porting time move with every instant; the page says them to the minute.
    following = [{**item, "earliest": None, "latest": None} for item in found["next"]]
    minute = None if found["state"] in ENDS else page.now.replace(second=0, microsecond=0)
    told = {name: value for name, value in found.items() if name not in {"next", "customer"}}
    return _hash(repr((page.language, told, following, minute)))


def _hash(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()[:12]


ROUTES = [
    Route("/cases/{case_id}", signed_in(case)),
    Route("/cases/{case_id}/customer", signed_in(back), methods=["GET"]),
    Route("/cases/{case_id}/customer", signed_in(customer, "provider"), methods=["POST"]),
    Route("/cases/{case_id}/remind", signed_in(back), methods=["GET"]),
    Route("/cases/{case_id}/remind", signed_in(remind, "provider"), methods=["POST"]),
]
