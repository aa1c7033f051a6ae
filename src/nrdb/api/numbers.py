"""Whether a number can be ported."""

import re
from datetime import datetime
from typing import Annotated

from fastapi import Path, Request
from pydantic import BeforeValidator, WithJsonSchema
from starlette.responses import Response

from nrdb.api.answers import PortabilityAnswer
from nrdb.api.context import services
from nrdb.api.guard import caller_of, guarded
from nrdb.api.problems import json_response
from nrdb.cases.case import NKOM
from nrdb.cases.facts import read_days
from nrdb.clock import format_time
from nrdb.db import acquire
from nrdb.errors import Code, Problem
from nrdb.messages.patterns import NUMBER_ASKED_FOR, PATTERNS
from nrdb.messages.rules import Rules, earliest_time
from nrdb.messages.slots import OpeningType, draft
from nrdb.providers.keys import Caller
from nrdb.routing.numbers import COUNTRY_CODE, NumberRange, is_five_digit, national, parse_number
from nrdb.routing.store import Portability, portability
from nrdb.rulebook import Rulebook
from nrdb.texts import FieldError, say
from nrdb.timers.calendar import working_calendar

router = guarded("provider", "operator", "admin", tags=["numbers"])
NumberPath = Annotated[
    str,
    Path(pattern=NUMBER_ASKED_FOR, examples=["90012345"], description="national digits, or +47 first"),
]


def _looked_for(value: object) -> int:
    if not isinstance(value, str) or re.fullmatch(NUMBER_ASKED_FOR.replace("$", ""), value, re.ASCII) is None:
        raise FieldError(PATTERNS[NUMBER_ASKED_FOR])
    return int(COUNTRY_CODE + value.removeprefix("+47"))


#: A number to look for in a list. Of one that no plan knows nothing is found, as an address for it is a 404.
NumberLookedFor = Annotated[
    int,
    BeforeValidator(_looked_for),
    WithJsonSchema({"type": "string", "pattern": NUMBER_ASKED_FOR, "examples": ["90012345"]}),
]


def number_of(text: str) -> int:
    """The number of a path. One of a length that no plan knows is as unknown as one in no series."""
    try:
        return parse_number(text)
    except ValueError:
        raise not_in_plan(text) from None


def not_in_plan(text: str) -> Problem:
    """404 for a number that is in no series."""
    return Problem(
        Code.NUMBER_UNKNOWN,
        say("{number} is in no series of the number plan at that time.", number=text),
        status=404,
        facts={"number": text},
    )


@router.get("/portability/{number}", response_model=PortabilityAnswer, summary="Whether a number can be ported")
async def get_portability(request: Request, number: NumberPath) -> Response:
    """Whether an order (5_IVER for a five-digit number) would meet a refusal now, which, and the earliest porting time.

    The earliest time is that of the timers; `POST /v1/slots` also knows the recipient's cap, and the end of open cases.
    """
    wanted = number_of(number)
    async with acquire(services(request).pool) as connection:
        found = await portability(connection, wanted)
    if found is None:
        raise not_in_plan(number)
    return json_response(_portability(wanted, found, caller_of(request), services(request).rulebook))


def _portability(number: int, found: Portability, caller: Caller, rulebook: Rulebook) -> dict[str, object]:
    reasons = list(_hindrances(number, found))
    concerned = caller.sees_all or bool({found.holder, *found.parties} & set(caller.codes))
    earliest = None if reasons else format_time(_earliest(number, found, rulebook))
    return {
        "number": national(number),
        "number_class": found.number_class,
        "portable": not reasons,
        "reasons": reasons,
        "holder": found.holder,
        "range_holder": found.range_holder,
        "open_case": {"case_id": str(found.case_id), "until": format_time(found.until) if found.until else None}
        if found.case_id and concerned
        else None,
        "earliest_porting_time": earliest,
    }


def _hindrances(number: int, found: Portability) -> list[Code]:
    """The refusals that an order for the number would meet now, in the order of the rulebook."""
    return [
        code
        for code, applies in (
            (Code.NUMBER_NOT_PORTABLE, found.status == "blocked"),
            # A five-digit number that nobody uses is set up by 5_IVER; others must be in use to be ported.
            (Code.NUMBER_NOT_IN_USE, found.holder == NKOM and not is_five_digit(number)),
            (Code.NUMBER_IN_OPEN_CASE, found.case_id is not None),
        )
        if applies
    ]


def _earliest(number: int, found: Portability, rulebook: Rulebook) -> datetime:
    """As the order would be told: T10 for a five-digit number, T9 for the others. The cap is the recipient's matter."""
    rules = Rules(rulebook, working_calendar(rulebook, read_days(found.closed_days)))
    kind: OpeningType = "5_IVER" if is_five_digit(number) else "NP_BEST"
    return earliest_time(rules, draft(kind, [NumberRange(number, number)], found.holder, None), found.now)
