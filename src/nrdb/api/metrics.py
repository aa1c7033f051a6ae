"""What Prometheus may know: counts and times, never a number, a name or a case."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from nrdb.errors import Problem

REGISTRY = CollectorRegistry()
for collector in (ProcessCollector, PlatformCollector, GCCollector):
    collector(registry=REGISTRY)

MESSAGES = Counter(
    "nrdb_messages", "Messages decided, by type and outcome ('accepted' or the code).", ["type", "outcome"],
    registry=REGISTRY,
)  # fmt: skip
SECONDS = Histogram("nrdb_message_seconds", "From a parsed message to its decision.", ["type"], registry=REGISTRY)
REQUESTS = Counter(
    "nrdb_http_requests", "Requests, by method, route and status.", ["method", "route", "status"],
    registry=REGISTRY,
)  # fmt: skip
SETTLED = Counter("nrdb_settled_cases", "Cases that time has changed, written down.", registry=REGISTRY)


@contextmanager
def count_message(message_type: str) -> Iterator[None]:
    """Count one message and its outcome, and how long its decision took."""
    began = perf_counter()
    outcome = "error"
    try:
        yield
        outcome = "accepted"
    except Problem as problem:
        outcome = str(problem.code)
        raise
    finally:
        MESSAGES.labels(message_type, outcome).inc()
        SECONDS.labels(message_type).observe(perf_counter() - began)
