"""What a person does to mentions: corrections, undo, and closing out a term from a topic.

Everything goes through the spool into the index and is laid over the answers until it is there.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from app.answers import TopicEdit
from app.configuring import change_query
from app.queries import Queries
from app.versions import note_versions, unlike_in
from core.envelope import Envelope
from core.errors import QueryError, UsageError
from core.mention import Correction, Mention, Overlay, Sentiment, Status
from core.merge import join, retagged
from core.query.ast import And, Node, Not
from core.query.evaluate import matches
from core.query.parser import parse
from core.questions import Selection
from core.settings import Configuration, Topic
from core.versions import VersionKind, done_again
from core.window import TimeWindow

if TYPE_CHECKING:
    from app.bootstrap import Application

PREVIEW_LENGTH = timedelta(days=30)
PREVIEW_SAMPLES = 5
RETAG_BATCH = 500
"""Envelopes a durable append; a bigger batch only makes a crash repeat more."""


class Change(StrEnum):
    """What a person said about a mention."""

    NOT_US = "not us"
    SENTIMENT = "sentiment"
    STATUS = "done"


@dataclass(frozen=True, slots=True)
class Done:
    """A correction that was made, and the overlay values that take it back."""

    mention: Mention
    change: Change
    text: str
    before: Sentiment | Status | bool | None


class Actions:
    """Writes corrections on behalf of one application. Safe to use from several threads."""

    def __init__(self, application: Application, queries: Queries) -> None:
        self._application = application
        self._queries = queries
        self._lock = threading.Lock()

    # --- one mention

    def mark_irrelevant(self, mention: Mention, by: str, *, irrelevant: bool = True) -> Done:
        """Say that a mention is not about its topics, or take that back."""
        done = Done(mention, Change.NOT_US, "Marked as not us", mention.is_irrelevant)
        self._correct(mention, Change.NOT_US, irrelevant, by)
        return done

    def set_sentiment(self, mention: Mention, value: Sentiment | None, by: str) -> Done:
        """Put a person's word above the model's. None says that it has no sentiment."""
        text = f"Sentiment set to {value.value if value else 'none'}"
        done = Done(mention, Change.SENTIMENT, text, mention.sentiment)
        self._correct(mention, Change.SENTIMENT, value, by)
        return done

    def set_status(self, mention: Mention, status: Status, by: str) -> Done:
        """Close a mention in the inbox, or open it again."""
        text = "Marked as done" if status is Status.DONE else "Opened again"
        done = Done(mention, Change.STATUS, text, mention.status)
        self._correct(mention, Change.STATUS, status, by)
        return done

    def undo(self, done: Done, by: str) -> None:
        """Take a correction back: the value from before stands again.

        Where that was a model's word, it is the model's again: a person's counts for every topic.
        """
        was_said = done.change is not Change.SENTIMENT or done.mention.overlay.said is not None
        self._correct(done.mention, done.change, done.before, by, withdrawn=not was_said)

    def withdraw_sentiment(self, mention: Mention, by: str) -> None:
        """Take a person's word on a mention's sentiment back: the model's stands again."""
        self._correct(mention, Change.SENTIMENT, mention.sentiment, by, withdrawn=True)

    def _correct(
        self,
        mention: Mention,
        change: Change,
        value: Sentiment | Status | bool | None,
        by: str,
        *,
        withdrawn: bool = False,
    ) -> None:
        """Spool the correction, then lay it over the answers.

        Raises DurabilityError when the correction may not be on disk; it then shows nowhere.
        """
        with self._lock:
            overlay = self._overlay(mention, change, value, by)
            if withdrawn and overlay.sentiment is not None:
                taken_back = overlay.sentiment.model_copy(update={"withdrawn": True})
                overlay = overlay.model_copy(update={"sentiment": taken_back})
            self._application.spool.append([Envelope.correcting(mention.id, overlay)])
            self._queries.pending.add([Mention(id=mention.id, overlay=overlay)])

    def _overlay(
        self, mention: Mention, change: Change, value: Sentiment | Status | bool | None, by: str
    ) -> Overlay:
        """Return the overlay of one field, newer than what is stored or on its way."""
        held = self._queries.index.get([mention.id]).get(mention.id, mention).overlay
        now_us = int(self._application.clock().timestamp() * 1_000_000)
        registers = {
            Change.NOT_US: held.irrelevant,
            Change.SENTIMENT: held.sentiment,
            Change.STATUS: held.status,
        }
        register = registers[change]
        at_us = max(now_us, register.at_us + 1 if register else 0)
        if change is Change.NOT_US:
            return Overlay(irrelevant=Correction(value=bool(value), by=by, at_us=at_us))
        if change is Change.SENTIMENT:
            label = value if isinstance(value, Sentiment) else None
            return Overlay(sentiment=Correction(value=label, by=by, at_us=at_us))
        status = value if isinstance(value, Status) else Status.OPEN
        return Overlay(status=Correction(value=status, by=by, at_us=at_us))

    # --- a term of a topic

    def preview_exclusion(self, topic_name: str, term: str) -> TopicEdit:
        """Return what excluding ``term`` from a topic's query would remove; saves nothing.

        Raises UsageError for an unknown topic or an empty term, QueryError for a term that makes
        no query.
        """
        topic = self._topic(topic_name)
        after = excluded(topic.query, term)
        asked = self._removed(topic, after)
        now = self._queries.now()
        recent = Selection(
            query=asked,
            window=TimeWindow.before(now, PREVIEW_LENGTH),
            topics=(topic.name,),
            include_own=True,
            include_irrelevant=True,
        )
        whole = Selection(
            window=recent.window, topics=(topic.name,), include_own=True, include_irrelevant=True
        )
        page = self._queries.index.page(recent, PREVIEW_SAMPLES)
        total = self._queries.index.count(whole)
        return TopicEdit(
            topic.name, term, topic.query, after, page.total, total - page.total, page.mentions
        )

    def save_exclusion(self, edit: TopicEdit) -> int:
        """Write the edited query into topics.yml and take the topic off what it removed.

        Returns how many stored mentions lost the topic. Raises UsageError if the query was
        changed by someone else meanwhile, ConfigurationError if the configuration refuses it.
        """
        topic = self._topic(edit.topic)
        if topic.query != edit.before:
            raise UsageError(f"the query of {edit.topic} was changed meanwhile; look again")
        is_like = self._is_like(topic.name)
        changed = change_query(self._application.config_folder, topic.name, edit.after)
        version = next(t.query_version for t in changed.topics if t.name == topic.name)
        removed = Selection(
            query=self._removed(topic, edit.after),
            topics=(topic.name,),
            include_own=True,
            include_irrelevant=True,
        )
        batch: list[Mention] = []
        count = 0
        for mention in list(self._queries.index.scan(removed)):
            held = next((tag for tag in mention.topics if tag.name == topic.name), None)
            tag = retagged(held, topic.name, version, matched=False)
            batch.append(join(mention, mention.model_copy(update={"topics": (tag,)})))
            count += 1
            if len(batch) >= RETAG_BATCH:
                self._retag(batch)
                batch = []
        self._retag(batch)
        self._note_versions(changed, topic.name, is_like=is_like)
        return count

    def _is_like(self, topic: str) -> bool:
        """Return whether all that is stored of a topic was tagged by the query of now."""
        store, now = self._application.state.versions, self._application.clock()
        note_versions(store, self._queries.configuration, now)
        return not unlike_in(store.all(), Selection(topics=(topic,)))

    def _note_versions(self, configuration: Configuration, topic: str, *, is_like: bool) -> None:
        """Write the new query down, and that history is of it, so that no rule learns again.

        What an older query had tagged (not ``is_like``) still is of that: only what the exclusion
        names was taken off.
        """
        store, now = self._application.state.versions, self._application.clock()
        note_versions(store, configuration, now)
        if is_like:
            store.add(done_again(store.all(), [(VersionKind.QUERY, topic)], now))

    def _retag(self, mentions: Sequence[Mention]) -> None:
        if not mentions:
            return
        with self._lock:
            self._application.spool.append([Envelope.of(mention) for mention in mentions])
            self._queries.pending.add(mentions)

    def _topic(self, name: str) -> Topic:
        topic = self._queries.configuration.topic(name)
        if topic is None:
            raise UsageError(f"no topic is named {name!r}")
        return topic

    def _removed(self, topic: Topic, after: str) -> Node:
        """Return the query for what the topic holds now and would not hold then."""
        return And((parse(topic.query), Not(parse(after))))


