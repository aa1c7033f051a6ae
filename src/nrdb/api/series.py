"""The number plan: series as everybody reads them, and as administrators change them (contract sections 5 and 8)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from asyncpg.exceptions import ExclusionViolationError
from fastapi import APIRouter, Body, Path, Query, Request
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, SeriesView, page
from nrdb.api.change_answers import DryRunAnswer, PortedRange, SeriesChanged, SeriesSplitAnswer
from nrdb.api.changes import DryRun, answer, check_code, due_at
from nrdb.api.context import services
from nrdb.api.cursors import Limit, page_of, read_cursor, read_position, write_cursor
from nrdb.api.forms import SeriesChange, SeriesForm, SeriesSplit
from nrdb.api.guard import caller_of, guarded
from nrdb.api.numbers import NumberLookedFor
from nrdb.api.problems import field_problem, json_response
from nrdb.audit import Change, change_world
from nrdb.cases.case import NKOM
from nrdb.changes.due import settled_change
from nrdb.changes.series import change_now, check_not_planned
from nrdb.clock import format_time, parse_time
from nrdb.db import Connection, acquire
from nrdb.errors import Code, Problem
from nrdb.messages.fields import ProviderCode, Time, Uuid
from nrdb.planned import SERIES_CHANGED, Planned, plan
from nrdb.routing.numbers import is_five_digit, national, parse_number
from nrdb.routing.plan import (
    NewSeries,
    Series,
    add_series,
    change_series,
    find_series,
    list_series,
    overlapping,
    ported_in,
    series_history,
    split_series,
)
from nrdb.routing.reassign import SHOWN, Effects
from nrdb.routing.rerouting import reroute
from nrdb.rulebook import Rulebook
from nrdb.texts import say

reading = guarded("provider", "operator", "admin", tags=["numbers"])
admins: APIRouter = guarded("admin", tags=["administration"])

SeriesId = Annotated[Uuid, Path()]


@reading.get("/series", response_model=page(SeriesView), summary="The number plan")
async def get_series(
    request: Request,
    number: Annotated[NumberLookedFor | None, Query(description="the series that contains this number")] = None,
    holder: Annotated[ProviderCode | None, Query()] = None,
    after: Annotated[str | None, Query()] = None,
    limit: Limit = 100,
) -> Response:
    """The series in force now, in order of their numbers."""
    async with acquire(services(request).pool) as connection:
        found = await list_series(connection, number=number, holder=holder, after=read_position(after), limit=limit + 1)
    items, following = page_of(found, limit, lambda series: write_cursor(parse_number(series["first"])))
    return json_response({"items": items, "next": following})


@reading.get("/series/{series_id}", response_model=SeriesView, summary="One series")
async def get_one_series(request: Request, series_id: SeriesId) -> Response:
    """The version in force now; `valid_until` is the instant for which another one is set."""
    async with acquire(services(request).pool) as connection:
        found = await _found(connection, series_id)
    return json_response(found.view())


async def _found(connection: Connection, series_id: UUID, at: datetime | None = None) -> Series:
    found = await find_series(connection, series_id, at)
    if found is None:
        raise Problem(Code.NOT_FOUND, say("There is no such series."))
    return found


@reading.get("/series/{series_id}/history", response_model=page(SeriesView), summary="All versions of a series")
async def get_series_history(
    request: Request, series_id: SeriesId, after: Annotated[str | None, Query()] = None, limit: Limit = 100
) -> Response:
    """Oldest first; a version that is set for later is the last."""
    position = read_cursor(after, parse_time)[0] if after is not None else None
    async with acquire(services(request).pool) as connection:
        await _found(connection, series_id)
        found = await series_history(connection, series_id, position, limit + 1)
    items, following = page_of(found, limit, lambda version: write_cursor(format_time(version.valid_from)))
    return json_response({"items": [version.view() for version in items], "next": following})


@reading.get("/series/{series_id}/ported", response_model=page(PortedRange), summary="What is ported of a series")
async def get_ported(
    request: Request,
    series_id: SeriesId,
    at: Annotated[Time | None, Query(description="default: now")] = None,
    after: Annotated[str | None, Query()] = None,
    limit: Limit = 100,
) -> Response:
    """The numbers that others than its holder serve, for the series' holder, operators and admins (S3 2.8)."""
    caller = caller_of(request)
    position = read_position(after) if after is not None else None
    async with acquire(services(request).pool) as connection:
        series = await _found(connection, series_id)
        if not (caller.sees_all or series.holder in caller.codes):
            raise Problem(
                Code.SENDER_NOT_YOURS,
                say("Only the holder of a series sees what is ported of it."),
                facts={"codes": list(caller.codes)},
            )
        found = await ported_in(connection, series_id, at, position, limit + 1)
    items, following = page_of(found, limit, lambda item: write_cursor(parse_number(item["first"])))
    return json_response({"items": items, "next": following})


