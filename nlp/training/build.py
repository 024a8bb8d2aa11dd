"""Make the model folder that ships of a trained student, and choose what is chosen after training.

Shifts, temperatures, the weight of the linear model and the thresholds are chosen on the held-out
fold, which neither the encoder nor the linear model of these choices has seen. The validation files
are measured, once, with the files that ship.
"""

from __future__ import annotations

import json
import logging
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoTokenizer

from nlp.cascade import Cascade, cascade_curve
from nlp.encoder import FORMAT, EncoderModel
from nlp.encoder_text import TEXT_VERSION
from nlp.evaluation import measure
from nlp.model_folder import CONFIG_FILE
from nlp.sentiment import DEFAULT_MODEL, MODELS, LinearSentiment
from nlp.training.corpus import TASKS, Example, data_folder, read_task, unlabelled
from nlp.training.export import (
    MODEL_FILE,
    SHIPPED,
    TOKENIZER_FILE,
    digest,
    labels_of,
    quantise,
    shrink,
    used_tokens,
    write_onnx,
)
from nlp.training.network import MAX_TOKENS, Network
from nlp.training.sentiment import best_temperature, build_features, fit, tables
from nlp.training.student import FILES, labelled, train_student

log = logging.getLogger(__name__)

Array = npt.NDArray[Any]

NAME: Final = "encoder-en"
VERSION: Final = "1.0"
LICENCE: Final = (
    "Apache-2.0; fine-tuned from all-MiniLM-L6-v2 (Apache-2.0) on texts of TweetEval, "
    "SemEval-2017, Dong 2014 and NewsMTSC, none of which ship"
)
LEAST_TEXTS: Final = 2
"""Texts that must hold a word piece for it to be kept."""
TAUS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
BLENDS: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
LOSS_ALLOWED: Final = 0.003
"""Macro recall on the held-out fold that the cascade may cost against always asking the encoder."""
LEAST_CONFIDENCE: Final = {"sentiment": 0.45, "emotion": 0.7, "offensive": 0.0, "target": 0.45}
"""Below it a head says nothing. On the held-out fold, sentiment and target then speak of 97 and 98
per cent of the texts; emotion of 80 of those that have one (93 right) and of 37 of any tweets."""


def train_encoder(encoder: Path, folder: Path, *, steps: int = 0) -> dict[str, Any]:
    """Train the English encoder and write its model folder; returns the measures of its card.

    ``encoder`` is the folder of the pretrained one. ``steps`` ends the training early, to try it.
    Raises BadInputError when the public data are missing.
    """
    with tempfile.TemporaryDirectory() as work:
        weights = train_student(encoder, Path(work), steps=steps)
        return build(encoder, weights, folder)


def build(encoder: Path, weights: Path, folder: Path) -> dict[str, Any]:
    """Make the model folder of trained ``weights``; returns the measures of its card."""
    folder.mkdir(parents=True, exist_ok=True)
    kept, held = labelled(data_folder())
    network = Network(encoder, list(TASKS))
    network.load_state_dict(torch.load(weights, weights_only=True))
    texts = [example.text for found in kept.values() for example in found]
    pieces = used_tokens(
        AutoTokenizer.from_pretrained(encoder), [*texts, *unlabelled(data_folder())], LEAST_TEXTS
    )
    log.info("%d word pieces kept", len(pieces))
    shrink(encoder, pieces, network, folder)
    single = write_onnx(network, folder)
    quantise(single, folder)
    single.unlink()
    _write(folder, {name: {"labels": list(TASKS[name])} for name in SHIPPED}, None, {})
    return choose(folder, kept, held)


@dataclass(frozen=True, slots=True)
class Package:
    """What a model folder says of itself; ``files`` are those of the public data it was made of."""

    name: str
    version: str
    licence: str
    command: str
    files: tuple[str, ...]


ENGLISH_PACKAGE: Final = Package(
    NAME,
    VERSION,
    LICENCE,
    "groundswell train encoder",
    tuple(name for found in FILES.values() for name in found),
)


