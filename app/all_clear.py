"""The all-clear: each morning one mail that makes silence a statement."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from alerts.letters import LetterFacts, Section, Watch, compose_letter, state_of_things
from alerts.outage import self_test_evidence
from alerts.schedule import Occurrence, latest_due
from app.digests import (
    chart_of,
    incident_row,
    incidents_in,
    is_about,
    letter_key,
    scope_of,
)
from app.own_rules import all_rules
from app.queries import Queries
from app.rounds import Letter, Round
from app.self_test import read_self_test
from core.rules import AllClearRule, SelfTestRule
from core.window import TimeWindow
from insights.baseline import HOUR
from insights.measures import usual_range

HISTORY = timedelta(weeks=8)
UNANSWERED_SINCE = timedelta(days=7)
"""What waits for longer was decided not to be answered."""


def letter(here: Round, rule: AllClearRule) -> Letter | None:
    """Return this morning's statement, None where none is due."""
    due = latest_due(rule, here.now, here.zone)
    if due is None:
        return None
    key, mail = letter_key(rule, due), here.application.configuration.settings.mail
    recipients = rule.recipients or mail.recipients
    return Letter(
        key, lambda: compose_letter(all_clear_facts(here, rule, due, key), mail, recipients)
    )


def watch_of(here: Round, rule: AllClearRule, window: TimeWindow) -> Watch:
    """Return what the statement about ``window`` rests on."""
    queries = here.queries
    scope = scope_of(rule, window, here.zone)
    selection = replace(queries.selection(scope), window=None)
    reach = TimeWindow(window.start - HISTORY, window.end)
    hourly = queries.counts.reference(selection, reach, HOUR)
    waiting = scope.needing_answer().within(
        TimeWindow(here.now - UNANSWERED_SINCE, here.now - rule.answer_within)
    )
    incidents = incidents_in(queries, window, rule.topics)
    still_open = [one for one in queries.incidents() if one.resolved_at is None]
    tests = [one.rule for one in all_rules(here.application) if isinstance(one.rule, SelfTestRule)]
    test = read_self_test(here.application)
    zone = ZoneInfo(scope.zone)
    return Watch(
        mentions=queries.count(scope),
        usual=usual_range(hourly, window, zone=scope.zone, holidays=queries.calendar.days),
        unanswered=queries.count(waiting),
        answer_within=rule.answer_within,
        on_time=share_on_time(queries, window),
        unheard=sum((one.length for one in queries.counts.unheard(window)), timedelta()),
        is_tested=bool(tests),
        tested_at=test.arrived_at.astimezone(zone) if test.arrived_at else None,
        seconds=test.seconds,
        is_test_kept=test.arrived_at is None or test.arrived_at <= here.now,
        is_test_late=any(self_test_evidence(one, test, here.now) for one in tests),
        incidents=len(incidents),
        open_incidents=sum(is_about(one, rule.topics) for one in still_open),
    )


def share_on_time(queries: Queries, window: TimeWindow) -> float | None:
    """Return the share of hours' polls that went well, of all sources; None without any."""
    hours = queries.polls_by_hour(window)
    polls = sum(hour.polls for hour in hours)
    return sum(hour.ok + hour.not_modified for hour in hours) / polls if polls else None


def all_clear_facts(here: Round, rule: AllClearRule, due: Occurrence, key: str) -> LetterFacts:
    """Return the morning's statement with what it rests on."""
    queries, window = here.queries, due.window
    scope = scope_of(rule, window, here.zone)
    watch = watch_of(here, rule, window)
    said = state_of_things(watch)
    base = here.application.configuration.settings.link_base
    rows = [
        incident_row(incident, base, scope.zone)
        for incident in incidents_in(queries, window, rule.topics)
    ]
    name = ", ".join(rule.topics)
    return LetterFacts(
        key=key,
        at=window.end,
        subject=f"{name}: " * bool(name) + f"{said.word} {said.sentences[0]}",
        kicker=f"All-clear · {name or 'all topics'}",
        lead=said.word,
        story=said.sentences,
        colour=said.colour,
        link=f"{base}/{scope.url('mentions')}",
        link_text=f"See the {watch.mentions:,} mentions in Groundswell",
        sections=(Section("Incidents", rows),),
        chart=chart_of(queries.volume(scope), scope.zone, queries.moments(window, rule.topics)),
        why=(
            f'The rule "{rule.name}" sends it daily at {rule.at:%H:%M}, whatever happened.',
            f"All times are {scope.zone}.",
        ),
        rule=rule.name,
        is_synthetic=queries.count(scope.narrowed("synthetic:true")) > 0,
    )
