"""Transfers of codes, waivers, and what is planned (contract section 8)."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, page
from nrdb.api.cases import CaseIdPath, view_case
from nrdb.api.change_answers import CaseChanged, CodeTransferred, DryRunAnswer, PlannedView
from nrdb.api.changes import DryRun, Why, answer, check_code, due_at
from nrdb.api.context import services
from nrdb.api.cursors import Limit, page_of, read_cursor, read_int8, write_cursor
from nrdb.api.forms import TransferForm, WaiverForm
from nrdb.api.guard import caller_of, guarded
from nrdb.api.problems import field_problem, json_response
from nrdb.audit import Change
from nrdb.cases.case import NKOM, Case
from nrdb.cases.queries import find_case
from nrdb.cases.words import STATE_WORDS
from nrdb.changes.due import settled_change
from nrdb.changes.transfer import check_not_planned, set_transfer, transfer_now, transferred
from nrdb.clock import format_time, parse_time
from nrdb.db import acquire
from nrdb.deciding import unknown_case
from nrdb.errors import Code, Problem
from nrdb.messages.fields import ProviderCode
from nrdb.planned import CODE_TRANSFERRED, SERIES_CHANGED, find_pending, list_pending, remove
from nrdb.providers.registry import find_provider
from nrdb.providers.transfer import is_network
from nrdb.routing.plan import take_back
from nrdb.routing.reassign import Effects
from nrdb.routing.rerouting import reroute, reroute_code
from nrdb.texts import say

admins = guarded("admin", tags=["administration"])
reading = guarded("operator", "admin", tags=["administration"])

#: States in which somebody's report, or return, is waited for.
_WAITING = ("scheduled", "awaiting_completion", "awaiting_return")


@admins.post(
    "/admin/provider-codes/{code}/transfer",
    response_model=CodeTransferred | DryRunAnswer,
    responses=BODY_PROBLEMS,
    summary="One code becomes another",
)
async def post_transfer(
    request: Request,
    code: Annotated[ProviderCode, Path()],
    form: Annotated[TransferForm, Body()],
    dry_run: DryRun = False,
) -> Response:
    """Series, ported numbers, networks, parties of open cases, expected reports and cap use go to `to`, all at once.

    The old code becomes inactive. With an `effective_at` in the future the transfer is checked now and carried out
    then; cases in which the two codes meet at that instant keep their parties, and stand in the audit log.
    """
    parts = services(request)
    async with settled_change(parts.pool, parts.intake, caller_of(request).key_id, dry_run=dry_run) as change:
        await _check_codes(change, code, form.to)
        later = due_at(change, form.effective_at)
        await check_not_planned(change.connection, code)
        rehearsal = change.connection.transaction()
        await rehearsal.start()
        try:
            effects = await transfer_now(change, parts.intake, code, form.to, form.reason)
        except BaseException:
            await rehearsal.rollback()
            raise
        if later is None:
            await rehearsal.commit()
            shown = transferred(change, code, form.to, effects)
            await change.record(CODE_TRANSFERRED, code, before={"code": code}, after=shown, reason=form.reason)
        else:
            await rehearsal.rollback()
            shown = await _plan(change, code, form, effects)
    return answer(shown, shown["changed"], dry_run=dry_run)


async def _check_codes(change: Change, code: str, to: str) -> None:
    """What is wrong with the two codes themselves: first the form, then whether there is such a code (section 1)."""
    if to == NKOM:
        raise field_problem("/to", say("code 0 (Nkom) serves no customers: return series to it instead"))
    successor = await check_code(change.connection, to, "/to")
    if await find_provider(change.connection, code) is None:
        raise Problem(Code.NOT_FOUND, say("There is no provider {code}.", code=code))
    await check_code(change.connection, code, "/code")
    if to != code and not successor["terminating"] and await is_network(change.connection, code, change.at):
        raise field_problem("/to", say("calls are routed to {code}, and {to} terminates none", code=code, to=to))
    if code == NKOM:
        raise Problem(Code.PROVIDER_IN_USE, say("Code 0 (Nkom) always exists."), facts={"code": code})
    if to == code:
        raise Problem(
            Code.TRANSFER_TO_ITSELF,
            say("{code} is not transferred to itself: name another code in 'to'.", code=code),
            facts={"code": code},
        )


async def _plan(change: Change, code: str, form: TransferForm, effects: Effects) -> dict[str, Any]:
    """Set the transfer for later; what it would change now has been undone."""
    planned, effects.routing_rows = await set_transfer(
        change, code, form.to, form.effective_at or change.at, form.reason
    )
    effects.series = [
        replace(series, valid_from=planned.due_at)
        for series in effects.series
        if series.valid_until is None or series.valid_until > planned.due_at
    ]
    await change.record("code-transfer-planned", code, after=planned.view(), reason=form.reason)
    return {
        "code": code,
        "to": form.to,
        "effective_at": format_time(planned.due_at),
        "planned": planned.view(),
        "changed": {**effects.view(), "due_at": format_time(planned.due_at)},
    }


@reading.get("/admin/planned-changes", response_model=page(PlannedView), summary="What is set for later")
async def get_planned(request: Request, after: Annotated[str | None, Query()] = None, limit: Limit = 100) -> Response:
    """Changes of series and codes that are still to come, earliest first."""
    position = tuple(read_cursor(after, parse_time, read_int8)) if after is not None else None
    async with acquire(services(request).pool) as connection:
        found = await list_pending(connection, position, limit + 1)
    items, following = page_of(found, limit, lambda item: write_cursor(format_time(item.due_at), item.id))
    return json_response({"items": [item.view() for item in items], "next": following})


@admins.delete(
    "/admin/planned-changes/{planned_id}",
    status_code=204,
    response_class=Response,
    summary="Cancel what is set for later",
)
async def delete_planned(
    request: Request,
    planned_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
    reason: Why = None,
) -> Response:
    """Until its instant. The audit log keeps what was planned, and that it was cancelled."""
    parts = services(request)
    async with settled_change(parts.pool, parts.intake, caller_of(request).key_id) as change:
        planned = await find_pending(change.connection, planned_id)
        if planned is None:
            raise Problem(Code.NOT_FOUND, say("There is no such planned change, or it has been carried out."))
        await remove(change.connection, planned.id)
        if planned.action == SERIES_CHANGED:
            numbers = await take_back(change.connection, UUID(planned.subject), planned.due_at)
            await reroute(change.connection, change.at, [numbers])
        else:
            await reroute_code(change.connection, change.at, planned.details["to"])
        await change.record("planned-change-cancelled", planned.subject, before=planned.view(), reason=reason)
    return Response(status_code=204)


@admins.post(
    "/admin/cases/{case_id}/waive",
    response_model=CaseChanged | DryRunAnswer,
    responses=BODY_PROBLEMS,
    summary="Wait for a code no longer",
)
async def post_waiver(
    request: Request, case_id: CaseIdPath, form: Annotated[WaiverForm, Body()], dry_run: DryRun = False
) -> Response:
    """The code's missing NP_FERD is no longer awaited; with the range holder's code in `awaiting_return`: returned."""
    parts = services(request)
    try:
        wanted = UUID(case_id)
    except ValueError:
        raise unknown_case() from None
    async with settled_change(parts.pool, parts.intake, caller_of(request).key_id, dry_run=dry_run) as change:
        before = await find_case(change.connection, wanted, parts.vault)
        if before is None:
            raise unknown_case()
        _check_waiver(before.case, form.code)
        effects = Effects(cases=[wanted])
        effects.routing_rows = await parts.intake.waive_case_on(change.connection, wanted, form.code)
        after = await find_case(change.connection, wanted, parts.vault)
        if after is None:
            raise unknown_case()
        if after.case.state == "returned":
            effects.numbers = sum(item.last - item.first + 1 for item in after.case.numbers)
        await change.record(
            "waived", str(wanted), before=_state(before.case), after=_state(after.case), reason=form.reason
        )
        shown = view_case(parts, after, caller_of(request))
    return answer(shown, effects.view() | _state(after.case), dry_run=dry_run)


def _check_waiver(case: Case, code: str) -> None:
    if case.state not in _WAITING:
        raise Problem(
            Code.CASE_STATE,
            say("The case {state}: nobody is waited for.", state=STATE_WORDS[case.state]),
            facts={"state": case.state, "kind": case.kind, "allowed": list(_WAITING)},
        )
    awaited = case.range_holders if case.state == "awaiting_return" else case.missing
    if code not in awaited:
        raise field_problem("/code", say("the case does not wait for this code"))


def _state(case: Case) -> dict[str, Any]:
    return {"state": case.state, "missing": list(case.missing), "waived": list(case.waived)}
