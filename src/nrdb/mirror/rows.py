"""Rows of the routing table as they come over the wire, as they stand in a copy, and as they go into the hash tree."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from nrdb.routing.tree import TreeRow

#: First, last, holder, network, routing number, range holder, target number, valid from, valid until. Numbers have
#: their country code, instants are microseconds since 1970, None is no end.
StoredRow = tuple[int, int, str, str | None, str | None, str, int | None, int, int | None]
COLUMNS = (
    "first", "last", "holder", "network", "routing_number", "range_holder", "target_number", "valid_from",
    "valid_until",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@lru_cache(maxsize=65536)
def instant_of(text: str) -> int:
    """Microseconds since 1970. Raises `ValueError` for what is no instant."""
    return (datetime.fromisoformat(text) - _EPOCH) // _TICK


def text_of(instant: int) -> str:
    """An instant as answers write it: UTC with `Z`, a fraction only when it is not zero."""
    seconds, fraction = divmod(instant, 1_000_000)
    day, second = divmod(seconds, 86_400)
    text = f"{_day(day)}T{_clock(second)}"
    return f"{text}.{fraction:06}".rstrip("0") + "Z" if fraction else text + "Z"


@lru_cache(maxsize=65536)
def _day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


@lru_cache(maxsize=86_400)
def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def national(number: int) -> str:
    """The national digits."""
    return str(number)[2:]


def stored(row: Mapping[str, Any]) -> StoredRow:
    """A row of the wire. Raises `KeyError`, `TypeError` or `ValueError` for something that is none."""
    target, ends = row["target_number"], row["valid_until"]
    return (
        int("47" + row["first"]),
        int("47" + row["last"]),
        row["holder"],
        row["network"],
        row["routing_number"],
        row["range_holder"],
        None if target is None else int("47" + target),
        instant_of(row["valid_from"]),
        None if ends is None else instant_of(ends),
    )


def shown(row: StoredRow) -> dict[str, Any]:
    """A row of a copy as the wire has it."""
    first, last, holder, network, routing_number, range_holder, target, begins, ends = row
    values = (
        national(first), national(last), holder, network, routing_number, range_holder,
        None if target is None else national(target), text_of(begins), None if ends is None else text_of(ends),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def tree_row(row: StoredRow) -> TreeRow:
    """A row of a copy as it goes into the tree."""
    first, last, holder, network, routing_number, range_holder, target, begins, ends = row
    told = (
        f"{holder};{network or ''};{routing_number or ''};{range_holder};{'' if target is None else national(target)}"
    )
    return TreeRow(first, last, told, text_of(begins), "" if ends is None else text_of(ends))
