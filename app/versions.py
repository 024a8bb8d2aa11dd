"""Notes what mentions are tagged and scored by, so that no baseline mixes two versions of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import structlog

from core.query.ast import FieldExists, FieldIs, FieldLike, walk
from core.questions import Selection
from core.settings import Configuration
from core.versions import (
    SENTIMENT,
    Scoring,
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

SCORED_FIELDS = frozenset({"sentiment", "topic_sentiment", "emotion", "offensive", "intent"})
"""What a query asks the sentiment models for."""


def current_versions(configuration: Configuration) -> dict[Subject, Tagging | Scoring]:
    """Return what tags and scores mentions by this configuration."""
    from nlp.card import scoring_of

    found: dict[Subject, Tagging | Scoring] = {
        (VersionKind.QUERY, topic.name): Tagging(
            query=topic.query,
            own=tuple(sorted((account.service, account.id) for account in topic.own)),
        )
        for topic in configuration.topics
    }
    found[SENTIMENT] = scoring_of(configuration.settings.models)
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

    Scores count where its query asks for them. Without topics it holds those of every topic.
    """
    held = by_subject(versions)
    every = tuple(topic for kind, topic in held if kind is VersionKind.QUERY)
    topics = selection.topics or every
    found = [one for topic in topics for one in unlike(held.get((VersionKind.QUERY, topic), []))]
    if _is_scored(selection):
        found += [one for topic in topics or ("",) for one in unlike(_scored(held, topic))]
    return sorted(found, key=lambda one: one.window)


def _is_scored(selection: Selection) -> bool:
    """Return whether the selection asks what the sentiment models said."""
    fields = (FieldIs, FieldLike, FieldExists)
    return selection.query is not None and any(
        isinstance(node, fields) and node.field in SCORED_FIELDS for node in walk(selection.query)
    )


def _scored(held: Mapping[Subject, list[Version]], topic: str) -> list[Version]:
    """Return the versions of what scored a topic: one may be scored again without the others."""
    own = held.get((VersionKind.SENTIMENT, topic), []) if topic else []
    return sorted([*held.get(SENTIMENT, []), *own], key=lambda one: one.at)


def mendable(versions: Sequence[Version], topics: Sequence[str], now: datetime) -> list[str]:
    """Return the topics of which rules could compare with more if history was done again."""
    subjects = [SENTIMENT, *((VersionKind.QUERY, topic) for topic in topics)]
    after = [*versions, *done_again(versions, subjects, now)]

    def count(known: Sequence[Version], topic: str) -> int:
        asked = Selection(query=FieldExists("sentiment"), topics=(topic,))
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
    is_query = last.change.kind is VersionKind.QUERY
    what = last.change.words if is_query else "sentiment model changed"
    local = last.window.end.astimezone(ZoneInfo(zone))
    return f"the {what} on {local.day} {local:%b}"
