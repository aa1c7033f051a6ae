"""The sandbox clock: one for all processes, kept in the database, forward only (contract section 9)."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from fastapi import APIRouter, Body, Request
from pydantic import BeforeValidator, WithJsonSchema, model_validator
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, ClockView
from nrdb.api.context import services
from nrdb.api.guard import caller_of, guarded
from nrdb.api.problems import field_problem, json_response
from nrdb.audit import change_world
from nrdb.changes.due import apply_due
from nrdb.clock import LATEST_YEAR, format_time
from nrdb.db import acquire
from nrdb.delivery.positions import let_go
from nrdb.erasure import BATCH, erase
from nrdb.errors import Code, Problem
from nrdb.messages.fields import Form, Time
from nrdb.texts import FieldError, say

_DURATION = re.compile(
    r"P(?!$)(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)


def parse_duration(text: object) -> timedelta:
    """ISO 8601 weeks, days and times, such as `PT35M` or `P1DT2H`; months and years have no fixed length."""
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise FieldError(say("a duration is like PT35M, PT12H or P60D"))
    return timedelta(**{unit: float(count) for unit, count in match.groupdict().items() if count})


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT35M"]}),
]


class ClockMove(Form):
    """Where to: an instant, or how far ahead."""

    now: Time | None = None
    advance: Duration | None = None

    @model_validator(mode="after")
    def one_way(self) -> Self:
        """Exactly one of the two."""
        if (self.now is None) == (self.advance is None):
            raise FieldError(say("give exactly one of now and advance"))
        return self


def sandbox_router() -> APIRouter:
    """The paths of the sandbox clock; without a sandbox they do not exist."""
    router = APIRouter()
    router.include_router(_reading)
    router.include_router(_moving)
    return router


_reading = guarded("provider", "operator", "admin", tags=["sandbox"])
_moving = guarded("admin", tags=["sandbox"])


@_reading.get("/sandbox/clock", response_model=ClockView, summary="The time in this sandbox")
async def get_clock(request: Request) -> Response:
    """It stands still between moves."""
    async with acquire(services(request).pool) as connection:
        now = await connection.fetchval("SELECT nrdb_now()")
    return json_response({"now": format_time(now)})


@_moving.put("/sandbox/clock", response_model=ClockView, responses=BODY_PROBLEMS, summary="Move the time forward")
async def put_clock(request: Request, move: Annotated[ClockMove, Body()]) -> Response:
    """What is due by then has happened, in order, before the answer. A move waits for messages in flight."""
    parts = services(request)
    async with change_world(parts.pool, caller_of(request).key_id) as change:
        target = _target(change.at, move)
        await change.connection.execute("UPDATE world SET sandbox_now = $1", target)
        await apply_due(change.connection, parts.intake, target)
        while await erase(change.connection, parts.settings.retention, BATCH):
            pass
        while await let_go(change.connection, parts.settings.inbox_retention, BATCH):
            pass
        await change.record("clock-moved", "sandbox", before=_shown(change.at), after=_shown(target))
    return json_response(_shown(target))


def _shown(at: datetime) -> dict[str, Any]:
    return {"now": format_time(at)}


def _target(now: datetime, move: ClockMove) -> datetime:
    try:
        target = move.now or now + (move.advance or timedelta())
    except OverflowError:
        target = None
    if target is None or target.year > LATEST_YEAR:
        raise field_problem("/advance", say("the clock goes no further than the year {year}", year=LATEST_YEAR))
    if target < now:
        raise Problem(
            Code.CLOCK_BACKWARDS,
            say("The clock shows {now} and only moves forward.", now=now),
            facts={"now": format_time(now)},
        )
    return target
