"""The forms of what is said about webhooks, and of the inbox status that names one, for the OpenAPI document."""

from datetime import datetime
from typing import Literal

from nrdb.api.answers import Shown


class WebhookAttempt(Shown):
    """One attempt. Times are real ones, in a sandbox too. A test has no `seq`.

    `outcome`: `delivered` (2xx) · `failed` (comes again at `next_attempt_at`) · `skipped` (failed for three days: the
    next item's turn) · `gone` (410: the webhook is off). Without an answer `status` is null and `error` says why.
    """

    seq: int | None
    webhook_id: str
    at: datetime
    outcome: Literal["delivered", "failed", "skipped", "gone"]
    status: int | None
    error: str | None
    milliseconds: int
    next_attempt_at: datetime | None


class WebhookView(Shown):
    """Where your items are posted to, and how it goes. Times are real ones, in a sandbox too.

    `position` is the `seq` through which items are delivered, skipped or not wanted; `pending` are those after it that
    you want. `attempts` are about the next item. `state`: `on` · `failing` (nothing but failures since an hour ago or
    longer, still trying) · `off` (the address answered 410; PUT it again). `skipped` items stand in the inbox.
    """

    code: str
    url: str
    types: list[str] | None
    position: int
    pending: int
    state: Literal["on", "failing", "off"]
    created_at: datetime
    delivered_at: datetime | None
    failing_since: datetime | None
    attempts: int
    next_attempt_at: datetime | None
    last_attempt: WebhookAttempt | None
    skipped: int
    old_secret_until: datetime | None


class WebhookCreated(WebhookView):
    """A new webhook, with the secret that signs what is posted. The secret is shown this once."""

    secret: str


class WebhookSecret(Shown):
    """The new secret, shown this once, and until when the one before it signs as well."""

    secret: str
    old_secret_until: datetime


class WebhookTest(Shown):
    """What your address made of the test message."""

    delivered: bool
    status: int | None
    error: str | None
    milliseconds: int


class WebhookState(Shown):
    """Whether items are posted; `failing_since` when they are not received."""

    state: Literal["on", "failing", "off"]
    failing_since: datetime | None


class InboxStatus(Shown):
    """How far a code has acknowledged."""

    acknowledged: int
    newest: int
    unacknowledged: int
    oldest_unacknowledged_at: datetime | None
    webhook: WebhookState | None
