"""How the state database keeps time: UTC without a zone, the same in every engine."""

from __future__ import annotations

from datetime import UTC, datetime


def stored(value: datetime) -> datetime:
    """Return UTC without a zone: SQLite keeps none, and PostgreSQL would shift it."""
    return value.astimezone(UTC).replace(tzinfo=None)


def aware(value: datetime) -> datetime:
    """Return what the database gave as the aware instant that it stands for."""
    return value.replace(tzinfo=UTC)
