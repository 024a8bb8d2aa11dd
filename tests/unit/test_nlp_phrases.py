"""Key phrases: what a text is about, in a form that counts together."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.phrases import LANGUAGES, LIMIT, key_phrases, singular, spellings


def test_forms_of_one_thing_meet() -> None:
    """Singular and plural, hyphen and space, short and long runs share a phrase."""
    for text in (
        "Late deliveries again!",
        "another late delivery, great",
        "my late-delivery saga",
        "LATE DELIVERY FEE",
    ):
        assert "late delivery" in key_phrases(text, "en")


def test_pairs_and_words_of_a_run_are_phrases_too() -> None:
    """A run of three words is kept whole, in pairs and in words."""
    assert set(key_phrases("tracking app crashes", "en")) == {
        "tracking app",
        "app crash",
        "tracking app crash",
        "tracking",
        "app",
        "crash",
    }


@pytest.mark.parametrize(
    "text",
    ["#latedelivery", "@acme_help", "https://acme.example/refund", "4711 2026", "🙃🙃", "", " "],
)
def test_what_is_no_word_is_no_phrase(text: str) -> None:
    """Hashtags, handles, addresses, numbers and emoji have fields of their own, or none."""
    assert key_phrases(text, "en") == ()


def test_fillers_and_stop_words_say_nothing() -> None:
    """What every second post holds is no phrase, and parts what stands around it."""
    assert key_phrases("just got this today, please, don't even know lol", "en") == ()
    assert key_phrases("refund today parcel", "en") == ("refund", "parcel")
    assert key_phrases("refund. parcel", "en") == ("refund", "parcel")


def test_a_weak_word_needs_another() -> None:
    """'New' and 'week' stand beside a word that says something, not alone nor together."""
    assert key_phrases("new week", "en") == ()
    assert key_phrases("new update", "en") == ("new update", "update")


@pytest.mark.parametrize(
    ("language", "text", "phrase"),
    [
        ("de", "Die verspätete Lieferung von heute", "verspatete lieferung"),
        ("es", "La actualización no funciona", "actualizacion"),
        ("fr", "Le colis de ma mère est perdu", "colis"),
        ("it", "Il pacco smarrito", "pacco smarrito"),
        ("pt", "A entrega atrasada", "entrega atrasada"),
    ],
)
def test_other_languages(language: str, text: str, phrase: str) -> None:
    """Each supported language leaves out its own stop words; phrases are folded."""
    found = key_phrases(text, language)
    assert phrase in found
    assert not {"die", "la", "le", "il", "a", "de", "no"} & set(found)


def test_a_language_without_stop_words_has_no_phrases() -> None:
    """Rather none than its commonest words; an unknown language leaves out all stop words."""
    assert key_phrases("kargo gecikmesi yine", "tr") == ()
    assert key_phrases("die app is down", "und") == ("app",)


def test_an_article_is_told_by_its_title_and_what_it_repeats() -> None:
    """Of more phrases than are kept, those of the title and the most repeated ones stay."""
    body = " ".join(f"unrelated{chr(97 + i % 26)}{chr(97 + i // 26)} matter." for i in range(100))
    text = f"Sorting hub closes\n{body} strike vote. {body} strike vote. strike vote."
    found = key_phrases(text, "en")
    assert len(found) == LIMIT
    assert {"sorting hub", "strike vote"} <= set(found)


def test_spellings_keep_how_it_was_written() -> None:
    """A phrase can be shown with its plural and its accents."""
    assert spellings("Late Deliveries again", "en")["late delivery"] == "late deliveries"
    assert spellings("La actualización", "es")["actualizacion"] == "actualización"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("deliveries", "delivery"),
        ("crashes", "crash"),
        ("updates", "update"),
        ("boxes", "box"),
        ("movies", "movie"),
        ("news", "news"),
        ("business", "business"),
        ("status", "status"),
        ("crisis", "crisis"),
        ("bus", "bus"),
    ],
)
def test_singular(word: str, expected: str) -> None:
    """English plurals lose their ending; words that only look like plurals keep it."""
    assert singular(word) == expected


@given(st.text(max_size=400), st.sampled_from([*LANGUAGES, "und", "tr"]), st.integers(0, 20))
def test_any_text_gives_few_folded_phrases(text: str, language: str, limit: int) -> None:
    """Bounded, distinct, the same each time, of one to three words, and each has a spelling."""
    found = key_phrases(text, language, limit)
    assert len(found) == len(set(found)) <= limit
    assert found == key_phrases(text, language, limit)
    written = spellings(text, language)
    for phrase in found:
        assert 1 <= len(phrase.split(" ")) <= 3
        assert phrase == phrase.casefold()
        assert phrase in written


@pytest.mark.parametrize("unit", ["a", "ab ", "parcel ", "é-", "#", "x\n", "京都", "a.b@c "])
def test_a_hostile_megabyte_takes_no_time(unit: str) -> None:
    """A megabyte of anything is read in a blink."""
    text = unit * (1_000_000 // len(unit))
    begin = time.process_time()
    assert len(key_phrases(text, "en")) <= LIMIT
    assert time.process_time() - begin < 1.0