def write_config(
    folder: Path,
    package: Package,
    languages: Sequence[str],
    heads: dict[str, dict[str, Any]],
    front: dict[str, Any] | None,
    scores: dict[str, Any],
) -> None:
    """Write ``config.json`` of a model folder."""
    data = data_folder()
    config = {
        "format": FORMAT,
        "name": package.name,
        "version": package.version,
        "text_version": TEXT_VERSION,
        "languages": list(languages),
        "max_tokens": MAX_TOKENS,
        "heads": heads,
        "front": front,
        "files": {name: digest(folder / name) for name in (MODEL_FILE, TOKENIZER_FILE)},
        "licence": package.licence,
        "command": package.command,
        "data_files": [
            {
                "file": name,
                "rows": len((data / name).read_text(encoding="utf-8").rstrip("\n").split("\n")) - 1,
                "sha256": digest(data / name),
            }
            for name in package.files
        ],
        "packages": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "onnxruntime")},
        },
        "scores": scores,
    }
    text = json.dumps(config, indent=2, ensure_ascii=False)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def _write(
    folder: Path,
    heads: dict[str, dict[str, Any]],
    front: dict[str, Any] | None,
    scores: dict[str, Any],
) -> None:
    write_config(folder, ENGLISH_PACKAGE, ("en",), heads, front, scores)


def choose(
    folder: Path, kept: dict[str, list[Example]], held: dict[str, list[Example]]
) -> dict[str, Any]:
    """Choose everything on the held-out fold, write the configuration, return the measures."""
    model = EncoderModel.load(folder)
    linear = linear_without_held(kept["sentiment"])
    heads: dict[str, dict[str, Any]] = {}
    found = logits_of(model, held)
    asides = linear.logits([example.raw for example in held["sentiment"]])
    blend = best_blend(found["sentiment"], asides, held["sentiment"], kept["sentiment"])
    found["sentiment"] = found["sentiment"] + np.float32(blend) * asides
    for name in SHIPPED:
        heads[name] = calibrated(name, found[name], held[name], kept[name])
        log.info("%s: %s", name, heads[name])
    front = {"model": DEFAULT_MODEL, "threshold": 1.0, "blend": blend}
    _write(folder, heads, front, {})
    model = EncoderModel.load(folder)
    front["threshold"] = best_threshold(Cascade(linear, model, threshold=1, blend=blend), held)
    _write(folder, heads, front, {})
    scores = scores_of(folder, held, front)
    _write(folder, heads, front, scores)
    return scores


def logits_of(model: EncoderModel, held: dict[str, list[Example]]) -> dict[str, Array]:
    """Return the logits of each shipped head for the texts of its own task."""
    found: dict[str, Array] = {}
    for name in SHIPPED:
        if name == "target":
            pairs = [(example.text, example.target or "") for example in held[name]]
            [found[name]] = model._network.run(pairs, [name])
        else:
            found[name] = model.logits([example.text for example in held[name]], (name,))[name]
    return found


def linear_without_held(kept: Sequence[Example]) -> LinearSentiment:
    """Return a linear model like the shipped one, that has not seen the held-out fold."""
    texts = tuple(example.raw for example in kept)
    features = build_features(texts)
    weights, bias = fit(features.matrix, labels_of(list(kept)))
    shipped = LinearSentiment.load(MODELS / DEFAULT_MODEL)
    arrays: dict[str, Any] = {**tables(features, weights), "bias": bias.astype(np.float32)}
    return LinearSentiment.of_arrays(shipped.config, arrays)


def prior_of(examples: Sequence[Example], task: str) -> Array:
    """Return how often each label stands in ``examples``."""
    counts = np.bincount(labels_of(list(examples)), minlength=len(TASKS[task]))
    shares: Array = counts / counts.sum()
    return shares


def balance(logits: Array, labels: Array) -> float:
    """Return two parts of macro recall and one of macro F1.

    Recall alone buys the last of a rare class by calling far too many others so.
    """
    predicted = logits.argmax(axis=1)
    result = measure_macro(predicted, labels, logits.shape[1])
    return 2 * result[0] + result[1]


def measure_macro(predicted: Array, labels: Array, count: int) -> tuple[float, float]:
    """Return macro recall and macro F1."""
    hits = np.bincount(labels[predicted == labels], minlength=count)
    there = np.bincount(labels, minlength=count)
    called = np.bincount(predicted, minlength=count)
    return float((hits / there).mean()), float((2 * hits / (there + called)).mean())


