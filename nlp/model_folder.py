"""Small models as folders: ``config.json`` beside ``weights.npz``, arrays read without pickle."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import ModelError

CONFIG_FILE: Final = "config.json"
WEIGHTS_FILE: Final = "weights.npz"

Arrays = Mapping[str, npt.NDArray[Any]]


class DataFile(BaseModel):
    """A file that a model was trained or measured on: its name, rows and SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    rows: int
    sha256: str


class ModelConfig(BaseModel):
    """``config.json`` of a small model; ``format`` says which code reads its arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    name: str
    version: str
    features_version: int
    labels: tuple[str, ...]
    weights_sha256: str = ""
    licence: str = "Apache-2.0"
    command: str
    data_files: tuple[DataFile, ...] = ()
    settings: Mapping[str, Any] = {}
    packages: Mapping[str, str] = {}
    scores: Mapping[str, Any] = {}

    @property
    def full_name(self) -> str:
        """Name and version, as stored beside every result."""
        return f"{self.name}@{self.version}"


def read_model(
    folder: Path, format_name: str, features_version: int, arrays: Sequence[str]
) -> tuple[ModelConfig, dict[str, npt.NDArray[Any]]]:
    """Read a model folder whose arrays are ``arrays``.

    Raises ModelError naming the file and what is wrong: missing, damaged, of another format, made
    for other features, or without one of the arrays.
    """
    path = folder / CONFIG_FILE
    try:
        config = ModelConfig.model_validate_json(path.read_bytes())
    except OSError as err:
        raise ModelError(f"{path}: cannot be read: {err.strerror}") from err
    except ValidationError as err:
        first = err.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{path}: {key}: {first['msg']}") from err
    if config.format != format_name:
        raise ModelError(f"{path}: format: {config.format!r} is not {format_name!r}")
    if config.features_version != features_version:
        raise ModelError(
            f"{path}: features_version: trained on {config.features_version}, this version of "
            f"Groundswell computes {features_version}; train the model anew: {config.command}"
        )
    return config, _read_arrays(folder / WEIGHTS_FILE, config, arrays)


def _read_arrays(
    path: Path, config: ModelConfig, names: Sequence[str]
) -> dict[str, npt.NDArray[Any]]:
    try:
        content = path.read_bytes()
    except OSError as err:
        raise ModelError(f"{path}: cannot be read: {err.strerror}") from err
    if hashlib.sha256(content).hexdigest() != config.weights_sha256:
        raise ModelError(f"{path}: its checksum is not the one in {CONFIG_FILE}: damaged or mixed")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in names}
    except (ValueError, OSError, zipfile.BadZipFile) as err:
        raise ModelError(f"{path}: not a readable set of arrays: {err}") from err
    except KeyError as err:
        raise ModelError(f"{path}: an array is missing: {err.args[0]}") from err


def write_model(folder: Path, config: ModelConfig, arrays: Arrays) -> ModelConfig:
    """Write a model folder and return the configuration with the checksum of what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / WEIGHTS_FILE, allow_pickle=False, **dict(arrays))
    digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    stated = config.model_copy(update={"weights_sha256": digest})
    text = json.dumps(stated.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
    return stated


def pack_words(words: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Return words, none with a line break in it, as an array of bytes."""
    return np.frombuffer("\n".join(words).encode(), dtype=np.uint8)


def unpack_words(packed: npt.NDArray[np.uint8]) -> list[str]:
    """Return the words that ``pack_words`` packed."""
    text = packed.tobytes().decode()
    return text.split("\n") if text else []


def describe_data(root: Path, names: Sequence[str]) -> tuple[DataFile, ...]:
    """Return name, lines and checksum of each file below ``root``."""
    found = []
    for name in names:
        content = (root / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        found.append(DataFile(file=name, rows=content.count(b"\n"), sha256=digest))
    return tuple(found)
