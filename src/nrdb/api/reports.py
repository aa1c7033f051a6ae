"""Reports and the audit log, as JSON or CSV. A provider sees what concerns its own codes; docs/reports.md says what."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from pydantic import AfterValidator
from starlette.responses import Response

from nrdb.api.answers import AuditLine, page
from nrdb.api.calendar import FromDay, ToDay, in_calendar
from nrdb.api.context import services
from nrdb.api.cursors import Limit, page_of, read_cursor, read_int8, read_position, write_cursor
from nrdb.api.guard import caller_of, guarded, own_code
from nrdb.api.problems import field_problem
from nrdb.api.report_answers import (
    AnswerFigures,
    CapUse,
    DailyFigures,
    DeliveryItem,
    MajoritySeries,
    OpenCases,
    OverdueItem,
    SkippedItem,
    TerminationItem,
)
from nrdb.api.tables import TABLE_ANSWERS, table_response
from nrdb.audit import AUDIT_COLUMNS, AuditFilter, read_audit
from nrdb.cases.machine import Kind
from nrdb.clock import format_time, parse_time
from nrdb.db import acquire
from nrdb.messages.fields import Day, ProviderCode, Text, Time
from nrdb.reports import caps, daily, delivery, numbers, open_cases, overdue
from nrdb.routing.numbers import parse_number
from nrdb.texts import say

router = guarded("provider", "operator", "admin", tags=["reports"])
reading = guarded("operator", "admin", tags=["administration"])


def _in_calendar_or_none(day: date | None) -> date | None:
    return None if day is None else in_calendar(day)


After = Annotated[str | None, Query(description="the `next` of an earlier answer")]


def _seen_by(request: Request) -> tuple[str, ...] | None:
    caller = caller_of(request)
    return None if caller.sees_all else caller.codes


@router.get(
    "/reports/overdue", response_model=page(OverdueItem), responses=TABLE_ANSWERS, summary="Who keeps others waiting"
)
async def get_overdue(
    request: Request,
    code: Annotated[ProviderCode | None, Query(description="only what this code owes")] = None,
    kind: Annotated[Kind | None, Query()] = None,
    due_within: Annotated[
        int | None,
        Query(ge=1, le=2400, description="not what is late, but what will be in so many working minutes"),
    ] = None,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """Answers and NP_FERDs that are overdue, and numbers not returned. The deadlines are assumptions."""
    parts = services(request)
    position = read_cursor(after, parse_time, UUID, str) if after is not None else None
    wanted = overdue.OverdueFilter(_seen_by(request), code, kind, due_within, position, limit + 1)
    async with acquire(parts.pool) as connection:
        found = await overdue.read_overdue(connection, parts.rulebook, wanted)
    items, following = page_of(
        found, limit, lambda item: write_cursor(item["since"], item["case_id"], item["waiting_for"])
    )
    return table_response(request, "overdue", overdue.COLUMNS, items, following)


@router.get("/reports/daily", response_model=page(DailyFigures), responses=TABLE_ANSWERS, summary="The figures of days")
async def get_daily(
    request: Request,
    from_: FromDay,
    to: ToDay,
    code: Annotated[ProviderCode | None, Query(description="one provider; a provider's key reads its own")] = None,
) -> Response:
    """Messages, what became of cases, numbers moved, refusals, how fast donors answered; at most 31 days."""
    caller = caller_of(request)
    if not caller.sees_all:
        code = own_code(caller, code)
    _check_days(from_, to)
    parts = services(request)
    async with acquire(parts.pool) as connection:
        items = await daily.read_daily(connection, parts.rulebook, from_, to, code)
    return table_response(request, f"daily-{from_}", daily.COLUMNS, items, None, rows=daily.lines(items))


@router.get(
    "/reports/answers",
    response_model=page(AnswerFigures),
    responses=TABLE_ANSWERS,
    summary="How fast donors answered",
)
async def get_answers(
    request: Request,
    from_: FromDay,
    to: ToDay,
    code: Annotated[ProviderCode | None, Query(description="one provider; a provider's key reads its own")] = None,
) -> Response:
    """As in `/reports/daily`, over all days together; at most 31 days."""
    caller = caller_of(request)
    if not caller.sees_all:
        code = own_code(caller, code)
    _check_days(from_, to)
    parts = services(request)
    async with acquire(parts.pool) as connection:
        items = await daily.read_answers(connection, parts.rulebook, from_, to, code)
    return table_response(
        request, f"answers-{from_}", daily.ANSWER_COLUMNS, items, None, rows=daily.answer_lines(items)
    )


@router.get("/reports/cases", response_model=page(OpenCases), responses=TABLE_ANSWERS, summary="Open cases by state")
async def get_open_cases(request: Request, code: Annotated[ProviderCode | None, Query()] = None) -> Response:
    """How many cases are in each state now. A provider's key counts those that its own codes may see."""
    async with acquire(services(request).pool) as connection:
        items = await open_cases.read_open_cases(connection, codes=_own(request, code))
    return table_response(request, "cases", open_cases.COLUMNS, items, None)


