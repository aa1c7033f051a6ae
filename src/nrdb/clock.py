"""Instants: read from text once, written one way everywhere.

Nothing in the service reads the machine's clock to decide anything: the time of a decision comes from the
database (or the sandbox clock that it keeps), together with the facts it is decided on. `monotonic` is for waiting.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import monotonic

from nrdb.texts import FieldError, say

__all__ = ["LATEST_YEAR", "TICK", "format_time", "monotonic", "parse_time"]

#: The last year that every time zone conversion survives.
LATEST_YEAR = 9998
#: Times are told to the microsecond, so this is the distance between two of them.
TICK = timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def parse_time(text: str) -> datetime:
    """An RFC 3339 time with an offset and at most microseconds, in UTC. Raises `ValueError` with what is right."""
    if _RFC3339.fullmatch(text) is None:
        raise FieldError(say("a time is RFC 3339 with an offset and at most microseconds: 2026-11-23T08:35:00+01:00"))
    try:
        at = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise FieldError(say("there is no such time")) from None
    if at.year > LATEST_YEAR or at.year < 1900:
        raise FieldError(say("a time lies between the years {first} and {last}", first=1900, last=LATEST_YEAR))
    return at


@lru_cache(maxsize=4096)
def format_time(at: datetime) -> str:
    """RFC 3339 in UTC with `Z`, a fraction only when it is not zero."""
    text = (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat()
    return text.removesuffix("+00:00").rstrip("0").rstrip(".") + "Z" if at.microsecond else text[:19] + "Z"
