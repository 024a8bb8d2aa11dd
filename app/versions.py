"""Notes what mentions are tagged and scored by, so that no baseline mixes two versions of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from core.query.ast import And, FieldExists, FieldIs, FieldLike, walk
from core.questions import Selection
from core.settings import Configuration
from core.versions import (
    SENTIMENT,
    THEMES,
    Making,
    Subject,
    Tagging,
    Unlike,
    Version,
    VersionKind,
    by_subject,
    done_again,
    news,
    unlike,
)
from core.window import TimeWindow

if TYPE_CHECKING:
    from app.stores.versions import Versions

log = structlog.get_logger()

HISTORY = timedelta(weeks=8)
"""What baselines read; see ``insights.baseline``."""

FIELDS: Mapping[VersionKind, frozenset[str]] = {
    VersionKind.SENTIMENT: frozenset(
        {"sentiment", "topic_sentiment", "emotion", "offensive", "intent"}
    ),
    VersionKind.THEMES: frozenset({"theme"}),
}
"""What a query asks the sentiment models for, and what is known by themes."""

CHANGED = {
    VersionKind.SENTIMENT: "sentiment model changed",
    VersionKind.THEMES: "themes changed",
}
"""How a change is told where its own words are too long for a sentence."""

ALL_READ = And((FieldExists("sentiment"), FieldExists("theme")))
"""Asks for all that models say."""


def current_versions(configuration: Configuration) -> dict[Subject, Making]:
    """Return what tags and scores mentions by this configuration."""
    from nlp.card import scoring_of, theming_of

    found: dict[Subject, Making] = {
        (VersionKind.QUERY, topic.name): Tagging(
            query=topic.query,
            own=tuple(sorted((account.service, account.id) for account in topic.own)),
        )
        for topic in configuration.topics
    }
    found[SENTIMENT] = scoring_of(configuration.settings.models)
    found[THEMES] = theming_of(configuration.themes)
    return found


def note_versions(store: Versions, configuration: Configuration, now: datetime) -> None:
    """Write down what is new in ``configuration`` since one was last opened to tag, score or judge.

    A topic that is gone is left as it was: it may come back.
    """
    found = news(store.all(), current_versions(configuration), now)
    store.add(found)
    for version in found:
        if version.words:
            log.info("version_changed", words=version.words)


def unlike_in(versions: Sequence[Version], selection: Selection) -> list[Unlike]:
    """Return when the mentions of ``selection`` were tagged or scored otherwise than now, in order.

    Scores and themes count where its query asks for them. Without topics it holds those of every
    topic.
    """
    held = by_subject(versions)
    every = tuple(topic for kind, topic in held if kind is VersionKind.QUERY)
    topics = selection.topics or every
    found = [one for topic in topics for one in unlike(held.get((VersionKind.QUERY, topic), []))]
    for kind, fields in FIELDS.items():
        if _asks(selection, fields):
            found += [one for topic in topics or ("",) for one in unlike(_read(held, kind, topic))]
    return sorted(found, key=lambda one: one.window)


def _asks(selection: Selection, fields: frozenset[str]) -> bool:
    """Return whether the selection's query asks for any of ``fields``."""
    nodes = (FieldIs, FieldLike, FieldExists)
    return selection.query is not None and any(
        isinstance(node, nodes) and node.field in fields for node in walk(selection.query)
    )


def _read(held: Mapping[Subject, list[Version]], kind: VersionKind, topic: str) -> list[Version]:
    """Return the versions of what read a topic: one may be read again without the others."""
    own = held.get((kind, topic), []) if topic else []
    return sorted([*held.get((kind, ""), []), *own], key=lambda one: one.at)


def mendable(versions: Sequence[Version], topics: Sequence[str], now: datetime) -> list[str]:
    """Return the topics of which rules could compare with more if history was done again."""
    subjects = [SENTIMENT, THEMES, *((VersionKind.QUERY, topic) for topic in topics)]
    after = [*versions, *done_again(versions, subjects, now)]

    def count(known: Sequence[Version], topic: str) -> int:
        asked = Selection(query=ALL_READ, topics=(topic,))
        return sum(one.window.end > now - HISTORY for one in unlike_in(known, asked))

    return [topic for topic in topics if count(after, topic) < count(versions, topic)]


def since_words(found: Sequence[Unlike], window: TimeWindow, zone: str) -> str | None:
    """Return what changed last within ``window``, e.g. "the query of Acme changed on 3 Nov".

    None where all of the window is of the versions of now.
    """
    inside = [one for one in found if window.start < one.window.end <= window.end]
    if not inside:
        return None
    last = max(inside, key=lambda one: one.window.end)
    what = CHANGED.get(last.change.kind, last.change.words)
    local = last.window.end.astimezone(ZoneInfo(zone))
    return f"the {what} on {local.day} {local:%b}"
