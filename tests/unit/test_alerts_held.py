"""The list of what was held back is complete, and safe whatever its subjects say."""

from __future__ import annotations

from datetime import UTC, datetime

from alerts.held import SHOWN, HeldFacts, HeldItem, compose_list
from core.settings import MailSettings

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
MAIL = MailSettings(sender="Groundswell <groundswell@listen.example>")


def facts(count: int, subject: str = "Acme: 10.0 times the volume") -> HeldFacts:
    """Return a list of ``count`` alerts, of which the first is still open."""
    items = [
        HeldItem(NOW, subject, "over" if n else "still open", f"https://listen.example/alerts?{n}")
        for n in range(count)
    ]
    zone, link = "Europe/Berlin", "https://listen.example/alerts"
    return HeldFacts("held.abc", items, "Quiet hours until 16:00.", NOW, zone, link)


def parts(count: int, subject: str = "Acme: 10.0 times the volume") -> tuple[str, str]:
    """Return the text and the HTML of such a list."""
    message = compose_list(facts(count, subject), MAIL, "press@listen.example")
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    return plain.get_content(), html.get_content()


def test_both_parts_say_what_was_held_back_and_why() -> None:
    """Reason, heading, each item on the wall clock with its link, the button and the zone."""
    for part in parts(2):
        for wanted in (
            "Quiet hours until 16:00.",
            "2 alerts held back, 1 still open",
            "Thu 16:00",
            "Acme: 10.0 times the volume",
            "https://listen.example/alerts?1",
            "ll incidents",
            "All times are Europe/Berlin.",
        ):
            assert wanted in part
        assert "more." not in part


def test_a_long_list_says_how_many_it_leaves_out() -> None:
    """Thirty are shown, the others counted."""
    text, html = parts(SHOWN + 5)
    assert "And 5 more." in text
    assert "And 5 more." in html
    assert html.count(">open</a>") == SHOWN


def test_a_subject_is_text_in_the_page() -> None:
    """What a subject quotes is escaped in the HTML part, which extends a frame, and on one line."""
    text, html = parts(1, "<img src=//evil>\r\nBcc: all & {{ 7 * 7 }}")
    assert "&lt;img src=//evil&gt; Bcc: all &amp; {{ 7 * 7 }}" in html
    assert "<img" not in html
    assert "<img src=//evil> Bcc: all & {{ 7 * 7 }}" in text


def test_the_same_list_is_the_same_message() -> None:
    """A second sending of one list is recognised by mail programs."""
    first, second = (compose_list(facts(3), MAIL, "press@listen.example") for _ in range(2))
    assert first.as_bytes() == second.as_bytes()
    assert first["Message-ID"] == "<held.abc@listen.example>"
