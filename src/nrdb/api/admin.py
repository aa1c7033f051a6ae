"""Administration: keys, limits, closed days, audit. Every change is one transaction with its audit line."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request
from pydantic import AfterValidator
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, CapView, KeyCreated, KeyView, page
from nrdb.api.calendar import in_calendar
from nrdb.api.change_answers import DryRunAnswer
from nrdb.api.changes import DryRun, Why, answer, check_code
from nrdb.api.context import services
from nrdb.api.cursors import Limit, page_of, read_cursor, write_cursor
from nrdb.api.forms import KeyLimits, LimitForm, NewKey, NewProviderKey, ReasonForm
from nrdb.api.guard import caller_of, guarded
from nrdb.api.problems import field_problem, json_response
from nrdb.audit import change_world, record_change
from nrdb.cases.case import NKOM
from nrdb.clock import format_time, parse_time
from nrdb.closed_days import close_day
from nrdb.db import acquire
from nrdb.errors import Code, Problem
from nrdb.messages.fields import Day, ProviderCode, Uuid
from nrdb.providers.caps import read_caps, set_limit
from nrdb.providers.keys import create_key, find_key, limit_key, list_keys, revoke_key
from nrdb.providers.registry import find_provider
from nrdb.routing.reassign import Effects
from nrdb.texts import say

router = guarded("admin", tags=["administration"])
reading = guarded("operator", "admin", tags=["administration"])

CodePath = Annotated[ProviderCode, Path()]
DayPath = Annotated[Day, AfterValidator(in_calendar), Path()]


@router.post(
    "/admin/providers/{code}/keys",
    status_code=201,
    response_model=KeyCreated,
    responses={200: {"model": DryRunAnswer, "description": "A dry run"}, **BODY_PROBLEMS},
    summary="A key for a provider",
)
async def post_provider_key(
    request: Request, code: CodePath, form: Annotated[NewProviderKey, Body()], dry_run: DryRun = False
) -> Response:
    """The key is shown this once; several of a code live at a time."""
    wanted = NewKey(role="provider", codes=(code,), **form.model_dump())
    return await _new_key(request, wanted, code, dry_run=dry_run)


@router.post(
    "/admin/keys",
    status_code=201,
    response_model=KeyCreated,
    responses={200: {"model": DryRunAnswer, "description": "A dry run"}, **BODY_PROBLEMS},
    summary="A key of any role",
)
async def post_key(request: Request, form: Annotated[NewKey, Body()], dry_run: DryRun = False) -> Response:
    """The key is shown this once."""
    return await _new_key(request, form, None, dry_run=dry_run)


async def _new_key(request: Request, form: NewKey, path_code: str | None, *, dry_run: bool) -> Response:
    async with record_change(services(request).pool, caller_of(request).key_id, dry_run=dry_run) as change:
        for place, code in enumerate(form.codes):
            if code == NKOM:
                raise field_problem(f"/codes/{place}", say("code 0 (Nkom) has no keys"))
            if path_code is not None and await find_provider(change.connection, code) is None:
                raise Problem(Code.NOT_FOUND, say("There is no provider {code}.", code=code))
            await check_code(change.connection, code, f"/codes/{place}")
        key_id, key = await create_key(
            change.connection,
            role=form.role,
            codes=form.codes,
            label=form.label,
            created_at=change.at,
            expires_at=form.expires_at,
        )
        shown = {"role": form.role, "codes": list(form.codes), "label": form.label}
        await change.record("key-created", str(key_id), after=shown, reason=form.reason)
    if dry_run:
        return answer({}, Effects().view(), dry_run=True)
    return json_response({"key_id": str(key_id), "key": key}, 201)


@reading.get("/admin/keys", response_model=page(KeyView), summary="All keys, without the keys")
async def get_keys(request: Request, after: Annotated[str | None, Query()] = None, limit: Limit = 100) -> Response:
    """Oldest first, revoked ones included."""
    position = read_cursor(after, parse_time, UUID) if after is not None else None
    async with acquire(services(request).pool) as connection:
        found = await list_keys(connection, position, limit + 1)
    items, following = page_of(
        found, limit, lambda key: write_cursor(format_time(key["created_at"]), str(key["key_id"]))
    )
    return json_response({"items": [_key_view(key) for key in items], "next": following})


@reading.get("/admin/keys/{key_id}", response_model=KeyView, summary="One key, without the key")
async def get_key(request: Request, key_id: Annotated[Uuid, Path()]) -> Response:
    """Whose it is, and whether it still opens anything."""
    async with acquire(services(request).pool) as connection:
        found = await find_key(connection, key_id)
    if found is None:
        raise Problem(Code.NOT_FOUND, say("There is no such key."))
    return json_response(_key_view(found))


def _key_view(key: dict[str, Any]) -> dict[str, Any]:
    times = ("created_at", "expires_at", "revoked_at")
    return {**key, **{name: format_time(key[name]) if key[name] else None for name in times}}


@router.delete("/admin/keys/{key_id}", status_code=204, response_class=Response, summary="Revoke a key")
async def delete_key(request: Request, key_id: Annotated[Uuid, Path()], reason: Why = None) -> Response:
    """From now on the key opens nothing. A second time changes nothing."""
    async with change_world(services(request).pool, caller_of(request).key_id) as change:
        before = await find_key(change.connection, key_id)
        if before is None:
            raise Problem(Code.NOT_FOUND, say("There is no such key."))
        if before["revoked_at"] is None:
            await revoke_key(change.connection, key_id, change.at)
            after = {**before, "revoked_at": change.at}
            await change.record(
                "key-revoked", str(key_id), before=_key_view(before), after=_key_view(after), reason=reason
            )
    return Response(status_code=204)


@router.put(
    "/admin/keys/{key_id}/limits", response_model=KeyView, responses=BODY_PROBLEMS, summary="How much a key may ask"
)
async def put_key_limits(
    request: Request, key_id: Annotated[Uuid, Path()], form: Annotated[KeyLimits, Body()]
) -> Response:
    """Requests a second, and open streams of a code, in each process; null for the service's own setting."""
    async with record_change(services(request).pool, caller_of(request).key_id) as change:
        before = await find_key(change.connection, key_id)
        if before is None:
            raise Problem(Code.NOT_FOUND, say("There is no such key."))
        limits = form.model_dump(exclude={"reason"})
        await limit_key(change.connection, key_id, **limits)
        after = {**before, **limits}
        await change.record(
            "key-limited", str(key_id), before=_key_view(before), after=_key_view(after), reason=form.reason
        )
    return json_response(_key_view(after))


