"""Discovered themes: grouped as they come, the same each time, across restarts, in bounds."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from core.mention import Enrichment, Mention, TopicTag
from nlp.phrases import key_phrases
from nlp.themes.discovery import ThemeDiscoverer, theme_id
from nlp.vectors import load_vectors

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
LATE = (
    "My parcel from Acme is three days late",
    "Acme parcel late again, where is my delivery",
    "Late delivery by Acme, the parcel still has not come",
    "Still waiting for my Acme parcel, delivery is late",
)
BATTERY = (
    "The battery of the Acme phone dies by noon",
    "Acme phone battery drains overnight",
    "Battery life on this Acme phone is terrible, it dies so fast",
    "Why does my Acme phone battery drain so quickly",
)
RECIPES = (
    "A recipe for chocolate cake with cream",
    "Bake this chocolate cake, the recipe is easy",
)


def _mention(name: str, text: str, *, minutes: int = 0, language: str = "en") -> Mention:
    models = ("lid@1", load_vectors().name) if language == "en" else ("lid@1",)
    bare = Mention(
        id=name,
        text=text,
        published_at=NOW + timedelta(minutes=minutes),
        topics=(TopicTag(name="Acme"),),
    ).with_version(1)
    made = Enrichment(
        content_version=bare.version,
        enriched_us=1,
        models=models,
        language=language,
        phrases=key_phrases(text, language),
    )
    return bare.model_copy(update={"enrichment": made})


def _mentions(*groups: tuple[str, ...]) -> list[Mention]:
    """Return the texts of the groups, one of each after the other."""
    texts = [text for row in zip(*groups, strict=True) for text in row]
    return [_mention(f"m{place}", text, minutes=place) for place, text in enumerate(texts)]


def _with_themes(mentions: list[Mention], themes: list[str | None]) -> list[Mention]:
    return [
        mention.model_copy(
            update={"enrichment": mention.enrichment.model_copy(update={"discovered_theme": theme})}
        )
        for mention, theme in zip(mentions, themes, strict=True)
        if mention.enrichment is not None
    ]


@pytest.fixture
def discoverer() -> ThemeDiscoverer:
    """A discoverer that knows nothing yet."""
    return ThemeDiscoverer(load_vectors())


def test_mentions_that_mean_alike_share_an_id(discoverer: ThemeDiscoverer) -> None:
    """Two subjects told in turns become two themes, each named after its first mention."""
    mentions = _mentions(LATE, BATTERY)

    found = discoverer.assign(mentions)

    late, battery = Counter(found[::2]), Counter(found[1::2])
    assert late.most_common(1)[0] == (theme_id("m0"), len(LATE))
    assert battery.most_common(1)[0] == (theme_id("m1"), len(BATTERY))


def test_the_same_order_gives_the_same_themes(discoverer: ThemeDiscoverer) -> None:
    """Also when the mentions come in other batches."""
    mentions = _mentions(LATE, BATTERY)
    other = ThemeDiscoverer(load_vectors())

    one_by_one = [theme for mention in mentions for theme in other.assign([mention])]

    assert one_by_one == discoverer.assign(mentions)


def test_themes_go_on_after_a_restart(discoverer: ThemeDiscoverer) -> None:
    """What the index holds is enough to go on with the same ids, in whatever order it comes."""
    mentions = _mentions(LATE, BATTERY)
    stored = _with_themes(mentions, discoverer.assign(mentions))
    restarted = ThemeDiscoverer(load_vectors())

    restarted.remember(reversed(stored))
    found = restarted.assign(
        [
            _mention("n1", "Where is my late Acme parcel? The delivery is late"),
            _mention("n2", "My Acme phone battery drains and dies so fast"),
        ]
    )

    assert found == [theme_id("m0"), theme_id("m1")]


def test_a_mention_given_again_keeps_its_theme(discoverer: ThemeDiscoverer) -> None:
    """Doing anything twice changes nothing, also where the theme is forgotten by now."""
    mentions = _mentions(LATE, BATTERY)
    themes = discoverer.assign(mentions)
    stored = {one.id: one for one in _with_themes(mentions, themes)}
    restarted = ThemeDiscoverer(load_vectors())

    assert discoverer.assign(mentions, stored) == themes
    assert restarted.assign(mentions, stored) == themes
    assert restarted.held_themes == 0


def test_a_changed_text_is_looked_at_anew(discoverer: ThemeDiscoverer) -> None:
    """An edit that says something else moves the mention to another theme."""
    first, second = _mention("a", LATE[0]), _mention("b", BATTERY[0])
    themes = discoverer.assign([first, second])
    stored = {one.id: one for one in _with_themes([first, second], themes)}

    edited = _mention("b", LATE[1])
    assert discoverer.assign([edited], stored) == [themes[0]]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Die Lieferung von Acme kommt wieder zu spät", "de"),
        ("", "en"),
        ("😀😀😀", "en"),
        ("https://example.org/x", "en"),
        ("lol", "en"),
    ],
)
def test_texts_that_say_too_little_or_cannot_be_read_have_none(
    discoverer: ThemeDiscoverer, text: str, language: str
) -> None:
    """Another language, no words, an address or a single word lead to no theme."""
    assert discoverer.assign([_mention("a", text, language=language)]) == [None]


def test_a_mention_without_enrichment_has_none(discoverer: ThemeDiscoverer) -> None:
    """Nothing is said of what was not analysed."""
    assert discoverer.assign([Mention(id="a", text=LATE[0])]) == [None]


def test_memory_is_bounded() -> None:
    """Of more themes than fit, those that several mentions share stay."""
    small = ThemeDiscoverer(load_vectors(), capacity=6)
    small.assign([_mention(f"l{i}", text) for i, text in enumerate(LATE)])
    subjects = (
        *("whale", "violin", "tractor", "senate", "volcano", "pasta", "helmet", "garden"),
        *("mortgage", "keyboard", "sheep", "opera", "canoe", "dentist", "glacier", "rocket"),
    )
    for place, subject in enumerate(subjects):
        text = f"{subject} museum: the history of the {subject} in pictures of a {subject}"
        small.assign([_mention(f"s{place}", text, minutes=place)])
        assert small.held_themes <= 6

    found = small.assign([_mention("late", LATE[1], minutes=100)])
    assert found == [theme_id("l0")]


def test_what_is_over_is_forgotten_first() -> None:
    """A theme that nobody spoke of for the memory's length begins anew."""
    short = ThemeDiscoverer(load_vectors(), capacity=2, memory=timedelta(days=1))
    short.assign([_mention(f"l{i}", text) for i, text in enumerate(LATE)])
    later = 60 * 24 * 3
    short.assign([_mention("b", BATTERY[0], minutes=later)])
    short.assign([_mention("r", RECIPES[0], minutes=later)])

    assert short.assign([_mention("n", LATE[1], minutes=later)]) == [theme_id("n")]


