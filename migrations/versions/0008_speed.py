"""Speed: `enum.tel_uri` becomes part of the statements that name it, and ended cases have an index by their time.

Right in all three states: the function says what it has said, and an index changes no answer.
"""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    """Add both."""
    _execute("0008_up")


def downgrade() -> None:
    """Take both away."""
    _execute("0008_down")


def _execute(name: str) -> None:
    """Statements are parted by blank lines; the driver takes one at a time."""
    for statement in (_SQL / f"{name}.sql").read_text(encoding="utf-8").strip().split("\n\n"):
        op.get_bind().exec_driver_sql(statement)
