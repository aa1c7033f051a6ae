"""Posting a message, and reading one again."""

from time import perf_counter
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nrdb.api.answers import BODY_PROBLEMS, DeliveredMessage, MessageAnswer
from nrdb.api.context import services
from nrdb.api.guard import BoundedRequest, authenticate, caller_of, check_json, guarded, json_body, own_code
from nrdb.api.metrics import count_message
from nrdb.api.problems import json_response, validation_problem
from nrdb.db import acquire
from nrdb.delivery.inbox import find_message
from nrdb.errors import Code, Problem
from nrdb.messages.fields import ProviderCode, Uuid
from nrdb.messages.kinds import MESSAGE, AnyMessage
from nrdb.providers.keys import Caller, Role

POSTERS: tuple[Role, ...] = ("provider",)
#: Keys remembered by a process, so that a message costs no look-up of its own.
KNOWN_POSTERS = 10_000

posting = guarded(*POSTERS, tags=["messages"])
reading = guarded("provider", "operator", "admin", tags=["messages"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Message"}}},
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": MessageAnswer,
        "description": "The message had been accepted before: the first answer again",
        "headers": {"Idempotent-Replayed": {"schema": {"const": "true", "type": "string"}}},
    },
    **BODY_PROBLEMS,
}


@posting.post(
    "/messages",
    status_code=201,
    response_class=Response,
    response_model=MessageAnswer,
    responses=_ANSWERS,
    openapi_extra=_BODY,
    summary="Post one message",
)
async def post_message(request: Request) -> Response:
    """Decide on one message. 201 means that it is committed, together with everything that follows from it."""
    # For the document: `bare_post_message` stands before this route.
    return await _post(BoundedRequest(request.scope, request.receive))


async def bare_post_message(scope: Scope, receive: Receive, send: Send) -> None:
    """The same as an ASGI application of its own, which `RequestLog` asks before the framework."""
    answer = await _post(BoundedRequest(scope, receive))
    await answer(scope, receive, send)


async def _post(request: BoundedRequest) -> Response:
    caller, confirmed = await _sender(request)
    try:
        message = _parse(await json_body(request))
        _check_sender(message, caller)
    except Problem:
        # Nobody is told anything on the word of a key that may have been revoked since it was last seen.
        if not confirmed:
            await authenticate(request, POSTERS)
        raise
    began, outcome = perf_counter(), "error"
    try:
        answer = await services(request).intake.accept(message, caller.key_id)
        outcome = "replayed" if answer.replayed else "accepted"
    except Problem as problem:
        outcome = problem.code
        raise
    finally:
        count_message(message.type, outcome, perf_counter() - began)
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return json_response(answer.body, 200 if answer.replayed else 201, headers)


async def _sender(request: BoundedRequest) -> tuple[Caller, bool]:
    """Who posts, and whether that was confirmed just now. The decision itself confirms a key that was seen before."""
    known = services(request).known_posters
    header = request.headers.get("authorization", "")
    caller = known.get(header)
    if caller is not None:
        return caller, False
    caller = await authenticate(request, POSTERS)
    if len(known) >= KNOWN_POSTERS:
        known.clear()
    known[header] = caller
    return caller, True


def _check_sender(message: AnyMessage, caller: Caller) -> None:
    if message.sender not in caller.codes:
        raise Problem(
            Code.SENDER_NOT_YOURS,
            f"Your key does not send for {message.sender}.",
            facts={"sender": message.sender, "codes": list(caller.codes)},
        )


def _parse(body: bytes) -> AnyMessage:
    try:
        return MESSAGE.validate_json(body)
    except ValidationError as error:
        # The parser of the forms also takes NaN and Infinity, which are not JSON.
        check_json(body)
        raise validation_problem(error) from None


@reading.get("/messages/{message_id}", response_model=DeliveredMessage, summary="A message again")
async def get_message(
    request: Request, message_id: Annotated[Uuid, Path()], code: Annotated[ProviderCode | None, Query()] = None
) -> Response:
    """A message that one of your codes has sent or received, as its receiver gets it."""
    caller = caller_of(request)
    mine = own_code(caller, code)
    async with acquire(services(request).pool) as connection:
        found = await find_message(connection, mine, message_id, services(request).vault_for(caller))
    if found is None:
        raise Problem(Code.NOT_FOUND, f"{mine} has neither sent nor received a message with this id.")
    return json_response(found)
