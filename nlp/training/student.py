"""Train the shipped English encoder: six small layers with a head for every task.

    GROUNDSWELL_PUBLIC_DATA=... groundswell train encoder

Sentiment, emotion, offence, irony and sentiment towards a target are learnt together. The lower a
layer, the smaller its steps; the table of words stays as it was pretrained. What ships is a running
mean of the weights of the last steps.
"""

from __future__ import annotations

import logging
import random
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from nlp.training.corpus import TASKS, Example, data_folder, read_task, split, without
from nlp.training.network import Average, Batch, Encoding, Network, predict, train

log = logging.getLogger(__name__)

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

FILES: Final[dict[str, tuple[str, ...]]] = {
    "sentiment": ("sentiment/en_train.tsv",),
    "emotion": ("emotion/en_train.tsv",),
    "offensive": ("offensive/en_train.tsv",),
    "irony": ("irony/en_train.tsv",),
    "target": ("target_sentiment/tweets_train.tsv", "target_sentiment/news_train.tsv"),
}
REPEATS: Final = {"sentiment": 2, "emotion": 4, "offensive": 2, "irony": 2, "target": 2}
"""Passes over each task's texts; emotions are few."""
WEIGHTS: Final = {"sentiment": 1.0, "emotion": 0.4, "offensive": 0.3, "irony": 0.2, "target": 0.6}
BATCH: Final = 32
RATE: Final = 1.5e-4
LAYER_DECAY: Final = 0.8
SMOOTHING: Final = 0.05
KEEP: Final = 0.96
WEIGHTS_FILE: Final = "average.pt"
FROZEN: Final = ("encoder.embeddings",)
SEED: Final = 13


def labelled(folder: Path) -> tuple[dict[str, list[Example]], dict[str, list[Example]]]:
    """Return what to train on and the held-out fold, by task, without the validation texts."""
    kept: dict[str, list[Example]] = {}
    held: dict[str, list[Example]] = {}
    for task, names in FILES.items():
        examples = [example for name in names for example in read_task(folder / name, task)]
        validation = folder / task / "en_validation.tsv"
        if validation.is_file():
            examples = without(examples, read_task(validation, task))
        kept[task], held[task] = split(examples)
    return kept, held


def mixed(
    kept: dict[str, list[Example]], encoding: Encoding, rng: random.Random
) -> list[tuple[str, list[Example]]]:
    """Return groups of examples of one task in random order, each pass of a task spread evenly."""
    pieces: list[tuple[float, str, list[Example]]] = []
    for task, count in REPEATS.items():
        for number in range(count):
            found = list(encoding.groups(kept[task], BATCH, rng))
            pieces += [
                ((number + (place + rng.random()) / len(found)) / count, task, group)
                for place, group in enumerate(found)
            ]
    pieces.sort(key=lambda piece: piece[0])
    return [(task, group) for _, task, group in pieces]


def loss_of(network: Network, batch: Batch) -> torch.Tensor:
    """Return the cross-entropy with the labels of the batch's task, weighed by the task."""
    logits = network(batch.inputs, [batch.task])[batch.task]
    return WEIGHTS[batch.task] * functional.cross_entropy(
        logits, batch.labels, label_smoothing=SMOOTHING
    )


def scores(logits: F32, examples: list[Example], prior: F64) -> str:
    """Return macro recall at some shifts of the prior, and accuracy, for people."""
    labels = np.array([example.label for example in examples])
    found = []
    for tau in (0, 0.25, 0.5, 0.75, 1):
        predicted = (logits - tau * np.log(prior)).argmax(axis=1)
        recall = np.mean([(predicted[labels == c] == c).mean() for c in np.unique(labels)])
        found.append(f"{recall:.4f}")
    accuracy = (logits.argmax(axis=1) == labels).mean()
    return f"{' '.join(found)} accuracy {accuracy:.4f}"


def train_student(encoder: Path, folder: Path, *, seed: int = SEED, steps: int = 0) -> Path:
    """Train on the public data, write the weights into ``folder`` and return their path.

    ``steps`` ends early, to try it. Raises BadInputError when the data are missing or do not fit.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    data = data_folder()
    kept, held = labelled(data)
    encoding = Encoding(encoder)
    network = Network(encoder, list(TASKS))
    groups = mixed(kept, encoding, rng)[: steps or None]
    log.info("%s; %d steps", {task: len(found) for task, found in kept.items()}, len(groups))
    average = Average(network, KEEP)
    batches = (encoding.batch(group, task) for task, group in groups)
    train(
        network,
        batches,
        len(groups),
        rate=RATE,
        decay=LAYER_DECAY,
        loss=loss_of,
        frozen=FROZEN,
        average=average,
    )
    network.load_state_dict(average.state)
    for task in TASKS:
        prior = np.bincount([e.label for e in kept[task]], minlength=len(TASKS[task]))
        found = predict(network, encoding, held[task], [task])[task]
        log.info("%s, held out: %s", task, scores(found, held[task], prior / prior.sum()))
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(average.state, folder / WEIGHTS_FILE)
    return folder / WEIGHTS_FILE
