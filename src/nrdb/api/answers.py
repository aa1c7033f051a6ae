"""The forms of the answers, for the OpenAPI document. The service writes them itself; a test holds the two together."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model


class Shown(BaseModel):
    """An answer. It may gain fields within /v1; clients ignore what they do not know."""

    model_config = ConfigDict(extra="allow")


class FormError(Shown):
    """One wrong field: where, as a JSON Pointer, and what would be right."""

    pointer: str
    detail: str


class ProblemDocument(Shown):
    """RFC 9457, with our stable `code`; a refusal also names its rule, its source and the facts that decide it.

    Its sentences are in English or, by `Accept-Language` (`nb`, `no`, `nn`), in Norwegian: see `Content-Language`.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    rule: str | None = None
    source: str | None = None
    facts: dict[str, Any] | None = None
    errors: list[FormError] | None = None
    request_id: str | None = None


_PROBLEM: dict[str, Any] = {
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem answers of a path, for the document."""
    said = {
        400: "The body is not JSON",
        401: "No valid key",
        403: "Not for your role or codes",
        404: "Not found, or not visible to you",
        409: "Refused by a rule; `code`, `rule`, `source` and `facts` say why",
        406: "In none of the forms that `Accept` names",
        410: "The position no longer exists",
        413: "The body is too large",
        415: "The Content-Type is not the one that is asked for",
        422: "The form is wrong: see `errors`",
        429: "Too many requests; try again after `Retry-After` seconds",
        503: "The database is away; try again after `Retry-After` seconds",
    }
    return {status: {"description": said[status], **_PROBLEM} for status in statuses}


#: What every guarded path may answer.
PROBLEMS = problems(401, 403, 404, 422, 429, 503)
#: What a path with a body may answer besides.
BODY_PROBLEMS = problems(400, 409, 413, 415)


class RangeView(Shown):
    """A range of numbers, both ends included."""

    first: str
    last: str


class CustomerView(Shown):
    """The customer; shown to the MT and AT of the case only."""

    name: str
    birth_date: date | None = None
    organisation_number: str | None = None


class CustomerShown(Shown):
    """The customer; null where the case has none, or its personal data are erased."""

    customer: CustomerView | None


class NextView(Shown):
    """A message that would be accepted now, or later by the passing of time alone."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
    type: str
    by: str
    from_: datetime | None = Field(alias="from")
    until: datetime | None
    until_included: bool
    earliest: datetime | None
    latest: datetime | None


class CompletionView(Shown):
    """Whose NP_FERD is expected, received, missing, waived."""

    expected: list[str]
    received: list[str]
    missing: list[str]
    waived: list[str]


class WarningView(Shown):
    """Something accepted that the sender should know of."""

    code: str
    detail: str


class CaseSnapshot(Shown):
    """A case as an inbox item carries it."""

    kind: str
    state: str
    recipient: str
    donor: str
    range_holders: list[str]
    number_type: str
    main_number: str
    numbers: list[RangeView]
    porting_time: datetime
    network: str | None
    routing_number: str | None
    target_number: str | None


class CaseView(CaseSnapshot):
    """A case."""

    case_id: UUID
    range_holder: str | None
    number_count: int
    customer: CustomerView | None
    next: list[NextView]
    completion: CompletionView
    warnings: list[WarningView]
    created_at: datetime
    updated_at: datetime


class HistoryLine(Shown):
    """One thing that happened to a case; `type` `time` is what its porting time did."""

    seq: int
    at: datetime
    message_id: UUID | None
    type: str
    by: str
    from_state: str | None
    to_state: str | None
    note: str | None


class MessageAnswer(Shown):
    """A message was accepted (201), or had been before (200)."""

    message_id: UUID
    type: str
    accepted_at: datetime
    case: CaseView
    warnings: list[WarningView]


class CheckAnswer(Shown):
    """What the single call would answer now: its status, and its answer or its problem document."""

    status: int
    answer: dict[str, Any]


class DeliveredMessage(Shown):
    """A message as its receiver gets it, beside the sender's own fields."""

    type: str
    message_id: UUID
    sender: str
    case_id: UUID | None = None
    received_at: datetime
    case: CaseSnapshot | None = None


class InboxItem(Shown):
    """One place in the inbox."""

    seq: int
    at: datetime
    to: str
    message: DeliveredMessage


class InboxPage(Shown):
    """Items after a position, and the position to go on from."""

    items: list[InboxItem]
    next: int


class Reminded(Shown):
    """The codes that have been reminded; none where Nkom alone is waited for."""

    reminded: list[str]


class OpenCase(Shown):
    """The open case of a number, for those concerned. `until` is null while a range holder has still to confirm it."""

    case_id: UUID
    until: datetime | None


class PortabilityAnswer(Shown):
    """Whether a number can be ported now, why not, and when at the earliest."""

    number: str
    number_class: str
    portable: bool
    reasons: list[str]
    holder: str
    range_holder: str
    open_case: OpenCase | None
    earliest_porting_time: datetime | None


class SeriesView(Shown):
    """A series of the number plan."""

    series_id: UUID
    first: str
    last: str
    number_class: Literal["GEO", "NONGEO", "MOBILE", "FIVE"]
    holder: str
    status: Literal["open", "blocked", "returned"]
    reason: str
    valid_from: datetime
    valid_until: datetime | None


class ContactView(Shown):
    """Where to reach a provider."""

    email: str
    phone: str


class ProviderView(Shown):
    """A provider code with its contact points."""

    code: str
    name: str
    organisation_number: str | None
    terminating: bool
    routing_number: str | None
    active: bool
    contact: ContactView
    contacts: list[dict[str, Any]]


class KeyCreated(Shown):
    """A new key. The key itself is shown this once."""

    key_id: UUID
    key: str


class KeyView(Shown):
    """A key without the key."""

    key_id: UUID
    role: str
    codes: list[str]
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    requests_per_second: int | None
    streams: int | None


class Limits(Shown):
    """What a key may ask of one process."""

    requests_per_second: int
    streams: int


class Me(Shown):
    """Who your key says you are."""

    role: str
    codes: list[str]
    key_id: UUID
    label: str
    expires_at: datetime | None
    limits: Limits


class CapView(Shown):
    """Room on one day."""

    day: date
    limit: int
    used: int
    free: int


class CalendarDay(Shown):
    """One day of the working-time calendar."""

    day: date
    working_day: bool
    opens: datetime | None
    closes: datetime | None
    reason: str | None


class CalendarSum(Shown):
    """An instant, and how it was reached."""

    at: datetime
    derivation: list[str]


class TextView(Shown):
    """A text in English and in Norwegian bokmål."""

    en: str
    nb: str


class RuleView(Shown):
    """A rule. `kind`: `refusal` (`code` as in a problem), `reason` (of NP_FBES), `termination-reason` (of NP_FOPS),
    `working-time`, `deadline` (reports). A code of NP_FBES may be one of NP_FOPS too: `kind` tells them apart.

    `source` is `assumption` where no source gives the value, `ours` where no source names the thing.
    """

    kind: str
    code: str
    timer: str | None
    value: int | None
    unit: Literal["working_minutes", "minutes", "working_days", "numbers/day", "numbers"] | None
    source: str | None
    text: TextView


class AuditLine(Shown):
    """One change by an administrator."""

    id: int
    at: datetime
    key_id: UUID | None
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None


class ClockView(Shown):
    """The sandbox clock."""

    now: datetime


def page(item: type[BaseModel]) -> type[BaseModel]:
    """A list of these: `{items, next}`, `next` an opaque cursor, null at the end."""
    fields: dict[str, Any] = {"items": (list.__class_getitem__(item), ...), "next": (str | None, ...)}
    return create_model(f"{item.__name__}Page", __base__=Shown, **fields)
