"""What the form of each message asks for, and how what is typed becomes a message (contract section 2).

One table for all types. A field of a form is named by its place in the message, as the API's errors name it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from nrdb.clock import format_time
from nrdb.console.inner import ApiError
from nrdb.console.page import Form
from nrdb.console.words import text
from nrdb.texts import OSLO

Kind = Literal["text", "area", "code", "time", "date", "choice", "flag", "numbers", "ranges", "count", "yesno"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its place in the message, its label, how it is entered, a word of help, and with which it belongs."""

    name: str
    label: str
    kind: Kind
    needed: bool = False
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    group: str = ""


_MAIN = Field("main_number", text("Main number"), "text", needed=True)
_ADDITIONAL = Field("additional_numbers", text("Additional numbers"), "numbers", help=text("One a line."))
_SERIES = Field(
    "series", text("Series"), "ranges", help=text("First and last number, one series a line: 22015000-22015099.")
)
_PORTING = Field("porting_time", text("Porting time"), "time", needed=True)
_TERMINATION = Field("termination_time", text("Termination time"), "time", needed=True)
_DONOR = Field("donor", text("Donor (AT)"), "code", needed=True, help=text("The code of who serves the number now."))
_NETWORK = Field(
    "network", text("Network"), "code", help=text("Only where another provider than you carries the calls.")
)
_COMMENT = Field("comment", text("Comment"), "area")
_CUSTOMER = (
    Field("customer/name", text("Customer's name"), "text"),
    Field("customer/birth_date", text("Date of birth"), "date", help=text("For a person.")),
    Field(
        "customer/organisation_number", text("Organisation number"), "text", help=text("For an organisation: 9 digits.")
    ),
)
_TYPES = (("E", text("E: one number")), ("T", text("T: several numbers")), ("S", text("S: whole series")))
_REASONS = (
    ("number-not-held", text("1: we do not hold the number")),
    ("owner-mismatch", text("2: another owner")),
    ("numbers-incomplete", text("3: the numbers are incomplete")),
    ("number-type-wrong", text("4: wrong type of number")),
    ("subscription-ended", text("5: the subscription has ended")),
    ("authorisation-invalid", text("6: the authorisation is invalid")),
    ("complex-porting", text("7: a complex porting")),
)
_TERMINATION_REASONS = (
    ("number-not-held", text("the sender does not hold the number")),
    ("numbers-incomplete", text("the numbers are incomplete")),
    ("termination-time-wrong", text("the termination time is wrong")),
    ("other", text("another reason")),
)