def test_themes_that_grow_alike_become_one() -> None:
    """The older id goes on; the younger one gets no more mentions."""
    from nlp.themes.discovery import MERGE

    discoverer = ThemeDiscoverer(load_vectors())
    mentions = [_mention(f"x{i}", text, minutes=i) for i, text in enumerate(LATE)]
    older = _with_themes(mentions[:2], ["dold", "dold"])
    younger = _with_themes(mentions[2:], ["dyoung", "dyoung"])
    extra = [
        one.model_copy(update={"id": f"{one.id}-{n}"})
        for one in (*older, *younger)
        for n in range(3)
    ]
    discoverer.remember([*older, *younger, *extra])
    # Enough of them that either theme is looked at again.
    found = discoverer.assign([_mention(f"y{i}", LATE[i % 4], minutes=50 + i) for i in range(40)])

    assert MERGE < 1
    assert found[-1] == "dold"
    assert discoverer.held_themes == 1


def test_a_theme_that_grows_too_wide_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A theme that holds everything is closed, and narrower ones begin."""
    monkeypatch.setattr("nlp.themes.discovery.JOIN", -1.0)
    monkeypatch.setattr("nlp.themes.discovery.WIDE_FROM", 6)
    monkeypatch.setattr("nlp.themes.discovery.WIDE", 0.9)
    discoverer = ThemeDiscoverer(load_vectors())
    texts = [*LATE, *BATTERY, *RECIPES, "War in the east goes on, soldiers died near the border"]

    found = discoverer.assign([_mention(f"m{i}", text) for i, text in enumerate(texts * 2)])

    assert found[0] == theme_id("m0")
    assert len(set(found)) > 1


def test_a_capacity_of_nothing_is_refused() -> None:
    """A discoverer must hold two themes at least."""
    with pytest.raises(ValueError, match="capacity: 1 is too small"):
        ThemeDiscoverer(load_vectors(), capacity=1)
