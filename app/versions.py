"""Notes what mentions are tagged and scored by, so that no baseline mixes two versions of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from core.settings import Configuration
from core.versions import SENTIMENT, Scoring, Subject, Tagging, Version, VersionKind, news

if TYPE_CHECKING:
    from app.bootstrap import Application

log = structlog.get_logger()


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


def note_versions(application: Application) -> list[Version]:
    """Write down what is new in the configuration since it was last opened to tag, score or judge.

    A topic that is gone is left as it was: it may come back.
    """
    store = application.state.versions
    found = news(store.all(), current_versions(application.configuration), application.clock())
    store.add(found)
    for version in found:
        if version.words:
            log.info("version_changed", words=version.words)
    return found
