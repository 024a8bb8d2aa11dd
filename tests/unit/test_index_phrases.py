import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.query.ast import Near, Phrase
from core.query.evaluate import matches
from index.tantivy_query import near_phrases, regex_of, sloppy_phrases
from tests.contract.mentions import mention

words = st.sampled_from("abc")
streams = st.lists(words, max_size=8)
sequences = st.lists(words, min_size=1, max_size=2).map(tuple)


def stands_in(stream: list[str], phrase: tuple[tuple[int, str], ...]) -> bool:
    """Return whether words stand at the phrase's distances somewhere in the stream."""
    return any(
        all(at + start < len(stream) and stream[at + start] == word for at, word in phrase)
        for start in range(len(stream))
    )


@given(st.lists(words, min_size=2, max_size=4), st.integers(0, 4), streams)
def test_a_sloppy_phrase_is_the_sum_of_its_arrangements(
    tokens: list[str], slop: int, stream: list[str]
) -> None:
    """Some arrangement stands in a text exactly where the evaluator finds the phrase."""
    found = any(stands_in(stream, phrase) for phrase in sloppy_phrases(tokens, slop))
    assert found == matches(Phrase(tuple(tokens), slop), mention("m", " ".join(stream)))


@given(sequences, sequences, st.integers(0, 4), streams)
def test_near_is_the_sum_of_its_distances(
    left: tuple[str, ...], right: tuple[str, ...], distance: int, stream: list[str]
) -> None:
    """Some order and distance stands in a text exactly where the evaluator finds both near."""
    found = any(stands_in(stream, phrase) for phrase in near_phrases(left, right, distance))
    assert found == matches(Near((left,), (right,), distance), mention("m", " ".join(stream)))


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        ("a.b", "a.b", "axb"),
        ("a?b", "a\nb", "ab"),
        ("**a", "xxa", "ax"),
        ("[a]+", "[a]+", "aa"),
        ("x\\d", "x\\d", "x1"),
    ],
)
def test_only_two_signs_of_a_pattern_are_special(pattern: str, fitting: str, other: str) -> None:
    """Whatever means something in a regular expression stands for itself."""
    assert re.fullmatch(regex_of(pattern), fitting)
    assert not re.fullmatch(regex_of(pattern), other)
