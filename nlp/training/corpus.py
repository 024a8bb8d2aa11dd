"""What the encoder is trained on: labelled texts by task, and texts without labels.

All files come from the folder that ``GROUNDSWELL_PUBLIC_DATA`` names. Copies of one text never lie
on both sides of a split: the fold of a text is a hash of its story.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import BadInputError
from nlp.encoder_text import write_for_encoder
from nlp.story import normalise_story

VARIABLE: Final = "GROUNDSWELL_PUBLIC_DATA"

TASKS: Final[dict[str, tuple[str, ...]]] = {
    "sentiment": ("negative", "neutral", "positive"),
    "emotion": ("anger", "joy", "optimism", "sadness"),
    "offensive": ("not_offensive", "offensive"),
    "irony": ("not_ironic", "ironic"),
    "target": ("negative", "neutral", "positive"),
}
"""Labels of each head, in the order of its outputs. Irony has no output of its own when the model
runs: it is trained beside the others because it teaches sarcasm to the shared layers."""

FOLDS: Final = 12
HELD_OUT: Final = 0
"""The fold of the training files on which choices are made; no network is trained on it."""


@dataclass(frozen=True, slots=True)
class Example:
    """One text as the encoder reads it, the index of its label, its target, and as it was found."""

    text: str
    label: int
    target: str | None = None
    raw: str = ""


def data_folder() -> Path:
    """Return the folder of public data. Raises BadInputError when it is not named."""
    told = os.environ.get(VARIABLE)
    if not told or not Path(told).is_dir():
        raise BadInputError(f"{VARIABLE} must name the folder of public data sets")
    return Path(told)


def fold_of(text: str) -> int:
    """Return the fold of a text; copies share it."""
    digest = hashlib.blake2b(normalise_story(text).encode("utf-8", "replace"), digest_size=8)
    return int.from_bytes(digest.digest()) % FOLDS


def read_task(path: Path, task: str) -> list[Example]:
    """Read a tab-separated file with the columns text, label and, for ``target``, target.

    Raises BadInputError with file and row for a row that does not fit.
    """
    labels = {name: index for index, name in enumerate(TASKS[task])}
    examples = []
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    header = lines[0].rstrip("\r").split("\t")
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        row = dict(zip(header, line.rstrip("\r").split("\t"), strict=False))
        if row.get("label") not in labels:
            raise BadInputError(f"{path}: row {number}: label {row.get('label')!r} is unknown")
        target = write_for_encoder(row["target"]) if task == "target" else None
        examples.append(
            Example(write_for_encoder(row["text"]), labels[row["label"]], target, row["text"])
        )
    return examples


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return the examples to train on, and those of the held-out fold."""
    kept: list[Example] = []
    held: list[Example] = []
    for example in examples:
        (held if fold_of(example.text) == HELD_OUT else kept).append(example)
    return kept, held


def without(examples: Sequence[Example], others: Iterable[Example]) -> list[Example]:
    """Return the examples whose text is in none of ``others``."""
    seen = {normalise_story(example.text) for example in others}
    return [example for example in examples if normalise_story(example.text) not in seen]


def unlabelled(folder: Path) -> list[str]:
    """Return distinct English texts without labels of their own, as the encoder reads them."""
    found: dict[str, str] = {}
    for text in _raw(folder):
        written = write_for_encoder(text)
        if len(written) >= 12 and fold_of(written) != HELD_OUT:
            found.setdefault(normalise_story(written), written)
    return list(found.values())


def _raw(folder: Path) -> Iterator[str]:
    for name in ("vaccination_tweets", "covid19_tweets"):
        with (folder / "streams" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as handle:
            for row in csv.DictReader(handle):
                yield row.get("text") or ""
    with (folder / "streams" / "hacker_news.csv").open(encoding="utf-8-sig", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle)):
            if number % 4 == 0:
                yield row.get("title") or ""
    for path in sorted((folder / "themes").glob("tweet_topics_*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["text"]
    for path in sorted((folder / "entities").glob("*.conll")):
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            yield " ".join(line.split("\t")[0] for line in block.split("\n") if line)
    ag = (folder / "themes" / "ag_news_half.tsv").read_text(encoding="utf-8").split("\n")[1:]
    yield from (line.split("\t")[0] for line in ag)
