"""What others do about the same question, for bench/alerts.py: three rules over counts per minute.

Each takes the counts of a stream and returns the minutes ``first`` .. ``last`` at which it fires.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import stats

from bench.streams import PER_HOUR
from insights.distributions import FloatArray, IntArray

# What ours needs too: a window with fewer mentions is no news.
MINIMUM = 8
SPIKE_HEIGHTS = (2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
SIGMAS = 3.0
SIGMA_HOURS = 4 * 168
# Of the paper and its package: at most 2 % of the points, at this significance, over two weeks.
ESD_HOURS = 14 * 24
ESD_SHARE = 0.02
ESD_SIGNIFICANCE = 0.05
MAD_TO_DEVIATION = 1.4826

Rule = Callable[[IntArray, int, int], list[int]]


class Elastalert:
    """elastalert2's own spike rule, asked every minute as its example configuration does.

    It compares the mentions of the last hour with those of the hour before. It runs in another
    interpreter, named by GROUNDSWELL_BENCH_ELASTALERT, because it needs an older Elasticsearch
    client than ours.
    """

    def __init__(self, interpreter: str) -> None:
        """Start the interpreter; it ends with this process."""
        command = [interpreter, str(Path(__file__).with_name("elastalert_child.py"))]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def rule(self, spike_height: float, minimum: int = MINIMUM) -> Rule:
        """Return the rule that fires at ``spike_height`` times the hour before."""

        def find(counts: IntArray, first: int, last: int) -> list[int]:
            begin = first - 2 * PER_HOUR - 1  # both of its windows are full at ``first``
            asked = {
                "spike_height": spike_height,
                "minimum": minimum,
                "timeframe": PER_HOUR * 60,
                "counts": counts[begin : last + 1].tolist(),
            }
            if self._child.stdin is None or self._child.stdout is None:
                raise RuntimeError("the child has no pipes")
            self._child.stdin.write(json.dumps(asked) + "\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
            if not answer:
                raise RuntimeError("elastalert2 gave no answer; its reason stands above")
            return [begin + minute for minute in json.loads(answer) if begin + minute >= first]

        return find


def elastalert_interpreter() -> str | None:
    """Return the interpreter that has elastalert2; None where none is named."""
    return os.environ.get("GROUNDSWELL_BENCH_ELASTALERT") or None


def three_sigma(counts: IntArray, first: int, last: int, minimum: int = MINIMUM) -> list[int]:
    """Fire where the last hour holds more than mean + 3 sigma of the hours of four weeks."""
    hours = counts.reshape(-1, PER_HOUR).sum(axis=1)
    sums = np.concatenate([[0], np.cumsum(counts)])
    minutes = np.arange(first, last + 1)
    seen = sums[minutes + 1] - sums[minutes + 1 - PER_HOUR]
    totals, squares = (np.concatenate([[0], np.cumsum(values)]) for values in (hours, hours**2))
    # The reference ends before the judged hour begins.
    end = (minutes + 1 - PER_HOUR) // PER_HOUR
    begin = np.maximum(end - SIGMA_HOURS, 0)
    mean = (totals[end] - totals[begin]) / (end - begin)
    deviation = np.sqrt((squares[end] - squares[begin]) / (end - begin) - mean**2)
    fires = (seen > mean + SIGMAS * deviation) & (seen >= minimum)
    return [int(minute) for minute in minutes[fires]]


def seasonal_hybrid_esd(
    counts: IntArray, first: int, last: int, minimum: int = MINIMUM
) -> list[int]:
    """Fire at the end of each hour that S-H-ESD calls an anomaly of the last two weeks.

    Vallis, Hochenbaum and Kejariwal, "A Novel Technique for Long-Term Anomaly Detection in the
    Cloud", HotCloud 2014: subtract the daily season and the median, then test with the generalised
    extreme studentised deviate, median and MAD in place of mean and deviation.
    """
    hours = counts.reshape(-1, PER_HOUR).sum(axis=1).astype(np.float64)
    alerts = []
    for end in range(first // PER_HOUR + 1, (last + 1) // PER_HOUR + 1):
        window = hours[end - ESD_HOURS : end]
        if window[-1] >= minimum and _is_last_anomalous(window):
            alerts.append(end * PER_HOUR - 1)
    return alerts


def _is_last_anomalous(window: FloatArray) -> bool:
    """Return whether the last hour is among the anomalies of ``window`` (whole days)."""
    # The periodic season of STL is the mean of each phase of the detrended series.
    days = window.reshape(-1, 24)
    season = np.tile((days - days.mean(axis=1, keepdims=True)).mean(axis=0), len(days))
    residual = window - season - np.median(window)
    left = np.arange(residual.size)
    anomalies, removed = 0, []
    for number in range(1, int(ESD_SHARE * residual.size) + 1):
        values = residual[left]
        gap = values - np.median(values)
        scale = MAD_TO_DEVIATION * float(np.median(np.abs(gap)))
        if scale <= 0:
            break
        furthest = int(np.argmax(gap))
        removed.append(int(left[furthest]))
        if gap[furthest] / scale > _critical(residual.size, number):
            anomalies = number
        left = np.delete(left, furthest)
    return residual.size - 1 in removed[:anomalies]


def _critical(size: int, number: int) -> float:
    """Return the critical value of the ``number``-th deviate of ``size`` points (Rosner, 1983)."""
    rest = size - number
    t = float(stats.t.ppf(1 - ESD_SIGNIFICANCE / (rest + 1), rest - 1))
    return rest * t / float(np.sqrt((rest - 1 + t**2) * (rest + 1)))