@router.put(
    "/admin/caps/{code}/{day}",
    response_model=CapView,
    responses=BODY_PROBLEMS,
    summary="Another limit for a day",
)
async def put_cap(request: Request, code: CodePath, day: DayPath, form: Annotated[LimitForm, Body()]) -> Response:
    """For special reasons NRDB may approve more than the common limit (S3 2.3.1). A lower one cancels nothing."""
    parts = services(request)
    async with change_world(parts.pool, caller_of(request).key_id) as change:
        if await find_provider(change.connection, code) is None:
            raise Problem(Code.NOT_FOUND, say("There is no provider {code}.", code=code))
        before = await set_limit(change.connection, code, day, form.limit)
        await change.record(
            "limit-set",
            f"{code} {day}",
            before={"limit": before},
            after={"limit": form.limit},
            reason=form.reason,
        )
        (view,) = await read_caps(change.connection, code, day, day + timedelta(days=1), parts.rulebook.cap.daily_limit)
    return json_response(view)


@router.put("/admin/calendar/closed-days/{day}", status_code=200, responses=BODY_PROBLEMS, summary="Close a day")
async def put_closed_day(request: Request, day: DayPath, form: Annotated[ReasonForm, Body()]) -> Response:
    """The day counts as no working day for messages accepted from now on; accepted cases stay as they are."""
    async with change_world(services(request).pool, caller_of(request).key_id) as change:
        before = await close_day(change.connection, day, form.reason)
        await change.record(
            "day-closed",
            day.isoformat(),
            before={"reason": before} if before is not None else None,
            after={"reason": form.reason},
            reason=form.reason,
        )
    return json_response({"day": day.isoformat(), "reason": form.reason})