def _check_days(first: date, last: date) -> None:
    if not 0 < (last - first).days <= daily.MOST_DAYS:
        raise field_problem("/to", say("must be 1 to {count} days after 'from'", count=daily.MOST_DAYS))


@router.get("/reports/caps", response_model=page(CapUse), responses=TABLE_ANSWERS, summary="Use of the daily cap")
async def get_cap_use(
    request: Request,
    day: Annotated[Day | None, AfterValidator(_in_calendar_or_none), Query(description="one day")] = None,
    from_: Annotated[Day | None, AfterValidator(_in_calendar_or_none), Query(alias="from")] = None,
    to: Annotated[Day | None, AfterValidator(_in_calendar_or_none), Query(description="half-open")] = None,
    code: Annotated[ProviderCode | None, Query()] = None,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """Every code with use or a limit of its own, the biggest use first. A provider sees its own codes."""
    first, last = _days(day, from_, to)
    parts = services(request)
    position = read_cursor(after, read_int8, date.fromisoformat, str) if after is not None else None
    async with acquire(parts.pool) as connection:
        found = await caps.read_cap_use(
            connection,
            first,
            last,
            parts.rulebook.cap.daily_limit,
            codes=_own(request, code),
            after=position,
            limit=limit + 1,
        )
    items, following = page_of(found, limit, lambda item: write_cursor(item["used"], item["day"], item["code"]))
    return table_response(request, f"caps-{first}", caps.COLUMNS, items, following)


def _days(day: date | None, first: date | None, last: date | None) -> tuple[date, date]:
    if day is not None and first is None and last is None:
        return day, day + timedelta(days=1)
    if day is not None or first is None or last is None:
        raise field_problem("/day", say("give either 'day', or both 'from' and 'to'"))
    _check_days(first, last)
    return first, last


def _own(request: Request, code: str | None) -> tuple[str, ...] | None:
    """The codes that a report is limited to: the one asked for, which a provider's key must have, or all it may see."""
    return _seen_by(request) if code is None else (own_code(caller_of(request), code),)


@router.get(
    "/reports/terminations",
    response_model=page(TerminationItem),
    responses=TABLE_ANSWERS,
    summary="Terminations that hold numbers long",
)
async def get_terminations(
    request: Request, code: Annotated[ProviderCode | None, Query()] = None, after: After = None, limit: Limit = 100
) -> Response:
    """Open terminations announced more than five working days ahead, oldest first; to their holder and range holder."""
    parts = services(request)
    position = read_cursor(after, parse_time, UUID) if after is not None else None
    async with acquire(parts.pool) as connection:
        found = await numbers.read_terminations(
            connection, parts.rulebook, codes=_own(request, code), after=position, limit=limit + 1
        )
    items, following = page_of(found, limit, lambda item: write_cursor(item["announced_at"], item["case_id"]))
    return table_response(request, "terminations", numbers.TERMINATION_COLUMNS, items, following)


@router.get(
    "/reports/majority",
    response_model=page(MajoritySeries),
    responses=TABLE_ANSWERS,
    summary="Series that are mostly ported out",
)
async def get_majority(
    request: Request,
    code: Annotated[ProviderCode | None, Query(description="only series of this holder")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """Series of which more than half of the numbers is ported out now, and who holds most of each."""
    return await _series_table(request, code, after, limit, majority=True)


@router.get(
    "/reports/series",
    response_model=page(MajoritySeries),
    responses=TABLE_ANSWERS,
    summary="How much of each series is ported out",
)
async def get_series_use(
    request: Request,
    code: Annotated[ProviderCode | None, Query(description="only series of this holder")] = None,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """Every series in force now, in order of its numbers, and who holds most of it. A provider sees its own."""
    return await _series_table(request, code, after, limit, majority=False)


async def _series_table(
    request: Request, code: str | None, after: str | None, limit: int, *, majority: bool
) -> Response:
    position, codes = read_position(after), _own(request, code)
    async with acquire(services(request).pool) as connection:
        found = await numbers.read_series_use(
            connection, majority=majority, codes=codes, after=position, limit=limit + 1
        )
    items, following = page_of(found, limit, lambda item: write_cursor(parse_number(item["first"])))
    return table_response(request, "majority" if majority else "series", numbers.MAJORITY_COLUMNS, items, following)


@router.get(
    "/reports/delivery",
    response_model=page(DeliveryItem),
    responses=TABLE_ANSWERS,
    summary="Who does not get what is sent to it",
)
async def get_delivery(
    request: Request, code: Annotated[ProviderCode | None, Query()] = None, after: After = None, limit: Limit = 100
) -> Response:
    """Each code with an inbox or a webhook: those whose webhook has failed for an hour first, then by waiting."""
    position = read_cursor(after, read_int8, _time_or_none, str) if after is not None else None
    async with acquire(services(request).pool) as connection:
        found = await delivery.read_delivery(connection, codes=_own(request, code), after=position, limit=limit + 1)
    items, following = page_of(found, limit, lambda item: write_cursor(*delivery.place(item)))
    return table_response(request, "delivery", delivery.DELIVERY_COLUMNS, items, following)


def _time_or_none(text: Any) -> datetime | None:
    return None if text is None else parse_time(text)


@router.get(
    "/reports/skipped",
    response_model=page(SkippedItem),
    responses=TABLE_ANSWERS,
    summary="What no webhook took in three days",
)
async def get_skipped(
    request: Request, code: Annotated[ProviderCode | None, Query()] = None, after: After = None, limit: Limit = 100
) -> Response:
    """Newest item first. All of them stand in the inbox."""
    before = read_position(after) if after is not None else None
    async with acquire(services(request).pool) as connection:
        found = await delivery.read_skipped(connection, codes=_own(request, code), before=before, limit=limit + 1)
    items, following = page_of(found, limit, lambda item: write_cursor(item["seq"]))
    return table_response(request, "skipped", delivery.SKIPPED_COLUMNS, items, following)


@reading.get(
    "/audit", response_model=page(AuditLine), responses=TABLE_ANSWERS, summary="Who changed what, when and why"
)
async def get_audit(
    request: Request,
    action: Annotated[Text | None, Query(max_length=100)] = None,
    subject: Annotated[Text | None, Query(max_length=200)] = None,
    from_: Annotated[Time | None, Query(alias="from")] = None,
    to: Annotated[Time | None, Query(description="half-open: before this")] = None,
    newest: Annotated[bool, Query(description="newest first")] = False,
    after: After = None,
    limit: Limit = 100,
) -> Response:
    """Oldest first, unless asked otherwise."""
    position = read_position(after) if after is not None else None
    wanted = AuditFilter(action, subject, from_, to, position, limit + 1, newest)
    async with acquire(services(request).pool) as connection:
        lines = await read_audit(connection, wanted)
    items, following = page_of(lines, limit, lambda line: write_cursor(line["id"]))
    shown: list[dict[str, Any]] = [{**line, "at": format_time(line["at"])} for line in items]
    return table_response(request, "audit", AUDIT_COLUMNS, shown, following)
