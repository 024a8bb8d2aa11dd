"""What a model's card says of it and of its errors: its configuration, read without loading it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from core.settings import ModelSettings
from core.versions import Scoring
from nlp.evaluation_files import SENTIMENTS
from nlp.model_folder import CONFIG_FILE, ORIGIN
from nlp.sentiment import configured_references, model_folder

_SETTINGS = ("minimum_confidence", "thorough", "front_threshold")
"""The settings that change what a model of ours says."""

_CHECKPOINT_SETTINGS = ("sentiment_labels", "sentiment_languages")
"""Those that describe a model of others."""


def scoring_of(models: ModelSettings) -> Scoring:
    """Return what scores sentiment by these settings, so that two of them can be compared.

    A model of others is known by the name that the settings give it, one of ours by its card.
    """
    names, digests = [], []
    asked: tuple[str, ...] = _SETTINGS
    for reference in configured_references(models):
        folder = model_folder(reference)
        config: dict[str, object] = {}
        if folder is None:
            asked = (*_SETTINGS, *_CHECKPOINT_SETTINGS)
        else:
            try:
                config = dict(json.loads((folder / CONFIG_FILE).read_bytes()))
            except (OSError, ValueError, TypeError):
                # Loading the model tells what is wrong with it.
                config = {}
        names.append(f"{config['name']}@{config.get('version')}" if "name" in config else reference)
        runs = {key: value for key, value in config.items() if key not in ORIGIN}
        digests.append(hashlib.sha256(_json(runs).encode()).hexdigest()[:16])
    settings = {name: _json(getattr(models, name)) for name in asked}
    return Scoring(models=tuple(names), digests=tuple(digests), settings=settings)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


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
