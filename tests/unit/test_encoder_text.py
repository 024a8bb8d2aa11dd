"""What the encoder reads of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.encoder_text import TEXT_CHARACTERS, write_for_encoder


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("See https://acme.example/a?b=1 or www.acme.example", "See http or http"),
        ("@acme_help hi @bob", "@user hi @user"),
        ("mail me@acme.example", "mail me@acme.example"),
        ("#BlackFriday2016 #sotired #snake_case", "# Black Friday 2016 # sotired # snake case"),
        ("I loooove it!!!!!!", "I loove it!!!"),
        ("great 😂😂😂😂🔥", "great face with tears of joy fire"),
        ("🎉🔥🎁🎂", "party popper fire wrapped present"),
        ("thanks 👍🏽 👨‍👩‍👧", "thanks thumbs up sign man woman girl"),
        ("🇺🇸 wins", "flag wins"),
        ("don\\u2019t &amp; can’t", "don't & can't"),
        ('"quoted as a whole"', "quoted as a whole"),
        ("日本語 テスト", "日本語 テスト"),
        ("a\u200bb\u202ec\x00", "abc"),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_writes_what_the_vocabulary_knows(text: str, written: str) -> None:
    """Addresses, handles, hashtags, emoji and emphasis come in the one form that was trained on."""
    assert write_for_encoder(text) == written


def test_a_long_text_is_cut() -> None:
    """The work on a text is bounded, however long it is."""
    assert len(write_for_encoder("word " * 50_000)) <= TEXT_CHARACTERS


@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_text_can_be_encoded(text: str) -> None:
    """No lone surrogate, no line break and no double space is left, whatever came in."""
    written = write_for_encoder(text)
    written.encode("utf-8")
    assert " ".join(written.split()) == written
