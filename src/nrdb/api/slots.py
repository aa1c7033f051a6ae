"""When a message could lawfully have its numbers move: asked before it is sent."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from starlette.responses import Response

from nrdb.api.answers import BODY_PROBLEMS, Shown
from nrdb.api.changes import known_code
from nrdb.api.context import services
from nrdb.api.guard import caller_of, guarded
from nrdb.api.languages import told
from nrdb.clock import format_time
from nrdb.db import acquire
from nrdb.errors import Code, Problem
from nrdb.messages.fields import Form, Number, ProviderCode, Range, Time
from nrdb.messages.slots import Found, NotBefore, OpeningType, draft
from nrdb.routing.numbers import parse_number
from nrdb.texts import FieldError, say

router = guarded("provider", "operator", "admin", tags=["slots"])
#: What a message may hold: a main number, additional ones, and series.
MOST_SINGLES, MOST_RANGES = 15_001, 1000


def _one_or_many(value: object) -> object:
    """A number by itself is the range from it to it."""
    if isinstance(value, str):
        number = parse_number(value)
        return Range.model_construct(first=number, last=number)
    return value


Numbers = Annotated[Range, BeforeValidator(_one_or_many, json_schema_input_type=Number | Range)]


class SlotsForm(Form):
    """The message that is to be sent, as far as its time depends on it. `donor` of a termination: who gives back."""

    type: OpeningType
    numbers: Annotated[
        tuple[Numbers, ...],
        Field(
            max_length=MOST_SINGLES + MOST_RANGES,
            description="single numbers and ranges",
            json_schema_extra={"minItems": 1},
        ),
    ]
    donor: ProviderCode
    recipient: Annotated[
        ProviderCode | None,
        Field(default=None, validate_default=True, description="needed for NP_BEST and 5_IVER; else it plays no part"),
    ]
    from_: Annotated[Time | None, Field(alias="from", description="look from here on; default: now")] = None

    @field_validator("numbers", mode="after")
    @classmethod
    def as_many_as_a_message_holds(cls, numbers: tuple[Range, ...], info: ValidationInfo) -> tuple[Range, ...]:
        """A 5_ message is about one number, an NP_ message about as many as its lists hold."""
        # Not by the field's own bound, which counts what is left when wrong elements have been told.
        if not numbers:
            raise FieldError(say("must not be empty"))
        kind = info.data.get("type", "NP_BEST")
        ranges = sum(item.first != item.last for item in numbers)
        if kind.startswith("5_") and (len(numbers) > 1 or ranges):
            raise FieldError(say("{type} is about one number", type=kind))
        if ranges > MOST_RANGES or len(numbers) - ranges > MOST_SINGLES:
            raise FieldError(
                say("must be at most {singles} single numbers and {ranges} ranges", singles=MOST_SINGLES,
                    ranges=MOST_RANGES)
            )  # fmt: skip
        return numbers

    @field_validator("recipient", mode="after")
    @classmethod
    def somebody_gets_the_numbers(cls, recipient: str | None, info: ValidationInfo) -> str | None:
        """Terminated numbers go to their range holder, the others to the recipient."""
        kind = info.data.get("type")
        if kind not in ("NP_BEST", "5_IVER"):
            return None
        if recipient is None:
            raise FieldError(say("{type} needs the recipient", type=kind))
        return recipient


class SlotView(Shown):
    """Every instant from `from` to `until`, both included, is a lawful porting or termination time."""

    from_: Annotated[datetime, Field(alias="from")]
    until: datetime


class NotBeforeView(Shown):
    """A refusal that a time from `from` on and before `until` would meet.

    `from` null: from the beginning. At `until` the refusal is gone; null: no end of it is known. Times before `from`
    and from `until` on are slots, or stand in another entry.
    """

    from_: Annotated[datetime | None, Field(alias="from")]
    until: datetime | None
    code: str
    rule: str | None
    source: str | None
    detail: str
    facts: dict[str, Any]


class SlotsAnswer(Shown):
    """Lawful times for a message that is sent at `send_from`, and what stands before and between them, in order."""

    send_from: datetime | None
    slots: list[SlotView]
    not_before: list[NotBeforeView]


@router.post("/slots", response_model=SlotsAnswer, responses=BODY_PROBLEMS, summary="The next lawful times")
async def post_slots(request: Request, form: SlotsForm) -> Response:
    """The porting or termination times that a message could lawfully name, up to T11 or T14, and why not the others.

    Calendar, timers, cap, open cases and blocked series taken together, by the same checks as the message itself; it
    changes nothing. `send_from` is now, or when the open case of the numbers ends (the slots are then those of a
    message sent at that instant), or null where no message could be sent. What the request does not name is taken to
    be right: customer, number type, target number, right holder, network. Providers ask for their own codes. Each entry
    of `not_before` says from when until when its refusal holds.
    """
    caller = caller_of(request)
    parties = [code for code in (form.recipient, form.donor) if code is not None]
    if not caller.sees_all and not set(parties) & set(caller.codes):
        raise Problem(
            Code.SENDER_NOT_YOURS,
            say("Your key is for none of these codes: {codes}.", codes=tuple(parties)),
            facts={"codes": list(caller.codes)},
        )
    parts = services(request)
    async with acquire(parts.pool) as connection:
        for pointer, code in (("/donor", form.donor), ("/recipient", form.recipient)):
            if code is not None:
                await known_code(connection, code, pointer)
    numbers = [item.numbers for item in form.numbers]
    message = draft(form.type, numbers, form.donor, form.recipient)
    found = await parts.intake.slots(message, form.from_)
    return told(request, _view(found, shows_cap=caller.sees_all or message.sender in caller.codes))


def _view(found: Found, *, shows_cap: bool) -> dict[str, Any]:
    return {
        "send_from": format_time(found.send_from) if found.send_from else None,
        "slots": [{"from": format_time(slot.first), "until": format_time(slot.last)} for slot in found.slots],
        "not_before": [_hindrance(item, shows_cap=shows_cap) for item in found.not_before],
    }


def _hindrance(item: NotBefore, *, shows_cap: bool) -> dict[str, Any]:
    problem = item.problem
    detail, facts = problem.detail, dict(problem.facts or {})
    if problem.code is Code.DAILY_CAP_EXCEEDED and not shows_cap:
        # How many numbers a competitor gets on a day is told to nobody who could not send the message.
        facts = {name: value for name, value in facts.items() if name not in ("limit", "used")}
        detail = problem.info.title
    return {
        "from": format_time(item.first) if item.first else None,
        "until": format_time(item.until) if item.until else None,
        "code": problem.code,
        "rule": problem.rule,
        "source": problem.info.source,
        "detail": detail,
        "facts": facts,
    }
