"""The first page: a sentence, what is usual, how people feel, who is spoken of, what to share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.answers import (
    SENTIMENT_ORDER,
    Overview,
    SentencePart,
    SentimentPoint,
    Tone,
    TopicShare,
    VolumePoint,
    Worth,
)
from app.bursting import Burst, told_bursts
from app.measuring import measure
from app.quantifying import negative_share
from app.scope import Scope
from app.theming import count_themes
from app.versions import since_words
from core.fields import FIELDS
from core.mention import Channel, Mention, Sentiment
from core.questions import GroupField, Order, Selection
from core.settings import TopicKind
from core.text import indexed_tokens, tokenise
from core.window import TimeWindow, bucket_start
from insights.baseline import HOUR, Baseline, Holidays, fit_baseline
from insights.curation import Item, rank_worth_sharing
from insights.distributions import count_interval
from insights.measures import UsualRange, net_sentiment, share_of_voice, usual_range
from insights.sentence import LinkTarget, OverviewFacts, overview_sentence
from insights.series import Series, Span, fold
from insights.trends import Direction
from insights.verdict import USUAL_MASS, Learning

if TYPE_CHECKING:
    from app.queries import Queries

HISTORY = timedelta(weeks=8)
QUARTER = timedelta(minutes=15)
HOURLY_UP_TO = timedelta(days=3)
"""Longer windows are shown by the day: more than 72 bars say less, not more."""

SENTIMENT_PARTS = 8
"""Points of net sentiment in a short window, so that each rests on enough mentions."""

LEARNING_DAYS = 14
LEARNED_UP_TO = timedelta(days=7)
"""A longer window holds the history that it would be compared with."""

SHARED = 6
"""Things worth sharing that are shown; more is a list, not a pick."""

SHARE_POOL = 200
POST_RELEVANCE = 0.35
"""What a post counts beside an article, which is written to be read by strangers."""

PROLIFIC = 3
"""Who praises this often in three days sells something."""

ARTICLE_CHANNELS = (Channel.NEWS, Channel.BLOG, Channel.VIDEO)
POST_CHANNELS = (Channel.SOCIAL, Channel.FORUM)


def build_overview(queries: Queries, scope: Scope) -> Overview:
    """Return all that the first page shows, each number with the scope that opens it."""
    now = queries.now()
    scope = scope.pinned(now)
    window = scope.window(now)
    assert window is not None  # noqa: S101 - a pinned scope has one
    window = _from_first(queries, scope, window)
    selection = queries.selection(scope)
    stats = queries.stats_of(selection, scope.towards)
    hourly, reference = _history(queries, selection, window)
    days = queries.calendar.days
    usual = usual_range(reference, _whole_hours(window), zone=scope.zone, holidays=days)
    bursts = tuple(t for t in queries.trends(scope) if t.direction is Direction.RISING)
    inbox_scope = scope.needing_answer()
    inbox = queries.count(inbox_scope)
    news = told_bursts(queries, scope, bursts, now)
    facts = OverviewFacts(
        mentions=stats.mentions,
        since=window.start,
        usual=usual,
        learning=(
            None
            if usual or window.length > LEARNED_UP_TO
            else _learning(queries, selection, reference, window, scope.zone)
        ),
        bursts=[burst.news for burst in news],
        needing_answer=inbox,
    )
    before = window.previous()
    first = queries.counts.first_seen(selection)
    is_known = first is not None and first <= before.start
    return Overview(
        window=window,
        total=stats.mentions,
        usual=usual,
        sentence=_sentence(facts, scope, news, (stats.mentions, inbox), now),
        stats=stats,
        negative=negative_share(queries, scope, stats),
        previous=(
            queries.stats_of(replace(selection, window=before), scope.towards) if is_known else None
        ),
        volume=_volume(hourly, reference, window, now, scope.zone, days),
        sentiment=_sentiment(queries, selection, window, scope),
        shares=_shares(queries, scope),
        bursts=bursts,
        measures=measure(queries, scope),
        worth=_worth(queries, scope, now, [burst.news.about for burst in news if burst.is_quarrel]),
        inbox=inbox,
        inbox_scope=inbox_scope,
        has_history=bool(queries.index.size()),
        themes=count_themes(queries, scope, stats.mentions),
        moments=queries.moments(window, scope.selected_topics(queries.configuration)),
    )


def _from_first(queries: Queries, scope: Scope, window: TimeWindow) -> TimeWindow:
    """Return the window without the time before anything was known (a window of all time)."""
    first = queries.counts.first_seen(queries.selection(scope))
    if first is None or window.length <= HISTORY:
        return window if window.length <= HISTORY else TimeWindow.before(window.end, HISTORY)
    return TimeWindow(max(window.start, min(first, window.end)), window.end)


def _whole_hours(window: TimeWindow) -> TimeWindow:
    """Return the window moved onto whole hours: one that started at 13:20 counts from 13:00."""
    start = bucket_start(window.start, HOUR)
    return TimeWindow(start, start + max(round(window.length / HOUR), 1) * HOUR)


def _history(queries: Queries, selection: Selection, window: TimeWindow) -> tuple[Series, Series]:
    """Return what is drawn of the window and the weeks before it, and what a baseline reads of it.

    They differ where the query has changed since: what was counted is shown, not compared with.
    """
    reach = TimeWindow(window.start - HISTORY, max(window.end, window.start + HOUR))
    counts = queries.counts
    return counts.series(selection, reach, HOUR), counts.reference(selection, reach, HOUR)


def _learning(
    queries: Queries, selection: Selection, reference: Series, window: TimeWindow, zone: str
) -> Learning | None:
    covered = fit_baseline(reference, window.start).covered_hours
    if covered >= LEARNING_DAYS * 24:
        return None
    since = since_words(queries.counts.unlike(selection), reference.window, zone)
    return Learning(day=covered // 24 + 1, days=LEARNING_DAYS, threshold=None, since=since)


# --- the sentence


def _sentence(
    facts: OverviewFacts,
    scope: Scope,
    bursts: Sequence[Burst],
    counts: tuple[int, int],
    now: datetime,
) -> tuple[SentencePart, ...]:
    """Return the sentence's parts with the scopes that they open."""
    total, inbox = counts
    by_name = {burst.news.about: burst for burst in bursts}
    found = []
    for part in overview_sentence(facts, now, scope.zone):
        burst = by_name.get(part.about or "")
        if part.target is LinkTarget.ALL:
            found.append(SentencePart(part.text, scope, total))
        elif part.target is LinkTarget.NEEDS_ANSWER:
            found.append(SentencePart(part.text, scope.needing_answer(), inbox, Tone.TASK))
        elif part.target is LinkTarget.BURST and burst:
            found.append(SentencePart(part.text, burst.scope, burst.count, Tone.ALARM))
        elif part.target is LinkTarget.NEGATIVE and burst:
            negative = burst.news.negative
            found.append(SentencePart(part.text, burst.negative_scope, negative, Tone.ALARM))
        else:
            found.append(SentencePart(part.text))
    return tuple(found)


