"""How things stand: the figures of the API's reports, drawn, with the numbers behind each drawing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from nrdb.console.charts import Columns, Rows, columns, rows
from nrdb.console.inner import ApiError
from nrdb.console.page import Page, signed_in
from nrdb.console.words import clock, day, text
from nrdb.texts import OSLO

#: Days of the overview where the address names none.
DAYS = 14
#: Bars of a chart at most; the table has them all.
MOST = 15


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart, and the table behind it: its head, and its rows, of which the first cell is what the row is about."""

    key: str
    title: str
    about: str
    chart: Columns | Rows
    head: Sequence[str]
    lines: Sequence[Sequence[str]]


async def overview(page: Page) -> Response:
    """The period stands in the address. A provider sees its own figures."""
    today = page.now.astimezone(OSLO).date()
    first = page.query("from") or (today - timedelta(days=DAYS - 1)).isoformat()
    last = page.query("to") or today.isoformat()
    code = page.query("code").upper() or (page.caller.codes[0] if page.caller.codes else "")
    panels: tuple[list[Panel], ...] = ()
    problem = None
    try:
        panels = await _panels(page, first, _next(last), code or None)
    except ApiError as error:
        if error.status not in {403, 422}:
            raise
        problem = error
    return page.render("overview.html", problem.status if problem else 200, columns=panels,
                       problem=problem.document if problem else None, first=first, last=last, code=code,
                       codes=page.caller.codes)  # fmt: skip


def _next(day: str) -> str:
    """The day after, where reports end; what is no day the API calls so."""
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


async def _panels(page: Page, first: str, last: str, code: str | None) -> tuple[list[Panel], ...]:
    """Two columns, about as high as each other."""
    days = (await page.api.get("/reports/daily", from_=first, to=last, code=code))["items"]
    answers = (await page.api.get("/reports/answers", from_=first, to=last, code=code))["items"]
    states = (await page.api.get("/reports/cases", code=code))["items"]
    delivery = await page.api.all("/reports/delivery", code=code)
    return (
        [_portings(page, days), _answers(page, answers), _states(page, states)],
        [_refusals(page, days), _delivery(page, delivery)],
    )


def _portings(page: Page, days: Sequence[Mapping[str, Any]]) -> Panel:
    names = ("opened", "executed", "completed", "rejected", "cancelled", "obsolete", "returned")
    return Panel(
        "portings",
        page.word("Numbers ported a day"),
        page.word("At their porting time. Days are days in Norway."),
        columns([(_short(page, one["day"]), one["numbers_moved"], str(one["numbers_moved"])) for one in days]),
        [page.word(title) for title in (
            text("Day"), text("Numbers ported"), text("Numbers returned"), text("Opened"), text("Carried out (cases)"),
            text("Completed"), text("Rejected"), text("Cancelled"), text("Obsolete"), text("Returned (cases)"),
        )],
        [[day(page.language, one["day"]), str(one["numbers_moved"]), str(one["numbers_returned"]),
          *(str(one["cases"][name]) for name in names)] for one in days],
    )  # fmt: skip


def _short(page: Page, written: str) -> str:
    found = date.fromisoformat(written)
    return f"{found.day}.{found.month}." if page.language == "nb" else f"{found:%d %b}"


def _refusals(page: Page, days: Sequence[Mapping[str, Any]]) -> Panel:
    refused: Counter[str] = Counter()
    for one in days:
        refused.update(one["refusals"])
    return Panel(
        "refusals",
        page.word("Refusals by code"),
        page.word("Messages that a rule refused."),
        rows([(code, count, str(count)) for code, count in refused.most_common(MOST)]),
        [page.word("Code"), page.word("Refused messages")],
        [[code, str(count)] for code, count in refused.most_common()],
    )


def _answers(page: Page, answers: Sequence[Mapping[str, Any]]) -> Panel:
    slowest = sorted(answers, key=lambda one: (-one["working_minutes"]["median"], one["code"]))
    return Panel(
        "answers",
        page.word("Answer times of donors"),
        page.word("Working minutes from the order to the answer, the middle one of each donor."),
        rows([(one["code"], one["working_minutes"]["median"], f"{one['working_minutes']['median']:g}")
              for one in slowest[:MOST]]),
        [page.word(title) for title in (
            text("Code"), text("Answers"), text("Middle, working minutes"), text("Nine in ten, working minutes"),
            text("Longest, working minutes"), text("Middle, minutes"), text("Within the assumed deadline"),
        )],
        [[one["code"], str(one["count"]), *(f"{one['working_minutes'][name]:g}" for name in ("median", "p90", "max")),
          f"{one['minutes']['median']:g}", f"{one['within_due']:.1%}"] for one in slowest],
    )  # fmt: skip


def _states(page: Page, states: Sequence[Mapping[str, Any]]) -> Panel:
    named = [
        (f"{page.word('kind ' + one['kind'])}: {page.word('state ' + one['state'])}", one["count"]) for one in states
    ]
    return Panel(
        "cases",
        page.word("Open cases by state"),
        page.word("As of now."),
        rows([(name, count, str(count)) for name, count in named]),
        [page.word("State"), page.word("Cases")],
        [[name, str(count)] for name, count in named],
    )


def _delivery(page: Page, delivery: Sequence[Mapping[str, Any]]) -> Panel:
    behind = sorted(
        (one for one in delivery if one["waiting_since"]), key=lambda one: (-one["unacknowledged"], one["code"])
    )
    return Panel(
        "delivery",
        page.word("Delivery backlog by provider"),
        page.word("Items in the inbox that are neither acknowledged nor delivered. Counting ends at 10,000."),
        rows([(one["code"], one["unacknowledged"], _many(one, "unacknowledged")) for one in behind[:MOST]]),
        [page.word(title) for title in (
            text("Code"), text("Not acknowledged"), text("Waiting since"), text("Webhook"), text("Not delivered"),
            text("Given up"),
        )],
        [[one["code"], _many(one, "unacknowledged"),
          clock(page.language, one["waiting_since"]) if one["waiting_since"] else "–",
          page.word(WEBHOOKS[one["webhook"]]),
          "–" if one["pending"] is None else _many(one, "pending"), str(one["skipped"])] for one in delivery],
    )  # fmt: skip


WEBHOOKS = {"none": text("none"), "on": text("on"), "off": text("off"), "failing": text("failing")}


def _many(one: Mapping[str, Any], name: str) -> str:
    return f"{one[name]}{'+' if one[f'more_{name}'] else ''}"


ROUTES = [Route("/overview", signed_in(overview))]