@admins.post(
    "/admin/series",
    status_code=201,
    response_model=SeriesView,
    responses={200: {"model": DryRunAnswer, "description": "A dry run"}, **BODY_PROBLEMS},
    summary="A new series",
)
async def post_series(request: Request, form: Annotated[SeriesForm, Body()], dry_run: DryRun = False) -> Response:
    """Enter a series into the number plan. Refused with `series-overlap` and the list where one has its numbers."""
    parts = services(request)
    number_class = _number_class(form, parts.rulebook)
    new = NewSeries(form.numbers, form.holder, number_class, form.status, form.reason)
    try:
        async with change_world(parts.pool, caller_of(request).key_id, dry_run=dry_run) as change:
            await check_code(change.connection, form.holder, "/holder")
            series = await add_series(change.connection, new)
            await change.record("series-created", series["series_id"], after=series, reason=form.reason)
    except ExclusionViolationError:
        raise await _series_overlap(request, new) from None
    if dry_run:
        return answer(series, Effects().view() | {"series": [series], "series_count": 1}, dry_run=True)
    return json_response(series, 201)


def _number_class(form: SeriesForm, rulebook: Rulebook) -> str:
    """The class of a new series: the one named, or the rulebook's where it knows one for the whole of it."""
    if form.number_class is not None:
        if (form.number_class == "FIVE") != is_five_digit(form.first):
            raise field_problem("/number_class", say("FIVE is the class of five-digit numbers, and of no others"))
        return form.number_class
    default = rulebook.default_class(national(form.first))
    if default is None or default != rulebook.default_class(national(form.last)):
        raise field_problem("/number_class", say("the rulebook knows no one class for these numbers; name it"))
    return default


async def _series_overlap(request: Request, new: NewSeries) -> Problem:
    async with acquire(services(request).pool) as connection:
        found = await overlapping(connection, new.numbers)
    detail = say("These numbers lie in series of the number plan already: see the list.")
    return Problem(Code.SERIES_OVERLAP, detail, facts={"series": found[:SHOWN], "count": len(found)})


@admins.patch(
    "/admin/series/{series_id}",
    response_model=SeriesChanged | DryRunAnswer,
    responses=BODY_PROBLEMS,
    summary="Another holder or status for a series",
)
async def patch_series(
    request: Request, series_id: SeriesId, form: Annotated[SeriesChange, Body()], dry_run: DryRun = False
) -> Response:
    """What is absent stays. A new holder takes the numbers that are not ported, and open cases follow.

    With a `valid_from` in the future the change is checked now and carried out then; what conflicts at that instant
    keeps its parties, and stands in the audit log.
    """
    parts = services(request)
    async with settled_change(parts.pool, parts.intake, caller_of(request).key_id, dry_run=dry_run) as change:
        current = await _existing(change, series_id, form)
        holder, status = await _wanted(change, current, form)
        later = due_at(change, form.valid_from)
        await check_not_planned(change.connection, current)
        if later is None:
            done = await change_now(change, current, holder=holder, status=status, reason=form.reason)
            summary = done.effects.view()
            shown: dict[str, Any] = done.series.view() | await _ported(change, current, done.series)
            await change.record(
                SERIES_CHANGED,
                str(series_id),
                before=current.view(),
                after={**done.series.view(), "changed": summary},
                reason=form.reason,
            )
        else:
            effects, planned = await _plan(change, current, form, holder, status, later)
            shown = (await _found(change.connection, series_id, change.at)).view() | {"planned": planned.view()}
            summary = effects.view() | {"due_at": format_time(later)}
    return answer(shown, summary, dry_run=dry_run)


