"""Posting a message, and reading one again."""

from typing import Any
from uuid import UUID

from fastapi import Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, DeliveredMessage, MessageAnswer
from nrdb.api.context import services
from nrdb.api.guard import BoundedRequest, caller_of, guarded, json_body, own_code
from nrdb.api.metrics import count_message
from nrdb.api.problems import json_response, validation_problem
from nrdb.delivery.inbox import find_message
from nrdb.errors import Code, Problem
from nrdb.messages.kinds import MESSAGE, AnyCaseMessage, NpBest

posting = guarded("provider", tags=["messages"])
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
    message = _parse(await json_body(BoundedRequest(request.scope, request.receive)))
    with count_message(message.type):
        codes = caller_of(request).codes
        if message.sender not in codes:
            raise Problem(
                Code.SENDER_NOT_YOURS,
                f"Your key does not send for {message.sender}.",
                facts={"sender": message.sender, "codes": list(codes)},
            )
        answer = await services(request).intake.accept(message)
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return json_response(answer.body, 200 if answer.replayed else 201, headers)


def _parse(body: bytes) -> NpBest | AnyCaseMessage:
    try:
        return MESSAGE.validate_json(body)
    except ValidationError as error:
        raise validation_problem(error) from None


@reading.get("/messages/{message_id}", response_model=DeliveredMessage, summary="A message again")
async def get_message(request: Request, message_id: UUID, code: str | None = Query(None)) -> Response:
    """A message that one of your codes has sent or received, as its receiver gets it."""
    mine = own_code(caller_of(request), code)
    async with services(request).pool.acquire() as connection:
        found = await find_message(connection, mine, message_id)
    if found is None:
        raise Problem(Code.NOT_FOUND, f"{mine} has neither sent nor received a message with this id.")
    return json_response(found)