def excluded(query: str, term: str) -> str:
    """Return ``query`` with ``term`` shut out, quoted where it might be read as more than a word.

    Raises UsageError for an empty term, QueryError where the result is no query.
    """
    term = " ".join(term.split())
    if not term:
        raise UsageError("type the word or phrase that tells it apart")
    is_word = not term.isupper() and all(char.isalnum() or char in "#@_" for char in term)
    shown = term if is_word else '"' + term.replace("\\", "").replace('"', "") + '"'
    base = query.strip()
    after = f"({base}) AND NOT {shown}"
    try:
        parse(after)
    except QueryError as err:
        raise QueryError(f"{term!r} cannot be excluded: {err.message}", after, err.column) from err
    return after


def suggested_terms(mention: Mention, topic: Topic, limit: int = 6) -> list[str]:
    """Return words of a mention that might tell it apart from the topic: names and hashtags.

    Words of the topic's own query are left out.
    """
    found: list[str] = []
    if mention.enrichment is not None:
        found += [f"#{tag}" for tag in mention.enrichment.hashtags]
        found += [entity.text for entity in mention.enrichment.entities]
    node = parse(topic.query)
    own = topic.query.casefold()
    kept = []
    for term in dict.fromkeys(" ".join(term.split()) for term in found):
        is_own = term.casefold().lstrip("#@") in own
        probe = mention.model_copy(update={"text": term, "title": None})
        if term and len(term) <= 40 and not is_own and not matches(node, probe):
            kept.append(term)
    return kept[:limit]
