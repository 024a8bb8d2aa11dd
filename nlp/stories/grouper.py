"""Puts each mention into the story of the first that told it, as they arrive, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from core.mention import Mention
from core.window import EPOCH
from nlp.analyser import analysed_text
from nlp.stories.likeness import FEWEST, is_near_copy
from nlp.stories.signature import Signature, fingerprints, sign
from nlp.story import is_passed_on

CAPACITY: Final = 200_000
"""Texts kept: some 150 MB. The oldest are forgotten first."""

MEMORY: Final = timedelta(days=14)
"""A story that nobody told for so long is over; who tells it again does so anew."""

WAYS: Final = 4
"""Texts remembered of one fingerprint: turns of phrase that all use find no story anyway."""

BUCKETS_A_TEXT: Final = 8
"""So many buckets that two fingerprints seldom share one (a text has ten to a hundred)."""

CANDIDATES: Final = 4
"""Texts that are compared word by word with a new one."""

SHARED: Final = 0.12
"""Part of the fewer fingerprints that a candidate must share; whole ones of a short text meet
thinned ones of a long text."""

LONGER: Final = 1.5
"""A copy so much longer than the text that it was found by is remembered beside it."""


@dataclass(frozen=True, slots=True)
class StoryAssignment:
    """The story of a mention (None for a text without content), and whether it repeats it."""

    story_id: str | None
    is_copy: bool


@dataclass(slots=True)
class _Story:
    """A story: its id, the id of the mention that told it first if known, when it was last told.

    ``told_at`` counts seconds since 1970 of publication.
    """

    id: str
    first: str | None
    told_at: int


@dataclass(frozen=True, slots=True)
class _Text:
    """One wording of a story."""

    story: _Story
    words: bytes
    is_cut_off: bool

    def signature(self) -> Signature:
        return Signature(tuple(np.frombuffer(self.words, np.uint32).tolist()), self.is_cut_off)


class StoryGrouper:
    """Groups mentions into stories. Not safe for threads: one enricher feeds it.

    What it says depends on the mentions given before, in their order; a mention given again gets
    the same answer as long as its story is remembered.
    """

    def __init__(self, capacity: int = CAPACITY, memory: timedelta = MEMORY) -> None:
        """Remember ``capacity`` texts, and stories told within ``memory`` of each other."""
        self._capacity = capacity
        self.memory = memory
        self._memory_seconds = int(memory.total_seconds())
        self._texts: list[_Text | None] = [None] * capacity
        self._next = 0
        self._by_wording: dict[str, _Story] = {}
        size = 1 << (capacity * BUCKETS_A_TEXT - 1).bit_length()
        self._mask = np.uint64(size - 1)
        # Places in ``_texts``, counted from 1; pages that nothing is in take no memory.
        self._buckets = np.zeros((size, WAYS), np.uint32)

    @property
    def held_texts(self) -> int:
        """How many texts are remembered word by word."""
        return sum(text is not None for text in self._texts)

    def remember(self, mentions: Iterable[Mention]) -> None:
        """Take in stored mentions with the stories they were given, in any order."""
        for mention in mentions:
            enrichment = mention.enrichment
            if enrichment is not None and enrichment.story_id is not None:
                self._keep(mention, enrichment.story_id, is_copy=enrichment.is_copy)

    def assign(
        self, mentions: Sequence[Mention], stored: Mapping[str, Mention] | None = None
    ) -> list[StoryAssignment]:
        """Return the story of each enriched mention, in the order given.

        Of one batch the mention published first comes first, then the lower id. A mention whose
        same text is enriched in ``stored`` keeps the story it has there.
        """
        stored = stored or {}
        found: dict[int, StoryAssignment] = {}
        for place in sorted(
            range(len(mentions)), key=lambda i: (mentions[i].published_at, mentions[i].id)
        ):
            mention = mentions[place]
            held = stored.get(mention.id)
            if held is not None and held.enrichment is not None and _is_same_text(mention, held):
                kept = StoryAssignment(held.enrichment.story_id, held.enrichment.is_copy)
                if kept.story_id is not None:
                    self._keep(mention, kept.story_id, is_copy=kept.is_copy)
                found[place] = kept
            else:
                found[place] = self._assign(mention)
        return [found[place] for place in range(len(mentions))]

    def _assign(self, mention: Mention) -> StoryAssignment:
        """Find the mention's story among those remembered, or begin one."""
        wording = mention.story_id
        if wording is None:
            return StoryAssignment(None, is_copy=False)
        published = _seconds(mention)
        text = analysed_text(mention)
        story = self._recent(self._by_wording.get(wording), published)
        if story is None:
            signature = sign(text)
            near = self._nearest(signature, published)
            if near is None:
                self._begin(wording, mention, signature)
                return StoryAssignment(wording, is_copy=False)
            story = near.story
            self._by_wording[wording] = story
            if len(signature.words) > LONGER * len(near.signature().words):
                self._add_text(story, signature)
        story.told_at = max(story.told_at, published)
        is_first = story.first == mention.id
        return StoryAssignment(story.id, is_copy=not is_first and _is_repeated(mention, text))

    def _keep(self, mention: Mention, story_id: str, *, is_copy: bool) -> None:
        """Take in what is already decided of one mention."""
        published = _seconds(mention)
        story = self._by_wording.get(story_id)
        if story is None:
            story = self._begin(story_id, mention, sign(analysed_text(mention)))
            story.first = None
        story.told_at = max(story.told_at, published)
        if not is_copy and story.first is None:
            story.first = mention.id

    def _begin(self, story_id: str, mention: Mention, signature: Signature) -> _Story:
        story = _Story(story_id, mention.id, _seconds(mention))
        # Entered anew, so that it is not the next to be forgotten.
        self._by_wording.pop(story_id, None)
        self._by_wording[story_id] = story
        if len(self._by_wording) > self._capacity:
            del self._by_wording[next(iter(self._by_wording))]
        if len(signature.words) >= FEWEST:
            self._add_text(story, signature)
        return story

    def _add_text(self, story: _Story, signature: Signature) -> None:
        """Make a wording findable; it takes the place of the oldest."""
        place = self._next
        self._next = (place + 1) % self._capacity
        packed = np.array(signature.words, np.uint32).tobytes()
        self._texts[place] = _Text(story, packed, signature.is_cut_off)
        rows = (fingerprints(signature.words) & self._mask).astype(np.int64)
        held = self._buckets[rows]
        held[:, 1:] = held[:, :-1]
        held[:, 0] = place + 1
        self._buckets[rows] = held

    def _nearest(self, signature: Signature, published: int) -> _Text | None:
        """Return the wording that shares most with a text that is its near-copy."""
        if len(signature.words) < FEWEST:
            return None
        prints = fingerprints(signature.words)
        rows = (prints & self._mask).astype(np.int64)
        places = self._buckets[rows]
        shared: Counter[int] = Counter(places[places > 0].tolist())
        for place, count in shared.most_common(CANDIDATES):
            text = self._texts[place - 1]
            if text is None or self._recent(text.story, published) is None:
                continue
            shorter = min(len(prints), len(text.words) // 4)
            if count >= max(2, SHARED * shorter) and is_near_copy(signature, text.signature()):
                return text
        return None

    def _recent(self, story: _Story | None, published: int) -> _Story | None:
        """Return the story if it was told at about the time."""
        if story is None or abs(published - story.told_at) > self._memory_seconds:
            return None
        return story


def _is_repeated(mention: Mention, text: str) -> bool:
    """Return whether the text repeats another's words, and is not what anybody would say."""
    return mention.copy_of is not None or is_passed_on(text) or len(sign(text).words) >= FEWEST


def _is_same_text(mention: Mention, held: Mention) -> bool:
    made = held.enrichment
    return made is not None and made.content_version[2] == mention.version[2]


def _seconds(mention: Mention) -> int:
    return int((mention.published_at - EPOCH).total_seconds())
