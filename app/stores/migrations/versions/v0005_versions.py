"""What mentions were tagged and scored by, and since when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for the versions of queries and of the sentiment models."""
    op.create_table(
        "versions",
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("topic", sa.String(200), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("step", sa.String(12), nullable=False),
        sa.Column("made", sa.JSON, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("versions")
