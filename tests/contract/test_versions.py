"""Versions are kept as they were, in SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.stores.state import StateStore
from core.versions import SENTIMENT, Scoring, Tagging, Version, VersionKind, VersionStep

NOW = datetime(2026, 11, 3, 14, 20, tzinfo=UTC)


def test_versions_come_back_as_they_were_and_in_order(state: StateStore) -> None:
    """Queries with their accounts, models with their settings, and what was done again."""
    made = Tagging(query='"acme corp" OR #größe', own=(("mastodon", "1"), ("x", "2")))
    scored = Scoring(models=("en@2",), digests=("ab12",), settings={"minimum_confidence": "0.5"})
    later = NOW + timedelta(hours=3)
    written = [
        Version(VersionKind.QUERY, "Acme", 1, NOW, VersionStep.FIRST, made),
        Version(VersionKind.QUERY, "Acme", 2, later, VersionStep.AGAIN, made, since=NOW),
        Version(*SENTIMENT, 1, NOW, VersionStep.CHANGED, scored, "sentiment model en@1 -> en@2"),
    ]
    state.versions.add(written[::-1])
    assert state.versions.all() == written


def test_of_two_processes_that_note_one_change_the_first_stands(state: StateStore) -> None:
    """Both read the same versions before; the change is there once."""
    first = Version(VersionKind.QUERY, "Acme", 1, NOW, VersionStep.FIRST, Tagging(query="acme"))
    state.versions.add([first])
    state.versions.add([Version(*first.subject, 1, NOW, VersionStep.FIRST, Tagging(query="b"))])
    state.versions.add([])
    assert state.versions.all() == [first]
