"""The forms of the reports, for the OpenAPI document."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from nrdb.api.answers import RangeView, Shown
from nrdb.cases.machine import Kind


class OverdueItem(Shown):
    """A case, and a code that it waits for. Without a deadline in the rulebook, `due_at` is null."""

    case_id: UUID
    kind: str
    state: str
    waiting_for: str
    message: str
    since: datetime
    due_at: datetime | None
    overdue_working_minutes: int | None
    recipient: str | None
    donor: str
    main_number: str
    number_count: int


class CaseFigures(Shown):
    """What became of cases on the day."""

    opened: int
    executed: int
    completed: int
    rejected: int
    cancelled: int
    obsolete: int
    returned: int


class Spread(Shown):
    """Of several times: the middle one, the one that nine in ten do not pass, the longest."""

    median: float
    p90: float
    max: float


class AnswerFigures(Shown):
    """How fast a donor answered NP_BEST and NP_ENDR. `within_due` is the share within the assumed deadline."""

    code: str
    count: int
    working_minutes: Spread
    minutes: Spread
    within_due: float


class OpenCases(Shown):
    """How many open cases of a kind are in a state."""

    kind: Kind
    state: str
    count: int


class DailyFigures(Shown):
    """The figures of a day."""

    day: date
    messages: dict[str, int]
    cases: CaseFigures
    numbers_moved: int
    numbers_returned: int
    refusals: dict[str, int]
    answers: list[AnswerFigures]


class CapUse(Shown):
    """Numbers to a code on a day; `share` of the limit, null where the limit is 0."""

    day: date
    code: str
    used: int
    limit: int
    free: int
    share: float | None


class TerminationItem(Shown):
    """A termination announced long ahead. `working_days` is counted as T14 counts them."""

    case_id: UUID
    announced_at: datetime
    termination_time: datetime
    working_days: int
    holder: str
    range_holder: str
    main_number: str
    numbers: list[RangeView]
    number_count: int


class MajoritySeries(Shown):
    """A series, and how much of it is ported out. `top_holder` holds most of it, be it the series' own holder."""

    series_id: UUID
    first: str
    last: str
    number_class: Literal["GEO", "NONGEO", "MOBILE", "FIVE"]
    holder: str
    status: Literal["open", "blocked", "returned"]
    number_count: int
    ported_count: int
    ported_share: float
    top_holder: str
    top_count: int
    top_share: float


class DeliveryItem(Shown):
    """How far a code is. Counts end at 10,000: there are more where `more_…` says so.

    `waiting_since` is when the oldest item was sent that is neither acknowledged nor delivered to the webhook.
    """

    code: str
    acknowledged: int
    newest: int
    unacknowledged: int
    more_unacknowledged: bool
    oldest_unacknowledged_at: datetime | None
    webhook: Literal["none", "on", "off", "failing"]
    failing_since: datetime | None
    position: int | None
    pending: int | None
    more_pending: bool | None
    skipped: int
    waiting_since: datetime | None


class SkippedItem(Shown):
    """An item that a webhook did not take, and what came of the last attempt."""

    code: str
    seq: int
    message_id: UUID
    type: str
    case_id: UUID | None
    first_attempt_at: datetime
    skipped_at: datetime
    attempts: int
    status: int | None
    error: str | None
