"""Webhooks: a provider says where its items are posted to, and looks at how that goes.

Setting, deleting and rotating stand in the audit log although a provider does it itself: they decide where personal
data go and who can sign, and a question about that comes months later. The log gets the host and no more of the
address, which may be as good as a key.
"""

from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
from fastapi import Body, Query, Request
from pydantic import Field, StrictInt
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, page, problems
from nrdb.api.context import Services, services
from nrdb.api.cursors import Limit, page_of, read_cursor, read_int8, write_cursor
from nrdb.api.guard import caller_of, guarded, own_code
from nrdb.api.inbox import Code, DeliveredType
from nrdb.api.problems import field_problem, json_response
from nrdb.api.stream import GONE
from nrdb.api.webhook_answers import WebhookAttempt, WebhookCreated, WebhookSecret, WebhookTest, WebhookView
from nrdb.audit import record_change
from nrdb.cases.case import CLEARINGHOUSE
from nrdb.clock import format_time
from nrdb.db import Connection, acquire, fetch_one, retried
from nrdb.delivery.positions import gone_through, position_gone, status
from nrdb.delivery.webhooks import store
from nrdb.delivery.webhooks.addresses import LONGEST_URL, check_url
from nrdb.delivery.webhooks.attempt import Sender
from nrdb.delivery.webhooks.signing import new_secret
from nrdb.errors import Code as ProblemCode
from nrdb.errors import Problem
from nrdb.messages.fields import Form
from nrdb.texts import FieldError, say

reading = guarded("provider", "operator", "admin", tags=["webhook"])
setting = guarded("provider", tags=["webhook"])

_TIMES = ("at", "created_at", "delivered_at", "failing_since", "next_attempt_at", "old_secret_until")


class WebhookForm(Form):
    """Where the items of the code are posted to; `types` null means all, `after` where to begin."""

    url: Annotated[str, Field(min_length=1, max_length=LONGEST_URL, examples=["https://porting.example.no/nrdb"])]
    types: Annotated[list[DeliveredType], Field(min_length=1, max_length=100)] | None = None
    after: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)] | None = None


@setting.put(
    "/webhook",
    response_model=WebhookView,
    responses={
        201: {"model": WebhookCreated, "description": "A new webhook, with its secret"},
        **BODY_PROBLEMS,
        **GONE,
    },
    summary="Have your items posted to an address",
)
async def put_webhook(request: Request, form: Annotated[WebhookForm, Body()], code: Code = None) -> Response:
    """201 with the secret when it is new; otherwise 200 and secret, position and history are kept.

    Without `after` a new one begins where the code has acknowledged. With `after` one that exists goes on from there.
    Every PUT makes the next attempt at once, and switches on what a 410 had switched off.
    """
    mine = own_code(caller_of(request), code)
    await _check_address(services(request), form.url)
    secret = new_secret()
    before, shown = await retried(lambda: _set(request, mine, form, secret))
    return json_response(shown, 200) if before else json_response({**shown, "secret": secret}, 201)


async def _set(request: Request, mine: str, form: WebhookForm, secret: str) -> tuple[dict[str, Any] | None, Any]:
    parts = services(request)
    types = sorted(set(form.types)) if form.types else None
    async with record_change(parts.pool, caller_of(request).key_id) as change:
        await _check_position(change.connection, mine, form.after)
        sealed = store.seal_secret(parts.vault, secret)
        before = await store.set_webhook(change.connection, mine, form.url, types, form.after, sealed)
        was = (before["url"], before["types"]) if before else None
        # A system that says so again at each of its starts changes nothing.
        if was != (form.url, types):
            await change.record(
                "webhook-set", mine, before=_audited(*was) if was else None, after=_audited(form.url, types)
            )
        return before, _view(mine, await _found(change.connection, mine))


async def _check_address(parts: Services, url: str) -> None:
    """Raises 422 for an address that nothing is posted to."""
    try:
        await check_url(url, allow_private=parts.settings.private_webhooks)
    except FieldError as error:
        raise field_problem("/url", error.sentence) from None


async def _check_position(connection: Connection, code: str, after: int | None) -> None:
    """Raises 410 for a position that is no longer kept, 422 for one that is not there yet."""
    if after is None:
        return
    if after < await gone_through(connection, code):
        raise await position_gone(connection, code, after)
    newest = (await status(connection, code))["newest"]
    if after > newest:
        raise field_problem("/after", say("there is nothing beyond {newest} yet", newest=newest))


def _audited(url: str, types: list[str] | None) -> dict[str, Any]:
    return {"host": urlsplit(url).hostname, "types": types}


@reading.get("/webhook", response_model=WebhookView, summary="Your webhook, and how it goes")
async def get_webhook(request: Request, code: Code = None) -> Response:
    """Where items are posted to, how far that has come, and the newest attempt."""
    mine = own_code(caller_of(request), code)
    async with acquire(services(request).readers) as connection:
        return json_response(_view(mine, await _found(connection, mine)))


