"""Tags and scores stored mentions again, so that history is of the query and the models of now.

Everything goes through the spool, as what is collected does: the enricher that is running does the
work, or this process where none is. Dying anywhere loses nothing, and what is done is skipped when
it is begun anew.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from app.intake import check_room, own_accounts, tagger_for
from core.envelope import Envelope
from core.errors import LockedError, QueryError, RetryableError
from core.mention import Mention, TopicTag
from core.merge import retagged
from core.query.ast import Node
from core.query.evaluate import TokenisedMention, matches
from core.query.parser import parse
from core.questions import Selection
from core.settings import Topic
from core.versions import (
    SENTIMENT,
    THEMES,
    Tagging,
    Unlike,
    Version,
    VersionKind,
    VersionStep,
    by_subject,
    done_again,
    unlike,
)
from core.window import EPOCH, TimeWindow

if TYPE_CHECKING:
    from app.bootstrap import Application
    from app.enricher import Enricher
    from app.stores.file_spool import FileSpool

PAGE = 200
"""Mentions that wait in the spool at once: what is collected meanwhile waits for no more."""

MODELS = (SENTIMENT, THEMES)
"""What reads mentions, whatever topic they are of."""

WAIT_SECONDS = 0.1
LOOKS_FOR_THE_OTHER = 50
"""Waits between two looks whether the process that does the work is still there."""

AHEAD = timedelta(days=1)
"""Times of publication may lie a little in the future."""


@dataclass(slots=True)
class AgainReport:
    """What became of the stored mentions: read = done + unchanged.

    ``gained`` and ``lost`` count mentions by the topic that they were given or taken off.
    ``is_stopped`` says that it was ended before all were looked at. ``unlike`` are the topics whose
    history stays unlike now, with the change since which it can be compared.
    """

    read: int = 0
    done: int = 0
    unchanged: int = 0
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    is_stopped: bool = False
    unlike: dict[str, Unlike] = field(default_factory=dict)


class Again:
    """Looks which stored mentions another query tagged, or another model scored, than those of now.

    ``topic`` restricts it to one topic.
    """

    def __init__(self, application: Application, topic: Topic | None = None) -> None:
        self._application = application
        self.topics = (topic,) if topic else application.configuration.topics
        self._tagger = tagger_for(self.topics)
        self._own = own_accounts(application.configuration.topics)
        self._known = self._versions()
        held = by_subject(self._known)
        self._earlier = {
            one.name: _earlier_queries(held.get((VersionKind.QUERY, one.name), []))
            for one in self.topics
        }
        changes = [one.at for one in self._known if one.subject in MODELS and one.words]
        self._read_from = (max(changes, default=EPOCH) - EPOCH) // timedelta(microseconds=1)
        self._is_all = topic is None

    def _versions(self) -> list[Version]:
        return self._application.state.versions.all()

    def changed(self, mention: Mention) -> Mention | None:
        """Return the mention as it is to be enriched again, None where nothing is to be done."""
        tokenised = TokenisedMention(mention)
        matched = {tag.name for tag in self._tagger.tag(tokenised)}
        held = {tag.name: tag for tag in mention.topics}
        tags = dict(held)
        for topic in self.topics:
            tag = self._tag(topic, held.get(topic.name), tokenised, is_match=topic.name in matched)
            if tag is not None:
                tags[topic.name] = tag
        changed = mention.model_copy(update={"topics": tuple(tags[name] for name in sorted(tags))})
        changed = self._with_owner(changed)
        return changed if changed != mention or self._needs_reading(mention) else None

    def _tag(
        self, topic: Topic, held: TopicTag | None, mention: TokenisedMention, *, is_match: bool
    ) -> TopicTag | None:
        """Return the topic's new tag, None where the old one stands.

        A tag that none of the topic's queries gave, as an import of a topic's own rows does, stays.
        """
        if is_match == (held is not None and held.matched):
            return None
        if not is_match and not any(matches(node, mention) for node in self._earlier[topic.name]):
            return None
        return retagged(held, topic.name, topic.query_version, matched=is_match)

    def _with_owner(self, mention: Mention) -> Mention:
        """Return the mention with whose it is; that is content, so it gets a newer version."""
        author = mention.author
        owner = self._own.get((author.service, author.id)) if author else None
        is_own = owner in mention.matched_topics
        if is_own == mention.is_own:
            return mention
        revision, observed_us, _ = mention.version
        changed = mention.model_copy(update={"is_own": is_own})
        return changed.with_version(observed_us + 1, revision)

    def _needs_reading(self, mention: Mention) -> bool:
        if mention.enrichment is None or mention.enrichment.is_brief:
            return True
        is_asked = self._is_all or any(one.name in mention.matched_topics for one in self.topics)
        return is_asked and mention.enrichment.enriched_us < self._read_from

    def note(self, now: datetime, since: datetime | None) -> None:
        """Write down that what was stored, published from ``since`` on, is of the versions of now.

        Raises RetryableError, with nothing written, where they changed meanwhile.
        """
        known = self._versions()
        if [one for one in known if one.step is not VersionStep.AGAIN] != [
            one for one in self._known if one.step is not VersionStep.AGAIN
        ]:
            raise RetryableError(
                "the configuration changed meanwhile, so that history is of neither: do it again"
            )
        subjects = [(VersionKind.QUERY, one.name) for one in self.topics]
        held = by_subject(known)
        due = [one for one in subjects if unlike(held.get(one, []))]
        for kind, every in MODELS:
            if unlike(held.get((kind, every), [])):
                due += [(kind, every)] if self._is_all else [(kind, t.name) for t in self.topics]
        self._application.state.versions.add(done_again(known, due, now, since))

    def still_unlike(self) -> dict[str, Unlike]:
        """Return the topics whose history cannot be compared all the same, with the last change."""
        held = by_subject(self._versions())
        found = {
            one.name: unlike(held.get((VersionKind.QUERY, one.name), [])) for one in self.topics
        }
        return {name: times[-1] for name, times in found.items() if times}


def _earlier_queries(versions: Sequence[Version]) -> list[Node]:
    """Return the queries that a topic ever had, those that can still be read."""
    found = []
    for version in versions:
        if isinstance(version.made, Tagging):
            with contextlib.suppress(QueryError):
                found.append(parse(version.made.query))
    return found


def do_again(
    application: Application,
    work: Callable[[], object],
    *,
    topic: Topic | None,
    since: datetime | None,
    stop: threading.Event,
    progress: Callable[[AgainReport], None] = lambda _: None,
) -> AgainReport:
    """Tag and score again what is stored, published from ``since`` on, page after page.

    ``work`` returns when what waits in the spool is in the index. What the versions of now made is
    left alone. Raises RetryableError when the disk is nearly full, or the configuration changes.
    """
    again, report, now = Again(application, topic), AgainReport(), application.clock()
    scan = application.index.scan(stored_since(since, now))
    for page in iter(lambda: list(islice(scan, PAGE)), []):
        if stop.is_set():
            break
        if _do_page(application, again, page, report):
            work()
        progress(report)
    report.is_stopped = stop.is_set()
    if not report.is_stopped:
        again.note(application.clock(), since)
    report.unlike = again.still_unlike()
    return report


def stored_since(since: datetime | None, now: datetime) -> Selection:
    """Return all that is stored, the brand's own and the irrelevant too."""
    window = TimeWindow(since, max(now, since) + AHEAD) if since is not None else None
    return Selection(window=window, include_own=True, include_irrelevant=True)


