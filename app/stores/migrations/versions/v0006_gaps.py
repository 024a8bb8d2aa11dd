"""Gaps: times in which a source answered nothing, or nobody asked any source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for gaps; those before the upgrade are not known."""
    op.create_table(
        "gaps",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("start", sa.DateTime(timezone=False), primary_key=True),
        sa.Column("end", sa.DateTime(timezone=False), nullable=False),
        sa.Column("reason", sa.Text),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("gaps")
