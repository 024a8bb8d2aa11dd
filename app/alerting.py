"""Evaluates the rules: judge, join into incidents, and tell.

The incident is saved before its message is queued, and the message is queued before it is sent: a
crash anywhere sends it once more at most, with the same Message-ID, and never loses it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from alerts.incident import Evidence, Incident, IncidentStep
from alerts.incidents import (
    Advance,
    Findings,
    began_with,
    begun_after,
    fall_quiet,
    go_on,
    is_fresh,
    known_at,
    open_incident,
    open_late,
    open_level,
    settle,
)
from alerts.late import late_words
from alerts.quiet import is_urgent
from app.alone import alone
from app.awake import awake_since, check_time, note_round
from app.bootstrap import Application
from app.causes import find_findings
from app.delivering import STILL_OF_INTEREST, Outbox, Sent
from app.ending import end_unwatched
from app.handling import IncidentDesk
from app.heartbeat import Heartbeat
from app.kinds import KINDS
from app.own_rules import rules_by_name
from app.queries import Queries
from app.rounds import Found, Letter, Round
from app.telling import IncidentTeller
from app.waking import await_news
from core.errors import GroundswellError, RetryableError, UsageError
from core.rules import (
    Rule,
    ScheduledRule,
    TopicRule,
    topics_of,
)
from core.window import TimeWindow
from insights.verdict import Verdict

log = structlog.get_logger()

SEND_EVERY = timedelta(seconds=5)
"""How often what waits for another attempt is looked at; what is new goes out at once."""

LOOK_BACK = timedelta(days=60)
"""Incidents opened longer ago are history, whatever became of their mails."""

LOCK = "rules.lock"


class Outcome(StrEnum):
    """What one evaluation of one rule came to."""

    QUIET = "quiet"
    LEARNING = "learning"
    NO_DATA = "no_data"
    OPEN = "open"
    QUEUED = "queued"
    TOLD = "told"
    FAILED = "failed"
    IDLE = "idle"


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
    # What two processes find at once would be told twice.
    with nullcontext() if dry_run else alone(application.home / LOCK):
        if not dry_run:
            check_time(application)
            application.note_versions()
            end_unwatched(application)
        evaluation = _Evaluation(application, dry_run=dry_run)
        outcomes = [evaluation.run(rule) for rule in chosen_rules(application, names)]
        evaluation.end()
    return outcomes


def chosen_rules(application: Application, names: Sequence[str]) -> list[Rule]:
    """Return the rules called ``names``, all when empty. Raises UsageError for unknown names."""
    rules = {name: known.rule for name, known in rules_by_name(application).items()}
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

    A round begins when the enricher has brought something, when a minute closed, and after
    ``every`` at the latest. A thread of its own sends, so that a slow mail server keeps no rule
    from being judged.
    """
    outbox, heartbeat = application.outbox, Heartbeat(application)
    sending = threading.Thread(
        target=_send_until, args=(outbox, heartbeat, stop, tell), daemon=True
    )
    sending.start()
    while not stop.is_set():
        begun = time.monotonic()
        try:
            for outcome in judge_rules(application):
                tell(outcome)
            heartbeat.judged_at = application.clock()
        except RetryableError as err:
            log.warning("alerts_wait", reason=str(err))
        took = timedelta(seconds=time.monotonic() - begun)
        await_news(application.home, application.clock(), every, took, stop)
    outbox.wake.set()
    sending.join()


def _send_until(
    outbox: Outbox,
    heartbeat: Heartbeat,
    stop: threading.Event,
    tell: Callable[[RuleOutcome | Sent], None],
) -> None:
    """Send what is due as soon as it is queued, and again when it is due again."""
    while not stop.is_set():
        outbox.wake.clear()
        try:
            for sent in outbox.deliver_due():
                tell(sent)
            heartbeat.beat()
        except RetryableError as err:
            log.warning("outbox_waits", reason=str(err))
        except Exception:
            # This thread is all that sends: whatever it was, the next look may do better.
            log.exception("outbox_failed")
        outbox.wake.wait(SEND_EVERY.total_seconds())


