"""Problems as HTTP: the only place where a refusal becomes an answer (RFC 9457)."""

import traceback
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from nrdb.db import UNAVAILABLE, ConflictError
from nrdb.errors import CATALOGUE, Code, Problem
from nrdb.texts import Sentence

PROBLEM_JSON = "application/problem+json"
#: Seconds after which a sender should try again.
RETRY_AFTER = "2"
#: Errors of the form shown at most; a hundred thousand wrong elements help nobody.
ERRORS_SHOWN = 100

log = structlog.get_logger()


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as the service writes it: dates and UUIDs as text."""
    return Response(orjson.dumps(content, default=str), status, headers, "application/json")


def problem_response(problem: Problem, request_id: str | None = None) -> Response:
    """The problem document of contract section 1."""
    info = problem.info
    status = problem.status
    document: dict[str, Any] = {
        "type": f"/problems/{problem.code}",
        "title": info.title,
        "status": status,
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
    return Response(orjson.dumps(document, default=str), status, problem.headers, PROBLEM_JSON)


def form_problem(errors: Iterable[Mapping[str, Any]], skip: int = 0) -> Problem:
    """A problem for what pydantic found. `skip` leading parts of each place name no field of the sender's."""
    listed = list(errors)
    if any(error["type"] == "json_invalid" for error in listed):
        return Problem(Code.NOT_JSON, "The body is not JSON in UTF-8. Nothing was changed.")
    shown = [{"pointer": _place(error, skip), "detail": _sentence(error)} for error in listed[:ERRORS_SHOWN]]
    count = len(listed)
    detail = f"{count} field{'s are' if count > 1 else ' is'} wrong: see 'errors'. Nothing was changed."
    return Problem(Code.INVALID_MESSAGE, detail, errors=shown)


def field_problem(pointer: str, detail: str | Sentence) -> Problem:
    """A form error that the service itself finds, at one place."""
    return Problem(
        Code.INVALID_MESSAGE,
        "1 field is wrong: see 'errors'. Nothing was changed.",
        errors=[{"pointer": pointer, "detail": str(detail)}],
    )


def _place(error: Mapping[str, Any], skip: int) -> str:
    return "/type" if error["type"].startswith("union_tag") else _pointer(error["loc"][skip:])


def _pointer(place: Iterable[Any]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def _sentence(error: Mapping[str, Any]) -> str:
    """What is wrong, never with the value that was sent."""
    if error["type"] == "union_tag_invalid":
        return f"'type' must be one of {error['ctx']['expected_tags']}"
    if error["type"] == "union_tag_not_found":
        return "'type' is missing"
    return str(error["msg"]).removeprefix("Value error, ")


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
        return problem_response(problem_of(error, request_id), request_id)

    for kind in (RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def validation_problem(error: ValidationError) -> Problem:
    """A problem for a message that did not parse; the union's tag is no field of the sender's."""
    errors = error.errors(include_url=False, include_input=False)
    return form_problem([{**item, "loc": item["loc"][1:] if item["loc"] else ()} for item in errors])


def _frames(error: BaseException) -> list[str]:
    """Where it happened, without what it happened to."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
