"""The burst that the sentence tells: of a term, else of a topic as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.answers import Stats, TrendRow
from app.scope import Scope
from core.mention import Sentiment
from core.window import TimeWindow, bucket_start
from insights.baseline import HOUR
from insights.burst import VolumeSettings, fit_volume, judge_volume
from insights.sentence import BurstNews

if TYPE_CHECKING:
    from app.queries import Queries

HISTORY = timedelta(weeks=8)
QUARTER = timedelta(minutes=15)

WORTH_TELLING = 8
"""Fewer mentions of a term are listed below, but are no headline (as a volume rule's minimum)."""


OURS = ("theme", "discovered")
"""Kinds of terms that are named by us, not by those who write."""

TELLING_SHARE = 1 / 3
"""A term that holds less of a topic's burst is one of many, and the topic says more."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A burst as it is told, with the scopes behind its two numbers.

    ``is_quarrel`` says that a term bursts and most of what was scored in it is negative.
    """

    news: BurstNews
    scope: Scope
    count: int
    negative_scope: Scope
    is_quarrel: bool


def told_bursts(
    queries: Queries, scope: Scope, bursts: Sequence[TrendRow], now: datetime
) -> list[Burst]:
    """Return what bursts in words: since when, how unusual, and how negative.

    The strongest term that makes up much of it, else the topic whose volume stands out most.
    """
    whole = _strongest_topic(queries, scope, now)
    least = max(WORTH_TELLING, whole.count * TELLING_SHARE if whole else 0)
    # What people write says more than what we call it.
    for row in sorted(bursts, key=lambda row: row.kind in OURS):
        narrowed = replace(row.scope, since=scope.since, until=scope.until)
        if row.observed >= least:
            found = _run(queries, narrowed, now) or (row.window.start, row.factor)
            return [_told(queries, narrowed, row.label, found, is_term=True)]
    return [whole] if whole else []


def _strongest_topic(queries: Queries, scope: Scope, now: datetime) -> Burst | None:
    """Return the burst of the topic whose volume stands out most."""
    topics = []
    for name in scope.selected_topics(queries.configuration):
        narrowed = replace(scope, topics=(name,), group=None)
        run = _run(queries, narrowed, now)
        if run is not None:
            topics.append(_told(queries, narrowed, name, run, is_term=False))
    return max(topics, key=lambda burst: burst.news.factor or 0.0, default=None)


def _told(
    queries: Queries, narrowed: Scope, about: str, run: tuple[datetime, float], *, is_term: bool
) -> Burst:
    since, factor = run
    found = replace(narrowed, since=since)
    stats: Stats = queries.stats_of(queries.selection(found), found.towards)
    scored = sum(stats.sentiment.values())
    negative = stats.sentiment["negative"]
    news = BurstNews(
        about=about,
        factor=factor,
        since=since,
        negative=negative if scored else None,
        scored=scored or None,
    )
    return Burst(
        news=news,
        scope=found,
        count=stats.mentions,
        negative_scope=replace(found, sentiments=(Sentiment.NEGATIVE,)),
        is_quarrel=is_term and scored > 0 and 2 * negative >= scored,
    )


def _run(queries: Queries, narrowed: Scope, now: datetime) -> tuple[datetime, float] | None:
    """Return since when the scope's mentions burst, and by which factor since then.

    None where nothing stands out, or where too little history says what is usual.
    """
    end = narrowed.until or now
    series = queries.counts.reference(
        queries.selection(narrowed), TimeWindow.before(end, HISTORY), QUARTER
    )
    settings = VolumeSettings(
        minimum=WORTH_TELLING, zone=narrowed.zone, holidays=queries.calendar.days
    )
    verdict = judge_volume(series, len(series) - 1, settings)
    if verdict.started_at is None or verdict.learning is not None:
        return None
    since = verdict.started_at
    baseline = fit_volume(series, bucket_start(since, HOUR), settings)
    number = len(series) - series.index_of(since)
    expected = float(baseline.expected(since, QUARTER, number).sum())
    observed = queries.count(narrowed.within(TimeWindow(since, end)))
    return (since, observed / expected) if expected > 0 else None
