"""A small tagger that corrects spaCy's names on social text (``nlp/models/names-en``).

A linear chain over hashed features: one row of weights a feature, summed for each token, and the
best sequence of tags by Viterbi. Trained by ``nlp.training.entities``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import ModelError
from nlp.model_folder import ModelConfig, read_model, unpack_words
from nlp.name_features import FEATURES_VERSION, Lexicon, describe

FORMAT: Final = "groundswell-names"
MODEL: Final = Path(__file__).parent / "models" / "names-en"
ARRAYS: Final = ("rows", "weights", "scale", "moves", "words", "marks", "word_marks")

KINDS: Final = ("PERSON", "LOC", "ORG", "PRODUCT", "WORK_OF_ART")
"""What the tagger tells apart. Teams, bands and companies are all ORG, places all LOC."""

TAGS: Final = ("O", *(f"{place}-{kind}" for kind in KINDS for place in "BI"))
IMPOSSIBLE: Final = -1e6

F32 = npt.NDArray[np.float32]
Span = tuple[int, int, str]


class NameTagger:
    """Tags the tokens of a text; built of arrays alone."""

    def __init__(
        self, index: dict[int, int], weights: F32, moves: F32, lexicon: Lexicon, name: str
    ) -> None:
        """Make a tagger.

        ``index`` maps a feature to its row of ``weights``, (rows, tags); ``moves`` scores each tag
        after each other, (tags + 1, tags), the last row standing for the beginning.
        """
        self._index = index
        self._weights = weights
        self._moves = moves + forbidden_moves()
        self._lexicon = lexicon
        self.name = name

    @classmethod
    def load(cls, folder: Path = MODEL) -> NameTagger:
        """Read a model folder; raises ModelError when a file is missing, damaged or unfit."""
        config, arrays = read_model(folder, FORMAT, FEATURES_VERSION, ARRAYS)
        return cls.of_arrays(config, arrays)

    @classmethod
    def of_arrays(cls, config: ModelConfig, arrays: dict[str, npt.NDArray[Any]]) -> NameTagger:
        """Make a tagger of its stored arrays; raises ModelError where they do not fit."""
        rows, weights = arrays["rows"], arrays["weights"]
        is_fit = (
            config.labels == TAGS
            and weights.shape == (len(rows), len(TAGS))
            and arrays["moves"].shape == (len(TAGS) + 1, len(TAGS))
        )
        if not is_fit:
            raise ModelError(f"{config.full_name}: arrays or labels of another tagger")
        index = {int(key): row for row, key in enumerate(rows)}
        return cls(
            index,
            weights.astype(np.float32) * np.float32(arrays["scale"]),
            arrays["moves"].astype(np.float32),
            read_lexicon(arrays),
            config.full_name,
        )

    def tag(self, words: Sequence[str], tags: Sequence[str]) -> list[str]:
        """Return the tag of each of ``words`` (none empty), to whom spaCy gave ``tags``."""
        if not words:
            return []
        known = self._index
        rows: list[int] = []
        starts: list[int] = []
        for features in describe(words, tags, self._lexicon):
            starts.append(len(rows))
            # Every token has its bias, so no group of rows is empty.
            rows += [known[feature] for feature in features if feature in known]
        scores = np.add.reduceat(self._weights[rows], starts, axis=0)
        return [TAGS[place] for place in best_path(scores, self._moves)]


def best_path(scores: F32, moves: F32) -> list[int]:
    """Return the tags with the highest sum of ``scores``, (tokens, tags), and ``moves``."""
    best = scores[0] + moves[-1]
    into = moves[:-1].T
    back = []
    for row in scores[1:]:
        arrivals = into + best
        came = arrivals.argmax(axis=1)
        back.append(came)
        best = arrivals.max(axis=1) + row
    path = [int(best.argmax())]
    for came in reversed(back):
        path.append(int(came[path[-1]]))
    return path[::-1]


@cache
def forbidden_moves() -> F32:
    """Return 0 where a tag may follow another, else IMPOSSIBLE: I- follows its own kind alone."""
    moves = np.zeros((len(TAGS) + 1, len(TAGS)), dtype=np.float32)
    for before in range(len(TAGS) + 1):
        kind = TAGS[before][2:] if before < len(TAGS) else ""
        for after, tag in enumerate(TAGS):
            if tag[0] == "I" and tag[2:] != kind:
                moves[before, after] = IMPOSSIBLE
    return moves


def spans_of(tags: Sequence[str]) -> list[Span]:
    """Return first token, token behind the last, and kind of each name in ``tags``."""
    spans: list[Span] = []
    for place, tag in enumerate(tags):
        if tag[0] == "B" or (tag[0] == "I" and (not spans or spans[-1][1] != place)):
            spans.append((place, place + 1, tag[2:]))
        elif tag[0] == "I":
            spans[-1] = (spans[-1][0], place + 1, spans[-1][2])
    return spans


def read_lexicon(arrays: dict[str, npt.NDArray[Any]]) -> Lexicon:
    """Return the lexicon: sets of marks, and for each word the number of its set."""
    marks = [tuple(entry.split(" ")) for entry in unpack_words(arrays["marks"])]
    words = unpack_words(arrays["words"])
    sets = arrays["word_marks"].tolist()
    return Lexicon({word: marks[number] for word, number in zip(words, sets, strict=True)})
