import numpy as np
import pytest

from core.errors import ModelError
from nlp.model_folder import ModelConfig, pack_words
from nlp.name_features import FEATURES_VERSION, Lexicon, describe
from nlp.name_tagger import (
    FORMAT,
    MODEL,
    TAGS,
    NameTagger,
    best_path,
    forbidden_moves,
    spans_of,
)

LEXICON = Lexicon({"emma": ("u4", "F"), "in": ("c50=1",)})


def test_a_feature_says_the_same_in_use_as_in_training() -> None:
    """Descriptions do not depend on what was described before, and differ by neighbours."""
    first = describe(["in", "Emma"], ["O", "B-PERSON"], Lexicon({"emma": ("u4", "F")}))
    again = describe(["in", "Emma"], ["O", "B-PERSON"], Lexicon({"emma": ("u4", "F")}))
    other = describe(["by", "Emma"], ["O", "B-PERSON"], Lexicon({"emma": ("u4", "F")}))

    assert first == again
    assert first[1] != other[1]
    assert all(0 <= key < 2**32 for token in first for key in token)


def test_odd_tokens_are_described() -> None:
    """Emoji, addresses, handles, endless words and lone surrogates have features too."""
    words = ["😀", "http://a.example", "@acme", "@", "x" * 10_000, "\ud800", "٣", "#a"]

    found = describe(words, ["O"] * len(words), LEXICON)

    assert len(found) == len(words)
    assert max(map(len, found)) < 100


def test_no_tag_goes_on_in_another_kind() -> None:
    """The best path never puts I- behind another kind, nor at the beginning."""
    chance = np.random.default_rng(1)
    for _ in range(50):
        scores = chance.normal(size=(8, len(TAGS))).astype(np.float32)
        tags = [TAGS[place] for place in best_path(scores, forbidden_moves())]
        before = "O"
        for tag in tags:
            assert tag[0] != "I" or before[2:] == tag[2:]
            before = tag


def test_the_best_path_is_the_best_of_all() -> None:
    """Viterbi finds what trying every path finds."""
    from itertools import product

    chance = np.random.default_rng(2)
    scores = chance.normal(size=(3, len(TAGS))).astype(np.float32)
    moves = forbidden_moves() + chance.normal(size=(len(TAGS) + 1, len(TAGS))).astype(np.float32)

    def total(path: tuple[int, ...]) -> float:
        steps = zip((len(TAGS), *path), path, strict=False)
        return float(sum(moves[a, b] for a, b in steps) + sum(scores[range(3), path]))

    best = max(product(range(len(TAGS)), repeat=3), key=total)
    assert tuple(best_path(scores, moves)) == best


def test_spans_are_read_from_tags() -> None:
    """Neighbouring names are two where the second begins, and a stray I- begins one."""
    tags = ["B-ORG", "I-ORG", "B-ORG", "O", "I-LOC"]

    assert spans_of(tags) == [(0, 2, "ORG"), (2, 3, "ORG"), (4, 5, "LOC")]


def _arrays() -> dict[str, np.ndarray]:
    key = describe(["Emma"], ["O"], LEXICON)[0][1]
    weights = np.zeros((2, len(TAGS)), dtype=np.int8)
    weights[1, TAGS.index("B-PERSON")] = 10
    return {
        "rows": np.array([describe(["Emma"], ["O"], LEXICON)[0][0], key], dtype=np.uint32),
        "weights": weights,
        "scale": np.array(0.5, dtype=np.float32),
        "moves": np.zeros((len(TAGS) + 1, len(TAGS)), dtype=np.float32),
        "words": pack_words(["emma"]),
        "marks": pack_words(["u4 F"]),
        "word_marks": np.array([0], dtype=np.uint16),
    }


CONFIG = ModelConfig(
    format=FORMAT,
    name="names",
    version="1",
    features_version=FEATURES_VERSION,
    labels=TAGS,
    command="",
)


def test_weights_decide() -> None:
    """A word whose weight says so is a name; an empty text has no tags."""
    tagger = NameTagger.of_arrays(CONFIG, _arrays())

    assert tagger.tag(["Emma"], ["O"]) == ["B-PERSON"]
    assert tagger.tag(["Anna"], ["O"]) == ["O"]
    assert tagger.tag([], []) == []


@pytest.mark.parametrize("name", ["weights", "moves"])
def test_arrays_of_another_shape_are_refused(name: str) -> None:
    """A tagger for other tags is not used."""
    arrays = _arrays()
    arrays[name] = arrays[name][:, :3]
    with pytest.raises(ModelError, match="arrays or labels of another tagger"):
        NameTagger.of_arrays(CONFIG, arrays)


def test_the_bundled_tagger_is_small_and_whole() -> None:
    """It loads, and takes less than 2 MB."""
    assert NameTagger.load().name.startswith("names-en@")
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 2_000_000
