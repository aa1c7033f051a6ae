"""The console's own words, in English and Norwegian bokmål.

As everywhere, the English stands where it is needed, with values by name in braces. The folder `nb` beside this module
has the Norwegian by it, a file for each part of the console. Names of the trade (MT, AT, NP_BEST) are the same in both.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from nrdb.cases.case import NKOM
from nrdb.clock import parse_time
from nrdb.texts import OSLO, Language, read_texts

NORWEGIAN_FOLDER: Final = Path(__file__).with_name("nb")
#: Monday first.
WEEKDAYS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "nb": ("man.", "tir.", "ons.", "tor.", "fre.", "lør.", "søn."),
}


@cache
def norwegian() -> Mapping[str, str]:
    """The Norwegian texts by their English templates."""
    texts: dict[str, str] = {}
    for file in sorted(NORWEGIAN_FOLDER.glob("*.toml")):
        for template, text in read_texts(file.read_text(encoding="utf-8")).items():
            if texts.setdefault(template, text) != text:
                raise ValueError(f"{template!r} has two Norwegian texts")
    return texts


def word(language: Language, template: str, **values: object) -> str:
    """A text in the reader's language. What has no Norwegian stays English; a test knows of none."""
    text = _ENGLISH.get(template, template) if language == "en" else norwegian().get(template, template)
    return text.format(**values)


#: States and kinds of a case as people say them; the templates ask for "state " or "kind " and the name.
_ENGLISH: Final = {
    "state awaiting_donor": "waits for the donor",
    "state awaiting_recipient": "waits for the recipient",
    "state scheduled": "scheduled",
    "state awaiting_completion": "waits for completions",
    "state completed": "completed",
    "state rejected": "rejected",
    "state cancelled": "cancelled",
    "state obsolete": "obsolete",
    "state awaiting_termination": "waits for its end",
    "state awaiting_return": "waits for the return",
    "state returned": "returned",
    "kind porting": "porting",
    "kind termination": "termination",
    "kind five_digit": "five-digit number",
    "subject you": "You",
}


def text(template: str) -> str:
    """Marks a text that stands in a table until somebody says it with `word`."""
    return template


def called(code: str) -> str:
    """A code as people know it: that of Nkom, to which numbers return, is no name."""
    return "Nkom" if code == NKOM else code


def day(language: Language, value: str | date) -> str:
    """A calendar day, as people write it."""
    found = date.fromisoformat(value) if isinstance(value, str) else value
    written = found.isoformat() if language == "en" else f"{found.day:02}.{found.month:02}.{found.year}"
    return f"{WEEKDAYS[language][found.weekday()]} {written}"


# Pages show the same instants over and over, and a row of a list several.
@lru_cache(maxsize=10_000)
def clock(language: Language, value: str | datetime, *, seconds: bool = False) -> str:
    """An instant on the clocks of our readers: day and time in Europe/Oslo, to the minute unless seconds count."""
    at = (parse_time(value) if isinstance(value, str) else value).astimezone(OSLO)
    exact = seconds or at.second or at.microsecond
    text = at.strftime("%H:%M:%S" if exact else "%H:%M")
    return f"{day(language, at.date())} {text if language == 'en' else text.replace(':', '.')}"


def end(language: Language, value: str | datetime) -> str:
    """An instant up to which something may be: midnight belongs to the day that it ends."""
    at = (parse_time(value) if isinstance(value, str) else value).astimezone(OSLO)
    if at.hour or at.minute or at.second or at.microsecond:
        return clock(language, at)
    return f"{day(language, at.date() - timedelta(days=1))} {'24:00' if language == 'en' else '24.00'}"
