"""${message}

Revision: ${up_revision}
Follows: ${down_revision | comma,n}

Released revisions are never edited; there is no way down: a mistake is mended by the next revision.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from fundledger.db.migrate import run_sql_file

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

SQL = Path(__file__).resolve().parent.parent / "sql"


def upgrade() -> None:
    """Apply this revision."""
    run_sql_file(op.get_bind(), SQL / "${up_revision}.sql")


def downgrade() -> None:
    """Refuse: records are never taken back."""
    raise NotImplementedError("migrations go forward only")
