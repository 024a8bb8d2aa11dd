"""The tables of the state database. The migrations beside this file create them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

cursors = Table(
    "cursors",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("cursor", JSON, nullable=False),
)
"""Where each source is to go on."""

seen = Table(
    "seen",
    metadata,
    Column("id", String(64), primary_key=True),
)
"""Ids of mentions that were spooled at least once; hashes, nothing of the content."""

polls = Table(
    "polls",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("at", DateTime(timezone=False), nullable=False),
    Column("succeeded_at", DateTime(timezone=False)),
    Column("status", String(20), nullable=False),
    Column("fetched", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("reason", Text),
)
"""The last poll of each source. Times are UTC without a zone, as every database keeps them."""

coverage = Table(
    "coverage",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("hour", DateTime(timezone=False), primary_key=True),
    Column("polls", Integer, nullable=False),
    Column("ok", Integer, nullable=False),
    Column("not_modified", Integer, nullable=False),
    Column("rate_limited", Integer, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("error", Integer, nullable=False),
    Column("fetched", Integer, nullable=False),
    Column("new", Integer, nullable=False),
)
"""How the polls of each source went, hour by hour."""

gaps = Table(
    "gaps",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("start", DateTime(timezone=False), primary_key=True),
    Column("end", DateTime(timezone=False), nullable=False),
    Column("reason", Text),
)
"""When a source answered nothing for long, or, where it is empty, no source was asked."""

budgets = Table(
    "budgets",
    metadata,
    Column("topic", String(200), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("taken", BigInteger, nullable=False),
    Column("left_out", BigInteger, nullable=False),
)
"""Mentions taken and left out by sampling, per topic and day."""

rules = Table(
    "rules",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("data", JSON, nullable=False),
)
"""Rules made in the dashboard, as an entry of alerts.yml says them."""

incidents = Table(
    "incidents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("rule", String(200), nullable=False),
    Column("opened_at", DateTime(timezone=False), nullable=False),
    Column("resolved_at", DateTime(timezone=False)),
    Column("data", JSON, nullable=False),
    Index("ix_incidents_rule_opened_at", "rule", "opened_at"),
)
"""Incidents as ``alerts.incident.Incident`` writes itself."""

notifications = Table(
    "notifications",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("rule", String(200)),
    Column("incident", String(64)),
    Column("step", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("is_urgent", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=False), nullable=False),
    Column("expires_at", DateTime(timezone=False), nullable=False),
    Index("ix_notifications_rule_created_at", "rule", "created_at"),
    Index("ix_notifications_incident", "incident"),
)
"""What was to be told, each once for ever. An incident's key is its id, a dot, and the step."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("recipient", String(1000), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=False), nullable=False),
    Column("changed_at", DateTime(timezone=False), nullable=False),
    Column("words", Text, nullable=False),
    Column("content", LargeBinary),
    Index("ix_deliveries_state_due_at", "state", "due_at"),
)
"""The outbox and its ledger: what each recipient is to get, and what became of it.

The content is there until it was handed over, refused or given up.
"""

mutes = Table(
    "mutes",
    metadata,
    Column("recipient", String(1000), primary_key=True),
    Column("rule", String(200), primary_key=True),
    Column("at", DateTime(timezone=False), nullable=False),
)
"""Who unsubscribed from which rule."""

incident_events = Table(
    "incident_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident", String(64), nullable=False),
    Column("at", DateTime(timezone=False), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("by", String(320), nullable=False),
    Column("text", Text, nullable=False),
    Column("until", DateTime(timezone=False)),
    Index("ix_incident_events_incident", "incident"),
)
"""What people did about incidents, only ever added to."""

samples = Table(
    "samples",
    metadata,
    Column("mention", String(64), primary_key=True),
    Column("day", String(10), nullable=False),
    Column("place", Integer, nullable=False),
    Column("channel", String(20), nullable=False),
    Column("language", String(20)),
    Column("models", JSON, nullable=False),
    Column("predicted", String(20), nullable=False),
    Column("answer", String(20)),
    Column("answered_by", String(200)),
    Column("answered_at", DateTime(timezone=False)),
    Column("corrected_from", String(20)),
    Index("ix_samples_day_place", "day", "place", unique=True),
)
"""Mentions drawn at random, what the model had said of each, and what people said since. Of the
mention there is its id alone."""

versions = Table(
    "versions",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("topic", String(200), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=False), nullable=False),
    Column("step", String(12), nullable=False),
    Column("made", JSON, nullable=False),
    Column("words", Text, nullable=False),
    Column("since", DateTime(timezone=False)),
)
"""What mentions were tagged and scored by, and since when; see ``core.versions``."""
