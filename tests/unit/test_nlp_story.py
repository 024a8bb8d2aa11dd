import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.story import normalise_story, story_id

STORY = "Acme opens its largest store in Denver on Thursday"


@pytest.mark.parametrize(
    "copy",
    [
        STORY.upper(),
        f"  {STORY}!!!  ",
        f"{STORY} https://news.example/a?b=1",
        f"RT @wire: {STORY}",
        f"RT @a.bsky.social: RT @b: {STORY}",
        f"{STORY} @acme @denver@social.example",
        STORY.replace(" ", "\u00a0\n"),
        f"“{STORY}”",
        STORY.replace("A", "\uff21"),
    ],
)
def test_copies_share_a_story(copy: str) -> None:
    """Case, punctuation, spacing, links, handles and RT do not make another story."""
    assert story_id(copy) == story_id(STORY)


@pytest.mark.parametrize(
    "other",
    [
        STORY.replace("largest", "smallest"),
        f"{STORY} 😀",
        STORY.replace("Denver", "Dénver"),
        f"{STORY} 2",
    ],
)
def test_other_words_make_another_story(other: str) -> None:
    """A changed word, number or emoji is another text."""
    assert story_id(other) != story_id(STORY)


def test_texts_without_words_are_told_apart() -> None:
    """Bare links are stories of their own; a text of nothing has none."""
    assert story_id("https://a.example/1") != story_id("https://a.example/2")
    assert story_id("😀") != story_id("😡")
    assert story_id("❤️") == story_id("❤")
    assert story_id("") is None
    assert story_id(" \n") is None


@given(st.text(max_size=120))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """The normal form of a story is its own normal form."""
    once = normalise_story(text)

    assert normalise_story(once) == once


@given(st.text(alphabet=st.characters(), max_size=80))
def test_any_text_has_an_id_or_none(text: str) -> None:
    """Lone surrogates and control characters are taken too."""
    found = story_id(text)

    assert found is None or len(found) == 24
