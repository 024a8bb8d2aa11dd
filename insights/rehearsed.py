"""The rules that can be rehearsed on their own history: see ``insights.rehearsal``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np

from core.window import TimeWindow
from insights.baseline import HOUR, REFERENCE_WEEKS, Baseline, BoolArray, fit_baseline
from insights.burst import VolumeSettings, fit_volume, scan_shifts, scan_volume
from insights.distributions import FloatArray, IntArray
from insights.negative import NegativeBaseline, NegativeSettings, scan_negative
from insights.rehearsal import DAY, DRAWN_STEP, LONGEST_WAIT, Drawn, check_history
from insights.series import Series
from insights.shares import ShareSeries, fit_shares
from insights.verdict import Scan


class VolumeRehearsal:
    """A volume rule on ``hours`` of history; ``series`` has its last weeks by the minute."""

    def __init__(self, series: Series, hours: Series, settings: VolumeSettings) -> None:
        """Raises NotEnoughHistoryError under four weeks of history."""
        check_history(hours)
        self._series, self._hours, self._settings = series, hours, settings
        self.step = series.step
        self.usual = fit_volume(hours, hours.end, settings)
        self._fitted: dict[datetime, Baseline] = {}

    def quiet_days(self) -> IntArray:
        """Return the first hours (in the reference) of the days that hold nothing unusual."""
        return _quiet_days(self.usual.is_quiet)

    def crisis_days(self) -> list[datetime]:
        """Return the starts of the quiet days that are known by the minute and were judged."""
        days, settings = self.quiet_days(), self._settings
        return _judged_days(
            days, self.usual.reference, self._series, self._hours, settings.learning_days
        )

    def draw(self, rng: np.random.Generator, days: IntArray, weeks: int) -> Drawn:
        """Return how the rule judges ``weeks`` drawn from the quiet ``days``."""
        usual, number = self.usual, (REFERENCE_WEEKS + weeks) * 7
        chosen = rng.choice(days, number)
        hours = (chosen[:, None] + np.arange(24)).ravel()
        start = usual.reference.end
        mean = usual.hourly(start, hours.size)
        rates = _draw_rates(rng, usual.rates[hours], usual.fitted[hours], usual.spread) * mean
        drawn = Series.build(start, DRAWN_STEP, _draw_counts(rng, rates))
        fitted: dict[datetime, Baseline] = {}
        settings, last = self._settings, len(drawn) - 1
        scan = scan_volume(drawn, _first_judged(), last, settings, None, fitted)
        return Drawn(scan, len(scan_shifts(fitted, settings, max(settings.windows))))

    def tell(self, start: datetime, more: IntArray) -> datetime | None:
        """Return when the rule tells ``more`` mentions a bucket from ``start`` on."""
        first = self._series.index_of(start)
        counts = self._series.counts.copy()
        counts[first : first + more.size] += more
        disturbed = Series(self._series.start, self._series.step, counts, self._series.coverage)
        return _first_alert(
            disturbed,
            first,
            lambda begin, end: scan_volume(
                disturbed, begin, end, self._settings, self._hours, self._fitted
            ),
        )


class NegativeRehearsal:
    """A negative rule on its history; a crisis is so many more negative mentions an hour."""

    def __init__(self, shares: ShareSeries, hours: ShareSeries, settings: NegativeSettings) -> None:
        """Raises NotEnoughHistoryError under four weeks of history."""
        check_history(hours.scored)
        self._shares, self._hours, self._settings = shares, hours, settings
        self.step, end = shares.scored.step, hours.scored.end
        self.usual = fit_shares(hours, end, zone=settings.zone)
        self._volume = fit_baseline(
            hours.scored, end, zone=settings.zone, holidays=settings.holidays
        )
        self._fitted: dict[datetime, NegativeBaseline] = {}

    def quiet_days(self) -> IntArray:
        """Return the first hours (in the reference) of the days that hold nothing unusual."""
        return _quiet_days(self.usual.is_quiet & self._volume.is_quiet)

    def crisis_days(self) -> list[datetime]:
        """Return the starts of the quiet days that are known by the minute and were judged."""
        days, learning = self.quiet_days(), self._settings.learning_days
        reference, scored = self.usual.reference, self._shares.scored
        return _judged_days(days, reference, scored, self._hours.scored, learning)

    def draw(self, rng: np.random.Generator, days: IntArray, weeks: int) -> Drawn:
        """Return how the rule judges ``weeks`` drawn from the quiet ``days``.

        The share of an hour is drawn from what its count leaves open, a beta distribution.
        """
        usual, volume = self.usual, self._volume
        chosen = rng.choice(days, (REFERENCE_WEEKS + weeks) * 7)
        hours = (chosen[:, None] + np.arange(24)).ravel()
        start = usual.reference.end
        mean = volume.hourly(start, hours.size)
        rates = _draw_rates(rng, volume.rates[hours], volume.fitted[hours], volume.spread) * mean
        scored = _draw_counts(rng, rates)
        share = usual.shares(start, HOUR, hours.size)
        weight = 1 / usual.correlation_by_hours[0] - 1
        drawn = rng.beta(
            share * weight + usual.negative[hours],
            (1 - share) * weight + usual.scored[hours] - usual.negative[hours],
        )
        negative = rng.binomial(scored, np.repeat(drawn, HOUR // DRAWN_STEP))
        both = ShareSeries(
            Series.build(start, DRAWN_STEP, negative), Series.build(start, DRAWN_STEP, scored)
        )
        return Drawn(scan_negative(both, _first_judged(), len(scored) - 1, self._settings))

    def tell(self, start: datetime, more: IntArray) -> datetime | None:
        """Return when the rule tells ``more`` negative mentions a bucket from ``start`` on."""
        old = self._shares
        first = old.scored.index_of(start)
        parts = []
        for series in (old.negative, old.scored):
            counts = series.counts.copy()
            counts[first : first + more.size] += more
            parts.append(Series(series.start, series.step, counts, series.coverage))
        both = ShareSeries(*parts)
        return _first_alert(
            both.scored,
            first,
            lambda begin, end: scan_negative(
                both, begin, end, self._settings, self._hours, self._fitted
            ),
        )


def _first_alert(series: Series, first: int, scan: Callable[[int, int], Scan]) -> datetime | None:
    """Return the end of the first bucket that fires from ``first`` on, within a day."""
    last = min(first + LONGEST_WAIT // series.step, len(series)) - 1
    begin, ahead = first, HOUR // series.step
    while begin <= last:
        # An early alarm is found early; what takes long is read in ever longer parts.
        end = min(begin + ahead - 1, last)
        alerts = scan(begin, end).alerts()
        if alerts:
            return series.time_of(alerts[0] + 1)
        begin, ahead = end + 1, ahead * 2
    return None


def _quiet_days(is_quiet: BoolArray) -> IntArray:
    """Return the first hours of the whole days, counted from the end, of which all is quiet."""
    number = is_quiet.size // 24
    offset = is_quiet.size - number * 24
    whole = is_quiet[offset:].reshape(number, 24).all(axis=1)
    return offset + 24 * np.flatnonzero(whole)


def _judged_days(
    days: IntArray, reference: TimeWindow, series: Series, hours: Series, learning_days: int
) -> list[datetime]:
    """Return the starts of those ``days`` that end a day before ``series`` does, after learning."""
    covered = np.flatnonzero(hours.is_covered)
    learned = hours.time_of(int(covered[0])) + (learning_days + 1) * DAY
    starts = [reference.start + int(day) * HOUR for day in days]
    first = max(learned, series.start + DAY)
    return [start for start in starts if first <= start and start + 2 * DAY <= series.end]


def _draw_rates(
    rng: np.random.Generator, seen: FloatArray, mean: FloatArray, spread: float
) -> FloatArray:
    """Return relative rates of hours drawn from what their counts leave open."""
    prior = 1 / spread
    return np.asarray(rng.gamma(prior + seen, 1 / (prior + mean)))


def _draw_counts(rng: np.random.Generator, hourly: FloatArray) -> IntArray:
    """Return mentions a bucket for hourly rates."""
    per_hour = HOUR // DRAWN_STEP
    return np.asarray(rng.poisson(np.repeat(hourly / per_hour, per_hour)), dtype=np.int64)


def _first_judged() -> int:
    return REFERENCE_WEEKS * 168 * (HOUR // DRAWN_STEP)
