"""The schema, declared once. Migrations create it; a check holds the two equal. Statements are written in SQL in the
stores, because the database does half of the work here: ranges, exclusion, compare-and-set.

Rules of concurrency that live in the schema, so that no code path can forget them:

* `case_numbers`: no number is in two cases at one time. Time is part of the constraint, so a case whose porting time
  has passed stops blocking at that very instant, with no worker and no clean-up (S3 2.4.2).
* `series` and `routing`: no number has two answers at one time.
* `message_log`: one `message_id` of a sender stands for one message, for ever. `refusal`: the same message at once is
  not accepted and refused; see `hold_message` in the third migration.
* `inbox.seq` comes from `inbox_next_seq()`, which marks the writer's place until its transaction has ended; see
  `delivery.inbox` for what readers do with it.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INT8RANGE, JSONB, TSTZRANGE, UUID, ExcludeConstraint

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_INSTANT = DateTime(timezone=True)
_CODES = ARRAY(Text)
_NEWEST_FIRST = (text("created_at DESC"), text("case_id DESC"))


def _codes(name: str) -> Column[list[str]]:
    return Column(name, _CODES, nullable=False, server_default=text("'{}'"))


#: One row: whether this database is a sandbox, its clock, and a number that grows with every change of the world that
#: messages are decided in (number plan, providers, limits, closed days, sandbox clock).
world = Table(
    "world",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default=text("1")),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("sandbox_now", _INSTANT),
    Column("sandbox", Boolean, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    CheckConstraint("sandbox = (sandbox_now IS NOT NULL)", name="sandbox_has_a_clock"),
)

provider = Table(
    "provider",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("organisation_number", Text),
    Column("terminating", Boolean, nullable=False),
    Column("routing_number", Text),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("contacts", JSONB, nullable=False, server_default=text("'[]'")),
    Column("created_at", _INSTANT, nullable=False),
    CheckConstraint("NOT terminating OR routing_number IS NOT NULL", name="terminating_is_routable"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("key_id", UUID(as_uuid=True), primary_key=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    _codes("codes"),
    Column("label", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("expires_at", _INSTANT),
    Column("revoked_at", _INSTANT),
    # Limits other than those of the settings.
    Column("requests_per_second", Integer),
    Column("streams", Integer),
    CheckConstraint("role IN ('provider', 'operator', 'admin')", name="role"),
    CheckConstraint("requests_per_second > 0", name="requests_per_second_positive"),
    CheckConstraint("streams > 0", name="streams_positive"),
)

#: The number plan. A row is one version of a series, in force during `valid`; history is kept.
series = Table(
    "series",
    metadata,
    Column("version_id", BigInteger, Identity(always=True), primary_key=True),
    Column("series_id", UUID(as_uuid=True), nullable=False, index=True),
    Column("numbers", INT8RANGE, nullable=False),
    Column("number_class", Text, nullable=False),
    Column("holder", Text, ForeignKey("provider.code"), nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("valid", TSTZRANGE, nullable=False),
    CheckConstraint("status IN ('open', 'blocked', 'returned')", name="status"),
    CheckConstraint("number_class IN ('GEO', 'NONGEO', 'MOBILE', 'FIVE')", name="number_class"),
    CheckConstraint("status <> 'returned' OR holder = '0'", name="returned_to_nkom"),
    ExcludeConstraint(("numbers", "&&"), ("valid", "&&"), name="series_no_overlap", using="gist"),
)

#: Who serves ported numbers, in both times: in force during `valid`, believed from `recorded_at` until `removed_at`.
routing = Table(
    "routing",
    metadata,
    Column("row_id", BigInteger, Identity(always=True), primary_key=True),
    Column("numbers", INT8RANGE, nullable=False),
    Column("holder", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("target_number", BigInteger),
    Column("case_id", UUID(as_uuid=True), nullable=False, index=True),
    Column("valid", TSTZRANGE, nullable=False),
    Column("recorded_at", _INSTANT, nullable=False),
    Column("removed_at", _INSTANT),
    # Deferred, because one statement ends the old row and enters the new one in no promised order.
    ExcludeConstraint(
        ("numbers", "&&"),
        ("valid", "&&"),
        name="routing_no_overlap",
        using="gist",
        where=text("removed_at IS NULL"),
        deferrable=True,
        initially="DEFERRED",
    ),
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", UUID(as_uuid=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("entered_from", Text),
    Column("version", Integer, nullable=False),
    # Null in a termination, where nobody receives; the donor is then the holder that gives the numbers back.
    Column("recipient", Text),
    Column("donor", Text, nullable=False),
    _codes("range_holders"),
    # The code whose room under the daily cap the case takes: the recipient, or the range holder of a termination.
    Column("cap_code", Text),
    Column("number_type", Text),
    Column("main_number", BigInteger, nullable=False),
    Column("number_count", BigInteger, nullable=False),
    Column("effective_time", _INSTANT, nullable=False),
    Column("newest_order", UUID(as_uuid=True)),
    # The line of the log that holds the customer, in a porting.
    Column("customer_log", BigInteger),
    Column("network", Text),
    Column("routing_number", Text),
    Column("target_number", BigInteger),
    _codes("expected"),
    _codes("received"),
    _codes("waived"),
    _codes("told"),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("due_at", _INSTANT),
    # From here the retention of the case's personal data runs; null once they are erased, or where there are none.
    Column("personal_until", _INSTANT),
    # When somebody was last reminded of it: once an hour.
    Column("reminded_at", _INSTANT),
    Column("created_at", _INSTANT, nullable=False),
    Column("updated_at", _INSTANT, nullable=False),
    # Lists, all of them newest first. The state comes before the time, so that the few open ones among a million are
    # found at once; a list of all states merges one stretch for each.
    Index("ix_cases_recipient", "recipient", "state", *_NEWEST_FIRST),
    Index("ix_cases_donor", "donor", "state", *_NEWEST_FIRST),
    # The kind comes first so that no plan mistakes this one, which holds all cases, for one of the two above.
    Index("ix_cases_state", "kind", "state", *_NEWEST_FIRST),
    # Range holders beside the donor: few at a first porting, so the two indexes cost an order next to nothing.
    Index(
        "ix_cases_range_holder",
        text("(range_holders[1])"),
        "state",
        *_NEWEST_FIRST,
        postgresql_where=text("range_holders <> ARRAY[donor]"),
    ),
    Index("ix_cases_range_holders", "state", *_NEWEST_FIRST, postgresql_where=text("cardinality(range_holders) > 1")),
    # What time still has to do: small, whatever the number of cases.
    Index("ix_cases_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    # Returns that the clearinghouse sends for Nkom: routing depends on them, so every reader asks whether one is due.
    Index(
        "ix_cases_returning",
        "due_at",
        postgresql_where=text("due_at IS NOT NULL AND kind = 'termination' AND cap_code = '0'"),
    ),
    Index("ix_cases_personal", "personal_until", postgresql_where=text("personal_until IS NOT NULL")),
    postgresql_with={"fillfactor": "85"},
)

#: Who may see a case, in order of time: MT and AT from the order on, other receivers from NP_IVER, 5_IVER, NP_TILB on.
case_party = Table(
    "case_party",
    metadata,
    Column("code", Text, primary_key=True),
    Column("created_at", _INSTANT, primary_key=True),
    Column("case_id", UUID(as_uuid=True), primary_key=True),
)

#: The numbers of a case and how long it blocks them: from the order to its end, at the latest to its porting time. A
#: termination blocks until the number has been returned, and nobody knows beforehand when that will be.
case_numbers = Table(
    "case_numbers",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("case_id", UUID(as_uuid=True), nullable=False, index=True),
    Column("numbers", INT8RANGE, nullable=False),
    Column("during", TSTZRANGE, nullable=False),
    ExcludeConstraint(("numbers", "&&"), ("during", "&&"), name="one_open_case", using="gist"),
)

#: Everything that was said, in one append-only log: messages, what time did, and notices. It is the history of each
#: case and what the inbox delivers. `personal` is apart from `body`, so that it can be erased without touching the log.
message_log = Table(
    "message_log",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("at", _INSTANT, nullable=False),
    Column("type", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("message_id", UUID(as_uuid=True), nullable=False),
    Column("digest", LargeBinary),
    Column("case_id", UUID(as_uuid=True), index=True),
    Column("from_state", Text),
    Column("to_state", Text),
    Column("body", JSON, nullable=False),
    # Personal data as the first release wrote them, in the open. A start seals what stands here; to be dropped.
    Column("personal", JSON),
    Column("sealed", LargeBinary),
    Column("customer_log", BigInteger),
    Column("case_after", JSON),
    Column("warnings", JSON),
    UniqueConstraint("message_id", "sender", name="uq_message_log_message_id_sender"),
    Index("ix_message_log_personal", "id", postgresql_where=text("personal IS NOT NULL")),
    # For reports of days: lines come nearly in order of time, so a summary for each few pages finds them.
    Index(
        "ix_message_log_at",
        "at",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
    ),
)

#: The keys that personal data are sealed with, themselves wrapped with the key of the settings.
data_key = Table(
    "data_key",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
)

#: The right of use of a five-digit number (S1). `sealed` holds the organisation number and the name until they are
#: erased. `case_id` is the 5_IVER that wrote it, where no administrator did.
right_of_use = Table(
    "right_of_use",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("sealed", LargeBinary),
    Column("since", _INSTANT, nullable=False),
    Column("until", _INSTANT),
    Column("case_id", UUID(as_uuid=True)),
    Index("ix_right_of_use_number", "number", unique=True, postgresql_where=text("until IS NULL")),
    Index("ix_right_of_use_until", "until", postgresql_where=text("sealed IS NOT NULL AND until IS NOT NULL")),
)

#: Changes of the world that an administrator has set for a later instant. Whoever comes first after it applies them.
planned_change = Table(
    "planned_change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("due_at", _INSTANT, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("key_id", UUID(as_uuid=True)),
    Column("created_at", _INSTANT, nullable=False),
    Column("done_at", _INSTANT),
    Index("ix_planned_change_due", "due_at", postgresql_where=text("done_at IS NULL")),
)

#: Refused messages, for the daily report: who met which code, without their content.
refusal = Table(
    "refusal",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", _INSTANT, nullable=False, index=True),
    Column("sender", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("code", Text, nullable=False),
    # Null for what the first releases wrote.
    Column("message_id", UUID(as_uuid=True)),
    Index("ix_refusal_message_id", "message_id", postgresql_where=text("message_id IS NOT NULL")),
)

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
    Column("old_secret_until", _INSTANT),
    Column("position", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("first_attempt_at", _INSTANT),
    Column("next_attempt_at", _INSTANT),
    Column("failing_since", _INSTANT),
    Column("delivered_at", _INSTANT),
    Column("switched_off_at", _INSTANT),
    Column("created_at", _INSTANT, nullable=False),
    # Whoever delivers goes by what it has read; what has changed since then is no longer its own to record.
    Column("changed_at", _INSTANT, nullable=False, server_default=text("clock_timestamp()")),
)

#: What became of each attempt, for those who look for a fault. A test message has no `seq`.
webhook_attempt = Table(
    "webhook_attempt",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("code", Text, nullable=False),
    Column("seq", BigInteger),
    Column("webhook_id", Text, nullable=False),
    Column("at", _INSTANT, nullable=False, index=True),
    Column("outcome", Text, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("milliseconds", Integer, nullable=False),
    Column("next_attempt_at", _INSTANT),
    Index("ix_webhook_attempt_code", "code", text("id DESC")),
)

#: Items that could not be delivered to a webhook in three days. They stand in the inbox all the same.
webhook_skip = Table(
    "webhook_skip",
    metadata,
    Column("code", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("log_id", BigInteger, nullable=False),
    Column("first_attempt_at", _INSTANT, nullable=False),
    Column("skipped_at", _INSTANT, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text),
)

#: The ledger of the daily cap: how many numbers go to a code on a day, and a limit other than the rulebook's.
cap_day = Table(
    "cap_day",
    metadata,
    Column("code", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("used", BigInteger, nullable=False, server_default=text("0")),
    Column("day_limit", BigInteger),
    CheckConstraint("used >= 0", name="used_not_negative"),
    postgresql_with={"fillfactor": "50"},
)

closed_day = Table(
    "closed_day",
    metadata,
    Column("day", Date, primary_key=True),
    Column("reason", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", _INSTANT, nullable=False),
    Column("key_id", UUID(as_uuid=True)),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("reason", Text),
)
