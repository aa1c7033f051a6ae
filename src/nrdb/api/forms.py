"""The forms of administration."""

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictInt, StringConstraints, field_validator, model_validator

from nrdb.cases.case import CLEARINGHOUSE
from nrdb.messages import patterns
from nrdb.messages.fields import (
    Form,
    Name,
    OrganisationNumber,
    ProviderCode,
    Range,
    Reason,
    RoutingNumber,
    Text,
    Time,
)
from nrdb.texts import FieldError, say

Email = Annotated[Text, StringConstraints(max_length=254, pattern=patterns.EMAIL)]
Phone = Annotated[Text, StringConstraints(max_length=20, pattern=patterns.PHONE)]
Label = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
#: More than all numbers of the country; PostgreSQL counts further.
NumberLimit = Annotated[StrictInt, Field(ge=0, le=10**12)]


class Contact(Form):
    """Where to reach a provider."""

    email: Email
    phone: Phone


class ContactPoint(Contact):
    """A contact point of a provider, kept by itself (S3 2.5.4)."""

    role: Literal["porting", "operations"]
    name: Name | None = None


class NewProvider(Form):
    """A provider code. One that terminates calls needs a routing number."""

    code: ProviderCode
    name: Name
    organisation_number: OrganisationNumber | None = None
    terminating: StrictBool
    routing_number: RoutingNumber | None = None
    contact: Contact
    reason: Reason | None = None

    @field_validator("code")
    @classmethod
    def not_the_clearinghouse(cls, code: str) -> str:
        """NRDB is the sender of what the clearinghouse itself says."""
        if code == CLEARINGHOUSE:
            raise FieldError(say("NRDB is the clearinghouse's own name"))
        return code

    @model_validator(mode="after")
    def terminating_is_routable(self) -> Self:
        """Calls cannot be sent to a network without a routing number."""
        if self.terminating and self.routing_number is None:
            raise FieldError(say("a terminating provider needs a routing_number"))
        return self


class ProviderChange(Form):
    """What is to be different; what is absent stays, and null takes away what a provider may do without."""

    name: Name | None = None
    organisation_number: OrganisationNumber | None = None
    terminating: StrictBool | None = None
    routing_number: RoutingNumber | None = None
    active: StrictBool | None = None
    contact: Contact | None = None
    reason: Reason | None = None


class NewProviderKey(Form):
    """A key for one provider code."""

    label: Label
    expires_at: Time | None = None
    reason: Reason | None = None


class NewKey(Form):
    """A key of any role; a provider's key needs its codes, the others have none."""

    role: Literal["provider", "operator", "admin"]
    codes: Annotated[tuple[ProviderCode, ...], Field(max_length=100)] = ()
    label: Label
    expires_at: Time | None = None
    reason: Reason | None = None

    @field_validator("codes")
    @classmethod
    def each_once(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        """A code named twice is one code."""
        return tuple(dict.fromkeys(codes))

    @model_validator(mode="after")
    def codes_fit_the_role(self) -> Self:
        """Only providers act for codes."""
        if (self.role == "provider") != bool(self.codes):
            raise FieldError(say("a key of the role provider has at least one code, the others have none"))
        return self


class SeriesForm(Range):
    """A new series of the number plan."""

    holder: ProviderCode
    number_class: Literal["GEO", "NONGEO", "MOBILE", "FIVE"] | None = None
    status: Literal["open", "blocked", "returned"] = "open"
    reason: Reason

    @model_validator(mode="after")
    def returned_belongs_to_nkom(self) -> Self:
        """A returned series has Nkom's code 0 in the number plan (S3 2.8)."""
        if self.status == "returned" and self.holder != "0":
            raise FieldError(say("a returned series is held by code 0"))
        return self


class LimitForm(Form):
    """Another limit for one day."""

    limit: NumberLimit
    reason: Reason


class KeyLimits(Form):
    """How much a key may ask of one process; null for what is common."""

    requests_per_second: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None
    streams: Annotated[StrictInt, Field(ge=1, le=10_000)] | None
    reason: Reason


class ReasonForm(Form):
    """Why."""

    reason: Reason


class SeriesChange(Form):
    """What is to be different about a series; what is absent stays."""

    holder: ProviderCode | None = None
    status: Literal["open", "blocked", "returned"] | None = None
    reason: Reason
    valid_from: Time | None = None

    @model_validator(mode="after")
    def something_changes(self) -> Self:
        """A change names the holder or the status, and a returned series has Nkom's code 0 (S3 2.8)."""
        if self.holder is None and self.status is None:
            raise FieldError(say("name a holder, a status, or both"))
        if self.status == "returned" and self.holder not in (None, "0"):
            raise FieldError(say("a returned series is held by code 0"))
        return self


class SeriesSplit(Range):
    """A part of a series that is to be a series of its own."""

    reason: Reason


class TransferForm(Form):
    """Which code another one becomes, why, and when (absent: now)."""

    to: ProviderCode
    reason: Reason
    effective_at: Time | None = None


class WaiverForm(Form):
    """Whose report, or return, is no longer waited for, and why."""

    code: ProviderCode
    reason: Reason


class RightHolderForm(Form):
    """Who has the right of use of a five-digit number, and why it is recorded (Nkom's grant or consent, S1)."""

    organisation_number: OrganisationNumber
    name: Name
    reason: Reason
