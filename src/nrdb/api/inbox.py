"""Reading and acknowledging the inbox."""

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import Body, Query, Request
from pydantic import Field, StrictInt
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, InboxPage, InboxStatus
from nrdb.api.context import services
from nrdb.api.cursors import Limit
from nrdb.api.guard import caller_of, guarded, own_code
from nrdb.api.problems import field_problem, json_response
from nrdb.clock import monotonic
from nrdb.db import acquire
from nrdb.delivery.inbox import acknowledge, acknowledged, read_page, status
from nrdb.messages.fields import Form, ProviderCode, Time
from nrdb.texts import say

reading = guarded("provider", "operator", "admin", tags=["inbox"])
acking = guarded("provider", tags=["inbox"])

#: Seconds between two looks while a reader waits. Polling is the truth: it misses nothing and needs no connection.
LOOK_AGAIN = 0.25
Code = Annotated[ProviderCode | None, Query(description="needed when the key has several codes")]


class Ack(Form):
    """All items up to and including `through` have been received."""

    through: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]


@reading.get("/inbox", response_model=InboxPage, summary="Items after a position")
async def get_inbox(
    request: Request,
    code: Code = None,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    from_: Annotated[Time | None, Query(alias="from")] = None,
    limit: Limit = 100,
    wait: Annotated[float, Query(ge=0, le=30)] = 0,
    type_: Annotated[str | None, Query(alias="type", pattern="^[A-Z0-9_]{1,20}$")] = None,
) -> Response:
    """Items in order of `seq`. Without `after`, from the acknowledged position (with `from`: from the beginning)."""
    caller = caller_of(request)
    mine = own_code(caller, code)
    pool, stopping = services(request).pool, services(request).stopping
    if after is None:
        after = 0
        if from_ is None:
            async with acquire(pool) as connection:
                after = await acknowledged(connection, mine)
    deadline = monotonic() + wait
    while True:
        async with acquire(pool) as connection:
            page = await read_page(
                connection,
                mine,
                after,
                limit,
                vault=services(request).vault_for(caller),
                message_type=type_,
                since=from_,
            )
        after = page.next
        left = deadline - monotonic()
        if page.items or left <= 0 or stopping.is_set():
            return json_response({"items": page.items, "next": page.next})
        # No connection is held while waiting, so readers that wait cost the senders nothing.
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), min(LOOK_AGAIN, left))


@reading.get("/inbox/status", response_model=InboxStatus, summary="How far you have acknowledged")
async def get_status(request: Request, code: Code = None) -> Response:
    """The acknowledged position is shared by all keys of a code."""
    mine = own_code(caller_of(request), code)
    async with acquire(services(request).pool) as connection:
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
