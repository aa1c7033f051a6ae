"""What the endpoints of administrative changes share: dry runs, set times, codes that must exist."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from nrdb.api.problems import field_problem, json_response
from nrdb.audit import Change
from nrdb.clock import format_time
from nrdb.db import Connection
from nrdb.errors import Code, Problem
from nrdb.messages.fields import Text
from nrdb.providers.registry import find_provider
from nrdb.texts import say

DryRun = Annotated[bool, Query(description="answer what would change, and change nothing")]

Why = Annotated[Text | None, Query(max_length=1000, description="for the audit log")]


async def known_code(connection: Connection, code: str, pointer: str) -> dict[str, Any]:
    """The provider with this code, active or not. Raises 422 at the place where it is named."""
    found = await find_provider(connection, code)
    if found is None:
        raise field_problem(pointer, say("there is no such provider code"))
    return found


async def check_code(connection: Connection, code: str, pointer: str) -> dict[str, Any]:
    """The provider with this code, which must be active. Raises 422 at the place where it is named."""
    found = await known_code(connection, code, pointer)
    if not found["active"]:
        raise field_problem(pointer, say("this provider code is inactive"))
    return found


def due_at(change: Change, wanted: datetime | None) -> datetime | None:
    """The later instant that a change is set for; None where it is for now. Raises `effective-time-passed`."""
    if wanted is None or wanted == change.at:
        return None
    if wanted < change.at:
        raise Problem(
            Code.EFFECTIVE_TIME_PASSED,
            say("It is {now} already: choose now or a later time.", now=change.at),
            facts={"now": format_time(change.at)},
        )
    return wanted


def answer(content: dict[str, Any], changed: dict[str, Any], *, dry_run: bool, status: int = 200) -> Response:
    """What was changed, with a summary of what followed; of a dry run the summary alone."""
    if dry_run:
        return json_response({"dry_run": True, **changed})
    return json_response({**content, "changed": changed}, status)
