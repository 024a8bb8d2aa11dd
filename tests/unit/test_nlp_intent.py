from pathlib import Path

import pytest

from core.mention import Intent, Sentiment
from nlp.intent import LANGUAGES, find_intent

SENTENCES = Path(__file__).parents[1] / "data" / "nlp" / "intents.tsv"


def sentences(half: str) -> list[tuple[str, str, Intent]]:
    """Return text, language and intent of one half of our own labelled sentences."""
    rows = [line.split("\t") for line in SENTENCES.read_text(encoding="utf-8").split("\n")[1:]]
    return [(row[0], row[1], Intent(row[2])) for row in rows if row[-1] == half]


@pytest.mark.parametrize(("half", "floor"), [("tuning", 0.97), ("held out", 0.93)])
def test_labelled_sentences_are_told_apart(half: str, floor: float) -> None:
    """Most sentences get their intent, also of the half that no rule was written for."""
    rows = sentences(half)

    right = sum(find_intent(text, language) is intent for text, language, intent in rows)

    assert len(rows) > 120
    assert right / len(rows) >= floor


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_told_apart(language: str) -> None:
    """No language with rules falls behind."""
    rows = [row for row in sentences("held out") if row[1] == language]

    right = sum(find_intent(text, language) is intent for text, _, intent in rows)

    assert right / len(rows) >= 0.8


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Really? Another outage?", Intent.COMPLAINT),
        ("yes please!", Intent.OTHER),
        ("Not impressed.", Intent.COMPLAINT),
        ("I can't recommend this enough", Intent.PRAISE),
        ("When I was young we had no phones", Intent.OTHER),
        ("Why is it always so slow", Intent.COMPLAINT),
        ("RT @acme: Please vote for us", Intent.OTHER),
        ("@acme can you please refund me? Still waiting.", Intent.REQUEST),
        ("can you tell me where my parcel is", Intent.QUESTION),
        ("Where is it sold? #acme https://a.example/?q=1", Intent.QUESTION),
        ("see https://a.example/?q=what", Intent.OTHER),
    ],
)
def test_what_is_meant_stands_above_what_is_written(text: str, intent: Intent) -> None:
    """Rhetoric, negation, idioms, links and retweets do not mislead."""
    assert find_intent(text, "en") is intent


def test_sentiment_decides_between_weak_signs() -> None:
    """A weak sign of trouble is a complaint where the model finds the text negative."""
    text = "my order is late"

    assert find_intent(text, "en") is Intent.OTHER
    assert find_intent(text, "en", Sentiment.NEGATIVE) is Intent.COMPLAINT
    assert find_intent("the council met on Monday", "en", Sentiment.NEGATIVE) is Intent.OTHER


@pytest.mark.parametrize(
    "text", ["", "  ", "😀👍", "https://a.example/why", "@acme", "\u200b", "12:30"]
)
def test_texts_without_words_have_no_intent(text: str) -> None:
    """Nothing said, nothing wanted that could be known."""
    assert find_intent(text, "en") is None


def test_languages_without_rules_have_no_intent() -> None:
    """A language that nobody wrote rules for gets none, nor does an unknown one."""
    assert find_intent("Где мой заказ?", "ru") is None
    assert find_intent("Where is my order?", "und") is None


def test_typing_habits_do_not_matter() -> None:
    """Capitals, curly apostrophes and left-out accents are read the same."""
    assert find_intent("I’D LIKE A REFUND", "en") is Intent.REQUEST
    assert find_intent("Nao funciona", "pt") is find_intent("Não funciona", "pt")


def test_endless_texts_are_cut() -> None:
    """200 kB of text cost no more than their beginning."""
    text = "why " * 50_000 + "?"

    assert find_intent(text, "en") is find_intent(text[:2_000], "en")
