"""Rules about Groundswell itself: sources that bring nothing, and the self-test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.incidents import Findings
from alerts.outage import SourceState, find_outages, outage_evidence, self_test_evidence
from app.answers import Health, SourceHealth
from app.queries import Queries
from app.rounds import Found, Round
from app.self_test import observe, read_self_test
from core.rules import SelfTestRule, SourceOutageRule
from insights.baseline import HOUR


def examine_sources(here: Round, rule: SourceOutageRule) -> Found:
    """Return which sources bring nothing."""
    awake_since = here.awake.since if here.awake else here.now - rule.after
    told_at = next((one.opened_at for one in here.known if one.resolved_at is None), None)
    states = source_states(here.queries)
    outages = find_outages(rule, states, here.now, awake_since, told_at)
    if not outages:
        is_asked = any(one.last_poll is not None for one in states)
        return Found("quiet: every source answers" if is_asked else "no source was asked yet")
    evidence = outage_evidence(rule, outages, here.now)
    words = ", ".join(one.source for one in outages)
    return Found(f"out: {words}", evidence=evidence, findings=Findings(len(outages)))


def source_states(queries: Queries) -> Sequence[SourceState]:
    """Return how each source does that is switched on."""
    intervals = {source.name: source.every for source in queries.configuration.sources}
    return [
        SourceState(
            one.name,
            intervals[one.name],
            one.last_poll,
            one.last_success,
            one.reason,
            first_poll=_first_poll(one),
        )
        for one in queries.sources()
        if one.health is not Health.OFF
    ]


def _first_poll(source: SourceHealth) -> datetime | None:
    """Return by when a source was asked first, to the hour; None where that is not known."""
    first = next((hour.hour for hour in source.hours if hour is not None), None)
    if first is None or source.last_poll is None:
        return None
    return min(first + HOUR, source.last_poll)


def examine_self_test(here: Round, rule: SelfTestRule) -> Found:
    """Look whether the last mention of our own arrived, and say what is wrong where it did not."""
    application = here.application
    test = read_self_test(application) if here.is_dry else observe(application, rule, here.now)
    evidence = self_test_evidence(rule, test, here.now)
    is_told = any(one.resolved_at is None for one in here.known)
    if evidence is not None and here.awake is not None and not is_told:
        # A machine that slept sent nothing; it is given its time anew.
        is_asleep = here.now - here.awake.since < rule.every + rule.within
        if is_asleep and evidence.started_at < here.awake.since:
            evidence = None
    if evidence is not None:
        return Found("the self-test did not arrive", evidence=evidence, findings=Findings(1))
    return Found(self_test_words(here))


def self_test_words(here: Round) -> str:
    """Return how the last self-test went that arrived."""
    test = read_self_test(here.application)
    if test.arrived_at is None or test.seconds is None:
        return "waiting for the first self-test"
    local = test.arrived_at.astimezone(ZoneInfo(here.zone))
    return f"quiet: at {local:%H:%M} it arrived in {test.seconds:.0f} s"
