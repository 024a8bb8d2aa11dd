"""Make the model folder for other languages, and decide which of them it may be asked in.

A language ships where the model's macro F1 on its validation tweets lies at least ``MARGIN`` above
that of TF-IDF and logistic regression over its own training tweets, measured in the same run. The
others get no sentiment rather than a guess.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from nlp.encoder import EncoderModel
from nlp.evaluation import measure
from nlp.training.build import Package, write_config
from nlp.training.corpus import Example, data_folder, read_task
from nlp.training.export import labels_of, quantise, write_onnx
from nlp.training.multilingual import LANGUAGES, train_languages
from nlp.training.network import Network
from nlp.training.sentiment import best_temperature

log = logging.getLogger(__name__)

NAME: Final = "encoder-multi"
VERSION: Final = "1.0"
LICENCE: Final = (
    "Apache-2.0; fine-tuned from multilingual-e5-small (MIT) on tweets of UMSAB and SemEval-2017, "
    "none of which ship"
)
MARGIN: Final = 0.05
LAYERS: Final = 6
PIECES: Final = 16_000
"""Word pieces kept: nearly all that the training tweets hold, at a sixteenth of the table."""
LEAST_CONFIDENCE: Final = 0.45


def train_and_build(encoder: Path, folder: Path) -> dict[str, Any]:
    """Train the encoder and write its model folder; returns the measures of its card."""
    with tempfile.TemporaryDirectory() as work:
        weights = train_languages(encoder, Path(work), layers=LAYERS, pieces=PIECES)
        return build_languages(Path(work), weights, folder)


def build_languages(trained: Path, weights: Path, folder: Path) -> dict[str, Any]:
    """Make the model folder of trained weights; returns the measures of its card by language."""
    folder.mkdir(parents=True, exist_ok=True)
    network = Network(trained, ["sentiment"])
    network.load_state_dict(torch.load(weights, weights_only=True))
    (folder / "tokenizer.json").write_bytes((trained / "tokenizer.json").read_bytes())
    single = write_onnx(network, folder, ("sentiment",))
    quantise(single, folder)
    single.unlink()
    files = [f"sentiment/multilingual/{code}_train.tsv" for code in (*LANGUAGES, "en")]
    package = Package(NAME, VERSION, LICENCE, "groundswell train languages", tuple(files))
    head: dict[str, Any] = {"labels": ["negative", "neutral", "positive"]}
    write_config(folder, package, LANGUAGES, {"sentiment": head}, None, {})
    model = EncoderModel.load(folder)
    texts = {code: _read(code, "validation") for code in LANGUAGES}
    logits = {
        code: model.logits([e.raw for e in found])["sentiment"] for code, found in texts.items()
    }
    labels = {code: labels_of(found) for code, found in texts.items()}
    every, truth = np.concatenate([*logits.values()]), np.concatenate([*labels.values()])
    head |= {
        "temperature": best_temperature(every.astype(np.float64), truth),
        "minimum_confidence": LEAST_CONFIDENCE,
    }
    scores = {}
    for code in LANGUAGES:
        measured = measure(labels[code], logits[code].argmax(axis=1))
        floor = measure(labels[code], own_tfidf(_read(code, "train"), texts[code]))
        scores[code] = {**measured, "tfidf_macro_f1": floor["macro_f1"]}
        log.info("%s: %.3f, TF-IDF %.3f", code, measured["macro_f1"], floor["macro_f1"])
    shipped = [
        c for c in LANGUAGES if scores[c]["macro_f1"] >= scores[c]["tfidf_macro_f1"] + MARGIN
    ]
    write_config(folder, package, shipped or LANGUAGES, {"sentiment": head}, None, scores)
    return {**scores, "languages": shipped}


def own_tfidf(train: list[Example], validation: list[Example]) -> npt.NDArray[np.int64]:
    """Return what TF-IDF (words 1-2, characters 2-5) and logistic regression say."""
    model = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(ngram_range=(2, 5), analyzer="char_wb", sublinear_tf=True),
        ),
        LogisticRegression(C=3, max_iter=500),
    )
    model.fit([example.raw for example in train], labels_of(train))
    found: npt.NDArray[np.int64] = model.predict([example.raw for example in validation])
    return found


def _read(code: str, part: str) -> list[Example]:
    path = data_folder() / "sentiment" / "multilingual" / f"{code}_{part}.tsv"
    return read_task(path, "sentiment")
