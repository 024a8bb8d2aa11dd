"""What another budget of false alarms would have made of incidents that people marked.

A window fires where p lies below its level, and levels grow with the budget: with k times the
budget a rule fires where p / level is at most k (:class:`insights.verdict.Scan`). So each incident
has a least budget at which it would still have rung, budget * p / level of its loudest window, and
another budget is judged by counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

# Fewer marked incidents say nothing about a rule.
FEWEST_MARKS = 5
# A rule that is useful four times of five needs no other budget.
GOOD_PRECISION = 0.8
# What may be lost for less noise: one useful incident in five.
LOSABLE = 0.2
# A false alarm in two years, and one a week: beyond these a budget promises nothing anybody checks.
SMALLEST, LARGEST = 0.01, 1.0
# Alerts a week; a rule that rings more seldom has room for more.
FEW_A_WEEK = 0.5
# Weeks of watching from which a rate is worth its name.
ENOUGH_WEEKS = 4.0
# What a rule gets at once when all it told was useful.
STEP_UP = 2.0


@dataclass(frozen=True, slots=True)
class Mark:
    """An incident that somebody marked: the least budget that tells it, and what they said."""

    needed: float
    is_useful: bool


@dataclass(frozen=True, slots=True)
class BudgetProposal:
    """Another ``false_alarms_per_week``, and what it would have made of the marked incidents.

    Of ``useful`` ones that ring now it keeps ``useful_kept``, of ``noise`` ones it drops
    ``noise_dropped``. A larger one would have told no other marked incident: ``faintest`` is what
    the faintest useful one needed, ``per_week`` how many alerts a week there were.
    """

    current: float
    budget: float
    useful_kept: int
    useful: int
    noise_dropped: int
    noise: int
    faintest: float | None = None
    per_week: float | None = None

    @property
    def is_smaller(self) -> bool:
        """Whether it tells less than now."""
        return self.budget < self.current

    @property
    def words(self) -> str:
        """What it would do, in numbers."""
        if self.is_smaller:
            return (
                f"false_alarms_per_week: {self.budget:g} would have kept {self.useful_kept} of "
                f"{self.useful} useful and dropped {self.noise_dropped} of {self.noise} noise"
            )
        weeks = round(1 / (self.budget - self.current))
        return (
            f"all {self.useful} marked were useful, at {self.per_week:.1f} alerts a week, and the "
            f"faintest needed {self.faintest:.2g}: false_alarms_per_week: {self.budget:g} would "
            f"tell fainter ones, for one more false alarm in {weeks} weeks at most"
        )


def needed_budget(p: float | None, level: float | None, budget: float) -> float | None:
    """Return the least budget at which a verdict with this ``p`` and ``level`` alerts.

    ``level`` is that of ``budget``. None where either is unknown, as while a rule is learning.
    """
    return None if p is None or not level else budget * p / level


def propose_budget(
    marks: Sequence[Mark], current: float, weeks: float, incidents: int
) -> BudgetProposal | None:
    """Return the budget that the marks speak for, None where they speak for none.

    ``incidents`` rang in the last ``weeks``. A rule of low precision gets a smaller one, one that
    was always useful and seldom rings a larger one.
    """
    ringing = [mark for mark in marks if mark.needed <= current]
    if len(ringing) < FEWEST_MARKS:
        return None
    if all(mark.is_useful for mark in marks):
        return _larger(ringing, current, incidents / weeks if weeks >= ENOUGH_WEEKS else None)
    useful = sum(mark.is_useful for mark in ringing)
    return _smaller(ringing, current) if useful < GOOD_PRECISION * len(ringing) else None


def _smaller(marks: Sequence[Mark], current: float) -> BudgetProposal | None:
    """Return the budget that drops most noise of those that lose few useful incidents."""
    useful = sorted(mark.needed for mark in marks if mark.is_useful)
    noise = sorted(mark.needed for mark in marks if not mark.is_useful)
    needs = sorted({mark.needed for mark in marks})
    found: list[tuple[int, int, float]] = []
    for below, above in zip([0.0, *needs], needs, strict=False):
        budget = _between(below, above)
        if budget is not None:
            lost = sum(need > budget for need in useful)
            dropped = sum(need > budget for need in noise)
            if lost <= LOSABLE * len(useful) and dropped > lost:
                found.append((dropped, -lost, budget))
    if not found:
        return None
    dropped, minus_lost, budget = max(found)
    kept = len(useful) + minus_lost
    return BudgetProposal(current, budget, kept, len(useful), dropped, len(noise))


def _between(below: float, above: float) -> float | None:
    """Return a short number that keeps what needs ``below`` and drops what needs ``above``.

    Near the middle of the two, as factors; None where both lie under the smallest budget.
    """
    below = max(below, SMALLEST)
    if above <= below:
        return None
    middle = sqrt(below * above)
    for digits in (1, 2, 3):
        short = float(f"{middle:.{digits}g}")
        if below <= short < above:
            return short
    return below


def _larger(marks: Sequence[Mark], current: float, per_week: float | None) -> BudgetProposal | None:
    """Return twice the budget where the rule seldom rings and has told what hardly passed."""
    faintest = max(mark.needed for mark in marks)
    budget = float(f"{min(STEP_UP * current, LARGEST):.2g}")
    is_seldom = per_week is not None and per_week <= FEW_A_WEEK
    if not is_seldom or faintest <= current / STEP_UP or budget <= current:
        return None
    count = len(marks)
    return BudgetProposal(current, budget, count, count, 0, 0, faintest, per_week)
