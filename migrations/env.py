"""How Alembic reaches the database: through the connection of nrdb.migrate, which holds the lock."""

from alembic import context
from sqlalchemy import Connection

from nrdb.models import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations run on a live database only: nrdb migrate")
_run(context.config.attributes["connection"])
