from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from alerts.incident import Evidence
from app.answers import MentionRow
from core.mention import (
    Author,
    Correction,
    Enrichment,
    Mention,
    Overlay,
    Sentiment,
    TopicSpan,
    TopicTag,
)
from dashboard import words
from dashboard.cards import card
from dashboard.mail import read_mail
from dashboard.session import Viewer, plain

NOW = datetime(2026, 3, 5, 15, 20, tzinfo=UTC)
VIEWER = Viewer("Europe/Berlin", NOW, is_dark=False)
EVIL = "<img src=x onerror=alert(1)> **bold** [a](javascript:x) \u202egnp.exe"
BACKSLASHED = "https://evil.example\\@good.example/x"


@pytest.mark.parametrize(
    ("back", "text"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=14), "14 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(hours=16), "16 h ago"),
        (timedelta(hours=20), "yesterday 20:20"),
        (timedelta(days=3), "Mon 16:20"),
        (timedelta(days=40), "24 Jan"),
        (timedelta(days=400), "29 Jan 2025"),
    ],
)
def test_times_are_told_as_people_say_them(back: timedelta, text: str) -> None:
    """Recent times are ages, older ones are on the viewer's clock."""
    assert words.ago(NOW - back, NOW, "Europe/Berlin") == text


@pytest.mark.parametrize(
    ("value", "text"), [(950, "950"), (4210, "4.2k"), (15300, "15k"), (2_000_000, "2M")]
)
def test_large_counts_are_short(value: int, text: str) -> None:
    """Followers fit a card."""
    assert words.short(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(-0.314, "−0.31"), (0.2, "+0.20"), (0.0, "0.00"), (-0.001, "0.00")]
)
def test_net_sentiment_has_its_sign(value: float, text: str) -> None:
    """Zero has none, and nothing is minus zero."""
    assert words.signed(value) == text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//x.example",
        "http://",
        "http://[x",
        BACKSLASHED,
        None,
    ],
)
def test_only_web_addresses_become_links(url: str | None) -> None:
    """A source cannot place a script or a broken address behind a link."""
    assert words.safe_href(url) is None


def test_a_link_names_the_host_that_a_browser_goes_to() -> None:
    """Where a browser reads another host than we do, none is named; backslashes in paths do."""
    assert words.host_of("https://www.good.example/a\\b") == "good.example"
    assert words.host_of("https://good.example@evil.example/x") == "evil.example"
    assert words.host_of(BACKSLASHED) == ""
    assert words.safe_href("https://good.example/a\\b") == "https://good.example/a\\b"


@pytest.mark.parametrize("mark", "\u061c\u200e\u200f\u202a\u202e\u2066\u2069")
def test_no_text_turns_what_is_around_it(mark: str) -> None:
    """Marks of reading direction go, letters of every script stay."""
    assert words.escape(f"a{mark}b \u05e9\u05dc\u05d5\u05dd") == "ab \u05e9\u05dc\u05d5\u05dd"


def test_an_excerpt_holds_its_first_match() -> None:
    """A long text is cut around what matched, and both ends say so."""
    text = "one two " * 200 + "needle" + " three four" * 200
    start = text.index("needle")
    shown = words.highlighted(text, [(start, start + 6)])
    assert "<mark>needle</mark>" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < words.EXCERPT_CHARS + 40


def test_matches_are_marked_inside_escaped_text() -> None:
    """Marks never cut an escaped character in two."""
    assert words.highlighted("a<b>&c", [(1, 4)]) == "a<mark>&lt;b&gt;</mark>&amp;c"


def test_a_card_escapes_everything_a_stranger_wrote() -> None:
    """Title, text, author, handle, address and parent cannot become markup."""
    author = Author(service="x", id="1", handle=EVIL, name=EVIL)
    mention = Mention(
        id="a",
        title=EVIL,
        text=EVIL,
        author=author,
        url='https://x.example/"onmouseover="x',
        service=EVIL,
        published_at=NOW,
        parent_id="b",
    )
    parent = Mention(id="b", text=EVIL, author=author)
    html = card(MentionRow(mention, parent=parent), VIEWER)
    assert "<img" not in html
    assert '"onmouseover' not in html
    assert "\u202e" not in html
    assert html.count("&lt;img") >= 5


def test_a_card_says_whose_word_the_sentiment_is() -> None:
    """A person's correction is marked, and names them."""
    overlay = Overlay(sentiment=Correction(value=Sentiment.POSITIVE, by="Mira <b>", at_us=1))
    html = card(MentionRow(Mention(id="a", overlay=overlay, published_at=NOW)), VIEWER)
    assert 'title="Set by Mira &lt;b&gt;">positive ✓' in html


