"""The sentence that the Overview and the mails begin with, in parts that link to their mentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from insights.measures import UsualRange
from insights.seasons import Season
from insights.verdict import Learning, Measure, Verdict


class LinkTarget(StrEnum):
    """Which mentions a part of the sentence opens."""

    ALL = "all"
    BURST = "burst"
    NEGATIVE = "negative"
    NEEDS_ANSWER = "needs_answer"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text; where ``target`` is given, a link to the mentions behind it.

    ``about`` narrows the link: the theme, term or topic of a burst. ``since`` is where it begins.
    """

    text: str
    target: LinkTarget | None = None
    about: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class BurstNews:
    """A burst to be told: what it is about (as shown), and in figures.

    ``negative`` of ``scored`` mentions in it are negative; both None where nothing was scored.
    """

    about: str
    factor: float | None
    since: datetime
    negative: int | None = None
    scored: int | None = None


@dataclass(frozen=True, slots=True)
class OverviewFacts:
    """The numbers that the sentence is made of.

    ``since`` is when the counted time began, ``usual`` None while it is not known, ``learning``
    how far learning is. ``needing_answer`` is None where nobody decides that.
    """

    mentions: int
    since: datetime
    usual: UsualRange | None = None
    learning: Learning | None = None
    bursts: Sequence[BurstNews] = ()
    needing_answer: int | None = None


def overview_sentence(facts: OverviewFacts, now: datetime, zone: str = "UTC") -> list[Part]:
    """Return the sentence, e.g. "212 mentions since yesterday, usual 180-240. Late deliveries: 4.3
    times the usual since 13:00, 61 of 88 negative. 5 need an answer."

    Joining the parts' texts gives it whole. Times are on the wall clock of ``zone``.
    """
    info = ZoneInfo(zone)
    since = when(facts.since, now, info)
    if facts.mentions == 0 and not facts.bursts:
        parts = [Part(f"No mentions since {since}")]
    else:
        text = f"{_count(facts.mentions, 'mention')} since {since}"
        parts = [Part(text, LinkTarget.ALL, since=facts.since)]
    if facts.usual is not None:
        parts.append(Part(f", usual {format_range(facts.usual.low, facts.usual.high)}"))
    elif facts.learning is not None:
        day = min(facts.learning.day, facts.learning.days)
        text = f"; what is usual is being learned{_since(facts.learning)}"
        parts.append(Part(f"{text}, day {day} of {facts.learning.days}"))
    parts.append(Part("."))
    for burst in facts.bursts:
        parts.extend(_burst_parts(burst, now, info))
    if facts.needing_answer:
        verb = "needs" if facts.needing_answer == 1 else "need"
        text = f"{facts.needing_answer:,} {verb} an answer"
        parts += [Part(" "), Part(text, LinkTarget.NEEDS_ANSWER), Part(".")]
    elif facts.needing_answer == 0:
        parts.append(Part(" Nothing waits for an answer."))
    return parts


def plain(parts: Sequence[Part]) -> str:
    """Return the sentence as text."""
    return "".join(part.text for part in parts)


def describe_learning(learning: Learning, measure: Measure = Measure.VOLUME) -> str:
    """Return e.g. "learning, day 3 of 14; until then from 12 mentions an hour".

    Where a change made it learn again: "learning since the query of Acme changed on 3 Nov, day 3
    of 14; until then from 12 mentions an hour".
    """
    what = "negative mentions" if measure is Measure.NEGATIVE else "mentions"
    day = min(learning.day, learning.days)
    told = f"learning{_since(learning)}, day {day} of {learning.days}; "
    if learning.threshold is None:
        return told + "no hour to compare with yet"
    return told + f"until then from {learning.threshold:,} {what} an hour"


