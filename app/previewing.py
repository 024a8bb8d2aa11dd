"""What a rule would have told on stored history: when, what, and each mail as it would have been.

Every kind answers in one frame. History goes by when things were published: what was imported or
came late counts as if it had been collected at once. Nothing is queued, sent or saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from alerts.events import find_news, open_news, story_of
from alerts.incident import Incident, IncidentStep
from alerts.incidents import Findings, fall_quiet, go_on, open_incident, open_level
from alerts.outage import SourceState, find_outages, outage_evidence
from alerts.schedule import next_due
from app import new_trends
from app.answers import Health
from app.bootstrap import Application
from app.causes import find_findings
from app.counting import PATIENCE
from app.instant import is_meant
from app.judging import judge, rule_selection
from app.kinds import KINDS
from app.own_rules import rules_by_name
from app.queries import Queries
from app.replaying import REPLAY_STEP, Episode, replay
from app.rounds import Round
from app.stores.state import CoverageHour
from app.telling import IncidentTeller
from app.verdicts import evidence_of, level_evidence
from core.errors import UsageError
from core.mention import Mention
from core.questions import Order, Selection
from core.rules import (
    BurstRule,
    InstantRule,
    NewTrendRule,
    Rule,
    RuleKind,
    ScheduledRule,
    SourceOutageRule,
)
from core.window import TimeWindow, bucket_start
from insights.baseline import HOUR

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

LARGEST_READ, PAGE = 50_000, 500
"""Mentions that the preview of a rule that tells single ones reads: about ten seconds' worth."""

TREND_DAYS = timedelta(days=7)
"""A look at all trends takes as long as a page does, so new trends are looked for in a week."""

RECENT_TRENDS = timedelta(hours=new_trends.RECENT)


