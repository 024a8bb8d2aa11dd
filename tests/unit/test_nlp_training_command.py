import json
from pathlib import Path

import pytest

from nlp.model_folder import ModelConfig
from nlp.training.command import run
from nlp.training.corpus import VARIABLE

SCORES = {"validation": {"f1": 0.5}}


class RecordingTrainer:
    """Keeps what it was told to train on and where to write."""

    def __init__(self) -> None:
        self.told: list[tuple[Path, Path]] = []

    def __call__(self, data: Path, folder: Path) -> ModelConfig:
        """Return a configuration with scores."""
        self.told.append((data, folder))
        return ModelConfig(
            format="test-model",
            name="small",
            version="1.0",
            features_version=1,
            labels=(),
            command="none",
            scores=SCORES,
        )


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> RecordingTrainer:
    """Return a trainer, with no data named by the environment."""
    monkeypatch.delenv(VARIABLE, raising=False)
    return RecordingTrainer()


def _run(monkeypatch: pytest.MonkeyPatch, trainer: RecordingTrainer, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["train", *arguments])
    run("small", trainer, Path("bundled"))


def test_arguments_say_data_and_folder(
    monkeypatch: pytest.MonkeyPatch, trainer: RecordingTrainer, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was measured is written to the terminal as JSON."""
    _run(monkeypatch, trainer, "--data", "some/data", "--out", "mine")

    assert trainer.told == [(Path("some/data"), Path("mine"))]
    assert json.loads(capsys.readouterr().out) == SCORES


def test_the_environment_names_the_data(
    monkeypatch: pytest.MonkeyPatch, trainer: RecordingTrainer
) -> None:
    """Without arguments the data are the environment's and the bundled model is written anew."""
    monkeypatch.setenv(VARIABLE, "other/data")

    _run(monkeypatch, trainer)

    assert trainer.told == [(Path("other/data"), Path("bundled"))]


def test_without_data_nothing_is_trained(
    monkeypatch: pytest.MonkeyPatch, trainer: RecordingTrainer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error says both ways to name the data."""
    with pytest.raises(SystemExit):
        _run(monkeypatch, trainer)

    assert f"name the data with --data or {VARIABLE}" in capsys.readouterr().err
    assert trainer.told == []
