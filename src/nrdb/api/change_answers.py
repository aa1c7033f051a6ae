"""The forms of the answers to administrative changes: what was changed, and what followed from it.

A dry run answers `dry_run: true` and what stands in `changed`.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from nrdb.api.answers import CaseView, ProviderView, SeriesView, Shown


class PlannedView(Shown):
    """A change that is set for later."""

    id: int
    due_at: datetime
    action: str
    subject: str
    details: dict[str, Any]
    reason: str
    key_id: UUID | None
    created_at: datetime


class Changed(Shown):
    """What follows from a change: lists hold at most 100, counts stand beside them; `due_at` of one set for later."""

    cases: list[UUID]
    case_count: int
    numbers: int
    series: list[SeriesView]
    series_count: int
    routing_rows: int
    due_at: datetime | None = None


class DryRunAnswer(Changed):
    """What a change would change; nothing was changed."""

    dry_run: Literal[True]


class PortedRange(Shown):
    """Numbers of a series that somebody else than its holder serves."""

    first: str
    last: str
    holder: str
    since: datetime


class SeriesChanged(SeriesView):
    """A series after a change; `ported` where Nkom has assigned it, `planned` where the change is set for later."""

    changed: Changed
    ported: list[PortedRange] | None = None
    planned: PlannedView | None = None


class SeriesSplitAnswer(SeriesView):
    """The part that is a series of its own now, and the rest."""

    rest: list[SeriesView]
    changed: Changed


class CodeTransferred(Shown):
    """A code that has become another one, or will at `effective_at`."""

    code: str
    to: str
    effective_at: datetime
    changed: Changed
    planned: PlannedView | None = None


class ProviderChanged(ProviderView):
    """A provider after a change."""

    changed: Changed


class RightHolderView(Shown):
    """The right of use of a five-digit number. Operators and admins are not shown the name."""

    number: str
    organisation_number: str | None
    name: str | None
    since: datetime


class RightHolderChanged(RightHolderView):
    """The right of use after it was recorded."""

    changed: Changed


class CaseChanged(CaseView):
    """A case after a waiver."""

    changed: dict[str, Any]
