"""What a story leaves in the logs leads to the same table and the same cases again (`nrdb verify`)."""

from pathlib import Path

import pytest
from tests.stories.runner import Teller
from tests.stories.test_stories import TEXTS
from tests.support.server import sandbox_settings
from tests.support.service import Service

from nrdb.verifying.program import verify

#: One of each kind: messages of every type, changes of series and codes now and later, waivers, limits, closed days.
SOME = (
    "a_code_becomes_another_later", "a_new_provider", "a_new_series", "a_return_is_waived",
    "a_series_changes_hands_later", "a_series_is_split", "changed_to_another_day", "five_digit_number_ported",
    "ported_on_and_home", "returned_to_nkom", "terminations_through_a_transfer", "working_time",
)  # fmt: skip


async def _replayed(service: Service, story: str, place: Path) -> None:
    await Teller(service, quiet=False).tell(TEXTS[story])
    found: list[object] = []
    verdict = await verify(sandbox_settings(place), service.dsn, lambda _: None, found.append)
    assert (verdict.equal, found) == (True, [])
    assert verdict.events > verdict.beginning > 50


@pytest.mark.parametrize("story", SOME)
async def test_a_story_can_be_replayed(service: Service, story: str, tmp_path: Path) -> None:
    await _replayed(service, story, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("story", TEXTS)
async def test_every_story_can_be_replayed(service: Service, story: str, tmp_path: Path) -> None:
    await _replayed(service, story, tmp_path)
