"""Mails that come by the clock: digests and the all-clear. Pure but for reading the templates."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from alerts.message import POLICY, address_of, fill, one_line, picture_of
from charts.chart import Chart
from core.settings import MailSettings
from insights.measures import UsualRange
from insights.sentence import format_range

SUBJECT_CHARS = 120
CALM, BUSY, UNSURE = "#2f7d4f", "#c2410c", "#8a5a00"

ENOUGH_ON_TIME = 0.9
"""With less of the sources' time covered nobody can say that it was quiet."""

LONG_UNHEARD = timedelta(hours=1)
"""What is said in so long may be what the night was about."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a section: what it says, a quiet remark, and what it opens."""

    text: str
    note: str = ""
    url: str | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Some lines under a heading; ``empty`` is said where there are none."""

    title: str
    rows: Sequence[Row] = ()
    empty: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the row of figures, with what it is compared with."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """All that a letter says. ``key`` names it for ever, ``at`` is when it was due."""

    key: str
    at: datetime
    subject: str
    kicker: str
    lead: str
    link: str
    link_text: str
    colour: str = CALM
    story: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    sections: Sequence[Section] = ()
    chart: Chart | None = None
    why: Sequence[str] = ()
    rule: str = ""
    is_synthetic: bool = False


def compose_letter(
    facts: LetterFacts, mail: MailSettings, recipients: Sequence[str]
) -> EmailMessage:
    """Return the message with a text part, an HTML part and the chart.

    The same facts make the same bytes; the Message-ID follows from the key alone. A chart that
    cannot be drawn is left out.
    """
    digest = hashlib.blake2b(facts.key.encode(), digest_size=10).hexdigest()
    picture = picture_of(facts.chart)
    values = _values(facts, f"chart.{digest}@groundswell", has_chart=picture is not None)
    sender = address_of(mail.sender)
    message = EmailMessage(POLICY)
    message["From"] = sender
    message["To"] = ", ".join(recipients or [sender.addr_spec])
    message["Subject"] = values["subject"]
    message["Date"] = format_datetime(facts.at)
    message["Message-ID"] = f"<{digest}.letter@{sender.domain or 'groundswell.invalid'}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Groundswell-Rule"] = one_line(facts.rule)
    fill(message, "letter", values, digest, picture)
    return message


def _values(facts: LetterFacts, chart_cid: str, *, has_chart: bool) -> dict[str, object]:
    tag = "[synthetic] " if facts.is_synthetic else ""
    return {
        "subject": one_line(tag + facts.subject)[:SUBJECT_CHARS],
        "kicker": one_line(facts.kicker),
        "colour": facts.colour,
        "lead": one_line(facts.lead),
        "story": [one_line(sentence) for sentence in facts.story],
        "figures": [
            {"name": one.name, "value": one_line(one.value), "note": one_line(one.note)}
            for one in facts.figures
        ],
        "sections": [
            {
                "title": section.title,
                "empty": section.empty,
                "rows": [
                    {
                        "text": one_line(row.text),
                        "note": one_line(row.note),
                        "url": row.url,
                        "colour": row.colour,
                    }
                    for row in section.rows
                ],
            }
            for section in facts.sections
            if section.rows or section.empty
        ],
        "link": facts.link,
        "link_text": facts.link_text,
        "why": [one_line(sentence) for sentence in facts.why],
        "is_synthetic": facts.is_synthetic,
        "has_chart": has_chart,
        "chart_alt": facts.chart.alt_text if facts.chart and has_chart else "",
        "chart_cid": chart_cid,
    }


# --- the all-clear


@dataclass(frozen=True, slots=True)
class Watch:
    """What the morning's statement rests on.

    ``on_time`` is the share (0..1) of polls that went well, None where nothing was polled;
    ``unheard`` is for how long nobody collected, as far as nothing of that time came later;
    ``is_tested`` whether a self-test is set up, ``tested_at`` (on the wall clock) when the last one
    arrived and ``seconds`` how long it took; ``is_test_late`` says that one is overdue,
    ``is_test_kept`` is False for a past morning, of whose self-test nothing is kept.
    ``incidents`` opened since, of which ``open_incidents`` and earlier ones last.
    """

    mentions: int
    usual: UsualRange | None
    unanswered: int
    answer_within: timedelta
    on_time: float | None
    is_tested: bool
    tested_at: datetime | None = None
    seconds: float | None = None
    is_test_late: bool = False
    is_test_kept: bool = True
    incidents: int = 0
    open_incidents: int = 0
    unheard: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Statement:
    """The morning in a word, in sentences, and why nothing can be said where that is so."""

    word: str
    sentences: tuple[str, ...]
    colour: str


def state_of_things(watch: Watch) -> Statement:
    """Return "Quiet." with what that rests on, or what is not quiet, or why nobody can tell."""
    doubts = _doubts(watch)
    count = f"{watch.mentions:,} mention{'' if watch.mentions == 1 else 's'}"
    if watch.usual is not None:
        count += f", usual {format_range(watch.usual.low, watch.usual.high)}"
    hours = watch.answer_within / timedelta(hours=1)
    sentences = [
        f"{count}.",
        f"{watch.unanswered:,} unanswered over {hours:g} h.",
        *([f"Sources on time {100 * watch.on_time:.1f} %."] if watch.on_time is not None else []),
        _test_words(watch),
    ]
    rang = _incident_words(watch)
    if doubts:
        return Statement("Cannot tell.", (*doubts, *rang, *sentences), UNSURE)
    if rang:
        return Statement("Not quiet.", (*rang, *sentences), BUSY)
    word, before = "Quiet", []
    if watch.usual is not None and watch.mentions > watch.usual.high:
        word, before = "Lively", ["No rule fired."]
    if watch.usual is not None and watch.mentions < watch.usual.low:
        word, before = "Very quiet", ["Less is said than usual."]
    if watch.unanswered:
        return Statement(f"{word}, but people wait.", (*before, *sentences), UNSURE)
    return Statement(f"{word}.", (*before, *sentences), CALM)


def _incident_words(watch: Watch) -> list[str]:
    """Return what rang, in a sentence; nothing where nothing did."""
    if not watch.incidents and not watch.open_incidents:
        return []
    opened = f"{watch.incidents} incident{'' if watch.incidents == 1 else 's'} since yesterday"
    lasting = f"{watch.open_incidents} still open" if watch.open_incidents else "all over"
    return [f"{opened}, {lasting}."]


def _doubts(watch: Watch) -> list[str]:
    """Return why silence may be no silence."""
    found = []
    if watch.is_test_late:
        found.append("The self-test did not arrive: what is said may not reach you.")
    if watch.on_time is not None and watch.on_time < ENOUGH_ON_TIME:
        found.append(f"Sources answered only {100 * watch.on_time:.0f} % of the time.")
    if watch.on_time is None:
        found.append("No source was asked.")
    elif watch.unheard >= LONG_UNHEARD:
        hours = f"{watch.unheard / timedelta(hours=1):.2g}"
        span = "an hour" if hours == "1" else f"{hours} hours"
        found.append(f"For {span} nobody collected, and nothing of that time came later.")
    return found


def _test_words(watch: Watch) -> str:
    if not watch.is_tested:
        return "No self-test is set up."
    if not watch.is_test_kept:
        return "What the self-test said is not kept."
    if watch.tested_at is None or watch.seconds is None:
        return "No self-test has arrived yet."
    return f"Self-test {watch.tested_at:%H:%M}: from post to mail in {watch.seconds:.0f} s."
