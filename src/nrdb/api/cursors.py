"""Positions in lists: opaque to clients, so that what is in them may change."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import Query

from nrdb.api.problems import field_problem
from nrdb.errors import Problem
from nrdb.texts import say

Limit = Annotated[int, Query(ge=1, le=1000, description="at most so many items")]


def write_cursor(*parts: Any) -> str:
    """The position after these values."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def read_cursor(text: str, *readers: Callable[[Any], Any]) -> list[Any]:
    """The values of a position that the service gave. Raises 422 for anything else."""
    try:
        parts = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return [read(part) for read, part in zip(readers, parts, strict=True)]
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise not_our_cursor() from None


def not_our_cursor() -> Problem:
    """422 for a position that this list has not given."""
    return field_problem("/after", say("use the 'next' of an earlier answer as it is"))


def read_position(after: str | None) -> int:
    """The position in a list that is ordered by a number; 0 is the beginning."""
    return int(read_cursor(after, read_int8)[0]) if after is not None else 0


def read_int8(value: object) -> int:
    """An integer that the database can compare with."""
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError
    return value


def page_of(rows: list[Any], limit: int, position: Callable[[Any], str]) -> tuple[list[Any], str | None]:
    """The rows to show and `next`: one row more than the limit was read, to know whether there is more."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], position(rows[limit - 1])
