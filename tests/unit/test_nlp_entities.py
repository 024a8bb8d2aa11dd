import pytest

from core.errors import ModelError
from core.mention import Entity
from nlp import entities
from nlp.entities import SpacyEntities, locate, readable


@pytest.fixture(scope="module")
def finder() -> SpacyEntities:
    """Return the real model; it is loaded once a process."""
    return SpacyEntities()


def test_names_of_each_text_are_found(finder: SpacyEntities) -> None:
    """People, organisations and places are named, dates and amounts are not."""
    found = finder.find(
        [
            "Tim Cook said on Tuesday that Apple will open 5 stores in London.",
            "nothing to see here",
            "Angela Merkel met Angela Merkel in Berlin.",
        ]
    )

    assert ("Tim Cook", "PERSON") in found[0]
    assert ("London", "GPE") in found[0]
    assert not {"Tuesday", "5"} & {words for words, _ in found[0]}
    assert found[1] == ()
    assert found[2] == (("Angela Merkel", "PERSON"), ("Berlin", "GPE"))


def test_hashtags_and_plain_words_are_no_names(finder: SpacyEntities) -> None:
    """What stands behind # is a hashtag alone, and small letters name nobody."""
    texts = [
        "Got my first dose today #PfizerBioNTech #Moderna thanks to Canada",
        "Booster from #Pfizer and some vaccine in London",
    ]

    found = [words for names in finder.find(texts) for words, _ in names]

    assert {"Canada", "London"} <= set(found)
    assert not [words for words in found if "Pfizer" in words or "Moderna" in words]
    assert not [words for words in found if words.islower()]


def test_abbreviations_keep_their_dot(finder: SpacyEntities) -> None:
    """U.S. is not U.S, and a sentence's end is no part of a name."""
    [names] = finder.find(["The U.S. government sued Apple's lawyers in Berlin."])

    found = {words for words, _ in names}
    assert "U.S." in found
    assert "Berlin" in found


def test_an_empty_batch_and_empty_texts_are_taken(finder: SpacyEntities) -> None:
    """No text gives nothing, an empty text no names."""
    assert finder.find([]) == []
    assert finder.find(["", " ", "\u200b"]) == [(), (), ()]


def test_long_texts_are_cut(finder: SpacyEntities) -> None:
    """A megabyte of text costs no more than its beginning."""
    found = finder.find(["The meeting went on and on. " * 40_000 + "London"])

    assert ("London", "GPE") not in found[0]


def test_the_model_is_named(finder: SpacyEntities) -> None:
    """The name stored beside results carries the version."""
    assert finder.name == "en_core_web_sm@3.8.0"


def test_copies_read_the_same() -> None:
    """Links, handles, spacing and RT do not make a text worth reading twice."""
    assert (
        readable("RT @wire: Acme  opens in Denver\nhttps://a.example/1")
        == readable("Acme opens in Denver @denver https://b.example")
        == "Acme opens in Denver"
    )


def test_names_are_placed_in_the_text_as_it_is() -> None:
    """Offsets count the mention's own text, line breaks in a name included."""
    text = "RT @wire: Acme\nCorp (Denver)"

    placed = locate([("Acme Corp", "ORG"), ("Denver", "GPE"), ("Paris", "GPE")], "", text)

    assert placed == (
        Entity(text="Acme Corp", label="ORG", start=10, end=19),
        Entity(text="Denver", label="GPE", start=21, end=27),
    )


def test_names_of_the_title_alone_are_marked() -> None:
    """A name that only the title holds counts the title's characters."""
    placed = locate([("Acme", "ORG"), ("Denver", "GPE")], "Acme in Denver", "They open in Denver")

    assert placed == (
        Entity(text="Acme", label="ORG", start=0, end=4, in_title=True),
        Entity(text="Denver", label="GPE", start=13, end=19),
    )


def test_a_missing_model_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install, or how to do without."""
    monkeypatch.setattr(entities, "PACKAGE", "no_such_spacy_model")

    with pytest.raises(ModelError, match=r"models\.entities to false"):
        entities.load_pipeline.__wrapped__()
