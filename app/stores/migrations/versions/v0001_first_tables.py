"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of the first release."""
    op.create_table(
        "cursors",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("cursor", sa.JSON, nullable=False),
    )
    op.create_table("seen", sa.Column("id", sa.String(64), primary_key=True))
    op.create_table(
        "polls",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("succeeded_at", sa.DateTime),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("fetched", sa.Integer, nullable=False),
        sa.Column("new", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
    )
    op.create_table(
        "coverage",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("hour", sa.DateTime, primary_key=True),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in (
                "polls",
                "ok",
                "not_modified",
                "rate_limited",
                "blocked",
                "error",
                "fetched",
                "new",
            )
        ),
    )
    op.create_table(
        "budgets",
        sa.Column("topic", sa.String(200), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("left_out", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("rule", sa.String(200), nullable=False),
        sa.Column("opened_at", sa.DateTime, nullable=False),
        sa.Column("resolved_at", sa.DateTime),
        sa.Column("data", sa.JSON, nullable=False),
    )
    op.create_index("ix_incidents_rule_opened_at", "incidents", ["rule", "opened_at"])
    op.create_table(
        "deliveries",
        sa.Column("incident", sa.String(64), primary_key=True),
        sa.Column("step", sa.String(40), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "deliveries",
        "incidents",
        "budgets",
        "coverage",
        "polls",
        "seen",
        "cursors",
    ):
        op.drop_table(table)
