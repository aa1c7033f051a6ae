"""How long to wait before the next try: a little longer each time, never in step with others."""

import random
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

FIRST = 0.25
LONGEST = 30.0
#: No service is left alone longer, whatever something in between asks for.
LONGEST_ASKED = 300.0


class Backoff:
    """Delays that grow from failure to failure, and begin anew after a success."""

    def __init__(self) -> None:
        self._failures = 0

    def succeeded(self) -> None:
        """The next failure is the first one again."""
        self._failures = 0

    def delay(self, asked: float = 0.0) -> float:
        """Seconds to wait after one more failure, and never less than was `asked` for."""
        whole = min(FIRST * 2.0 ** min(self._failures, 20), LONGEST)
        self._failures += 1
        return max(whole * random.uniform(0.5, 1), asked)  # noqa: S311 (no secret)


def asked_for(headers: Mapping[str, str]) -> float:
    """The seconds of `Retry-After`, within reason; 0 where there are none. A date counts from the answer's own."""
    text = headers.get("retry-after", "").strip()
    seconds = 0.0
    if text.isascii() and text.isdecimal():
        seconds = float(text)
    else:
        with suppress(KeyError, TypeError, ValueError):
            seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(headers["date"])).total_seconds()
    return min(max(seconds, 0.0), LONGEST_ASKED)
