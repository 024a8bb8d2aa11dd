"""Puts a rule's question to the index and its series to the judges of ``insights``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from app.scope import sentiment_node
from app.versions import since_words
from core.mention import Sentiment
from core.query.ast import And, FieldIs, Node, walk
from core.query.parser import parse
from core.questions import Selection
from core.rules import (
    BurstRule,
    CompetitorMoveRule,
    NegativeSpikeRule,
    TopicRule,
    VolumeSpikeRule,
)
from core.versions import Unlike
from core.window import TimeWindow, bucket_start
from insights.baseline import HOUR, Baseline
from insights.burst import VolumeSettings, judge_volume, scan_shifts, scan_volume
from insights.levels import Shift
from insights.negative import NegativeSettings, judge_negative, scan_negative
from insights.rehearsal import Rehearsal
from insights.rehearsed import NegativeRehearsal, VolumeRehearsal
from insights.series import Series
from insights.shares import ShareSeries
from insights.verdict import Measure, Scan, Verdict

if TYPE_CHECKING:
    from app.calendar import Calendar
    from app.queries import Queries

HISTORY = timedelta(weeks=8)
"""What a baseline reads; see ``insights.baseline``."""

RECENT = timedelta(days=3)
"""What is read minute by minute: the longest window, and how far back "since when" may reach."""

STEP = timedelta(minutes=1)
"""Buckets that rules are judged by: a big burst is seen in minutes, and nobody waits for more."""

REHEARSED = timedelta(days=30)
"""How much a rehearsal reads minute by minute: crises are tried on these days."""

LABELS = tuple(Sentiment)

FIRST_TOLD = FieldIs("copy", "false")
"""Holds for mentions that repeat no story told before."""


def rule_selection(
    rule: TopicRule, now: datetime, sentiments: Sequence[Sentiment] = ()
) -> Selection:
    """Return the mentions that ``rule`` watches, or those of some sentiments towards its topic.

    ``now`` is what the rule's query means by it. Raises QueryError.
    """
    parts: list[Node] = []
    if rule.watched_query:
        parts.append(parse(rule.watched_query, now))
    if sentiments:
        parts.append(sentiment_node(sentiments, rule.topic))
    node = And(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else None)
    return Selection(query=node, topics=(rule.topic,))


def without_copies(selection: Selection) -> Selection:
    """Return the selection's first tellings alone: what rules judge.

    A report that sixty sites print is no crisis. A query that names ``copy`` itself decides.
    """
    query = selection.query
    if query is None:
        return replace(selection, query=FIRST_TOLD)
    if any(getattr(node, "field", None) == FIRST_TOLD.field for node in walk(query)):
        return selection
    return replace(selection, query=And((query, FIRST_TOLD)))


def judge(
    queries: Queries, rule: BurstRule, now: datetime, step: timedelta = STEP
) -> Verdict | None:
    """Return the verdict of ``rule`` on the last bucket that ended by ``now``.

    None before there is any mention of its topic.
    """
    if queries.counts.first_seen(rule_selection(rule, now)) is None:
        return None
    judged = judged_by(queries, rule, now, RECENT, step)
    verdict = judged.judge(judged.observed.last_closed(now))
    if verdict.learning is None:
        return verdict
    reach = TimeWindow.before(now, HISTORY)
    since = since_words(
        _unlike(queries, rule, now), reach, queries.configuration.settings.time_zone
    )
    return replace(verdict, learning=replace(verdict.learning, since=since))


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule counts, and how it judges one bucket, or many at once.

    ``shifts`` are the level shifts that it would have told, with when, among what was scanned.
    """

    observed: Series
    judge: Callable[[int], Verdict]
    scan: Callable[[int, int], Scan]
    shifts: Callable[[], list[tuple[datetime, Shift]]] = list


def judged_by(
    queries: Queries, rule: BurstRule, now: datetime, length: timedelta, step: timedelta
) -> Judged:
    """Return what ``rule`` counts in the ``length`` before ``now``, and how it judges that."""
    calendar = queries.calendar
    if isinstance(rule, VolumeSpikeRule):
        series, hours = _volumes(queries, rule, now, length, step)
        volume = volume_settings(rule, calendar)
        fitted: dict[datetime, Baseline] = {}
        return Judged(
            series,
            lambda index: judge_volume(series, index, volume, hours),
            lambda first, last: scan_volume(series, first, last, volume, hours, fitted),
            lambda: scan_shifts(fitted, volume, max(volume.windows)),
        )
    shares, history = _shares(queries, rule, now, length, step)
    negative = negative_settings(rule, calendar)
    measure = Measure.SHARE if isinstance(rule, CompetitorMoveRule) else Measure.NEGATIVE
    return Judged(
        shares.negative,
        lambda index: replace(judge_negative(shares, index, negative, history), measure=measure),
        lambda first, last: scan_negative(shares, first, last, negative, history),
    )


