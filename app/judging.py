"""Puts a rule's question to the index and its series to the judges of ``insights``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core.mention import Sentiment
from core.query.ast import And, FieldIs, Node, Or
from core.query.parser import parse
from core.questions import Selection
from core.settings import Rule, RuleKind
from core.window import TimeWindow
from insights.burst import VolumeSettings, judge_volume, replay_volume
from insights.negative import NegativeSettings, ShareSeries, judge_negative, replay_negative
from insights.series import Series
from insights.verdict import Verdict

if TYPE_CHECKING:
    from app.queries import Queries

HISTORY = timedelta(weeks=8)
"""What a baseline reads; see ``insights.baseline``."""

STEP = timedelta(minutes=5)
"""Buckets that rules are judged by: a big burst is seen in minutes."""

LABELS = tuple(Sentiment)


def rule_selection(rule: Rule, sentiments: Sequence[Sentiment] = ()) -> Selection:
    """Return the mentions that ``rule`` watches, or those of some sentiments among them."""
    parts: list[Node] = []
    if rule.query:
        parts.append(parse(rule.query))
    if sentiments:
        parts.append(Or(tuple(FieldIs("sentiment", label.value) for label in sentiments)))
    node = And(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else None)
    return Selection(query=node, topics=(rule.topic,))


def judge(queries: Queries, rule: Rule, now: datetime, step: timedelta = STEP) -> Verdict | None:
    """Return the verdict of ``rule`` on the last bucket that ended by ``now``.

    None before there is any mention of its topic.
    """
    window = TimeWindow.before(now, HISTORY)
    if queries.first_seen(rule_selection(rule)) is None:
        return None
    zone = queries.configuration.settings.time_zone
    if rule.kind is RuleKind.VOLUME_SPIKE:
        series = _series(queries, rule, (), window, step)
        return judge_volume(series, series.last_closed(now), volume_settings(rule, zone))
    shares = _shares(queries, rule, window, step)
    return judge_negative(shares, shares.scored.last_closed(now), negative_settings(rule, zone))


def replay(
    queries: Queries, rule: Rule, now: datetime, length: timedelta, step: timedelta = STEP
) -> Iterator[Verdict]:
    """Yield the verdicts at which ``rule`` would have fired in the ``length`` before ``now``."""
    window = TimeWindow.before(now, length + HISTORY)
    if queries.first_seen(rule_selection(rule)) is None:
        return
    zone = queries.configuration.settings.time_zone
    if rule.kind is RuleKind.VOLUME_SPIKE:
        series = _series(queries, rule, (), window, step)
        first, last = series.index_of(now - length), series.last_closed(now)
        yield from replay_volume(series, first, last, volume_settings(rule, zone))
    else:
        shares = _shares(queries, rule, window, step)
        first, last = shares.scored.index_of(now - length), shares.scored.last_closed(now)
        yield from replay_negative(shares, first, last, negative_settings(rule, zone))


def volume_settings(rule: Rule, zone: str) -> VolumeSettings:
    """Return how the rule judges volume."""
    return VolumeSettings(rule.false_alarms_per_week, rule.minimum, zone=zone)


def negative_settings(rule: Rule, zone: str) -> NegativeSettings:
    """Return how the rule judges the negative share."""
    return NegativeSettings(rule.false_alarms_per_week, minimum_scored=rule.minimum, zone=zone)


def _shares(queries: Queries, rule: Rule, window: TimeWindow, step: timedelta) -> ShareSeries:
    return ShareSeries(
        _series(queries, rule, (Sentiment.NEGATIVE,), window, step),
        _series(queries, rule, LABELS, window, step),
    )


def _series(
    queries: Queries,
    rule: Rule,
    sentiments: Sequence[Sentiment],
    window: TimeWindow,
    step: timedelta,
) -> Series:
    selection = replace(rule_selection(rule, sentiments), window=window)
    return queries.series(selection, window, step)
