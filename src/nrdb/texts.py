"""Sentences for people, in English and in Norwegian.

A sentence is written where it is needed, in English, with its values by name: `say("until {at}", at=latest)`. It
becomes text only at the edge, in the language that the reader has asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

_OSLO = ZoneInfo("Europe/Oslo")


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English template and its values."""

    template: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        return self.template.format(**{name: _english(value) for name, value in self.values.items()})


def _english(value: object) -> object:
    return f"{value.astimezone(_OSLO):%a %Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else value


def say(template: str, /, **values: object) -> Sentence:
    """A sentence to be told in the reader's language."""
    return Sentence(template, values)
