"""Posting a message, and reading one again."""

from collections.abc import Sequence
from time import perf_counter
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nrdb.api.answers import BODY_PROBLEMS, CheckAnswer, DeliveredMessage, MessageAnswer
from nrdb.api.context import Services, services
from nrdb.api.guard import (
    BoundedRequest,
    authenticate,
    caller_of,
    check_json,
    check_parameters,
    guarded,
    json_body,
    known_caller,
    own_code,
)
from nrdb.api.languages import language_headers, language_of, told, write_json
from nrdb.api.metrics import count_message
from nrdb.api.problems import json_response, problem_document, validation_problem
from nrdb.db import acquire
from nrdb.deciding import Answer
from nrdb.delivery.inbox import find_message
from nrdb.errors import Code, Problem
from nrdb.messages.fields import ProviderCode, Uuid
from nrdb.messages.kinds import MESSAGE, AnyMessage
from nrdb.providers.keys import Caller, Role
from nrdb.texts import say

POSTERS: tuple[Role, ...] = ("provider",)
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
    # The decision itself confirms a key that was seen before.
    caller, confirmed = await known_caller(request, POSTERS)
    try:
        message = parse_message(await _body(request))
        check_sender(message, caller)
    except Problem:
        # Nobody is told anything on the word of a key that may have been revoked since it was last seen.
        if not confirmed:
            await authenticate(request, POSTERS)
        raise
    answer = await decide(services(request), message, caller)
    reply = told(request, answer.body, 200 if answer.replayed else 201)
    if answer.replayed:
        reply.headers["Idempotent-Replayed"] = "true"
    return reply


async def _body(request: BoundedRequest) -> bytes:
    """The bytes of a message, whose address has no parameters: whoever writes `?dry_run=true` wants no porting."""
    body = await json_body(request)
    if request.scope["query_string"]:
        check_json(body)
        check_parameters(request)
    return body


async def decide(parts: Services, message: AnyMessage, caller: Caller) -> Answer:
    """The decision on a message, counted. Raises its refusal."""
    began, outcome = perf_counter(), "error"
    try:
        answer = await parts.intake.accept(message, caller.key_id)
        outcome = "replayed" if answer.replayed else "accepted"
    except Problem as problem:
        outcome = problem.code
        raise
    finally:
        count_message(message.type, outcome, perf_counter() - began)
    return answer


async def decide_many(parts: Services, messages: Sequence[AnyMessage], caller: Caller) -> Sequence[Answer | Problem]:
    """The decisions on the first of these messages, counted; the time they took is shared among them."""
    began = perf_counter()
    answers = await parts.intake.accept_many(messages, caller.key_id)
    each = (perf_counter() - began) / len(answers)
    for message, found in zip(messages, answers, strict=False):
        outcome = found.code if isinstance(found, Problem) else "replayed" if found.replayed else "accepted"
        count_message(message.type, outcome, each)
    return answers


def check_sender(message: AnyMessage, caller: Caller) -> None:
    """Raises 403 for a sender that is none of the caller's codes."""
    if message.sender not in caller.codes:
        raise Problem(
            Code.SENDER_NOT_YOURS,
            say("Your key does not send for {sender}.", sender=message.sender),
            facts={"sender": message.sender, "codes": list(caller.codes)},
        )


def parse_message(body: bytes) -> AnyMessage:
    """The message that the bytes are. Raises 400 or 422."""
    try:
        return MESSAGE.validate_json(body)
    except ValidationError as error:
        # The parser of the forms also takes NaN and Infinity, which are not JSON.
        check_json(body)
        raise validation_problem(error) from None


@posting.post(
    "/messages/check",
    response_model=CheckAnswer,
    responses=BODY_PROBLEMS,
    openapi_extra=_BODY,
    summary="What a message would be answered",
)
async def post_check(request: Request) -> Response:
    """What posting the message would answer now, as `{status, answer}`; it changes nothing.

    Only a key that may not post at all is answered directly. `case.case_id` is null for a case that does not exist yet.
    """
    language = language_of(request.scope)
    caller = caller_of(request)
    body = await _body(BoundedRequest(request.scope, request.receive))
    try:
        message = parse_message(body)
        check_sender(message, caller)
        found = await services(request).intake.check(message, caller.key_id)
        status, answer = 200 if found.replayed else 201, found.body
    except Problem as problem:
        status, answer = problem.status, problem_document(problem, request.state.request_id)
    body = write_json({"status": status, "answer": answer}, language)
    return Response(body, headers=language_headers(language), media_type="application/json")


@reading.get("/messages/{message_id}", response_model=DeliveredMessage, summary="A message again")
async def get_message(
    request: Request, message_id: Annotated[Uuid, Path()], code: Annotated[ProviderCode | None, Query()] = None
) -> Response:
    """A message that one of your codes has sent or received, as its receiver gets it.

    Operators and administrators may leave `code` out: they see every message, without what is personal.
    """
    caller = caller_of(request)
    mine = None if code is None and caller.sees_all else own_code(caller, code)
    async with acquire(services(request).pool) as connection:
        found = await find_message(connection, mine, message_id, services(request).vault_for(caller))
    if found is None and mine is None:
        raise Problem(Code.NOT_FOUND, say("There is no message with this id."))
    if found is None:
        raise Problem(Code.NOT_FOUND, say("{code} has neither sent nor received a message with this id.", code=mine))
    return json_response(found)
