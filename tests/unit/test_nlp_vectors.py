"""The bundled sentence vectors: what they say, and what a damaged folder is told."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from nlp.sentiment import MODELS
from nlp.vectors import DEFAULT_MODEL, SentenceVectors, load_vectors

FOLDER = MODELS / DEFAULT_MODEL
TEXTS = (
    "The striker scored twice and the team won the match",
    "Our goalkeeper saved a penalty in the final",
    "The central bank raised interest rates again",
    "😀" * 50,
    "",
    "https://example.org/x",
    "\ud800 broken \u202e text \x00",
    "word " * 40_000,
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the bundled folder that a test may damage."""
    return shutil.copytree(FOLDER, tmp_path / "vectors")


def test_alike_texts_point_alike() -> None:
    """Two texts about a match are nearer to each other than to one about money."""
    football, goal, money = load_vectors().vectors(TEXTS[:3])

    assert football @ goal > max(football @ money, goal @ money) + 0.15


def test_rows_have_length_one_or_zero() -> None:
    """Whatever a text holds, its row has length one, or zeros where no word is known."""
    rows = load_vectors().vectors(TEXTS)
    lengths = np.linalg.norm(rows, axis=1)

    assert rows.shape == (len(TEXTS), load_vectors().dimensions)
    assert np.isfinite(rows).all()
    assert all(abs(length - 1) < 1e-5 or length == 0 for length in lengths)
    assert lengths[4] == 0


def test_a_row_does_not_depend_on_the_others() -> None:
    """A text alone gets the vector that it gets in a batch, and no text gets none."""
    vectors = load_vectors()
    together = vectors.vectors(TEXTS)

    alone = np.concatenate([vectors.vectors([text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-6)
    assert vectors.vectors([]).shape == (0, vectors.dimensions)


def test_the_folder_is_small_and_says_what_it_is() -> None:
    """It fits its budget, and names its licence, its source and how it was made."""
    config = load_vectors().config

    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 4_000_000
    assert config.licence == "Apache-2.0"
    assert config.encoder_sha256.startswith("53aa51172d142c89")
    assert "nlp.training.vectors" in config.command
    assert len(config.labels) == 17


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder without files is an error that names the file."""
    with pytest.raises(ModelError, match=r"config\.json: cannot be read"):
        SentenceVectors.load(tmp_path)


def test_damaged_weights_are_refused(copy: Path) -> None:
    """A file that is not the one that the configuration speaks of is not used."""
    content = (copy / "weights.npz").read_bytes()
    (copy / "weights.npz").write_bytes(content[:-100])

    with pytest.raises(ModelError, match="checksum"):
        SentenceVectors.load(copy)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "pickle", "format: 'pickle'"),
        ("text_version", 99, "train the model anew"),
        ("dimensions", 64, "expected shape"),
        ("thresholds", [0.5], "expected one a label"),
        ("surprise", 1, "surprise"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    copy: Path, key: str, value: object, message: str
) -> None:
    """Another format, other texts, other shapes and unknown keys are told."""
    path = copy / "config.json"
    data = json.loads(path.read_text(encoding="utf-8")) | {key: value}
    path.write_text(json.dumps(data), encoding="utf-8")

    with pytest.raises(ModelError, match=message):
        SentenceVectors.load(copy)
