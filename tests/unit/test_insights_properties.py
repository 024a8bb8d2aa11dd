"""What holds for any data: flat is quiet, zones move nothing, shares sum to 1, chance is rare."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.discoveries import MAKERS, measure
from insights.baseline import fit_baseline
from insights.burst import VolumeSettings, judge_volume, scan_volume
from insights.measures import share_of_voice
from insights.negative import NegativeSettings, judge_negative, scan_negative
from insights.series import Series, Span, fold
from insights.shares import ShareSeries

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# Three weeks that hold a change of the clocks of Europe and of America, either way.
STARTS = (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC))
# Ahead and behind by whole hours, by half an hour, and with clocks that change.
ZONES = ("UTC", "Asia/Tokyo", "Asia/Kolkata", "Europe/Berlin", "America/New_York")
WHOLE_HOURS = ("UTC", "Asia/Tokyo", "Etc/GMT+5", "Etc/GMT-13")
DAYS = 21

steps = st.sampled_from([5, 15, 30, 60]).map(lambda minutes: minutes * MINUTE)


@given(
    st.sampled_from(STARTS),
    steps,
    st.integers(0, 100_000),
    st.integers(1, 50),
    st.sampled_from(ZONES),
    st.integers(0, 200),
)
@settings(max_examples=30, deadline=None)
def test_a_flat_series_never_bursts(
    start: datetime, step: timedelta, level: int, minimum: int, zone: str, begins: int
) -> None:
    """The same count in every bucket is never told: not in the first hours, learning, or later."""
    number = DAYS * 24 * HOUR // step
    series = Series.build(start, step, [level] * number, covered_from=start + begins * MINUTE)
    rule = VolumeSettings(minimum=minimum, learning_from=minimum, zone=zone)
    first = -(-begins * MINUTE // step)
    assert scan_volume(series, first, number - 1, rule).alerts() == []
    for index in (first, first + HOUR // step, number - 1):
        assert not judge_volume(series, index, rule).is_alert


@given(st.sampled_from(STARTS), steps, st.integers(0, 300), st.data(), st.sampled_from(ZONES))
@settings(max_examples=15, deadline=None)
def test_a_constant_share_never_bursts(
    start: datetime, step: timedelta, scored: int, data: st.DataObject, zone: str
) -> None:
    """The same negative share in every bucket is never told, be it all or nothing."""
    negative = data.draw(st.integers(0, scored))
    number = DAYS * 24 * HOUR // step
    shares = ShareSeries(
        Series.build(start, step, [negative] * number), Series.build(start, step, [scored] * number)
    )
    rule = NegativeSettings(zone=zone)
    assert scan_negative(shares, 0, number - 1, rule).alerts() == []
    assert not judge_negative(shares, 0, rule).is_alert
    assert not judge_negative(shares, number - 1, rule).is_alert


@given(st.lists(st.integers(0, 30), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None)
def test_appending_never_rewrites_a_scan(later: list[int]) -> None:
    """What is known later leaves every verdict of a day as it was, volume and share."""
    counts = np.random.default_rng(4).poisson(2, DAYS * 96)
    one = Series.build(STARTS[0], 15 * MINUTE, counts)
    other = Series.build(STARTS[0], 15 * MINUTE, [*counts.tolist(), *later])
    first, last = len(counts) - 96, len(counts) - 1
    before, after = (scan_volume(s, first, last, VolumeSettings()) for s in (one, other))
    assert before.p.tolist() == after.p.tolist()
    assert before.is_alert.tolist() == after.is_alert.tolist()
    parts = [ShareSeries(s, Series.build(s.start, s.step, s.counts * 2)) for s in (one, other)]
    before, after = (scan_negative(part, first, last, NegativeSettings()) for part in parts)
    assert before.ratio.tolist() == after.ratio.tolist()


@given(st.integers(0, 2**32 - 1), st.integers(2, 8), st.integers(0, 60))
@settings(max_examples=15, deadline=None)
def test_zones_that_differ_by_whole_hours_move_nothing(seed: int, rate: int, more: int) -> None:
    """The same mentions without a rhythm, read on clocks hours apart, ring at the same minutes."""
    counts = np.random.default_rng(seed).poisson(rate, DAYS * 96)
    counts[-12:-8] += more
    series = Series.build(datetime(2026, 6, 1, tzinfo=UTC), 15 * MINUTE, counts)
    baselines = [fit_baseline(series, series.end, zone=zone) for zone in WHOLE_HOURS]
    # Days and hours of the week are other groups there; what is expected differs by less than
    # the hours of such a stream differ by chance.
    expected = [b.expected(series.end, HOUR, 168).mean() for b in baselines]
    assert expected == pytest.approx([expected[0]] * len(expected), rel=0.05)
    folded = [sum(p.count for p in fold(series, Span.DAY, zone)) for zone in ZONES]
    assert folded == [int(counts.sum())] * len(ZONES)


@given(st.sampled_from([0, 3]), st.sampled_from(WHOLE_HOURS), st.integers(0, 40))
@settings(max_examples=20, deadline=None)
def test_a_burst_rings_on_every_clock(level: int, zone: str, more: int) -> None:
    """A burst upon an even stream rings at the same buckets in zones hours apart."""
    counts = np.full(DAYS * 96, level)
    counts[-12:-4] += more
    series = Series.build(datetime(2026, 6, 1, tzinfo=UTC), 15 * MINUTE, counts)
    last = len(series) - 1
    told = [
        scan_volume(series, last - 40, last, VolumeSettings(zone=name)).alerts()
        for name in ("UTC", zone)
    ]
    assert told[0] == told[1]


@given(st.integers(0, 2**32 - 1), st.sampled_from(ZONES), st.sampled_from(STARTS))
@settings(max_examples=15, deadline=None)
def test_days_that_are_no_holiday_of_the_series_change_nothing(
    seed: int, zone: str, start: datetime
) -> None:
    """No holidays, Sundays as holidays, and those of other years: the same to the last digit."""
    counts = np.random.default_rng(seed).poisson(4, DAYS * 24)
    series = Series.build(start, HOUR, counts)
    days = [start.date() + timedelta(days=n) for n in range(-1, DAYS + 9)]
    sundays = frozenset(day for day in days if day.weekday() == 6)
    plain = fit_baseline(series, series.end, zone=zone)
    for calendar in (frozenset[date](), sundays, frozenset({date(2019, 12, 25)})):
        other = fit_baseline(series, series.end, zone=zone, holidays=calendar)
        assert other.hourly(series.end, 168).tolist() == plain.hourly(series.end, 168).tolist()
        assert other.fitted.tolist() == plain.fitted.tolist()
        assert other.spread_by_hours.tolist() == plain.spread_by_hours.tolist()


@given(st.integers(0, 2**32 - 1), st.integers(-12, 13), st.integers(0, DAYS - 1))
@settings(max_examples=20, deadline=None)
def test_a_calendar_moves_with_its_clock(seed: int, ahead: int, day: int) -> None:
    """The same local hours with the same local holiday give the same, wherever the zone lies."""
    counts = np.random.default_rng(seed).poisson(6, DAYS * 24)
    midnight = datetime(2026, 6, 1, tzinfo=UTC)
    calendar = frozenset({midnight.date() + timedelta(days=day)})
    zones = ("UTC", f"Etc/GMT{-ahead:+d}")
    starts = (midnight, midnight - ahead * HOUR)
    one, other = (
        fit_baseline(
            Series.build(start, HOUR, counts),
            start + DAYS * 24 * HOUR,
            zone=zone,
            holidays=calendar,
        )
        for start, zone in zip(starts, zones, strict=True)
    )
    assert other.profile.tolist() == one.profile.tolist()
    assert other.level == one.level
    assert other.fitted.tolist() == one.fitted.tolist()


@given(
    st.sampled_from([("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]),
    st.lists(st.integers(0, 9), min_size=96, max_size=96),
)
def test_clock_changes_neither_lose_nor_double(day: tuple[str, int], counts: list[int]) -> None:
    """A local day of 23, 24 or 25 hours holds exactly the mentions between its midnights."""
    name, hours = day
    midnight = datetime.fromisoformat(name).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    quarters = (counts * 2)[: hours * 4]
    series = Series.build(midnight.astimezone(UTC), 15 * MINUTE, quarters)
    (whole,) = fold(series, Span.DAY, "Europe/Berlin")
    by_hour = fold(series, Span.HOUR, "Europe/Berlin")
    assert (whole.count, whole.coverage) == (sum(quarters), 1.0)
    assert [part.count for part in by_hour] == [
        sum(quarters[at : at + 4]) for at in range(0, hours * 4, 4)
    ]


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_shares_sum_to_one(counts: list[int]) -> None:
    """Sentiments, themes or brands: parts of one whole sum to it, to the last digit that counts."""
    voice = share_of_voice({str(at): count for at, count in enumerate(counts)})
    if voice is None:
        assert sum(counts) == 0
        return
    assert sum(part.count for part in voice.shares) == voice.total == sum(counts)
    assert sum(part.share for part in voice.shares) == pytest.approx(1.0, abs=1e-12)
    assert all(0 <= part.share <= 1 for part in voice.shares)


@pytest.mark.parametrize("kind", ["independent", "overdispersed", "lively together"])
def test_false_discoveries_are_held_where_nothing_bursts(kind: str) -> None:
    """Of families without a burst, no more than 5 % show a rising term, within the draw's error."""
    families = 120
    rate, _ = measure(MAKERS[kind], families, 40, seed=2)
    assert rate <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / families)
