"""Engines: what PowerDNS asks, and what subscribers of logical replication get.

Right in all three states: it adds a schema and a publication, and nothing that is there reads or writes otherwise.
"""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Make the schema `enum` and the publication."""
    _execute("0006_up")


def downgrade() -> None:
    """Take both away."""
    _execute("0006_down")


def _execute(name: str) -> None:
    """Statements are parted by blank lines; the driver takes one at a time."""
    for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
