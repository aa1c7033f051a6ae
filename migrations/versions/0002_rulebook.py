"""The whole rulebook: terminations, five-digit numbers, sealed personal data, planned changes.

Right in three states: it adds columns that may be null, tables and indexes, and takes away constraints and two indexes
that only made lists of cases fast. Older code goes on with portings; it neither reads nor writes what is new. A case
that older code opens meanwhile can be read by its parties, but is missing from their lists: end the older processes
soon. Personal data that the first release wrote in the open are sealed by the next start, not here.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Add what terminations, five-digit numbers and administration need."""
    _execute("0002_up")


def downgrade() -> None:
    """Take it away again; only where nothing of it is in use."""
    _execute("0002_down")


def _execute(name: str) -> None:
    """Statements are parted by blank lines; the driver takes one at a time."""
    for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
