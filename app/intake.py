"""The way in: what collectors bring is tagged with topics and made durable.

The order is the guarantee: mentions into the spool, then their ids into the state, then the
cursor. Dying between any two steps means that something is delivered again, which is harmless.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from core.envelope import Envelope
from core.errors import RetryableError
from core.mention import Mention, TopicTag
from core.ports import Delivery, Index, Receipt, Spool
from core.query.parser import parse
from core.query.tagger import Tagger
from core.settings import Topic

if TYPE_CHECKING:
    from app.stores.state import StateStore

log = structlog.get_logger()

LEAST_FREE_BYTES = 2 * 1024**3
LEAST_FREE_SHARE = 0.05
"""Collecting stops below the larger of the two; alerts, which need little room, go on."""

SAMPLE_ONE_IN = 10
"""Above its daily budget a topic keeps this share, chosen by id and so the same everywhere."""

LanguageDetector = Callable[[str], str]


def check_room(folder: Path) -> None:
    """Raise RetryableError when the disk that holds ``folder`` is nearly full."""
    usage = shutil.disk_usage(folder)
    least = max(LEAST_FREE_BYTES, int(usage.total * LEAST_FREE_SHARE))
    if usage.free < least:
        raise RetryableError(
            f"only {usage.free / 1e9:.1f} GB are free where {folder} is stored; collecting waits "
            f"until {least / 1e9:.1f} GB are: delete something or move GROUNDSWELL_HOME"
        )


def tagger_for(topics: Sequence[Topic]) -> Tagger:
    """Return the tagger of the configured topics."""
    return Tagger([(topic.name, topic.query_version, parse(topic.query)) for topic in topics])


def own_accounts(topics: Sequence[Topic]) -> dict[tuple[str, str], str]:
    """Return whose accounts are the brand's own: (service, id) -> topic."""
    return {(account.service, account.id): topic.name for topic in topics for account in topic.own}


@dataclass(slots=True)
class _Sorted:
    """The mentions of one delivery by what became of them."""

    spooled: dict[str, Mention]
    unmatched: int = 0
    duplicates: int = 0
    sampled_out: int = 0


