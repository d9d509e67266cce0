"""The book, the gate, the registry and the records of the five-to-district: the first schema.

Revision ID: 0001
Revises: None
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from fundledger.db.migrate import run_sql_file

revision: str = "0001"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Run the SQL files in the order of their names, in one transaction."""
    for path in sorted((Path(__file__).parent.parent / "sql" / "0001").glob("*.sql")):
        run_sql_file(op.get_bind(), path)


def downgrade() -> None:
    """There is no way back: records are append-only."""
    raise NotImplementedError("restore a backup instead")
