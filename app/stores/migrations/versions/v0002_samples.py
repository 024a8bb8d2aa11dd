"""Random mentions, and what people say about the model's word on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of random mentions."""
    op.create_table(
        "samples",
        sa.Column("mention", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("language", sa.String(20)),
        sa.Column("models", sa.JSON, nullable=False),
        sa.Column("predicted", sa.String(20), nullable=False),
        sa.Column("answer", sa.String(20)),
        sa.Column("answered_by", sa.String(200)),
        sa.Column("answered_at", sa.DateTime),
        sa.Column("corrected_from", sa.String(20)),
    )
    op.create_index("ix_samples_day_place", "samples", ["day", "place"], unique=True)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("samples")
