"""docs/rules.md is what the code, the rulebook and the tests say."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from nrdb.errors import CATALOGUE, REFUSALS, Code

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_rules", DOCS / "make_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_code_says(maker: ModuleType) -> None:
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == maker.page(), "run python docs/make_rules.py"


def test_every_refusal_is_shown(maker: ModuleType) -> None:
    """`make_rules.py --complete` finds nothing missing; and it is a story, which everybody can read."""
    assert maker.not_shown() == []
    refusals = [code for code in Code if CATALOGUE[code].status == 409 or code in REFUSALS]
    assert [code for code in refusals if maker.shown_by()[code][0].suffix != ".story"] == []


def test_a_story_is_named_before_other_tests(maker: ModuleType) -> None:
    shown = maker.shown_by()
    assert [path.name for path in shown[Code.STOP_TOO_LATE]][:1] == ["cancelled_too_late.story"]
    assert shown[Code.NUMBER_UNKNOWN]
    for code, paths in shown.items():
        stories = [path.suffix == ".story" for path in paths]
        assert stories == sorted(stories, reverse=True), code
        assert all(code in path.read_text(encoding="utf-8") for path in paths)


def test_every_row_tells_rule_and_source(maker: ModuleType) -> None:
    rows = {line.split("`")[1]: line for line in maker.page().splitlines() if line.startswith("| `")}
    assert set(rows) == set(Code)
    for code in set(REFUSALS) - {Code.UNKNOWN_CASE}:
        cells = [cell.strip() for cell in rows[code].split("|")]
        assert cells[5], code
        assert cells[6], code
    assert "| T12, T18 | S3 2.2.1 |" in rows[Code.STOP_TOO_LATE]
    assert "(../tests/stories/cancelled_too_late.story)" in rows[Code.STOP_TOO_LATE]
