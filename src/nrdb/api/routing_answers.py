"""The answers about the routing table, for the document."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from nrdb.api.answers import Shown


class RoutingNext(Shown):
    """The scheduled change."""

    at: datetime
    holder: str
    network: str | None
    routing_number: str | None


class RoutingAnswer(Shown):
    """Where a call to the number goes."""

    number: str
    holder: str
    network: str | None
    routing_number: str | None
    range_holder: str
    ported: bool
    since: datetime
    until: datetime | None
    target_number: str | None
    tel_uri: str | None
    next: RoutingNext | None


class _Stretch(Shown):
    """What the routing table says of numbers during a stretch of time."""

    holder: str
    network: str | None
    routing_number: str | None
    range_holder: str
    target_number: str | None
    valid_from: datetime
    valid_until: datetime | None


class RoutingRowView(_Stretch):
    """A row of the routing table: who serves these numbers during that stretch of time, and where calls go."""

    first: str
    last: str


class RoutingChangeView(Shown):
    """A row that is to be put into a copy, or removed from it, whole."""

    seq: int
    at: datetime
    op: Literal["put", "remove"]
    row: RoutingRowView


class ChangesPage(Shown):
    """Changes after a position, and the position to go on from."""

    items: list[RoutingChangeView]
    next: int


class UnknownNumber(Shown):
    """A number that is in no series of the number plan at that instant."""

    number: str
    error: Literal["number-unknown"]


class LookupAnswer(Shown):
    """Routing answers in the order in which their numbers were asked for."""

    items: list[RoutingAnswer | UnknownNumber]


class RoutingBelief(_Stretch):
    """What was believed of a number from `recorded_at` until `removed_at` (null: it still is)."""

    seq: int = Field(description="where it stands in the order of changes")
    recorded_at: datetime
    removed_seq: int | None = Field(description="where its removal stands in that order; null while it is believed")
    removed_at: datetime | None