def best_blend(logits: Array, linear: Array, held: list[Example], kept: list[Example]) -> float:
    """Return the weight of the linear model's logits with the best balance at its best shift."""
    prior, labels = prior_of(kept, "sentiment"), labels_of(held)
    # The linear model's shift is in its bias already; the encoder's is looked for.
    rated = {
        blend: max(balance(logits - tau * np.log(prior) + blend * linear, labels) for tau in TAUS)
        for blend in BLENDS
    }
    log.info("blend: %s", {blend: round(value, 4) for blend, value in rated.items()})
    return max(rated, key=lambda blend: rated[blend])


def calibrated(
    name: str, logits: Array, held: list[Example], kept: list[Example]
) -> dict[str, Any]:
    """Return a head's labels, shift, temperature and least confidence."""
    prior, labels = prior_of(kept, name), labels_of(held)
    shifts = [-tau * np.log(prior) for tau in TAUS]
    shift = max(shifts, key=lambda one: balance(logits + one, labels))
    if name == "target":
        # Accuracy is what its readers are told.
        shift = max(shifts, key=lambda one: float(((logits + one).argmax(axis=1) == labels).mean()))
    shift = np.round(shift - shift.mean(), 3)
    temperature = best_temperature((logits + shift).astype(np.float64), labels)
    return {
        "labels": list(TASKS[name]),
        "temperature": temperature,
        "shift": [float(value) for value in shift],
        "minimum_confidence": LEAST_CONFIDENCE[name],
    }


def best_threshold(cascade: Cascade, held: dict[str, list[Example]]) -> float:
    """Return the lowest threshold that costs no more than LOSS_ALLOWED."""
    texts = [example.raw for example in held["sentiment"]]
    steps = [float(step) for step in np.round(np.arange(0.5, 1.001, 0.025), 3)]
    points = cascade_curve(cascade, texts, labels_of(held["sentiment"]), steps)
    whole = points[-1].macro_recall
    for point in points:
        log.info("%s", point)
    return min(p.threshold for p in points if p.macro_recall >= whole - LOSS_ALLOWED)


def scores_of(
    folder: Path, held: dict[str, list[Example]], front: dict[str, Any]
) -> dict[str, Any]:
    """Return the measures of the files that ship."""
    data = data_folder()
    model = EncoderModel.load(folder)
    shipped = LinearSentiment.load(MODELS / DEFAULT_MODEL)
    scores: dict[str, Any] = {}
    examples = read_task(data / "sentiment" / "en_validation.tsv", "sentiment")
    texts, labels = [e.raw for e in examples], labels_of(examples)
    thorough = Cascade(shipped, model, threshold=1, blend=front["blend"], is_thorough=True)
    cascade = Cascade(shipped, model, threshold=front["threshold"], blend=front["blend"])
    scores["validation"] = measure(labels, thorough.probabilities(texts).argmax(axis=1))
    scores["validation_cascade"] = measure(labels, cascade.probabilities(texts).argmax(axis=1))
    scores["validation_encoder"] = measure(labels, model.probabilities(texts).argmax(axis=1))
    scores["curve"] = [
        {
            "threshold": point.threshold,
            "front_share": point.front_share,
            "macro_recall": point.macro_recall,
            "accuracy": point.accuracy,
        }
        for point in cascade_curve(cascade, texts, labels)
    ]
    for name in ("emotion", "offensive"):
        found = read_task(data / name / "en_validation.tsv", name)
        logits = model.logits([e.raw for e in found], (name,))[name]
        scores[name] = macro_scores(model.calibrated(name, logits), found, name)
    pairs = [(example.text, example.target or "") for example in held["target"]]
    scores["target_held_out"] = macro_scores(model.towards(pairs), held["target"], "target")
    return scores


def macro_scores(sure: Array, examples: list[Example], task: str) -> dict[str, Any]:
    """Return accuracy, macro recall and macro F1 of a head, and its coverage at its threshold."""
    order = sorted(TASKS[task]) if task == "emotion" else list(TASKS[task])
    names = [TASKS[task][label] for label in labels_of(examples)]
    labels = np.array([order.index(name) for name in names])
    predicted = sure.argmax(axis=1)
    recall, f1 = measure_macro(predicted, labels, len(order))
    return {
        "n": len(labels),
        "accuracy": round(float((predicted == labels).mean()), 4),
        "macro_recall": round(recall, 4),
        "macro_f1": round(f1, 4),
    }
