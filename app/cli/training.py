"""The command that trains the models that ship: train."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from app.cli.session import session
from core.errors import UsageError

TRAINED = {
    "sentiment": "the linear English model that answers the easy cases; minutes",
    "encoder": "the English encoder with all its heads; half an hour on two cores, needs torch",
    "languages": "the encoder for six more languages; half an hour on two cores, needs torch",
}
"""What can be trained, and what it costs."""

HELP = "What to train: " + "; ".join(f"{name} ({what})" for name, what in TRAINED.items()) + "."


def register(app: typer.Typer) -> None:
    """Add this module's commands to ``app``."""
    app.command()(train)


def train(
    what: Annotated[str, typer.Argument(help=HELP)],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the model; else over the bundled one.")
    ] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(help="Folder of the pretrained encoder; else its installed package."),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=0, help="End after so many steps, to try it; 0 trains fully.")
    ] = 0,
) -> None:
    """Train a bundled model anew from the public data that GROUNDSWELL_PUBLIC_DATA names.

    Example: groundswell train encoder --out my-encoder
    """
    if what not in TRAINED:
        raise UsageError(f"cannot train {what!r} (allowed: {', '.join(TRAINED)})")
    logging.getLogger("nlp.training").setLevel(logging.INFO)
    folder, scores = _train(what, out, encoder, steps)
    session.show({"folder": folder, "scores": scores}, Text(f"wrote {folder}"))


def _train(
    what: str, out: Path | None, encoder: Path | None, steps: int
) -> tuple[Path, dict[str, Any]]:
    """Train and return the folder of the model and its measures."""
    try:
        if what == "sentiment":
            return _train_linear(out)
        from nlp.training.encoders import ENGLISH, MULTILINGUAL, find_encoder

        source = find_encoder(ENGLISH if what == "encoder" else MULTILINGUAL, encoder)
        if what == "encoder":
            return _train_english(source, out, steps)
        return _train_others(source, out)
    except ImportError as err:
        raise UsageError(
            f"training needs more than the product does ({err.name} is missing): "
            "pip install 'groundswell[train,hub]'"
        ) from err


def _train_linear(out: Path | None) -> tuple[Path, dict[str, Any]]:
    from nlp.sentiment import DEFAULT_MODEL, MODELS
    from nlp.training import sentiment
    from nlp.training.corpus import data_folder

    folder = out or MODELS / DEFAULT_MODEL
    return folder, dict(sentiment.train(data_folder(), folder).scores)


def _train_english(source: Path, out: Path | None, steps: int) -> tuple[Path, dict[str, Any]]:
    from nlp.sentiment import MODELS
    from nlp.training.build import NAME, train_encoder

    folder = out or MODELS / NAME
    return folder, train_encoder(source, folder, steps=steps)


def _train_others(source: Path, out: Path | None) -> tuple[Path, dict[str, Any]]:
    from nlp.sentiment import MODELS
    from nlp.training.languages import NAME, train_and_build

    folder = out or MODELS / NAME
    return folder, train_and_build(source, folder)
