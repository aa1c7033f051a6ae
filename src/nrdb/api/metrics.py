"""What Prometheus may know: counts and times, never a number, a name or a case."""

from functools import lru_cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

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
STREAMS = Gauge("nrdb_open_streams", "Inboxes that are being followed by stream.", registry=REGISTRY)
SETTLED = Counter("nrdb_settled_cases", "Cases that time has changed, written down.", registry=REGISTRY)
WEBHOOK_ATTEMPTS = Counter(
    "nrdb_webhook_attempts", "Attempts to post an item to a webhook, by outcome.", ["outcome"], registry=REGISTRY
)
ERASED = Counter("nrdb_erased_cases", "Cases and rights of use whose personal data were erased.", registry=REGISTRY)


# Looking a child up by its labels takes a lock and a hash of strings; messages come by the thousand.
_messages_of = lru_cache(maxsize=1000)(MESSAGES.labels)
_seconds_of = lru_cache(maxsize=100)(SECONDS.labels)
request_counter = lru_cache(maxsize=1000)(REQUESTS.labels)


def count_message(message_type: str, outcome: str, seconds: float) -> None:
    """Count one message: its outcome ('accepted' or the code), and how long its decision took."""
    _messages_of(message_type, outcome).inc()
    _seconds_of(message_type).observe(seconds)
