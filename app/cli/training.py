"""The command that trains the models that ship: train."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from app.cli.session import session
from core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: where to write, the pretrained encoder's folder, and how many steps."""

    out: Path | None
    encoder: Path | None
    steps: int


Trained = tuple[Path, Mapping[str, Any]]
"""The folder of a model, and its measures."""


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(train)


def _train_linear(order: Order) -> Trained:
    from nlp.sentiment import DEFAULT_MODEL, MODELS
    from nlp.training import sentiment
    from nlp.training.corpus import data_folder

    folder = order.out or MODELS / DEFAULT_MODEL
    return folder, sentiment.train(data_folder(), folder).scores


def _train_english(order: Order) -> Trained:
    from nlp.sentiment import MODELS
    from nlp.training.build import NAME, train_encoder
    from nlp.training.encoders import ENGLISH, find_encoder

    folder = order.out or MODELS / NAME
    source = find_encoder(ENGLISH, order.encoder)
    return folder, train_encoder(source, folder, steps=order.steps)


def _train_others(order: Order) -> Trained:
    from nlp.sentiment import MODELS
    from nlp.training.encoders import MULTILINGUAL, find_encoder
    from nlp.training.languages import NAME, train_and_build

    folder = order.out or MODELS / NAME
    return folder, train_and_build(find_encoder(MULTILINGUAL, order.encoder), folder)


def _train_names(order: Order) -> Trained:
    from nlp.name_tagger import MODEL
    from nlp.training import entities
    from nlp.training.corpus import data_folder

    folder = order.out or MODEL
    return folder, entities.train(data_folder(), folder).scores


def _train_language(order: Order) -> Trained:
    from nlp.training import language
    from nlp.training.corpus import data_folder
    from nlp.word_scorer import MODEL

    folder = order.out or MODEL
    return folder, language.train(data_folder(), folder).scores


def _train_vectors(order: Order) -> Trained:
    from nlp.sentiment import MODELS
    from nlp.training import vectors
    from nlp.training.corpus import data_folder
    from nlp.training.encoders import ENGLISH, find_encoder
    from nlp.vectors import DEFAULT_MODEL

    folder = order.out or MODELS / DEFAULT_MODEL
    source = find_encoder(ENGLISH, order.encoder)
    return folder, vectors.train(source, data_folder(), folder)


TRAINERS: Mapping[str, tuple[str, Callable[[Order], Trained]]] = {
    "sentiment": ("the linear English model in front; ten minutes", _train_linear),
    "encoder": ("the English encoder with its heads; half an hour, torch", _train_english),
    "languages": ("the encoder for other languages; half an hour, torch", _train_others),
    "names": ("the tagger of names", _train_names),
    "language": ("the second opinion on languages", _train_language),
    "vectors": ("sentence vectors and themes; torch", _train_vectors),
}
"""What can be trained: what it is and costs on two cores, and what does it."""

HELP = "What to train: " + "; ".join(f"{name} ({what})" for name, (what, _) in TRAINERS.items())


def train(
    what: Annotated[str, typer.Argument(help=f"{HELP}.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the model; else over the bundled one.")
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(help="Folder of the pretrained encoder; else its installed package."),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=0, help="End the encoder's training after so many; 0: fully.")
    ] = 0,
) -> None:
    """Train a bundled model anew from the public data that GROUNDSWELL_PUBLIC_DATA names.

    Example: groundswell train encoder --out my-encoder
    """
    if what not in TRAINERS:
        raise UsageError(f"cannot train {what!r} (allowed: {', '.join(TRAINERS)})")
    logging.getLogger("nlp.training").setLevel(logging.INFO)
    _, trainer = TRAINERS[what]
    try:
        folder, scores = trainer(Order(out, encoder, steps))
    except ImportError as err:
        raise UsageError(
            f"training needs more than the product does ({err.name} is missing): "
            "pip install 'groundswell[train,hub]'"
        ) from err
    session.show({"folder": folder, "scores": scores}, Text(f"wrote {folder}"))
