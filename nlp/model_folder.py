"""Models as folders: ``config.json`` beside the files whose checksums it states.

Nothing in a folder is code: configurations are read by a strict form, arrays without pickle, and a
checksum proves that the files are the ones that the configuration speaks of.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from core.errors import ModelError

CONFIG_FILE: Final = "config.json"
WEIGHTS_FILE: Final = "weights.npz"

MEGABYTE: Final = 1_000_000

MAX_CONFIG_MEGABYTES: Final = 5
"""A configuration has some kilobytes; one of a thousand labels some more."""

Arrays = Mapping[str, npt.NDArray[Any]]


class DataFile(BaseModel):
    """A file that a model was trained or measured on: its name, rows and SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    rows: int
    sha256: str


class FolderConfig(BaseModel):
    """What every ``config.json`` of ours states; ``format`` says which code reads the folder.

    A kind of model adds what it needs to run, and its ``languages`` where it has some.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    name: str
    version: str
    licence: str
    command: str
    data_files: tuple[DataFile, ...] = ()
    settings: Mapping[str, Any] = {}
    packages: Mapping[str, str] = {}
    scores: Mapping[str, Any] = {}

    @property
    def full_name(self) -> str:
        """Name and version, as stored beside every result."""
        return f"{self.name}@{self.version}"


class ArraysConfig(FolderConfig):
    """``config.json`` of a model that is arrays in ``weights.npz``."""

    weights_sha256: str = ""


class ModelConfig(ArraysConfig):
    """``config.json`` of a small model over hashed features."""

    features_version: int
    labels: tuple[str, ...]
    licence: str = "Apache-2.0"


Form = TypeVar("Form", bound=BaseModel)
Config = TypeVar("Config", bound=FolderConfig)
Stored = TypeVar("Stored", bound=ArraysConfig)

ORIGIN: Final = ("licence", "command", "data_files", "settings", "packages", "scores")
"""Where a model comes from and how good it is: written last."""


def read_bounded(path: Path, max_megabytes: int) -> bytes:
    """Return the content of a model's file; raises ModelError if it is missing or too large."""
    try:
        size = path.stat().st_size
        if size > max_megabytes * MEGABYTE:
            raise ModelError(
                f"{path}: {size / MEGABYTE:,.0f} MB, at most {max_megabytes:,} MB of such a file "
                "are read; export a smaller or a quantised model"
            )
        return path.read_bytes()
    except OSError as err:
        raise ModelError(f"{path}: cannot be read: {err.strerror}") from err


def read_form(form: type[Form], path: Path) -> Form:
    """Read a JSON file as ``form``; raises ModelError naming file, key and what is wrong."""
    try:
        return form.model_validate_json(read_bounded(path, MAX_CONFIG_MEGABYTES))
    except ValidationError as err:
        first = err.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "content"
        raise ModelError(f"{path}: {key}: {first['msg']}") from err


def read_folder(form: type[Config], folder: Path, format_name: str, **versions: int) -> Config:
    """Read and check the configuration of a model folder.

    ``versions`` says of keys, such as ``features_version``, what this code computes. Raises
    ModelError naming the file, the key and what is wrong.
    """
    path = folder / CONFIG_FILE
    config = read_form(form, path)
    if config.format != format_name:
        raise ModelError(f"{path}: format: {config.format!r} is not {format_name!r}")
    for key, version in versions.items():
        stated = getattr(config, key)
        if stated != version:
            raise ModelError(
                f"{path}: {key}: trained on {stated}, this version of Groundswell has {version}; "
                f"train the model anew: {config.command}"
            )
    return config


def check_digest(path: Path, expected: str) -> None:
    """Prove that a file has the SHA-256 that its configuration states; raises ModelError."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as err:
        raise ModelError(f"{path}: cannot be read: {err.strerror}") from err
    if digest != expected:
        raise ModelError(f"{path}: its checksum is not the one in {CONFIG_FILE}: damaged or mixed")


def read_arrays(folder: Path, config: ArraysConfig) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a folder by name; raises ModelError for a damaged or other file."""
    path = folder / WEIGHTS_FILE
    check_digest(path, config.weights_sha256)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as err:
        raise ModelError(f"{path}: not a readable set of arrays: {err}") from err


def check_shapes(where: object, arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Prove that each array is there in its shape; raises ModelError naming ``where`` and it."""
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape:
            raise ModelError(f"{where}: {name}: expected shape {shape}")


def read_model(
    folder: Path, format_name: str, features_version: int, arrays: Sequence[str]
) -> tuple[ModelConfig, dict[str, npt.NDArray[Any]]]:
    """Read a folder of a small model whose arrays are ``arrays``.

    Raises ModelError naming the file and what is wrong: missing, damaged, of another format, made
    for other features, or without one of the arrays.
    """
    config = read_folder(ModelConfig, folder, format_name, features_version=features_version)
    found = read_arrays(folder, config)
    for name in arrays:
        if name not in found:
            raise ModelError(f"{folder / WEIGHTS_FILE}: an array is missing: {name}")
    return config, found


def write_model(folder: Path, config: Stored, arrays: Arrays) -> Stored:
    """Write a model folder and return the configuration with the checksum of what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / WEIGHTS_FILE, allow_pickle=False, **dict(arrays))
    digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    stated = config.model_copy(update={"weights_sha256": digest})
    content = stated.model_dump(mode="json")
    content |= {key: content.pop(key) for key in ORIGIN}
    text = json.dumps(content, indent=2, ensure_ascii=False)
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
