"""How much one provider may ask of a process, so that none keeps the others waiting.

All limits are counted in each process for itself: two processes let through twice as much. Time is real time.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from uuid import UUID

from nrdb.api.metrics import STREAMS
from nrdb.clock import monotonic
from nrdb.errors import Code, Problem
from nrdb.providers.keys import Caller
from nrdb.texts import say

#: A key that has been still may ask for so many seconds' worth at once.
BURST_SECONDS = 2
#: Keys remembered before those that have been still are forgotten.
_REMEMBERED = 10_000
#: Seconds after which a client without a free stream, or a place to copy, should try again.
_STREAM_RETRY = "10"


class RequestLimits:
    """A bucket of requests for each key: it fills at the key's rate and holds two seconds' worth."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._buckets: dict[UUID, tuple[float, float]] = {}

    def rate_of(self, caller: Caller) -> int:
        """Requests a second that the key may make."""
        return caller.requests_per_second or self._per_second

    def take(self, caller: Caller, now: float | None = None) -> None:
        """One request. Raises 429 with the seconds to wait when the bucket is empty; `now` is `monotonic()`."""
        now = monotonic() if now is None else now
        rate = self.rate_of(caller)
        whole = float(rate * BURST_SECONDS)
        left, at = self._buckets.get(caller.key_id, (whole, now))
        left = min(left + (now - at) * rate, whole)
        if left < 1:
            self._buckets[caller.key_id] = (left, now)
            wait = ceil((1 - left) / rate)
            raise Problem(
                Code.TOO_MANY_REQUESTS,
                say("Your key may make {rate} requests a second. Nothing was changed.", rate=rate),
                facts={"requests_per_second": rate},
                headers={"Retry-After": str(wait)},
            )
        if len(self._buckets) >= _REMEMBERED:
            self._forget(now)
        self._buckets[caller.key_id] = (left - 1, now)

    def _forget(self, now: float) -> None:
        """Keys that have been still for as long as it takes any bucket to fill are as good as new."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket[1] < BURST_SECONDS}


class StreamSlots:
    """The streams that are open, counted by code; those of operators by key, so that they take no provider's place."""

    def __init__(self, per_code: int) -> None:
        self._per_code = per_code
        self._open: Counter[str | UUID] = Counter()

    def limit_of(self, caller: Caller) -> int:
        """Streams of a code that may be open when the key opens one more."""
        return caller.streams or self._per_code

    @contextmanager
    def one(self, caller: Caller, code: str) -> Iterator[None]:
        """One stream, for as long as the block lasts. Raises 429 when the code has as many as it may have."""
        limit = self.limit_of(caller)
        owner = caller.key_id if caller.sees_all else code
        if self._open[owner] >= limit:
            raise Problem(
                Code.TOO_MANY_STREAMS,
                say("{code} has {limit} open streams and may have no more.", code=code, limit=limit),
                facts={"code": code, "streams": limit},
                headers={"Retry-After": _STREAM_RETRY},
            )
        self._open[owner] += 1
        STREAMS.inc()
        try:
            yield
        finally:
            STREAMS.dec()
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]


class CopyPlaces:
    """Who is copying the routing table: each code once at a time, so that none keeps all places from the others."""

    def __init__(self) -> None:
        self._taken: set[str | UUID] = set()

    @contextmanager
    def one(self, caller: Caller) -> Iterator[None]:
        """A place for as long as the block lasts. Raises 429 while the caller's code, or an operator's key, has one."""
        owners: set[str | UUID] = {caller.key_id} if caller.sees_all else set(caller.codes)
        if owners & self._taken:
            raise Problem(
                Code.TOO_MANY_REQUESTS,
                say(
                    "You are copying the routing table already, and one copy is made at a time. Ask when it has ended."
                ),
                headers={"Retry-After": _STREAM_RETRY},
            )
        self._taken |= owners
        try:
            yield
        finally:
            self._taken -= owners
