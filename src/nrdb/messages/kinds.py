"""The wire forms of all messages (contract section 2).

A message that parses here is well-formed; whether it is lawful is for `messages.rules`. NP_BEST, NP_ENDR, NP_IVER,
NP_FERD, NP_FBES, NP_FIVE, NP_OPPS, NP_FOPS, NP_TILB, 5_IVER, 5_FERD and 5_TILB are NRDB's names; NP_GODK, NP_ANNU,
5_OPPS, NOTICE and the reasons of NP_FOPS are ours, because no source names them.
"""

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nrdb.messages.fields import (
    Comment,
    CompactDate,
    Day,
    Form,
    Name,
    Number,
    OrganisationNumber,
    ProviderCode,
    Range,
    Reference,
    Text,
    Time,
    Uuid,
    wrong_fields,
)
from nrdb.routing.numbers import NumberRange, join, national
from nrdb.rulebook.model import TerminationRefusal
from nrdb.texts import say

NumberType = Literal["E", "T", "S"]
RefusalReason = Literal[
    "number-not-held",
    "owner-mismatch",
    "numbers-incomplete",
    "number-type-wrong",
    "subscription-ended",
    "authorisation-invalid",
    "complex-porting",
    "outstanding-balance",
    "customer-changed-mind",
    "staff-unavailable",
]
#: Digits of the ordinary number that a five-digit number is led to (S1).
TARGET_DIGITS = 8


def _one_spelling(text: str) -> str:
    """A UUID in its usual form. Anything else stays: it is the id of no case, which is for the rules to say."""
    try:
        return str(UUID(text))
    except ValueError:
        return text


CaseId = Annotated[Text, Field(min_length=1, max_length=100), AfterValidator(_one_spelling)]


class Customer(Form):
    """The person or firm whose subscription moves. The name is mandatory and never compared (S3 2.3.1)."""

    name: Name
    birth_date: Day | None = None
    organisation_number: OrganisationNumber | None = None

    @model_validator(mode="after")
    def one_identity(self) -> Self:
        """A person has a birth date, a firm an organisation number; never both."""
        if (self.birth_date is None) == (self.organisation_number is None):
            raise ValueError("give either a birth date or an organisation number, and not both")
        return self


class Expected(Form):
    """What would have been right, in a refusal (S3 2.5.2)."""

    name: Name | None = None
    birth_date: CompactDate | None = None
    organisation_number: OrganisationNumber | None = None
    numbers: Annotated[tuple[Range, ...], Field(min_length=1, max_length=1000)] | None = None
    number_type: NumberType | None = None
    porting_time: Time | None = None

    @property
    def given(self) -> frozenset[str]:
        """The fields that are there."""
        return frozenset(name for name in type(self).model_fields if getattr(self, name) is not None)


class Common(Form):
    """What every message carries. `personal` names the fields shown to the MT and AT of the case only."""

    personal: ClassVar[frozenset[str]] = frozenset()
    message_id: Uuid
    sender: ProviderCode


class CaseMessage(Common):
    """A message about an existing case."""

    case_id: CaseId


class RightHolder(Form):
    """The organisation that has the right to use a five-digit number (S1)."""

    name: Name
    organisation_number: OrganisationNumber


def _own_code(network: object, info: ValidationInfo) -> object:
    """Without a network, the sender's own; named or not, it is the same message."""
    # Where the sender itself is wrong, that is told once and not again for the network.
    return info.data.get("sender", "0") if network is None else network


Network = Annotated[ProviderCode, Field(default=None, validate_default=True), BeforeValidator(_own_code)]
Additional = Annotated[tuple[Number, ...], Field(max_length=15_000)]
Series = Annotated[tuple[Range, ...], Field(max_length=1000, validate_default=True)]