#: What each message carries beside `type`, `message_id`, `sender` and `case_id`.
FORMS: Final[Mapping[str, tuple[Field, ...]]] = {
    "NP_BEST": (
        _DONOR,
        Field("number_type", text("Type of order"), "choice", needed=True, choices=_TYPES),
        _MAIN, _ADDITIONAL, _SERIES, _PORTING, replace(_CUSTOMER[0], needed=True), *_CUSTOMER[1:],
        Field("authorisation_reference", text("Reference of the authorisation"), "text", needed=True),
    ),
    "NP_ENDR": (Field("porting_time", text("New porting time"), "time"), *_CUSTOMER),
    "NP_GODK": (),
    "NP_FBES": (
        Field("reason", text("Reason"), "choice", needed=True, choices=_REASONS),
        Field("expected/name", text("The owner is"), "text", help=text("For reason 2, with one of the two below.")),
        Field("expected/birth_date", text("Born (yyyymmdd)"), "text"),
        Field("expected/organisation_number", text("Organisation number of the owner"), "text"),
        Field("expected/numbers", text("The numbers are"), "ranges", help=text("For reason 3: one range a line.")),
        Field("expected/number_type", text("The type is"), "choice", help=text("For reason 4."), choices=_TYPES),
        Field("expected/porting_time", text("A porting is possible at"), "time", help=text("For reason 7.")),
        Field("secret_number", text("The number is secret: nothing about the owner may be told"), "flag"),
        _COMMENT,
    ),
    "NP_ANNU": (),
    "NP_IVER": (_NETWORK,),
    "NP_FIVE": (Field("comment", text("What is wrong"), "area", needed=True),),
    "NP_FERD": (),
    "5_FERD": (),
    "NP_TILB": (),
    "NP_FOPS": (Field("reason", text("Reason"), "choice", needed=True, choices=_TERMINATION_REASONS), _COMMENT),
    "NP_OPPS": (_MAIN, _ADDITIONAL, _SERIES, _TERMINATION),
    "5_IVER": (
        _MAIN, _DONOR, _PORTING, Field("target_number", text("Target number"), "text", needed=True),
        Field("right_holder/name", text("Name of who has the right to use it"), "text", needed=True),
        Field("right_holder/organisation_number", text("Its organisation number"), "text", needed=True),
        _NETWORK,
    ),
    "5_OPPS": (_MAIN, _TERMINATION),
}  # fmt: skip
#: Those that open a case.
OPENING: Final = {
    "NP_BEST": text("Order a porting to you"),
    "NP_OPPS": text("Give numbers back"),
    "5_IVER": text("Set up or port a five-digit number"),
    "5_OPPS": text("Give a five-digit number back"),
}
#: Which field a refusal is about; the others are about the message as a whole.
ABOUT: Final[Mapping[str, tuple[str, ...]]] = {
    "porting-time-too-early": ("porting_time",),
    "porting-time-too-late": ("porting_time",),
    "termination-time-too-early": ("termination_time",),
    "termination-time-too-late": ("termination_time",),
    "daily-cap-exceeded": ("porting_time", "termination_time"),
    "donor-not-holder": ("donor", "main_number"),
    "donor-must-be-nkom": ("donor",),
    "recipient-is-donor": ("donor",),
    "network-not-usable": ("network",),
    "number-type-mismatch": ("number_type",),
    "target-number-unknown": ("target_number",),
    "right-holder-differs": ("right_holder/organisation_number",),
    "reason-not-permitted": ("reason",),
    "expected-value-missing": ("reason",),
    "secret-number-disclosed": ("secret_number",),
    "block-too-large": ("series", "main_number"),
    "duplicate-number": ("additional_numbers", "main_number"),
    "five-digit-message-required": ("main_number",),
    "five-digit-only": ("main_number",),
    "mixed-number-classes": ("main_number",),
    "not-ported": ("main_number",),
    "number-in-open-case": ("main_number",),
    "number-not-in-use": ("main_number",),
    "number-not-portable": ("main_number",),
    "number-unknown": ("main_number",),
    "range-holders-differ": ("main_number",),
}


class EntryError(ValueError):
    """What is typed in a field cannot become part of a message. `template` says why."""

    def __init__(self, template: str) -> None:
        super().__init__(template)
        self.template = template