def _do_page(
    application: Application, again: Again, page: Sequence[Mention], report: AgainReport
) -> bool:
    """Put into the spool what of a page is to be done again, count, and return if there was any."""
    check_room(application.home)
    envelopes = []
    for mention in page:
        changed = again.changed(mention)
        report.read += 1
        if changed is None:
            report.unchanged += 1
            continue
        report.done += 1
        before, after = set(mention.matched_topics), set(changed.matched_topics)
        report.gained.update(after - before)
        report.lost.update(before - after)
        envelopes.append(Envelope.doing_again(changed))
    application.spool.append(envelopes)
    return bool(envelopes)


def worker_for(
    application: Application, make_enricher: Callable[[], Enricher], stop: threading.Event
) -> Callable[[], object]:
    """Return what brings the spool into the index: an enricher of our own where none is running."""
    spool = application.spool
    try:
        spool.claim()
    except LockedError:
        return lambda: _wait_for(spool, stop)
    enricher = make_enricher()
    return lambda: enricher.run(drain=True, stop=stop)


def _wait_for(spool: FileSpool, stop: threading.Event) -> None:
    """Return when another process has taken in what this one put into the spool.

    Raises RetryableError when that process ends before.
    """
    looks = 0
    while spool.has_own_pending() and not stop.is_set():
        stop.wait(WAIT_SECONDS)
        looks += 1
        if looks % LOOKS_FOR_THE_OTHER == 0 and _is_free(spool):
            raise RetryableError(
                "the enricher that did the work ended; give the same command again, which goes on "
                "where this one stopped"
            )


def _is_free(spool: FileSpool) -> bool:
    """Return whether nobody takes in what is in the spool; this process has it from then on."""
    try:
        spool.claim()
    except LockedError:
        return False
    return True