# --- charts


def volume_points(
    queries: Queries, selection: Selection, window: TimeWindow, now: datetime, zone: str
) -> tuple[VolumePoint, ...]:
    """Return mentions by the hour or the local day, with what was expected before the window."""
    hourly, reference = _history(queries, selection, window)
    return _volume(hourly, reference, window, now, zone, queries.calendar.days)


def _volume(
    hourly: Series,
    reference: Series,
    window: TimeWindow,
    now: datetime,
    zone: str,
    holidays: Holidays,
) -> tuple[VolumePoint, ...]:
    """Return mentions by the hour or the local day, with what was expected before the window."""
    baseline = fit_baseline(reference, window.start, zone=zone, holidays=holidays)
    is_known = baseline.covered_hours >= LEARNING_DAYS * 24
    span = Span.HOUR if window.length <= HOURLY_UP_TO else Span.DAY
    points = []
    for folded in fold(hourly.between(_aligned(window, span, zone)), span, zone):
        expected = _expected(baseline, folded.window) if is_known else None
        points.append(
            VolumePoint(
                window=folded.window,
                count=folded.count,
                is_covered=folded.is_covered or folded.window.end > now,
                is_complete=folded.window.end <= now,
                expected=expected.expected if expected else None,
                low=expected.low if expected else None,
                high=expected.high if expected else None,
            )
        )
    return tuple(points)


def _aligned(window: TimeWindow, span: Span, zone: str) -> TimeWindow:
    """Return the window from the start of its first hour or local day on."""
    if span is Span.HOUR:
        return TimeWindow(bucket_start(window.start, HOUR), window.end)
    local = window.start.astimezone(ZoneInfo(zone))
    return TimeWindow(local.replace(hour=0, minute=0, second=0), window.end)


def _expected(baseline: Baseline, window: TimeWindow) -> UsualRange:
    number = max(round(window.length / HOUR), 1)
    expected = float(baseline.expected(window.start, HOUR, number).sum())
    low, high = count_interval(expected, baseline.spread_over(number * HOUR), USUAL_MASS)
    return UsualRange(expected, low, high)


def _sentiment(
    queries: Queries, selection: Selection, window: TimeWindow, scope: Scope
) -> tuple[SentimentPoint, ...]:
    """Return net sentiment by a few hours or by the local day, towards the topic if it is one.

    Wider than the volume's buckets: a share of three mentions says nothing.
    """
    span = Span.HOUR if window.length <= HOURLY_UP_TO else Span.DAY
    aligned = _aligned(window, span, scope.zone)
    field = GroupField.SENTIMENT if scope.towards is None else GroupField.TOPIC_SENTIMENT
    counts: dict[datetime, dict[str, int]] = {}
    for bucket in queries.index.buckets(replace(selection, window=aligned), HOUR, field):
        topic, _, label = (bucket.value or "").rpartition("|")
        if topic == (scope.towards or ""):
            counts.setdefault(bucket.start, {})[label] = bucket.count
    points = []
    for part in _parts(aligned, window.length, scope.zone):
        sums = {label.value: 0 for label in SENTIMENT_ORDER}
        for at in part.buckets(HOUR):
            for label, count in counts.get(at, {}).items():
                if label in sums and at >= part.start:
                    sums[label] += count
        net = net_sentiment(sums["positive"], sums["neutral"], sums["negative"])
        points.append(SentimentPoint(part, net, sums))
    return tuple(points)