class _Evaluation:
    """One round over the rules."""

    def __init__(self, application: Application, *, dry_run: bool) -> None:
        self._application, self._dry_run = application, dry_run
        self._queries = Queries(application, is_one_round=True)
        self._now = application.clock()
        settings = application.configuration.settings
        self._quiet, self._zone = settings.quiet_hours, settings.time_zone
        self._is_held = application.is_clock_held
        self._desk = IncidentDesk(application)
        self._teller = IncidentTeller(application, self._queries, self._now)
        self._awake = awake_since(application)
        known_rules = rules_by_name(application)
        self._problems = {name: known.problem for name, known in known_rules.items()}
        self._known: dict[str, list[Incident]] = {}
        for incident in application.state.incidents(self._now - LOOK_BACK):
            if self._is_known(incident):
                then = known_at(incident, self._now) if self._is_held else incident
                self._known.setdefault(incident.rule, []).append(then)

    def run(self, rule: Rule) -> RuleOutcome:
        try:
            return self._run(rule)
        except RetryableError:
            raise
        except GroundswellError as err:
            log.error("rule_failed", rule=rule.name, reason=str(err))
            return RuleOutcome(rule.name, _topic(rule), Outcome.FAILED, str(err))
        except Exception as err:
            # A fault of ours over one rule silences no other.
            log.exception("rule_failed", rule=rule.name)
            words = f"an unforeseen fault ({type(err).__name__}); the log says where"
            return RuleOutcome(rule.name, _topic(rule), Outcome.FAILED, words)

    def end(self) -> None:
        """Remember that this round was."""
        if not self._dry_run:
            note_round(self._application, self._awake)

    def _run(self, rule: Rule) -> RuleOutcome:
        if problem := self._problems.get(rule.name):
            return RuleOutcome(rule.name, _topic(rule), Outcome.IDLE, problem)
        kind, here = KINDS[rule.kind], self._round(rule)
        if kind.letter is not None:
            return self._send_letter(rule, kind.letter(here, rule))
        assert kind.examine is not None  # noqa: S101 - a kind has one of the two
        return self._join(rule, kind.examine(here, rule))

    def _round(self, rule: Rule) -> Round:
        known = self._known.get(rule.name, ())
        awake, is_dry = self._awake, self._dry_run
        return Round(self._application, self._queries, self._now, known, awake, is_dry=is_dry)

    def _join(self, rule: Rule, found: Found) -> RuleOutcome:
        """Let what was found open, continue or end the rule's incident, and tell that."""
        if found.event is not None:
            advance: Advance | None = Advance(found.event, IncidentStep.OPENED)
        elif found.missed is not None:
            advance = self._missed(rule, found.missed)
        else:
            incident = self._open(rule)
            advance = self._level(rule, found, incident) or self._advance(rule, found, incident)
        if advance is not None and not self._dry_run:
            self._application.state.save_incident(advance.incident)
        is_queued = not self._dry_run and self._tell_what_is_due(rule, advance)
        outcome, words = Outcome(found.standing.value), found.words
        if advance is not None:
            outcome = Outcome.OPEN
            if found.event is None:
                words = advance.step.value if advance.step else "open"
            if advance.incident.level_since is not None:
                words = "new level"
            late = advance.incident.first.late
            if late is not None and advance.step is IncidentStep.OPENED:
                words = f"{words}, {late_words(late, self._now, self._zone)}"
        if is_queued:
            outcome = Outcome.QUEUED
        if self._dry_run and advance is not None and advance.step is not None:
            words = f"would tell: {words}"
        return RuleOutcome(
            rule.name,
            _topic(rule),
            outcome,
            words,
            incident=advance.incident.id if advance else None,
            step=advance.step if advance else None,
            verdict=found.verdict,
        )

    def _open(self, rule: Rule) -> Incident | None:
        """Return the rule's incident that was not over now."""
        known = self._known.get(rule.name, ())
        if found := next((one for one in known if one.resolved_at is None), None):
            return found
        older = self._application.state.open_incident(rule.name)
        return older if older is not None and self._is_known(older) else None

    def _is_known(self, incident: Incident) -> bool:
        """Return whether it had been opened; a clock that stepped back forgets nothing for that."""
        return incident.opened_at <= self._now or not self._is_held

    def _level(self, rule: Rule, found: Found, incident: Incident | None) -> Advance | None:
        """Return how a new level that was not told yet is told; None when there is none.

        While a burst on top of it lasts, the level waits.
        """
        level = found.level
        if level is None or found.evidence is not None:
            return None
        if incident is not None and began_with(incident, level):
            return settle(incident, level, self._now)
        findings = self._findings(rule, level.started_at, None)
        return open_level(rule, level, findings, self._now)

    def _missed(self, rule: Rule, missed: Evidence) -> Advance:
        """Return the incident that tells what is over and was not told when it was due."""
        assert isinstance(rule, TopicRule)  # noqa: S101 - no other kind misses anything
        assert missed.late is not None  # noqa: S101 - it says why
        evidence = begun_after(missed, self._told_until(rule, missed.late.due_at))
        findings = find_findings(
            self._queries, rule, evidence.started_at, missed.late.last_at, None
        )
        return open_late(rule, evidence, findings, self._now)

    def _advance(self, rule: Rule, found: Found, incident: Incident | None) -> Advance | None:
        """Return how what was found changes the rule's incident; None when there is none."""
        if found.evidence is not None:
            evidence = begun_after(found.evidence, self._last_resolved(rule))
            if is_fresh(evidence, self._now):
                began = incident.first.started_at if incident else evidence.started_at
                findings = found.findings or self._findings(rule, began, incident)
                if incident is None:
                    return open_incident(rule, evidence, findings, self._now)
                snoozed = self._desk.handling(incident.id).is_snoozed(self._now)
                return go_on(incident, evidence, findings, self._now, is_snoozed=snoozed)
        if incident is None:
            return None
        # Of sources and of the self-test, what is quiet is not what people say.
        unwatched = self._unwatched(incident) if incident.topic else timedelta()
        return fall_quiet(incident, self._now, unwatched)

    def _unwatched(self, incident: Incident) -> timedelta:
        """Return how long no source was polled since the incident last had an alert.

        A laptop that slept heard nothing. Where no source was ever polled, mentions are imported,
        and silence is silence.
        """
        window = TimeWindow(incident.updated_at, max(self._now, incident.updated_at))
        return self._queries.counts.unwatched(window)

    def _told_until(self, rule: Rule, due_at: datetime) -> datetime | None:
        """Return up to when the rule's incidents before ``due_at`` told what there was."""
        told = [self._last_resolved(rule, due_at)]
        told += [
            min(one.updated_at, due_at)
            for one in self._known.get(rule.name, ())
            if one.resolved_at is None and one.opened_at <= due_at
        ]
        return max((at for at in told if at is not None), default=None)

    def _last_resolved(self, rule: Rule, by: datetime | None = None) -> datetime | None:
        """Return when the rule's last incident was over, of those that were over ``by`` then."""
        ended = (known.resolved_at for known in self._known.get(rule.name, ()))
        return max((at for at in ended if at is not None and at <= (by or at)), default=None)

    def _findings(self, rule: Rule, began: datetime, incident: Incident | None) -> Findings:
        assert isinstance(rule, TopicRule)  # noqa: S101 - other kinds bring their findings
        return find_findings(self._queries, rule, began, self._now, incident)

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
            if incident.resolved_at is None and is_urgent(rule, incident, self._quiet):
                self._application.outbox.raise_urgency(incident.id)
        return is_any

    def _send_letter(self, rule: Rule, letter: Letter | None) -> RuleOutcome:
        """Queue a mail that is due by the clock, once for ever under its key."""
        topic, outbox = _topic(rule), self._application.outbox
        if letter is None or outbox.has(letter.key):
            words = "not due" if letter is None else "told"
            return RuleOutcome(rule.name, topic, Outcome.QUIET, words)
        message = letter.compose()
        subject = str(message["Subject"])
        if self._dry_run:
            return RuleOutcome(rule.name, topic, Outcome.OPEN, f"would tell: {subject}")
        # It has an hour of its own, so it is neither held back nor capped.
        outbox.enqueue(
            message, letter.key, rule.recipients, step="letter", rule=rule, is_urgent=True
        )
        return RuleOutcome(rule.name, topic, Outcome.QUEUED, subject)


def _topic(rule: Rule) -> str:
    return ", ".join(topics_of(rule)) if isinstance(rule, TopicRule | ScheduledRule) else ""
