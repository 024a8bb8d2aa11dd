from core.fields import FIELDS
from core.mention import (
    Author,
    Emotion,
    Engagement,
    Entity,
    Intent,
    Mention,
    Sentiment,
    TopicTag,
)
from core.merge import join_all
from index.documents import CASED_SUFFIX, GROUP_FIELDS, TEXT_FIELDS
from index.elasticsearch_mapping import index_mapping, source_of
from index.tantivy_schema import build_document
from tests.contract.mentions import corrected, enriched, mention


def full() -> Mention:
    """Return a mention with a value in every field."""
    one = mention(
        "a",
        "Text #tag @acme",
        title="Title",
        language="en",
        url="https://a.example.com/",
        links=("https://b.example.com/",),
        parent_id="p",
        root_id="r",
        author=Author(service="web", id="1", handle="ana", name="Ana", followers=3),
        topics=(TopicTag(name="Acme"),),
        known_at=None,
        engagement=Engagement(reactions=1, comments=2, shares=3, views=4, observed_us=1),
    )
    said = enriched(
        one,
        sentiment=Sentiment.POSITIVE,
        emotion=Emotion.JOY,
        is_offensive=False,
        intent=Intent.PRAISE,
        themes=("sport",),
        discovered_theme="d1",
        phrases=("late delivery",),
        hashtags=("tag",),
        handles=("acme",),
        story_id="s",
        topic_sentiment=("Acme|positive",),
        entities=(Entity(text="Acme", label="ORG", start=0, end=4),),
    )
    overlay = corrected("a", irrelevant=False).overlay
    tagged = Mention(id="a", overlay=overlay.model_copy(update={"tags_added": (("vip", 1),)}))
    state = join_all([one, said, tagged])["a"]
    return state.model_copy(update={"known_at": one.published_at})


def test_the_mapping_is_strict_and_holds_every_query_field() -> None:
    """A new query field cannot be forgotten, and a misspelt one is refused."""
    mapping = index_mapping()
    assert mapping["dynamic"] == "strict"
    assert set(FIELDS) < set(mapping["properties"])
    assert {*TEXT_FIELDS, *(name + CASED_SUFFIX for name in TEXT_FIELDS)} < set(
        mapping["properties"]
    )


def test_a_full_mention_fills_the_mapping_exactly() -> None:
    """What a mention with everything sends is what the mapping declares, no more, no less."""
    assert set(source_of(full())) == set(index_mapping()["properties"])


def test_both_engines_index_the_same_fields() -> None:
    """What Elasticsearch gets of a mention, the embedded index gets too."""
    embedded = set(build_document(full()).to_dict())
    assert set(source_of(full())) <= embedded


def test_states_that_no_question_sees_send_their_json_alone() -> None:
    """Nothing of a ghost or an erased mention can be searched."""
    assert set(source_of(corrected("a", irrelevant=True))) == {"state"}
    assert set(source_of(Mention(id="a", erased=True))) == {"state"}


def test_what_counts_are_grouped_by_can_be_listed() -> None:
    """Fields without doc values cannot be aggregated; those asked for have them."""
    properties = index_mapping()["properties"]
    assert all(properties[name] == {"type": "keyword"} for name in GROUP_FIELDS.values())
