"""What a model's card says of it and of its errors: its configuration, read without loading it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from core.settings import ModelSettings
from core.themes import Theme
from core.versions import Scoring, Theming
from nlp.evaluation_files import SENTIMENTS
from nlp.model_folder import CONFIG_FILE, ORIGIN
from nlp.sentiment import MODELS, configured_references, model_folder
from nlp.vectors import DEFAULT_MODEL

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
        if folder is None:
            asked = (*_SETTINGS, *_CHECKPOINT_SETTINGS)
        name, digest = _known_as(folder, reference)
        names.append(name)
        digests.append(digest)
    settings = {name: _json(getattr(models, name)) for name in asked}
    return Scoring(models=tuple(names), digests=tuple(digests), settings=settings)


def theming_of(themes: Sequence[Theme], vectors: Path = MODELS / DEFAULT_MODEL) -> Theming:
    """Return what gives these themes, so that two of them can be compared.

    Where all are found by queries the sentence vectors have no part in it.
    """
    written = tuple(theme.model_dump_json() for theme in themes)
    if not any(theme.code or theme.examples for theme in themes):
        return Theming(models=(), themes=written)
    name, digest = _known_as(vectors, vectors.name)
    return Theming(models=(name,), digests=(digest,), themes=written)


def _known_as(folder: Path | None, reference: str) -> tuple[str, str]:
    """Return a model's name with its version, and a digest of all that it runs with."""
    config: dict[str, object] = {}
    if folder is not None:
        # Loading the model tells what is wrong with it.
        with suppress(OSError, ValueError, TypeError):
            config = dict(json.loads((folder / CONFIG_FILE).read_bytes()))
    name = f"{config['name']}@{config.get('version')}" if "name" in config else reference
    runs = {key: value for key, value in config.items() if key not in ORIGIN}
    return name, hashlib.sha256(_json(runs).encode()).hexdigest()[:16]


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
