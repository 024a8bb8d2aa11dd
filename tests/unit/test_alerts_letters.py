"""The all-clear says quiet only where it can know, and letters are mails that anybody can read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts.letters import (
    Figure,
    LetterFacts,
    Row,
    Section,
    Watch,
    compose_letter,
    state_of_things,
)
from core.settings import MailSettings
from insights.measures import UsualRange

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
CALM = Watch(
    mentions=41,
    usual=UsualRange(48.0, 35, 62),
    unanswered=0,
    answer_within=timedelta(hours=4),
    on_time=0.992,
    is_tested=True,
    tested_at=NOW - timedelta(minutes=5),
    seconds=38.2,
)


def test_silence_is_a_statement() -> None:
    """A quiet morning says what its quiet rests on."""
    said = state_of_things(CALM)
    assert " ".join((said.word, *said.sentences)) == (
        "Quiet. 41 mentions, usual 35-62. 0 unanswered over 4 h. Sources on time 99.2 %. "
        "Self-test 07:55: from post to mail in 38 s."
    )


@pytest.mark.parametrize(
    ("changes", "word", "says"),
    [
        ({"incidents": 1}, "Not quiet.", "1 incident since yesterday, all over."),
        ({"incidents": 2, "open_incidents": 1}, "Not quiet.", "2 incidents since yesterday, 1"),
        ({"open_incidents": 1}, "Not quiet.", "0 incidents since yesterday, 1 still open."),
        ({"open_incidents": 1, "unanswered": 3}, "Not quiet.", "0 incidents since"),
        ({"unanswered": 3}, "Quiet, but people wait.", "3 unanswered over 4 h."),
        ({"mentions": 80}, "Lively.", "No rule fired."),
        ({"mentions": 80, "unanswered": 3}, "Lively, but people wait.", "No rule fired."),
        ({"mentions": 9}, "Very quiet.", "Less is said than usual."),
        ({"mentions": 9, "unanswered": 3}, "Very quiet, but people wait.", "Less is said"),
        ({"mentions": 1, "usual": None}, "Quiet.", "1 mention."),
        ({"is_test_late": True}, "Cannot tell.", "may not reach you"),
        ({"on_time": 0.5}, "Cannot tell.", "only 50 % of the time"),
        ({"on_time": None}, "Cannot tell.", "No source was asked."),
        ({"unheard": timedelta(hours=7.5)}, "Cannot tell.", "For 7.5 hours nobody collected"),
        ({"unheard": timedelta(minutes=20)}, "Quiet.", "41 mentions"),
        ({"is_tested": False}, "Quiet.", "No self-test is set up."),
        ({"tested_at": None}, "Quiet.", "No self-test has arrived yet."),
    ],
)
def test_what_is_not_quiet_says_so(changes: dict[str, object], word: str, says: str) -> None:
    """Nobody is told that it is quiet who cannot know it."""
    said = state_of_things(replace(CALM, **changes))  # type: ignore[arg-type]
    assert said.word == word
    assert says in " ".join(said.sentences)


FACTS = LetterFacts(
    key="digest.x.2026-11-26",
    at=NOW,
    subject="Acme\r\nBcc: all@example.org",
    kicker="The day's story",
    lead="12 mentions since yesterday.",
    link="https://listen.example/mentions",
    link_text="See the 12 mentions in Groundswell",
    figures=(Figure("Mentions", "12", "usual 8-14"),),
    sections=(
        Section(
            "What stirred most", [Row("<img src=//evil> & co", "by @x", "https://l.example/1")]
        ),
        Section("Incidents", (), "No rule fired."),
        Section("Nothing here"),
    ),
    why=("It comes daily.",),
)


def test_a_letter_is_complete_in_both_parts_and_always_the_same() -> None:
    """Text and HTML say the same, the bytes are equal, and no text becomes a header or a tag."""
    mail = MailSettings(sender="Groundswell <g@listen.example>")
    message = compose_letter(FACTS, mail, ["a@example.org", "b@example.org"])
    again = compose_letter(FACTS, mail, ["a@example.org", "b@example.org"])
    assert message.as_bytes() == again.as_bytes()
    assert message["Bcc"] is None
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    text, page = plain.get_content(), html.get_content()
    for said in ("12 mentions since yesterday.", "usual 8-14", "No rule fired.", "It comes daily."):
        assert said in text
        assert said in page
    assert "<img src=//evil>" not in page
    assert "Nothing here" not in text
    assert "https://listen.example/mentions" in text


def test_a_letter_without_a_story_leaves_no_gap() -> None:
    """Its sentences stand in a row of their own, which is there only with them."""
    mail = MailSettings()
    pages = []
    for story in ((), ("Nobody waits.",)):
        html = compose_letter(replace(FACTS, story=story), mail, []).get_body(("html",))
        assert html is not None
        pages.append(html.get_content().split("12 mentions since yesterday.")[2])
    without, told = pages
    assert "Nobody waits." in told
    assert told.count("<tr>") == without.count("<tr>") + 1


def test_a_letter_about_made_up_data_says_so() -> None:
    """In the subject and in both parts; with nobody named it goes to the sender."""
    message = compose_letter(replace(FACTS, is_synthetic=True), MailSettings(), [])
    assert message["Subject"].startswith("[synthetic] ")
    assert message["To"] == "groundswell@localhost"
    assert all(
        "synthetic" in part.get_content().lower()
        for part in (message.get_body(("plain",)), message.get_body(("html",)))
        if part is not None
    )
