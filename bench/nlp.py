"""Measure how fast and how well mentions are understood, against peers in the same run.

Speed is texts per second of one core on the English validation tweets, by processor time so that
other work on the machine does not count: the best of some runs taken in turn. Quality is macro
recall and accuracy on the same tweets, on which no model here was trained. The peers:
``transformers.pipeline`` in single precision with the same encoder (needs torch: run this with the
Python of `make test-hub`'s environment), VADER, and obsei's classifier where it is installed. Peak
memory is that of a fresh process that enriches the same mentions and does nothing else.

    GROUNDSWELL_PUBLIC_DATA=... python -m bench.nlp [--texts 2000]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.nlp_peers import (
    Labels,
    Peer,
    PeerMissingError,
    obsei,
    transformers_pipeline,
    vader,
)
from core.mention import Mention
from core.ports import Analysis
from core.settings import Settings
from nlp.analyser import Analyser
from nlp.evaluation import Labelled, read_labelled
from nlp.sentiment import LABELS, MODELS, SentimentModel, load_sentiment

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = 3
PEERS_RUNS = 1
"""Of the slow peers: they take a minute, and a second run differs by some percent."""

ENCODER = MODELS / "encoder-en"
LINEAR = "sentiment-en"

VADER, PIPELINE, OBSEI = "VADER", "transformers fp32", "obsei 0"
FRONT, CASCADE, THOROUGH = "linear model", "cascade", "encoder on all"
ALL_BUT_NAMES, WHOLE = "all but names", "whole enrichment"

AIM_MEGABYTES = 1_200
WARM_UP = "The bus was late again, and the driver could not care less."


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.nlp")
    parser.add_argument("--texts", type=int, default=2_000)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    told = os.environ.get("GROUNDSWELL_PUBLIC_DATA")
    if not told:
        sys.exit("skipped: set GROUNDSWELL_PUBLIC_DATA to the folder of public data sets")
    data = read_labelled(Path(told) / "sentiment" / "en_validation.tsv")
    data = Labelled(data.texts[: arguments.texts], data.labels[: arguments.texts])
    if arguments.memory:
        # spaCy loads torch where it is installed, which nothing of ours asks for.
        sys.modules["torch"] = None  # type: ignore[assignment]
        print(peak_memory(data.texts))
    else:
        report(data)


def report(data: Labelled) -> None:
    """Measure everything on ``data`` and print it as one table."""
    # One core: what runs in threads would be counted, but wait for others on a busy machine.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rates, labels, missing = measure(data.texts)
    print(f"{len(data.texts):,} tweets")
    print(f"{'':20}{'texts/core-s':>13}{'x VADER':>9}{'macro recall':>14}{'accuracy':>10}")
    for name, rate in rates.items():
        recall, accuracy = quality(data.labels, labels[name])
        print(f"{name:20}{rate:13,.0f}{rate / rates[VADER]:9.2f}{recall:14.3f}{accuracy:10.3f}")
    for name, why in missing.items():
        print(f"{name:20} skipped: {why}")
    if PIPELINE in rates and CASCADE in rates:
        ratio = rates[CASCADE] / rates[PIPELINE]
        ours, theirs = (quality(data.labels, labels[name])[0] for name in (CASCADE, PIPELINE))
        print(
            f"the cascade is {ratio:.1f} times as fast as transformers.pipeline (aim 5), ", end=""
        )
        print(f"its macro recall {100 * (ours - theirs):+.1f} points (aim -0.5 at worst)")
    command = [sys.executable, "-m", "bench.nlp", "--memory", "--texts", str(len(data.texts))]
    peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"peak memory of whole enrichment {peak:,.0f} MB (aim {AIM_MEGABYTES:,})")


def find_peers() -> dict[str, Callable[[], Peer]]:
    """Return what is measured: name -> what makes it anew, with its models loaded."""
    return {
        VADER: vader,
        OBSEI: obsei,
        PIPELINE: lambda: transformers_pipeline(_encoder()),
        FRONT: lambda: partial(by_model, load_sentiment(LINEAR)),
        CASCADE: lambda: partial(by_model, _load(is_thorough=False)),
        THOROUGH: lambda: partial(by_model, _load(is_thorough=True)),
        ALL_BUT_NAMES: lambda: partial(by_analyser, _analyser(entities=False)),
        WHOLE: lambda: partial(by_analyser, _analyser(entities=True)),
    }


def measure(texts: Sequence[str]) -> tuple[dict[str, float], dict[str, Labels], dict[str, str]]:
    """Return texts per core-second of each peer, its labels, and why others cannot run here.

    Best of some runs, taken in turn. Each run has a peer of its own: ours remembers what it read.
    """
    best, labels, missing = dict[str, float](), dict[str, Labels](), dict[str, str]()
    for turn in range(RUNS):
        for name, make in find_peers().items():
            if name in missing or (name == PIPELINE and turn >= PEERS_RUNS):
                continue
            try:
                peer = make()
            except PeerMissingError as err:
                missing[name] = str(err)
                continue
            peer([WARM_UP])
            started = time.process_time()
            labels[name] = peer(texts)
            seconds = time.process_time() - started
            best[name] = min(seconds, best.get(name, seconds))
    return {name: len(texts) / seconds for name, seconds in best.items()}, labels, missing


def by_model(model: SentimentModel, texts: Sequence[str]) -> Labels:
    """Return a model's label of each text."""
    chosen: Labels = model.probabilities(texts).argmax(axis=1)
    return chosen


def by_analyser(analyser: Analyser, texts: Sequence[str]) -> Labels:
    """Return the label of each text after all that is done to a mention.

    A text whose language is not sure, or of which the model is not, has no sentiment and counts as
    wrong.
    """
    mentions = [Mention(id=str(number), text=text) for number, text in enumerate(texts)]
    return np.array([_label(outcome) for outcome in analyser.analyse(mentions, NOW)])


def peak_memory(texts: Sequence[str]) -> float:
    """Return the most memory that this process held after enriching ``texts``, in MB."""
    by_analyser(_analyser(entities=True), texts)
    status = Path("/proc/self/status")
    if status.is_file():
        # What getrusage says includes the process that this one was started from.
        (line,) = (row for row in status.read_text("ascii").splitlines() if "VmHWM" in row)
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def quality(labels: Labels, predicted: Labels) -> tuple[float, float]:
    """Return macro recall and accuracy."""
    hits = [(predicted[labels == index] == index).mean() for index in range(len(LABELS))]
    return float(np.mean(hits)), float((predicted == labels).mean())


def _label(outcome: Analysis) -> int:
    """Return the index of a mention's label, -1 for none."""
    sentiment = outcome.mention.sentiment
    return LABELS.index(sentiment) if sentiment is not None else -1


def _encoder() -> Path:
    """Return the bundled encoder's folder."""
    if not (ENCODER / "model.onnx").is_file():
        raise PeerMissingError(f"the model {ENCODER.name} is not there")
    return ENCODER


def _load(*, is_thorough: bool) -> SentimentModel:
    """Return the default model: asked for every text, or for those the linear one is unsure of."""
    _encoder()
    options: dict[str, Any] = {"is_thorough": is_thorough, "threads": 1}
    return load_sentiment(**options)


def _analyser(*, entities: bool) -> Analyser:
    """Return what enriches by default, with or without names, its models loaded."""
    analyser = Analyser.from_settings(
        Settings.model_validate({"models": {"entities": entities, "threads": 1}})
    )
    analyser.load()
    return analyser


if __name__ == "__main__":
    main()
