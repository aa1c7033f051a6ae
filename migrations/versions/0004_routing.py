"""Routing: one row for each number and instant, in both times, with a place in the order of changes.

One state only: older code cannot read the new table, so its processes must have ended.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Make the table and what writes it, and take over what is believed."""
    _execute("0004_up")


def downgrade() -> None:
    """Back to rows of ported numbers alone."""
    _execute("0004_down")


def _execute(name: str) -> None:
    """Statements are parted by blank lines; the driver takes one at a time."""
    for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