def describe_verdict(verdict: Verdict, zone: str = "UTC") -> str:
    """Return the verdict in plain words, e.g. "88 mentions in 2 hours, 4.3 times a usual Tuesday
    14:00 (usual 15-27)", or of a negative rule "61 of 88 scored mentions in 3 hours are negative,
    usual 10-17".
    """
    length = format_length(verdict.window.length)
    if verdict.measure is Measure.NEGATIVE:
        text = (
            f"{verdict.observed:,} of {_count(verdict.scored or 0, 'scored mention')} in {length}"
        )
        text += " is negative" if verdict.observed == 1 else " are negative"
        joint = ", usual "
    elif verdict.measure is Measure.SHARE:
        text = (
            f"{verdict.observed:,} of {_count(verdict.scored or 0, 'mention')} of its group "
            f"in {length}"
        )
        joint = ", usual "
    else:
        text = f"{_count(verdict.observed, 'mention')} in {length}"
        if verdict.factor is not None and verdict.is_alert:
            local = verdict.window.start.astimezone(ZoneInfo(zone))
            day = "Sunday" if verdict.is_holiday else f"{local:%A}"
            text += f", {format_factor(verdict.factor)} times a usual {day} {local:%H:%M}"
        joint = "; usual "
    if verdict.learning is not None:
        return f"{text} ({describe_learning(verdict.learning, verdict.measure)})"
    if verdict.low is None or verdict.high is None:
        return text
    return f"{text}{joint}{format_range(verdict.low, verdict.high)}"


def describe_season(season: Season) -> str:
    """Return e.g. "comes every year around 5 May, now 1.4 times as much as on 6 May 2025"."""
    last = f"{season.last.day} {season.last:%b %Y}"
    times = format_factor(season.factor)
    return f"comes {season.words}, now {times} times as much as on {last}"


def when(instant: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return an instant as people say it: "13:00", "yesterday", "yesterday 22:10", "Mon 2 Nov"."""
    local, today = instant.astimezone(zone), now.astimezone(zone)
    days = (today.date() - local.date()).days
    if days == 0:
        return f"{local:%H:%M}"
    if days == 1:
        # The sentence counts "since yesterday"; at the same or an earlier hour no clock is needed.
        is_round = now - instant >= timedelta(hours=24) or local.hour == 0
        return "yesterday" if is_round else f"yesterday {local:%H:%M}"
    if 1 < days < 7:
        return f"{local:%A}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def format_factor(factor: float) -> str:
    """Return a factor as it is told: "4.3", "12", "over 100"."""
    if factor >= 100:
        return "over 100"
    return f"{factor:.1f}" if factor < 9.95 else f"{factor:.0f}"


def format_range(low: int, high: int) -> str:
    """Return "180-240", or "3" where both ends agree."""
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def format_length(length: timedelta) -> str:
    """Return a length of whole minutes: "15 minutes", "1 hour", "2 hours", "90 minutes"."""
    minutes = round(length / timedelta(minutes=1))
    if minutes % 60 == 0 and minutes:
        return _count(minutes // 60, "hour")
    return _count(minutes, "minute")


def _since(learning: Learning) -> str:
    return f" since {learning.since}" if learning.since else ""


def _burst_parts(burst: BurstNews, now: datetime, zone: ZoneInfo) -> list[Part]:
    """Return " Late deliveries: 4.3 times the usual since 13:00, 61 of 88 negative."."""
    since = when(burst.since, now, zone)
    size = (
        "unusually many"
        if burst.factor is None
        else f"{format_factor(burst.factor)} times the usual"
    )
    about = burst.about[:1].upper() + burst.about[1:]
    parts = [
        Part(" "),
        Part(f"{about}: {size} since {since}", LinkTarget.BURST, burst.about, burst.since),
    ]
    if burst.negative is not None and burst.scored:
        text = f"{burst.negative:,} of {burst.scored:,} negative"
        link = Part(text, LinkTarget.NEGATIVE, burst.about, burst.since)
        parts += [Part(", "), link]
    parts.append(Part("."))
    return parts


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
