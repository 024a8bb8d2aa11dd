import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from core.errors import ModelError
from nlp.hub_onnx import OnnxSentiment
from nlp.sentiment import load_sentiment
from tests.fakes.models import SIZE, rewrite_config, tokenizer, write_checkpoint
from tests.fakes.onnx_bert import Size, bert

TEXTS = ["the phone is good", "bad", "", "good " * 5_000, "😀 unknown words", "\ud800 lone"]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Return a classifier with ONNX weights in the layout of Hugging Face."""
    return write_checkpoint(tmp_path / "tiny-bert")


def test_a_checkpoint_with_onnx_weights_classifies(checkpoint: Path) -> None:
    """Texts of any length and kind get probabilities, in the order given."""
    model = load_sentiment(str(checkpoint))

    scores = model.probabilities(TEXTS)

    assert isinstance(model, OnnxSentiment)
    assert model.name.startswith("tiny-bert@")
    assert model.languages == {"en"}
    assert scores.shape == (len(TEXTS), 3)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    alone = np.concatenate([model.probabilities([text]) for text in TEXTS])
    assert np.allclose(scores, alone, atol=1e-5)
    assert model.probabilities([]).shape == (0, 3)


def test_neither_torch_nor_transformers_is_needed(checkpoint: Path) -> None:
    """One line of configuration makes the analyser use it, in a process without either."""
    program = (
        "import sys; from datetime import UTC, datetime\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from core.mention import Mention; from core.settings import ModelSettings, Settings\n"
        "from nlp.analyser import Analyser\n"
        "models = ModelSettings(sentiment=sys.argv[1], entities=False)\n"
        "mention = Mention(id='a', text='I think that the phone is good for the money')\n"
        "analyser = Analyser.from_settings(Settings(models=models))\n"
        "[outcome] = analyser.analyse([mention], datetime(2026, 3, 1, tzinfo=UTC))\n"
        "found = outcome.mention.enrichment; print(found.sentiment, found.models[1])"
    )

    result = subprocess.run(
        [sys.executable, "-c", program, str(checkpoint)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr
    label, name = result.stdout.split()
    assert label in {"negative", "neutral", "positive"}
    assert name.startswith("tiny-bert@")


@pytest.mark.parametrize("file", ["model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx"])
def test_the_network_may_lie_where_exporters_put_it(tmp_path: Path, file: str) -> None:
    """The usual places and names are looked at."""
    folder = write_checkpoint(tmp_path / "x", network_file=file)

    assert load_sentiment(str(folder)).probabilities(["good"]).shape == (1, 3)


def test_languages_are_the_users_word(checkpoint: Path) -> None:
    """What a checkpoint was trained for cannot be seen: it is said beside its name."""
    assert load_sentiment(str(checkpoint), languages=["de", "fr"]).languages == {"de", "fr"}


def test_another_network_has_another_name(tmp_path: Path) -> None:
    """What is stored beside results tells weights apart that bear one name."""
    one = load_sentiment(str(write_checkpoint(tmp_path / "a" / "x")))
    other = bert({"logits": 3}, SIZE, seed=1)
    two = load_sentiment(str(write_checkpoint(tmp_path / "b" / "x", other)))

    assert one.name != two.name


def test_labels_can_be_mapped(tmp_path: Path) -> None:
    """Labels of other names are mapped by configuration; those of one meaning are added up."""
    plain = load_sentiment(str(write_checkpoint(tmp_path / "x"))).probabilities(TEXTS)
    rated = write_checkpoint(tmp_path / "y", labels=("1 star", "2 stars", "5 stars"))
    label_map = {"1 star": "positive", "2 Stars": "negative", "5 stars": "negative"}

    scores = load_sentiment(str(rated), label_map=label_map).probabilities(TEXTS)

    assert np.allclose(scores[:, 2], plain[:, 0])
    assert np.allclose(scores[:, 0], plain[:, 1] + plain[:, 2])
    assert not scores[:, 1].any()


def test_unclear_labels_are_refused(tmp_path: Path) -> None:
    """LABEL_0 may mean anything: the error says where to write what it means."""
    folder = write_checkpoint(tmp_path / "x", labels=("LABEL_0", "LABEL_1", "LABEL_2"))

    with pytest.raises(ModelError, match=r"LABEL_0, LABEL_1, LABEL_2.*models\.sentiment_labels"):
        load_sentiment(str(folder))


def test_more_labels_than_outputs_are_refused(tmp_path: Path) -> None:
    """A configuration of another model than the network's is found when it is loaded."""
    folder = write_checkpoint(tmp_path / "x", bert({"logits": 2}, SIZE))

    with pytest.raises(ModelError, match=r"output logits: of shape \(2, 2\).* has 3 labels"):
        load_sentiment(str(folder))


