"""Rules about Groundswell itself: sources that bring nothing, and the self-test. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.incident import Evidence, Words
from core.rules import SelfTestRule, SourceOutageRule


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source does: when it last answered, None if it never did, and what it said since.

    ``first_poll`` is since when it is asked, as far as that is known.
    """

    name: str
    every: timedelta
    last_poll: datetime | None
    last_success: datetime | None
    reason: str | None = None
    first_poll: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A source that brings nothing, since when, and why."""

    source: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The last mention that was sent to ourselves, and the last that arrived.

    ``waiting_since`` is when the first was sent that has not arrived; ``seconds`` how long the
    last one took on its whole way. ``reason`` is what keeps its mail from being taken, None where
    it did not even come so far.
    """

    sent_at: datetime | None = None
    waiting_since: datetime | None = None
    arrived_at: datetime | None = None
    seconds: float | None = None
    reason: str | None = None


def find_outages(
    rule: SourceOutageRule,
    sources: Sequence[SourceState],
    now: datetime,
    awake_since: datetime,
    told_at: datetime | None = None,
) -> list[Outage]:
    """Return the sources that have not answered for ``rule.after``, longest first.

    The time before ``awake_since`` does not count: then nobody asked them. Nor does the ordinary
    pause of a source that is asked less often. What failed before ``told_at``, when an outage that
    is not over was told, and fails still, is out whatever was slept since.
    """
    found = []
    for source in sources:
        if rule.sources and source.name not in rule.sources:
            continue
        if source.last_poll is None and source.last_success is None:
            continue  # not asked yet, such as after an upgrade
        since = source.last_success or source.first_poll or source.last_poll or now
        allowed = rule.after + source.every
        is_failing = source.last_poll is not None and source.last_poll > since
        if is_failing:
            allowed = rule.after
        is_known = is_failing and told_at is not None and since < told_at
        if is_known or now - max(since, awake_since) >= allowed:
            reason = source.reason if is_failing else None
            found.append(Outage(source.name, since, reason or "it was not asked"))
    return sorted(found, key=lambda one: (one.since, one.source))


def outage_evidence(rule: SourceOutageRule, outages: Sequence[Outage], now: datetime) -> Evidence:
    """Return what is told about sources that are out; there must be one."""
    first = outages[0]
    count = len(outages)
    lead = (
        f"{first.source} brings nothing."
        if count == 1
        else f"{count} sources bring nothing: {_listed([one.source for one in outages])}."
    )
    story = [
        f"{one.source} since {_ago(one.since, now)}: {one.reason.rstrip('.')}."
        for one in outages[:10]
    ]
    return _evidence(
        min(one.since for one in outages),
        now,
        count,
        Words(
            subject=lead.rstrip("."),
            lead=lead,
            story=(*story, "What is said there is not heard until it answers again."),
            why=(
                (
                    f'The rule "{rule.name}" tells when a source has not answered for '
                    f"{_length(rule.after)}."
                ),
            ),
            resolved="All sources answer again.",
            link="the sources",
            page="sources",
        ),
    )


def self_test_evidence(rule: SelfTestRule, test: SelfTest, now: datetime) -> Evidence | None:
    """Return what is told when a mention of our own did not arrive; None while all is well."""
    if test.waiting_since is not None:
        since, is_lost = test.waiting_since, True
        limit = rule.within
    elif test.sent_at is not None:
        since, is_lost = test.sent_at, False
        limit = rule.every + rule.within
    else:
        return None
    if now - since < limit:
        return None
    lead = "The self-test was not sent: nothing is being collected."
    if is_lost:
        lead = "The self-test did not arrive: mentions may be collected, but do not reach you."
    if is_lost and test.reason:
        lead = "The self-test did not arrive: its mail was not taken."
    what = "It was sent" if is_lost else "The last one was sent"
    story = [f"{what} {_ago(since, now)} ago and has {_length(rule.within)} to arrive."]
    if is_lost and test.reason:
        story.insert(0, f"What keeps it: {test.reason.rstrip('.')}.")
    if test.arrived_at is not None:
        story.append(f"The last one that arrived did so {_ago(test.arrived_at, now)} ago.")
    story.append("`groundswell doctor` says what is wrong.")
    words = Words(
        subject="Self-test failed: alerts may not reach you",
        lead=lead,
        story=tuple(story),
        why=(
            (
                f'The rule "{rule.name}" sends a mention of its own every {_length(rule.every)}, '
                "all the way from a source to the mail server. It is counted nowhere."
            ),
        ),
        resolved="The self-test arrives again.",
        link="the sources",
        page="sources",
    )
    return _evidence(since, now, 1, words)


def _evidence(since: datetime, now: datetime, count: int, words: Words) -> Evidence:
    return Evidence(
        window_start=min(since, now),
        window_end=now,
        started_at=min(since, now),
        observed=count,
        words=words,
    )


def _listed(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _ago(since: datetime, now: datetime) -> str:
    return _length(now - since)


def _length(length: timedelta) -> str:
    minutes = max(length // timedelta(minutes=1), 0)
    if minutes < 90:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    hours = minutes / 60
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