class Opening(Common):
    """A message that opens a case: it names numbers and the instant at which something becomes of them."""

    main_number: Number

    @property
    def mentions(self) -> tuple[NumberRange, ...]:
        """Every mention of numbers that counts, in the order given, the main number first."""
        return (NumberRange(self.main_number, self.main_number),)

    @property
    def series_mentioned(self) -> tuple[NumberRange, ...]:
        """The mentions that are series."""
        return ()

    @cached_property
    def numbers(self) -> tuple[NumberRange, ...]:
        """The numbers that the case is about: ascending, joined."""
        return join(self.mentions)


class NpBest(Opening):
    """An order: the recipient asks the donor for numbers (S3 2.3)."""

    personal = frozenset({"customer", "authorisation_reference"})
    type: Literal["NP_BEST"]
    donor: ProviderCode
    number_type: NumberType
    additional_numbers: Additional = ()
    series: Series = ()
    porting_time: Time
    customer: Customer
    authorisation_reference: Reference

    @field_validator("series", mode="after")
    @classmethod
    def series_fit_the_type(cls, series: tuple[Range, ...], info: ValidationInfo) -> tuple[Range, ...]:
        """T lists single numbers, S lists series (S3 2.3.2.1)."""
        number_type = info.data.get("number_type")
        if number_type == "T" and series:
            raise ValueError("type T has no series: list the numbers, or use type S")
        if number_type == "S" and not series:
            raise ValueError("type S needs at least one series")
        return series

    @property
    def extra_ignored(self) -> bool:
        """E registers the main number only; others are not entered in the porting table (S3 2.3.2.1)."""
        return self.number_type == "E" and bool(self.additional_numbers or self.series)

    @property
    def mentions(self) -> tuple[NumberRange, ...]:
        """Every mention of numbers that counts: the main number alone, or all."""
        return super().mentions if self.number_type == "E" else _all_mentions(self)

    @property
    def series_mentioned(self) -> tuple[NumberRange, ...]:
        """The series that count."""
        return () if self.number_type == "E" else _ranges(self.series)


class NpOpps(Opening):
    """The holder of ported numbers gives them back to their range holder (S3 2.8)."""

    type: Literal["NP_OPPS"]
    additional_numbers: Additional = ()
    series: Series = ()
    termination_time: Time

    @property
    def mentions(self) -> tuple[NumberRange, ...]:
        """The main number, the additional ones, the series."""
        return _all_mentions(self)

    @property
    def series_mentioned(self) -> tuple[NumberRange, ...]:
        """The series."""
        return _ranges(self.series)


def _all_mentions(message: NpBest | NpOpps) -> tuple[NumberRange, ...]:
    singles = (message.main_number, *message.additional_numbers)
    return (*(NumberRange(number, number) for number in singles), *_ranges(message.series))


def _ranges(series: tuple[Range, ...]) -> tuple[NumberRange, ...]:
    return tuple(item.numbers for item in series)


class FiveIver(Opening):
    """A five-digit number is set up (donor 0) or ported, order and execution in one (S3 2.7.1)."""

    personal = frozenset({"right_holder"})
    type: Literal["5_IVER"]
    donor: ProviderCode
    porting_time: Time
    target_number: Number
    right_holder: RightHolder
    network: Network

    @field_validator("target_number", mode="after")
    @classmethod
    def ordinary_number(cls, target: int) -> int:
        """Calls are led on to an ordinary number (S1)."""
        if len(national(target)) != TARGET_DIGITS:
            raise ValueError("the target is a number of 8 digits")
        return target


class FiveOpps(Opening):
    """The holder of a five-digit number gives it back to Nkom."""

    type: Literal["5_OPPS"]
    termination_time: Time


class NpGodk(CaseMessage):
    """The donor approves the order."""

    type: Literal["NP_GODK"]
    answers: Uuid | None = None


