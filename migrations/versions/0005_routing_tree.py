"""A hash tree over the routing table, so that whoever holds a copy can tell that it is equal, or where it is not.

Right in all three states: older code neither reads nor needs it, and what reads it brings it forward first.
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """What reckons hashes from rows, and the tree that is kept."""
    _execute("0005_hash")
    _execute("0005_up")


def downgrade() -> None:
    """Nothing but hashes is lost."""
    _execute("0005_down")


def _execute(name: str) -> None:
    """Statements are parted by blank lines; the driver takes one at a time."""
    for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