def test_the_only_output_may_have_any_name(tmp_path: Path) -> None:
    """With several, the one called logits is taken, and it must be there."""
    single = write_checkpoint(tmp_path / "x", bert({"output_0": 3}, SIZE))
    several = write_checkpoint(tmp_path / "y", bert({"one": 3, "two": 3}, SIZE))
    both = write_checkpoint(tmp_path / "z", bert({"other": 5, "logits": 3}, SIZE))

    assert load_sentiment(str(single)).probabilities(["good"]).shape == (1, 3)
    assert load_sentiment(str(both)).probabilities(["good"]).shape == (1, 3)
    with pytest.raises(ModelError, match=r"has no output logits \(it has one, two\)"):
        load_sentiment(str(several))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id2label": {}}, "id2label"),
        ({"id2label": {"a": "positive"}}, "id2label"),
        ({"id2label": {str(n): f"label {n}" for n in range(200)}}, "id2label"),
        ({"pad_token_id": -1}, "pad_token_id"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    checkpoint: Path, changes: dict[str, Any], message: str
) -> None:
    """The error names the file and the key."""
    rewrite_config(checkpoint, **changes)

    with pytest.raises(ModelError, match=rf"config\.json: {message}"):
        load_sentiment(str(checkpoint))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_missing_file_is_named(checkpoint: Path, name: str) -> None:
    """The error says which file of the checkpoint cannot be read."""
    (checkpoint / name).unlink()

    with pytest.raises(ModelError, match=rf"{name}: cannot be read"):
        load_sentiment(str(checkpoint))


def test_a_configuration_that_is_no_json_is_refused(checkpoint: Path) -> None:
    """A web page saved in place of the file is told so."""
    (checkpoint / "config.json").write_text("<html>", encoding="utf-8")

    with pytest.raises(ModelError, match=r"config\.json: content: Invalid JSON"):
        load_sentiment(str(checkpoint))


def test_a_configuration_without_end_is_not_read(checkpoint: Path) -> None:
    """A file of some kilobytes that has megabytes is refused before it is in memory."""
    with (checkpoint / "config.json").open("r+b") as stream:
        stream.truncate(6_000_000)

    with pytest.raises(ModelError, match=r"config\.json: 6 MB, at most 5 MB"):
        load_sentiment(str(checkpoint))


def test_families_that_waste_positions_are_known(tmp_path: Path) -> None:
    """RoBERTa counts positions from behind the padding's id: two fewer tokens fit."""
    folder = write_checkpoint(tmp_path / "x", model_type="roberta", pad_token_id=1)
    (folder / "tokenizer_config.json").unlink()
    shorter = bert({"logits": 3}, Size(words=SIZE.words, positions=SIZE.positions - 2))
    onnx.save(shorter, folder / "model.onnx")

    assert load_sentiment(str(folder)).probabilities(["good " * 100]).shape == (1, 3)


def test_code_of_a_checkpoint_is_never_run(checkpoint: Path) -> None:
    """A class of its own in the configuration is not even looked at."""
    witness = checkpoint / "witness"
    (checkpoint / "own.py").write_text(f"open({str(witness)!r}, 'w').close()", encoding="utf-8")
    rewrite_config(checkpoint, model_type="own", auto_map={"AutoConfig": "own.Own"})

    load_sentiment(str(checkpoint)).probabilities(["good"])

    assert not witness.exists()


def test_custom_operators_are_refused(checkpoint: Path) -> None:
    """A network that wants a library of its own is not given one."""
    path = checkpoint / "model.onnx"
    network = onnx.load(path)
    network.graph.node[-1].domain = "com.example"
    onnx.save(network, path)

    with pytest.raises(ModelError, match=r"uses the operator com\.example:Add"):
        load_sentiment(str(checkpoint))


def test_weights_outside_the_folder_are_refused(checkpoint: Path) -> None:
    """A network cannot make the runtime read other files of the machine."""
    path = checkpoint / "model.onnx"
    network = onnx.load(path)
    tensor = network.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    path.write_bytes(network.SerializeToString())

    with pytest.raises(ModelError, match="outside its folder"):
        load_sentiment(str(checkpoint))


def test_weights_beside_the_network_are_read(tmp_path: Path) -> None:
    """Large models keep their weights in a second file of the folder."""
    whole = write_checkpoint(tmp_path / "x")
    divided = write_checkpoint(tmp_path / "y", network_file="onnx/model.onnx")
    onnx.save(
        bert({"logits": 3}, SIZE),
        divided / "onnx" / "model.onnx",
        save_as_external_data=True,
        location="model.onnx_data",
        size_threshold=256,
    )

    scores = load_sentiment(str(divided)).probabilities(TEXTS)

    assert np.allclose(scores, load_sentiment(str(whole)).probabilities(TEXTS))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "tf_model.h5"])
def test_pickled_weights_are_refused(checkpoint: Path, name: str) -> None:
    """Also without torch the error says why, and what to do."""
    (checkpoint / "model.onnx").rename(checkpoint / name)

    with pytest.raises(ModelError, match=rf"pickled weights alone \({name}\).*safetensors"):
        load_sentiment(str(checkpoint))


def test_a_checkpoint_without_weights_is_refused(checkpoint: Path) -> None:
    """The error names the files that would do."""
    (checkpoint / "model.onnx").unlink()

    with pytest.raises(ModelError, match=r"has no weights: expected model\.onnx"):
        load_sentiment(str(checkpoint))


def test_the_tokenizer_must_be_the_networks(checkpoint: Path) -> None:
    """More tokens than the network knows are found when it is loaded."""
    other = tokenizer()
    other.add_tokens(["more"])
    other.save(str(checkpoint / "tokenizer.json"))

    with pytest.raises(ModelError, match="not of one model"):
        load_sentiment(str(checkpoint))