class Intake:
    """The ``core.ports.Sink`` that collectors and imports deliver to."""

    def __init__(  # noqa: PLR0913 - keyword arguments, one a collaborator
        self,
        *,
        topics: Sequence[Topic],
        spool: Spool,
        index: Index,
        state: StateStore,
        detect_language: LanguageDetector,
        clock: Callable[[], datetime],
        home: Path,
        daily_budget: int | None = None,
        forced_topic: Topic | None = None,
        is_echo: Callable[[Mention], bool] = lambda _: False,
    ) -> None:
        """Tag with ``topics``; ``forced_topic`` is given to every mention whatever its query says.

        ``daily_budget`` bounds the mentions a topic takes on one day; None does not. What
        ``is_echo`` says was written by Groundswell itself matches no topic.
        """
        self._is_echo = is_echo
        self._tagger = tagger_for(topics)
        self._own = own_accounts(topics)
        self._spool, self._index, self._state = spool, index, state
        self._detect_language, self._clock, self._home = detect_language, clock, home
        self._daily_budget = daily_budget
        self._told: set[tuple[str, str]] = set()
        self._forced = (
            TopicTag(name=forced_topic.name, query_version=forced_topic.query_version)
            if forced_topic
            else None
        )

    def wanted(self, mention: Mention) -> bool:
        """Return whether any topic matches the mention."""
        return bool(self._tagged(mention).topics)

    def deliver(self, delivery: Delivery) -> Receipt:
        """Tag, spool and remember; then move the cursor. See ``core.ports.Sink.deliver``.

        Raises RetryableError, with nothing taken, when the disk is nearly full.
        """
        check_room(self._home)
        sorted_ = self._sort(delivery.mentions)
        envelopes = [Envelope.of(mention) for mention in sorted_.spooled.values()]
        deleted = self._state.seen(delivery.deleted) if delivery.deleted else set()
        # A post that comes together with its deletion is not remembered yet.
        deleted |= set(delivery.deleted) & sorted_.spooled.keys()
        envelopes += [Envelope.erasing(key) for key in sorted(deleted)]
        already = self._state.seen(list(sorted_.spooled)) if sorted_.spooled else set()
        self._spool.append(envelopes)
        new = set(sorted_.spooled) - already
        self._state.mark_seen(new)
        if delivery.cursor is not None:
            self._state.save(delivery.source, delivery.cursor)
        return Receipt(
            new=len(new),
            duplicates=sorted_.duplicates + len(sorted_.spooled) - len(new),
            unmatched=sorted_.unmatched,
            sampled_out=sorted_.sampled_out,
        )

    def _sort(self, mentions: Sequence[Mention]) -> _Sorted:
        """Tag every mention and keep those that the index has not confirmed as they are."""
        result = _Sorted({})
        matched: dict[str, Mention] = {}
        for mention in mentions:
            tagged = self._tagged(mention)
            is_wanted = tagged.topics or tagged.is_canary
            if not is_wanted or self._is_echo(tagged):
                result.unmatched += 1
            elif tagged.id in matched:
                result.duplicates += 1
            else:
                matched[tagged.id] = tagged
        known = self._index.known(list(matched)) if matched else {}
        for key, mention in matched.items():
            stored = known.get(key)
            if stored is not None and adds_nothing(mention, stored):
                result.duplicates += 1
            else:
                result.spooled[key] = mention
        if self._daily_budget is not None:
            earlier = self._state.seen(list(result.spooled))
            self._sample(result, earlier | known.keys(), self._daily_budget)
        return result

    def _tagged(self, mention: Mention) -> Mention:
        """Return the mention with language, topics and whose it is, its version renewed."""
        if mention.language is None:
            text = f"{mention.title}\n{mention.text}" if mention.title else mention.text
            mention = mention.model_copy(update={"language": self._detect_language(text)})
        topics = {tag.name: tag for tag in self._tagger.tag(mention)}
        if self._forced is not None:
            topics[self._forced.name] = self._forced
        author = mention.author
        is_own = author is not None and self._own.get((author.service, author.id)) in topics
        tags = tuple(topics[name] for name in sorted(topics))
        tagged = mention.model_copy(update={"topics": tags, "is_own": is_own})
        revision, observed_us, _ = mention.version
        return tagged.with_version(observed_us or _microseconds(self._clock()), revision)

    def _sample(self, result: _Sorted, known: Collection[str], budget: int) -> None:
        """Leave out most of what comes above a topic's daily budget, and count it."""
        day = self._clock().date().isoformat()
        spent = {name: day_.taken for name, day_ in self._state.spent(day).items()}
        taken: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        for key, mention in list(result.spooled.items()):
            if key in known or mention.is_canary:
                continue
            over = [
                name
                for name in mention.matched_topics
                if spent.get(name, 0) + taken[name] >= budget
            ]
            if len(over) == len(mention.topics) and int(key[:8], 16) % SAMPLE_ONE_IN:
                left_out.update(over)
                del result.spooled[key]
                result.sampled_out += 1
            else:
                taken.update(mention.matched_topics)
        for name in left_out:
            if (name, day) not in self._told:
                self._told.add((name, day))
                log.warning(
                    "topic_is_sampled", topic=name, budget=budget, kept_one_in=SAMPLE_ONE_IN
                )
        for name in taken.keys() | left_out.keys():
            self._state.spend(name, day, taken[name], left_out[name])


def adds_nothing(mention: Mention, stored: Mention) -> bool:
    """Return whether the index would be the same after taking ``mention`` again."""
    return stored.erased or (
        stored.version[2] == mention.version[2]
        and set(mention.topics) <= set(stored.topics)
        and set(mention.sources) <= set(stored.sources)
        and mention.engagement.model_copy(update={"observed_us": stored.engagement.observed_us})
        == stored.engagement
    )


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
