"""The first schema: registry, number plan, cases, log, inbox, cap, routing.

The SQL stands in files beside this one. Its functions are the small part of the work that must happen between a lock
and the rows that it protects.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Create everything."""
    for part in ("before_tables", "tables", "after_tables"):
        _execute((_SQL / f"0001_{part}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop everything."""
    _execute((_SQL / "0001_drop.sql").read_text(encoding="utf-8"))


def _execute(script: str) -> None:
    """Statements are parted by blank lines; the driver takes one at a time."""
    for statement in script.strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
