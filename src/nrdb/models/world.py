"""What messages are decided in: clock, providers and keys, number plan, routing, planned changes, limits, audit."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import INT8RANGE, JSONB, TSTZRANGE, UUID, ExcludeConstraint

from nrdb.models.base import INSTANT, codes, metadata

#: One row: whether this database is a sandbox, its clock, and a number that grows with every change of the world that
#: messages are decided in (number plan, providers, limits, closed days, sandbox clock). `source` names this database to
#: those who copy its routing table.
world = Table(
    "world",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default=text("1")),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("sandbox_now", INSTANT),
    Column("sandbox", Boolean, nullable=False),
    Column("source", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
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
    Column("created_at", INSTANT, nullable=False),
    CheckConstraint("NOT terminating OR routing_number IS NOT NULL", name="terminating_is_routable"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("key_id", UUID(as_uuid=True), primary_key=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    codes("codes"),
    Column("label", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT),
    Column("revoked_at", INSTANT),
    # Limits other than those of the settings.
    Column("requests_per_second", Integer),
    Column("streams", Integer),
    # Who it is at the identity provider, for a person who signs in there: nobody has the key itself.
    Column("subject", Text, unique=True),
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

#: Who serves each number of the plan at each instant, where calls go, and since when we know: one row for each number
#: and instant, in force from `valid_from` to before `valid_until`, believed from `recorded_at` to before `removed_at`.
#: Rows are written by `reroute`, and by an import as `reroute` would write them. All rows of a number that are
#: believed have the same `first` and `last`. What is said of the numbers themselves (`own_…`, by a case or an import)
#: is kept beside what follows from it; where nothing is, they go with the plan. `served_since` is when the holder began
#: to serve them there, in an earlier row perhaps. `put_seq` and `removed_seq` are places in the order of changes.
routing = Table(
    "routing",
    metadata,
    Column("put_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("network", Text),
    Column("routing_number", Text),
    Column("range_holder", Text, nullable=False),
    Column("target_number", BigInteger),
    Column("valid_from", INSTANT, nullable=False),
    Column("valid_until", INSTANT, nullable=False, server_default=text("'infinity'")),
    Column("served_since", INSTANT, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("removed_at", INSTANT, nullable=False, server_default=text("'infinity'")),
    Column("removed_seq", BigInteger),
    Column("own_holder", Text),
    Column("own_network", Text),
    Column("own_since", INSTANT),
    Column("case_id", UUID(as_uuid=True)),
    CheckConstraint("first <= last", name="numbers"),
    CheckConstraint("valid_from < valid_until", name="valid"),
    CheckConstraint("(removed_seq IS NULL) = (removed_at = 'infinity')", name="removed"),
    CheckConstraint("num_nulls(own_holder, own_network, own_since) IN (0, 3)", name="own"),
    Index("ix_routing_first", "first", "valid_from", unique=True, postgresql_where=text("removed_at = 'infinity'")),
    Index("ix_routing_removed_seq", "removed_seq", unique=True, postgresql_where=text("removed_seq IS NOT NULL")),
    Index("ix_routing_identity", "put_seq", "removed_at", unique=True),
    Index("ix_routing_ends", "valid_until", postgresql_where=text("valid_until < 'infinity'")),
    Index(
        "ix_routing_removed",
        text("int8range(first, last, '[]')"),
        postgresql_using="gist",
        postgresql_where=text("removed_at < 'infinity'"),
    ),
)

#: One row: where in the order of changes, and at which instant, the nodes below are right. `refresh_routing_tree`
#: brings them forward; nobody else writes them.
routing_tree = Table(
    "routing_tree",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default=text("1")),
    Column("seq", BigInteger, nullable=False, server_default=text("0")),
    Column("at", INSTANT, nullable=False, server_default=text("'-infinity'")),
    CheckConstraint("id = 1", name="one_row"),
)

#: The hash tree over the routing table (docs/routing-tree.md). `depth` is how far a node is from the root.
routing_node = Table(
    "routing_node",
    metadata,
    Column("depth", SmallInteger, primary_key=True, autoincrement=False),
    Column("node", Text(collation="C"), primary_key=True),
    Column("hash", LargeBinary, nullable=False),
)

#: Changes of the world that an administrator has set for a later instant. Whoever comes first after it applies them.
planned_change = Table(
    "planned_change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("due_at", INSTANT, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("key_id", UUID(as_uuid=True)),
    Column("created_at", INSTANT, nullable=False),
    Column("done_at", INSTANT),
    Index("ix_planned_change_due", "due_at", postgresql_where=text("done_at IS NULL")),
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
    Column("at", INSTANT, nullable=False),
    Column("key_id", UUID(as_uuid=True)),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("reason", Text),
    # How far the message log was: what was decided before the line, and what after it.
    Column("log_id", BigInteger, nullable=False, server_default=text("0")),
)
