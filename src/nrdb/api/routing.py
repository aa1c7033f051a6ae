"""The routing table: one number, many, all of them, and what has changed (contract section 5)."""

from datetime import datetime
from typing import Annotated

from fastapi import Body, Query, Request
from pydantic import Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nrdb.api.answers import BODY_PROBLEMS, page, problems
from nrdb.api.context import services
from nrdb.api.cursors import Limit, page_of, read_position, write_cursor
from nrdb.api.guard import caller_of, guarded, known_caller
from nrdb.api.numbers import NumberPath, not_in_plan, number_of
from nrdb.api.problems import field_problem, json_response
from nrdb.api.requests import IndirectError
from nrdb.api.routing_answers import ChangesPage, LookupAnswer, RoutingAnswer, RoutingBelief
from nrdb.api.snapshot import SNAPSHOT, Snapshot, edition_headers, wanted_form
from nrdb.db import Connection, acquire
from nrdb.messages.fields import Form, Time
from nrdb.messages.patterns import NUMBER_ASKED_FOR
from nrdb.providers.keys import Role
from nrdb.routing.export import changes
from nrdb.routing.numbers import COUNTRY_CODE, LENGTHS, parse_number
from nrdb.routing.proof import proof
from nrdb.routing.store import history, lookup, lookup_many, lookup_now
from nrdb.texts import say

ROLES: tuple[Role, ...] = ("provider", "operator", "admin")
router = guarded(*ROLES, tags=["routing"])

At = Annotated[Time | None, Query(description="default: now")]
#: Places in the order of changes, as PostgreSQL counts.
Place = Annotated[int, Query(ge=0, le=2**63 - 1, description="a `seq`, or the `Routing-Seq` of a snapshot")]


class LookupForm(Form):
    """Numbers to look up, at one instant."""

    numbers: Annotated[
        list[Annotated[str, Field(pattern=NUMBER_ASKED_FOR, examples=["90012345"])]],
        Field(min_length=1, max_length=10_000),
    ]
    at: Time | None = None


@router.get("/routing/snapshot", response_class=Response, responses=SNAPSHOT, summary="The whole table")
async def get_snapshot(request: Request) -> Response:
    """Every row in force at `Routing-At` or scheduled after it, as known at `Routing-Seq`, in order of number and time.

    For each number and instant there is one row. NDJSON, or CSV with `Accept: text/csv`; the changes after
    `Routing-Seq` are those of `/v1/routing/changes`. `Routing-Root` is the root of the hash tree over it.
    """
    parts, form = services(request), wanted_form(request.headers)
    async with acquire(parts.pool) as connection:
        table = await proof(connection, "", 0)
    headers = edition_headers(table.edition, table.hash)
    if _known(headers["etag"], request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Snapshot(parts.copiers, parts.copies.one(caller_of(request)), table.edition, table.hash, form)


def _known(etag: str, asked: str) -> bool:
    """Whether the asker has it: tags are compared weakly, and `*` stands for any (RFC 9110, 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    return etag.removeprefix("W/") in tags or tags == {"*"}


@router.get("/routing/changes", response_model=ChangesPage, responses=problems(410), summary="What has changed")
async def get_changes(request: Request, after: Place = 0, limit: Limit = 100) -> Response:
    """Changes in the order in which they became known. A copy puts and removes whole rows.

    `next` is where to go on, never null; when nothing came, it is the newest change. The changes of one message follow
    each other, what it removes before what it puts; a copy is whole again at the end of them.
    """
    async with acquire(services(request).pool) as connection:
        items, following, source = await changes(connection, after, limit)
    return json_response({"items": items, "next": following}, headers={"Routing-Source": str(source)})


@router.post("/routing/lookup", response_model=LookupAnswer, responses=BODY_PROBLEMS, summary="Where many calls go")
async def post_lookup(request: Request, form: Annotated[LookupForm, Body()]) -> Response:
    """The routing answers for up to 10,000 numbers, in the order asked, all at one instant."""
    # The form has seen to it that these are digits, with or without +47.
    digits = [text.removeprefix("+47") for text in form.numbers]
    numbers = [int(COUNTRY_CODE + text) if len(text) in LENGTHS else None for text in digits]
    asked = [number for number in numbers if number is not None]
    async with acquire(services(request).pool) as connection:
        found = iter(await lookup_many(connection, asked, form.at))
    items = [
        (number is not None and next(found)) or b'{"number":"%b","error":"number-unknown"}' % text.encode()
        for text, number in zip(digits, numbers, strict=True)
    ]
    return Response(b'{"items":[%b]}' % b",".join(items), media_type="application/json")


@router.get("/routing/{number}", response_model=RoutingAnswer, summary="Where a call goes")
async def get_routing(
    request: Request,
    number: NumberPath,
    at: At = None,
    known_at: Annotated[Time | None, Query(description="as it was known then; default: now")] = None,
) -> Response:
    """The routing answer for one number at any past, present or scheduled instant.

    With `known_at` as it was known at that instant, what was recorded at it included.
    """
    async with acquire(services(request).pool) as connection:
        if known_at is not None:
            await _check_known(connection, known_at)
        answer = await lookup(connection, number_of(number), at, known_at)
    if answer is None:
        raise not_in_plan(number)
    return json_response(answer)


async def bare_get_routing(scope: Scope, receive: Receive, send: Send) -> None:
    """What most calls ask, a known number now, answered in one look; the rest is left to the endpoint above."""
    try:
        number = parse_number(scope["path"].rpartition("/")[2])
    except ValueError:
        raise IndirectError from None
    if scope["query_string"]:
        raise IndirectError
    request = Request(scope, receive)
    caller, _ = await known_caller(request, ROLES)
    async with acquire(services(request).pool) as connection:
        answer = await lookup_now(connection, number, caller.key_id)
    if answer is None:
        raise IndirectError
    await json_response(answer)(scope, receive, send)


async def _check_known(connection: Connection, known_at: datetime) -> None:
    now = await connection.fetchval("SELECT nrdb_now()")
    if known_at > now:
        raise field_problem(
            "/known_at",
            say("it is {now}: what will be known later, nobody knows. Use 'at' for what is scheduled", now=now),
        )


@router.get("/routing/{number}/history", response_model=page(RoutingBelief), summary="All that was known of a number")
async def get_history(
    request: Request, number: NumberPath, after: Annotated[str | None, Query()] = None, limit: Limit = 100
) -> Response:
    """Who served the number when, and from when until when that was believed, in the order in which it became known."""
    async with acquire(services(request).pool) as connection:
        found = await history(connection, number_of(number), read_position(after), limit + 1)
    if not found and after is None:
        raise not_in_plan(number)
    items, following = page_of(found, limit, lambda belief: write_cursor(belief.seq))
    return json_response({"items": [belief.view() for belief in items], "next": following})
