"""The strict form of a rulebook file.

A wrong value here would be applied to every porting in the country, so a file is refused at start for
anything unknown, missing, empty or contradictory, and what was loaded is frozen and carries its digest.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, time
from functools import cache, cached_property
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self, TypeVar, cast, get_args

import holidays
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    WrapSerializer,
    field_validator,
    model_validator,
)

from nrdb.errors import REFUSALS, RULEBOOK_FILE
from nrdb.texts import placeholders

NumberClass = Literal["GEO", "NONGEO", "MOBILE", "FIVE"]
TimerUnit = Literal["working_minutes", "minutes", "working_days"]
ExpectedField = Literal["name", "birth_date", "organisation_number", "numbers", "number_type", "porting_time"]
TerminationRefusal = Literal["number-not-held", "numbers-incomplete", "termination-time-wrong", "other"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

#: The timers the code applies, each in the unit it can compute. A file must name exactly these (S3 2.2.1).
TIMER_UNITS: Final[Mapping[str, TimerUnit]] = MappingProxyType(
    {
        "T9": "working_minutes",
        "T10": "minutes",
        "T11": "working_days",
        "T12": "minutes",
        "T13": "working_minutes",
        "T14": "working_days",
        "T15": "minutes",
        "T16": "minutes",
        "T18": "minutes",
    }
)
#: Summer time begins and ends within this hour of the clock, so on two days a year it is missing or doubled.
CHANGING_HOUR: Final = (time(2), time(3))
DEFAULT_FILE: Final = RULEBOOK_FILE

#: What the texts of refusals may name beside the timers.
LIMITS: Final = frozenset({"daily_limit", "block_limit"})
Source = Annotated[str, StringConstraints(pattern=r"^(S\d( \d+(\.\d+)*)?|assumption|ours)$")]
Sources = Annotated[str, StringConstraints(pattern=r"^S\d( \d+(\.\d+)*(, \d+(\.\d+)*)*)?$")]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class RulebookError(ValueError):
    """A rulebook file that must not be used; the text names the file and everything that is wrong in it."""


class Entry(BaseModel):
    """Common to all parts: frozen, hashable where its fields are, and no field passes unnoticed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Entry):
    """A sentence for people, in English and in Norwegian."""

    en: Line
    nb: Line


class Timer(Entry):
    """One timer of NRDB, for example T9: how long, counted in what, and where it is written (S3 2.2.1)."""

    value: Annotated[StrictInt, Field(ge=0, le=10_000)]
    unit: TimerUnit
    source: Source
    text: Text


class Hours(Entry):
    """Working hours of some weekdays, from a date on until entries with a later date replace them."""

    valid_from: Annotated[date, Field(strict=True)]
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)]
    opens: Annotated[time, Field(strict=True)]
    closes: Annotated[time, Field(strict=True)]
    source: Source
    text: Text

    @cached_property
    def isoweekdays(self) -> frozenset[int]:
        """The weekdays as Python counts them: Monday is 1, Sunday is 7."""
        return frozenset(get_args(Weekday).index(day) + 1 for day in self.weekdays)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.weekdays)) < len(self.weekdays):
            raise ValueError("a weekday is named twice")
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes, on the same day")
        first, last = CHANGING_HOUR
        if any(first <= at < last for at in (self.opens, self.closes)):
            raise ValueError("opens and closes cannot lie from 02:00 to 03:00, where summer time changes")
        return self


