"""Reading cases, and reminding those whom they wait for."""

from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query, Request
from starlette.responses import Response

from nrdb.api.answers import CaseView, CustomerShown, HistoryLine, Reminded, page, problems
from nrdb.api.context import Services, services
from nrdb.api.cursors import Limit, not_our_cursor, page_of, read_cursor, read_position, write_cursor
from nrdb.api.guard import caller_of, guarded, own_code
from nrdb.api.languages import told
from nrdb.api.numbers import NumberLookedFor
from nrdb.api.problems import field_problem, json_response
from nrdb.audit import record_change
from nrdb.cases.lists import CaseFilter, Order, WaitingFor, list_cases
from nrdb.cases.machine import Kind
from nrdb.cases.queries import CaseRead, find_case, history
from nrdb.cases.view import case_view, told_warnings, with_customer
from nrdb.clock import format_time, parse_time
from nrdb.db import acquire
from nrdb.deciding import unknown_case
from nrdb.errors import Code, Problem
from nrdb.messages.fields import ProviderCode, Time
from nrdb.messages.reminding import Reminder
from nrdb.providers.keys import Caller
from nrdb.texts import say
from nrdb.timers.calendar import working_calendar

router = guarded("provider", "operator", "admin", tags=["cases"])
reminding = guarded("provider", tags=["cases"])

#: What the audit log calls it when somebody has looked at a customer.
CUSTOMER_SHOWN = "customer-shown"
CaseIdPath = Annotated[str, Path(max_length=100, description="The id that the 201 of the order answered")]
State = Literal[
    "awaiting_donor",
    "awaiting_recipient",
    "scheduled",
    "awaiting_completion",
    "completed",
    "rejected",
    "cancelled",
    "obsolete",
    "awaiting_termination",
    "awaiting_return",
    "returned",
]


