"""Train the bundled second opinion on the language of short texts, and on romanised Hindi.

    GROUNDSWELL_PUBLIC_DATA=... python -m nlp.training.language

Multinomial logistic regression over n-grams within words. It learns from tweets, from random cuts
of one to four words out of them, and from one to three random words of lists of inflected forms
(spacy-lookups-data): short texts of every kind. Many posts that the data call romanised Hindi are
plain English: a first model drops those that it finds another language more probable for.
"""

from __future__ import annotations

import gzip
import json
import logging
import platform
import random
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from nlp.language import words_of
from nlp.model_folder import ModelConfig, describe_data, write_model
from nlp.training.command import run
from nlp.word_scorer import BITS, FEATURES_VERSION, FORMAT, MODEL, WordScorer, word_buckets

log = logging.getLogger(__name__)

VERSION: Final = "1.0"
LANGUAGES: Final = ("de", "en", "es", "fr", "hi", "it", "pt")
LISTED: Final = ("de", "en", "es", "fr", "it", "pt")
CUTS: Final = 2
"""Random cuts of each tweet."""
LISTED_TEXTS: Final = 8_000
ENGLISH_TWEETS: Final = 8_000
STRENGTH: Final = 10.0
_LARGEST: Final = 127

Text = tuple[list[str], str]


def tweets_of(data: Path, language: str, part: str) -> list[list[str]]:
    """Return the words of each tweet of a language."""
    name = "hi_latn" if language == "hi" else language
    path = data / "sentiment" / "multilingual" / f"{name}_{part}.tsv"
    lines = path.read_text(encoding="utf-8").split("\n")[1:]
    if (language, part) == ("en", "train"):
        other = (data / "sentiment" / "en_train.tsv").read_text(encoding="utf-8").split("\n")
        lines += other[1 : 1 + ENGLISH_TWEETS]
    found = [words_of(line.split("\t")[0]) for line in lines]
    return [words for words in found if words]


def listed_words(language: str) -> list[str]:
    """Return the inflected forms that spacy-lookups-data lists, in lower case."""
    path = files("spacy_lookups_data") / "data" / f"{language}_lemma_lookup.json.gz"
    table: dict[str, str] = json.loads(gzip.decompress(path.read_bytes()))
    words = {word.lower() for word in (*table, *table.values())}
    return sorted(word for word in words if word.isalpha() and len(word) > 1)


def build_texts(tweets: dict[str, list[list[str]]], chance: random.Random) -> list[Text]:
    """Return tweets, cuts of tweets, and words of lists, each with its language."""
    texts: list[Text] = []
    for language, found in tweets.items():
        texts += [(words, language) for words in found]
        for words in found:
            for _ in range(CUTS):
                start = chance.randrange(len(words))
                texts.append((words[start : start + chance.randint(1, 4)], language))
    for language in LISTED:
        listed = listed_words(language)
        for _ in range(LISTED_TEXTS):
            texts.append((chance.sample(listed, chance.randint(1, 3)), language))
    return texts


def matrix_of(texts: Sequence[Sequence[str]]) -> sp.csr_matrix:
    """Return one row a text, as ``WordScorer`` weighs it."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    known: dict[str, list[int]] = {}
    for row, words in enumerate(texts):
        for word in words:
            if word not in known:
                known[word] = word_buckets(word)
            buckets = known[word]
            rows += [row] * len(buckets)
            columns += buckets
            values += [1 / np.sqrt(len(buckets) * len(words))] * len(buckets)
    return sp.csr_matrix(
        (np.array(values, dtype=np.float32), (rows, columns)), (len(texts), 1 << BITS)
    )


def fit(texts: Sequence[Text], strength: float, iterations: int) -> LogisticRegression:
    """Fit texts to their languages."""
    model = LogisticRegression(C=strength, max_iter=iterations, tol=1e-3)
    labels = [language for _, language in texts]
    return model.fit(matrix_of([words for words, _ in texts]), labels)


def without_english(tweets: dict[str, list[list[str]]]) -> list[list[str]]:
    """Return the romanised Hindi that a first model, which saw no cuts, calls no other language."""
    whole = [(words, language) for language, found in tweets.items() for words in found]
    model = fit(whole, 1.0, 30)
    hindi = tweets["hi"]
    found = model.predict(matrix_of(hindi))
    kept = [words for words, language in zip(hindi, found, strict=True) if language == "hi"]
    log.info("kept %d of %d posts of romanised Hindi", len(kept), len(hindi))
    return kept


def measure(scorer: WordScorer, data: Path) -> dict[str, dict[str, float]]:
    """Return, for the validation tweets of each language, how often it and how often Hindi wins."""
    scores = {}
    for language in LANGUAGES:
        tweets = tweets_of(data, language, "validation")
        found = [scorer.languages[int(scorer.probabilities(words).argmax())] for words in tweets]
        scores[language] = {
            "texts": len(tweets),
            "right": round(found.count(language) / len(tweets), 4),
            "hindi": round(found.count("hi") / len(tweets), 4),
        }
    return scores


def train(data: Path, folder: Path) -> ModelConfig:
    """Train on ``data``, write the model to ``folder`` and return its configuration."""
    tweets = {language: tweets_of(data, language, "train") for language in LANGUAGES}
    tweets["hi"] = without_english(tweets)
    texts = build_texts(tweets, random.Random(0))
    log.info("training on %d texts", len(texts))
    model = fit(texts, STRENGTH, 60)
    weights = model.coef_.T
    scale = np.abs(weights).max() / _LARGEST
    arrays: dict[str, npt.NDArray[Any]] = {
        "weights": np.round(weights / scale).astype(np.int8),
        "scale": np.array(scale, dtype=np.float32),
        "bias": model.intercept_.astype(np.float32),
    }
    names = ("hi_latn" if language == "hi" else language for language in LANGUAGES)
    used = [f"sentiment/multilingual/{name}_train.tsv" for name in names]
    config = ModelConfig(
        format=FORMAT,
        name=MODEL.name,
        version=VERSION,
        features_version=FEATURES_VERSION,
        labels=tuple(str(label) for label in model.classes_),
        command="python -m nlp.training.language",
        data_files=describe_data(data, [*used, "sentiment/en_train.tsv"]),
        settings={"strength": STRENGTH, "texts": len(texts), "hindi": len(tweets["hi"])},
        packages={name: version(name) for name in ("numpy", "scikit-learn", "spacy-lookups-data")}
        | {"python": platform.python_version()},
    )
    write_model(folder, config, arrays)
    config = config.model_copy(update={"scores": measure(WordScorer.load(folder), data)})
    return write_model(folder, config, arrays)


if __name__ == "__main__":
    run("language", train, MODEL)
