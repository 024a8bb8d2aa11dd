import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.detect import main, score_folder
from bench.nab import PROFILES, normalised, score_file, window_indices
from insights.detect import detect

START = datetime(2026, 1, 5, tzinfo=UTC)
STEP = timedelta(minutes=5)
Rows = list[tuple[datetime, float]]


def rows_of(values: list[float], step: timedelta = STEP) -> Rows:
    """The values at regular times."""
    return [(START + i * step, float(value)) for i, value in enumerate(values)]


def rhythm(days: int, rate: float = 20, seed: int = 1) -> list[float]:
    """Counts of five minutes with a daily rhythm."""
    at = np.arange(days * 288)
    mean = rate * (1 + 0.6 * np.sin(at % 288 / 288 * 2 * np.pi))
    return [float(c) for c in np.random.default_rng(seed).poisson(mean)]


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=400),
    st.lists(st.integers(0, 10_000), max_size=30),
)
@settings(max_examples=40, deadline=None)
def test_appending_never_changes_earlier_rows(values: list[int], later: list[int]) -> None:
    """Row n depends on rows up to n alone."""
    short = list(detect(rows_of([float(v) for v in values])))
    long = list(detect(rows_of([float(v) for v in [*values, *later]])))
    assert long[: len(short)] == short


@given(st.floats(-1e6, 1e6), st.sampled_from([5, 60, 1440]))
@settings(max_examples=30, deadline=None)
def test_a_flat_series_has_no_anomaly(value: float, minutes: int) -> None:
    """The same value throughout is never an alert, whatever its unit or step."""
    points = list(detect(rows_of([value] * 500, timedelta(minutes=minutes))))
    assert not any(point.is_alert for point in points)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300))
@settings(max_examples=30, deadline=None)
def test_every_row_is_answered_within_bounds(values: list[float]) -> None:
    """Scores and p-values lie in 0..1, a score of a half is an alert, bounds are ordered."""
    points = list(detect(rows_of(values)))
    assert len(points) == len(values)
    for point in points:
        assert 0 <= point.anomaly_score <= 1
        assert 0 <= point.p_value <= 1
        assert point.is_alert == (point.anomaly_score >= 0.5)
        if point.expected is not None:
            assert point.lower is not None
            assert point.upper is not None
            assert point.lower <= point.expected <= point.upper


def test_a_spike_is_an_alert_once() -> None:
    """A crisis of two hours is told within minutes, and once."""
    values = rhythm(10)
    begin = 9 * 288
    for i in range(begin, begin + 24):
        values[i] *= 8
    points = list(detect(rows_of(values)))
    alerts = [i for i, point in enumerate(points) if point.is_alert]
    assert len(alerts) == 1
    assert begin <= alerts[0] <= begin + 6
    assert points[alerts[0]].p_value < 0.005
    assert points[alerts[0]].value > (points[alerts[0]].upper or 0)


def test_a_much_larger_spike_is_told_again() -> None:
    """Within a day of an alert, only something far larger is a second one."""
    values = rhythm(10)
    for i in range(24):
        values[9 * 288 + i] *= 8
        values[9 * 288 + 60 + i] *= 80
    alerts = [i for i, point in enumerate(detect(rows_of(values))) if point.is_alert]
    assert len(alerts) == 2


def test_the_usual_follows_the_hour() -> None:
    """What is expected at noon is not what is expected at night."""
    points = list(detect(rows_of(rhythm(12))))
    day = points[11 * 288 :]
    expected = [point.expected or 0.0 for point in day]
    assert np.corrcoef(expected, rhythm(1, rate=20))[0, 1] > 0.8
    inside = [(p.lower or 0) <= p.value <= (p.upper or 0) for p in points[6 * 288 :]]
    assert 0.96 <= np.mean(inside) <= 0.999


def test_nothing_is_called_unusual_before_something_is_usual() -> None:
    """The first rows have scores of about 0; the very first has no expectation."""
    points = list(detect(rows_of([1.0] * 100 + [10_000.0])))
    assert points[0].expected is None
    assert points[-1].anomaly_score < 0.01


