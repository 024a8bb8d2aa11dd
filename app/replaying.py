"""Replays a rule on stored history: when it would have fired, and what new levels it would tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from alerts.incidents import SAME_BEGINNING as NEAR
from app.judging import RECENT, Judged, judged_by, rule_selection
from core.rules import BurstRule
from insights.distributions import IntArray
from insights.levels import Shift
from insights.series import Series
from insights.verdict import Scan

if TYPE_CHECKING:
    from app.queries import Queries

REPLAY_STEP = timedelta(minutes=5)
"""Buckets that a replay of months is judged by."""

SAME_EPISODE = timedelta(hours=2)
"""Verdicts of a replay closer together than this would have been one incident."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One incident that a rule would have opened: from its first to its last alert.

    ``expected`` and ``p`` are those of the first alert (None while learning, and for kinds that
    compare with nothing), ``observed`` is the most that any window held. ``level`` is by what
    factor it became a new level, which ended it.
    """

    started_at: datetime
    first_alert: datetime
    last_alert: datetime
    observed: int
    expected: float | None
    p: float | None
    level: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Alerts that follow each other: the ``buckets`` that they end with, what each window held."""

    buckets: IntArray
    held: IntArray


def replay(
    queries: Queries,
    rule: BurstRule,
    now: datetime,
    length: timedelta,
    apart: timedelta = SAME_EPISODE,
    step: timedelta = REPLAY_STEP,
) -> list[Episode]:
    """Return when ``rule`` would have fired in the ``length`` before ``now``.

    Alerts no further than ``apart`` from the next are one episode. Only the first alert of each is
    judged in full: a long crisis fires at hundreds of buckets.
    """
    if queries.counts.first_seen(rule_selection(rule, now)) is None:
        return []
    judged = judged_by(queries, rule, now, length + RECENT, step)
    series = judged.observed
    scan = judged.scan(max(series.index_of(now - length), 0), series.last_closed(now))
    episodes = [_episode(judged, run) for run in runs_of(series, scan, apart // step)]
    return add_levels(episodes, judged.shifts())


def runs_of(series: Series, scan: Scan, apart: int) -> list[Run]:
    """Return the alerts of a scan as runs that lie more than ``apart`` buckets apart."""
    alerts = np.array(scan.alerts(), dtype=np.int64)
    if not alerts.size:
        return []
    sums = np.concatenate([[0], np.cumsum(series.counts)])
    lengths = scan.length[alerts - scan.first]
    held = sums[alerts + 1] - sums[np.maximum(alerts + 1 - lengths, 0)]
    ends = np.flatnonzero(np.diff(alerts) > apart) + 1
    parts = zip(np.split(alerts, ends), np.split(held, ends), strict=True)
    return [Run(buckets, most) for buckets, most in parts]


def _episode(judged: Judged, run: Run) -> Episode:
    """Return a run as an incident that would have been told."""
    first = judged.judge(int(run.buckets[0]))
    return Episode(
        started_at=first.started_at or first.window.start,
        first_alert=first.at,
        last_alert=judged.observed.time_of(int(run.buckets[-1]) + 1),
        observed=int(run.held.max()),
        expected=first.expected,
        p=first.p,
    )


def add_levels(
    episodes: Sequence[Episode], told: Sequence[tuple[datetime, Shift]]
) -> list[Episode]:
    """Return the episodes with the new levels that were told, each with when.

    One that an episode grew into ends it; another is an episode of its own.
    """
    found = list(episodes)
    for at, shift in told:
        grown = [
            number
            for number, one in enumerate(found)
            if shift.factor > 1 and shift.start - NEAR <= one.started_at <= shift.start + NEAR
        ]
        if grown:
            found[grown[-1]] = replace(found[grown[-1]], last_alert=at, level=shift.factor)
            continue
        found.append(
            Episode(
                started_at=shift.start,
                first_alert=at,
                last_alert=at,
                observed=round(shift.observed),
                expected=shift.expected,
                p=None,
                level=shift.factor,
            )
        )
    return sorted(found, key=lambda one: one.first_alert)
