"""Claims about the time of publication are checked, not believed."""

from datetime import UTC, datetime, timedelta

import pytest

from core.times import PublishedTime, published_time

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("claim", "live", "expected"),
    [
        (NOW - DAY, False, PublishedTime(NOW - DAY, False, False)),
        (NOW - DAY, True, PublishedTime(NOW - DAY, False, False)),
        (NOW - 3 * DAY, False, PublishedTime(NOW - 3 * DAY, False, False)),
        (NOW - 3 * DAY, True, PublishedTime(NOW, False, True)),
        (NOW + timedelta(minutes=1), False, PublishedTime(NOW, False, False)),
        (NOW + DAY, False, PublishedTime(NOW, True, False)),
        (datetime(2106, 2, 7, tzinfo=UTC), True, PublishedTime(NOW, True, False)),
        (datetime(1, 1, 1, tzinfo=UTC), True, PublishedTime(NOW, True, False)),
        (datetime(1970, 1, 1, tzinfo=UTC), False, PublishedTime(NOW, True, False)),
        (datetime(2026, 1, 1), False, PublishedTime(NOW, True, False)),  # noqa: DTZ001 - naive
        (None, True, PublishedTime(NOW, True, False)),
    ],
)
def test_makes_the_best_of_a_claim(
    claim: datetime | None, live: bool, expected: PublishedTime
) -> None:
    """Plausible claims count; missing, impossible and future ones count as first seen."""
    assert published_time(claim, NOW, live=live) == expected


def test_cuts_to_whole_seconds() -> None:
    """Stored times have no fractions."""
    claim = NOW - timedelta(microseconds=1)
    assert published_time(claim, NOW).at == NOW - timedelta(seconds=1)