def _torn() -> Mention:
    spans = (
        TopicSpan(topic="<b>Acme", sentiment=Sentiment.POSITIVE, confidence=0.91, start=0, end=9),
        TopicSpan(topic="Zenith", sentiment=None, confidence=0.4, start=11, end=31),
    )
    enrichment = Enrichment(
        content_version=(0, 1, ""),
        enriched_us=1,
        sentiment=Sentiment.NEGATIVE,
        sentiment_confidence=0.6,
        topic_spans=spans,
    )
    return Mention(
        id="a",
        text="love acme, hate zenith<img>",
        published_at=NOW,
        topics=(TopicTag(name="<b>Acme"), TopicTag(name="Zenith")),
        enrichment=enrichment,
    )


def test_a_card_says_what_is_said_towards_each_topic() -> None:
    """Beside each topic stands its sentiment, and the passage that decided it is a look away."""
    html = card(MentionRow(_torn()), VIEWER)

    assert 'title="positive towards &lt;b&gt;Acme, 91% sure: love acme"' in html
    assert "&lt;b&gt;Acme <b>positive</b>" in html
    assert 'title="unsure towards Zenith, 40% sure: hate zenith&lt;img&gt;"' in html
    assert "<img" not in html
    assert 'gw-card negative"' in html


def test_a_blind_card_says_nothing_of_any_sentiment() -> None:
    """Who is asked for their own word must not see the model's, towards no topic either."""
    html = card(MentionRow(_torn()), VIEWER, towards="Zenith", is_blind=True)

    assert not {"positive", "negative", "unsure", "sure:"} & set(html.replace('"', " ").split())


def test_a_card_in_a_topics_list_shows_the_sentiment_towards_it() -> None:
    """What the filter counts is what the card shows."""
    html = card(MentionRow(_torn()), VIEWER, towards="<b>Acme")

    assert 'gw-card positive"' in html
    assert 'title="Towards &lt;b&gt;Acme; The model is 91% sure">positive' in html


def test_a_persons_word_stands_in_place_of_what_was_found_towards_topics() -> None:
    """A corrected mention shows one sentiment, the person's."""
    overlay = Overlay(sentiment=Correction(value=Sentiment.NEUTRAL, by="Mira", at_us=1))
    mention = _torn().model_copy(update={"overlay": overlay})
    html = card(MentionRow(mention), VIEWER, towards="Zenith")

    assert ">neutral ✓</span>" in html
    assert "towards" not in html


def test_synthetic_and_own_mentions_are_labelled() -> None:
    """Nobody takes the demo for the world."""
    mention = Mention(id="a", synthetic=True, is_own=True, published_at=NOW)
    html = card(MentionRow(mention), VIEWER)
    assert ">synthetic<" in html
    assert ">own account<" in html


def test_markdown_of_strangers_stays_text() -> None:
    """Every character with a meaning in Streamlit's Markdown is escaped."""
    assert plain("**a** :red[b] $c$") == r"\*\*a\*\* \:red\[b\] \$c\$"


def _mail(folder: Path) -> Path:
    message = EmailMessage()
    message["Subject"] = "Acme: 41 mentions"
    message.set_content("text")
    message.add_alternative('<p>hello</p><img src="cid:chart">', subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]  # the alternatives
    html.add_related(b"PNG", "image", "png", cid="<chart>")  # type: ignore[union-attr]
    folder.mkdir(exist_ok=True)
    path = folder / "1.eml"
    path.write_bytes(message.as_bytes())
    return path


def test_a_stored_mail_is_shown_with_its_pictures(tmp_path: Path) -> None:
    """Pictures become part of the page's own HTML, so that nothing is fetched."""
    mail = read_mail(str(_mail(tmp_path / "mail")), (str(tmp_path / "mail"), None))
    assert mail is not None
    assert mail.subject == "Acme: 41 mentions"
    assert "data:image/png;base64,UE5H" in mail.html
    assert "cid:" not in mail.html


def test_no_other_file_is_read_as_a_mail(tmp_path: Path) -> None:
    """Only .eml files directly in our own folder are shown, also through links and dots."""
    folder = tmp_path / "mail"
    path = _mail(tmp_path / "elsewhere")
    folder.mkdir()
    (folder / "link.eml").symlink_to(path)
    for destination in (
        str(path),
        str(folder / ".." / "elsewhere" / "1.eml"),
        str(folder / "link.eml"),
        str(folder / "missing.eml"),
        "mira@example.org",
        "bad\0name.eml",
    ):
        assert read_mail(destination, (str(folder), None)) is None


def test_an_alert_is_compared_as_far_as_something_is_known() -> None:
    """Factor, usual range and probability where they are known; unknown is left out, not nought."""
    at = datetime(2026, 3, 5, 15, tzinfo=UTC)
    seen = Evidence(window_start=at, window_end=at, started_at=at, observed=61)
    assert words.compared(seen) == ""
    known = seen.model_copy(update={"factor": 10.0, "low": 3.0, "high": 9.0, "p": 0.0004})
    assert words.compared(known) == ", 10 times what is usual, 3-9 (p = 0.0004)"
    rare = seen.model_copy(update={"p": 1e-9})
    assert words.compared(rare) == " (by chance less than once in a million)"
