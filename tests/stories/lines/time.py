"""Lines about time: the clock, working days, sums."""

from datetime import timedelta
from typing import Any

from tests.stories.language import DAY, TIME, read_day
from tests.stories.teller import OUTCOME, Teller, line
from tests.support.service import utc_text


@line(rf"at (?P<time>{TIME})")
async def _at(teller: Teller, told: dict[str, Any]) -> None:
    first, teller.now = teller.now is None, teller.time(told["time"])
    if first or teller.quiet:
        await teller.service.time_passes(teller.now)
    else:
        await teller.service.send_clock(teller.now)


@line(rf"the clock is set to (?P<time>{TIME}){OUTCOME}")
async def _clock(teller: Teller, told: dict[str, Any]) -> None:
    body = {"now": teller.instant(told["time"])}
    teller.done(await teller.service.send("PUT", "/sandbox/clock", "ADMIN", body), told["outcome"])


@line(rf"closed (?P<day>{DAY})")
async def _closed(teller: Teller, told: dict[str, Any]) -> None:
    await teller.service.admin("PUT", f"/calendar/closed-days/{read_day(told['day'])}", {"reason": "a story"})


@line(rf"(?P<day>{DAY}) is (?P<what>a working day|no working day)")
async def _working_day(teller: Teller, told: dict[str, Any]) -> None:
    day = read_day(told["day"])
    following = teller.time(f"{told['day']} 12:00").date() + timedelta(days=1)
    (item,) = (await teller.service.read("/calendar", "CHILI", from_=day, to=following.isoformat()))["items"]
    assert item["working_day"] == (told["what"] == "a working day"), str(item)


@line(rf"(?P<amount>\d+) working (?P<unit>minutes|days) from (?P<start>{TIME}) end at (?P<end>{TIME})")
async def _sum(teller: Teller, told: dict[str, Any]) -> None:
    amount = {f"working_{told['unit']}": told["amount"]}
    found = await teller.service.read("/calendar/add", "CHILI", from_=teller.instant(told["start"]), **amount)
    assert found["derivation"]
    assert found["at"] == utc_text(teller.time(told["end"])), f"it is {found['at']}"
