import hashlib
import random
from pathlib import Path

import numpy as np
import pytest

from nlp.evaluation import read_labelled
from nlp.model_folder import CONFIG_FILE, WEIGHTS_FILE
from nlp.sentiment import (
    LinearConfig,
    LinearSentiment,
    load_sentiment,
)
from nlp.training import sentiment as training

GOOD = ("love", "great", "happy", "thanks", "wonderful", "best")
BAD = ("hate", "awful", "broken", "never", "worst", "late")
PLAIN = ("opens", "Tuesday", "store", "report", "room", "meeting")
FILLING = ("acme", "phone", "today", "the", "my", "order", "and", "this", "new", "in")


def _write(path: Path, rows: int, seed: int) -> None:
    """Write a made-up data set whose labels hang on three small vocabularies."""
    rng = random.Random(seed)
    lines = ["text\tlabel"]
    for _ in range(rows):
        label = rng.choice(("negative", "neutral", "neutral", "positive"))
        telling = {"negative": BAD, "neutral": PLAIN, "positive": GOOD}[label]
        words = rng.choices(telling, k=3) + rng.choices(FILLING, k=5)
        rng.shuffle(words)
        lines.append(f"{' '.join(words)}\t{label}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder laid out like the public data."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "sentiment").mkdir()
    _write(folder / "sentiment" / "en_train.tsv", 300, seed=1)
    _write(folder / "sentiment" / "en_validation.tsv", 60, seed=2)
    return folder


def _bundled_config() -> LinearConfig:
    """Return the configuration of the bundled model, for its number of bits."""
    model = load_sentiment("sentiment-en")
    assert isinstance(model, LinearSentiment)
    return model.config


@pytest.mark.slow
def test_training_learns_and_repeats_itself(data: Path, tmp_path: Path) -> None:
    """The same data gives the same bytes; the model knows what the data taught."""
    config = training.train(data, tmp_path / "one")
    training.train(data, tmp_path / "two")

    for name in (CONFIG_FILE, WEIGHTS_FILE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    model = load_sentiment(str(tmp_path / "one"))
    assert isinstance(model, LinearSentiment)
    assert model.probabilities(["wonderful great phone"])[0].argmax() == 2
    assert model.probabilities(["awful broken phone"])[0].argmax() == 0
    assert config.scores["validation"]["macro_recall"] > 0.9
    digest = hashlib.sha256((data / "sentiment" / "en_train.tsv").read_bytes()).hexdigest()
    assert config.data_files[0].sha256 == digest
    assert (config.data_files[0].file, config.data_files[0].rows) == ("sentiment/en_train.tsv", 300)


def test_the_model_that_runs_is_the_one_that_was_trained(data: Path) -> None:
    """Spread over tables of half precision, weights give the logits of the training matrix."""
    rows = read_labelled(data / "sentiment" / "en_train.tsv")
    features = training.build_features(rows.texts)
    weights, bias = training.fit(features.matrix, rows.labels)
    expected = features.matrix @ weights + bias

    arrays = training.tables(features, weights)
    model = LinearSentiment.of_arrays(_bundled_config(), arrays | {"bias": bias.astype(np.float32)})

    assert np.allclose(model.logits(rows.texts), expected, atol=0.02)


def test_folds_keep_copies_together() -> None:
    """Texts that differ by links or case alone are never split between training and judging."""
    texts = tuple(f"some text {index}" for index in range(200))
    copies = tuple(f"RT @a: {text.upper()} https://x.example" for text in texts)

    folds = training.folds_of(texts)

    assert folds.tolist() == training.folds_of(copies).tolist()
    assert set(folds.tolist()) == set(range(training.FOLDS))


def test_validation_texts_are_left_out_of_training(tmp_path: Path) -> None:
    """A text that both files hold is not trained on."""
    for name, words in (("a", ("one", "two")), ("b", ("TWO!", "three"))):
        body = "".join(f"{word}\tneutral\n" for word in words)
        (tmp_path / name).write_text(f"text\tlabel\n{body}", encoding="utf-8")

    kept = training.without_copies(read_labelled(tmp_path / "a"), read_labelled(tmp_path / "b"))

    assert kept.texts == ("one",)


def test_the_shift_makes_up_for_a_class_that_is_chosen_too_rarely() -> None:
    """Logits that undervalue a class are raised for it, and the temperature sharpens flat ones."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 3_000)
    logits = rng.normal(0, 0.3, (3_000, 3))
    logits[np.arange(3_000), labels] += 0.8
    logits[:, 0] -= 0.6

    shift = training.best_shift(logits, labels)

    assert 0.3 < shift[0] - shift[2] < 0.9
    flat = training.best_temperature(logits + shift, labels)
    assert training.best_temperature(2 * (logits + shift), labels) == pytest.approx(
        2 * flat, rel=0.01
    )
