"""Plays a made-up crisis into a sandbox copy of the last weeks: what would be mailed, and when.

The copy lies in a folder that vanishes; nothing is sent, and nothing of the real index or state is
touched. The crisis begins a day before now, so that what really happened around it is there too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from app.alerting import evaluate_rules
from app.bootstrap import Application
from app.judging import HISTORY, RECENT, group_of, rule_selection
from app.queries import Queries
from core.errors import UsageError
from core.identity import service_item_id
from core.mention import Author, Engagement, Enrichment, Mention, Overlay, Sentiment
from core.query.evaluate import matches
from core.questions import Selection
from core.rules import BurstRule, CompetitorMoveRule, NegativeSpikeRule, Rule, VolumeSpikeRule
from core.settings import Configuration, IndexSettings, StateSettings
from core.window import TimeWindow

BEGAN_BEFORE = timedelta(days=1)
LASTS = timedelta(hours=2)
WATCHED = timedelta(hours=8)
"""How long a crisis is followed; two quiet hours after it the rule tells its end."""

PLAYED = (VolumeSpikeRule, NegativeSpikeRule, CompetitorMoveRule)
"""Kinds of rules that a crisis of so many mentions is a question to."""

FINE, COARSE = timedelta(minutes=1), timedelta(minutes=10)
LOOKED_AT_CLOSELY = timedelta(hours=1)
LARGEST_COPY = 200_000
BATCH = 2_000
PATTERNS = 50
"""Real mentions of the last week that the made-up ones are like, so that the rule's query holds."""


@dataclass(frozen=True, slots=True)
class DrillMail:
    """A mail of a drill: when it would have gone out, that long after the crisis began."""

    at: datetime
    after: timedelta
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Drill:
    """What a made-up crisis of ``made`` mentions from ``began`` on would have come to."""

    rule: str
    began: datetime
    made: int
    copied: int
    recipients: tuple[str, ...]
    mails: tuple[DrillMail, ...]


class _KeptMails:
    """Keeps what it is sent, with the sandbox's time; sends nothing."""

    def __init__(self, sandbox: Application) -> None:
        self._sandbox = sandbox
        self.sent: list[tuple[datetime, EmailMessage]] = []

    def send(self, message: EmailMessage) -> str:
        """Keep the message."""
        self.sent.append((self._sandbox.clock(), message))
        return "kept for the drill"

    def probe(self, message: EmailMessage) -> str:  # noqa: ARG002 - nothing is checked here
        """Take anything."""
        return "taken by the drill"


def drill(
    application: Application,
    rule: Rule,
    more_per_hour: int,
    *,
    lasts: timedelta = LASTS,
    watched: timedelta | None = None,
) -> Drill:
    """Return what ``rule`` would tell of ``more_per_hour`` negative mentions more for ``lasts``.

    Raises UsageError if the rule tells no spikes, if its topic has no mention in the last week that
    made-up ones could be like, or too many to copy.
    """
    if not isinstance(rule, PLAYED):
        kinds = ", ".join(sorted(one.model_fields["kind"].default for one in PLAYED))
        raise UsageError(
            f"rule {rule.name!r} is of the kind {rule.kind}; a drill plays a crisis for {kinds}"
        )
    now, watched = application.clock(), watched or WATCHED
    began = (now - BEGAN_BEFORE).replace(second=0, microsecond=0)
    is_move = isinstance(rule, CompetitorMoveRule)
    copied = tuple(group_of(Queries(application), rule.topic)) if is_move else (rule.topic,)
    known = Selection(topics=copied, window=TimeWindow(began - HISTORY - RECENT, began + watched))
    number = application.index.count(known)
    if number > LARGEST_COPY:
        raise UsageError(
            f"{', '.join(copied)}: {number:,} mentions in nine weeks; a drill copies at most "
            f"{LARGEST_COPY:,}"
        )
    week = replace(rule_selection(rule, now), window=TimeWindow.before(began, timedelta(days=7)))
    patterns = application.index.page(week, PATTERNS).mentions
    if not patterns:
        raise UsageError(
            f"rule {rule.name!r} saw no mention in the week before {began:%Y-%m-%d %H:%M} that a "
            "made-up one could be like"
        )
    number_made = round(more_per_hour * (lasts / timedelta(hours=1)))
    made = list(_made_up(rule, patterns, began, number_made, lasts))
    _check_match(rule, made)
    with TemporaryDirectory(prefix="groundswell-drill-") as folder:
        sandbox = Application(
            _isolated(application.configuration, rule),
            application.config_folder,
            Path(folder),
            clock=lambda: began,
            writes=True,
            producer="drill",
        )
        kept = _KeptMails(sandbox)
        sandbox.mailer = kept
        try:
            # A rule that is learning, because its query or model changed, learns here too.
            sandbox.state.versions.add(application.state.versions.all())
            mentions = iter(application.index.scan(known))
            while some := list(islice(mentions, BATCH)):
                sandbox.index.apply(some, now)
            sandbox.index.apply(made, now)
            _watch(sandbox, rule, began, watched, kept)
        finally:
            sandbox.close()
    mails = tuple(_mail(at, message, began) for at, message in kept.sent)
    recipients = rule.recipients or application.configuration.settings.mail.recipients
    return Drill(rule.name, began, len(made), number, tuple(recipients), mails)


