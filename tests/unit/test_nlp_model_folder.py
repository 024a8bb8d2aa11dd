import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from nlp.model_folder import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    ArraysConfig,
    ModelConfig,
    describe_data,
    pack_words,
    read_arrays,
    read_folder,
    read_model,
    unpack_words,
    write_model,
)
from nlp.sentiment import MODELS, LinearConfig
from nlp.vectors import VectorsConfig

CONFIG = ModelConfig(
    format="test-model",
    name="small",
    version="1.0",
    features_version=1,
    labels=("a", "b"),
    command="python -m train",
)


def _npy() -> bytes:
    """Return one array in a file of its own, which is no set of arrays."""
    stream = io.BytesIO()
    np.save(stream, np.arange(3))
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder with one array."""
    write_model(tmp_path / "small", CONFIG, {"weights": np.arange(3)})
    return tmp_path / "small"


def _change(folder: Path, **values: object) -> None:
    content = json.loads((folder / CONFIG_FILE).read_text())
    (folder / CONFIG_FILE).write_text(json.dumps(content | values))


def test_what_is_written_is_read(folder: Path) -> None:
    """Arrays and configuration come back, and the name carries the version."""
    config, arrays = read_model(folder, "test-model", 1, ["weights"])

    assert config.full_name == "small@1.0"
    assert arrays["weights"].tolist() == [0, 1, 2]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The error names the file that is not there."""
    with pytest.raises(ModelError, match=r"none/config\.json: cannot be read"):
        read_model(tmp_path / "none", "test-model", 1, [])


def test_missing_weights_are_named(folder: Path) -> None:
    """The configuration alone is no model."""
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(ModelError, match=r"weights\.npz: cannot be read"):
        read_model(folder, "test-model", 1, ["weights"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "format: 'other' is not 'test-model'"),
        ({"features_version": 2}, "train the model anew: python -m train"),
        ({"surprise": 1}, "surprise: Extra inputs"),
    ],
)
def test_an_unfit_configuration_is_explained(
    folder: Path, change: dict[str, object], message: str
) -> None:
    """Another format, other features and unknown keys are refused by name."""
    _change(folder, **change)
    with pytest.raises(ModelError, match=message):
        read_model(folder, "test-model", 1, ["weights"])


def test_damaged_and_missing_arrays_are_refused(folder: Path) -> None:
    """A changed byte, a file that is no archive, and an array that is not in it."""
    with pytest.raises(ModelError, match="an array is missing"):
        read_model(folder, "test-model", 1, ["weights", "bias"])
    (folder / WEIGHTS_FILE).write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(ModelError, match="checksum"):
        read_model(folder, "test-model", 1, ["weights"])


@pytest.mark.parametrize("content", [b"PK\x03\x04 truncated", b"", b"no archive", _npy()])
def test_what_is_no_set_of_arrays_is_refused(folder: Path, content: bytes) -> None:
    """Whatever the file holds instead, also with a checksum that fits."""
    (folder / WEIGHTS_FILE).write_bytes(content)
    _change(folder, weights_sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelError, match="not a readable set of arrays"):
        read_model(folder, "test-model", 1, ["weights"])


def test_pickled_arrays_are_refused(folder: Path) -> None:
    """An array of objects, which would run code when read, is not read."""
    np.savez(folder / WEIGHTS_FILE, weights=np.array([{"a": 1}], dtype=object), allow_pickle=True)
    digest = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    _change(folder, weights_sha256=digest)
    with pytest.raises(ModelError, match="not a readable set of arrays"):
        read_model(folder, "test-model", 1, ["weights"])


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_configuration_that_is_no_json_is_refused(folder: Path, content: bytes) -> None:
    """The error names the file, and that its content as a whole is wrong."""
    (folder / CONFIG_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"config\.json: content: "):
        read_folder(ModelConfig, folder, "test-model")


@pytest.mark.parametrize(
    ("form", "model"),
    [
        (LinearConfig, "sentiment-en"),
        (VectorsConfig, "vectors-en"),
        (ModelConfig, "names-en"),
        (ModelConfig, "language"),
    ],
)
def test_a_bundled_model_is_written_as_it_was_read(
    form: type[ArraysConfig], model: str, tmp_path: Path
) -> None:
    """Nothing that its configuration states is lost, added or read as something else."""
    content = json.loads((MODELS / model / CONFIG_FILE).read_text(encoding="utf-8"))
    config = read_folder(form, MODELS / model, content["format"])

    write_model(tmp_path, config, read_arrays(MODELS / model, config))

    written = json.loads((tmp_path / CONFIG_FILE).read_text(encoding="utf-8"))
    assert written | {"weights_sha256": content["weights_sha256"]} == content
    assert next(iter(written)) == "format"
    assert list(written)[-1] == "scores"


def test_words_are_packed_and_unpacked() -> None:
    """Words of any script survive; none stay none."""
    assert unpack_words(pack_words(["a", "ß", "猫"])) == ["a", "ß", "猫"]
    assert unpack_words(pack_words([])) == []


def test_data_is_described(tmp_path: Path) -> None:
    """Name, lines and checksum of a file."""
    (tmp_path / "x.tsv").write_bytes(b"a\nb\n")
    [found] = describe_data(tmp_path, ["x.tsv"])
    assert (found.file, found.rows, found.sha256[:8]) == ("x.tsv", 2, "911169dd")