@dataclass(frozen=True, slots=True)
class Foretold:
    """One mail that a rule would have sent: the episode, in words what it is about, and the mail.

    ``write`` makes the mail; it takes as long as it would have taken then.
    """

    episode: Episode
    words: str
    write: Callable[[], EmailMessage]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would have told in the ``length`` before now, oldest first.

    ``words`` are sentences about all of it, and about what history cannot answer. ``is_compared``
    says that episodes tell what was expected.
    """

    length: timedelta
    mails: tuple[Foretold, ...]
    words: tuple[str, ...] = ()
    is_compared: bool = False

    @property
    def episodes(self) -> list[Episode]:
        """The incidents that it would have opened."""
        return [one.episode for one in self.mails]

    @property
    def title(self) -> str:
        """How often it would have fired."""
        count = len(self.mails)
        times = "once" if count == 1 else f"{count:,} times"
        days = self.length // DAY
        return f"Would have fired {times} in {'a day' if days == 1 else f'{days} days'}"


def preview(application: Application, rule: Rule, length: timedelta) -> Preview:
    """Return what ``rule`` would have told in the ``length`` before now, on stored history.

    Raises UsageError, with the reason, for a rule about which history says nothing, and where more
    would have to be read than anybody waits for.
    """
    # Mails are made at other times, each with the stores that are open now.
    application.index.refresh()
    known = rules_by_name(application).get(rule.name)
    if problem := known.problem if known else None:
        raise UsageError(f"rule {rule.name!r} watches nothing: {problem}")
    if isinstance(rule, NewTrendRule):
        return _trends(application, rule, length)
    if isinstance(rule, BurstRule):
        return Preview(length, tuple(_bursts(application, rule, length)), is_compared=True)
    if isinstance(rule, InstantRule):
        return _stories(application, rule, length)
    if isinstance(rule, SourceOutageRule):
        return _outages(application, rule, length)
    if isinstance(rule, ScheduledRule):
        return _letters(application, rule, length)
    raise UsageError(
        f"a rule of the kind {rule.kind.value} has no preview: of all self-tests only the newest "
        "is kept; `groundswell alerts list` says how it went"
    )


def text_of(message: EmailMessage) -> str:
    """Return a mail as text: its subject, an empty line, and what it says."""
    body = message.get_body(("plain",))
    return f"{message['Subject']}\n\n{body.get_content() if body else ''}"


def _as_of(application: Application, at: datetime) -> Application:
    """Return the application at another time, with the same stores; it is not to be closed."""
    then = copy(application)
    then.clock = lambda: at
    return then


def _incident_mail(
    application: Application, rule: Rule, at: datetime, find: Callable[[Queries], Incident]
) -> EmailMessage:
    """Return the mail that opens the incident which ``find`` finds, as of then."""
    then = _as_of(application, at)
    queries = Queries(then, is_one_round=True)
    teller = IncidentTeller(then, queries, at, is_replay=True)
    return _marked(teller.write(rule, find(queries), IncidentStep.OPENED))


def _marked(message: EmailMessage) -> EmailMessage:
    """Return the mail with a header that says what it is: a file is soon taken for a real one."""
    message["X-Groundswell-Preview"] = "yes"
    return message


# --- spikes


def _bursts(application: Application, rule: BurstRule, length: timedelta) -> Iterator[Foretold]:
    now = application.clock()
    for episode in replay(Queries(application), rule, now, length):
        find = partial(_burst, rule=rule, episode=episode)
        write = partial(_incident_mail, application, rule, episode.first_alert, find)
        noun = "negative mentions" if rule.kind is RuleKind.NEGATIVE_SPIKE else "mentions"
        yield Foretold(episode, f"{rule.topic}: {episode.observed:,} {noun}", write)


def _burst(queries: Queries, rule: BurstRule, episode: Episode) -> Incident:
    """Return the incident as it opened, judged anew by what was known at its first alert."""
    at = episode.first_alert
    verdict = judge(queries, rule, at, REPLAY_STEP)
    assert verdict is not None  # noqa: S101 - an episode has mentions
    is_level = episode.level is not None and episode.p is None
    if is_level and verdict.shift is not None:
        zone = queries.configuration.settings.time_zone
        level = level_evidence(verdict.shift, rule, zone)
        findings = find_findings(queries, rule, level.started_at, at)
        return open_level(rule, level, findings, at).incident
    evidence = evidence_of(verdict, rule, queries.calendar)
    findings = find_findings(queries, rule, evidence.started_at, at)
    return open_incident(rule, evidence, findings, at).incident


# --- single mentions


def _stories(application: Application, rule: InstantRule, length: timedelta) -> Preview:
    """Return the mails about single stories, those published in one minute as one, with the cap."""
    queries, now = Queries(application), application.clock()
    zone = application.configuration.settings.time_zone
    window = TimeWindow.before(now, length)
    selection = replace(rule_selection(rule, now), window=window)
    if (count := queries.index.count(selection)) > LARGEST_READ:
        raise UsageError(
            f"rule {rule.name!r} matches {count:,} mentions in {length // DAY} days, and a preview "
            f"reads at most {LARGEST_READ:,}: ask for fewer days"
        )
    told: list[Incident] = []
    seen: set[str] = set()
    held_back = 0
    for at, mentions in _by_minute(_read(queries, selection, rule), now):
        fresh = [one for one in mentions if story_of(one) not in seen]
        seen |= {story_of(one) for one in fresh}
        recent = [one for one in told[-2 * rule.mails_a_day :] if one.opened_at > at - 2 * DAY]
        news = find_news(fresh, recent, at, mails_a_day=rule.mails_a_day, zone=zone)
        held_back += len(fresh) - len(news.mentions)
        if news.mentions:
            told.append(open_news(rule, news, at))
    mails = [_foretold_event(application, rule, incident) for incident in told]
    return Preview(length, tuple(mails), _story_words(rule, told, held_back, length, zone))


def _read(queries: Queries, selection: Selection, rule: InstantRule) -> Iterator[Mention]:
    """Yield what the rule means, oldest first."""
    token: str | None = None
    while True:
        page = queries.index.page(selection, PAGE, Order.OLDEST, token)
        yield from (mention for mention in page.mentions if is_meant(rule, mention))
        token = page.next_token
        if token is None:
            return


def _by_minute(
    mentions: Iterator[Mention], now: datetime
) -> Iterator[tuple[datetime, list[Mention]]]:
    """Yield the mentions of each minute with its end, when a round would have found them."""
    for start, group in groupby(mentions, lambda one: bucket_start(one.published_at, MINUTE)):
        yield min(start + MINUTE, now), list(group)


def _foretold_event(application: Application, rule: Rule, incident: Incident) -> Foretold:
    """Return the mail of an incident that is over as soon as it is told."""
    words = incident.first.words
    episode = Episode(
        started_at=incident.first.started_at,
        first_alert=incident.opened_at,
        last_alert=incident.updated_at,
        observed=incident.first.observed,
        expected=None,
        p=None,
    )
    write = partial(_incident_mail, application, rule, incident.opened_at, lambda _: incident)
    return Foretold(episode, words.subject if words else incident.topic, write)


def _story_words(
    rule: InstantRule, told: Sequence[Incident], held_back: int, length: timedelta, zone: str
) -> tuple[str, ...]:
    if not told:
        return ("It would have told no story.",)
    days: Counter[date] = Counter(
        incident.opened_at.astimezone(ZoneInfo(zone)).date() for incident in told
    )
    stories = sum(len(incident.stories) for incident in told)
    busiest, most = max(days.items(), key=lambda pair: (pair[1], pair[0]))
    capped = sum(count >= rule.mails_a_day for count in days.values())
    number = len(told) / max(length // DAY, 1)
    count = f"{number:.0f}" if number >= 10 else f"{number:.2g}"
    a_day = "1 mail a day" if count == "1" else f"{count} mails a day"
    noun = "story" if stories == 1 else "stories"
    words = [
        f"It would have told {stories:,} {noun}, in {a_day}; {most} on {busiest}, the busiest."
    ]
    if capped:
        words.append(
            f"On {capped} day{'' if capped == 1 else 's'} it would have reached its cap of "
            f"{rule.mails_a_day} mails, which holds back {held_back:,} "
            f"{'story' if held_back == 1 else 'stories'}."
        )
    return tuple(words)


# --- new trends


def _trends(application: Application, rule: NewTrendRule, length: timedelta) -> Preview:
    """Return the mails about new trends, looked for once an hour."""
    now, found = application.clock(), list[Incident]()
    looked = min(length, TREND_DAYS)
    hours = looked // HOUR
    lively = _lively_hours(application, rule, TimeWindow.before(now, looked))
    for number in range(hours - 1, -1, -1):
        at = now - number * HOUR
        if not any(at - RECENT_TRENDS <= hour <= at for hour in lively):
            continue
        then = _as_of(application, at)
        # As live rounds see them: newest first.
        known = found[::-1]
        here = Round(then, Queries(then, is_one_round=True), at, known, is_dry=True)
        event = new_trends.examine(here, rule).event
        if event is not None:
            found.append(event)
    mails = tuple(_foretold_event(application, rule, incident) for incident in found)
    return Preview(looked, mails, ("It was looked for what bursts once an hour.",))


def _lively_hours(
    application: Application, rule: NewTrendRule, window: TimeWindow
) -> list[datetime]:
    """Return the hours in which anything was said, so that the others need no look."""
    whole = TimeWindow(window.start - RECENT_TRENDS, window.end)
    selection = replace(rule_selection(rule, window.end), window=whole)
    return [bucket.start for bucket in Queries(application).index.buckets(selection, HOUR)]


# --- sources


def _outages(application: Application, rule: SourceOutageRule, length: timedelta) -> Preview:
    """Return the mails about sources that brought nothing, to the hour."""
    queries, now = Queries(application), application.clock()
    window = TimeWindow(now - length, bucket_start(now, HOUR))
    hours: dict[datetime, list[CoverageHour]] = {}
    for hour in queries.polls_by_hour(window):
        hours.setdefault(hour.hour, []).append(hour)
    if not hours:
        return Preview(length, (), ("No source was polled in this time.",))
    mails: list[Foretold] = []
    incident: Incident | None = None
    for at, states, awake_since in _states_by_hour(queries, hours, window):
        outages = find_outages(rule, states, at, awake_since)
        if outages:
            evidence, findings = outage_evidence(rule, outages, at), Findings(len(outages))
            if incident is None:
                incident = open_incident(rule, evidence, findings, at).incident
                mails.append(_foretold_event(application, rule, incident))
            else:
                incident = go_on(incident, evidence, findings, at).incident
                lasting = replace(mails[-1].episode, last_alert=at)
                mails[-1] = replace(mails[-1], episode=lasting)
        elif incident is not None and fall_quiet(incident, at).incident.resolved_at is not None:
            incident = None
    words = "Polls are kept by the hour, without the words of what failed."
    return Preview(length, tuple(mails), (words,))


def _states_by_hour(
    queries: Queries, hours: dict[datetime, list[CoverageHour]], window: TimeWindow
) -> Iterator[tuple[datetime, list[SourceState], datetime]]:
    """Yield the end of each hour, how the sources stood then, and since when they were asked."""
    every = {source.name: source.every for source in queries.configuration.sources}
    on = {one.name for one in queries.sources() if one.health is not Health.OFF}
    states: dict[str, SourceState] = {}
    pause = max(HOUR, PATIENCE * min((every[name] for name in on), default=HOUR))
    awake_since = asked = window.start
    for start in window.buckets(HOUR):
        end = start + HOUR
        if start in hours:
            asked = end
        elif end - asked >= pause:
            # Nobody asked: a machine that was off, after which each has its time anew.
            awake_since = end
        for hour in hours.get(start, ()):
            if hour.source not in on:
                continue
            before, answered = states.get(hour.source), hour.ok + hour.not_modified > 0
            # Within the hour nobody knows: it counts as having answered at its end.
            success = end if answered else before.last_success if before else None
            reason = None if answered else _reason(hour)
            states[hour.source] = SourceState(
                hour.source, every[hour.source], end, success or start, reason
            )
        yield end, list(states.values()), awake_since


def _reason(hour: CoverageHour) -> str:
    counts = {
        "rate limited": hour.rate_limited,
        "blocked": hour.blocked,
        "failed": hour.error,
    }
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"of {hour.polls} polls in an hour {told or 'none answered'}"


# --- by the clock


def _letters(application: Application, rule: ScheduledRule, length: timedelta) -> Preview:
    """Return the mails that were due."""
    now, zone = application.clock(), application.configuration.settings.time_zone
    mails, at = list[Foretold](), now - length
    while (at := next_due(rule, at, zone)) <= now:
        local = at.astimezone(ZoneInfo(rule.time_zone or zone))
        episode = Episode(at, at, at, observed=1, expected=None, p=None)
        write = partial(_letter_mail, application, rule, at)
        mails.append(Foretold(episode, f"due on {local:%a %d %b at %H:%M}", write))
    words = "Incidents are those that really were; the inbox is that of today."
    return Preview(length, tuple(mails), (words,))


def _letter_mail(application: Application, rule: ScheduledRule, at: datetime) -> EmailMessage:
    then = _as_of(application, at)
    here = Round(then, Queries(then, is_one_round=True), at, is_dry=True)
    make = KINDS[rule.kind].letter
    letter = make(here, rule) if make else None
    assert letter is not None  # noqa: S101 - it is asked for when it is due
    return _marked(letter.compose())
