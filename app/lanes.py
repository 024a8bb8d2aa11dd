"""What the enricher takes next, how much of it, and how closely it is read.

There are two lanes. The spool brings what is new: news first, then what bulk producers appended.
``later`` holds what was stored briefly; it is read in full when nothing else waits. A batch of it
that cannot be done now waits beside the spool, never before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.ports import SpoolEntry

if TYPE_CHECKING:
    from app.stores.file_spool import FileSpool
    from core.mention import Mention, Version

SMALLEST_BATCH = 64
"""Fewer would spend their time on commits. What a start begins with."""

BATCH_SECONDS = 1.0
"""What a batch should take, whatever the machine: what waits for its end is seen no earlier."""

PROMPT = timedelta(seconds=10)
"""What was collected longer ago is analysed briefly at first."""

RECENT = timedelta(days=1)
"""What was published longer ago is analysed in full at once: it is what news is compared with, and
without its names everyone named today would seem new."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two attempts at one batch: each pause is twice the one before it."""


class Pace:
    """How many entries are taken at once: as many as are done in about BATCH_SECONDS."""

    def __init__(self, most: int) -> None:
        """Begin with few; never take more than ``most``."""
        self._most, self.size = most, min(most, SMALLEST_BATCH)

    def note(self, count: int, seconds: float) -> None:
        """Take more after a full batch that was quick, less after one that was slow."""
        if seconds > 2 * BATCH_SECONDS:
            self.size = max(self.size // 2, min(self._most, SMALLEST_BATCH))
        elif count >= self.size and seconds < BATCH_SECONDS / 2:
            self.size = min(self.size * 2, self._most)


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that are done at once: where they are from, and how closely they are analysed.

    ``put_off`` are the ids and versions that wait in ``later`` since an earlier attempt at it.
    """

    spool: FileSpool
    entries: Sequence[SpoolEntry]
    is_brief: bool = False
    put_off: set[tuple[str, Version]] = field(default_factory=set)


class Lanes:
    """Chooses the batches of one enricher."""

    def __init__(
        self, spool: FileSpool, later: FileSpool, clock: Callable[[], datetime], most: int
    ) -> None:
        """Take at most ``most`` entries at once."""
        self._spool, self._later, self._clock = spool, later, clock
        self._full, self._brief = Pace(most), Pace(most)
        self._held: list[SpoolEntry] = []
        self._given_back: Batch | None = None
        self._due, self._pause = 0.0, FIRST_PAUSE

    def next(self, *, drain: bool) -> Batch:
        """Return what is to be done next; without entries where there is nothing.

        What is read of the news is held until it is its turn. Of what bulk producers appended no
        more is read than is done at once, so that news that comes meanwhile goes before the rest.
        """
        most = max(self._full.size, self._brief.size)
        if len(self._held) < most:
            self._held += self._spool.read(most - len(self._held), bulk=False)
        entries = self._held or self._spool.read(self._full.size)
        if not entries:
            return self._of_later(drain=drain)
        is_brief = not drain and self._is_late(entries)
        size = (self._brief if is_brief else self._full).size
        self._held = entries[size:]
        return Batch(self._spool, entries[:size], is_brief)

    def _of_later(self, *, drain: bool) -> Batch:
        """Return what was put off; what was given back first, when its pause is over."""
        if self._given_back is None:
            return Batch(self._later, self._later.read(self._full.size))
        if time.monotonic() < self._due and not drain:
            return Batch(self._later, ())
        batch, self._given_back = self._given_back, None
        return batch

    def give_back(self, batch: Batch) -> float | None:
        """Have a batch that cannot be done now come again after a pause, and return its seconds.

        Return None for what comes in: that is waited for.
        """
        if batch.spool is not self._later:
            return None
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        self._given_back, self._due = batch, time.monotonic() + pause
        return pause

    def after_pause(self, batch: Batch) -> Batch:
        """Return a batch of what comes in as it is to be tried again.

        The models may be what fails: what is late by now is seen and told without them.
        """
        return replace(batch, is_brief=self._is_late(batch.entries))

    def done(self, batch: Batch, seconds: float) -> None:
        """Say that a batch is through, and how long that took."""
        (self._brief if batch.is_brief else self._full).note(len(batch.entries), seconds)
        if batch.spool is self._later:
            self._pause = FIRST_PAUSE

    def _is_late(self, entries: Sequence[SpoolEntry]) -> bool:
        """Return whether the first of them is news that waited too long to be analysed in full."""
        first = next((one for one in entries if one.envelope and one.envelope.mention), None)
        news = self._news(first) if first else None
        return news is not None and self._clock() - news.collected_at > PROMPT

    def _news(self, entry: SpoolEntry) -> Mention | None:
        """Return the mention of an entry; None for history and for what is to be done again."""
        mention = entry.envelope.mention if entry.envelope else None
        is_recent = mention is not None and self._clock() - mention.published_at < RECENT
        return mention if is_recent and is_new(entry) else None

    def reads_briefly(self, batch: Batch, entry: SpoolEntry) -> bool:
        """Return whether an entry of the batch is analysed briefly: only news is."""
        return batch.is_brief and self._news(entry) is not None


def is_new(entry: SpoolEntry) -> bool:
    """Return whether an entry does not ask to enrich anew what was stored before."""
    return entry.envelope is None or not entry.envelope.again
