"""Make the model folder for other languages, and decide which of them it may be asked in.

A language ships where the model's macro F1 on its validation tweets lies at least ``MARGIN`` above
that of TF-IDF and logistic regression over its own training tweets, measured in the same run. The
others get no sentiment rather than a guess.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from tokenizers import Tokenizer

from core.errors import BadInputError
from nlp.encoder import EncoderModel
from nlp.evaluation import measure
from nlp.training.build import Package, write_config
from nlp.training.corpus import Example, data_folder, read_task
from nlp.training.export import TOKENIZER_FILE, labels_of, quantise, write_onnx
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
PIECES: Final = 12_000
"""Word pieces trained: nearly all that the tweets hold, at a twentieth of the table."""
SHIPPED_PIECES: Final = 4_200
"""Pieces that ship beside single signs: all models together stay below 40 MB."""
LEAST_CONFIDENCE: Final = 0.45


def train_and_build(encoder: Path, folder: Path) -> dict[str, Any]:
    """Train the encoder and write its model folder; returns the measures of its card."""
    with tempfile.TemporaryDirectory() as work:
        weights = train_languages(encoder, Path(work), layers=LAYERS, pieces=PIECES)
        return build_languages(Path(work), weights, folder)


def build_languages(trained: Path, weights: Path, folder: Path) -> dict[str, Any]:
    """Make the model folder of trained weights; returns the measures of its card by language.

    The choice is made with all word pieces; what ships keeps those of its own languages, and is
    measured again. Raises BadInputError, and writes no folder, when no language is good enough.
    """
    network = Network(trained, ["sentiment"])
    network.load_state_dict(torch.load(weights, weights_only=True))
    texts = {code: _read(code, "validation") for code in LANGUAGES}
    floors = {code: own_tfidf(_read(code, "train"), texts[code]) for code in LANGUAGES}
    whole = trained / "whole"
    _write(whole, trained, network, LANGUAGES)
    scores = measured(EncoderModel.load(whole), texts, floors)
    shipped = [
        c for c in LANGUAGES if scores[c]["macro_f1"] >= scores[c]["tfidf_macro_f1"] + MARGIN
    ]
    log.info("ships: %s", shipped)
    if not shipped:
        raise BadInputError(f"no language is {MARGIN} better than TF-IDF: none can ship")
    keep_pieces(network, trained, [e for code in shipped for e in _read(code, "train")])
    head = _write(folder, trained, network, shipped)
    model = EncoderModel.load(folder)
    logits = model.logits([e.raw for code in shipped for e in texts[code]])["sentiment"]
    truth = np.concatenate([labels_of(texts[code]) for code in shipped])
    head |= {
        "temperature": best_temperature(logits.astype(np.float64), truth),
        "minimum_confidence": LEAST_CONFIDENCE,
    }
    final = measured(model, {code: texts[code] for code in shipped}, floors)
    write_config(folder, _package(), shipped, {"sentiment": head}, None, {**scores, **final})
    return {**scores, **final}


def measured(
    model: EncoderModel, texts: dict[str, list[Example]], floors: dict[str, npt.NDArray[np.int64]]
) -> dict[str, Any]:
    """Return the model's measures and TF-IDF's macro F1, by language."""
    scores = {}
    for code, found in texts.items():
        truth = labels_of(found)
        said = model.logits([example.raw for example in found])["sentiment"].argmax(axis=1)
        floor = measure(truth, floors[code])["macro_f1"]
        scores[code] = {**measure(truth, said), "tfidf_macro_f1": floor}
        log.info("%s: %.3f, TF-IDF %.3f", code, scores[code]["macro_f1"], floor)
    return scores


def keep_pieces(network: Network, trained: Path, examples: list[Example]) -> None:
    """Cut the network and its tokenizer down to the pieces of ``examples``, and single signs."""
    path = trained / TOKENIZER_FILE
    stored = json.loads(path.read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(path))
    counts = Counter(
        number
        for example in examples
        for number in tokenizer.encode(example.text, add_special_tokens=False).ids
    )
    signs = {sign for example in examples for sign in example.text}
    pieces = stored["model"]["vocab"]
    single = {n for n, (piece, _) in enumerate(pieces) if piece.lstrip("\u2581") in signs}
    used = [number for number, _ in counts.most_common(SHIPPED_PIECES)]
    kept = sorted({0, 1, 2, 3, *single, *used})
    stored["model"]["vocab"] = [pieces[number] for number in kept]
    path.write_text(json.dumps(stored, ensure_ascii=False), encoding="utf-8")
    words = network.encoder.embeddings.word_embeddings
    smaller = torch.nn.Embedding(len(kept), words.embedding_dim)
    smaller.weight.data = words.weight.data[kept].clone()
    network.encoder.embeddings.word_embeddings = smaller
    log.info("%d word pieces ship", len(kept))


def _package() -> Package:
    files = [f"sentiment/multilingual/{code}_train.tsv" for code in (*LANGUAGES, "en")]
    return Package(NAME, VERSION, LICENCE, "groundswell train languages", tuple(files))


def _write(
    folder: Path, trained: Path, network: Network, languages: Sequence[str]
) -> dict[str, Any]:
    """Write network, tokenizer and configuration; returns the head, to be calibrated."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TOKENIZER_FILE).write_bytes((trained / TOKENIZER_FILE).read_bytes())
    single = write_onnx(network, folder, ("sentiment",))
    quantise(single, folder)
    single.unlink()
    head: dict[str, Any] = {"labels": ["negative", "neutral", "positive"]}
    write_config(folder, _package(), languages, {"sentiment": head}, None, {})
    return head


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
