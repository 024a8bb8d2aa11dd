from pathlib import Path

import pytest

from nlp.entities import SpacyEntities, readable
from nlp.names import SocialEntities


@pytest.fixture(scope="module")
def finder() -> SocialEntities:
    """The bundled models; they are loaded once a process."""
    return SocialEntities()


def test_names_are_found_in_careless_writing(finder: SocialEntities) -> None:
    """Small letters and shouting hide no well-known name."""
    found = finder.find(["omg trump is on tv again lol", "JUST SAW JUSTIN BIEBER IN LONDON"])

    assert "trump" in {words for words, _ in found[0]}
    assert {"JUSTIN BIEBER", "LONDON"} <= {words for words, _ in found[1]}


@pytest.mark.parametrize(
    "text", ["", " ", "LOL", "😂😂😂", "\u200b\u202e", "Yesss omggg", "12:30", "#monday"]
)
def test_what_names_nothing_gives_nothing(finder: SocialEntities, text: str) -> None:
    """Interjections, emoji, invisible characters and hashtags are no names."""
    assert finder.find([text]) == [()]


def test_edited_texts_keep_spacys_names(finder: SocialEntities) -> None:
    """In a long, carefully written text names that the tagger does not know are kept."""
    text = (
        "Angela Merkel met the board of Siemens in Munich on Tuesday. " * 3
        + "The talks about the new plant went on for hours, and both sides spoke of progress. " * 4
    )

    found = {words for words, _ in finder.find([text])[0]}

    assert {"Angela Merkel", "Siemens", "Munich"} <= found


def test_both_models_are_named(finder: SocialEntities) -> None:
    """What is stored says which model and which tagger found a name."""
    assert finder.name.startswith("en_core_web_sm@3.8.0+names-en@")


def test_a_text_does_not_depend_on_its_neighbours(finder: SocialEntities) -> None:
    """Alone and in a batch a text has the same names."""
    texts = ["Emma flew to Lisbon with TAP", "saw the new Toyota in Leeds", "nothing here"]

    assert finder.find(texts) == [finder.find([text])[0] for text in texts]


@pytest.mark.public_data
@pytest.mark.slow
def test_social_text_is_read_better_than_by_spacy_alone(public_data: Path) -> None:
    """On WNUT-17's development texts, never trained on, names are found clearly better."""
    from nlp.name_tagger import NameTagger
    from nlp.training.entities import measure, read_labelled

    texts = read_labelled(public_data / "entities" / "wnut17_dev.conll")

    ours, spacy = measure(NameTagger.load(), texts), measure(None, texts)

    assert ours["span_f1"] > spacy["span_f1"] + 0.04
    assert ours["f1"] > spacy["f1"] + 0.12


def test_spacy_alone_reads_the_same_texts() -> None:
    """The finder without the tagger is there to compare with."""
    assert SpacyEntities().find([readable("Tim Cook spoke in London")])[0]