class CalendarRules(Entry):
    """Which days and hours are working time; one calendar for every timer (S3 2.2.1)."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    hours: Annotated[tuple[Hours, ...], Field(min_length=1)]

    @field_validator("country")
    @classmethod
    def _country_has_holidays(cls, country: str) -> str:
        try:
            holidays.country_holidays(country)
        except NotImplementedError:
            raise ValueError("the public holidays of this country are not known") from None
        return country

    @model_validator(mode="after")
    def _one_window_a_day(self) -> Self:
        named = Counter((entry.valid_from, day) for entry in self.hours for day in entry.weekdays)
        if any(count > 1 for count in named.values()):
            raise ValueError("a weekday has two working hours from the same date")
        return self


class Cap(Entry):
    """How many numbers may come to one provider code on one calendar day (S3 2.3.1)."""

    daily_limit: Annotated[StrictInt, Field(ge=1)]
    source: Source


class BlockLimit(Entry):
    """How many consecutive numbers may be ported; larger blocks move in the number plan (S3 2.9)."""

    value: Annotated[StrictInt, Field(ge=1)]
    source: Source


class Pattern(Entry):
    """National numbers of one length that begin with one of the prefixes."""

    digits: Annotated[StrictInt, Field(ge=1, le=12)]
    prefixes: Annotated[tuple[Digits, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _prefixes_fit(self) -> Self:
        if any(len(prefix) > self.digits for prefix in self.prefixes):
            raise ValueError("a prefix is longer than the number")
        return self

    def matches(self, national: str) -> bool:
        """Say whether the national number, digits only, is one of these."""
        return len(national) == self.digits and national.startswith(self.prefixes)


class NumberClassRules(Entry):
    """The numbers that belong to one class when nothing else is decided (S3 2.3.2)."""

    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    source: Source


class Reason(Entry):
    """One reason a donor may give in NP_FBES, or must not give (S3 2.5)."""

    number: Annotated[StrictInt, Field(ge=1)]
    #: Of every inner tuple one field of `expected` must be given.
    needs: tuple[Annotated[tuple[ExpectedField, ...], Field(min_length=1)], ...]
    always_refused: StrictBool = False
    refused_for_classes: frozenset[NumberClass] = frozenset()
    source: Source
    text: Text

    @cached_property
    def allows(self) -> frozenset[ExpectedField]:
        """Every field of `expected` that may be given with this reason; any other is a form error."""
        return frozenset(field for alternatives in self.needs for field in alternatives)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum(map(len, self.needs)) > len(self.allows):
            raise ValueError("a field stands twice in needs")
        if self.always_refused and (self.needs or self.refused_for_classes):
            raise ValueError("a reason that is always refused needs nothing and is not refused by class")
        return self


class TerminationReason(Entry):
    """One reason a range holder may give in NP_FOPS. No source names any; they are ours."""

    source: Literal["ours"]
    text: Text


class Refusal(Entry):
    """What a refusal means, and the timers that decide it, where it is about time (contract section 6)."""

    #: The name of the rule, where no timer names it.
    rule: Line | None = None
    source: Sources | None = None
    timers: tuple[str, ...] = ()
    title: Text
    text: Text

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.rule and self.timers:
            raise ValueError("a rule with timers has their names, and no other")
        if bool(self.rule or self.timers) != bool(self.source):
            raise ValueError("a rule stands in a source, and a source tells a rule")
        named = placeholders(self.text.en) | placeholders(self.text.nb)
        if not named <= set(self.timers) | LIMITS or placeholders(self.text.en) != placeholders(self.text.nb):
            raise ValueError("both texts name the same values: its timers, daily_limit, block_limit")
        if placeholders(self.title.en) | placeholders(self.title.nb):
            raise ValueError("a title names no values")
        return self


class Assumptions(Entry):
    """Deadlines that are in no source; reports and the console use them, no refusal does."""

    answer_due: Timer
    completion_due: Timer

    @model_validator(mode="after")
    def _labelled_working_time(self) -> Self:
        for due in (self.answer_due, self.completion_due):
            if (due.unit, due.source) != ("working_minutes", "assumption"):
                raise ValueError('an assumed deadline is in working_minutes and has the source "assumption"')
        return self


def _as_dict(values: Mapping[str, object], serialise: SerializerFunctionWrapHandler) -> object:
    return serialise(dict(values))


V = TypeVar("V")
#: A mapping nobody can change after the load.
Table = Annotated[Mapping[str, V], AfterValidator(MappingProxyType), WrapSerializer(_as_dict)]


class Rulebook(Entry):
    """Every value of the rules of one country, and the digest of the text it was read from."""

    title: Line
    timers: Table[Timer]
    calendar: CalendarRules
    cap: Cap
    block_limit: BlockLimit
    classes: Table[NumberClassRules]
    reasons: Annotated[Table[Reason], Field(min_length=1)]
    termination_reasons: Table[TerminationReason]
    assumptions: Assumptions
    refusals: Table[Refusal]
    #: sha256 of the file, logged at start so that it can be said later which rules a process applied.
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

    def __hash__(self) -> int:
        return hash(self.digest)

    def default_class(self, national: str) -> NumberClass | None:
        """Name the class a new series with this number gets by default, None for no class (S3 2.3.2)."""
        if not (national.isascii() and national.isdigit()):
            return None
        for name in get_args(NumberClass):
            if any(pattern.matches(national) for pattern in self.classes[name].patterns):
                return cast(NumberClass, name)
        return None

    @field_validator("timers")
    @classmethod
    def _timers_are_those_of_the_code(cls, timers: Mapping[str, Timer]) -> Mapping[str, Timer]:
        _exactly(timers, TIMER_UNITS, "timers")
        wrong = [name for name, timer in timers.items() if timer.unit != TIMER_UNITS[name]]
        if wrong:
            raise ValueError(f"wrong unit: {', '.join(f'{n} is in {TIMER_UNITS[n]}' for n in wrong)}")
        return timers

    @field_validator("classes")
    @classmethod
    def _no_number_has_two_classes(cls, classes: Mapping[str, NumberClassRules]) -> Mapping[str, NumberClassRules]:
        _exactly(classes, get_args(NumberClass), "classes")
        prefixes = [
            (pattern.digits, prefix)
            for rules in classes.values()
            for pattern in rules.patterns
            for prefix in pattern.prefixes
        ]
        for (digits, one), (other_digits, other) in combinations(prefixes, 2):
            if digits == other_digits and (one.startswith(other) or other.startswith(one)):
                raise ValueError(f"{digits} digits: the prefixes {one} and {other} overlap")
        return classes

    @field_validator("reasons")
    @classmethod
    def _reasons_are_told_apart(cls, reasons: Mapping[str, Reason]) -> Mapping[str, Reason]:
        numbers = Counter(reason.number for reason in reasons.values())
        twice = [str(number) for number, count in numbers.items() if count > 1]
        if twice:
            raise ValueError(f"two reasons have the number {', '.join(twice)}")
        return reasons

    @field_validator("termination_reasons")
    @classmethod
    def _termination_reasons_are_those_of_the_form(
        cls, reasons: Mapping[str, TerminationReason]
    ) -> Mapping[str, TerminationReason]:
        _exactly(reasons, get_args(TerminationRefusal), "termination_reasons")
        return reasons

    @field_validator("refusals")
    @classmethod
    def _refusals_are_those_of_the_code(cls, refusals: Mapping[str, Refusal]) -> Mapping[str, Refusal]:
        _exactly(refusals, [str(code) for code in REFUSALS], "refusals")
        if list(refusals) != list(REFUSALS):
            raise ValueError("the refusals stand in the order in which they are decided")
        deciding = [timer for refusal in refusals.values() for timer in refusal.timers]
        if sorted(deciding) != sorted(TIMER_UNITS):
            raise ValueError(f"each of {', '.join(TIMER_UNITS)} decides one refusal")
        return refusals


def _exactly(given: Iterable[str], wanted: Iterable[str], what: str) -> None:
    missing, unknown = set(wanted) - set(given), set(given) - set(wanted)
    if missing or unknown:
        raise ValueError(f"{what} missing: {sorted(missing)}, unknown: {sorted(unknown)}")


def load_rulebook(path: Path | None = None) -> Rulebook:
    """Read and check a rulebook file, by default the Norwegian one, which is read once a process.

    Raises RulebookError for a file that cannot be read, is not TOML or breaks a check.
    """
    return _default() if path is None else _load(path)


@cache
def _default() -> Rulebook:
    return _load(DEFAULT_FILE)


def _load(path: Path) -> Rulebook:
    try:
        content = path.read_bytes()
        entries = tomllib.loads(content.decode())
        if "digest" in entries:
            raise RulebookError(f"{path}: a file cannot state its own digest")
        return Rulebook.model_validate({**entries, "digest": hashlib.sha256(content).hexdigest()})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise RulebookError(f"{path}: {error}") from error
