"""Audit: the sealed log becomes a signed tree; exports, auditors' views, erasure.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from alembic import op

from fundledger.db.migrate import run_sql_folder

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Run the SQL files in the order of their names, in one transaction."""
    run_sql_folder(op.get_bind(), revision)


def downgrade() -> None:
    """There is no way back: records are append-only."""
    raise NotImplementedError("restore a backup instead")
