"""What Alembic runs around the revisions; ``fundledger.db.migrate`` gives it an open connection of the owner.

There is no metadata to compare with: the schema is the SQL of the revisions, and the tests look at the result.
"""

from __future__ import annotations

from alembic import context

from fundledger.db.migrate import VERSION_TABLE_SCHEMA, prepare_connection


def run() -> None:
    """Run the revisions, each in a transaction of its own, on the connection that was handed over."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        raise RuntimeError("run the migrations with `fundledger migrate`, which connects as the owner")
    prepare_connection(connection)
    context.configure(
        connection=connection,
        target_metadata=None,
        version_table_schema=VERSION_TABLE_SCHEMA,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
