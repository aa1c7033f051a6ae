"""Days: the use of the daily cap in a month, and which days are working days."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from nrdb.clock import parse_time
from nrdb.console.admin.changing import done, offers
from nrdb.console.page import Page, signed_in
from nrdb.console.words import WEEKDAYS, day
from nrdb.texts import OSLO

#: A day that is used so much is near its limit.
NEAR = 0.8


def month_of(page: Page) -> date:
    """The first day of the month in the address, this month's where it names none that there is."""
    today = page.now.astimezone(OSLO).date()
    wanted = page.query("month")[:7]
    try:
        return date.fromisoformat(f"{wanted}-01")
    except ValueError:
        return today.replace(day=1)


def after(month: date, ahead: int) -> date:
    """The month so many months ahead, within the years that there are."""
    place = month.year * 12 + month.month - 1 + ahead
    return date(min(max(place // 12, 1), 9998), place % 12 + 1, 1)


def weeks(month: date, days: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
    """The days of a month by week, Monday first; None for the days of its neighbours."""
    first = month - timedelta(days=month.weekday())
    until = after(month, 1)
    found = []
    while first < until:
        week = [first + timedelta(days=ahead) for ahead in range(7)]
        found.append([days.get(day.isoformat()) if day.month == month.month else None for day in week])
        first += timedelta(days=7)
    return found


async def limits(page: Page) -> Response:
    """The use of a code's cap, day by day; without a code, who uses most."""
    month = month_of(page)
    code = page.query("code").upper() or (page.caller.codes[0] if page.caller.codes else "")
    shown: dict[str, Any] = {
        "month": month, "before": after(month, -1), "following": after(month, 1), "code": code,
        "codes": page.caller.codes, "weekdays": WEEKDAYS[page.language], "done": done(page),
        "may": bool(offers(page, "limit")), "today": page.now.astimezone(OSLO).date().isoformat(),
    }  # fmt: skip
    days = {"from_": month.isoformat(), "to": after(month, 1).isoformat()}
    if not code:
        found = await page.api.get("/reports/caps", **days, limit=200)
        return page.render("limits.html", most=found["items"], more=found["next"], weeks=[], **shown)
    caps = (await page.api.get(f"/caps/{code}", **days))["items"] if code.isalnum() else []
    calendar = {one["day"]: one for one in (await page.api.get("/calendar", **days))["items"]}
    cells = {one["day"]: _cell(one, calendar[one["day"]]) for one in caps}
    return page.render("limits.html", most=[], more=None, weeks=weeks(month, cells), **shown)


def _cell(cap: Mapping[str, Any], day: Mapping[str, Any]) -> dict[str, Any]:
    """How a day looks: its share of the limit decides."""
    share = min(cap["used"] / cap["limit"], 1.0) if cap["limit"] else 1.0
    look = "full" if share >= 1 else "near" if share >= NEAR else "" if day["working_day"] else "closed"
    return {**cap, "share": round(share * 100, 1), "look": look, "date": date.fromisoformat(cap["day"]),
            "working_day": day["working_day"], "reason": day["reason"]}  # fmt: skip


async def calendar(page: Page) -> Response:
    """Which days are working days, and why the others are not."""
    month = month_of(page)
    found = await page.api.get("/calendar", from_=month.isoformat(), to=after(month, 1).isoformat())
    today = page.now.astimezone(OSLO).date().isoformat()
    days = [
        (one["day"], day(page.language, one["day"]), _hours(page, one), one["reason"], one["day"] > today)
        for one in found["items"]
    ]
    return page.render("calendar.html", days=days, month=month, before=after(month, -1), following=after(month, 1),
                       done=done(page), may=bool(offers(page, "closed-day")))  # fmt: skip


def _hours(page: Page, found: Mapping[str, Any]) -> str:
    """From when to when a day is working time; empty where it is none."""
    if not found["working_day"]:
        return ""
    opens, closes = (parse_time(found[name]).astimezone(OSLO) for name in ("opens", "closes"))
    mark = ":" if page.language == "en" else "."
    return f"{opens.hour:02}{mark}{opens.minute:02}–{closes.hour:02}{mark}{closes.minute:02}"


ROUTES = [Route("/limits", signed_in(limits)), Route("/calendar", signed_in(calendar))]
