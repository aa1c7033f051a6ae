"""What all tables are made with."""

from sqlalchemy import Column, DateTime, MetaData, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

INSTANT = DateTime(timezone=True)
CODES = ARRAY(Text)
NEWEST_FIRST = (text("created_at DESC"), text("case_id DESC"))


def codes(name: str) -> Column[list[str]]:
    """A list of provider codes, empty unless there are some."""
    return Column(name, CODES, nullable=False, server_default=text("'{}'"))
