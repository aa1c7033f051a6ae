"""Every text of the console has a Norwegian one, and none stands there in vain."""

import re
from pathlib import Path

import pytest

import nrdb.console
from nrdb.console.page import _MENU
from nrdb.console.words import _ENGLISH, end, norwegian
from nrdb.texts import Language

FOLDER = Path(nrdb.console.__file__).parent
#: A text in a template or in a module: `_("…")`, `word("…")`, `text("…")`.
_TEXT = re.compile(r"""\b(?:_|word|text)\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*[,)]""")


def texts() -> set[str]:
    found = {name for _, name, _ in _MENU} | set(_ENGLISH) | {"provider", "operator", "admin"}
    for file in [*FOLDER.rglob("*.html"), *FOLDER.rglob("*.py")]:
        found |= {double or single for double, single in _TEXT.findall(file.read_text(encoding="utf-8"))}
    return found


def test_every_text_has_a_norwegian_one() -> None:
    assert sorted(texts() - set(norwegian())) == []


def test_no_norwegian_text_is_left_over() -> None:
    assert sorted(set(norwegian()) - texts()) == []


@pytest.mark.parametrize(
    ("language", "instant", "said"),
    [
        ("en", "2027-02-17T23:00:00Z", "Wed 2027-02-17 24:00"),
        ("nb", "2027-02-17T23:00:00Z", "ons. 17.02.2027 24.00"),
        ("en", "2026-06-30T22:00:00Z", "Tue 2026-06-30 24:00"),
        ("en", "2027-02-17T23:00:01Z", "Thu 2027-02-18 00:00:01"),
        ("en", "2027-02-18T00:00:00Z", "Thu 2027-02-18 01:00"),
    ],
)
def test_midnight_belongs_to_the_day_that_it_ends(language: Language, instant: str, said: str) -> None:
    assert end(language, instant) == said