def message_of(fields: tuple[Field, ...], form: Form) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of the message, and what is wrong in fields that cannot be read. Empty fields are left out."""
    message: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in fields:
        typed = str(form.get(field.name, "")).strip()
        if not typed:
            continue
        try:
            value = _value(field, typed)
        except EntryError as error:
            wrong[field.name] = error.template
            continue
        *parents, last = field.name.split("/")
        place = message
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return message, wrong


def _value(field: Field, typed: str) -> object:
    match field.kind:
        case "time":
            return format_time(instant(typed))
        case "flag":
            return True
        case "code":
            return typed.upper()
        case "count":
            return _count(typed)
        case "yesno":
            return typed == "yes"
        case "numbers":
            return _numbers(typed)
        case "ranges":
            return [_range(line) for line in typed.splitlines() if line.strip()]
        case "text" if field.name.endswith(("number", "first", "last")) and field.name != "routing_number":
            return packed(typed)
        case _:
            return typed


_SPACES: Final = re.compile(r"[\s\u00a0.-]+")


def packed(typed: str) -> str:
    """A number without the spaces, dots and dashes that people part it with."""
    return _SPACES.sub("", typed)


def _numbers(typed: str) -> list[str]:
    """Numbers, or codes, parted by lines, commas or spaces. A number may have spaces within, as people write it."""
    found: list[str] = []
    for line in re.split(r"[,;\n]", typed):
        in_parts = _DIGITS.fullmatch(line) and not all(_WHOLE.fullmatch(one) for one in line.split())
        found += [packed(line)] if in_parts else line.split()
    return found


_DIGITS: Final = re.compile(r"[\s+0-9]*[0-9][\s0-9]*")
#: A number without spaces: five, eight or twelve digits, with or without the country's before them.
_WHOLE: Final = re.compile(r"(\+?47)?([0-9]{5}|[0-9]{8}|[0-9]{12})")


def _count(typed: str) -> int:
    digits = "".join(typed.split())
    # More digits than any limit has; the API says what is too many.
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 15):
        raise EntryError(text("is not a whole number of 15 digits at most"))
    return int(digits)


def _range(line: str) -> dict[str, str]:
    first, _, last = line.replace("–", "-").replace(" ", "").partition("-")
    return {"first": first, "last": last or first}


def instant(typed: str) -> datetime:
    """An instant from day and time on Norwegian clocks. Raises `EntryError` for one that no clock shows.

    Of an hour that comes twice, when summer time ends, the first is meant.
    """
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        raise EntryError(text("is not a day and a time, such as 2026-11-24T10:00")) from None
    if local.tzinfo is not None:
        raise EntryError(text("is Norwegian time, without an offset"))
    try:
        found = local.replace(tzinfo=OSLO).astimezone(UTC)
        shown = found.astimezone(OSLO).replace(tzinfo=None)
    except OverflowError:
        raise EntryError(text("lies outside of all time")) from None
    if shown != local:
        raise EntryError(text("does not exist: the clocks go forward then"))
    return found


def comes_twice(typed: str) -> bool:
    """Whether the clocks show this time twice."""
    local = datetime.fromisoformat(typed)
    first, second = (local.replace(tzinfo=OSLO, fold=fold) for fold in (0, 1))
    return first.utcoffset() > second.utcoffset()  # type: ignore[operator]


def errors_at(
    fields: tuple[Field, ...], error: ApiError, about: Mapping[str, tuple[str, ...]], word: Callable[..., str]
) -> dict[str, str]:
    """What the API says against what was typed, by field; `about` names the fields of a refusal of the whole.

    `word` says in the reader's language which entry of a list is meant.
    """
    errors: dict[str, str] = {}
    for pointer, detail in error.fields.items():
        if name := field_of(fields, pointer):
            entry = pointer.removeprefix(f"{name}/").partition("/")[0]
            said = detail
            if entry.isdigit():
                said = word(text("Entry {place}: {detail}"), place=int(entry) + 1, detail=detail)
            errors.setdefault(name, said)
    names = {field.name for field in fields}
    place = next((name for name in about.get(error.code, ()) if name in names), None)
    if place is not None:
        errors[place] = str(error.document["detail"])
    return errors


def unplaced(fields: tuple[Field, ...], error: ApiError) -> dict[str, Any] | None:
    """The problem without what stands at the fields of a form; None where nothing else is wrong."""
    given = error.document.get("errors", ())
    left = [one for one in given if field_of(fields, one["pointer"]) is None]
    if given and not left:
        return None
    rest = {name: value for name, value in error.document.items() if name != "errors"}
    return rest | {"errors": left} if left else rest


def field_of(fields: tuple[Field, ...], pointer: str) -> str | None:
    """The field that an error of the API is about: `/customer` is told at the first of its fields."""
    wanted = pointer.strip("/")
    names = [field.name for field in fields]
    same = [name for name in names if wanted == name or wanted.startswith(f"{name}/")]
    below = [name for name in names if name.startswith(f"{wanted}/")]
    return next(iter(same or below), None) if wanted else None