class NpFbes(CaseMessage):
    """The donor refuses the order, with exactly one reason (S3 2.5.1)."""

    personal = frozenset({"expected", "comment"})
    type: Literal["NP_FBES"]
    answers: Uuid | None = None
    reason: RefusalReason
    expected: Expected | None = None
    secret_number: StrictBool = False
    comment: Comment | None = None

    @model_validator(mode="after")
    def expected_fits_the_reason(self) -> Self:
        """Only the fields that the reason needs; one identity at most."""
        given = self.expected.given if self.expected else frozenset()
        surplus = given - EXPECTED_FIELDS.get(self.reason, frozenset())
        if surplus:
            sentence = say("does not belong to this reason: leave it out")
            raise wrong_fields([(("expected", field), sentence) for field in sorted(surplus)])
        if {"birth_date", "organisation_number"} <= given:
            sentence = say("give either the birth date or the organisation number, not both")
            raise wrong_fields([(("expected", "birth_date"), sentence)])
        return self


#: The `expected` fields that each reason may carry (contract section 6); the others carry none.
EXPECTED_FIELDS: dict[str, frozenset[str]] = {
    "owner-mismatch": frozenset({"name", "birth_date", "organisation_number"}),
    "numbers-incomplete": frozenset({"numbers"}),
    "number-type-wrong": frozenset({"number_type"}),
    "complex-porting": frozenset({"porting_time"}),
}


class NpEndr(CaseMessage):
    """The recipient changes the order; the donor answers anew."""

    personal = frozenset({"customer"})
    type: Literal["NP_ENDR"]
    porting_time: Time | None = None
    customer: Customer | None = None

    @model_validator(mode="after")
    def changes_something(self) -> Self:
        """At least one of the two."""
        if self.porting_time is None and self.customer is None:
            raise ValueError("change the porting time, the customer, or both")
        return self


class NpAnnu(CaseMessage):
    """The recipient cancels; nobody else can (S3 2.4.1)."""

    type: Literal["NP_ANNU"]


class NpIver(CaseMessage):
    """The recipient executes: everybody changes routing at the porting time."""

    type: Literal["NP_IVER"]
    network: Network


class NpFive(CaseMessage):
    """A receiver of the execution reports an error in it; it informs and stops nothing."""

    personal = frozenset({"comment"})
    type: Literal["NP_FIVE"]
    comment: Annotated[Comment, Field(min_length=1)]


class NpFerd(CaseMessage):
    """A receiver of the execution has changed its routing (S3 2.6.1)."""

    type: Literal["NP_FERD"]


class NpFops(CaseMessage):
    """The range holder refuses a termination."""

    personal = frozenset({"comment"})
    type: Literal["NP_FOPS"]
    reason: TerminationRefusal
    comment: Comment | None = None


class NpTilb(CaseMessage):
    """The range holder has taken the numbers back (S3 2.8)."""

    type: Literal["NP_TILB"]


class FiveFerd(CaseMessage):
    """A receiver of 5_IVER has changed its routing."""

    type: Literal["5_FERD"]


class FiveTilb(CaseMessage):
    """A five-digit number has gone back to Nkom; only the clearinghouse itself says so (S3 2.8)."""

    type: Literal["5_TILB"]


AnyOpening = NpBest | NpOpps | FiveIver | FiveOpps
AnyCaseMessage = NpGodk | NpFbes | NpEndr | NpAnnu | NpIver | NpFive | NpFerd | NpFops | NpTilb | FiveFerd | FiveTilb
AnyMessage = AnyOpening | AnyCaseMessage
Message = Annotated[AnyMessage, Discriminator("type")]
MESSAGE: TypeAdapter[AnyMessage] = TypeAdapter(Message)
MESSAGE_TYPES = (
    "NP_BEST", "NP_GODK", "NP_FBES", "NP_ENDR", "NP_ANNU", "NP_IVER", "NP_FIVE", "NP_FERD", "NP_OPPS", "NP_FOPS",
    "NP_TILB", "5_IVER", "5_FERD", "5_OPPS", "5_TILB",
)  # fmt: skip


def effective_time(message: AnyOpening) -> datetime:
    """The porting or termination time that the message sets."""
    return message.porting_time if isinstance(message, NpBest | FiveIver) else message.termination_time


def wire_form(message: Common) -> dict[str, Any]:
    """The message as the service repeats it: national digits, UTC, defaults spelled out, absent fields left out."""
    return message.model_dump(mode="json", exclude_none=True)
