"""Numbers and ranges: parsing, and arithmetic against plain sets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nrdb.routing.numbers import (
    NumberRange,
    count,
    is_five_digit,
    join,
    national,
    overlaps,
    parse_number,
    subtract,
)

RANGES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 8)).map(lambda p: NumberRange(p[0], p[0] + p[1])), max_size=8
)


def members(ranges: object) -> set[int]:
    return {n for item in ranges for n in range(item.first, item.last + 1)}  # type: ignore[attr-defined]


def is_normal(ranges: tuple[NumberRange, ...]) -> bool:
    """Ascending, and with a gap between one range and the next."""
    return all(a.last + 1 < b.first for a, b in pairwise(ranges))


@given(RANGES)
def test_join(ranges: list[NumberRange]) -> None:
    joined = join(ranges)
    assert is_normal(joined)
    assert members(joined) == members(ranges)
    assert count(joined) == len(members(ranges))
    assert join(joined) == joined
    assert join(reversed(ranges)) == joined


@given(RANGES, RANGES)
def test_subtract(left: list[NumberRange], right: list[NumberRange]) -> None:
    rest = subtract(left, right)
    assert is_normal(rest)
    assert members(rest) == members(left) - members(right)


@given(RANGES, RANGES)
def test_overlaps(left: list[NumberRange], right: list[NumberRange]) -> None:
    """Either side may overlap itself."""
    shared = overlaps(left, right)
    assert is_normal(shared)
    assert members(shared) == members(left) & members(right)
    assert overlaps(right, left) == shared


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("90012345", 4790012345),
        ("+4790012345", 4790012345),
        ("02800", 4702800),
        ("+4702800", 4702800),
        ("580012345678", 47580012345678),
        ("00000000", 4700000000),
    ],
)
def test_parse(text: str, number: int) -> None:
    assert parse_number(text) == number
    assert national(number) == text.removeprefix("+47")
    assert is_five_digit(number) == (len(text.removeprefix("+47")) == 5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9001234",
        "900123456",
        "4790012345",
        "+46900123",
        "90 01 23 45",
        "9001234a",
        "９００１２３４５",
        "+47",
        "90012345\n",
        "-90012345",
        "5800123456789",
    ],
)
def test_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="5, 8 or 12"):
        parse_number(text)


def test_ranges_do_not_join_across_lengths() -> None:
    """99999999 and the first 12-digit number are neighbours for nobody."""
    short, long = parse_number("99999999"), parse_number("580000000000")
    assert len(join([NumberRange(short, short), NumberRange(long, long)])) == 2
    assert parse_number("99999") + 1 < parse_number("00000000")
