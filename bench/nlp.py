"""Measure how fast and how well mentions are understood, against VADER in the same run.

Speed is mentions per second of one core on the English validation tweets, by processor time so that
other work on the machine does not count: the best of three runs taken in turn. Quality is macro
recall on the same tweets, which the bundled model was not trained on.

    GROUNDSWELL_PUBLIC_DATA=... python -m bench.nlp [--texts 2000]
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from core.mention import Mention
from core.ports import Analysis
from nlp.analyser import Analyser
from nlp.evaluation import Labelled, read_labelled
from nlp.sentiment import LABELS, SentimentModel, load_sentiment

Labels = npt.NDArray[np.int64]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = 3
LANGUAGES = ("en", "de", "es", "fr", "it", "pt")
# The thresholds that VADER's authors recommend for its compound score.
VADER_POSITIVE, VADER_NEGATIVE = 0.05, -0.05


def vader_labels(vader: SentimentIntensityAnalyzer, texts: Sequence[str]) -> Labels:
    """Return VADER's label of each text, as indexes of LABELS."""
    scores = [vader.polarity_scores(text)["compound"] for text in texts]
    return np.array(
        [2 if score >= VADER_POSITIVE else 0 if score <= VADER_NEGATIVE else 1 for score in scores]
    )


def bundled_labels(model: SentimentModel, texts: Sequence[str]) -> Labels:
    """Return the bundled model's label of each text."""
    chosen: Labels = model.probabilities(texts).argmax(axis=1)
    return chosen


def enriched(analyser: Analyser, mentions: Sequence[Mention]) -> list[Analysis]:
    """Return the mentions with all that the analyser adds."""
    return analyser.analyse(mentions, NOW)


def best_rates(tasks: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """Return items per core-second of each task: the best of its runs, taken in turn."""
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(RUNS):
        for name, task in tasks.items():
            started = time.process_time()
            task()
            best[name] = min(best[name], time.process_time() - started)
    return {name: count / seconds for name, seconds in best.items()}


def report(data: Labelled) -> None:
    """Measure everything on ``data`` and print it as one table."""
    mentions = [Mention(id=str(index), text=text) for index, text in enumerate(data.texts)]
    vader, model = SentimentIntensityAnalyzer(), load_sentiment()
    whole, without_names = Analyser(LANGUAGES), Analyser(LANGUAGES, entities=None)
    outcomes = enriched(whole, mentions)
    enriched(without_names, mentions[:10])
    labels: dict[str, Labels] = {
        "VADER": vader_labels(vader, data.texts),
        "sentiment alone": bundled_labels(model, data.texts),
        # A text whose language is not sure has no sentiment, and counts as wrong here.
        "whole enrichment": np.array([_label(outcome) for outcome in outcomes]),
    }
    rates = best_rates(
        {
            "VADER": lambda: vader_labels(vader, data.texts),
            "sentiment alone": lambda: bundled_labels(model, data.texts),
            "all but names": lambda: enriched(without_names, mentions),
            "whole enrichment": lambda: enriched(whole, mentions),
        },
        len(mentions),
    )
    print(f"{'':18}{'per core-s':>12}{'x VADER':>9}{'macro recall':>14}")
    for name, rate in rates.items():
        quality = f"{_macro_recall(data.labels, labels[name]):.3f}" if name in labels else ""
        print(f"{name:18}{rate:12,.0f}{rate / rates['VADER']:9.2f}{quality:>14}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(mentions)} tweets, peak memory {peak:.0f} MB")


def _label(outcome: Analysis) -> int:
    """Return the index of a mention's label, -1 for none."""
    sentiment = outcome.mention.sentiment
    return LABELS.index(sentiment) if sentiment is not None else -1


def _macro_recall(labels: Labels, predicted: Labels) -> float:
    hits = [(predicted[labels == index] == index).mean() for index in range(len(LABELS))]
    return float(np.mean(hits))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.nlp")
    parser.add_argument("--texts", type=int, default=2_000)
    arguments = parser.parse_args()
    told = os.environ.get("GROUNDSWELL_PUBLIC_DATA")
    if not told:
        sys.exit("skipped: set GROUNDSWELL_PUBLIC_DATA to the folder of public data sets")
    data = read_labelled(Path(told) / "sentiment" / "en_validation.tsv")
    report(Labelled(data.texts[: arguments.texts], data.labels[: arguments.texts]))


if __name__ == "__main__":
    main()
