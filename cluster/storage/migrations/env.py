"""Run by Alembic for each command. The connection, in a transaction that the caller ends, comes from `migrate`."""

from alembic import context

from cluster.storage.database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
