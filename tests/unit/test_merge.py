"""The join of states of one mention: envelopes may be permuted, doubled and split."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.envelope import Envelope
from core.mention import (
    CONTENT_FIELDS,
    Correction,
    Engagement,
    Enrichment,
    Mention,
    Overlay,
    Sentiment,
    Status,
    TopicTag,
)
from core.merge import join, join_all, retagged
from core.window import EPOCH
from tests.strategies import NOW, fragments


@given(fragments(), fragments())
def test_join_is_commutative(left: Mention, right: Mention) -> None:
    """It does not matter who comes first."""
    assert join(left, right) == join(right, left)


@given(fragments(), fragments(), fragments())
def test_join_is_associative(one: Mention, two: Mention, three: Mention) -> None:
    """It does not matter who is joined with whom first."""
    assert join(join(one, two), three) == join(one, join(two, three))


@given(fragments(), fragments())
def test_join_is_idempotent(one: Mention, two: Mention) -> None:
    """What was seen before changes nothing."""
    assert join(one, one) == join(one, join(one, one))
    assert join(join(one, two), two) == join(one, two)


@given(st.lists(fragments(), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_end_in_one_state(
    states: list[Mention], rng: random.Random
) -> None:
    """Permuted, doubled and in two heaps: all stores end equal."""
    expected = join_all(states)["m"]
    shuffled = states * 2
    rng.shuffle(shuffled)
    assert join_all(shuffled)["m"] == expected
    cut = rng.randrange(len(shuffled) + 1)
    heaps = [join_all(heap).get("m") for heap in (shuffled[:cut], shuffled[cut:])]
    assert join_all([heap for heap in heaps if heap is not None])["m"] == expected


@given(fragments())
def test_a_state_may_arrive_in_parts(state: Mention) -> None:
    """Content, correction and engagement in envelopes of their own make the same whole."""
    parts = [
        Envelope.of(state.model_copy(update={"overlay": Overlay(), "engagement": Engagement()})),
        Envelope.correcting("m", state.overlay),
        Envelope.updating("m", state.engagement),
    ]
    assert join_all(part.fragment() for part in parts)["m"] == join(state, Mention(id="m"))


def test_refuses_two_ids() -> None:
    """States of different mentions are never joined."""
    with pytest.raises(ValueError, match="cannot join a with b"):
        join(Mention(id="a"), Mention(id="b"))


def test_joins_each_id_on_its_own() -> None:
    """Many states of many mentions come out one an id, in the order they were first seen."""
    joined = join_all(
        [Mention(id="b", sources=("x",)), Mention(id="a"), Mention(id="b", sources=("y",))]
    )
    assert list(joined) == ["b", "a"]
    assert joined["b"].sources == ("x", "y")


def test_newer_content_is_taken_whole() -> None:
    """The higher version brings all its content fields, also those it leaves empty."""
    old = Mention(id="m", version=(0, 1, "z"), text="old", title="gone", sources=("a",))
    new = Mention(id="m", version=(0, 2, "a"), text="new", sources=("b",))
    joined = join(old, new)
    assert {name: getattr(joined, name) for name in CONTENT_FIELDS} == {
        name: getattr(new, name) for name in CONTENT_FIELDS
    }
    assert joined.sources == ("a", "b")
    edited = old.model_copy(update={"version": (1, 0, "")})
    assert join(edited, new).text == "old"


def test_first_times_are_kept() -> None:
    """The earliest times of collection and of being visible stay; no content means no time."""
    later = Mention(id="m", version=(0, 2, ""), collected_at=NOW, known_at=NOW)
    first = NOW.replace(hour=1)
    earlier = Mention(id="m", version=(0, 1, ""), collected_at=first, known_at=first)
    bare = Mention(id="m")
    assert join(later, earlier).collected_at == first
    assert join(later, earlier).known_at == first
    assert join(bare, later).collected_at == NOW
    assert join(bare, Mention(id="m", sources=("x",))).collected_at == EPOCH


def test_each_correction_is_a_register_of_its_own() -> None:
    """The newest word of a person wins field by field, and stands above later enrichment."""
    one = Overlay(
        sentiment=Correction(value=Sentiment.POSITIVE, by="ann", at_us=2),
        status=Correction(value=Status.DONE, by="ann", at_us=1),
        tags_added=(("vip", 1),),
    )
    two = Overlay(
        sentiment=Correction(value=Sentiment.NEGATIVE, by="ben", at_us=1),
        status=Correction(value=Status.OPEN, by="ben", at_us=2),
        tags_removed=(("vip", 2),),
    )
    enrichment = Enrichment(content_version=(0, 9, ""), enriched_us=9, sentiment=Sentiment.NEUTRAL)
    joined = join(Mention(id="m", overlay=one), Mention(id="m", overlay=two, enrichment=enrichment))
    assert joined.sentiment is Sentiment.POSITIVE
    assert joined.status is Status.OPEN
    assert joined.overlay.tags == ()


def test_enrichment_of_the_newer_content_wins() -> None:
    """A verdict on old content never replaces one on new content, however late it was made."""
    old = Enrichment(content_version=(0, 1, ""), enriched_us=9, language="de")
    new = Enrichment(content_version=(0, 2, ""), enriched_us=1, language="en")
    again = Enrichment(content_version=(0, 2, ""), enriched_us=2, language="fr")
    states = [Mention(id="m", enrichment=part) for part in (old, new, again)]
    assert join(states[0], states[1]).enrichment == new
    assert join_all(states)["m"].enrichment == again


def test_a_brief_enrichment_takes_nothing_away_from_a_full_one() -> None:
    """Of one content what was found in full stays, whenever it was found; newer content wins."""
    full = Enrichment(content_version=(0, 1, ""), enriched_us=1, language="en")
    brief = Enrichment(content_version=(0, 1, ""), enriched_us=9, is_brief=True)
    edited = Enrichment(content_version=(0, 2, ""), enriched_us=1, is_brief=True)
    states = [Mention(id="m", enrichment=part) for part in (full, brief, edited)]
    assert join(states[0], states[1]).enrichment == full
    assert join(states[1], states[0]).enrichment == full
    assert join_all(states)["m"].enrichment == edited


def test_known_engagement_outranks_nothing_known() -> None:
    """Numbers win over no numbers and later numbers over earlier ones, also lower ones."""
    unknown = Mention(id="m")
    undated = Mention(id="m", engagement=Engagement(shares=3))
    dated = Mention(id="m", engagement=Engagement(shares=2, observed_us=1))
    assert join(unknown, undated).engagement.shares == 3
    assert join(undated, dated).engagement.shares == 2


def test_the_newer_query_version_decides_a_topic() -> None:
    """A newer version of a topic's query can take a mention out of the topic again."""
    one = Mention(id="m", topics=(TopicTag(name="t", query_version=1), TopicTag(name="u")))
    two = Mention(id="m", topics=(TopicTag(name="t", query_version=2, matched=False),))
    assert join(one, two).matched_topics == ("u",)


def test_erased_absorbs_everything() -> None:
    """Nothing that arrives later brings an erased mention back, and nothing of it is left."""
    erased = Envelope.erasing("m").fragment()
    full = Mention(id="m", version=(9, 9, ""), text="secret", sources=("x",))
    assert join(full, erased) == Mention(id="m", erased=True)
    assert join_all([full.model_copy(update={"erased": True})])["m"] == Mention(id="m", erased=True)


def test_a_tag_stands_above_the_one_before_it() -> None:
    """Whether the topic's query version was raised or not."""
    held = TopicTag(name="Acme", query_version=3)
    assert retagged(None, "Acme", 2, matched=True) == TopicTag(name="Acme", query_version=2)
    assert retagged(held, "Acme", 2, matched=False).query_version == 4
    assert retagged(held, "Acme", 7, matched=False).query_version == 7
    off = TopicTag(name="Acme", query_version=4, matched=False)
    assert retagged(off, "Acme", 2, matched=True) == TopicTag(name="Acme", query_version=4)
    for before, after in ((held, False), (off, True)):
        made = Mention(id="m", topics=(before,))
        turned = retagged(before, "Acme", 1, matched=after)
        assert join(made, Mention(id="m", topics=(turned,))).topics == (turned,)
