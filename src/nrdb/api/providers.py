"""The register of provider codes, and who your key says you are."""

from typing import Annotated, Any, Final

from fastapi import Body, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, Me, ProviderView, page
from nrdb.api.change_answers import DryRunAnswer, ProviderChanged
from nrdb.api.changes import DryRun, Why, answer
from nrdb.api.context import services
from nrdb.api.cursors import Limit, page_of, read_cursor, write_cursor
from nrdb.api.forms import ContactPoint, NewProvider, ProviderChange
from nrdb.api.guard import caller_of, guarded
from nrdb.api.problems import field_problem, json_response
from nrdb.audit import Change, change_world, record_change
from nrdb.cases.case import NKOM
from nrdb.changes.due import settled_change
from nrdb.clock import format_time
from nrdb.db import acquire
from nrdb.errors import Code, Problem
from nrdb.messages.fields import ProviderCode
from nrdb.planned import pending_naming
from nrdb.providers.registry import (
    calls_to,
    cases_awaiting,
    create_provider,
    find_provider,
    list_providers,
    set_contacts,
    update_provider,
    uses_of,
)
from nrdb.routing.reassign import SHOWN, Effects
from nrdb.routing.rerouting import reroute_code
from nrdb.texts import say

admins = guarded("admin", tags=["providers"])
everybody = guarded("provider", "operator", "admin", tags=["providers"])
themselves = guarded("provider", tags=["providers"])

CodePath = Annotated[ProviderCode, Path()]


@everybody.get("/me", response_model=Me, summary="Who am I?")
async def get_me(request: Request) -> Response:
    """The role and codes of your key, and how much it may ask."""
    caller, parts = caller_of(request), services(request)
    return json_response(
        {
            "role": caller.role,
            "codes": list(caller.codes),
            "key_id": str(caller.key_id),
            "label": caller.label,
            "expires_at": format_time(caller.expires_at) if caller.expires_at else None,
            "limits": {
                "requests_per_second": parts.requests.rate_of(caller),
                "streams": parts.streams.limit_of(caller),
            },
        }
    )


@everybody.get("/providers", response_model=page(ProviderView), summary="All providers with their contacts")
async def get_providers(request: Request, after: Annotated[str | None, Query()] = None, limit: Limit = 100) -> Response:
    """In order of code (S3 2.5.4: contact points are known to everybody)."""
    position = read_cursor(after, str)[0] if after is not None else ""
    if "\0" in position:
        raise field_problem("/after", say("use the 'next' of an earlier answer as it is"))
    async with acquire(services(request).pool) as connection:
        found = await list_providers(connection, position, limit + 1)
    items, following = page_of(found, limit, lambda provider: write_cursor(provider["code"]))
    return json_response({"items": items, "next": following})


@admins.post(
    "/admin/providers",
    status_code=201,
    response_model=ProviderView,
    responses={200: {"model": DryRunAnswer, "description": "A dry run"}, **BODY_PROBLEMS},
    summary="A new provider",
)
async def post_provider(request: Request, form: Annotated[NewProvider, Body()], dry_run: DryRun = False) -> Response:
    """A new code, active from now on."""
    async with change_world(services(request).pool, caller_of(request).key_id, dry_run=dry_run) as change:
        if not await create_provider(change.connection, form.model_dump()):
            raise Problem(
                Code.CODE_EXISTS,
                say("The code {code} is in use. Choose another.", code=form.code),
                facts={"code": form.code},
            )
        created = await _found(change, form.code)
        await change.record("provider-created", form.code, after=created, reason=form.reason)
    return answer(created, Effects().view(), dry_run=True) if dry_run else json_response(created, 201)


#: What a provider may do without.
_REMOVABLE: Final = frozenset({"organisation_number", "routing_number"})


async def _found(change: Change, code: str) -> dict[str, Any]:
    found = await find_provider(change.connection, code)
    if found is None:
        raise Problem(Code.NOT_FOUND, say("There is no provider {code}.", code=code))
    return found


