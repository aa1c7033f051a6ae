"""Reading and acknowledging the inbox: page by page, waiting or not, or as a stream."""

from typing import Annotated, Literal

from fastapi import Body, Header, Query, Request
from pydantic import Field, StrictInt
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, InboxPage
from nrdb.api.context import services
from nrdb.api.cursors import Limit
from nrdb.api.guard import caller_of, confirm, guarded, own_code
from nrdb.api.problems import field_problem, json_response
from nrdb.api.stream import CONFIRMED, EVENTS, GONE, EventStream
from nrdb.api.webhook_answers import InboxStatus
from nrdb.clock import monotonic
from nrdb.db import acquire
from nrdb.delivery.positions import acknowledge, acknowledged, gone_through, status
from nrdb.delivery.tail import Follower
from nrdb.messages.fields import Form, ProviderCode, Time
from nrdb.messages.kinds import MESSAGE_TYPES
from nrdb.messages.patterns import LAST_EVENT_ID
from nrdb.texts import say

reading = guarded("provider", "operator", "admin", tags=["inbox"])
acking = guarded("provider", tags=["inbox"])

Code = Annotated[ProviderCode | None, Query(description="needed when the key has several codes")]
#: A type that does not exist would be a filter that silently keeps everything back.
DeliveredType = Literal[(*MESSAGE_TYPES, "NOTICE")]  # type: ignore[valid-type]
After = Annotated[int | None, Query(ge=0, le=2**63 - 1, description="the `seq` to go on from")]


class Ack(Form):
    """All items up to and including `through` have been received."""

    through: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]


@reading.get(
    "/inbox", response_model=InboxPage, responses=GONE, response_class=Response, summary="Items after a position"
)
async def get_inbox(
    request: Request,
    code: Code = None,
    after: After = None,
    from_: Annotated[Time | None, Query(alias="from")] = None,
    limit: Limit = 100,
    wait: Annotated[float, Query(ge=0, le=30, description="seconds to wait for the first item")] = 0,
    type_: Annotated[DeliveredType | None, Query(alias="type")] = None,
) -> Response:
    """Items in order of `seq`. Without `after`, from the acknowledged position (with `from`: from the oldest item)."""
    caller = caller_of(request)
    parts, mine = services(request), own_code(caller, code)
    personal = not caller.sees_all
    types = (type_,) if type_ else None
    if after is None:
        async with acquire(parts.readers) as connection:
            after = await (acknowledged if from_ is None else gone_through)(connection, mine)
    if not wait:
        page = await parts.reader.page(mine, after, limit, personal=personal, types=types, since=from_)
    else:
        with parts.tail.following(mine):
            # What is there already is answered at once, and not with the next look.
            page = await parts.reader.page(mine, after, limit, personal=personal, types=types, since=from_)
            if not page.items:
                follower = Follower(
                    parts.reader, parts.tail, mine, page.next, personal=personal, types=types, since=from_
                )
                began = monotonic()
                page = await follower.next(limit, wait)
                if monotonic() - began >= CONFIRMED:
                    await confirm(parts, caller)
    items = b",".join(item.content for item in page.items)
    return Response(b'{"items":[%b],"next":%d}' % (items, page.next), media_type="application/json")


@reading.get(
    "/inbox/stream",
    response_class=Response,
    responses={200: EVENTS},
    summary="Items as server-sent events, as they come",
)
async def get_stream(
    request: Request,
    code: Code = None,
    after: After = None,
    type_: Annotated[DeliveredType | None, Query(alias="type")] = None,
    last_event_id: Annotated[
        str | None,
        Header(description="the `id` of the last event seen; wins over `after`", pattern=LAST_EVENT_ID),
    ] = None,
) -> Response:
    """Every item is an event: `id` its `seq`, `event` the type, `data` the item. In between come comments.

    Without `Last-Event-ID` and `after`, from the acknowledged position. `event: stream-reset` says that the position is
    no longer kept, and where the stream goes on. It ends when the key does, or the service.
    """
    caller = caller_of(request)
    parts, mine = services(request), own_code(caller, code)
    if last_event_id and last_event_id.strip():
        after = min(int(last_event_id), 2**63 - 1)
    if after is None:
        async with acquire(parts.readers) as connection:
            after = await acknowledged(connection, mine)
    return EventStream(parts, caller, mine, after, (type_,) if type_ else None)


@reading.get("/inbox/status", response_model=InboxStatus, summary="How far you have acknowledged")
async def get_status(request: Request, code: Code = None) -> Response:
    """The acknowledged position is shared by all keys of a code."""
    mine = own_code(caller_of(request), code)
    async with acquire(services(request).readers) as connection:
        return json_response(await status(connection, mine))


@acking.post("/inbox/ack", response_model=InboxStatus, status_code=200, responses=BODY_PROBLEMS, summary="Acknowledge")
async def post_ack(request: Request, ack: Annotated[Ack, Body()], code: Code = None) -> Response:
    """Lower than acknowledged changes nothing; beyond the newest item is an error."""
    mine = own_code(caller_of(request), code)
    async with acquire(services(request).pool) as connection:
        newest = (await status(connection, mine))["newest"]
        if ack.through > newest:
            raise field_problem("/through", say("there is nothing beyond {newest} to acknowledge", newest=newest))
        await acknowledge(connection, mine, ack.through)
        return json_response(await status(connection, mine))
