"""Evaluates the rules: judge, join into incidents, and tell.

The incident is saved before its message is queued, and the message is queued before it is sent: a
crash anywhere sends it once more at most, with the same Message-ID, and never loses it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from alerts.incident import Evidence, Incident, IncidentStep
from alerts.incidents import (
    Advance,
    Findings,
    begun_after,
    fall_quiet,
    go_on,
    is_doubled,
    is_fresh,
    open_incident,
)
from app.bootstrap import Application
from app.causes import find_causes, shows
from app.delivering import STILL_OF_INTEREST, Sent
from app.judging import Episode, judge, replay, rule_selection
from app.queries import Queries
from app.telling import IncidentTeller
from core.errors import GroundswellError, RetryableError, UsageError
from core.mention import Mention, Sentiment
from core.questions import Order
from core.rules import Rule, RuleKind
from core.window import TimeWindow
from insights.verdict import Learning, Verdict

log = structlog.get_logger()

MENTIONS_THAT_MATTER = 5
CONSIDERED_MENTIONS = 60
SEND_EVERY = timedelta(seconds=5)
"""How often what waits for another attempt is looked at; what is new goes out at once."""

LOOK_BACK = timedelta(days=60)
"""Incidents opened longer ago are history, whatever became of their mails."""

SAME_EPISODE = timedelta(hours=2)
"""Verdicts of a replay closer together than this would have been one incident."""


class Outcome(StrEnum):
    """What one evaluation of one rule came to."""

    QUIET = "quiet"
    LEARNING = "learning"
    NO_DATA = "no_data"
    OPEN = "open"
    QUEUED = "queued"
    TOLD = "told"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What one evaluation of one rule came to, in words and with what is told.

    ``destination`` is where the newest message about the rule went.
    """

    rule: str
    topic: str
    outcome: Outcome
    message: str
    incident: str | None = None
    step: IncidentStep | None = None
    destination: str | None = None
    verdict: Verdict | None = None


def learning_words(learning: Learning, kind: RuleKind = RuleKind.VOLUME_SPIKE) -> str:
    """Return how far a rule is that has not enough history yet."""
    counted = "negative mentions" if kind is RuleKind.NEGATIVE_SPIKE else "mentions"
    return (
        f"learning, day {learning.day} of {learning.days}; "
        f"until then from {learning.threshold} {counted} an hour"
    )


def evaluate_rules(
    application: Application, names: Sequence[str] = (), *, dry_run: bool = False
) -> list[RuleOutcome]:
    """Evaluate the rules called ``names`` (all when empty) as of the application's clock.

    What is to be told is in the outbox when this returns, and sent; what could not be sent is sent
    later. With ``dry_run`` nothing is saved or sent. One rule that fails does not stop the others.
    Raises UsageError for a name that is not configured.
    """
    outcomes = judge_rules(application, names, dry_run=dry_run)
    if dry_run:
        return outcomes
    sent = {one.rule: one.words for one in application.outbox.deliver_due() if one.is_over}
    return [
        replace(one, outcome=Outcome.TOLD, destination=sent[one.rule]) if one.rule in sent else one
        for one in outcomes
    ]


def judge_rules(
    application: Application, names: Sequence[str] = (), *, dry_run: bool = False
) -> list[RuleOutcome]:
    """Evaluate the rules and queue what is to be told, without sending it."""
    application.index.refresh()
    evaluation = _Evaluation(application, dry_run=dry_run)
    return [evaluation.run(rule) for rule in chosen_rules(application, names)]


def chosen_rules(application: Application, names: Sequence[str]) -> list[Rule]:
    """Return the rules called ``names``, all when empty. Raises UsageError for unknown names."""
    rules = {rule.name: rule for rule in application.configuration.alerts}
    for name in names:
        if name not in rules:
            allowed = ", ".join(rules) or "none is configured"
            raise UsageError(f"no rule is named {name!r} (rules: {allowed})")
    return [rules[name] for name in names] or list(rules.values())


