"""The outbox with a ledger by recipient, who unsubscribed, and what people did about incidents."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOTIFICATION = (
    "key",
    "rule",
    "incident",
    "step",
    "subject",
    "message_id",
    "is_urgent",
    "created_at",
    "expires_at",
)
DELIVERY = ("key", "recipient", "state", "attempts", "due_at", "changed_at", "words")


def upgrade() -> None:
    """Create the tables and take over what the ledger and the incidents held of messages."""
    op.drop_table("deliveries")
    op.create_table(
        "notifications",
        sa.Column("key", sa.String(120), primary_key=True),
        sa.Column("rule", sa.String(200)),
        sa.Column("incident", sa.String(64)),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("is_urgent", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=False),
    )
    op.create_index("ix_notifications_rule_created_at", "notifications", ["rule", "created_at"])
    op.create_index("ix_notifications_incident", "notifications", ["incident"])
    op.create_table(
        "deliveries",
        sa.Column("key", sa.String(120), primary_key=True),
        sa.Column("recipient", sa.String(1000), primary_key=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary),
    )
    op.create_index("ix_deliveries_state_due_at", "deliveries", ["state", "due_at"])
    op.create_table(
        "mutes",
        sa.Column("recipient", sa.String(1000), primary_key=True),
        sa.Column("rule", sa.String(200), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "incident_events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("incident", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("by", sa.String(320), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("until", sa.DateTime),
    )
    op.create_index("ix_incident_events_incident", "incident_events", ["incident"])
    _take_over()


def _take_over() -> None:
    """Move what was told from the incidents into the ledger: no step is told a second time."""
    connection = op.get_bind()
    incidents = sa.table(
        "incidents", sa.column("id"), sa.column("rule"), sa.column("data", sa.JSON)
    )
    notifications = sa.table("notifications", *map(sa.column, NOTIFICATION))
    deliveries = sa.table("deliveries", *map(sa.column, DELIVERY))
    for incident, rule, data in connection.execute(sa.select(incidents)).all():
        for told in {_key(told): told for told in data.pop("told", ())}.values():
            at = datetime.fromisoformat(told["at"]).astimezone(UTC).replace(tzinfo=None)
            step, subject, message_id = told["step"], told["subject"], told["message_id"]
            named = (_key(told), rule, incident, step, subject, message_id, False, at, at)
            row = dict(zip(NOTIFICATION, named, strict=True))
            connection.execute(notifications.insert().values(row))
            words = told["destination"]
            state = "refused" if words.startswith("refused:") else "sent"
            sent = (_key(told), words[:1000], state, 1, at, at, words)
            connection.execute(deliveries.insert().values(dict(zip(DELIVERY, sent, strict=True))))
        changed = sa.update(incidents).where(incidents.c.id == incident).values(data=data)
        connection.execute(changed)


def _key(told: dict[str, str]) -> str:
    return told["message_id"].strip("<>").partition("@")[0]


def downgrade() -> None:
    """Go back to a ledger by step, which knows no recipients."""
    for table in ("incident_events", "mutes", "deliveries", "notifications"):
        op.drop_table(table)
    op.create_table(
        "deliveries",
        sa.Column("incident", sa.String(64), primary_key=True),
        sa.Column("step", sa.String(40), primary_key=True),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
    )