async def _found(connection: Connection, code: str) -> dict[str, Any]:
    found = await store.view_webhook(connection, code)
    if found is None:
        raise _none(code)
    return found


def _none(code: str) -> Problem:
    return Problem(ProblemCode.NOT_FOUND, say("{code} has no webhook.", code=code))


def _view(code: str, found: dict[str, Any]) -> dict[str, Any]:
    last = found["last_attempt"]
    return {"code": code, **_shown(found), "last_attempt": _attempt(last) if last else None}


def _attempt(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in _shown(found).items() if name != "id"}


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    return {name: format_time(value) if name in _TIMES and value else value for name, value in found.items()}


@setting.delete("/webhook", status_code=204, response_class=Response, summary="Have nothing posted any more")
async def delete_webhook(request: Request, code: Code = None) -> Response:
    """The items stand in the inbox, to be read in the other ways. An attempt under way may still come."""
    mine = own_code(caller_of(request), code)
    async with record_change(services(request).pool, caller_of(request).key_id) as change:
        before = await store.delete_webhook(change.connection, mine)
        if before is None:
            raise _none(mine)
        await change.record("webhook-deleted", mine, before=_audited(before["url"], before["types"]))
    return Response(status_code=204)


@setting.post("/webhook/secret", response_model=WebhookSecret, summary="A new secret")
async def post_secret(request: Request, code: Code = None) -> Response:
    """Shown this once. The one so far signs as well for 24 hours; one before it does no longer."""
    parts, mine = services(request), own_code(caller_of(request), code)
    secret = new_secret()
    async with record_change(parts.pool, caller_of(request).key_id) as change:
        until = await store.rotate_secret(change.connection, mine, store.seal_secret(parts.vault, secret))
        if until is None:
            raise _none(mine)
        await change.record("webhook-secret-rotated", mine)
    return json_response({"secret": secret, "old_secret_until": format_time(until)})


@setting.post("/webhook/test", response_model=WebhookTest, responses=problems(429), summary="Post a test message now")
async def post_test(request: Request, code: Code = None) -> Response:
    """A signed NOTICE `test` to your address, whatever its state; it has no `seq` and moves no position."""
    parts, mine = services(request), own_code(caller_of(request), code)
    if mine in parts.testing:
        raise Problem(
            ProblemCode.TOO_MANY_REQUESTS,
            say("A test of this webhook is under way: wait for its answer."),
            headers={"Retry-After": "1"},
        )
    parts.testing.add(mine)
    try:
        return json_response(await _test(parts, mine))
    finally:
        parts.testing.discard(mine)


async def _test(parts: Services, code: str) -> dict[str, Any]:
    """Post the message and enter what became of it. No connection is held while the receiver takes its time."""
    async with acquire(parts.pool) as connection:
        target = await store.find_target(connection, code, parts.vault)
        at, stamp = await fetch_one(connection, "SELECT nrdb_now(), clock_timestamp()")
    if target is None:
        raise _none(code)
    message_id = str(uuid4())
    webhook_id = f"test_{code}_{message_id}"
    message = {"type": "NOTICE", "message_id": message_id, "sender": CLEARINGHOUSE, "notice": "test"}
    item = {"seq": None, "at": format_time(at), "to": code, "message": {**message, "received_at": format_time(at)}}
    body = orjson.dumps(item)
    async with Sender(allow_private=parts.settings.private_webhooks) as sender:
        attempt = await sender.post(target.url, store.headers_of(target, webhook_id, stamp, body), body)
    outcome = "delivered" if attempt.delivered else "failed"
    async with acquire(parts.pool) as connection:
        await store.record_test(
            connection, code, webhook_id, stamp, outcome, attempt.status, attempt.error, attempt.milliseconds
        )
    return {
        "delivered": attempt.delivered,
        "status": attempt.status,
        "error": attempt.error,
        "milliseconds": attempt.milliseconds,
    }


@reading.get("/webhook/attempts", response_model=page(WebhookAttempt), summary="What was attempted, newest first")
async def get_attempts(
    request: Request, code: Code = None, after: Annotated[str | None, Query()] = None, limit: Limit = 100
) -> Response:
    """Attempts of the last 30 days, tests and those of an earlier webhook of the code included."""
    mine = own_code(caller_of(request), code)
    before = read_cursor(after, read_int8)[0] if after is not None else None
    async with acquire(services(request).readers) as connection:
        rows = await store.read_attempts(connection, mine, before, limit + 1)
    items, following = page_of(rows, limit, lambda row: write_cursor(row["id"]))
    return json_response({"items": [_attempt(row) for row in items], "next": following})
