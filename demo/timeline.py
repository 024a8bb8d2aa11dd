"""When things happen in the demo: daily rhythm, and the events that stand out of it.

Everything is relative to ``now``; nothing here knows what is written.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.window import TimeWindow
from demo.world import BRANDS, OWN

HISTORY = timedelta(days=30)
LIVE = timedelta(minutes=3)
"""The busy part after ``now``, while somebody watches."""

TRICKLE = timedelta(minutes=30)
"""How long after ``now`` single posts still arrive."""

DISPERSION = 20.0
"""Gamma shape of an hour's rate: variance = mean + mean^2 / 20."""

GROWTH = 0.12
"""Rise of the rate over the 30 days."""

_HOURS = (9, 6, 4, 3, 3, 5, 12, 25, 42, 52, 55, 56, 58, 55, 52, 50, 52, 58, 60, 58, 54, 45, 32, 18)
_WEEKDAYS = (1.1, 1.08, 1.02, 1.03, 1.05, 0.9, 0.82)
_MEAN_HOUR = sum(_HOURS) / 24

STRIKE_HOURLY = (22, 48, 66, 58, 47, 36, 24, 12)
UPDATE_PER_TEN_MINUTES = (3, 5, 7, 9, 10, 11, 12, 12, 13, 14)
FEWEST_AWAKE = 0.35
"""Share of the outage's posts that are written even at night."""

UPDATE_LIVE = 34
UPDATE_TRICKLE = 60
CAMPAIGN_DAILY = 32
WIRE_COPIES = 60
BOT_POSTS = 64
NAMESAKE_SHOW = 58
NAMESAKE_RIVER = 46
OWN_POSTS = 30


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """Somebody will write about ``brand`` at ``at``; ``event`` is why (None: daily life)."""

    at: datetime
    brand: str
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The windows of the events, for a ``now``."""

    now: datetime

    @property
    def history(self) -> TimeWindow:
        """The 30 days before now."""
        return TimeWindow(start=self.now - HISTORY, end=self.now)

    @property
    def strike(self) -> TimeWindow:
        """Crisis A: eight working hours about nine days ago, resolved."""
        start = (self.now - timedelta(days=9)).replace(hour=9, minute=0, second=0, microsecond=0)
        return TimeWindow(start=start, end=start + timedelta(hours=len(STRIKE_HOURLY)))

    @property
    def update(self) -> TimeWindow:
        """Crisis B: open, from 100 minutes ago until after the live part."""
        begin = timedelta(minutes=10 * len(UPDATE_PER_TEN_MINUTES))
        return TimeWindow(start=self.now - begin, end=self.now + TRICKLE)

    @property
    def fee_day(self) -> TimeWindow:
        """Crisis C: one day of usual volume and unusual anger."""
        start = (self.now - timedelta(days=4)).replace(hour=0, minute=0, second=0, microsecond=0)
        return TimeWindow(start=start, end=start + timedelta(days=1))

    @property
    def campaign(self) -> TimeWindow:
        """Six days of cargo bikes."""
        start = (self.now - timedelta(days=20)).replace(hour=6, minute=0, second=0, microsecond=0)
        return TimeWindow(start=start, end=start + timedelta(days=6))

    @property
    def wire(self) -> TimeWindow:
        """The morning on which sixty sites print the same story."""
        start = (self.now - timedelta(days=6)).replace(hour=7, minute=0, second=0, microsecond=0)
        return TimeWindow(start=start, end=start + timedelta(hours=5))


def rhythm(at: datetime) -> float:
    """Return how busy the hour of ``at`` is; 1 is the average hour of the week."""
    return _HOURS[at.hour] / _MEAN_HOUR * _WEEKDAYS[at.weekday()]


def plan(calendar: Calendar, rng: random.Random) -> list[Moment]:
    """Return all moments of 30 days and the live part, in order of time."""
    moments = list(_daily_life(calendar, rng))
    moments += _strike(calendar, rng)
    moments += _update(calendar, rng)
    moments += _campaign(calendar, rng)
    moments += _scattered(calendar, rng)
    moments.sort(key=lambda m: m.at)
    return moments


def _daily_life(calendar: Calendar, rng: random.Random) -> Iterator[Moment]:
    end, fee_day = calendar.now + TRICKLE, calendar.fee_day
    hours = math.ceil((end - calendar.history.start) / timedelta(hours=1))
    for hour in range(hours):
        start = calendar.history.start + timedelta(hours=hour)
        trend = 1 + GROWTH * (hour / hours - 0.5)
        for brand in BRANDS:
            swing = rng.gammavariate(DISPERSION, 1 / DISPERSION)
            for _ in range(_poisson(brand.rate * rhythm(start) * trend * swing, rng)):
                at = start + timedelta(seconds=rng.randrange(3600))
                if at < end:
                    fee = brand.key == OWN and at in fee_day
                    yield Moment(at, brand.key, "fee_day" if fee else None)


def _strike(calendar: Calendar, rng: random.Random) -> Iterator[Moment]:
    for hour, count in enumerate(STRIKE_HOURLY):
        start = calendar.strike.start + timedelta(hours=hour)
        for _ in range(count):
            yield Moment(start + timedelta(seconds=rng.randrange(3600)), OWN, "strike")


def _update(calendar: Calendar, rng: random.Random) -> Iterator[Moment]:
    awake = min(1.0, max(FEWEST_AWAKE, rhythm(calendar.now)))
    for part, count in enumerate(UPDATE_PER_TEN_MINUTES):
        start = calendar.update.start + timedelta(minutes=10 * part)
        for _ in range(round(count * awake)):
            yield Moment(start + timedelta(seconds=rng.randrange(600)), OWN, "update")
    live = int(LIVE.total_seconds())
    for n in range(UPDATE_LIVE):
        second = 2 + (live - 4) * (n + rng.random()) / UPDATE_LIVE
        yield Moment(calendar.now + timedelta(seconds=int(second)), OWN, "update")
    for _ in range(UPDATE_TRICKLE):
        second = rng.randrange(live, int(TRICKLE.total_seconds()))
        yield Moment(calendar.now + timedelta(seconds=second), OWN, "update")


def _campaign(calendar: Calendar, rng: random.Random) -> Iterator[Moment]:
    window = calendar.campaign
    days = (window.end - window.start).days
    for _ in range(CAMPAIGN_DAILY * days):
        yield Moment(_daytime(window.start, days, rng), OWN, "campaign")


def _scattered(calendar: Calendar, rng: random.Random) -> Iterator[Moment]:
    start = calendar.history.start
    for event, count in (
        ("bot", BOT_POSTS),
        ("namesake_show", NAMESAKE_SHOW),
        ("namesake_river", NAMESAKE_RIVER),
        ("own_post", OWN_POSTS),
    ):
        for _ in range(count):
            at = start + timedelta(seconds=rng.randrange(int(HISTORY.total_seconds())))
            yield Moment(at, OWN, event)
    window = calendar.wire
    seconds = int((window.end - window.start).total_seconds())
    for n in range(WIRE_COPIES):
        late = 0 if n == 0 else int(seconds * rng.betavariate(1.2, 3))
        yield Moment(window.start + timedelta(seconds=late), OWN, "wire")


def _daytime(start: datetime, days: int, rng: random.Random) -> datetime:
    """Return a moment in ``days`` days from ``start``, more likely in busy hours."""
    while True:
        at = start + timedelta(seconds=rng.randrange(days * 86400))
        if rng.random() < rhythm(at) / 2:
            return at


def _poisson(mean: float, rng: random.Random) -> int:
    """Draw from a Poisson distribution (Knuth's multiplication; means here stay under 20)."""
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
