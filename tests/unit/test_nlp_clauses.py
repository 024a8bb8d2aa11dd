import time
from itertools import pairwise

import pytest

from core.query.highlight import spans
from core.query.parser import parse
from nlp.clauses import WORDS, clauses, passages


def _found(text: str, *topics: str, language: str = "en") -> dict[str, list[str]]:
    """Return the passages of each topic, a topic being a query of one word."""
    matches = {topic: spans(parse(topic), text) for topic in topics}
    return {
        topic: [text[start:end] for start, end in runs]
        for topic, runs in passages(text, matches, language).items()
    }


@pytest.mark.parametrize(
    ("text", "acme", "zenith"),
    [
        (
            "Love my Acme phone but the Zenith support is awful",
            ["Love my Acme phone"],
            ["but the Zenith support is awful"],
        ),
        ("While Zenith fell, Acme rose.", ["Acme rose."], ["While Zenith fell"]),
        ("I love Acme and hate Zenith", ["I love Acme"], ["and hate Zenith"]),
        ("Acme is great, Zenith is a joke", ["Acme is great"], ["Zenith is a joke"]),
        ("Zenith broke; Acme did not.", ["Acme did not."], ["Zenith broke;"]),
    ],
)
def test_each_topic_gets_its_own_clause(text: str, acme: list[str], zenith: list[str]) -> None:
    """What is said of one topic is no word about the other."""
    assert _found(text, "acme", "zenith") == {"acme": acme, "zenith": zenith}


@pytest.mark.parametrize(
    "text", ["Acme and Zenith both suck", "Zenith, Acme: the same garbage", "Acme vs Zenith"]
)
def test_what_is_said_of_two_at_once_is_not_cut(text: str) -> None:
    """A half that would say nothing stays with the other."""
    assert _found(text, "acme", "zenith") == {"acme": [text], "zenith": [text]}


def test_what_points_back_still_speaks_of_the_topic() -> None:
    """A clause that opens with a pronoun goes on about what was named last."""
    text = (
        "Got the new Acme. It is great! And they deliver. My day was long. "
        "Zenith broke. Its box too."
    )

    assert _found(text, "acme", "zenith") == {
        "acme": ["Got the new Acme. It is great! And they deliver."],
        "zenith": ["Zenith broke. Its box too."],
    }


def test_a_topic_named_twice_has_two_passages() -> None:
    """What stands between about something else is left out."""
    found = _found("Acme rocks. The weather is bad. Acme again!", "acme")

    assert found == {"acme": ["Acme rocks.", "Acme again!"]}


@pytest.mark.parametrize(
    "text", ["Mr. Smith of Acme Inc. smiled", "waited for a while at Acme", "costs 3.50 at Acme"]
)
def test_what_ends_no_thought_cuts_nothing(text: str) -> None:
    """Abbreviations, numbers and "a while" are no boundary."""
    assert [text[start:end] for start, end in clauses(text, "en")] == [text]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Ich mag Acme, während Zenith nervt"),
        ("fr", "J'aime Acme mais Zenith est nul"),
        ("es", "Me gusta Acme, pero Zenith es malo"),
        ("it", "Adoro Acme ma Zenith non funziona"),
        ("pt", "Adoro Acme, mas Zenith é ruim"),
        ("sv", "Jag gillar Acme. Zenith är dålig"),
    ],
)
def test_other_languages_are_cut_by_their_own_words(language: str, text: str) -> None:
    """Each configured language knows its words of contrast, any other full stops alone."""
    found = _found(text, "acme", "zenith", language=language)

    assert [len(runs) for runs in found.values()] == [1, 1]
    assert "Zenith" not in found["acme"][0]
    assert "Acme" not in found["zenith"][0]


def test_every_configured_language_has_its_words() -> None:
    """The languages of the default settings are all listed."""
    assert set(WORDS) >= {"en", "de", "es", "fr", "it", "pt"}


def test_clauses_cover_the_text() -> None:
    """Nothing that is written falls between two clauses."""
    text = "One. Two - three; four\nfive but six...   "

    parts = clauses(text, "en")

    assert "".join(text[start:end] for start, end in parts).strip() == text.strip()
    assert all(before[1] <= after[0] for before, after in pairwise(parts))


@pytest.mark.parametrize(
    "piece", ["acme, zenith and ", "acme it. ", "but ", "a.", ", and ", "_", "acme it zenith. and "]
)
def test_no_text_takes_long(piece: str) -> None:
    """The time grows with the length and no faster, whatever is repeated."""
    text = piece * (40_000 // len(piece))
    matches = {topic: spans(parse(topic), text[:10_000]) for topic in ("acme", "zenith")}

    started = time.process_time()
    passages(text, matches, "en")

    assert time.process_time() - started < 1
