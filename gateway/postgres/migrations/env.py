"""What Alembic executes to run the steps: on the connection it is handed, or as a script."""

from __future__ import annotations

from alembic import context


def run() -> None:
    """Each step in a transaction of its own."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        context.configure(dialect_name="postgresql", transaction_per_migration=True)
    else:
        context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


run()
