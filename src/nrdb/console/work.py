"""Work lists: what waits for me, for others, what presses, what is late, what has come to nothing today.

Each list is made of lists of the API, which walk an index and stop, so that a million cases cost what ten thousand do.
Nothing is counted for that reason: a section tells whether there is more.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from nrdb.cases.lists import WaitingFor
from nrdb.clock import format_time, parse_time
from nrdb.console.inner import ApiError
from nrdb.console.message_forms import packed
from nrdb.console.page import HEADERS, HOME, Page, go, signed_in
from nrdb.console.turns import effective_time, look, waits_for
from nrdb.console.words import called, clock, text
from nrdb.messages.patterns import PROVIDER_CODE
from nrdb.reports.working import midnight
from nrdb.texts import OSLO

#: Cases of a section on one page.
ROWS = 50
#: What takes effect within this is near.
NEAR = timedelta(hours=4)
#: What will be late within so many working minutes is near, too.
SOON = 60
#: How a cell of a table begins that a spreadsheet would carry out.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Section:
    """Cases in a state; without one, what the report of answers and reports that are late lists.

    `due_within`: that report, with what will be late within so many working minutes.
    """

    key: str
    title: str
    state: str = ""
    due_within: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A work list, and what it means.

    `waiting_for` is the API's: the reader, or others. `time` is that of its cases, where it is about one.
    """

    key: str
    title: str
    about: str
    sections: tuple[Section, ...]
    waiting_for: WaitingFor | None = None
    time: Callable[[datetime], tuple[datetime, datetime]] | None = None

    @property
    def filtered(self) -> tuple[str, ...]:
        """The filters that all its sections have; those of time only where the list has no time of its own."""
        if not all(section.state for section in self.sections):
            return ("code", "kind")
        return ("code", "kind", "number", *(("first", "last") if self.time is None else ()))


def _soon(now: datetime) -> tuple[datetime, datetime]:
    return now, now + NEAR


def _today(now: datetime) -> tuple[datetime, datetime]:
    today = now.astimezone(OSLO).date()
    return midnight(today), midnight(today + timedelta(days=1))


_ANSWER = Section("answer", text("Orders that wait for the donor's answer"), "awaiting_donor")
_EXECUTE = Section("execute", text("Portings to carry out"), "awaiting_recipient")
_REPORT = Section("report", text("Portings that wait for reports"), "awaiting_completion")
_RETURN = Section("return", text("Numbers to take back"), "awaiting_return")
_TURNS = (_ANSWER, _EXECUTE, _REPORT, _RETURN)

