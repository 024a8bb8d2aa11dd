"""The usual range of every hour or day of a chart, each from what was known before its day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.window import TimeWindow
from insights.baseline import Baseline, fit_baseline
from insights.distributions import count_interval
from insights.series import Folded, Series, Span, fold
from insights.verdict import USUAL_MASS


@dataclass(frozen=True, slots=True)
class BandPoint:
    """One hour or day: its count, and the usual range (inclusive), None while it is not known.

    ``is_incomplete`` says that it is still running or was poorly covered.
    """

    window: TimeWindow
    count: int
    expected: float | None
    low: int | None
    high: int | None
    is_incomplete: bool


def usual_band(
    series: Series,
    shown: TimeWindow,
    span: Span,
    *,
    now: datetime,
    zone: str = "UTC",
    minimum_days: int = 14,
) -> list[BandPoint]:
    """Return the hours or days of ``zone`` that begin in ``shown``, with the range usual for each.

    ``series`` should begin eight weeks before ``shown``. The baseline is fitted once for each day,
    and ends where that day begins; a day's own mentions never widen its band. Spans that end after
    ``now`` are incomplete.
    """
    points: list[BandPoint] = []
    fitted: tuple[object, Baseline] | None = None
    for part in fold(series, span, zone):
        if part.window.start not in shown:
            continue
        day = part.window.start.date()
        if fitted is None or fitted[0] != day:
            fitted = (day, fit_baseline(series, part.window.start, zone=zone))
        points.append(_point(series, part, fitted[1], now, minimum_days))
    return points


def _point(
    series: Series, part: Folded, baseline: Baseline, now: datetime, minimum_days: int
) -> BandPoint:
    """Return one part with its range."""
    is_incomplete = part.window.end > now or not part.is_covered
    if baseline.covered_hours < minimum_days * 24:
        return BandPoint(part.window, part.count, None, None, None, is_incomplete)
    number = part.window.length // series.step
    expected = float(baseline.expected(part.window.start, series.step, number).sum())
    spread = baseline.spread_over(part.window.length)
    low, high = count_interval(expected, spread, USUAL_MASS)
    return BandPoint(part.window, part.count, expected, low, high, is_incomplete)
