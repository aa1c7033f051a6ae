"""Who is signed in to the console. The clock is the real one, in a sandbox too."""

from sqlalchemy import Column, ForeignKey, LargeBinary, Table, text
from sqlalchemy.dialects.postgresql import UUID

from nrdb.models.base import INSTANT, metadata

#: One browser that is signed in. It can do what its key can, for as long as the key lives.
console_session = Table(
    "console_session",
    metadata,
    Column("session_hash", LargeBinary, primary_key=True),
    Column("key_id", UUID(as_uuid=True), ForeignKey("api_key.key_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    Column("seen_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    Column("expires_at", INSTANT, nullable=False, index=True),
)