@router.get("/cases", response_model=page(CaseView), summary="List cases")
async def get_cases(
    request: Request,
    number: Annotated[NumberLookedFor | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
    kind: Annotated[Kind | None, Query()] = None,
    code: Annotated[ProviderCode | None, Query()] = None,
    role: Annotated[Literal["MT", "AT", "OAT"] | None, Query(description="the role of `code`")] = None,
    waiting_for: Annotated[
        WaitingFor | None,
        Query(description="those that wait for `code` (a provider's default: its own codes), or for others"),
    ] = None,
    from_: Annotated[Time | None, Query(alias="from", description="porting or termination time, this or later")] = None,
    to: Annotated[Time | None, Query(description="porting or termination time, before this")] = None,
    order: Annotated[
        Order, Query(description="newest case first, or soonest porting or termination time first")
    ] = "newest",
    after: Annotated[str | None, Query()] = None,
    limit: Limit = 100,
) -> Response:
    """Cases that you may see, newest first.

    With `order=time` soonest first, for lists of open cases (it needs their `state`, or `waiting_for`) and of those
    whose state is `obsolete`, with `from` and `to` at most 25 hours apart. A case whose time is changed between two
    pages may stand on both, or on none.
    """
    caller = caller_of(request)
    if role is not None and code is None and len(caller.codes) == 1:
        code = caller.codes[0]
    if waiting_for is not None and code is None and caller.sees_all:
        raise field_problem("/waiting_for", say("needs code: whom the cases wait for"))
    wanted = CaseFilter(
        seen_by=None if caller.sees_all else caller.codes,
        number=number,
        state=state,
        kind=kind,
        code=code,
        role=role,
        waiting_for=waiting_for,
        from_time=from_,
        until_time=to,
        order=order,
        after=_read_position(after, order),
        limit=limit + 1,
    )
    if order == "time" and not wanted.sortable:
        raise field_problem(
            "/order",
            say(
                "time goes for open cases (name their state, or use waiting_for), and for obsolete ones with from and "
                "to within a day"
            ),
        )
    async with acquire(services(request).pool) as connection:
        found = await list_cases(connection, wanted, services(request).vault)
    items, following = page_of(found, limit, partial(_position, order))
    views = [view_case(services(request), item, caller) for item in items]
    return told(request, {"items": views, "next": following})


def _position(order: Order, read: CaseRead) -> str:
    at = read.case.created_at if order == "newest" else read.case.effective_time
    return write_cursor(order, format_time(at), str(read.case.case_id))


def _read_position(after: str | None, order: Order) -> tuple[datetime, UUID] | None:
    """The place that an answer of this order named. Raises 422 for one of another."""
    if after is None:
        return None
    given, at, case_id = read_cursor(after, str, parse_time, UUID)
    if given != order:
        raise not_our_cursor()
    return at, case_id


@router.get("/cases/{case_id}", response_model=CaseView, summary="One case")
async def get_case(request: Request, case_id: CaseIdPath) -> Response:
    """The case as it is now, with what may come next."""
    found = await _visible(request, case_id)
    return told(request, view_case(services(request), found, caller_of(request)))


@router.get("/cases/{case_id}/history", response_model=page(HistoryLine), summary="What happened to a case")
async def get_history(
    request: Request, case_id: CaseIdPath, after: Annotated[str | None, Query()] = None, limit: Limit = 100
) -> Response:
    """Append-only, oldest first; what time did stands in it too."""
    position = read_position(after)
    found = await _visible(request, case_id)
    async with acquire(services(request).pool) as connection:
        lines = await history(connection, found.case.case_id)
    items, following = page_of(lines[position : position + limit + 1], limit, lambda line: write_cursor(line["seq"]))
    return told(request, {"items": [{**line, "at": format_time(line["at"])} for line in items], "next": following})


@reminding.post(
    "/cases/{case_id}/remind",
    response_model=Reminded,
    status_code=202,
    responses=problems(409),
    summary="Remind those whom a case waits for",
)
async def post_remind(
    request: Request,
    case_id: CaseIdPath,
    code: Annotated[ProviderCode | None, Query(description="needed when the key has several codes")] = None,
) -> Response:
    """A `NOTICE` `reminder` to the donor, to those whose NP_FERD is missing, or to the range holder; once an hour."""
    caller = caller_of(request)
    reminder = Reminder(own_code(caller, code), case_id)
    reminded = await services(request).intake.remind(reminder, caller.key_id)
    return json_response({"reminded": list(reminded)}, 202)


@reminding.post(
    "/cases/{case_id}/customer",
    response_model=CustomerShown,
    responses=problems(409),
    summary="Show the customer to a person",
)
async def post_customer(request: Request, case_id: CaseIdPath) -> Response:
    """The customer of a case, for the MT and AT, with a line in the audit log that says who has looked.

    The console asks this way when somebody wants to see the customer. It is a POST because it leaves a trace.
    """
    caller = caller_of(request)
    found = await _visible(request, case_id)
    customer = with_customer({"customer": None}, found.case, frozenset(caller.codes))["customer"]
    if not set(caller.codes) & {found.case.recipient, found.case.donor}:
        raise Problem(
            Code.ROLE_NOT_PERMITTED, say("The customer is shown to the recipient and the donor of the case only.")
        )
    async with record_change(services(request).pool, caller.key_id) as change:
        await change.record(CUSTOMER_SHOWN, str(found.case.case_id))
    return json_response({"customer": customer})


async def _visible(request: Request, case_id: str) -> CaseRead:
    caller = caller_of(request)
    try:
        wanted = UUID(case_id)
    except ValueError:
        raise unknown_case() from None
    async with acquire(services(request).pool) as connection:
        found = await find_case(connection, wanted, services(request).vault)
    if found is None or not (caller.sees_all or any(found.case.visible_to(code) for code in caller.codes)):
        raise unknown_case()
    return found


def view_case(parts: Services, read: CaseRead, caller: Caller) -> dict[str, object]:
    """The case as this caller may see it; its warnings not yet in any language."""
    calendar = working_calendar(parts.rulebook, read.closed_days)
    view = case_view(read.case, read.now, parts.rulebook, calendar)
    view["warnings"] = told_warnings(view["warnings"])
    return with_customer(view, read.case, frozenset(caller.codes))
