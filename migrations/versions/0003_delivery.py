"""Delivery: webhooks, limits of keys, reminders, items whose time is over, and which message was refused.

Right in three states: it adds tables, and columns that may be null or have a default. Older code goes on without them.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Add what webhooks, limits and reminders need."""
    _execute("0003_up")


def downgrade() -> None:
    """Take it away again."""
    _execute("0003_down")


def _execute(name: str) -> None:
    """Statements are parted by blank lines; the driver takes one at a time."""
    for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
