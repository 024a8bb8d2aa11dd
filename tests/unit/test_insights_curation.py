from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.curation import Item, rank_worth_sharing

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


def item(name: str, **given_: object) -> Item:
    """An item that is like any other but for what is given."""
    values: dict[str, object] = {
        "tokens": frozenset({name}),
        "published_at": NOW - timedelta(hours=6),
        "source": "news",
        "relevance": 0.8,
        "engagement": 10,
        "source_quality": 0.7,
    }
    return Item(id=name, **(values | given_))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "better",
    [
        {"relevance": 1.0},
        {"published_at": NOW - timedelta(hours=1)},
        {"engagement": 400},
        {"source_quality": 0.9},
    ],
)
def test_each_factor_moves_an_item_up(better: dict[str, object]) -> None:
    """More relevant, fresher, with more traction or of a better source: ranked first."""
    ranked = rank_worth_sharing([item("a"), item("b", **better), item("c")], NOW)
    assert ranked[0].item.id == "b"


@given(st.floats(0, 1), st.integers(0, 200), st.none() | st.integers(0, 50))
def test_the_score_is_the_product_of_what_is_shown(
    relevance: float, hours: int, engagement: int | None
) -> None:
    """The factors shown multiply to the score, each in 0..1."""
    one = item(
        "a",
        relevance=relevance,
        published_at=NOW - timedelta(hours=hours),
        engagement=engagement,
    )
    for picked in rank_worth_sharing([one, item("b")], NOW):
        factors = (picked.relevance, picked.freshness, picked.traction, picked.quality)
        assert all(0 <= factor <= 1 for factor in factors)
        product = factors[0] * factors[1] * factors[2] * factors[3]
        assert picked.score == pytest.approx(product)


def test_traction_is_relative_to_the_source() -> None:
    """Ten reactions are much for a small blog and little for a large portal."""
    norms = {"blog": [0, 1, 2, 1, 3, 0, 2], "portal": [500, 900, 400, 700, 300, 800, 600]}
    ranked = rank_worth_sharing(
        [item("a", source="portal"), item("b", source="blog")], NOW, source_engagement=norms
    )
    assert [picked.item.id for picked in ranked] == ["b", "a"]
    assert ranked[0].traction > 0.75
    assert ranked[1].traction < 0.25


def test_what_is_unknown_counts_half() -> None:
    """Unknown engagement and unknown quality are neither good nor bad."""
    picked = rank_worth_sharing([item("a", engagement=None, source_quality=None)], NOW)[0]
    assert (picked.traction, picked.quality) == (0.5, 0.5)


def test_the_negative_and_the_unsafe_are_left_out() -> None:
    """What could harm the brand is never proposed."""
    items = [item("a", sentiment="negative"), item("b", is_safe=False), item("c")]
    assert [picked.item.id for picked in rank_worth_sharing(items, NOW)] == ["c"]


def test_the_same_story_is_proposed_once() -> None:
    """Near copies of a picked item are left out, related ones come later."""
    words = frozenset(f"w{i}" for i in range(10))
    items = [
        item("a", tokens=words, relevance=1.0),
        item("copy", tokens=words | {"x"}, relevance=0.99),
        item("near", tokens=frozenset({"w1", "w2", "w3", "w4", "w5", "y", "z"}), relevance=0.95),
        item("other", relevance=0.9),
    ]
    ranked = rank_worth_sharing(items, NOW)
    assert [picked.item.id for picked in ranked] == ["a", "other", "near"]
    assert [picked.similarity > 0 for picked in ranked] == [False, False, True]
    by_score = rank_worth_sharing(items, NOW, diversity=0.0)
    assert [picked.item.id for picked in by_score] == ["a", "near", "other"]


def test_items_without_tokens_resemble_nothing() -> None:
    """Two empty texts are not the same story."""
    items = [item("a", tokens=frozenset()), item("b", tokens=frozenset())]
    assert len(rank_worth_sharing(items, NOW)) == 2


def test_an_item_of_tomorrow_is_as_fresh_as_now() -> None:
    """A clock that runs ahead earns nothing."""
    ahead = rank_worth_sharing([item("a", published_at=NOW + timedelta(days=1))], NOW)
    assert ahead[0].freshness == 1.0


def test_number_and_emptiness() -> None:
    """At most as many as asked for; none from none; zero relevance ranks without dividing by 0."""
    assert rank_worth_sharing([], NOW) == []
    assert len(rank_worth_sharing([item(str(i)) for i in range(30)], NOW, 5)) == 5
    assert rank_worth_sharing([item("a", relevance=0.0)], NOW)[0].score == 0


def test_wrong_values_are_refused() -> None:
    """Factors out of range and naive times are errors that name the item."""
    with pytest.raises(ValueError, match="relevance and source_quality of a"):
        item("a", relevance=1.5)
    with pytest.raises(ValueError, match="published_at of a"):
        item("a", published_at=datetime(2026, 3, 3))  # noqa: DTZ001 - naive on purpose
    with pytest.raises(ValueError, match="diversity"):
        rank_worth_sharing([], NOW, diversity=2.0)
    with pytest.raises(ValueError, match="half_life"):
        rank_worth_sharing([], NOW, half_life=timedelta(0))