def watch_rules(
    application: Application,
    every: timedelta,
    stop: threading.Event,
    tell: Callable[[RuleOutcome | Sent], None],
) -> None:
    """Evaluate all rules until ``stop`` is set; engines that are away are waited for.

    A thread of its own sends, so that a slow mail server keeps no rule from being judged.
    """
    sending = threading.Thread(target=_send_until, args=(application, stop, tell), daemon=True)
    sending.start()
    while not stop.is_set():
        try:
            for outcome in judge_rules(application):
                tell(outcome)
        except RetryableError as err:
            log.warning("alerts_wait", reason=str(err))
        stop.wait(every.total_seconds())
    application.outbox.wake.set()
    sending.join()


def _send_until(
    application: Application, stop: threading.Event, tell: Callable[[RuleOutcome | Sent], None]
) -> None:
    """Send what is due as soon as it is queued, and again when it is due again."""
    outbox = application.outbox
    while not stop.is_set():
        outbox.wake.clear()
        try:
            for sent in outbox.deliver_due():
                tell(sent)
        except RetryableError as err:
            log.warning("outbox_waits", reason=str(err))
        outbox.wake.wait(SEND_EVERY.total_seconds())


def preview(application: Application, rule: Rule, length: timedelta) -> list[Episode]:
    """Return when ``rule`` would have fired in the ``length`` before now, on stored history."""
    return replay(Queries(application), rule, application.clock(), length, SAME_EPISODE)


class _Evaluation:
    """One round over the rules."""

    def __init__(self, application: Application, *, dry_run: bool) -> None:
        self._application, self._dry_run = application, dry_run
        self._queries = Queries(application)
        self._now = application.clock()
        self._teller = IncidentTeller(application, self._queries, self._now)
        self._known: dict[str, list[Incident]] = {}
        for incident in application.state.incidents(self._now - LOOK_BACK):
            self._known.setdefault(incident.rule, []).append(incident)

    def run(self, rule: Rule) -> RuleOutcome:
        try:
            return self._run(rule)
        except RetryableError:
            raise
        except GroundswellError as err:
            log.error("rule_failed", rule=rule.name, reason=str(err))
            return RuleOutcome(rule.name, rule.topic, Outcome.FAILED, str(err))

    def _run(self, rule: Rule) -> RuleOutcome:
        verdict = judge(self._queries, rule, self._now)
        incident = self._application.state.open_incident(rule.name)
        advance = self._advance(rule, verdict, incident)
        if advance is not None and not self._dry_run:
            self._application.state.save_incident(advance.incident)
        is_queued = not self._dry_run and self._tell_what_is_due(rule, advance)
        outcome, words = _in_words(rule, verdict, advance)
        if is_queued:
            outcome = Outcome.QUEUED
        if self._dry_run and advance is not None and advance.step is not None:
            words = f"would tell: {words}"
        return RuleOutcome(
            rule.name,
            rule.topic,
            outcome,
            words,
            incident=advance.incident.id if advance else None,
            step=advance.step if advance else None,
            verdict=verdict,
        )

    def _advance(
        self, rule: Rule, verdict: Verdict | None, incident: Incident | None
    ) -> Advance | None:
        """Return how the verdict changes the rule's incident; None when there is none."""
        if verdict is not None and verdict.is_alert:
            evidence = begun_after(_evidence(verdict, rule.kind), self._last_resolved(rule))
            if is_fresh(evidence, self._now):
                if incident is None:
                    findings = self._findings(rule, evidence.started_at, None)
                    return open_incident(rule, evidence, findings, self._now)
                findings = self._findings(rule, incident.first.started_at, incident)
                return go_on(incident, evidence, findings, self._now)
        return fall_quiet(incident, self._now) if incident else None

    def _last_resolved(self, rule: Rule) -> datetime | None:
        ended = (known.resolved_at for known in self._known.get(rule.name, ()))
        return max((at for at in ended if at is not None), default=None)

    def _findings(self, rule: Rule, began: datetime, incident: Incident | None) -> Findings:
        """Return what the incident's mentions show; why and which is read when it is told."""
        index = self._queries.index
        window = TimeWindow(min(began, self._now), self._now)
        is_negative = rule.kind is RuleKind.NEGATIVE_SPIKE
        labels = (Sentiment.NEGATIVE,) if is_negative else ()
        selection = rule_selection(rule, self._now, labels)
        inside = replace(selection, window=window)
        total = index.count(inside)
        if incident is not None and not is_doubled(incident, total):
            return Findings(total, incident.causes, incident.mention_ids)
        causes = find_causes(index, selection, window)
        pool = index.page(inside, CONSIDERED_MENTIONS, Order.ENGAGEMENT).mentions
        ranked = sorted(
            _distinct(pool), key=lambda one: (shows(one, causes), *_weight(one)), reverse=True
        )
        ids = tuple(mention.id for mention in ranked[:MENTIONS_THAT_MATTER])
        return Findings(total, causes, ids)

    def _tell_what_is_due(self, rule: Rule, advance: Advance | None) -> bool:
        """Queue every step that the outbox does not know yet; return whether there was any.

        An incident is saved before: dying in between queues the step at the next round.
        """
        incidents = {known.id: known for known in self._known.get(rule.name, ())}
        if advance is not None:
            incidents[advance.incident.id] = advance.incident
        is_any = False
        for incident in sorted(incidents.values(), key=lambda one: one.opened_at):
            if (incident.resolved_at or incident.updated_at) < self._now - STILL_OF_INTEREST:
                continue
            for step in dict.fromkeys((IncidentStep.OPENED, incident.step)):
                is_any |= self._teller.tell(rule, incident, step)
        return is_any