def test_rows_stream() -> None:
    """Rows are judged as they come: an endless series is no problem."""

    def endless() -> Iterator[tuple[datetime, float]]:
        at = START
        while True:
            yield at, 5.0
            at += STEP

    assert len(list(islice(detect(endless()), 50))) == 50


def test_slow_series_keep_enough_rows() -> None:
    """A row a day is judged by more than two weeks of them."""
    values = [20.0 + i % 7 for i in range(450)]
    values[430] = 400.0
    points = list(detect(rows_of(values, timedelta(days=1))))
    assert [i for i, point in enumerate(points) if point.is_alert] == [430]


def test_old_rows_are_forgotten() -> None:
    """A record of three weeks ago no longer hides a spike."""
    values = [10.0] * (40 * 288)
    for i in range(12):
        values[5 * 288 + i] = 500.0
        values[30 * 288 + i] = 500.0
    alerts = [i for i, point in enumerate(detect(rows_of(values))) if point.is_alert]
    assert [i // 288 for i in alerts] == [5, 30]


def test_bad_rows_are_named() -> None:
    """No number, and times that run backwards, are errors with the row's number."""
    with pytest.raises(ValueError, match="row 2: nan"):
        list(detect(rows_of([1.0, float("nan")])))
    rows = rows_of([1.0, 2.0])[::-1]
    with pytest.raises(ValueError, match=r"row 2: .* is before"):
        list(detect(rows))


def test_equal_times_are_allowed() -> None:
    """An hour that the clocks repeat is no error."""
    assert len(list(detect([(START, 1.0), (START, 2.0)]))) == 2


def test_the_scorer_gives_its_ends() -> None:
    """By NAB's rules silence has 0, an alert at each window's start 100, more alerts less."""
    windows = [(200, 299), (600, 699)]
    number = 1000
    silent = [False] * number
    perfect = [i in {200, 600} for i in range(number)]
    late = [i in {299, 699} for i in range(number)]
    noisy = [i in {200, 600, 450, 900} for i in range(number)]
    for profile in PROFILES:
        scores = [
            normalised(score_file(alerts, windows, profile), 2, profile)
            for alerts in (silent, perfect, late, noisy)
        ]
        assert scores[0] == pytest.approx(0)
        assert scores[1] == pytest.approx(100)
        assert scores[0] < scores[2] < scores[3] < scores[1]


def test_the_scorer_knows_false_alarms_by_their_distance() -> None:
    """Just after a window a false alarm costs little, far after or before any the whole weight."""
    standard = PROFILES[0]
    windows = [(200, 299)]

    def cost(at: int) -> float:
        alerts = [i == at for i in range(1000)]
        return score_file(alerts, windows, standard) + 1.0

    assert cost(180) == pytest.approx(-0.11)
    assert cost(900) == pytest.approx(-0.11)
    assert -0.01 < cost(300) < 0
    assert cost(100) == 0.0  # probation: the first 15 % of the rows


def test_windows_become_rows() -> None:
    """Windows are inclusive at both ends; one without any row is left out."""
    times = [START + i * STEP for i in range(10)]
    spans = [(times[5], times[7]), (START - STEP, START - STEP), (times[1], times[2])]
    assert window_indices(times, spans) == [(1, 2), (5, 7)]


@pytest.mark.public_data
@pytest.mark.skipif("GROUNDSWELL_PUBLIC_DATA" not in os.environ, reason="no public data")
def test_the_default_level_does_well_on_public_series(capsys: pytest.CaptureFixture[str]) -> None:
    """On the labelled Twitter volumes: standard at least 65, low false positives at least 60."""
    folder = Path(os.environ["GROUNDSWELL_PUBLIC_DATA"]) / "series"
    for level in (0.4, 0.55, 0.7):
        scores, _ = score_folder(folder, level)
        assert scores["standard"] >= 65
        assert scores["reward_low_FP_rate"] >= 60
    main([])
    assert "windows" in capsys.readouterr().out
