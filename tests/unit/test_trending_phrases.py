"""Phrases among what bursts: told once, without the topic's own words, as people write them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.answers import Tone
from app.bootstrap import Application
from app.causes import find_causes
from app.queries import Queries
from app.repeating import is_name, is_own_word, is_told, own_words, without_parts
from app.scope import Scope
from core.mention import Mention
from core.query.parser import parse
from tests.fakes import scenario
from tests.fakes.homes import fill_home, open_scenario
from tests.fakes.memory_index import MemoryIndex

ACME = Scope(topics=("Acme",))
PHRASES = ("late delivery", "late", "delivery", "acme delivery", "acme")


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The scenario's month."""
    application = open_scenario(fill_home(tmp_path_factory.mktemp("phrases")))
    yield application
    application.close()


def _spoken(mention: Mention) -> Mention:
    """Return the mention with phrases where it had the crisis's hashtag, and without that."""
    found = mention.enrichment
    if found is None:
        return mention
    phrases = PHRASES if found.hashtags else ("acme",)
    mute = {"hashtags": (), "story_id": None, "phrases": phrases}
    text = "Late deliveries from Acme" if found.hashtags else mention.text
    changed = {"links": (), "text": text, "enrichment": found.model_copy(update=mute)}
    return mention.model_copy(update=changed)


@pytest.fixture
def queries(application: Application) -> Queries:
    """Questions about a crisis that has no hashtag, link or story, only words."""
    other = replace(application)
    other.__dict__["state"] = application.state
    other.__dict__["index"] = MemoryIndex([_spoken(m) for m in scenario.mentions()])
    return Queries(other)


def test_a_phrase_is_told_once_as_people_write_it(queries: Queries) -> None:
    """Its words and the phrases with the topic's name are not listed beside it."""
    rows = [row for row in queries.trends(ACME) if row.kind == "phrase"]
    assert [(row.term, row.label) for row in rows] == [("late delivery", "late deliveries")]
    assert queries.count(rows[0].scope) == rows[0].observed > 0
    assert 'phrase:"late delivery"' in rows[0].scope.query


def test_the_sentence_tells_the_phrase(queries: Queries) -> None:
    """The burst is named by what it is about, and opens the mentions behind its numbers."""
    sentence = queries.overview(ACME).sentence
    burst, negative = [part for part in sentence if part.tone is Tone.ALARM]
    assert burst.text.startswith("Late deliveries: ")
    for part in (burst, negative):
        assert part.scope is not None
        assert queries.search(part.scope).total == part.count


def test_a_phrase_is_a_cause(queries: Queries) -> None:
    """What grew is named by the phrase, not by a word of it."""
    top = queries.trends(ACME)[0]
    selection = replace(queries.selection(ACME), window=None)
    causes = find_causes(queries.index, selection, top.window)
    assert ("phrase", "late delivery") in [(cause.field, cause.value) for cause in causes]
    assert not {"late", "delivery"} & {cause.value for cause in causes}


def test_parts_of_a_phrase_are_left_out_unless_they_stand_alone() -> None:
    """A word that is mostly said otherwise stays beside the phrase."""
    assert without_parts({"app": 20, "late": 9, "late delivery": 8, "app update": 8}) == [
        "app",
        "app update",
        "late delivery",
    ]


def test_names_asked_for_are_told_already() -> None:
    """A phrase with the topic's word says nothing new, in singular and plural."""
    names = frozenset({("acme",), ("fast", "charger")})
    assert is_told("acme refund", names)
    assert is_told("fast chargers", names)
    assert not is_told("charger", names)


def test_a_topics_own_words_are_its_names_its_query_and_what_was_searched(
    application: Application,
) -> None:
    """Aliases, hashtags and words that a query asks for are own words, what it excludes is none."""
    configuration = application.configuration
    acme = configuration.topics[0].model_copy(
        update={
            "aliases": ("Acme Kettles",),
            "query": '#AcmeDay OR hashtag:boilit OR acmee~ OR "acme shop" NOT roadrunner',
        }
    )
    changed = configuration.model_copy(update={"topics": (acme,)})
    own = own_words(changed, ["Acme"], parse("refund NEAR/3 late"), scenario.NOW)
    assert own == {
        ("acme",),
        ("acme", "kettle"),
        ("acmeday",),
        ("boilit",),
        ("acmee",),
        ("acme", "shop"),
        ("refund",),
        ("late",),
    }
    assert is_name("acmekettles", own)
    assert is_name("#AcmeDay", own)
    assert not is_name("acmeboycott", own)
    assert is_own_word("shops", own)
    assert not is_own_word("delivery", own)


def test_a_topics_own_words_are_no_cause(queries: Queries) -> None:
    """What grew with the topic because it was asked for explains nothing; the rest stays."""
    window = queries.trends(ACME)[0].window
    selection = replace(queries.selection(ACME), window=None)
    own = own_words(queries.configuration, ["Acme"], parse("delivery"), queries.now())
    whole = {cause.value for cause in find_causes(queries.index, selection, window)}
    told = {cause.value for cause in find_causes(queries.index, selection, window, own)}
    assert "late delivery" in whole
    assert "late delivery" not in told
    assert "late" in told
    assert not {"delivery", "deliveries"} & told


def test_the_topics_own_hashtag_is_no_news(application: Application) -> None:
    """A hashtag that the query asks for bursts with the topic, and says nothing about why."""

    def tagged(mention: Mention) -> Mention:
        found = mention.enrichment
        if found is None or not found.hashtags:
            return mention
        own = found.model_copy(update={"hashtags": (*found.hashtags, "acme")})
        return mention.model_copy(update={"enrichment": own})

    other = replace(application)
    other.__dict__["state"] = application.state
    other.__dict__["index"] = MemoryIndex([tagged(m) for m in scenario.mentions()])
    told = {row.term for row in Queries(other).trends(ACME) if row.kind == "hashtag"}
    assert "latedelivery" in told
    assert "acme" not in told
