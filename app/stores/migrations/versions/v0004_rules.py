"""Rules made in the dashboard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for rules beside those of alerts.yml."""
    op.create_table(
        "rules",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("data", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("rules")
