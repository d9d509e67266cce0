"""The whole district year: policy parameters, library, procurement, documents, lists, advances, the year's turn.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

from fundledger.db.migrate import run_sql_folder

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Run the SQL files in the order of their names, in one transaction."""
    run_sql_folder(op.get_bind(), revision)


def downgrade() -> None:
    """There is no way back: records are append-only."""
    raise NotImplementedError("restore a backup instead")
