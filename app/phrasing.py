"""Numbers and times as people say them, the same in page, e-mail and terminal."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_timedelta

from insights.quality import MINIMUM, Accuracy, Drift

SECONDS_THAT_ARE_NOW = 45


def age(at: datetime, now: datetime) -> str:
    """Return how long ago ``at`` was, e.g. "14 min ago"."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < SECONDS_THAT_ARE_NOW:
        return "now"
    text = format_timedelta(now - at, format="short", locale="en", threshold=1.0)
    return f"{text.replace('.', '')} ago" if seconds > 0 else f"in {text}"


def accuracy_words(held: Accuracy) -> str:
    """Return how often the model was right, as a sentence."""
    if held.estimate is None:
        return f"Not enough answers yet: {held.n} of {MINIMUM}."
    estimate = held.estimate
    return (
        f"The model was right about {estimate.value:.0%} of {held.n:,} random mentions "
        f"(95 % interval {estimate.low:.0%} to {estimate.high:.0%})."
    )


def accuracy_cell(held: Accuracy) -> str:
    """Return an accuracy with its interval, or how many answers there are, for a table."""
    if held.estimate is None:
        return f"not enough answers yet: {held.n} of {MINIMUM}"
    return f"{held.estimate.value:.0%} ({held.estimate.low:.0%} to {held.estimate.high:.0%})"


def drift_words(drift: Drift) -> str:
    """Return whether the model does better or worse than a month ago, as a sentence."""
    now, before, change = drift.now, drift.before, drift.difference
    if change is None or now.estimate is None or before.estimate is None:
        return (
            f"Too few answers to tell a drift: {now.n} of {MINIMUM} in the last 30 days, "
            f"{before.n} of {MINIMUM} in the 30 before."
        )
    points = abs(round(100 * change.value))
    moved = f"{points} points {'more' if change.value > 0 else 'less'}" if points else "no change"
    sure = "more than chance explains" if drift.is_certain else "which may be chance"
    return (
        f"In the last 30 days {now.estimate.value:.0%}, in the 30 before "
        f"{before.estimate.value:.0%}: {moved} "
        f"({100 * change.low:+.0f} to {100 * change.high:+.0f}), {sure}."
    )
