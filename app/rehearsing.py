"""What a rule promises on its own history: how often it would cry wolf, and what it would tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from app.bootstrap import Application
from app.judging import rehearsal_of, rule_selection
from app.queries import Queries
from app.replaying import SAME_EPISODE
from core.rules import NegativeSpikeRule, Rule, RuleKind, VolumeSpikeRule
from insights.rehearsal import (
    CrisisSize,
    FalseAlarms,
    NotEnoughHistoryError,
    expect_false_alarms,
    find_sizes,
)

SEED = 20_260_101
"""One seed for ever: the same history gives the same promise."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a rule promises; ``refused`` is the reason where it cannot promise anything yet."""

    false_alarms: FalseAlarms | None
    sizes: tuple[CrisisSize, ...]
    refused: str | None = None


def can_promise(rule: Rule) -> bool:
    """Return whether a rule of this kind is one that can be rehearsed: it tells a spike."""
    return isinstance(rule, VolumeSpikeRule | NegativeSpikeRule)


def rehearse(application: Application, rule: Rule) -> Promise:
    """Return what ``rule`` promises, from weeks drawn like the quiet ones of its history."""
    if not isinstance(rule, VolumeSpikeRule | NegativeSpikeRule):
        return Promise(None, (), "a rule of this kind tells events, not what is unusual")
    queries, now = Queries(application), application.clock()
    if queries.counts.first_seen(rule_selection(rule, now)) is None:
        return Promise(None, (), "there is no mention of its topic yet")
    try:
        rehearsal = rehearsal_of(queries, rule, now)
        false_alarms = expect_false_alarms(
            rehearsal, np.random.default_rng(SEED), apart=SAME_EPISODE
        )
        sizes = find_sizes(rehearsal, np.random.default_rng(SEED))
    except NotEnoughHistoryError as err:
        return Promise(None, (), str(err))
    return Promise(false_alarms, tuple(sizes))


def promise_words(promise: Promise, kind: RuleKind) -> list[str]:
    """Return the promise in plain words, a sentence each."""
    if promise.refused is not None or promise.false_alarms is None:
        return [f"No promise yet: {promise.refused}."]
    found = promise.false_alarms
    source = f"from {found.weeks} weeks drawn like your {found.quiet_days} quiet days"
    return [
        f"Expected false alarms: {_rate(found.per_week)} ({source}).",
        f"It would tell {sizes_in_words(promise.sizes, kind)}.",
    ]


def sizes_in_words(sizes: Sequence[CrisisSize], kind: RuleKind) -> str:
    """Return the sizes as "18 more an hour: after 9 minutes; 5 more an hour: not before tomorrow".

    The largest stands first, as the one that matters most.
    """
    more = "more negative" if kind is RuleKind.NEGATIVE_SPIKE else "more"
    return "; ".join(
        f"{one.more_per_hour:,} {more} an hour: {_delay(one.delay)}" for one in reversed(sizes)
    )


def _rate(per_week: float) -> str:
    if per_week < 0.01:
        return "less than one in two years"
    if per_week < 1:
        return f"{per_week:.2f} a week, one in {1 / per_week:.0f} weeks"
    return f"{per_week:.1f} a week"


def _delay(delay: timedelta | None) -> str:
    if delay is None:
        return "not before tomorrow"
    minutes = max(round(delay / timedelta(minutes=1)), 1)
    if minutes < 90:
        return f"after {minutes} minute{'s' if minutes > 1 else ''}"
    return f"after {round(minutes / 60)} hours"