async def _existing(change: Change, series_id: UUID, form: SeriesChange) -> Series:
    """The series. What is wrong with the form is told before that there is none (contract section 1)."""
    found = await find_series(change.connection, series_id, change.at)
    if found is None and form.holder is not None:
        await check_code(change.connection, form.holder, "/holder")
    return found or await _found(change.connection, series_id, change.at)


async def _wanted(change: Change, current: Series, form: SeriesChange) -> tuple[str, str]:
    """The holder and status that the series gets.

    A returned series is Nkom's, named or not (the form takes no other holder); one that is assigned is open again.
    """
    holder = form.holder or (NKOM if form.status == "returned" else current.holder)
    assigned = current.status == "returned" and holder != NKOM
    status = form.status or ("open" if assigned else current.status)
    if (holder, status) == (current.holder, current.status):
        raise field_problem("", say("the series has this holder and this status already"))
    if holder != current.holder:
        await check_code(change.connection, holder, "/holder")
    return holder, status


async def _ported(change: Change, before: Series, after: Series) -> dict[str, Any]:
    """What is ported of a series that Nkom has assigned: its new holder must know."""
    if before.holder != NKOM or after.holder == NKOM:
        return {}
    found = await ported_in(change.connection, after.series_id, change.at, None, SHOWN + 1)
    return {"ported": found[:SHOWN], "ported_complete": len(found) <= SHOWN}


async def _plan(
    change: Change, current: Series, form: SeriesChange, holder: str, status: str, later: datetime
) -> tuple[Effects, Planned]:
    """Check the change as if it were made now, undo that, and set it for later."""
    rehearsal = change.connection.transaction()
    await rehearsal.start()
    try:
        done = await change_now(change, current, holder=holder, status=status, reason=form.reason)
    finally:
        await rehearsal.rollback()
    after = await change_series(change.connection, current, later, holder=holder, status=status, reason=form.reason)
    done.effects.routing_rows = await reroute(change.connection, change.at, [current.numbers])
    planned = await plan(
        change.connection,
        SERIES_CHANGED,
        str(current.series_id),
        due_at=later,
        details={"holder": holder, "status": status},
        reason=form.reason,
        key_id=change.key_id,
        created_at=change.at,
    )
    await change.record(
        "series-change-planned",
        str(current.series_id),
        before=current.view(),
        after={**after.view(), "planned": planned.id},
        reason=form.reason,
    )
    done.effects.series = [after]
    return done.effects, planned


@admins.post(
    "/admin/series/{series_id}/split",
    status_code=201,
    response_model=SeriesSplitAnswer,
    responses={200: {"model": DryRunAnswer, "description": "A dry run"}, **BODY_PROBLEMS},
    summary="Make a part of a series a series of its own",
)
async def post_split(
    request: Request, series_id: SeriesId, form: Annotated[SeriesSplit, Body()], dry_run: DryRun = False
) -> Response:
    """The rest stays one or two series, the first of them under the old id. Holders, numbers and cases stay."""
    parts = services(request)
    async with settled_change(parts.pool, parts.intake, caller_of(request).key_id, dry_run=dry_run) as change:
        current = await _found(change.connection, series_id, change.at)
        if form.first < current.numbers.first or form.last > current.numbers.last:
            raise field_problem("/first", say("the part must lie inside the series"))
        if form.numbers == current.numbers:
            raise field_problem("/first", say("this is the whole series: there is nothing to split"))
        await check_not_planned(change.connection, current)
        part, rest = await split_series(change.connection, current, form.numbers, change.at, form.reason)
        shown = {**part.view(), "rest": [series.view() for series in rest]}
        await change.record("series-split", str(series_id), before=current.view(), after=shown, reason=form.reason)
    return answer(shown, Effects(series=[part, *rest]).view(), dry_run=dry_run, status=201)
