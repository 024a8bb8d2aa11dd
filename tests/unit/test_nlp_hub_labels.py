import sys
from pathlib import Path

import pytest

from core.errors import ModelError
from core.mention import Sentiment
from nlp.checkpoints import columns_of
from nlp.sentiment import load_sentiment

NEGATIVE, NEUTRAL, POSITIVE = Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE


@pytest.mark.parametrize(
    ("labels", "label_map", "columns"),
    [
        (["negative", "neutral", "positive"], None, (NEGATIVE, NEUTRAL, POSITIVE)),
        (["POS", "NEG", "NEU"], None, (POSITIVE, NEGATIVE, NEUTRAL)),
        (["NEGATIVE", "POSITIVE"], None, (NEGATIVE, POSITIVE)),
        (
            ["1 star", "3 stars", "5 stars"],
            {"1 star": "negative", "3 stars": "neutral", "5 Stars": "positive"},
            (NEGATIVE, NEUTRAL, POSITIVE),
        ),
    ],
)
def test_labels_find_their_meaning(
    labels: list[str], label_map: dict[str, str] | None, columns: tuple[Sentiment, ...]
) -> None:
    """Usual names are known in any case, others by the configured mapping."""
    assert columns_of("x", dict(enumerate(labels)), label_map) == columns


@pytest.mark.parametrize(
    ("labels", "label_map", "message"),
    [
        (["joy", "anger"], None, "cannot tell what joy, anger means"),
        (["positive", "neutral"], None, "they do not fit"),
        (["positive", "negative"], {"good": "positive"}, "names good, which it has not"),
    ],
)
def test_labels_that_do_not_fit_are_explained(
    labels: list[str], label_map: dict[str, str] | None, message: str
) -> None:
    """The error lists the checkpoint's labels and the setting that maps them."""
    with pytest.raises(ModelError, match=message) as caught:
        columns_of("some/checkpoint", dict(enumerate(labels)), label_map)

    assert ", ".join(labels) in str(caught.value)
    assert "models.sentiment_labels" in str(caught.value)


def test_missing_torch_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, naming a checkpoint that needs it says what to install."""
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "model.safetensors").touch()

    with pytest.raises(ModelError, match=r"groundswell\[hub\].*ONNX"):
        load_sentiment(str(tmp_path))


def test_a_name_that_cannot_be_fetched_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without network and without a cached copy the error says what was looked for."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(ModelError, match="no bundled model and no folder, and cannot be fetched"):
        load_sentiment("some/checkpoint")


@pytest.mark.parametrize("name", ["/no/such/model", "a/b/c", "what model?", ""])
def test_a_name_that_is_none_is_explained(name: str) -> None:
    """What can be no folder and no name of the hub is not asked for; the bundled ones are told."""
    with pytest.raises(ModelError, match=r"no bundled model .*sentiment-en"):
        load_sentiment(name)
