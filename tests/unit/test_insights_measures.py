from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.window import TimeWindow
from insights.measures import (
    Denominator,
    engagement_rate,
    growth,
    net_sentiment,
    response_time,
    share,
    share_of_voice,
    usual_range,
)
from insights.series import Series

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
counts = st.integers(0, 500)


@given(counts, counts, counts)
def test_net_sentiment_lies_in_its_interval(positive: int, neutral: int, negative: int) -> None:
    """The value lies between its ends, both in -1..1; nothing scored has none."""
    net = net_sentiment(positive, neutral, negative)
    if positive + neutral + negative == 0:
        assert net is None
    else:
        assert net is not None
        assert -1 <= net.low <= net.value <= net.high <= 1
        assert net.value == (positive - negative) / net.n


def test_net_sentiment_covers_the_truth() -> None:
    """The interval holds the true value in about 95 of 100 samples."""
    rng = np.random.default_rng(1)
    held = 0
    for positive, neutral, negative in rng.multinomial(60, [0.3, 0.5, 0.2], 1000):
        net = net_sentiment(int(positive), int(neutral), int(negative))
        assert net is not None
        held += net.low <= 0.1 <= net.high
    assert 930 <= held <= 975


def test_negative_counts_are_refused() -> None:
    """A count below 0 is an error in every measure."""
    with pytest.raises(ValueError, match="negative"):
        net_sentiment(-1, 0, 0)
    with pytest.raises(ValueError, match="negative"):
        share_of_voice({"a": -1})


def test_a_share_has_an_interval() -> None:
    """61 of 88 has Wilson's interval; of nothing there is no share."""
    estimate = share(61, 88)
    assert estimate is not None
    assert estimate.value == pytest.approx(61 / 88)
    assert (estimate.low, estimate.high) == pytest.approx((0.590, 0.780), abs=0.002)
    assert share(0, 0) is None


@given(st.dictionaries(st.text(max_size=4), counts, max_size=8))
def test_shares_of_voice_sum_to_one(names: dict[str, int]) -> None:
    """All parts together are the whole, largest first."""
    voice = share_of_voice(names, sources=6)
    if sum(names.values()) == 0:
        assert voice is None
    else:
        assert voice is not None
        assert sum(part.share for part in voice.shares) == pytest.approx(1.0)
        assert sum(part.count for part in voice.shares) == voice.total == sum(names.values())
        assert [p.count for p in voice.shares] == sorted(names.values(), reverse=True)


def test_engagement_rate_names_its_denominator_and_leaves_out_the_unknown() -> None:
    """Unknown engagement, unknown followers and no followers do not count as 0."""
    rate = engagement_rate([10, None, 5, 7, 20], [1000, 500, None, 0, 1000], Denominator.FOLLOWERS)
    assert rate is not None
    assert (rate.by, rate.known, rate.mentions) == (Denominator.FOLLOWERS, 2, 5)
    assert rate.rate.value == pytest.approx(0.015)
    assert 0 <= rate.rate.low < 0.015 < rate.rate.high


def test_engagement_rate_of_one_mention_has_a_wide_interval() -> None:
    """A single mention has a rate too, also with more reactions than followers."""
    one = engagement_rate([3], [10], Denominator.VIEWS)
    assert one is not None
    assert one.rate.low < 0.3 < one.rate.high
    viral = engagement_rate([30], [10], Denominator.FOLLOWERS)
    assert viral is not None
    assert viral.rate.low <= viral.rate.value == 3.0 == viral.rate.high


def test_engagement_rate_of_nothing_known_is_unknown() -> None:
    """Without any known pair there is no rate; lists of different length are an error."""
    assert engagement_rate([None], [5], Denominator.VIEWS) is None
    with pytest.raises(ValueError, match="1 engagements for 2 views"):
        engagement_rate([1], [5, 6], Denominator.VIEWS)


def test_the_usual_range_of_a_day_holds_most_days() -> None:
    """About four of five ordinary days lie in the range told the evening before."""
    rng = np.random.default_rng(4)
    hours = np.arange(70 * 24)
    mean = 9 * (1 + 0.5 * np.sin(hours % 24 / 24 * 2 * np.pi))
    series = Series.build(START, HOUR, rng.poisson(mean * rng.gamma(10, 0.1, mean.size)))
    held = 0
    for day in range(40, 70):
        window = TimeWindow(START + timedelta(days=day), START + timedelta(days=day + 1))
        usual = usual_range(series, window)
        assert usual is not None
        assert usual.low < usual.expected < usual.high
        held += usual.low <= series.between(window).total() <= usual.high
    assert 20 <= held <= 29


def test_the_usual_range_needs_history_and_a_window() -> None:
    """With a week of history, or for no time at all, nothing is usual."""
    series = Series.build(START, HOUR, [3] * 24 * 30)
    early = TimeWindow(START + timedelta(days=7), START + timedelta(days=8))
    nothing = TimeWindow(series.end, series.end)
    assert usual_range(series, early) is None
    assert usual_range(series, nothing) is None


def test_the_median_answer_has_an_interval() -> None:
    """Half of the answers came within it; few answers leave it open to the extremes."""
    minutes = [timedelta(minutes=m) for m in range(1, 102)]
    found = response_time(minutes[::-1])
    assert found is not None
    assert (found.median, found.n) == (timedelta(minutes=51), 101)
    assert timedelta(minutes=39) <= found.low < found.median < found.high <= timedelta(minutes=63)
    few = response_time([timedelta(hours=1), timedelta(hours=3)])
    assert few is not None
    assert (few.low, few.median, few.high) == tuple(timedelta(hours=h) for h in (1, 2, 3))
    assert response_time([]) is None
    with pytest.raises(ValueError, match="before its question"):
        response_time([timedelta(seconds=-1)])


def test_growth_is_between_the_first_and_the_last_time_seen() -> None:
    """Times without a number do not count, and one alone is no growth."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    seen = [(start + timedelta(days=d), n) for d, n in ((3, 130), (0, 100), (1, None), (2, 90))]
    found = growth(seen)
    assert found is not None
    assert (found.first, found.last, found.change) == (100, 130, 30)
    assert growth(seen[:1]) is None
    assert growth([]) is None
