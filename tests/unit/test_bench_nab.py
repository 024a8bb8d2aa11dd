"""The scorer of bench/nab.py against numbers that the Numenta Anomaly Benchmark publishes.

Sources: github.com/numenta/NAB, the table of scores by file of the detector twitterADVec
(results/twitterADVec/twitterADVec_standard_scores.csv) and of the detector that never fires
(results/null/null_standard_scores.csv), the final results, and the expected values of its own tests
(tests/integration/scorer_test.py).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.detect import read_series
from bench.nab import PROFILES, Profile, normalised, score_file, value_at, window_indices

STANDARD = PROFILES[0]

UNWEIGHTED = Profile("all weights 1", 1.0, 1.0)


def fire(rows: int, *at: int) -> list[bool]:
    """Return alerts at the rows ``at`` of a file of ``rows``."""
    return [row in at for row in range(rows)]


@pytest.mark.parametrize(
    ("position", "published"), [(-1.0, 0.98661), (-0.5, 0.84828), (0.0, 0.0), (1.0, -0.98661)]
)
def test_published_values_of_a_position(position: float, published: float) -> None:
    """A detection's worth by its position in a window is the one that NAB documents."""
    assert value_at(position) == pytest.approx(published, abs=5e-6)


def test_all_kinds_of_rows_in_one_file() -> None:
    """One window hit at its first row, one missed, and an alarm between come to -0.9540."""
    windows = [(30, 34), (70, 74)]
    raw = score_file(fire(100, 30, 31, 37), windows, UNWEIGHTED)
    assert raw == pytest.approx(-0.9540, abs=5e-5)


@pytest.mark.parametrize(
    ("rows", "first", "length", "published"),
    [
        (1538, 900, 153, 0.862098587352),  # realAdExchange/exchange-3_cpm_results: 1 hit
        (2500, 1500, 239, 0.842622001756),  # realTraffic/speed_6005: 3 hits
        (4032, 2700, 403, 0.760614306128),  # artificialWithAnomaly/art_daily_jumpsup: 8 hits
    ],
)
def test_published_scores_of_files_with_one_window(
    rows: int, first: int, length: int, published: float
) -> None:
    """The published score of a file with one window found is that of exactly one row in it."""
    window = (first, first + length - 1)
    scores = [
        score_file(fire(rows, row), [window], STANDARD) for row in range(first, first + length)
    ]
    assert sum(score == pytest.approx(published, abs=1e-10) for score in scores) == 1


def test_published_score_of_a_file_with_two_windows() -> None:
    """One of two windows hit (exchange-2_cpm_results) gives the published score at one row."""
    windows = [(400, 480), (900, 980)]
    scores = [score_file(fire(1624, row), windows, STANDARD) for row in range(400, 481)]
    assert sum(score == pytest.approx(-0.937513462649, abs=1e-10) for score in scores) == 1


@pytest.mark.parametrize(
    ("windows", "alarms", "published"),
    [
        ([], 8, -0.88),  # artificialNoAnomaly/art_daily_no_noise
        ([(1500, 1594), (1700, 1794)], 2, -2.22),  # realKnownCause/rogue_agent_key_hold
        ([(1500, 1594), (1700, 1794)], 0, -2.0),  # realKnownCause/ambient_temperature
    ],
)
def test_published_scores_of_false_alarms(
    windows: list[tuple[int, int]], alarms: int, published: float
) -> None:
    """Alarms before any window cost the full weight each, missed windows theirs."""
    raw = score_file(fire(4032, *range(800, 800 + alarms)), windows, STANDARD)
    assert raw == pytest.approx(published)


def test_alarms_on_probation_do_not_count() -> None:
    """The first 15 % of a file are not scored, in a long one the first 750 rows."""
    assert score_file(fire(100, *range(15)), [], STANDARD) == 0
    assert score_file(fire(100, 15), [], STANDARD) == pytest.approx(-0.11)
    assert score_file(fire(15902, *range(750)), [], STANDARD) == 0
    assert score_file(fire(15902, 750), [], STANDARD) == pytest.approx(-0.11)


def test_published_final_results() -> None:
    """Raw totals over the benchmark's 116 windows come to the published scale, null is 0."""
    assert normalised(-6.81625917053, 116, STANDARD) == pytest.approx(47.06195725408189)
    for profile in PROFILES:
        assert normalised(-profile.false_negative * 116, 116, profile) == 0
        assert normalised(116, 116, profile) == 100


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_null_and_perfect_detectors(profile: Profile) -> None:
    """A detector that never fires scores 0, one that fires as each window begins 100."""
    windows = [(400, 480), (900, 980)]
    silent = score_file(fire(1624), windows, profile)
    perfect = score_file(fire(1624, 400, 900), windows, profile)
    assert normalised(silent, 2, profile) == 0
    assert normalised(perfect, 2, profile) == 100


@pytest.mark.public_data
@pytest.mark.parametrize(
    ("name", "score", "quiet", "inside", "total"),
    [
        ("AAPL", -4.0, 13564, 1588, 15902),
        ("CRM", -3.0, 13559, 1593, 15902),
        ("FB", -2.0, 13501, 1582, 15833),
        ("IBM", -2.0, 13553, 1590, 15893),
        ("UPS", -5.0, 13531, 1585, 15866),
    ],
)
def test_published_counts_of_the_twitter_series(
    public_data: Path, name: str, score: float, quiet: int, inside: int, total: int
) -> None:
    """A detector that never fires has the published score and rows in and outside of windows."""
    file = f"twitter_volume_{name}.csv"
    rows = read_series(public_data / "series" / file)
    bounds = json.loads((public_data / "series" / "anomaly_windows.json").read_text())[file]
    spans = [
        (
            datetime.fromisoformat(start).replace(tzinfo=UTC),
            datetime.fromisoformat(end).replace(tzinfo=UTC),
        )
        for start, end in bounds
    ]
    windows = window_indices([at for at, _ in rows], spans)
    assert len(rows) == total
    assert sum(last - first + 1 for first, last in windows) == inside
    assert total - inside - 750 == quiet
    assert score_file([False] * total, windows, STANDARD) == score
