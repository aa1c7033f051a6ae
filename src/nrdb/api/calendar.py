"""The working-time calendar, and the room that the daily cap leaves."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Path, Query, Request
from pydantic import AfterValidator
from starlette.responses import Response

from nrdb.api.answers import CalendarDay, CalendarSum, CapView, page
from nrdb.api.context import services
from nrdb.api.guard import caller_of, guarded
from nrdb.api.languages import told
from nrdb.api.problems import field_problem, json_response
from nrdb.clock import format_time
from nrdb.closed_days import read_closed_days
from nrdb.db import acquire
from nrdb.errors import Code, Problem
from nrdb.messages.fields import Day, ProviderCode, Time
from nrdb.providers.caps import read_caps
from nrdb.texts import FieldError, Sentence, say
from nrdb.timers.calendar import WorkingCalendar, working_calendar

router = guarded("provider", "operator", "admin", tags=["calendar and cap"])

#: The longest stretch of days that one request may ask for.
DAYS_AT_ONCE = 400


FIRST_YEAR, LAST_YEAR = 1971, 2200


def outside_years() -> Sentence:
    """What to say of a day or time that the calendar does not reckon with."""
    return say("must lie between the years {first} and {last}", first=FIRST_YEAR, last=LAST_YEAR)


def in_calendar(day: date) -> date:
    """A day that the calendar reckons with."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise FieldError(outside_years())
    return day


FromDay = Annotated[Day, AfterValidator(in_calendar), Query(alias="from")]
ToDay = Annotated[Day, AfterValidator(in_calendar), Query(description="half-open: this day is not included")]


async def _calendar(request: Request) -> WorkingCalendar:
    parts = services(request)
    async with acquire(parts.pool) as connection:
        return working_calendar(parts.rulebook, await read_closed_days(connection))


def _check_stretch(first: date, last: date) -> None:
    if not 0 < (last - first).days <= DAYS_AT_ONCE:
        raise field_problem("/to", say("must be 1 to {count} days after 'from'", count=DAYS_AT_ONCE))


@router.get("/calendar", response_model=page(CalendarDay), summary="Working days")
async def get_calendar(request: Request, from_: FromDay, to: ToDay) -> Response:
    """Which days are working days, from when to when, and why the others are not."""
    _check_stretch(from_, to)
    calendar = await _calendar(request)
    days = (from_ + timedelta(days=ahead) for ahead in range((to - from_).days))
    return told(request, {"items": [_day(calendar, day) for day in days], "next": None})


def _day(calendar: WorkingCalendar, day: date) -> dict[str, object]:
    hours = calendar.hours(day)
    return {
        "day": day.isoformat(),
        "working_day": hours is not None,
        "opens": format_time(hours[0]) if hours else None,
        "closes": format_time(hours[1]) if hours else None,
        "reason": calendar.closed_reason(day),
    }


@router.get("/calendar/add", response_model=CalendarSum, summary="Reckon in working time")
async def get_calendar_add(
    request: Request,
    from_: Annotated[Time, Query(alias="from")],
    working_minutes: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    working_days: Annotated[int | None, Query(ge=0, le=1000)] = None,
) -> Response:
    """The instant that so many working minutes, or the end of so many working days, after `from` is."""
    if (working_minutes is None) == (working_days is None):
        raise field_problem("/working_minutes", say("give exactly one of working_minutes and working_days"))
    if not FIRST_YEAR <= from_.year <= LAST_YEAR:
        raise field_problem("/from", outside_years())
    calendar = await _calendar(request)
    if working_minutes is not None:
        at = calendar.add_working_minutes(from_, working_minutes)
        derivation = calendar.explain_working_minutes(from_, working_minutes)
    else:
        at = calendar.end_of_working_day(from_, working_days or 0)
        derivation = calendar.explain_working_days(from_, working_days or 0)
    return told(request, {"at": format_time(at), "derivation": derivation})


@router.get("/caps/{code}", response_model=page(CapView), summary="Room under the daily cap")
async def get_caps(request: Request, code: Annotated[ProviderCode, Path()], from_: FromDay, to: ToDay) -> Response:
    """Limit, numbers used and room for each day. A provider sees its own codes."""
    caller = caller_of(request)
    if not caller.sees_all and code not in caller.codes:
        raise Problem(
            Code.SENDER_NOT_YOURS,
            say("Your key is not for the code {code}.", code=code),
            facts={"codes": list(caller.codes)},
        )
    _check_stretch(from_, to)
    parts = services(request)
    async with acquire(parts.pool) as connection:
        items = await read_caps(connection, code, from_, to, parts.rulebook.cap.daily_limit)
    return json_response({"items": items, "next": None})
