"""Every mail's HTML keeps to what Outlook, Gmail and Apple Mail show, and its text says as much.

What they support: https://www.caniemail.com. Outlook for Windows draws with Word: tables and inline
styles alone; Gmail cuts a mail off after 102 kB and may drop the style sheet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest

from alerts.held import SHOWN, compose_list
from alerts.incident import IncidentStep
from alerts.letters import Figure, LetterFacts, Row, Section, compose_letter
from alerts.mail import MENTIONS, Action, compose
from core.rules import RuleKind
from tests.unit import test_alerts_held as held
from tests.unit import test_alerts_mail as alert

GMAIL_CUTS_AT = 102 * 1024
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div", "a", "b"),
    "img",
}
# What all of them honour, and after it what some ignore without harm.
PROPERTIES = {
    *("background", "border", "border-left", "border-top", "color", "display", "font-family"),
    *("font-size", "height", "line-height", "margin", "padding", "text-decoration", "width"),
    *("border-radius", "max-height", "max-width", "overflow", "overflow-wrap", "table-layout"),
    "word-break",
}
DISPLAYS = {"block", "inline-block", "none"}


class Page(HTMLParser):
    """Collects elements with their attributes, the visible text, and the style sheet."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.sheet = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.sheet += data
        elif self._inside != "title":
            self.text.append(data)


def incident_mail(kind: RuleKind, step: IncidentStep) -> EmailMessage:
    """Return a mail about an incident with all that can stand in one."""
    seen = alert.evidence(scored=88)
    mentions = [
        alert.mention(f"acme, {'what a long story ' * 40}", number=n) for n in range(MENTIONS)
    ]
    told = alert.facts(
        alert.incident(seen, kind=kind),
        step,
        mentions,
        chart=alert.chart(),
        copies=1234,
        others=2,
        first=mentions,
        status="mira is on it",
        is_synthetic=True,
        actions=[Action("I am on it", "https://listen.example/act?t=1")] * 4,
    )
    return compose(told, alert.MAIL, ["press@listen.example"])


def letter() -> EmailMessage:
    """Return a digest with figures, sections and a chart."""
    rows = [
        Row(f"acme 1,{n:03} times", "39 reactions", "https://listen.example/m") for n in range(20)
    ]
    facts = LetterFacts(
        key="week",
        at=datetime(2026, 3, 5, 8, tzinfo=UTC),
        subject="Acme, 26 Feb to 5 Mar: 737 mentions",
        kicker="The week's story",
        lead="737 mentions, usual 718-912.",
        link="https://listen.example/",
        link_text="See the 737 mentions in Groundswell",
        story=["144 need an answer."],
        figures=[Figure("Mentions", "737", "usual 718-912"), Figure("Waiting", "144")],
        sections=[Section("What burst", rows), Section("Incidents", (), "No rule fired.")],
        chart=alert.chart(),
        why=["It comes each Thursday at 08:00."],
    )
    return compose_letter(facts, alert.MAIL, ["press@listen.example"])


def held_list() -> EmailMessage:
    """Return a list that leaves some out."""
    return compose_list(held.facts(SHOWN + 7), held.MAIL, "press@listen.example")


MAILS = {
    f"{kind.value}-{step.value}": incident_mail(kind, step)
    for kind in (RuleKind.VOLUME_SPIKE, RuleKind.NEGATIVE_SPIKE)
    for step in IncidentStep
} | {"letter": letter(), "held": held_list()}


def page_of(message: EmailMessage) -> Page:
    """Return the parsed HTML part."""
    return Page(alert.html_of(message))


def styles_of(page: Page) -> Sequence[tuple[str, str]]:
    """Return every property that stands in a style attribute, with its value."""
    found = []
    for _, attributes in page.elements:
        for part in attributes.get("style", "").split(";"):
            if part.strip():
                name, _, value = part.partition(":")
                found.append((name.strip(), value.strip()))
    return found


@pytest.mark.parametrize("name", MAILS)
def test_only_what_every_mail_program_shows(name: str) -> None:
    """Tables, inline styles, pictures of its own with words and width; nothing that is fetched."""
    page = page_of(MAILS[name])
    assert {tag for tag, _ in page.elements} <= TAGS
    styles = styles_of(page)
    assert {prop for prop, _ in styles} <= PROPERTIES
    assert {value for prop, value in styles if prop == "display"} <= DISPLAYS
    assert not any("url(" in value or "calc(" in value or "var(" in value for _, value in styles)
    for tag, attributes in page.elements:
        if tag == "table":
            assert attributes["role"] == "presentation"
            assert {"cellpadding", "cellspacing", "border"} <= set(attributes)
        if tag == "img":
            assert attributes["src"].startswith("cid:")
            assert len(attributes["alt"]) > 40
            assert attributes["width"].isdigit()
        assert "background" not in attributes
        assert "src" not in attributes or tag == "img"


@pytest.mark.parametrize("name", MAILS)
def test_the_style_sheet_may_be_lost(name: str) -> None:
    """It holds nothing but the dark colours and the phone's margins, which are extra."""
    sheet = page_of(MAILS[name]).sheet
    outside = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet).strip()
    assert outside == ":root { color-scheme: light dark; }"
    assert "url(" not in sheet
    assert "@import" not in sheet


@pytest.mark.parametrize("name", MAILS)
def test_no_mail_is_cut_off(name: str) -> None:
    """Even the fullest stays far below what Gmail shows."""
    assert len(alert.html_of(MAILS[name]).encode()) < GMAIL_CUTS_AT / 2


@pytest.mark.parametrize("name", MAILS)
def test_each_figure_of_the_page_stands_in_the_text(name: str) -> None:
    """Who reads only the text part misses no number."""
    numbers = re.compile(r"\d[\d,.:]*")
    shown = set(numbers.findall(" ".join(page_of(MAILS[name]).text)))
    said = set(numbers.findall(alert.text_of(MAILS[name])))
    assert shown - said == set()
    assert shown
