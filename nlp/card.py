"""What a model's card says about its errors: read from its configuration, without loading it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from core.settings import ModelSettings
from nlp.evaluation_files import SENTIMENTS
from nlp.model_folder import CONFIG_FILE
from nlp.sentiment import model_folder


def validation_confusion(models: ModelSettings) -> tuple[tuple[int, ...], ...] | None:
    """Return the confusions of the configured sentiment model on its validation texts.

    Rows are true labels, columns the model's, both negative, neutral, positive. None for a model
    whose card states none, as models of others do.
    """
    folder = model_folder(models.sentiment)
    if folder is None:
        return None
    try:
        scores = json.loads((folder / CONFIG_FILE).read_bytes())["scores"]
        name = "validation" if models.thorough else "validation_cascade"
        return _table(scores[name if name in scores else "validation"]["confusion"])
    except (OSError, ValueError, KeyError, TypeError):
        # Loading the model tells what is wrong with its files; here they only say nothing.
        return None


def _table(confusion: Mapping[str, Mapping[str, int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(confusion[row][column]) for column in SENTIMENTS) for row in SENTIMENTS)
