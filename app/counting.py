"""Counts mentions over time, and knows of which hours the count can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from app.heard import Share, comparable_from, shares_of
from app.versions import unlike_in
from core.mention import Mention
from core.ports import Index
from core.query.ast import And, FieldIs, FieldRange, Node, Not
from core.questions import Order, Selection
from core.versions import Unlike, Version, VersionKind
from core.window import EPOCH, QUARTER, TimeWindow, bucket_start, check_step
from insights.baseline import HOUR
from insights.distributions import FloatArray
from insights.series import Series

if TYPE_CHECKING:
    from app.stores.gaps import Gap
    from app.stores.state import StateStore

PATIENCE = 3
"""Polls in a row that may be missing before nobody is said to collect; one is a restart."""

ALL_READ = timedelta(weeks=9)
"""No baseline reads further back."""

WAITED = timedelta(hours=1)
"""What waits no longer than this to be read lies in the windows of any rule."""

WAITED_AT_MOST = timedelta(days=2)

REMEMBERED_SERIES = 400
"""Series that one round keeps: two for each of 200 topics, about 40 MB."""


HISTORY_AGE = timedelta(days=1)
"""What was published longer ago is history when it arrives: no rule is about it."""

SETTLED_AFTER = timedelta(seconds=15)
"""A first poll brings page after page; after so long without any, history is there."""

ARRIVING_SHARE = 0.02
ARRIVING_LEAST = 5
"""So much of a topic's history, and so many, in that time: less does not change what is usual."""


