import json
import warnings
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelError
from core.mention import Mention, Sentiment
from core.settings import ModelSettings, Settings
from nlp.analyser import Analyser
from nlp.hub import HubSentiment
from nlp.hub_onnx import OnnxSentiment
from nlp.sentiment import load_sentiment

pytestmark = pytest.mark.hub

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "phone", "the", "is", "a"]
TEXTS = ["the phone is good", "bad", "", "good " * 5_000, "😀 unknown words"]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Write a real checkpoint, a tiny random BERT with its tokenizer, as any trainer would."""
    import torch
    import transformers

    folder = tmp_path / "tiny-bert"
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS), encoding="utf-8")
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        id2label={0: "Negative", 1: "Neutral", 2: "Positive"},
        label2id={"Negative": 0, "Neutral": 1, "Positive": 2},
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    transformers.BertTokenizerFast(str(vocabulary)).save_pretrained(folder)
    return folder


def _relabel(folder: Path, *labels: str) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["id2label"] = {str(index): label for index, label in enumerate(labels)}
    config["label2id"] = {label: index for index, label in enumerate(labels)}
    path.write_text(json.dumps(config), encoding="utf-8")


def test_a_checkpoint_classifies(checkpoint: Path) -> None:
    """Texts of any length get probabilities, in the order given."""
    model = load_sentiment(str(checkpoint))

    scores = model.probabilities(TEXTS)

    assert model.name == "tiny-bert"
    assert scores.shape == (len(TEXTS), 3)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    alone = np.concatenate([model.probabilities([text]) for text in TEXTS])
    assert np.allclose(scores, alone, atol=1e-5)
    assert model.probabilities([]).shape == (0, 3)


def test_one_line_of_configuration_changes_the_model(checkpoint: Path) -> None:
    """The analyser that the settings describe uses the checkpoint and says so."""
    models = ModelSettings(sentiment=str(checkpoint), entities=False)
    analyser = Analyser.from_settings(Settings(models=models))
    mention = Mention(id="a", text="I think that the phone is good for the money")

    [outcome] = analyser.analyse([mention], datetime(2026, 3, 1, tzinfo=UTC))

    assert outcome.mention.enrichment is not None
    assert outcome.mention.enrichment.sentiment in set(Sentiment)
    assert "tiny-bert" in outcome.mention.enrichment.models


def test_labels_can_be_mapped(checkpoint: Path) -> None:
    """Labels of other names are mapped by configuration; those of one meaning are added up."""
    plain = load_sentiment(str(checkpoint)).probabilities(TEXTS)
    _relabel(checkpoint, "LABEL_0", "LABEL_1", "LABEL_2")
    swapped = {"LABEL_0": "positive", "label_1": "negative", "LABEL_2": "negative"}

    scores = HubSentiment.load(str(checkpoint), label_map=swapped).probabilities(TEXTS)

    assert np.allclose(scores[:, 2], plain[:, 0])
    assert np.allclose(scores[:, 0], plain[:, 1] + plain[:, 2])
    assert not scores[:, 1].any()


def test_unclear_labels_are_refused(checkpoint: Path) -> None:
    """LABEL_0 may mean anything: the error says where to write what it means."""
    _relabel(checkpoint, "LABEL_0", "LABEL_1", "LABEL_2")

    with pytest.raises(ModelError, match=r"LABEL_0, LABEL_1, LABEL_2.*models\.sentiment_labels"):
        load_sentiment(str(checkpoint))


def test_pickled_weights_are_refused(checkpoint: Path) -> None:
    """A checkpoint without safetensors weights is not loaded: a pickle may run code."""
    import torch
    from safetensors.torch import load_file

    weights = checkpoint / "model.safetensors"
    torch.save(load_file(weights), checkpoint / "pytorch_model.bin")
    weights.unlink()

    with pytest.raises(ModelError, match=r"pickled weights alone \(pytorch_model\.bin\)"):
        load_sentiment(str(checkpoint))
    with pytest.raises(ModelError, match="cannot be loaded"):
        HubSentiment.load(str(checkpoint))


def test_both_runtimes_say_the_same(checkpoint: Path) -> None:
    """A checkpoint exported as torch does it is read by ONNX Runtime, with the same scores."""
    import torch
    import transformers

    plain = load_sentiment(str(checkpoint))
    network = transformers.AutoModelForSequenceClassification.from_pretrained(
        checkpoint, attn_implementation="eager"
    )
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = torch.ones((2, 5), dtype=torch.long)
    with warnings.catch_warnings():
        # This exporter is deprecated for one that needs another package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (example, example, example * 0),
            str(checkpoint / "model.onnx"),
            input_names=names,
            output_names=["logits"],
            dynamic_axes={name: {0: "texts", 1: "tokens"} for name in names},
            opset_version=17,
            dynamo=False,
        )

    exported = load_sentiment(str(checkpoint))

    assert isinstance(plain, HubSentiment)
    assert isinstance(exported, OnnxSentiment)
    assert np.allclose(exported.probabilities(TEXTS), plain.probabilities(TEXTS), atol=1e-4)


def test_code_of_the_checkpoint_is_not_run(checkpoint: Path) -> None:
    """A checkpoint that brings a model class of its own is refused, and its file not executed."""
    path = checkpoint / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}
    path.write_text(json.dumps(config), encoding="utf-8")
    witness = checkpoint / "witness"
    (checkpoint / "own.py").write_text(f"open({str(witness)!r}, 'w').close()", encoding="utf-8")

    with pytest.raises(ModelError, match="cannot be loaded"):
        load_sentiment(str(checkpoint))

    assert not witness.exists()


def test_truncated_weights_are_refused(checkpoint: Path) -> None:
    """A file that was cut short is an error of the model, not of a mention."""
    weights = checkpoint / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])

    with pytest.raises(ModelError, match="cannot be loaded"):
        load_sentiment(str(checkpoint))


def test_a_checkpoint_without_a_classifier_is_refused(checkpoint: Path) -> None:
    """Weights that would be made up at random are never used."""
    from safetensors.torch import load_file, save_file

    weights = checkpoint / "model.safetensors"
    kept = {name: w for name, w in load_file(weights).items() if "classifier" not in name}
    save_file(kept, weights, metadata={"format": "pt"})

    with pytest.raises(ModelError, match=r"not trained to classify texts: no classifier\.bias"):
        load_sentiment(str(checkpoint))