def _watch(
    sandbox: Application, rule: Rule, began: datetime, watched: timedelta, kept: _KeptMails
) -> None:
    """Evaluate the rule minute by minute at first, then more rarely, as its clock goes on."""
    at = began
    while at < began + watched:
        is_close = not kept.sent and at < began + LOOKED_AT_CLOSELY
        at += FINE if is_close else COARSE
        sandbox.clock = lambda at=at: at  # type: ignore[misc]  # a default binds the moment
        evaluate_rules(sandbox, [rule.name])


def _isolated(configuration: Configuration, rule: Rule) -> Configuration:
    """Return the configuration with this rule alone, and with engines that the sandbox owns."""
    settings = configuration.settings
    mail = settings.mail.model_copy(update={"host": None, "folder": None, "recipients": ()})
    own = {"mail": mail, "notify": {}, "index": IndexSettings(), "state": StateSettings()}
    return configuration.model_copy(
        update={
            "settings": settings.model_copy(update=own),
            "alerts": (rule.model_copy(update={"recipients": (), "notify": ()}),),
        }
    )


def _check_match(rule: BurstRule, made: Sequence[Mention]) -> None:
    """Raises UsageError where the rule would not count what was made up for it."""
    for mention in made[:PATTERNS]:
        query = rule_selection(rule, mention.published_at).query
        if query is not None and not matches(query, mention):
            raise UsageError(
                f"rule {rule.name!r}: made-up mentions do not match its query, such as where it "
                "names authors; a drill of it would show nothing"
            )


def _made_up(
    rule: BurstRule,
    patterns: tuple[Mention, ...],
    began: datetime,
    number: int,
    lasts: timedelta,
) -> Iterator[Mention]:
    """Yield ``number`` negative mentions, evenly spread, each like a real one and marked."""
    towards = f"{rule.topic}|"
    for n in range(number):
        like, at = patterns[n % len(patterns)], began + lasts * n / number
        made = like.model_copy(
            update={
                "id": service_item_id("drill", f"{began.isoformat()} {n}"),
                "text": f"Drill {n + 1}: {like.text}",
                "published_at": at.replace(microsecond=0),
                "collected_at": at.replace(microsecond=0),
                "known_at": at.replace(microsecond=0),
                "author": Author(
                    service="drill",
                    id=f"drill-{n}",
                    handle=f"drill-{n}",
                    followers=like.author.followers if like.author else None,
                ),
                "parent_id": None,
                "root_id": None,
                "quoted_id": None,
                "copy_of": None,
                "is_own": False,
                "synthetic": True,
                "engagement": Engagement(),
                "overlay": Overlay(),
            }
        ).with_version(1)
        told = like.enrichment or Enrichment(content_version=made.version, enriched_us=1)
        enrichment = told.model_copy(
            update={
                "content_version": made.version,
                "sentiment": Sentiment.NEGATIVE,
                "topic_spans": tuple(
                    span.model_copy(update={"sentiment": Sentiment.NEGATIVE})
                    if span.topic == rule.topic
                    else span
                    for span in told.topic_spans
                ),
                "topic_sentiment": (
                    *(said for said in told.topic_sentiment if not said.startswith(towards)),
                    f"{towards}{Sentiment.NEGATIVE.value}",
                ),
                "story_id": service_item_id("story", made.id),
                "is_copy": False,
            }
        )
        yield made.model_copy(update={"enrichment": enrichment})


def _mail(at: datetime, message: EmailMessage, began: datetime) -> DrillMail:
    body = message.get_body(("plain",))
    text = body.get_content() if body is not None else ""
    return DrillMail(at, at - began, str(message["Subject"]), text)