class Counts:
    """Counts over time of what an index holds, with the share of sources that could be polled.

    ``every`` is how often any source is asked, ``own`` how often each is. With ``is_one_round`` it
    serves one round over many rules, at one instant: what several of them ask is asked once.
    """

    def __init__(
        self,
        state: StateStore,
        index: Index,
        clock: Callable[[], datetime],
        every: timedelta = timedelta(),
        own: Mapping[str, timedelta] | None = None,
        *,
        is_one_round: bool = False,
    ) -> None:
        self._state, self._index, self._is_one_round = state, index, is_one_round
        self._clock, self._every, self._own = clock, every, own or {}
        self._told_series: dict[tuple[Selection, TimeWindow, timedelta], Series] = {}
        self._told_first: dict[tuple[str, ...], datetime | None] = {}
        self._arrived: dict[tuple[tuple[str, ...], datetime], int] = {}
        self._last_covered: dict[timedelta, tuple[TimeWindow, FloatArray]] = {}
        self._told_versions: list[Version] | None = None
        self._told_lasting: list[TimeWindow] | None = None
        self._told_heard: dict[tuple[str, ...], datetime] = {}
        self._told_shares: list[Share] | None = None
        self._told_unread: Sequence[Mention] | None = None

    def series(self, selection: Selection, window: TimeWindow, step: timedelta) -> Series:
        """Return gap-free counts of the selection in ``window``.

        Buckets before enough of its topics is known (``heard_from``) are unknown, and so are those
        in which nobody collected (``unheard``); hours in which sources failed are covered by the
        share of polls that went well.
        """
        key = (selection, window, step)
        if key not in self._told_series:
            series = self._read_series(selection, window, step)
            if not self._is_one_round:
                return series
            if len(self._told_series) >= REMEMBERED_SERIES:
                self._told_series.pop(next(iter(self._told_series)))
            self._told_series[key] = series
        return self._told_series[key]

    def reference(self, selection: Selection, window: TimeWindow, step: timedelta) -> Series:
        """Return ``series`` as a baseline may read it.

        Unknown is what another query tagged, or another model scored, than those of now.
        """
        unlike = [one.window for one in self.unlike(selection)]
        return self.series(selection, window, step).without(unlike)

    def unlike(self, selection: Selection) -> list[Unlike]:
        """Return when the selection's mentions were tagged or scored otherwise than now."""
        if self._told_versions is None or not self._is_one_round:
            self._told_versions = self._state.versions.all()
        return unlike_in(self._told_versions, selection)

    def _read_series(self, selection: Selection, window: TimeWindow, step: timedelta) -> Series:
        start = bucket_start(window.start, check_step(step))
        aligned = TimeWindow(start, window.end)
        counts = np.zeros(-((start - aligned.end) // step), dtype=np.int64)
        asked = self._as_known(replace(selection, window=aligned))
        for bucket in self._index.buckets(asked, step):
            counts[(bucket.start - start) // step] = bucket.count
        return Series.build(
            start,
            step,
            counts,
            self._covered(aligned, step),
            covered_from=self.heard_from(selection) or aligned.end,
        )

    def heard_from(self, selection: Selection) -> datetime | None:
        """Return from when on enough is known of the selection's topics; None before any mention.

        That is when the oldest was published, or later where only small sources reach so far back.
        """
        first = self.first_seen(selection)
        if first is None:
            return None
        if selection.topics not in self._told_heard:
            shares = self._shares(selection.topics, first)
            heard = max(first, comparable_from(shares) or first)
            if not self._is_one_round:
                return heard
            self._told_heard[selection.topics] = heard
        return self._told_heard[selection.topics]

    def _shares(self, topics: tuple[str, ...], first: datetime) -> list[Share]:
        """Return what each source brings of ``topics``; none where all were asked for long."""
        now = self._clock()
        asked = self._state.asked()
        since = self._collected_since(topics)
        begun = [one.first for one in asked.values()] + ([since] if since else [])
        if not asked or max(begun) <= now - ALL_READ:
            return []
        current = self._own or asked
        span = TimeWindow(first, max(first, now))
        return shares_of(self._index, asked, current, topics, span, since)

    def _collected_since(self, topics: tuple[str, ...]) -> datetime | None:
        """Return when the youngest of ``topics`` was first asked for; None where nobody knows."""
        if self._told_versions is None or not self._is_one_round:
            self._told_versions = self._state.versions.all()
        begun: dict[str, datetime] = {}
        for one in self._told_versions:
            kind, topic = one.subject
            if kind is VersionKind.QUERY and topic in topics:
                begun[topic] = min(begun.get(topic, one.at), one.at)
        return max(begun.values(), default=None)

    def _as_known(self, selection: Selection) -> Selection:
        """Return the selection without what came only later than the clock's instant.

        A clock that was set back to a gap knows nothing of what was brought after the gap.
        """
        if self._told_lasting is None or not self._is_one_round:
            self._told_lasting = self._state.gaps.lasting(self._clock())
        # A visit brings page after page before it says that the gap is over.
        came = FieldRange("known", self._clock(), None, includes_low=False)
        later: list[Node] = [
            Not(And((FieldRange("published", gap.start, None), came))) for gap in self._told_lasting
        ]
        if selection.query is not None:
            later.append(selection.query)
        return replace(selection, query=And(tuple(later))) if self._told_lasting else selection

    def first_seen(self, selection: Selection) -> datetime | None:
        """Return when the oldest mention of the selection's topics was published."""
        if selection.topics in self._told_first:
            return self._told_first[selection.topics]
        oldest = self._index.page(Selection(topics=selection.topics), 1, Order.OLDEST).mentions
        found = oldest[0].published_at if oldest else None
        if self._is_one_round:
            self._told_first[selection.topics] = found
        return found

    def is_history_arriving(self, topics: tuple[str, ...], now: datetime) -> bool:
        """Return whether a topic's past is just being collected or imported.

        Until it is there, what is usual would be read off a part of it. As each share of what is
        known has to be surpassed by the next, this ends after minutes, also in a long import.
        """
        arrived = self._arrived_of((), now) and self._arrived_of(topics, now)
        if arrived < ARRIVING_LEAST:
            return False
        past = TimeWindow(EPOCH, now - HISTORY_AGE)
        return arrived >= ARRIVING_SHARE * self._index.count(Selection(window=past, topics=topics))

    def _arrived_of(self, topics: tuple[str, ...], now: datetime) -> int:
        """Return how much history of ``topics`` became known in the last seconds."""
        if (topics, now) not in self._arrived:
            known = FieldRange("known", now - SETTLED_AFTER, now)
            past = TimeWindow(EPOCH, now - HISTORY_AGE)
            count = self._index.count(Selection(query=known, window=past, topics=topics))
            if not self._is_one_round:
                return count
            self._arrived[topics, now] = count
        return self._arrived[topics, now]

    def coverage(self, window: TimeWindow, step: timedelta) -> dict[datetime, float]:
        """Return, for each bucket, the share of its sources that could be polled.

        Time before the first poll counts as covered: it was imported, or fetched as history later.
        """
        covered = self._covered(window, step)
        return dict(zip(window.buckets(step), map(float, covered), strict=True))

    def gaps(self, window: TimeWindow) -> list[Gap]:
        """Return the gaps of ``window``, in order, longer than the ordinary pause between polls."""
        found = self._state.gaps.between(window, self._clock())
        return [
            one
            for one in found
            if one.window.length > PATIENCE * self._own.get(one.source or "", self._every)
        ]

    def unheard(self, window: TimeWindow) -> list[TimeWindow]:
        """Return when nobody collected and nothing of that time came later.

        A source that is asked again brings what it still has. From the first mentions of a gap on
        that it brought, it is known what was said there; the gap is where that is enough of them.
        """
        gaps = [one.window for one in self.gaps(window) if one.source is None]
        if not gaps:
            return []
        span = TimeWindow(gaps[0].start, max(one.end for one in gaps))
        heard = self._heard_by_source(span)
        found = []
        for gap in gaps:
            # A quarter that the gap begins in may hold what was heard before.
            known = [
                replace(share, since=first)
                for share, starts in heard
                if (first := next((at for at in starts if gap.start <= at < gap.end), None))
            ]
            deaf = TimeWindow(gap.start, self._known_from(known) or gap.end)
            if deaf.end > window.start:
                found.append(TimeWindow(max(deaf.start, window.start), min(deaf.end, window.end)))
        return [one for one in found if one.length]

    def _heard_by_source(self, span: TimeWindow) -> list[tuple[Share, list[datetime]]]:
        """Return of each source what it brings, and the quarters of ``span`` that it knows of."""
        found = []
        for share in self._all_shares():
            by = FieldIs("source", share.source)
            brought = Selection(by, window=span, include_own=True, include_irrelevant=True)
            starts = [bucket.start for bucket in self._index.buckets(brought, QUARTER)]
            found.append((share, starts))
        return found

    def _known_from(self, known: Sequence[Share]) -> datetime | None:
        """Return when of ``known`` enough reach back; where no source is asked, any is enough."""
        wanted = [one for one in self._all_shares() if one.is_current and one.rate]
        if not wanted:
            return min((one.since for one in known), default=None)
        return comparable_from(known, of=wanted)

    def _all_shares(self) -> list[Share]:
        """Return what each source brings of all topics."""
        if self._told_shares is None or not self._is_one_round:
            now, asked = self._clock(), self._state.asked()
            first = self.first_seen(Selection()) or now
            span = TimeWindow(max(first, now - ALL_READ), max(first, now))
            self._told_shares = shares_of(self._index, asked, self._own or asked, (), span)
        return self._told_shares

    def unread(self) -> TimeWindow | None:
        """Return when what was collected waited to be read, where that ended of late.

        The enricher was down, or the index. None where nothing waited for over an hour.
        """
        if self._told_unread is None or not self._is_one_round:
            now = self._clock()
            late = FieldRange("known", now - WAITED, now)
            early = FieldRange("collected", None, now - 2 * WAITED)
            window = TimeWindow.before(now, WAITED_AT_MOST)
            asked = Selection(And((late, early)), window, include_own=True)
            self._told_unread = self._index.page(asked, 1, Order.OLDEST).mentions
        for one in self._told_unread:
            if one.known_at is not None and one.known_at > one.collected_at:
                return TimeWindow(one.collected_at, one.known_at)
        return None

    def is_collecting(self) -> bool:
        """Return whether a source was ever asked; else mentions come when somebody imports."""
        return bool(self._state.last_polls())

    def unwatched(self, window: TimeWindow) -> timedelta:
        """Return how much of ``window`` lies in hours in which no source was polled at all.

        None of it where no source was polled in the day before either: nothing is collected here.
        """
        before = TimeWindow(window.start - timedelta(days=1), window.end)
        polled = {hour.hour for hour in self._state.polls_by_hour(before)}
        if not polled:
            return timedelta()
        lost = timedelta()
        at = bucket_start(window.start, HOUR)
        while at < window.end:
            if at not in polled:
                lost += min(at + HOUR, window.end) - max(at, window.start)
            at += HOUR
        return lost

    def _covered(self, window: TimeWindow, step: timedelta) -> FloatArray:
        """Return the coverage of each bucket; asked again for the same window by every rule."""
        known = self._last_covered.get(step)
        if known is None or known[0] != window:
            start = bucket_start(window.start, step)
            number = max(-((start - window.end) // step), 0)
            hours = (start.timestamp() + np.arange(number) * step.total_seconds()) // 3600
            first = int(hours[0]) if number else 0
            shares = np.ones(int(hours[-1]) - first + 1 if number else 0)
            for at, share in self._shares_by_hour(window).items():
                place = int(at.timestamp()) // 3600 - first
                if 0 <= place < shares.size:
                    shares[place] = share
            covered = shares[hours.astype(np.int64) - first]
            leave_out(covered, start, step, self.unheard(window))
            known = self._last_covered[step] = (window, covered)
        return known[1]

    def _shares_by_hour(self, window: TimeWindow) -> dict[datetime, float]:
        """Return the share of polls that went well, of hours in which any source was polled."""
        by_hour: dict[datetime, list[float]] = {}
        for hour in self._state.polls_by_hour(window):
            well = hour.ok + hour.not_modified
            by_hour.setdefault(hour.hour, []).append(well / hour.polls if hour.polls else 1.0)
        return {at: sum(values) / len(values) for at, values in by_hour.items()}


def leave_out(
    coverage: FloatArray, start: datetime, step: timedelta, windows: Iterable[TimeWindow]
) -> None:
    """Take ``windows`` out of the ``coverage`` of buckets of ``step`` from ``start`` on, in place.

    Of a bucket that lies in one only in part, the rest stays covered.
    """
    for window in windows:
        low = max((window.start - start) / step, 0.0)
        high = min((window.end - start) / step, float(coverage.size))
        places = np.arange(int(low), int(np.ceil(high)))
        part = np.minimum(places + 1, high) - np.maximum(places, low)
        coverage[places] *= 1 - part