def _in_words(rule: Rule, verdict: Verdict | None, advance: Advance | None) -> tuple[Outcome, str]:
    if advance is not None:
        return Outcome.OPEN, advance.step.value if advance.step else "open"
    if verdict is None:
        return Outcome.NO_DATA, "no mention yet"
    if verdict.learning is not None:
        return Outcome.LEARNING, learning_words(verdict.learning, rule.kind)
    return Outcome.QUIET, _quiet_words(verdict)


def _evidence(verdict: Verdict, kind: RuleKind) -> Evidence:
    learning = verdict.learning
    return Evidence(
        window_start=verdict.window.start,
        window_end=verdict.window.end,
        started_at=verdict.started_at or verdict.window.start,
        observed=verdict.observed,
        expected=verdict.expected or 0.0,
        low=verdict.low or 0,
        high=verdict.high or 0,
        factor=verdict.factor or 0.0,
        p=verdict.p if verdict.p is not None else 1.0,
        scored=verdict.scored,
        reference_start=verdict.reference.start,
        reference_end=verdict.reference.end,
        coverage=verdict.coverage,
        is_learning=learning is not None,
        note=f"This rule is {learning_words(learning, kind)}." if learning else None,
    )


def _quiet_words(verdict: Verdict) -> str:
    if verdict.low is None or verdict.high is None:
        return f"quiet: {verdict.observed}"
    return f"quiet: {verdict.observed}, usual {verdict.low}-{verdict.high}"


def _distinct(mentions: Sequence[Mention]) -> list[Mention]:
    """Return the first mention of each story, in order."""
    first: dict[str, Mention] = {}
    for mention in mentions:
        first.setdefault(mention.story_id or mention.id, mention)
    return list(first.values())


def _weight(mention: Mention) -> tuple[float, str]:
    """Return how much a mention matters: what it stirred, and how many it may reach.

    Logarithms, because both are spread over powers of ten; reach counts half, as it is only
    potential.
    """
    followers = mention.author.followers if mention.author else None
    stirred = math.log1p(mention.engagement.total or 0)
    return stirred + 0.5 * math.log1p(followers or 0), mention.id
