"""Data that comes late: what rules would have told, had it come in time.

After a gap, in which a source was down or the machine slept, the buckets that were judged without
what came since are judged again by the time of publication. A rule tells what it missed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from alerts.incident import Evidence, Late, Unheard, Waited
from alerts.incidents import STALE_AFTER
from alerts.late import LATE_FROM, causes_of, is_told
from app.judging import RECENT, STEP, Judged, judged_by, rule_selection
from app.replaying import Run, runs_of
from app.stores.gaps import SHORT
from core.query.ast import FieldIs, Node, Or
from core.questions import Selection
from core.rules import BurstRule
from core.versions import VersionKind, VersionStep
from core.window import TimeWindow

if TYPE_CHECKING:
    from app.rounds import Round
    from insights.verdict import Verdict

LONGEST = timedelta(hours=48)
"""What was said longer ago is history, however late it comes; the dashboard shows it."""

COMES_IN = timedelta(hours=1)
"""After a gap, until what was missed is in the index; buckets of that time are judged again too."""

LOOKED_AT = timedelta(hours=3)
"""How long after a gap is looked at what came of it: a slow source brings a day in less."""

SAME_BURST = timedelta(hours=2)
"""Alerts closer together are one burst."""

NEARLY_ALL = 0.9
"""Once a window holds so much of what any will hold, what follows is ordinary talk."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What a rule missed: a verdict to tell it by, since when, and why it is late."""

    verdict: Verdict
    started_at: datetime
    late: Late

    def is_over(self, now: datetime) -> bool:
        """Return whether it fired so long ago that it is over by ``now``."""
        return self.late.last_at <= now - STALE_AFTER

    def told_in(self, evidence: Evidence) -> Evidence:
        """Return what a rule saw, from when on it would have seen it."""
        return evidence.model_copy(update={"late": self.late, "started_at": self.started_at})


def find_missed(here: Round, rule: BurstRule) -> Missed | None:
    """Return what ``rule`` would have told in gaps that ended of late; None where there is nothing.

    Nothing is told where no source brought anything of a gap: what was imported tells nobody.
    """
    gaps = [
        gap
        for gap in _gaps(here)
        if not _is_newer(here, rule, gap) and _is_brought(here, rule, gap)
    ]
    if not gaps:
        return None
    judged = judged_by(here.queries, rule, here.now, RECENT, STEP)
    runs = [run for run in _runs(here, judged, gaps) if not _is_told(here, judged, run)]
    due = [judged.observed.time_of(int(run.buckets[0]) + 1) for run in runs]
    late = [run for run, at in zip(runs, due, strict=True) if here.now - at >= LATE_FROM]
    if not late:
        return None
    first, last = (judged.judge(int(late[at].buckets[at])) for at in (0, -1))
    fullest = [judged.judge(_fullest(run)) for run in late]
    # A long window fires for hours after all has come.
    ended = max(first.at, fullest[-1].at, last.window.start)
    return Missed(
        verdict=max(fullest, key=lambda one: one.observed),
        # The first alert of a burst rests on little, and cannot tell well since when.
        started_at=min(one.started_at or one.window.start for one in fullest),
        late=Late(due_at=first.at, last_at=ended, gaps=tuple(gaps)),
    )


def _fullest(run: Run) -> int:
    """Return the first bucket of a run whose window holds nearly as much as any."""
    return int(run.buckets[np.argmax(run.held >= NEARLY_ALL * run.held.max())])


def _gaps(here: Round) -> list[Unheard]:
    """Return the gaps that ended of late, cut to what may still be told."""
    earliest = here.now - LONGEST
    found = here.queries.counts.gaps(TimeWindow(earliest, here.now))
    gaps = [
        Unheard(source=gap.source, start=gap.window.start, end=gap.window.end)
        for gap in found
        if gap.is_over and here.now - gap.window.end <= LOOKED_AT
    ]
    awake = here.awake
    if awake is not None and awake.before is not None and here.now - awake.since <= LOOKED_AT:
        start = max(awake.before, earliest)
        # The windows of any rule hold a shorter pause.
        if awake.since - start > SHORT:
            gaps.append(Unheard(start=start, end=awake.since, waited=Waited.UNJUDGED))
    unread = here.queries.counts.unread()
    if unread is not None:
        start = max(unread.start, earliest)
        gaps.append(Unheard(start=start, end=unread.end, waited=Waited.UNREAD))
    return causes_of(gaps)


def _is_newer(here: Round, rule: BurstRule, gap: Unheard) -> bool:
    """Return whether the topic, or its query of now, is younger than the gap.

    Then its mentions come late because nobody had asked for them.
    """
    versions = here.application.state.versions.all()
    mine = [
        one.at
        for one in versions
        if one.subject == (VersionKind.QUERY, rule.topic) and one.step is not VersionStep.AGAIN
    ]
    # Of an installation that wrote versions down only since, nobody knows.
    is_known = min((one.at for one in versions), default=here.now) <= gap.start
    return is_known and max(mine, default=gap.start) > gap.start


def _is_brought(here: Round, rule: BurstRule, gap: Unheard) -> bool:
    """Return whether a source brought any mention of the rule's topic from the gap."""
    names = [one.name for one in here.queries.configuration.sources]
    asked = names if gap.source is None else [gap.source]
    if not asked:
        return False
    by: list[Node] = [FieldIs("source", name.casefold()) for name in asked]
    window = TimeWindow(max(gap.start, here.now - LONGEST), gap.end)
    selection = Selection(
        query=Or(tuple(by)) if len(by) > 1 else by[0],
        window=window,
        topics=rule_selection(rule, here.now).topics,
    )
    return here.queries.index.count(selection) > 0


def _runs(here: Round, judged: Judged, gaps: list[Unheard]) -> list[Run]:
    """Return the runs of alerts of what was judged without the data of ``gaps``."""
    series = judged.observed
    start = max(min(gap.start for gap in gaps), here.now - LONGEST)
    end = max(gap.end for gap in gaps) + COMES_IN
    first = max(series.index_of(start), 0)
    last = min(series.index_of(end), series.last_closed(here.now))
    if last < first:
        return []
    return runs_of(series, judged.scan(first, last), SAME_BURST // series.step)


def _is_told(here: Round, judged: Judged, run: Run) -> bool:
    series = judged.observed
    first, last = (series.time_of(int(run.buckets[at]) + 1) for at in (0, -1))
    return is_told(here.known, first, last)
