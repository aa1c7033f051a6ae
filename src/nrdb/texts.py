"""Sentences for people, in English and in Norwegian bokmål.

A sentence is written where it is needed, in English, with its values by name: `say("until {at}", at=latest)`. It
becomes text only at the edge, by `tell`, in the language that the reader has asked for. So a message that is accepted
pays for none of it.

The Norwegian stands in `nb.toml`, found by the English template: one table that the standard library reads, where
gettext would bring a compiler, a second file of every text and a step of the build, for plurals that we write as two
sentences.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final, Literal
from zoneinfo import ZoneInfo

Language = Literal["en", "nb"]
#: The clocks that our readers look at.
OSLO: Final = ZoneInfo("Europe/Oslo")
NORWEGIAN_FILE: Final = Path(__file__).with_name("nb.toml")
# Not by strftime, whose weekday follows the machine's language and whose years below 1000 lose their zeros.
_WEEKDAYS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "nb": ("man.", "tirs.", "ons.", "tors.", "fre.", "lør.", "søn."),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English template and its values: instants, days, times of day, codes, numbers, lists, other sentences."""

    template: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return tell(self, "en")


@dataclass(frozen=True, slots=True)
class Both:
    """A text that comes in both languages from where it stands, such as the rulebook or the list of holidays."""

    en: str
    nb: str

    def __str__(self) -> str:
        return self.en


#: What stands where people read. No plain text: it would be the same in every language.
Told = Sentence | Both


class FieldError(ValueError):
    """A field that is wrong, and what would be right. Pydantic collects it like any ValueError."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def say(template: str, /, **values: object) -> Sentence:
    """A sentence to be told in the reader's language."""
    return Sentence(template, values)


def any_of(items: Sequence[object], none: object = "") -> object:
    """`A`, `A or B`, `A, B or C`; `none` where there are none."""
    if len(items) < 2:
        return items[0] if items else none
    return say("{first} or {last}", first=tuple(items[:-1]), last=items[-1])


def all_of(items: Sequence[object], none: object = "") -> object:
    """`A`, `A and B`, `A, B and C`; `none` where there are none."""
    if len(items) < 2:
        return items[0] if items else none
    return say("{first} and {last}", first=tuple(items[:-1]), last=items[-1])


def known(english: str) -> Both:
    """A text without values that was written without `say`, with its Norwegian where there is one."""
    return Both(english, norwegian().get(english, english))


def tell(value: object, language: Language) -> str:
    """Write a sentence, or one of its values, as a porting clerk reads it. What has no Norwegian stays English."""
    match value:
        case Sentence():
            template = value.template if language == "en" else norwegian().get(value.template, value.template)
            return template.format(**{name: tell(item, language) for name, item in value.values.items()})
        case Both():
            return value.en if language == "en" else value.nb
        case datetime():
            local = _local(value)
            at = " " if language == "en" else " kl. "
            return f"{_day(local.date(), language)}{at}{_clock(local.time(), language)}"
        case date():
            return _day(value, language)
        case time():
            return _clock(value, language)
        case Decimal():
            return str(value) if language == "en" else str(value).replace(".", ",")
        case list() | tuple():
            return ", ".join(tell(item, language) for item in value)
        case _:
            return str(value)


def _local(at: datetime) -> datetime:
    try:
        return at.astimezone(OSLO)
    except OverflowError:  # The first and the last hour that there is: a sentence about them must not fail.
        return at


def _day(day: date, language: Language) -> str:
    weekday = _WEEKDAYS[language][day.weekday()]
    written = day.isoformat() if language == "en" else f"{day.day:02}.{day.month:02}.{day.year:04}"
    return f"{weekday} {written}"


def _clock(at: time, language: Language) -> str:
    text = at.isoformat().rstrip("0") if at.microsecond else at.isoformat()
    return text if language == "en" else text.replace(".", ",").replace(":", ".")


def placeholders(template: str) -> frozenset[str]:
    """The names of the values that a template takes. Raises `ValueError` for anything but plain names."""
    names = set()
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None:
            if not name.isidentifier() or form or conversion:
                raise ValueError(f"{template!r}: a value is a plain name in braces")
            names.add(name)
    return frozenset(names)


@cache
def norwegian() -> Mapping[str, str]:
    """The Norwegian texts by their English templates."""
    return read_texts(NORWEGIAN_FILE.read_text(encoding="utf-8"))


def read_texts(content: str) -> Mapping[str, str]:
    """Read a table of texts. Raises `ValueError` for a text that is empty or has other values than its template."""
    texts = tomllib.loads(content)
    for template, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{template!r} has no text")
        if placeholders(template) != placeholders(text):
            raise ValueError(f"{template!r}: the text has other values")
    return texts
