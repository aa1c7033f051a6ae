"""The fields that messages and administration share, each read once into the type the service works with."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic import WithJsonSchema as Schema
from pydantic_core import InitErrorDetails

from nrdb.clock import format_time, parse_time
from nrdb.messages import patterns
from nrdb.routing.numbers import NumberRange, national, parse_number
from nrdb.texts import FieldError, Sentence, say

_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_COMPACT_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_ORGANISATION_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)


def _from_text(parse: Any) -> BeforeValidator:
    def read(value: object) -> object:
        if not isinstance(value, str):
            raise FieldError(say("must be a string"))
        return parse(value)

    return BeforeValidator(read)


def _clean(text: str) -> str:
    if any(ord(sign) < 32 and sign not in "\t\n\r" for sign in text):
        raise FieldError(say("must not contain control characters"))
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise FieldError(say("must not be only space"))
    return text


def check_organisation_number(text: str) -> str:
    """Nine digits of which the last is the mod-11 check digit. Raises `ValueError`."""
    if len(text) != 9 or not (text.isascii() and text.isdigit()):
        raise FieldError(say("an organisation number has 9 digits"))
    total = sum(int(digit) * weight for digit, weight in zip(text[:8], _ORGANISATION_WEIGHTS, strict=True))
    if (11 - total % 11) % 11 != int(text[8]):
        raise FieldError(say("the check digit of the organisation number is wrong (mod 11)"))
    return text


def _compact_date(text: str) -> str:
    _date(_COMPACT_DATE, text, say("a birth date in a refusal is yyyymmdd (S3 2.5.2), and a day of the calendar"))
    return text


def _iso_date(text: str) -> date:
    return _date(_ISO_DATE, text, say("a date is YYYY-MM-DD, and a day of the calendar"))


def _date(pattern: re.Pattern[str], text: str, sentence: Sentence) -> date:
    """The date in three groups. Python's own errors repeat the value, which may be a birth date."""
    match = pattern.fullmatch(text)
    try:
        year, month, day = map(int, match.groups() if match else ())
        return date(year, month, day)
    except ValueError:
        raise FieldError(sentence) from None


_NUMBER_SCHEMA = Schema(
    {"type": "string", "pattern": r"^(\+47)?([0-9]{5}|[0-9]{8}|[0-9]{12})$", "examples": ["90012345"]}
)
Number = Annotated[int, _from_text(parse_number), PlainSerializer(national, return_type=str), _NUMBER_SCHEMA]
Time = Annotated[
    datetime,
    _from_text(parse_time),
    PlainSerializer(format_time, return_type=str),
    Schema({"type": "string", "format": "date-time", "examples": ["2026-11-23T09:00:00+01:00"]}),
]


def _uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise FieldError(say("must be a UUID")) from None


Uuid = Annotated[
    UUID, BeforeValidator(_uuid), PlainSerializer(str, return_type=str), Schema({"type": "string", "format": "uuid"})
]
Day = Annotated[date, _from_text(_iso_date), Schema({"type": "string", "format": "date"})]
CompactDate = Annotated[
    str,
    _from_text(_compact_date),
    Schema({"type": "string", "pattern": "^[0-9]{8}$", "examples": ["19800131"]}),
]
OrganisationNumber = Annotated[
    str,
    _from_text(check_organisation_number),
    Schema({"type": "string", "pattern": "^[0-9]{9}$", "examples": ["974760673"]}),
]
ProviderCode = Annotated[str, StringConstraints(pattern=patterns.PROVIDER_CODE, strict=True)]
Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_clean)]
Name = Annotated[Text, StringConstraints(min_length=1, max_length=200), AfterValidator(_not_blank)]
Comment = Annotated[Text, StringConstraints(max_length=1000)]
Reference = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
Reason = Annotated[Text, StringConstraints(min_length=1, max_length=1000), AfterValidator(_not_blank)]
RoutingNumber = Annotated[str, StringConstraints(pattern=patterns.ROUTING_NUMBER, strict=True)]


def wrong_fields(found: Iterable[tuple[tuple[str | int, ...], Sentence]]) -> ValidationError:
    """What a form finds in several of its fields together, each told at its place and not at the whole form."""
    return ValidationError.from_exception_data(
        "",
        [
            InitErrorDetails(type="value_error", loc=place, input=None, ctx={"error": FieldError(sentence)})
            for place, sentence in found
        ],
    )


class Form(BaseModel):
    """A request: frozen, and an unknown field is an error (contract section 1)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(Form):
    """A range of numbers, both ends included, of equal length."""

    first: Number
    last: Number

    @model_validator(mode="after")
    def forward(self) -> Self:
        """Both ends have one length, and the first is not after the last."""
        if len(str(self.first)) != len(str(self.last)):
            raise FieldError(say("first and last must have the same number of digits"))
        if self.last < self.first:
            raise FieldError(say("last must not be before first"))
        return self

    @property
    def numbers(self) -> NumberRange:
        """As the service works with it."""
        return NumberRange(self.first, self.last)
