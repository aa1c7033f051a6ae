"""The reasons of NP_FBES and the fields of a refusal, in the words of those who refuse. Facts carry their names."""

from collections.abc import Iterable, Mapping
from typing import Final

from nrdb.rulebook import Rulebook
from nrdb.texts import Sentence, all_of, any_of, say

REASONS: Final[Mapping[str, Sentence]] = {
    "number-not-held": say("the donor does not hold the number"),
    "owner-mismatch": say("another owner"),
    "numbers-incomplete": say("the numbers are incomplete"),
    "number-type-wrong": say("wrong type of number"),
    "subscription-ended": say("the subscription has ended"),
    "authorisation-invalid": say("the authorisation is invalid"),
    "complex-porting": say("a complex porting"),
    "outstanding-balance": say("the customer owes money"),
    "customer-changed-mind": say("the customer has changed their mind"),
    "staff-unavailable": say("lack of staff"),
}
FIELDS: Final[Mapping[str, Sentence]] = {
    "name": say("the owner's name"),
    "birth_date": say("the birth date"),
    "organisation_number": say("the organisation number"),
    "numbers": say("the right numbers"),
    "number_type": say("the right type of number"),
    "porting_time": say("the right porting time"),
    "comment": say("the comment"),
}


def told_reason(rulebook: Rulebook, reason: str) -> Sentence:
    """A reason by its number and in words."""
    return say("{number} ({reason})", number=rulebook.reasons[reason].number, reason=REASONS[reason])


def all_fields(fields: Iterable[str]) -> object:
    """All of the fields, in words."""
    return all_of([FIELDS[field] for field in fields])


def any_field(fields: Iterable[str]) -> object:
    """One of the fields, in words."""
    return any_of([FIELDS[field] for field in fields])
