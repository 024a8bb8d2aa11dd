from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import ngrams

TEXTS = st.lists(st.text(max_size=60), min_size=1, max_size=6)


def _grams(texts: list[str]) -> list[list[set[int]]]:
    """Return for words and for characters the set of hashes of each text."""
    return [
        [set(grams.keys[grams.rows == row].tolist()) for row in range(len(texts))]
        for grams in ngrams.extract(texts)
    ]


@given(TEXTS)
def test_a_text_has_the_same_grams_in_any_batch(texts: list[str]) -> None:
    """A span's hash does not depend on where in the batch it stands."""
    together = _grams(texts)

    alone = [_grams([text]) for text in texts]

    for kind in (0, 1):
        assert together[kind] == [each[kind][0] for each in alone]


def test_distinct_spans_have_distinct_hashes() -> None:
    """Words and characters of different content do not meet in 64 bits."""
    texts = ["".join(pair) for pair in permutations("abcdefghijklmnopqrstuvwxyz", 2)]

    words, _ = ngrams.extract(texts)

    assert len(set(words.keys.tolist())) == len(texts)


def test_words_are_counted_as_singles_and_pairs() -> None:
    """Three words give three single words and two pairs."""
    words, _ = ngrams.extract(["one two three"])

    assert len(words.keys) == 5


def test_characters_stay_within_a_token() -> None:
    """No n-gram of characters joins two tokens, whatever stands between them."""
    joined = _grams(["ab cd"])[1][0]
    apart = _grams(["ab"])[1][0] | _grams(["cd"])[1][0]

    assert joined == apart


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("see https://a.example/x", "see www.b.example"),
        ("thanks @acme", "thanks @other"),
        ("sooooo good", "soooooooo good"),
        ("over 1,000 sold", "over 27 sold"),
        ("it\u2019s fine", "it's fine"),
        ("it\\u2019s fine", "it's fine"),
        ("fish &amp; chips", "fish & chips"),
        ('"quoted whole"', "quoted whole"),
    ],
)
def test_what_says_nothing_about_tone_is_made_equal(one: str, other: str) -> None:
    """Addresses, handles, amounts, lengths of elongations and export artefacts do not count."""
    assert _grams([one]) == _grams([other])


@pytest.mark.parametrize(
    ("one", "other"),
    [("so good", "sooo good"), ("great", "GREAT"), ("good", "not good"), ("ok :)", "ok :(")],
)
def test_what_says_something_about_tone_is_kept(one: str, other: str) -> None:
    """Elongation, capitals, negation and emoticons change the n-grams."""
    assert _grams([one]) != _grams([other])


def test_a_negation_reaches_to_the_next_mark() -> None:
    """Tokens after a negation count as negated until punctuation, at most four."""
    tokens, negated = ngrams.tokenise("not one two three four five")
    assert [token for token, is_negated in zip(tokens, negated, strict=True) if is_negated] == [
        "one",
        "two",
        "three",
        "four",
    ]

    tokens, negated = ngrams.tokenise("don't one, two")
    assert [token for token, is_negated in zip(tokens, negated, strict=True) if is_negated] == [
        "one"
    ]


def test_a_hashtag_counts_as_its_word_too() -> None:
    """#fail holds the word fail."""
    assert _grams(["#fail"])[0][0] > _grams(["fail"])[0][0]


def test_buckets_are_distinct_and_ordered() -> None:
    """A repeated n-gram takes one bucket; pairs come ordered by text."""
    words, _ = ngrams.extract(["go go go", "", "go"])

    rows, buckets = words.bucketed(10)

    assert rows.tolist() == [0, 0, 2]
    assert len(set(zip(rows.tolist(), buckets.tolist(), strict=True))) == len(rows)
    assert buckets.max() < 1 << 10


def test_chunks_keep_every_text_in_order() -> None:
    """Large batches are cut by characters, and no text is lost or moved."""
    texts = [str(index) * 3_000 for index in range(200)]

    chunks = list(ngrams.chunks(texts))

    assert [text for chunk in chunks for text in chunk] == texts
    assert len(chunks) > 1
    assert list(ngrams.chunks([])) == []


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b", "\ud800", "\x00", "#", "@"])
def test_odd_texts_are_taken(text: str) -> None:
    """Texts with nothing or nothing printable in them give few n-grams, never an error."""
    for grams in ngrams.extract([text, "good"]):
        assert np.all(grams.rows <= 1)
        assert 1 in grams.rows