@admins.patch(
    "/admin/providers/{code}",
    response_model=ProviderChanged | DryRunAnswer,
    responses=BODY_PROBLEMS,
    summary="Change a provider",
)
async def patch_provider(
    request: Request, code: CodePath, form: Annotated[ProviderChange, Body()], dry_run: DryRun = False
) -> Response:
    """What is absent stays; null takes `organisation_number` and `routing_number` away. `active: false` is refused
    while the code holds numbers or is party to open cases, `terminating: false` while calls are routed to it.

    Being only expected to report does not hinder: the missing reports are waived. `changed` lists those cases.
    """
    parts = services(request)
    async with settled_change(parts.pool, parts.intake, caller_of(request).key_id, dry_run=dry_run) as change:
        before = await _found(change, code)
        given = form.model_dump(exclude_unset=True, exclude={"reason"})
        wanted = {name: value for name, value in given.items() if value is not None or name in _REMOVABLE}
        after = {**before, **wanted}
        _check_nkom(code, wanted)
        if after["terminating"] and after["routing_number"] is None:
            raise field_problem("/routing_number", say("a terminating provider needs a routing_number"))
        effects = Effects()
        if before["active"] and not after["active"]:
            await _not_in_use(change, code)
            effects.cases = await cases_awaiting(change.connection, code)
        if before["terminating"] and not after["terminating"]:
            await _not_called(change, code)
        await update_provider(change.connection, code, after)
        if any(before[name] != after[name] for name in ("terminating", "routing_number")):
            effects.routing_rows = await reroute_code(change.connection, change.at, code)
        # Who cannot send any more is not waited for.
        while effects.cases and await parts.intake.waive_on(change.connection, code):
            pass
        await change.record("provider-changed", code, before=before, after=after, reason=form.reason)
    return answer(after, effects.view(), dry_run=dry_run)


def _check_nkom(code: str, wanted: dict[str, Any]) -> None:
    """Nkom has no network that calls could be sent to."""
    if code == NKOM:
        for name in ("terminating", "routing_number"):
            if wanted.get(name):
                raise field_problem(f"/{name}", say("code 0 (Nkom) terminates no calls"))


async def _not_called(change: Change, code: str) -> None:
    """Raises `provider-in-use` while calls are routed to the code: they would end nowhere."""
    calls = await calls_to(change.connection, code, change.at)
    if calls:
        raise Problem(
            Code.PROVIDER_IN_USE,
            say("Calls are routed to {code}, or will be: see the list. It goes on terminating them.", code=code),
            facts={"code": code, **calls},
        )


async def _not_in_use(change: Change, code: str) -> None:
    if code == NKOM:
        raise Problem(Code.PROVIDER_IN_USE, say("Code 0 (Nkom) always exists."), facts={"code": code})
    uses = await uses_of(change.connection, code, change.at)
    planned = await pending_naming(change.connection, code)
    if planned:
        uses["planned"] = [item.view() for item in planned[:SHOWN]]
    if uses:
        raise Problem(
            Code.PROVIDER_IN_USE,
            say(
                "{code} holds series or numbers, is party to open cases, or is in a planned change: see the list.",
                code=code,
            ),
            facts={"code": code, **uses},
        )


@themselves.put(
    "/providers/{code}/contacts",
    response_model=ProviderView | DryRunAnswer,
    responses=BODY_PROBLEMS,
    summary="Your contact points",
)
async def put_contacts(
    request: Request,
    code: CodePath,
    contacts: Annotated[list[ContactPoint], Body(), Field(max_length=20)],
    reason: Why = None,
    dry_run: DryRun = False,
) -> Response:
    """Replaced whole, by the provider itself (S3 2.5.4: it keeps them up to date)."""
    caller = caller_of(request)
    if code not in caller.codes:
        raise Problem(
            Code.SENDER_NOT_YOURS,
            say("Your key is not for the code {code}.", code=code),
            facts={"codes": list(caller.codes)},
        )
    async with record_change(services(request).pool, caller.key_id, dry_run=dry_run) as change:
        before = await _found(change, code)
        shown = [point.model_dump(exclude_none=True) for point in contacts]
        await set_contacts(change.connection, code, shown)
        after = {**before, "contacts": shown}
        await change.record("contacts-set", code, before=before, after=after, reason=reason)
    return answer(after, Effects().view(), dry_run=True) if dry_run else json_response(after)
