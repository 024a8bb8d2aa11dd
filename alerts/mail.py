"""The e-mail that tells about an incident: plain words first, statistics under "why".

Pure but for reading the templates: the same incident always makes the same message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.handover import Handover
from alerts.incident import Evidence, Incident, IncidentStep, Late
from alerts.incidents import notification_key
from alerts.late import late_briefly, late_words
from alerts.message import POLICY, address_of, fill, one_line, picture_of
from alerts.quoting import show_cause, show_mention, show_name
from charts.chart import Chart
from core.mention import Mention
from core.rules import RuleKind
from core.settings import MailSettings

MENTIONS = 5
SUBJECT_CHARS = 120

COLOURS = {
    IncidentStep.OPENED: "#c2410c",
    IncidentStep.DOUBLED: "#9a1c1c",
    IncidentStep.RESOLVED: "#2f7d4f",
    IncidentStep.LEVEL: "#0b6b77",
}


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do about the incident: the button's words, and a signed link."""

    label: str
    link: str


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What a mail about an incident needs besides the incident.

    ``link`` opens the dashboard on the incident's mentions; ``count`` is how many it shows, and
    what the mail's words say; ``copies`` of them repeat another and were not judged, which the
    mail says beside it. ``mention_links`` opens it on one mention, by id: no link of a
    stranger's making stands in a mail. ``is_synthetic`` says that any of what it shows was made up.
    ``actions`` are what its reader can do from the mail, ``status`` who does something about the
    incident already, ``others`` how many get it as well. ``first`` are the mentions that began it,
    oldest first. ``handover`` says who gave the incident to the reader, where the mail tells that.
    """

    incident: Incident
    step: IncidentStep
    mentions: Sequence[Mention]
    link: str
    count: int
    zone: str
    mention_links: Mapping[str, str] = field(default_factory=dict)
    chart: Chart | None = None
    is_synthetic: bool = False
    copies: int = 0
    picture: bytes | None = None
    actions: Sequence[Action] = ()
    status: str | None = None
    others: int = 0
    first: Sequence[Mention] = ()
    handover: Handover | None = None


def drawn(facts: MailFacts) -> MailFacts:
    """Return the facts with their chart drawn, once for all recipients.

    A chart that cannot be drawn is left out.
    """
    if facts.picture is not None:
        return facts
    return replace(facts, picture=picture_of(facts.chart))


def compose(facts: MailFacts, mail: MailSettings, recipients: Sequence[str]) -> EmailMessage:
    """Return the message with a text part, an HTML part and the chart.

    Its Message-ID follows from incident and step alone, so a mail that was sent twice by a crash
    shows once in most mail programs; the same facts make the same bytes.
    """
    facts = drawn(replace(facts, incident=_clean(facts.incident)))
    picture = facts.picture
    values = _values(facts, has_chart=picture is not None)
    sender = address_of(mail.sender)
    message = _addressed(facts, sender, recipients)
    key = hashlib.blake2b(str(message["Message-ID"]).encode(), digest_size=12).hexdigest()
    fill(message, "alert", values, key, picture)
    return message


def _addressed(facts: MailFacts, sender: Address, recipients: Sequence[str]) -> EmailMessage:
    """Return a message without content: who, to whom, what about, and in answer to what."""
    incident = facts.incident
    message = EmailMessage(POLICY)
    message["From"] = sender
    message["To"] = ", ".join(recipients or [sender.addr_spec])
    message["Subject"] = subject_of(facts)
    given = facts.handover
    message["Date"] = format_datetime(
        given.at if given else incident.resolved_at or incident.updated_at
    )
    domain = sender.domain or "groundswell.invalid"
    key = given.key if given else notification_key(facts.step, incident)
    message["Message-ID"] = f"<{key}@{domain}>"
    if given or facts.step is not IncidentStep.OPENED:
        first = f"<{incident.id}.{IncidentStep.OPENED.value}@{domain}>"
        message["In-Reply-To"] = message["References"] = first
    message["Auto-Submitted"] = "auto-generated"
    message["X-Groundswell-Rule"] = incident.rule
    return message


def _clean(incident: Incident) -> Incident:
    """Return the incident with names that are fit for a line of text."""
    names = {"rule": one_line(incident.rule), "topic": one_line(incident.topic)}
    return incident.model_copy(update=names)


def subject_of(facts: MailFacts) -> str:
    """Return the subject: the topic first, then what happened, on one line."""
    incident, step = facts.incident, facts.step
    tag = "[synthetic] " if facts.is_synthetic else ""
    if facts.handover:
        tag += f"{facts.handover.lead.rstrip('.')}: "
    told = f", {late_briefly(late, incident.opened_at)}" if (late := _late(facts)) else ""
    if words := incident.latest.words:
        over = words.resolved or f"{incident.topic}: back to usual"
        text = over if step is IncidentStep.RESOLVED else words.subject
        return one_line(tag + text)[: SUBJECT_CHARS - len(told)] + told
    start = _since(facts)
    if step is IncidentStep.RESOLVED:
        text = f"{incident.topic}: back to usual, {_counted(facts)} {start}"
    elif incident.kind is RuleKind.NEGATIVE_SPIKE:
        seen = incident.latest
        text = f"{incident.topic}: {seen.observed} of {seen.scored} mentions negative {start}"
    else:
        text = f"{incident.topic}: {_times(incident.latest)} {start}"
    growing = "growing: " if step is IncidentStep.DOUBLED else ""
    return one_line(tag + growing + text)[: SUBJECT_CHARS - len(told)] + told


def _late(facts: MailFacts) -> Late | None:
    """Return why the mail comes late; None where it comes in time."""
    return facts.incident.first.late if facts.step is IncidentStep.OPENED else None


def _is_missed(facts: MailFacts) -> bool:
    """Return whether the mail tells what is over already."""
    return _late(facts) is not None and facts.incident.resolved_at is not None


def _since(facts: MailFacts) -> str:
    began = _clock(facts.incident.first.started_at, facts)
    if _is_missed(facts):
        return f"from {began} to {_clock(facts.incident.updated_at, facts)}"
    return f"since {began}"


def _values(facts: MailFacts, *, has_chart: bool) -> dict[str, Any]:
    incident, step = facts.incident, facts.step
    is_negative = incident.kind is RuleKind.NEGATIVE_SPIKE
    words = incident.latest.words
    return {
        "subject": subject_of(facts),
        "kicker": " · ".join(part for part in (incident.topic, incident.rule) if part),
        "colour": COLOURS[step],
        "lead": facts.handover.lead if facts.handover else _lead(facts),
        "story": [_lead(facts), *_story(facts)] if facts.handover else _story(facts),
        "why": _why(facts),
        "causes": [show_cause(cause, is_negative=is_negative) for cause in incident.causes],
        "mentions": [
            show_mention(one, _clock(one.published_at, facts), facts.mention_links.get(one.id))
            for one in facts.mentions[:MENTIONS]
        ],
        "mentions_title": f"The {'negative ' if is_negative else ''}mentions that matter",
        "actions": facts.actions,
        "status": facts.status,
        "link": facts.link,
        "link_count": (words.link if words else None) or f"the {_counted(facts)}",
        "is_synthetic": facts.is_synthetic,
        "has_chart": has_chart,
        "chart_alt": facts.chart.alt_text if facts.chart and has_chart else "",
        "chart_cid": f"chart.{incident.id}@groundswell",
    }


def _lead(facts: MailFacts) -> str:
    incident, seen = facts.incident, facts.incident.latest
    if seen.words and facts.step is not IncidentStep.RESOLVED:
        return one_line(seen.words.lead)
    if seen.words and seen.words.resolved:
        return one_line(seen.words.resolved)
    if facts.step is IncidentStep.RESOLVED:
        return f"{incident.topic} is back to usual."
    be, have = ("was", "had") if _is_missed(facts) else ("is", "has")
    local = seen.window_end.astimezone(ZoneInfo(facts.zone))
    usual = f"a usual {'Sunday' if seen.holiday else f'{local:%A}'} {local:%H:%M}"
    if seen.is_learning:
        usual = "this rule expects while it is still learning what is usual"
    if incident.kind is RuleKind.NEGATIVE_SPIKE:
        share = round(100 * seen.observed / seen.scored) if seen.scored else 0
        return (
            f"{share} % of what {be} said about {incident.topic} {be} negative: "
            f"{seen.observed} of {seen.scored}, more than on {usual}."
        )
    if not _has_factor(seen):
        return f"{incident.topic} {have} {_times(seen)}, more than {usual}."
    return f"{incident.topic} {have} {_times(seen)} of {usual}."


def _has_factor(seen: Evidence) -> bool:
    """Return whether "so many times" says anything: not of less than one mention."""
    is_known = seen.expected is not None and seen.expected >= 1
    return bool(seen.factor) and is_known and not seen.is_learning


def _times(seen: Evidence) -> str:
    if not _has_factor(seen):
        return f"{seen.observed:,} mentions in {_length(seen)}"
    return f"{seen.factor:.1f} times the volume"


def _story(facts: MailFacts) -> list[str]:
    late = _late(facts)
    if late is None:
        return _sentences(facts)
    words = late_words(late, facts.incident.opened_at, facts.zone)
    over = " It is over." if facts.incident.resolved_at is not None else ""
    return [one_line(f"{words[:1].upper()}{words[1:]}.{over}"), *_sentences(facts)]


def _sentences(facts: MailFacts) -> list[str]:
    incident, seen = facts.incident, facts.incident.latest
    if seen.words and facts.step is not IncidentStep.RESOLVED:
        return [one_line(sentence) for sentence in seen.words.story]
    if seen.words and seen.words.page:
        lasted = incident.updated_at - incident.first.started_at
        return [f"It lasted {_duration(lasted.total_seconds())}."]
    told = [f"{_counted(facts)} {_since(facts)}."]
    if facts.copies:
        be = "is a copy" if facts.copies == 1 else "are copies"
        told.append(f"{facts.copies:,} of them {be}, which rules do not count.")
    if facts.step is IncidentStep.RESOLVED:
        lasted = incident.updated_at - incident.first.started_at
        told.append(f"It lasted {_duration(lasted.total_seconds())}.")
        return told
    if incident.kind is RuleKind.VOLUME_SPIKE:
        usual = _usual(seen)
        known = f", {usual}" if usual else ""
        when = f"the last {_length(seen)}"
        if _is_missed(facts):
            when = f"the {_length(seen)} to {_clock(seen.window_end, facts)}"
        told.append(f"In {when}: {seen.observed:,}{known}.")
    if facts.first:
        told.append(_beginning(facts))
    if facts.step is IncidentStep.DOUBLED:
        told.append("It has doubled since the last mail.")
    return told


def _beginning(facts: MailFacts) -> str:
    """Return who posted first, each once, with the time of the post."""
    named: dict[str, str] = {}
    for mention in facts.first:
        name = show_name(mention) or "somebody unnamed"
        named.setdefault(name, _clock(mention.published_at, facts))
    about = " what grew" if facts.incident.causes else ""
    return f"First to post{about}: {', '.join(f'{name} ({at})' for name, at in named.items())}."


def _why(facts: MailFacts) -> list[str]:
    incident, seen = facts.incident, facts.incident.latest
    if seen.words:
        return [*map(one_line, seen.words.why), f"All times are {facts.zone}."]
    told = [f'The rule "{incident.rule}" watches {incident.topic}.']
    if seen.is_learning:
        told.append(seen.note or "It is still learning what is usual.")
    else:
        told.append(f"{_observed(facts)}.")
        if seen.reference_start and seen.reference_end:
            told.append(
                f"Compared with the same hours from {seen.reference_start:%d %b %Y} "
                f"to {seen.reference_end:%d %b %Y}."
            )
        if seen.holiday:
            told.append(f"It is a holiday ({one_line(seen.holiday)}): compared with Sundays.")
    if seen.coverage is not None:
        told.append(f"Sources answered {100 * seen.coverage:.0f} % of that time.")
    told.append(f"All times are {facts.zone}.")
    if facts.others:
        told.append("One other gets it." if facts.others == 1 else f"{facts.others} others get it.")
    return told


def _usual(seen: Evidence) -> str | None:
    """Return the usual range in words; None where it is not known."""
    if seen.is_learning or seen.low is None or seen.high is None:
        return None
    return f"usual {seen.low:.0f}-{seen.high:.0f}"


def _observed(facts: MailFacts) -> str:
    """Return what was seen beside what was expected, as far as that is known."""
    seen = facts.incident.latest
    usual = _usual(seen)
    parts = [
        f"Observed {seen.observed:,} in {_length(seen)} up to {_clock(seen.window_end, facts)}"
    ]
    if seen.expected is not None:
        parts.append(f"expected {seen.expected:.1f}" + (f" ({usual})" if usual else ""))
    if seen.p is not None:
        parts.append(f"probability of so many by chance {_probability(seen.p)}")
    return ", ".join(parts)


def _probability(p: float) -> str:
    """Return the probability to two digits: more would claim to be known."""
    if p < 1e-9:
        return "below 1 in a billion"
    return f"about 1 in {float(f'{1 / p:.2g}'):,.0f}" if p < 0.1 else f"{p:.2f}"


def _counted(facts: MailFacts) -> str:
    """Return how many mentions the link opens, in words."""
    is_negative = facts.incident.kind is RuleKind.NEGATIVE_SPIKE
    noun = "mention" if facts.count == 1 else "mentions"
    return f"{facts.count:,} {'negative ' if is_negative else ''}{noun}"


def _clock(at: datetime, facts: MailFacts) -> str:
    """Return the time in the installation's zone, with the day where it is not today's."""
    zone = ZoneInfo(facts.zone)
    # What was missed ended before it was told.
    told_at = max(facts.incident.updated_at, facts.incident.opened_at)
    if facts.handover is not None:
        told_at = facts.handover.at
    local, today = at.astimezone(zone), told_at.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%a %d %b %H:%M}"


def _length(seen: Evidence) -> str:
    return _duration((seen.window_end - seen.window_start).total_seconds())


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} minutes"
    hours = minutes / 60
    return f"{hours:.0f} hours" if minutes % 60 == 0 or hours >= 10 else f"{hours:.1f} hours"
