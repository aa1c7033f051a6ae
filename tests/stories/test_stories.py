"""Every story in this folder, told with the sandbox clock and told while time merely passes."""

from pathlib import Path

import pytest
from tests.stories.language import read_time
from tests.stories.runner import Teller
from tests.support.service import Service, local

TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.story"))}


@pytest.mark.parametrize("story", TEXTS)
@pytest.mark.parametrize("telling", ["clock", "quiet"])
async def test_story(service: Service, story: str, telling: str) -> None:
    assert TEXTS[story].strip()
    await Teller(service, quiet=telling == "quiet").tell(TEXTS[story])


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