_VIEWS = (
    View("mine", text("Awaiting me"), text("What you must do, or it stops."), _TURNS, "own"),
    View("others", text("Awaiting others"), text("What you wait for."), _TURNS, "others"),
    View(
        "near",
        text("Near a deadline"),
        text("Undecided with a porting time within four hours, or late within a working hour (assumed deadlines)."),
        (_ANSWER, _EXECUTE, Section("soon", text("Answers and reports that will soon be late"), due_within=SOON)),
        time=_soon,
    ),
    View(
        "overdue",
        text("Overdue"),
        text("Answers, reports and returns that are late. The deadlines are assumptions."),
        (Section("overdue", text("Overdue")),),
    ),
    View(
        "obsolete",
        text("Obsolete today"),
        text("Porting time today, and nobody carried it out."),
        (Section("obsolete", text("Orders whose porting time passed unused"), "obsolete"),),
        time=_today,
    ),
)
VIEWS: Final[Mapping[str, View]] = {view.key: view for view in _VIEWS}
#: Whoever sees all cases has none that waits for them.
_OPEN = replace(VIEWS["others"], title=text("Open"), about=text("Everything that waits for somebody."))
_COLUMNS: Final = (
    text("Section"), text("Number"), text("Time"), text("State"), text("To"), text("From"), text("Numbers"),
    text("Waits for"), text("Case"),
)  # fmt: skip
#: Spreadsheets of the language take this between cells.
_BETWEEN: Final = {"en": ",", "nb": ";"}
KINDS: Final = {
    "porting": text("Portings"),
    "termination": text("Terminations"),
    "five_digit": text("Five-digit numbers"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What stands in the address, so that a view can be sent to a colleague. `after` belongs to one `section`."""

    code: str = ""
    kind: str = ""
    number: str = ""
    first: str = ""
    last: str = ""
    section: str = ""
    after: str = ""

    @classmethod
    def of(cls, page: Page, view: View) -> "Filters":
        """As asked, as far as the list has them.

        Without a code a list is about all codes of the reader. Of others' codes only what is overdue is listed.
        """
        asked = {name: page.query(name) for name in (*view.filtered, "section", "after")}
        code, own = asked["code"].upper(), page.caller.codes
        if own and code not in own and view.key != "overdue" and re.fullmatch(PROVIDER_CODE, code):
            code = ""
        return cls(**asked | {"code": code, "number": packed(asked.get("number", ""))})

    @property
    def query(self) -> str:
        """The address of the whole view."""
        return replace(self, section="", after="").place

    @property
    def place(self) -> str:
        """The address of this page of it."""
        return urlencode({name: value for name in self.__slots__ if (value := getattr(self, name))})


async def work(page: Page) -> Response:
    """One work list."""
    view = _view(page)
    filters = Filters.of(page, view)
    sections, wrong = await _read(page, view, filters)
    left_out = page.query("code").upper() if not filters.code else ""
    seen = hashlib.sha256(repr(sections).encode()).hexdigest()[:12]
    live = page.query("live")
    if live == seen:
        # Nothing is taken out of the reader's hands for nothing.
        return Response(None, 204, HEADERS)
    return page.render("_work.html" if live else "work.html", 422 if wrong else 200, view=view,
                       views=[(one, _query(page, one, filters)) for one in _views(page)], filters=filters, seen=seen,
                       sections=sections, kinds=KINDS, codes=page.caller.codes, wrong=wrong,
                       left_out=left_out)  # fmt: skip


async def _read(page: Page, view: View, filters: Filters) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The sections; or none, and what is wrong with which filter."""
    try:
        return await read(page, view, filters), {}
    except _DayError:
        return [], {"day": page.word(text("is not a date like 2026-11-23"))}
    except ApiError as error:
        if not error.fields.keys() & {"code", "number"}:
            raise
        return [], error.fields


def _views(page: Page) -> list[View]:
    """The lists that the reader is offered, the usual one first."""
    if page.caller.codes:
        return list(VIEWS.values())
    return [_OPEN, *(view for view in VIEWS.values() if view.waiting_for is None)]


def _query(page: Page, view: View, filters: Filters) -> str:
    """The same filters for another list, but for a code of others where the list has no field to see it in."""
    stays = not page.caller.codes or filters.code in page.caller.codes or view.key == "overdue"
    return (filters if stays else replace(filters, code="")).query


async def work_csv(page: Page) -> Response:
    """What the page shows, as a table for a spreadsheet."""
    view = _view(page)
    filters = Filters.of(page, view)
    sections, wrong = await _read(page, view, filters)
    if wrong:
        # The page says what.
        return go(f"{HOME}/work/{view.key}?{filters.query}")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=_BETWEEN[page.language])
    writer.writerow([page.word(name) for name in _COLUMNS])
    for section in sections:
        writer.writerows(
            [
                _cell(value)
                for value in (section["title"], row["cells"][0], row["time"], *row["cells"][2:], row["case_id"])
            ]
            for row in section["rows"]
        )
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{view.key}.csv"'}
    return Response("\ufeff" + out.getvalue(), 200, headers, "text/csv; charset=utf-8")


def _view(page: Page) -> View:
    views = {**VIEWS, **{view.key: view for view in _views(page)}}
    try:
        return views[page.request.path_params.get("view", _views(page)[0].key)]
    except KeyError:
        raise HTTPException(404) from None


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    written = str(value)
    return f"'{written}" if written.startswith(_FORMULA) else written


async def read(page: Page, view: View, filters: Filters, rows: int | None = None) -> list[dict[str, Any]]:
    """The sections with their rows, each with the address of its next page where there is more."""
    return [
        await _section(page, view, section, filters, rows or ROWS)
        for section in view.sections
        if filters.section in ("", section.key)
    ]


async def _section(page: Page, view: View, section: Section, filters: Filters, rows: int) -> dict[str, Any]:
    asked: dict[str, Any] = {"code": filters.code or None, "kind": filters.kind or None, "limit": rows}
    if filters.section == section.key:
        asked["after"] = filters.after or None
    if section.state:
        found = await page.api.get("/cases", **asked, **_of_cases(page, view, section, filters))
        shown = [_row(page, case) for case in found["items"]]
    else:
        found = await page.api.get("/reports/overdue", **asked, due_within=section.due_within)
        shown = [_late(page, one) for one in found["items"]]
    more = replace(filters, section=section.key, after=found["next"]).place if found["next"] else ""
    time = text("Time") if section.state else text("Expected by")
    return {"key": section.key, "title": page.word(section.title), "rows": shown, "more": more, "time": page.word(time)}


def _of_cases(page: Page, view: View, section: Section, filters: Filters) -> dict[str, str | None]:
    begin = midnight(_day(filters.first)) if filters.first else None
    end = midnight(_day(filters.last) + timedelta(days=1)) if filters.last else None
    if view.time is not None:
        begin, end = view.time(page.now)
    return {
        "state": section.state,
        "order": "time",
        "number": filters.number or None,
        # Of nobody in particular, everything in the state waits for somebody.
        "waiting_for": view.waiting_for if filters.code or page.caller.codes else None,
        "from_": format_time(begin) if begin else None,
        "to": format_time(end) if end else None,
    }


class _DayError(ValueError):
    """What is typed is no day, or none that has a day before and after it."""


def _day(typed: str) -> date:
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        raise _DayError from None
    if not 1 < found.year < date.max.year:
        raise _DayError
    return found


def _row(page: Page, case: Mapping[str, Any]) -> dict[str, Any]:
    at = effective_time(case)
    waiting = waits_for(case)
    return {**_as_row(page, case, at, waiting, ", ".join(map(called, waiting))), "id": case["case_id"]}


def _late(page: Page, item: Mapping[str, Any]) -> dict[str, Any]:
    at, code = parse_time(item["due_at"] or item["since"]), item["waiting_for"]
    return {**_as_row(page, item, at, [code], f"{code} ({item['message']})"), "id": f"{item['case_id']}-{code}"}


def _as_row(page: Page, case: Mapping[str, Any], at: datetime, waiting: list[str], said: str) -> dict[str, Any]:
    state = page.word(f"state {case['state']}")
    cells = (
        case["main_number"], clock(page.language, at), state, called(case["recipient"] or ""),
        called(case["donor"] or ""), case["number_count"], said,
    )  # fmt: skip
    return {"case_id": case["case_id"], "look": look(page, case["state"], waiting), "cells": cells,
            "time": at.astimezone(OSLO).strftime("%Y-%m-%d %H:%M:%S")}  # fmt: skip


async def heads(page: Page) -> list[dict[str, Any]]:
    """The beginnings of what presses most, for the first page."""
    return [
        {
            "title": page.word(VIEWS[key].title),
            "address": f"{HOME}/work/{key}",
            "sections": await read(page, VIEWS[key], Filters(), 5),
        }
        for key in ("mine", "near", "overdue")
        if key != "mine" or page.caller.codes
    ]


ROUTES = [
    Route("/work", signed_in(work)),
    Route("/work/{view}.csv", signed_in(work_csv)),
    Route("/work/{view}", signed_in(work)),
]
