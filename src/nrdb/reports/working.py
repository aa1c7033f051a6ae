"""Working time for many instants at once: the windows of a stretch of days, added up beforehand."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from nrdb.closed_days import read_closed_days
from nrdb.db import Connection, fetch_one
from nrdb.rulebook import Rulebook
from nrdb.texts import OSLO
from nrdb.timers.calendar import LONGEST_CLOSURE_DAYS, WorkingCalendar, oslo_day, working_calendar

_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Windows:
    """Working time by its edges; `before` are the working minutes that passed before each window opened."""

    opens: list[datetime]
    closes: list[datetime]
    before: list[float]

    def minutes(self, start: datetime, end: datetime) -> float:
        """Working minutes from `start` to `end`, both within the stretch."""
        return self._until(end) - self._until(start)

    def _until(self, at: datetime) -> float:
        place = bisect_right(self.opens, at) - 1
        if place < 0:
            return 0.0
        return self.before[place] + (min(at, self.closes[place]) - self.opens[place]) / _MINUTE


def windows(calendar: WorkingCalendar, first: date, last: date) -> Windows:
    """The working time of the days from `first` to `last`, both included."""
    found = Windows([], [], [])
    passed = 0.0
    for ahead in range((last - first).days + 1):
        hours = calendar.hours(first + timedelta(days=ahead))
        if hours is not None:
            found.opens.append(hours[0])
            found.closes.append(hours[1])
            found.before.append(passed)
            passed += (hours[1] - hours[0]) / _MINUTE
    return found


def overdue_since(calendar: WorkingCalendar, now: datetime, minutes: int) -> datetime:
    """The latest instant from which that many working minutes ended before `now`: what began later is not overdue.

    It asks the calendar once where `add_working_minutes` would be asked for every case.
    """
    if not minutes:
        return now - _INSTANT
    left = timedelta(minutes=minutes)
    inside = False
    day = oslo_day(now)
    for _ in range(LONGEST_CLOSURE_DAYS):
        hours = calendar.hours(day)
        if hours is not None and hours[0] < now:
            inside = inside or now <= hours[1]
            end = min(now, hours[1])
            # In working time the minutes must have ended before now; what ends now is due, but not overdue. Outside of
            # it they ended with the last working hour at the latest.
            least = left + _INSTANT if inside else left
            if end - hours[0] >= least:
                return end - least
            left -= end - hours[0]
        day -= timedelta(days=1)
    raise ValueError(f"the calendar has no working day within {LONGEST_CLOSURE_DAYS} days")


def midnight(day: date) -> datetime:
    """The instant at which the day begins in Norway."""
    return datetime.combine(day, datetime.min.time(), OSLO).astimezone(UTC)


async def read_calendar(connection: Connection, rulebook: Rulebook) -> tuple[datetime, WorkingCalendar]:
    """The instant of the report, and the calendar as it is now."""
    row = await fetch_one(connection, "SELECT nrdb_now() AS now")
    return row["now"], working_calendar(rulebook, await read_closed_days(connection))
