"""Cases, their numbers and parties, everything that was said, and the personal data in it."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import INT8RANGE, JSONB, TSTZRANGE, UUID, ExcludeConstraint

from nrdb.models.base import INSTANT, NEWEST_FIRST, codes, metadata

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
    codes("range_holders"),
    # The code whose room under the daily cap the case takes: the recipient, or the range holder of a termination.
    Column("cap_code", Text),
    Column("number_type", Text),
    Column("main_number", BigInteger, nullable=False),
    Column("number_count", BigInteger, nullable=False),
    Column("effective_time", INSTANT, nullable=False),
    Column("newest_order", UUID(as_uuid=True)),
    # The line of the log that holds the customer, in a porting.
    Column("customer_log", BigInteger),
    Column("network", Text),
    Column("routing_number", Text),
    Column("target_number", BigInteger),
    codes("expected"),
    codes("received"),
    codes("waived"),
    codes("told"),
    Column("warnings", JSONB, nullable=False, server_default=text("'[]'")),
    Column("due_at", INSTANT),
    # From here the retention of the case's personal data runs; null once they are erased, or where there are none.
    Column("personal_until", INSTANT),
    # When somebody was last reminded of it: once an hour.
    Column("reminded_at", INSTANT),
    Column("created_at", INSTANT, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    # Lists, all of them newest first. The state comes before the time, so that the few open ones among a million are
    # found at once; a list of all states merges one stretch for each.
    Index("ix_cases_recipient", "recipient", "state", *NEWEST_FIRST),
    Index("ix_cases_donor", "donor", "state", *NEWEST_FIRST),
    # The kind comes first so that no plan mistakes this one, which holds all cases, for one of the two above.
    Index("ix_cases_state", "kind", "state", *NEWEST_FIRST),
    # Range holders beside the donor: few at a first porting, so the two indexes cost an order next to nothing.
    Index(
        "ix_cases_range_holder",
        text("(range_holders[1])"),
        "state",
        *NEWEST_FIRST,
        postgresql_where=text("range_holders <> ARRAY[donor]"),
    ),
    Index("ix_cases_range_holders", "state", *NEWEST_FIRST, postgresql_where=text("cardinality(range_holders) > 1")),
    # What ended on a day: without it a list of that day would walk through all that has ended since.
    Index(
        "ix_cases_ended",
        "state",
        "effective_time",
        postgresql_where=text("state IN ('completed', 'rejected', 'cancelled', 'obsolete', 'returned')"),
    ),
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
    Column("created_at", INSTANT, primary_key=True),
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
    Column("at", INSTANT, nullable=False),
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
    Column("created_at", INSTANT, nullable=False),
)

#: The right of use of a five-digit number (S1). `sealed` holds the organisation number and the name until they are
#: erased. `case_id` is the 5_IVER that wrote it, where no administrator did.
right_of_use = Table(
    "right_of_use",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("sealed", LargeBinary),
    Column("since", INSTANT, nullable=False),
    Column("until", INSTANT),
    Column("case_id", UUID(as_uuid=True)),
    Index("ix_right_of_use_number", "number", unique=True, postgresql_where=text("until IS NULL")),
    Index("ix_right_of_use_until", "until", postgresql_where=text("sealed IS NOT NULL AND until IS NOT NULL")),
)

#: Refused messages, for the daily report: who met which code, without their content.
refusal = Table(
    "refusal",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", INSTANT, nullable=False, index=True),
    Column("sender", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("code", Text, nullable=False),
    # Null for what the first releases wrote.
    Column("message_id", UUID(as_uuid=True)),
    Index("ix_refusal_message_id", "message_id", postgresql_where=text("message_id IS NOT NULL")),
)
