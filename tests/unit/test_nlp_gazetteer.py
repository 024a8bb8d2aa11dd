import pytest
from pydantic import ValidationError

from core.mention import Entity
from core.settings import Topic, TopicKind
from nlp.gazetteer import Gazetteer, bare_name, ways_of

ACME = Topic(
    name="Acme",
    query=(
        '("acme corp" OR @acmehelp OR #acme OR (acme NEAR/8 (browser OR tab))) '
        'AND NOT "acme comics"'
    ),
    aliases=("A.C.M.E.", "Roadrunner Supplies"),
)
GLOBEX = Topic(name="Globex", kind=TopicKind.COMPETITOR, query='case:"Globex"')
SUMMER = Topic(name="Summer of Acme", kind=TopicKind.CAMPAIGN, query="#summerofacme")
INDUSTRY = Topic(name="Browsers", kind=TopicKind.INDUSTRY, query="browser OR browsers")
GAZETTEER = Gazetteer((ACME, GLOBEX, SUMMER, INDUSTRY))


def names_in(
    text: str, *entities: Entity, title: str = "", topics: tuple[str, ...] = ()
) -> list[str]:
    """Return the names that a mention is left with."""
    return [found.text for found in GAZETTEER.settle(entities, title, text, topics)]


def entity(text: str, words: str, label: str = "ORG") -> Entity:
    """Return what a model would find."""
    start = text.index(words)
    return Entity(text=words, label=label, start=start, end=start + len(words))


def test_a_query_says_how_a_topic_is_written() -> None:
    """Phrases, handles and hashtags that hold the name count; context and exclusions do not."""
    assert ways_of(ACME) == {
        ("acme",),
        ("acme", "corp"),
        ("@acmehelp",),
        ("#acme",),
        ("a", "c", "m", "e"),
        ("roadrunner", "supplies"),
        ("@acme",),
    }


@pytest.mark.parametrize(
    "text",
    [
        "The Acme van came late",
        "ACME is down again",
        "Acme's van came late",
        "thanks @acmehelp for the call",
        "what a day #acme",
        "I work at Acme Corp now",
        "Roadrunner Supplies again",
    ],
)
def test_every_way_to_write_a_topic_is_one_name(text: str) -> None:
    """Case, possessive, article, handle, hashtag and alias lead to the topic's own name."""
    assert names_in(text) == ["Acme"]


def test_small_letters_name_a_topic_only_where_it_matched() -> None:
    """A word that may be an ordinary one names the brand in a mention of it alone."""
    assert names_in("my acme is broken") == []
    assert names_in("my acme is broken", topics=("Acme",)) == ["Acme"]


def test_names_that_models_found_are_brought_under_the_topic() -> None:
    """A model's name of the same place, or with a legal form, is no second, and says the kind."""
    text = "I met Acme Inc. and Jane Roe of Globex Ltd"

    found = GAZETTEER.settle(
        [
            entity(text, "Acme Inc.", "PRODUCT"),
            entity(text, "Jane Roe", "PERSON"),
            entity(text, "Globex Ltd"),
        ],
        "",
        text,
        (),
    )

    assert [(e.text, e.label) for e in found] == [
        ("Acme", "ORG"),
        ("Jane Roe", "PERSON"),
        ("Globex", "ORG"),
    ]
    assert text[found[0].start : found[0].end] == "Acme"


def test_a_longer_name_that_holds_a_topic_stays_its_own() -> None:
    """A stadium named after a brand is not the brand."""
    text = "at the Acme Stadium in Leeds"

    assert names_in(text, entity(text, "Acme Stadium", "FAC"), entity(text, "Leeds", "GPE")) == [
        "Acme",
        "Acme Stadium",
        "Leeds",
    ]


def test_other_names_are_told_once() -> None:
    """Case, article and possessive make no second name; the first place is kept."""
    text = "The Guardian said, THE GUARDIAN wrote, the Guardian’s view"

    assert names_in(
        text,
        entity(text, "The Guardian"),
        entity(text, "THE GUARDIAN"),
        entity(text, "the Guardian’s"),
    ) == ["Guardian"]


def test_a_kind_comes_from_the_topic_or_the_model() -> None:
    """A campaign is an event, an industry no name."""
    found = GAZETTEER.settle((), "", "#summerofacme beats all browsers. Browsers!", ())

    assert [(e.text, e.label) for e in found] == [("Summer of Acme", "EVENT")]


def test_a_name_of_the_title_alone_counts_the_titles_characters() -> None:
    """What the text does not name is placed in the title."""
    [found] = GAZETTEER.settle((), "News of Globex", "They grow", ())

    assert (found.text, found.start, found.in_title) == ("Globex", 8, True)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("The Sun", "Sun"),
        ("the", "the"),
        ("Acme's", "Acme"),
        ("James’", "James"),
        ("La Mer", "Mer"),
    ],
)
def test_articles_and_possessives_go(name: str, bare: str) -> None:
    """What stands around a name is no part of it."""
    assert bare_name(name) == bare


def test_without_topics_models_names_pass() -> None:
    """An empty gazetteer changes nothing but articles and copies."""
    text = "Leeds and Leeds"

    assert Gazetteer().settle([entity(text, "Leeds", "GPE")], "", text, ()) == (
        entity(text, "Leeds", "GPE"),
    )


def test_an_empty_alias_is_refused() -> None:
    """An alias has to be a name."""
    with pytest.raises(ValidationError, match="must not be empty"):
        Topic(name="Acme", query="acme", aliases=(" ",))


def test_endless_texts_are_cut() -> None:
    """A megabyte costs no more than its beginning."""
    assert names_in("on and on " * 100_000 + "Globex") == []
