"""How far back what sources brought can be compared with what they bring now.

A source that is asked for the first time brings what it still has: thirty days, three hours, or
nothing. Time that only small ones of them reach back to looks quiet, and was not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.ports import Index
from core.questions import BucketCount, GroupField, Selection
from core.window import TimeWindow, bucket_start

ENOUGH = 2 / 3
"""Sources of so much of what is said now must reach back to a time for it to be comparable."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

LATELY, LONG = timedelta(days=14), timedelta(weeks=8)
"""What a source brings is read off its last two weeks or eight, whichever were the livelier,"""

BLOCK, LOUDEST = timedelta(hours=6), 0.05
"""but for the loudest twentieth of its quarters of a day, and one at least: what a crisis brings is
not what a source does."""

FEWEST_BLOCKS = 3

STEADY = timedelta(hours=6)
"""A source is taken to bring nothing for so long before it began: one mention is no rate."""


@dataclass(frozen=True, slots=True)
class Asked:
    """When a source was first asked with an answer, to the hour, and when it was asked last."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Share:
    """How much a source brings (mentions an hour), and from when on it does.

    ``is_current`` says whether it is still asked; others count for the time when they were.
    """

    source: str
    rate: float
    since: datetime
    is_current: bool


def shares_of(
    index: Index,
    asked: Mapping[str, Asked],
    current: Collection[str],
    topics: tuple[str, ...],
    span: TimeWindow,
    since: datetime | None = None,
) -> list[Share]:
    """Return what each source brings of ``topics``, which are collected ``since``.

    ``span`` is from their oldest mention to now. ``current`` are the sources that are configured.
    One that was never asked was imported: it brings what it has between its first mention and its
    last.
    """
    known = {name.casefold(): one for name, one in asked.items()}
    present, now = {name.casefold() for name in current}, span.end
    found = []
    for name, brought in _brought(index, topics, span).items():
        oldest, newest = max(brought[0].start, span.start), brought[-1].start + HOUR
        one = known.get(name)
        if one is None or one.first > now:
            count = sum(bucket.count for bucket in brought)
            found.append(Share(name, _rate(count, newest - oldest), oldest, is_current=False))
            continue
        begun = max(one.first, since) if since is not None else one.first
        is_current = name in present
        until = max(now if is_current else min(one.last, now), begun)
        known_since = min(begun, oldest)
        # What it brought at first may be little of what was said, and lately it may have slept.
        starts = (max(begun, until - LATELY), max(known_since, until - LONG))
        rate = max(_usual_rate(brought, TimeWindow(start, until)) for start in starts)
        found.append(Share(name, rate, known_since, is_current))
    return found


def _brought(
    index: Index, topics: tuple[str, ...], span: TimeWindow
) -> dict[str, list[BucketCount]]:
    """Return what each source brought, in order: by the hour of late, by the day before."""
    lately = max(bucket_start(span.end - LONG, HOUR), bucket_start(span.start, HOUR))
    parts = [(TimeWindow(lately, span.end), HOUR)]
    if span.start < lately:
        parts.insert(0, (TimeWindow(span.start, lately), DAY))
    found: dict[str, list[BucketCount]] = {}
    for window, step in parts:
        asked = Selection(window=window, topics=topics)
        for bucket in index.buckets(asked, step, GroupField.SOURCE):
            if bucket.value is not None:
                found.setdefault(bucket.value.casefold(), []).append(bucket)
    return found


def _usual_rate(brought: Sequence[BucketCount], window: TimeWindow) -> float:
    """Return how much a source brings an hour in ``window``, without its loudest parts."""
    number = window.length // BLOCK
    counts = [0] * number
    for bucket in brought:
        at = (bucket.start - window.start) // BLOCK
        if 0 <= at < number:
            counts[at] += bucket.count
    if number < FEWEST_BLOCKS:
        return _rate(sum(one.count for one in brought if one.start in window), window.length)
    usual = sorted(counts)[: number - max(int(LOUDEST * number), 1)]
    return _rate(round(sum(usual) * window.length / (len(usual) * BLOCK)), window.length)


def _rate(count: int, length: timedelta) -> float:
    return count / ((length + STEADY) / HOUR)


def comparable_from(shares: Sequence[Share], of: Sequence[Share] | None = None) -> datetime | None:
    """Return from when on enough of what is said now was heard; None where nothing tells that.

    What is said now is what the current ones bring, of ``of`` where it is given.
    """
    wanted = ENOUGH * sum(one.rate for one in of or shares if one.is_current)
    heard = 0.0
    for share in sorted(shares, key=lambda one: one.since):
        heard += share.rate
        if wanted and heard >= wanted:
            return share.since
    return None