def _parts(aligned: TimeWindow, length: timedelta, zone: str) -> list[TimeWindow]:
    """Return local days, or as many hours together as make about eight parts."""
    if length > HOURLY_UP_TO:
        frame = Series.from_buckets(aligned, HOUR, {})
        return [folded.window for folded in fold(frame, Span.DAY, zone)]
    step = max(round(length / HOUR / SENTIMENT_PARTS), 1) * HOUR
    starts = []
    at = aligned.start
    while at < aligned.end:
        starts.append(at)
        at += step
    return [TimeWindow(start, min(start + step, aligned.end)) for start in starts]


# --- share of voice


def _shares(queries: Queries, scope: Scope) -> tuple[TopicShare, ...]:
    """Return each topic's part of its group: of the groups that the scope's topics belong to."""
    configuration = queries.configuration
    chosen = set(scope.selected_topics(configuration))
    groups = {topic.group for topic in configuration.topics if topic.name in chosen}
    rivals = [
        topic
        for topic in configuration.topics
        if topic.group in groups and topic.kind in (TopicKind.OWN, TopicKind.COMPETITOR)
    ]
    if len(rivals) < 2:
        return ()
    scopes = {t.name: replace(scope, topics=(t.name,), group=None) for t in rivals}
    counts = {name: queries.count(found) for name, found in scopes.items()}
    voice = share_of_voice(counts, sources=len(configuration.sources))
    if voice is None:
        return ()
    own = {topic.name for topic in rivals if topic.kind is TopicKind.OWN}
    return tuple(TopicShare(s, s.name in own, scopes[s.name]) for s in voice.shares)


# --- worth sharing


def _worth(
    queries: Queries, scope: Scope, now: datetime, quarrels: Sequence[str]
) -> tuple[Worth, ...]:
    """Return third-party articles and posts worth sharing, best first.

    What belongs to a quarrel is left out, however friendly it was scored.
    """
    recent = scope.within(TimeWindow.before(scope.until or now, timedelta(days=3)))
    recent = replace(recent, sentiments=(), status=None)
    pool: dict[str, Mention] = {}
    for channels, order in ((ARTICLE_CHANNELS, Order.NEWEST), (POST_CHANNELS, Order.ENGAGEMENT)):
        selection = queries.selection(replace(recent, channels=channels))
        for mention in queries.index.page(selection, SHARE_POOL, order).mentions:
            if _is_shareable(mention):
                pool[mention.id] = mention
    posts = Counter(_account(m) for m in pool.values() if m.channel in POST_CHANNELS)
    items = [
        _item(mention, quarrels) for mention in pool.values() if posts[_account(mention)] < PROLIFIC
    ]
    picked = rank_worth_sharing(items, now, SHARED)
    return tuple(
        Worth(
            mention=pool[found.item.id],
            score=found.score,
            factors=(
                ("relevance", found.relevance),
                ("freshness", found.freshness),
                ("traction", found.traction),
                ("source", found.quality),
            ),
        )
        for found in picked
    )


def _account(mention: Mention) -> tuple[str, str] | None:
    return (mention.author.service, mention.author.id) if mention.author else None


def _is_shareable(mention: Mention) -> bool:
    """Return whether a mention can be shared at all: an original with an address and a body.

    Of what people post, only praise: a neutral post is as often a complaint in a mild tone.
    """
    # A feed that carries another site's article links to the original, which is what is shared.
    is_original = mention.parent_id is None and mention.copy_of in (None, mention.url)
    if mention.channel not in ARTICLE_CHANNELS and mention.sentiment is not Sentiment.POSITIVE:
        return False
    return is_original and mention.url is not None and len(mention.text) >= 80


def _item(mention: Mention, quarrels: Sequence[str]) -> Item:
    said = [token.folded for token in tokenise(f"{mention.title or ''} {mention.text}")]
    phrases = FIELDS["phrase"].read(mention)
    is_article = mention.channel in ARTICLE_CHANNELS
    made = mention.enrichment
    return Item(
        id=mention.id,
        tokens=frozenset(said),
        published_at=mention.published_at,
        source=mention.sources[0] if mention.sources else mention.service,
        relevance=1.0 if mention.title and is_article else POST_RELEVANCE,
        engagement=mention.engagement.total,
        sentiment=mention.sentiment.value if mention.sentiment else None,
        is_safe=not (made and (made.is_offensive or made.is_brief))
        and not any(
            quarrel in phrases or f" {indexed_tokens(quarrel)} " in f" {' '.join(said)} "
            for quarrel in quarrels
        ),
    )
