import sys

import pytest

from core.errors import ModelError
from core.mention import Sentiment
from nlp.hub import columns_of
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


def test_missing_torch_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, naming a checkpoint says what to install."""
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(ModelError, match=r"groundswell\[hub\]"):
        load_sentiment("some/checkpoint")