def rehearsal_of(queries: Queries, rule: BurstRule, now: datetime) -> Rehearsal:
    """Return the rule with its history, to be tried on weeks like the quiet ones.

    Raises NotEnoughHistoryError under four weeks of history.
    """
    calendar = queries.calendar
    until = bucket_start(now, HOUR)
    if isinstance(rule, VolumeSpikeRule):
        volumes = _volumes(queries, rule, until, REHEARSED, STEP)
        return VolumeRehearsal(*volumes, volume_settings(rule, calendar))
    shares = _shares(queries, rule, until, REHEARSED, STEP)
    return NegativeRehearsal(*shares, negative_settings(rule, calendar))


def _volumes(
    queries: Queries, rule: BurstRule, now: datetime, length: timedelta, step: timedelta
) -> tuple[Series, Series]:
    """Return the rule's mentions of the ``length`` before ``now``, and for longer in hours."""
    history = _counted(queries, rule, now, TimeWindow.before(now, length + HISTORY), HOUR)
    return (
        _counted(queries, rule, now, TimeWindow.before(now, length), step),
        history.without(one.window for one in _unlike(queries, rule, now)),
    )


def _shares(
    queries: Queries, rule: BurstRule, now: datetime, length: timedelta, step: timedelta
) -> tuple[ShareSeries, ShareSeries]:
    """Return a part and what it is a part of, in the ``length`` before ``now`` and for longer.

    Negative mentions of those scored; for a competitor's move, its mentions of its group's, as that
    part is tested as the negative one is.
    """
    near, far = TimeWindow.before(now, length), TimeWindow.before(now, length + HISTORY)
    is_move = isinstance(rule, CompetitorMoveRule)
    group = group_of(queries, rule.topic) if is_move else ()
    part, whole = ((), ()) if is_move else ((Sentiment.NEGATIVE,), LABELS)
    unlike = [one.window for one in _unlike(queries, rule, now)]

    def share(window: TimeWindow, by: timedelta, without: Sequence[TimeWindow]) -> ShareSeries:
        some = _counted(queries, rule, now, window, by, sentiments=part).without(without)
        all_ = _counted(queries, rule, now, window, by, sentiments=whole, topics=group)
        # Between the two questions a mention may have been marked as not about the topic.
        counts = np.minimum(some.counts, all_.counts)
        return ShareSeries(replace(some, counts=counts), all_.without(without))

    return share(near, step, ()), share(far, HOUR, unlike)


def _unlike(queries: Queries, rule: BurstRule, now: datetime) -> list[Unlike]:
    """Return when what ``rule`` compares was tagged or scored otherwise than now."""
    is_negative = isinstance(rule, NegativeSpikeRule)
    selection = rule_selection(rule, now, LABELS if is_negative else ())
    if isinstance(rule, CompetitorMoveRule):
        selection = replace(selection, topics=tuple(group_of(queries, rule.topic)))
    return queries.counts.unlike(selection)


def _counted(
    queries: Queries,
    rule: BurstRule,
    now: datetime,
    window: TimeWindow,
    step: timedelta,
    *,
    sentiments: Sequence[Sentiment] = (),
    topics: Sequence[str] = (),
) -> Series:
    """Return how many mentions ``rule`` counts, of ``topics`` where they are not its own."""
    selection = without_copies(rule_selection(rule, now, sentiments))
    selection = replace(selection, window=window, topics=tuple(topics) or selection.topics)
    return queries.counts.series(selection, window, step)


def group_of(queries: Queries, name: str) -> list[str]:
    """Return the topics that share a group with the topic called ``name``, itself among them."""
    topics = queries.configuration.topics
    groups = {topic.group for topic in topics if topic.name == name}
    return [topic.name for topic in topics if topic.group in groups] or [name]


def volume_settings(rule: BurstRule, calendar: Calendar) -> VolumeSettings:
    """Return how the rule judges volume."""
    return VolumeSettings(
        rule.false_alarms_per_week, rule.minimum, zone=calendar.zone, holidays=calendar.days
    )


def negative_settings(rule: BurstRule, calendar: Calendar) -> NegativeSettings:
    """Return how the rule judges the negative share."""
    budget, zone = rule.false_alarms_per_week, calendar.zone
    if isinstance(rule, CompetitorMoveRule):
        # What must be so many are the competitor's own mentions.
        return NegativeSettings(budget, rule.minimum, rule.minimum, counts_too=False, zone=zone)
    return NegativeSettings(budget, minimum_scored=rule.minimum, zone=zone, holidays=calendar.days)
