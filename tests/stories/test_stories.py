"""Every story in this folder, told with the sandbox clock and told while time merely passes; and what all must show."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stories.language import read_time
from tests.stories.runner import Teller
from tests.support.service import Service, local

from nrdb.cases.machine import TRANSITIONS
from nrdb.errors import REFUSALS, Code
from nrdb.messages.kinds import MESSAGE_TYPES

TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.story"))}
#: What is told, without what is for the reader.
LINES = [line.split("#")[0].strip() for text in TEXTS.values() for line in text.splitlines()]
ADMINISTRATION = tuple(Code)[list(Code).index(Code.CODE_EXISTS) : list(Code).index(Code.CLOCK_BACKWARDS) + 1]


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where each story notes the steps of cases that it has shown, in whichever process of the run it is told.

    Told alone, a story shows what it shows; all together must show every arrow of every kind of case.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "shown"
    folder.mkdir(exist_ok=True)
    yield folder
    # Whoever ends last finds them all; an earlier one leaves the question to it.
    noted = {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}
    if noted.keys() == TEXTS.keys():
        arrows = {(*key, target) for key, targets in TRANSITIONS.items() for _, target in targets}
        assert arrows - {tuple(step) for steps in noted.values() for step in steps} == set()


@pytest.mark.parametrize("story", TEXTS)
@pytest.mark.parametrize("telling", ["clock", "quiet"])
async def test_story(service: Service, story: str, telling: str, shown: Path) -> None:
    assert TEXTS[story].strip()
    await Teller(service, quiet=telling == "quiet").tell(TEXTS[story])
    if telling == "clock":
        rows = await service.db.fetch(
            """
            SELECT DISTINCT c.kind, m.from_state, m.type, m.to_state
              FROM message_log m JOIN cases c USING (case_id) WHERE m.from_state IS NOT NULL
            """
        )
        note = shown / f"{story}.new"
        note.write_text(json.dumps([list(row) for row in rows]))
        note.rename(note.with_suffix(".json"))


@pytest.mark.parametrize("code", [*REFUSALS, *ADMINISTRATION, Code.DUPLICATE_MESSAGE])
def test_every_refusal_is_shown_by_a_story(code: Code) -> None:
    assert any(re.search(rf"-> 40[49] {code}\b(?!-)", line) for line in LINES)


@pytest.mark.parametrize("message_type", MESSAGE_TYPES)
def test_every_message_is_sent_in_a_story(message_type: str) -> None:
    """5_TILB is the clearinghouse's own: it stands in a history."""
    said = rf"history.* {message_type} by 0\b" if message_type == "5_TILB" else rf" sends {message_type}\b.*-> 201 "
    assert any(re.search(said, line) for line in LINES)


def test_every_story_says_what_it_is_about() -> None:
    assert [name for name, text in TEXTS.items() if not text.startswith("# ")] == []


def test_times_of_the_language() -> None:
    now = local("2026-11-23 08:00")
    assert read_time("10:00", now) == local("2026-11-23 10:00")
    assert read_time("Mon 10:00", now) == local("2026-11-23 10:00")
    assert read_time("Fri 10:00:01", now) == local("2026-11-27 10:00:01")
    assert read_time("Tue 24:00", now) == local("2026-11-25 00:00")
    assert read_time("Sun 2026-10-25 02:30 normal", None).utcoffset() != (
        read_time("Sun 2026-10-25 02:30 summer", None).utcoffset()
    )
    with pytest.raises(AssertionError, match="is a Mon"):
        read_time("Tue 2026-11-23 10:00", None)


async def test_a_false_story_fails(service: Service) -> None:
    with pytest.raises(AssertionError, match="line 2: the case is completed"):
        await Teller(service, quiet=False).tell("at Mon 2026-11-23 08:00\nthe case is completed")
    with pytest.raises(AssertionError, match="no such kind of line"):
        await Teller(service, quiet=False).tell("TELIA sings")
