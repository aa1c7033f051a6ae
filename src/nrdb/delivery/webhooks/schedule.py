"""When a webhook is tried again: soon at first, then less often, for three days. Pure; all times are real ones."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: The delay after the first failure; the issue's promise is that the first retry comes within 5 s.
FIRST = timedelta(seconds=4)
#: No delay of ours is longer: a receiver that is back after a night gets its items soon.
LONGEST = timedelta(minutes=10)
#: So long an item is tried; then it is skipped.
TRIED_FOR = timedelta(days=3)


#: No receiver puts itself off for longer: at an outage of a day it still has two more days.
LONGEST_ASKED = timedelta(days=1)


def next_attempt(
    failures: int, now: datetime, first_attempt_at: datetime, retry_after: str | None, jitter: float
) -> datetime | None:
    """When to try again after so many failures of an item (1 or more); None when its three days are over.

    `jitter` is a random number from 0 to 1: the delay is half of the full one at 0. `Retry-After` is honoured where it
    asks for more, and the last attempt is at the end of the three days at the latest.
    """
    end = first_attempt_at + TRIED_FOR
    if now >= end:
        return None
    delay = min(FIRST * (1 << min(failures - 1, 20)), LONGEST) * (0.5 + jitter / 2)
    asked = _asked_delay(retry_after, now)
    return min(now + max(delay, min(asked, LONGEST_ASKED)), end)


def _asked_delay(retry_after: str | None, now: datetime) -> timedelta:
    """What `Retry-After` says, in seconds or as an HTTP date; nothing where it says neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), TRIED_FOR.total_seconds()))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return timedelta()
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta())
