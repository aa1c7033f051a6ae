"""Telephone numbers and ranges of them.

Inside, a number is its E.164 form without the plus sign as an integer (`4790012345`), so that ranges are
arithmetic and PostgreSQL can hold a series of 10,000 as one `int8range`. Outside, it is the national digits as a
string (`"90012345"`, `"02800"`). The length survives the integer, because the country code comes first.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from nrdb.texts import FieldError, say

COUNTRY_CODE = "47"
#: Lengths of national numbers that the clearinghouse handles (S3 2.3.2, 2.7, 2.9).
LENGTHS = (5, 8, 12)
_DIGITS = re.compile(r"(?:\+47)?([0-9]+)", re.ASCII)


def parse_number(text: str) -> int:
    """National digits, or `+47` and national digits, as an integer. Raises `ValueError` with what is right."""
    match = _DIGITS.fullmatch(text)
    if match is None or len(match[1]) not in LENGTHS:
        raise FieldError(say("a number has 5, 8 or 12 national digits, with or without +47 before them"))
    return int(COUNTRY_CODE + match[1])


def national(number: int) -> str:
    """The national digits, as every answer writes them."""
    return str(number)[len(COUNTRY_CODE) :]


def is_five_digit(number: int) -> bool:
    """Whether it is one of 02000-09999, which have their own messages (S3 2.7)."""
    return len(str(number)) == len(COUNTRY_CODE) + 5


@dataclass(frozen=True, slots=True, order=True)
class NumberRange:
    """The numbers from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many numbers."""
        return self.last - self.first + 1

    def overlap(self, other: Self) -> "NumberRange | None":
        """What both contain."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return NumberRange(first, last) if first <= last else None

    def view(self) -> dict[str, str]:
        """As answers write it: `{first, last}`."""
        return {"first": national(self.first), "last": national(self.last)}


def join(ranges: Iterable[NumberRange]) -> tuple[NumberRange, ...]:
    """Ascending ranges without overlap, adjoining ones joined."""
    ascending = list(ranges)
    if len(ascending) < 2:
        return tuple(ascending)
    ascending.sort()
    joined: list[NumberRange] = []
    for item in ascending:
        if joined and item.first <= joined[-1].last + 1:
            joined[-1] = NumberRange(joined[-1].first, max(joined[-1].last, item.last))
        else:
            joined.append(item)
    return tuple(joined)


def overlaps(left: Iterable[NumberRange], right: Iterable[NumberRange]) -> tuple[NumberRange, ...]:
    """What both sides contain, joined. Both are walked once, in ascending order."""
    left, right = tuple(left), tuple(right)
    if not left or not right:
        return ()
    return join(_walk(sorted(left), sorted(right)))


def _walk(left: list[NumberRange], right: list[NumberRange]) -> Iterator[NumberRange]:
    i = j = 0
    while i < len(left) and j < len(right):
        shared = left[i].overlap(right[j])
        if shared:
            yield shared
        if left[i].last < right[j].last:
            i += 1
        else:
            j += 1


def touches(item: NumberRange, ascending: Sequence[NumberRange]) -> bool:
    """Whether it shares a number with one of the ranges, which are joined."""
    before = bisect_right(ascending, item.last, key=lambda other: other.first)
    return before > 0 and ascending[before - 1].last >= item.first


def subtract(ranges: Iterable[NumberRange], minus: Iterable[NumberRange]) -> tuple[NumberRange, ...]:
    """What `ranges` contain and `minus` do not, joined."""
    left: list[NumberRange] = []
    gaps = join(minus)
    at = 0
    if not gaps:
        return join(ranges)
    for item in join(ranges):
        first = item.first
        while at < len(gaps) and gaps[at].last < first:
            at += 1
        while at < len(gaps) and gaps[at].first <= item.last:
            if gaps[at].first > first:
                left.append(NumberRange(first, gaps[at].first - 1))
            first = gaps[at].last + 1
            if first > item.last:
                break
            at += 1
        if first <= item.last:
            left.append(NumberRange(first, item.last))
    return tuple(left)


def count(ranges: Iterable[NumberRange]) -> int:
    """How many numbers the ranges contain, taken as disjoint."""
    return sum(item.count for item in ranges)
