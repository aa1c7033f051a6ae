"""The example market as the model knows it: who is who, which numbers there are, and when its days are.

The number plan is what `seeds/norway.toml` says of the numbers below, with the changes of `PREPARED`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from tests.properties.test_calendar_oracle import DAY, EPOCH, EPOCH_DAY, Week, offset, oracle_days, oracle_minutes

MICROSECOND = timedelta(microseconds=1)
#: Fewer networks than the seed has, so that a case can be completed within a few messages.
NETWORKS = {"DSB": "D0003", "GLOBCON": "+47990004", "LYSE": "D0006", "TELENOR": "D0009", "TELIA": "+47990010"}
CODES = ("TELIA", "LYSE", "TELENOR", "DSB", "GLOBCON", "CHILI")
COMMON_LIMIT = 15_000
BLOCK_LIMIT = 10_000
NKOM = "0"


@dataclass(frozen=True, slots=True)
class Series:
    """A part of the number plan, and when it came into it, in the time of the sandbox."""

    first: str
    last: str
    holder: str
    number_class: str
    status: str = "open"

    def holds(self, number: str) -> bool:
        """Whether the number lies in it."""
        return len(number) == len(self.first) and self.first <= number <= self.last


PLAN = (
    Series("22000000", "22099999", "TELENOR", "GEO"),
    Series("23000000", "23009999", "GLOBCON", "GEO"),
    Series("80000000", "80009999", "TELENOR", "NONGEO"),
    Series("40000000", "40099999", "TELIA", "MOBILE"),
    Series("46000000", "46049999", "CHILI", "MOBILE"),
    Series("90000000", "90199999", "TELENOR", "MOBILE"),
    Series("580000000000", "580000999999", "TELENOR", "MOBILE"),
    Series("02000", "09999", NKOM, "FIVE"),
    Series("45360000", "45369999", NKOM, "MOBILE", "returned"),
    Series("59900000", "59909999", "DSB", "MOBILE", "blocked"),
)
#: Numbers of the returned series that were ported before it was returned, and to whom.
PREPARED = {"45360002": "TELIA", "45360003": "LYSE"}
#: The numbers that are looked at all the time.
POOL = (
    "90012345", "90012346", "90012347", "40000001", "46000001", "580000000001", "22000001", "22000002", "23000001",
    "80000001", *PREPARED, "02800", "02801",
)  # fmt: skip
#: Numbers that nothing can be done with: free, blocked, in no series.
HOPELESS = ("45360001", "59900001", "99999999")
TARGETS = ("22000009", "40000009", "59900009", "99999998")


@lru_cache(maxsize=10_000)
def series_of(number: str) -> Series | None:
    """The series that the number lies in."""
    return next((series for series in PLAN if series.holds(number)), None)


def between(first: str, last: str) -> list[str]:
    """All numbers from the first to the last."""
    return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]


def ranges(numbers: Iterable[str]) -> list[dict[str, str]]:
    """The numbers as ascending ranges, adjoining ones joined."""
    found: list[list[str]] = []
    for number in sorted(set(numbers), key=lambda n: (len(n), n)):
        if found and len(found[-1][1]) == len(number) and int(found[-1][1]) + 1 == int(number):
            found[-1][1] = number
        else:
            found.append([number, number])
    return [{"first": first, "last": last} for first, last in found]


# --- Time ---------------------------------------------------------------------------------------------------

HOURS = Week(frozenset(range(5)), 8 * 60, 16 * 60)


def _micros(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def _instant(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)


def day_of(at: datetime) -> date:
    """The day that Norway's calendars show."""
    micros = _micros(at)
    return EPOCH_DAY + timedelta(days=(micros + offset(micros)) // DAY)


@lru_cache(maxsize=1000)
def working_minutes(start: datetime, minutes: int, closed: frozenset[date]) -> datetime:
    """The instant at which so many working minutes have passed."""
    return _instant(oracle_minutes(_micros(start), minutes, HOURS, closed))


@lru_cache(maxsize=1000)
def working_days(start: datetime, days: int, closed: frozenset[date]) -> datetime:
    """The end of the working day that many days ahead."""
    return _instant(oracle_days(_micros(start), days, HOURS, closed))


def text(at: datetime) -> str:
    """An instant as answers write it."""
    at = at.astimezone(UTC)
    whole = at.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{at.microsecond:06}".rstrip("0") + "Z" if at.microsecond else f"{whole}Z"


def instant(text_of_time: str) -> datetime:
    """The instant that an answer or a message names."""
    return datetime.fromisoformat(text_of_time).astimezone(UTC)
