"""Sentences in two languages: what stands where, how values are written, and that nothing lacks its Norwegian."""

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

import nrdb
from nrdb.errors import CATALOGUE, Code
from nrdb.texts import Both, Language, Sentence, all_of, any_of, known, norwegian, placeholders, read_texts, say, tell

SOURCES = Path(nrdb.__file__).parent
FRIDAY = datetime(2026, 11, 20, 14, 50, tzinfo=UTC)


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def said() -> dict[str, tuple[str, frozenset[str] | None]]:
    """Every template in the code: where it stands, and the values given with it (None where they are spread)."""
    found = {}
    for path in sorted(SOURCES.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in calls(tree, "say"):
            where = f"{path.relative_to(SOURCES)}:{call.lineno}"
            template = call.args[0]
            assert isinstance(template, ast.Constant), f"{where}: a template is a plain string"
            assert isinstance(template.value, str)
            names = [keyword.arg for keyword in call.keywords]
            given = None if None in names else frozenset(filter(None, names))
            found[template.value] = where, given
        # The forms of the messages may also raise plain sentences: they are found by their English.
        for call in calls(tree, "ValueError") if path.match("messages/kinds.py") else ():
            if isinstance(call.args[0], ast.Constant):
                found[str(call.args[0].value)] = f"{path.name}:{call.lineno}", frozenset()
    return found


def test_every_sentence_has_a_norwegian_text_and_no_text_is_left_over() -> None:
    templates = said()
    assert {where: text for text, (where, _) in templates.items() if text not in norwegian()} == {}
    assert set(norwegian()) - set(templates) == set()


def test_every_sentence_is_given_the_values_it_names() -> None:
    for template, (where, given) in said().items():
        # The findings of pydantic are kept as templates; their values come with the finding.
        if given is not None and "form_errors" not in where:
            assert placeholders(template) == given, where


@pytest.mark.parametrize("code", list(Code))
def test_every_code_is_told_in_both_languages(code: Code) -> None:
    info = CATALOGUE[code]
    for told in (info.title, info.text):
        assert tell(told, "en")
        assert tell(told, "nb")
        if not str(told).startswith("Send 'Content-Type"):
            assert tell(told, "en") != tell(told, "nb")


VALUES: list[tuple[object, str, str]] = [
    (FRIDAY, "Fri 2026-11-20 15:50:00", "fre. 20.11.2026 kl. 15.50.00"),
    (FRIDAY.replace(microsecond=500_000), "Fri 2026-11-20 15:50:00.5", "fre. 20.11.2026 kl. 15.50.00,5"),
    (datetime(2026, 7, 1, 22, 30, tzinfo=UTC), "Thu 2026-07-02 00:30:00", "tors. 02.07.2026 kl. 00.30.00"),
    (date(987, 1, 2), "Tue 0987-01-02", "tirs. 02.01.0987"),
    (time(8, 25), "08:25:00", "08.25.00"),
    (Decimal("59.5"), "59.5", "59,5"),
    (15000, "15000", "15000"),
    ("TELIA", "TELIA", "TELIA"),
    (Code.CASE_STATE, "case-state", "case-state"),
    (("A", FRIDAY.date()), "A, Fri 2026-11-20", "A, fre. 20.11.2026"),
    (say("weekend"), "weekend", "helg"),
    (Both("Christmas Day", "Første juledag"), "Christmas Day", "Første juledag"),
    (say("{days}: closed ({reason})", days=FRIDAY.date(), reason=say("weekend")),
     "Fri 2026-11-20: closed (weekend)", "fre. 20.11.2026: stengt (helg)"),
    (any_of(["A"]), "A", "A"),
    (any_of(["A", "B"]), "A or B", "A eller B"),
    (any_of(("A", "B", "C")), "A, B or C", "A, B eller C"),
    (any_of([], say("weekend")), "weekend", "helg"),
    (all_of(["A", say("weekend"), "C"]), "A, weekend and C", "A, helg og C"),
    (all_of([]), "", ""),
    (known("must be a UUID"), "must be a UUID", "må være en UUID"),
    (known("nobody {knows} this"), "nobody {knows} this", "nobody {knows} this"),
    (say("There is no Norwegian for {this}.", this=1), "There is no Norwegian for 1.", "There is no Norwegian for 1."),
    (datetime.max.replace(tzinfo=UTC), "Fri 9999-12-31 23:59:59.999999", "fre. 31.12.9999 kl. 23.59.59,999999"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "english", "norwegian_text"), VALUES, ids=[row[1] for row in VALUES])
def test_a_value_as_a_clerk_reads_it(value: object, english: str, norwegian_text: str) -> None:
    assert (tell(value, "en"), tell(value, "nb")) == (english, norwegian_text)
    if isinstance(value, Sentence | Both):
        assert str(value) == english


@pytest.mark.parametrize("language", ["en", "nb"])
def test_all_weekdays(language: Language) -> None:
    assert len({tell(date(2026, 11, day), language).split()[0] for day in range(16, 23)}) == 7


BAD_TABLES = {
    "other values": ('"until {at}" = "til {until}"', "other values"),
    "value lost": ('"until {at}" = "til da"', "other values"),
    "empty": ('"until" = " "', "no text"),
    "no text": ('"until" = 1', "no text"),
    "nested": ("[until]\na = 1", "no text"),
    "position": ('"until {}" = "til {}"', "plain name"),
    "format": ('"until {at:>9}" = "til {at:>9}"', "plain name"),
    "attribute": ('"until {at.year}" = "til {at.year}"', "plain name"),
    "twice": ('"until" = "til"\n"until" = "til"', "Cannot overwrite"),
    "torn": ('"until {at" = "til {at"', "expected '}'"),
}


@pytest.mark.parametrize(("content", "message"), BAD_TABLES.values(), ids=BAD_TABLES.keys())
def test_a_bad_table_is_refused(content: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_texts(content)
