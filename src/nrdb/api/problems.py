"""Problems as HTTP: the only place where a refusal becomes an answer (RFC 9457)."""

import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from nrdb.api.form_errors import pointer_of, sentence_of
from nrdb.api.languages import DEFAULT, language_headers, language_of, write_json
from nrdb.db import UNAVAILABLE, ConflictError
from nrdb.errors import CATALOGUE, Code, Problem
from nrdb.routing.proof import ReckoningError
from nrdb.texts import Language, Told, say

PROBLEM_JSON = "application/problem+json"
#: Seconds after which a sender should try again.
RETRY_AFTER = "2"
#: Seconds after which to ask again where a hash tree is made, which takes some of them for each million rows.
RECKONED_AFTER = "10"
#: Errors of the form shown at most; a hundred thousand wrong elements help nobody.
ERRORS_SHOWN = 100

log = structlog.get_logger()


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as the service writes it, where it holds no sentences that come in several languages."""
    return Response(write_json(content), status, headers, "application/json")


def problem_document(problem: Problem, request_id: str | None = None) -> dict[str, Any]:
    """The problem document of contract section 1, its sentences not yet in any language: see `write_json`."""
    info = problem.info
    document: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": info.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    if problem.rule is not None:
        document |= {"rule": problem.rule, "source": info.source}
    if problem.facts is not None:
        document["facts"] = problem.facts
    if problem.errors is not None:
        document["errors"] = problem.errors
    if request_id is not None:
        document["request_id"] = request_id
    return document


def problem_response(problem: Problem, request_id: str | None = None, language: Language = DEFAULT) -> Response:
    """The problem document as an answer in one language."""
    body = write_json(problem_document(problem, request_id), language)
    return Response(body, problem.status, {**problem.headers, **language_headers(language)}, PROBLEM_JSON)


def form_problem(errors: Iterable[Mapping[str, Any]], skip: int = 0) -> Problem:
    """A problem for what pydantic found. `skip` leading parts of each place name no field of the sender's."""
    listed = list(errors)
    if any(error["type"] == "json_invalid" for error in listed):
        return Problem(Code.NOT_JSON, say("The body is not JSON in UTF-8. Nothing was changed."))
    return _form_problem(
        [{"pointer": pointer_of(error, skip), "detail": sentence_of(error)} for error in listed[:ERRORS_SHOWN]],
        len(listed),
    )


def field_problem(pointer: str, detail: Told) -> Problem:
    """A form error that the service itself finds, at one place."""
    return field_problems([(pointer, detail)])


def field_problems(found: Sequence[tuple[str, Told]]) -> Problem:
    """Form errors that the service itself finds, each with its place."""
    return _form_problem([{"pointer": place, "detail": detail} for place, detail in found[:ERRORS_SHOWN]], len(found))


def _form_problem(errors: Sequence[Mapping[str, str | Told]], count: int) -> Problem:
    if count == 1:
        detail = say("1 field is wrong: it is named with what would be right. Nothing was changed.")
    else:
        detail = say(
            "{count} fields are wrong: they are named with what would be right. Nothing was changed.", count=count
        )
    return Problem(Code.INVALID_MESSAGE, detail, errors=errors)


#: What the framework itself answers.
_HTTP_CODES = {400: Code.NOT_JSON, 405: Code.METHOD_NOT_ALLOWED, 413: Code.BODY_TOO_LARGE}


def problem_of(error: Exception, request_id: str | None) -> Problem:
    """What any error is to the sender. The only place that decides it."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return form_problem(error.errors(), skip=1)
        case HTTPException():
            code = _HTTP_CODES.get(error.status_code, Code.NOT_FOUND)
            return Problem(code, CATALOGUE[code].text, headers=error.headers)
        case ReckoningError():
            detail = say(
                "The hash tree over the routing table is being made anew, as after an import or a new release. "
                "Nothing is wrong; it takes up to some minutes. Ask again after 'Retry-After' seconds."
            )
            return Problem(Code.UNAVAILABLE, detail, headers={"Retry-After": RECKONED_AFTER})
    # Data that the driver cannot write is an error of ours, although asyncpg files it under its interface errors.
    if isinstance(error, (*UNAVAILABLE, ConflictError)) and not isinstance(error, asyncpg.DataError):
        log.warning("unavailable", error=type(error).__name__, request_id=request_id)
        return Problem(Code.UNAVAILABLE, CATALOGUE[Code.UNAVAILABLE].text, headers={"Retry-After": RETRY_AFTER})
    # The text of an unknown error may hold anything, personal data too, so it is neither answered nor logged.
    log.error("internal", error=type(error).__name__, request_id=request_id, where=_frames(error))
    return Problem(Code.INTERNAL, CATALOGUE[Code.INTERNAL].text)


def install(app: FastAPI) -> None:
    """Make the framework's own errors problem documents; all others come through to `RequestLog`."""

    async def answer(request: Request, error: Exception) -> Response:
        request_id = getattr(request.state, "request_id", None)
        return problem_response(problem_of(error, request_id), request_id, language_of(request.scope))

    for kind in (RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def validation_problem(error: ValidationError) -> Problem:
    """A problem for a message that did not parse; the union's tag is no field of the sender's."""
    errors = error.errors(include_url=False, include_input=False)
    return form_problem([{**item, "loc": item["loc"][1:] if item["loc"] else ()} for item in errors])


def _frames(error: BaseException) -> list[str]:
    """Where it happened, without what it happened to."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
