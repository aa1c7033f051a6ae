"""What is sent to whom, and how far each receiver has come."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from nrdb.models.base import INSTANT, metadata

#: What is sent to whom: a row for each receiver, so that each reads its own in order of `seq` by index alone.
inbox = Table(
    "inbox",
    metadata,
    Column("to_code", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, server_default=text("inbox_next_seq()"), autoincrement=False),
    Column("log_id", BigInteger, nullable=False, index=True),
)

#: How far a code has acknowledged, and through where its items are gone because their time was over.
inbox_ack = Table(
    "inbox_ack",
    metadata,
    Column("code", Text, primary_key=True),
    Column("through", BigInteger, nullable=False),
    Column("gone_through", BigInteger, nullable=False, server_default=text("0")),
)

#: Where a code wants its items posted to. `position` is the `seq` through which they are delivered or skipped; what is
#: counted beside it is about the next item. All times here are real ones, in a sandbox too. Secrets are sealed.
webhook = Table(
    "webhook",
    metadata,
    Column("code", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("types", ARRAY(Text)),
    Column("secret", LargeBinary, nullable=False),
    Column("old_secret", LargeBinary),
    Column("old_secret_until", INSTANT),
    Column("position", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("first_attempt_at", INSTANT),
    Column("next_attempt_at", INSTANT),
    Column("failing_since", INSTANT),
    Column("delivered_at", INSTANT),
    Column("switched_off_at", INSTANT),
    Column("created_at", INSTANT, nullable=False),
    # Whoever delivers goes by what it has read; what has changed since then is no longer its own to record.
    Column("changed_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
)

#: What became of each attempt, for those who look for a fault. A test message has no `seq`.
webhook_attempt = Table(
    "webhook_attempt",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("code", Text, nullable=False),
    Column("seq", BigInteger),
    Column("webhook_id", Text, nullable=False),
    Column("at", INSTANT, nullable=False, index=True),
    Column("outcome", Text, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("milliseconds", Integer, nullable=False),
    Column("next_attempt_at", INSTANT),
    Index("ix_webhook_attempt_code", "code", text("id DESC")),
)

#: Items that could not be delivered to a webhook in three days. They stand in the inbox all the same.
webhook_skip = Table(
    "webhook_skip",
    metadata,
    Column("code", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("log_id", BigInteger, nullable=False),
    Column("first_attempt_at", INSTANT, nullable=False),
    Column("skipped_at", INSTANT, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text),
)
