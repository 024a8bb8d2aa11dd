import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ModelError, QuarantineError
from nlp.encoder import EMOTIONS, EncoderModel
from nlp.encoder_text import TEXT_VERSION
from nlp.network import BATCH_TOKENS, F32, THREADS_VARIABLE, usual_threads
from nlp.sentiment import LABELS, load_sentiment
from tests.fakes.models import HEADS, SIZE, digests, rewrite_config, tokenizer, write_encoder
from tests.fakes.onnx_bert import Size, bert

TEXTS = [
    "the phone is good",
    "",
    "bad",
    "good " * 5_000,
    "😀 unknown WORDS!",
    "I love it https://a.example/x @acme #NotBad",
    "\ud800 lone",
    "\u202ebad\u200b good",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a sound model folder that no test changes."""
    return write_encoder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> EncoderModel:
    """Return the loaded model."""
    return EncoderModel.load(folder)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a model folder that a test may damage."""
    return write_encoder(tmp_path / "tiny")


def _heads(**changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: head | changes.get(name, {}) for name, head in HEADS.items()}


def _quantise(network: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(network, folder / "whole.onnx")
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            folder / "whole.onnx",
            folder / "small.onnx",
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gather"],
        )
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load(folder / "small.onnx")


def test_one_pass_says_everything(model: EncoderModel) -> None:
    """Sentiment, emotion and offence are probabilities, a row a text, whatever the text."""
    found = model.read(TEXTS)

    assert found.sentiment.shape == (len(TEXTS), 3)
    assert found.emotion is not None
    assert found.emotion.shape == (len(TEXTS), 4)
    assert found.offensive is not None
    assert found.offensive.shape == (len(TEXTS),)
    assert np.allclose(found.sentiment.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(found.emotion.sum(axis=1), 1, atol=1e-5)
    assert np.all((found.offensive >= 0) & (found.offensive <= 1))
    assert np.array_equal(found.sentiment, model.probabilities(TEXTS))


def test_no_texts_give_no_rows(model: EncoderModel) -> None:
    """An empty batch has the shapes of its columns."""
    found = model.read([])

    assert found.sentiment.shape == (0, 3)
    assert found.emotion is not None
    assert found.emotion.shape == (0, 4)
    assert model.towards([]).shape == (0, 3)


def test_what_is_said_is_what_the_network_says(model: EncoderModel, folder: Path) -> None:
    """The logits are those of the runtime asked directly, in single precision."""
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    encoding = tokenizer().encode("the phone is good")
    feed = {
        "input_ids": np.array([encoding.ids]),
        "attention_mask": np.ones((1, len(encoding)), dtype=np.int64),
        "token_type_ids": np.zeros((1, len(encoding)), dtype=np.int64),
    }

    [expected] = session.run(["sentiment"], feed)

    assert np.allclose(model.logits(["the phone is good"])["sentiment"], expected, atol=1e-6)


def test_a_pair_is_text_and_target(model: EncoderModel, folder: Path) -> None:
    """The target is the second segment, and another target gets another answer."""
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    encoding = tokenizer().encode("the phone is good", "phone")
    assert encoding.type_ids[-2:] == [1, 1]
    feed = {
        "input_ids": np.array([encoding.ids]),
        "attention_mask": np.ones((1, len(encoding)), dtype=np.int64),
        "token_type_ids": np.array([encoding.type_ids]),
    }
    [logits] = session.run(["target"], feed)

    found = model.towards([("the phone is good", "phone"), ("the phone is good", "refund")])

    assert np.allclose(found[0], np.exp(logits[0]) / np.exp(logits[0]).sum(), atol=1e-5)
    assert not np.allclose(found[0], found[1])


def test_endless_pairs_are_cut(model: EncoderModel) -> None:
    """Text or target of any length fit into the tokens that the encoder reads."""
    long = "good " * 50_000

    found = model.towards([(long, "phone"), ("phone", long), (long, long), ("", "")])

    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_text_scores_the_same_in_any_batch(folder: Path, threads: int) -> None:
    """Batches and threads are a matter of speed alone."""
    model = EncoderModel.load(folder, threads=threads)
    texts = [*TEXTS, *(f"phone {'is good ' * n}" for n in range(2 * BATCH_TOKENS // 32))]

    together = model.read(texts)

    alone = np.concatenate([model.probabilities([text]) for text in texts])
    assert np.allclose(together.sentiment, alone, atol=1e-5)
    turned = model.probabilities(texts[::-1])[::-1]
    assert np.allclose(together.sentiment, turned, atol=1e-5)


def test_a_quantised_network_reads_each_text_alone(tmp_path: Path) -> None:
    """Int8 scales are those of a whole batch, so there a batch would change every text's score."""
    network = bert({name: len(head["labels"]) for name, head in HEADS.items()}, SIZE)
    folder = write_encoder(tmp_path / "int8", _quantise(network, tmp_path))
    model = EncoderModel.load(folder, threads=2)

    together = model.read(TEXTS)

    alone = np.concatenate([model.probabilities([text]) for text in TEXTS])
    assert np.array_equal(together.sentiment, alone)
    whole = EncoderModel.load(write_encoder(tmp_path / "fp32", network))
    assert np.abs(whole.probabilities(TEXTS) - alone).max() < 0.2
    assert not np.array_equal(whole.probabilities(TEXTS), alone)


@settings(max_examples=20)
@given(texts=st.lists(st.text(st.characters(exclude_categories=[]), max_size=60), max_size=6))
def test_any_characters_are_read(model: EncoderModel, texts: list[str]) -> None:
    """No text, be it of controls, surrogates or of any script, breaks the tokenizer."""
    assert np.allclose(model.probabilities(texts).sum(axis=1), 1, atol=1e-5)


def test_shift_and_temperature_make_the_probabilities(tmp_path: Path, model: EncoderModel) -> None:
    """The shift is added to the logits, then all is divided by the temperature."""
    changed = {"shift": [1.0, -2.0, 0.5], "temperature": 2.0}
    other = EncoderModel.load(write_encoder(tmp_path / "x", heads=_heads(sentiment=changed)))
    logits = model.logits(["good phone"])["sentiment"]

    expected = np.exp((logits + np.array([1.0, -2.0, 0.5])) / 2)

    found = other.probabilities(["good phone"])
    assert np.allclose(found, expected / expected.sum(), atol=1e-5)


def test_labels_may_stand_in_any_order(tmp_path: Path, model: EncoderModel) -> None:
    """The columns of the file find their places in ours by their names."""
    turned = _heads(
        sentiment={"labels": ["positive", "negative", "neutral"]},
        emotion={"labels": ["sadness", "optimism", "joy", "anger"]},
        offensive={"labels": ["offensive", "not_offensive"]},
    )
    other = EncoderModel.load(write_encoder(tmp_path / "x", heads=turned))

    plain, found = model.read(["good phone"]), other.read(["good phone"])

    assert np.allclose(found.sentiment, plain.sentiment[:, [1, 2, 0]], atol=1e-6)
    assert found.emotion is not None
    assert plain.emotion is not None
    assert np.allclose(found.emotion, plain.emotion[:, ::-1], atol=1e-6)
    assert found.offensive is not None
    assert plain.offensive is not None
    assert np.allclose(found.offensive, 1 - plain.offensive, atol=1e-6)
    assert [emotion.value for emotion in EMOTIONS] == HEADS["emotion"]["labels"]


def test_heads_may_be_missing(tmp_path: Path) -> None:
    """An encoder of sentiment alone says nothing of the rest, and nothing towards targets."""
    heads = {"sentiment": HEADS["sentiment"]}
    model = EncoderModel.load(write_encoder(tmp_path / "x", heads=heads))

    found = model.read(["good"])

    assert (found.emotion, found.offensive) == (None, None)
    with pytest.raises(ModelError, match=r"tiny-encoder@0\.1 was not trained"):
        model.towards([("good", "phone")])


def test_it_says_what_it_is(model: EncoderModel, folder: Path) -> None:
    """Name, version, languages and thresholds are those of its configuration."""
    assert model.name == "tiny-encoder@0.1"
    assert model.languages == {"en"}
    assert model.minimum_confidence == dict.fromkeys(HEADS, 0.0)
    assert load_sentiment(str(folder)).name == model.name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "format: 'other'"),
        ({"text_version": TEXT_VERSION + 1}, "text_version: trained on"),
        ({"surprise": 1}, "surprise"),
        ({"max_tokens": 100_000}, "max_tokens"),
        ({"name": "../x"}, "name"),
        ({"languages": []}, "languages"),
        ({"files": {"model.onnx": "0" * 64}}, "files: expected the checksums of"),
        ({"files": {"model.onnx": "0" * 64, "tokenizer.json": "0" * 64}}, "checksum"),
        ({"heads": {}}, "heads: needs one called sentiment"),
        ({"heads": _heads(sentiment={"labels": ["bad", "good"]})}, "heads.sentiment.labels"),
        ({"heads": _heads(emotion={"labels": ["joy"] * 4})}, "heads.emotion.labels"),
        ({"heads": _heads(sentiment={"shift": [1.0]})}, "one number a label"),
        ({"heads": _heads(sentiment={"temperature": 0})}, "temperature"),
        ({"heads": HEADS | {"irony": HEADS["offensive"]}}, "heads.irony"),
        ({"front": {"model": "../../x", "threshold": 0.9}}, "front.model"),
        ({"front": {"model": "x", "threshold": 9}}, "front.threshold"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(
    own: Path, changes: dict[str, Any], message: str
) -> None:
    """The error names the file and what is wrong with it."""
    rewrite_config(own, **changes)

    with pytest.raises(ModelError, match=message) as caught:
        EncoderModel.load(own)

    assert str(own) in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(own: Path, name: str) -> None:
    """The error says which file of the model cannot be read."""
    (own / name).unlink()

    with pytest.raises(ModelError, match=rf"{name}: cannot be read"):
        EncoderModel.load(own)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_found_by_its_checksum(own: Path, name: str) -> None:
    """A file cut short is refused before anything is read from it."""
    (own / name).write_bytes((own / name).read_bytes()[:-10])

    with pytest.raises(ModelError, match=f"{name}: its checksum"):
        EncoderModel.load(own)


def _replace(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    rewrite_config(folder, files=digests(folder))


@pytest.mark.parametrize("content", [b"{}", b"\xff\xfe", b'{"model": {"type": "Other"}}'])
def test_a_tokenizer_that_cannot_be_read_is_refused(own: Path, content: bytes) -> None:
    """Also with a checksum that fits."""
    _replace(own, "tokenizer.json", content)

    with pytest.raises(ModelError, match=r"tokenizer\.json: (no tokenizer|not UTF-8)"):
        EncoderModel.load(own)


def test_a_tokenizer_of_another_model_is_refused(own: Path) -> None:
    """More words than the network knows would fail on some texts only."""
    other = tokenizer()
    other.add_tokens(["more", "words"])
    _replace(own, "tokenizer.json", other.to_str().encode())

    with pytest.raises(ModelError, match=f"knows {SIZE.words} tokens, its tokenizer has"):
        EncoderModel.load(own)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (bert({"sentiment": 3, "emotion": 4, "offensive": 2}, SIZE), "has no output target"),
        (
            bert({"sentiment": 2, "emotion": 4, "offensive": 2, "target": 3}, SIZE),
            r"output sentiment: of shape \(2, 2\) for two texts, the configuration has 3",
        ),
        (
            bert(
                {"sentiment": 3, "emotion": 4, "offensive": 2, "target": 3},
                Size(words=SIZE.words, positions=10),
            ),
            "fails on a text of 32 tokens",
        ),
    ],
    ids=["head", "columns", "positions"],
)
def test_a_network_that_does_not_fit_is_refused(
    tmp_path: Path, network: onnx.ModelProto, message: str
) -> None:
    """What would fail on the first mention, or on the first long one, fails when it is loaded."""
    with pytest.raises(ModelError, match=message):
        EncoderModel.load(write_encoder(tmp_path / "x", network))


def test_other_inputs_are_refused(tmp_path: Path) -> None:
    """A network that wants pictures is no text classifier."""
    network = bert({"sentiment": 3}, SIZE)
    network.graph.input.append(
        onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, [1])
    )

    with pytest.raises(ModelError, match=r"wants the inputs .*pixels"):
        EncoderModel.load(write_encoder(tmp_path / "x", network))


def test_a_network_that_the_runtime_refuses_is_explained(tmp_path: Path) -> None:
    """The runtime's own words are passed on, in one line."""
    network = bert({"sentiment": 3}, SIZE)
    network.graph.initializer[0].dims[0] = 10**12

    with pytest.raises(ModelError, match=r"ONNX Runtime .* does not accept it") as caught:
        EncoderModel.load(write_encoder(tmp_path / "x", network))

    assert "\n" not in str(caught.value)


def test_a_refusal_leaves_standard_output_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A name that is no text makes the runtime fail otherwise; it must not print into results."""
    network = bert({"sentiment": 3}, SIZE)
    folder = write_encoder(tmp_path / "x", network, heads={"sentiment": HEADS["sentiment"]})
    content = network.SerializeToString().replace(b"w_0", b"\xff_0", 1)
    _replace(folder, "model.onnx", content)

    with pytest.raises(ModelError):
        EncoderModel.load(folder)

    assert capfd.readouterr().out == ""


def test_an_answer_that_is_no_number_is_no_answer(
    model: EncoderModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Infinity out of a network is an error of that text, not a label."""

    class Broken:
        def run(self, names: list[str], feed: dict[str, Any]) -> list[F32]:
            return [np.full((len(feed["input_ids"]), 3), np.nan, dtype=np.float32) for _ in names]

    monkeypatch.setattr(model._network, "_session", Broken())

    with pytest.raises(QuarantineError, match="not a number"):
        model.probabilities(["good"])


@pytest.mark.parametrize(("told", "threads"), [("3", 3), ("0", None), ("many", None), ("", None)])
def test_the_environment_says_how_many_texts_at_once(
    monkeypatch: pytest.MonkeyPatch, told: str, threads: int | None
) -> None:
    """The variable that numeric libraries read counts here too; else one text a core."""
    monkeypatch.setenv(THREADS_VARIABLE, told)

    assert usual_threads() == threads or (threads is None and usual_threads() >= 1)


def test_labels_are_in_the_order_of_every_matrix() -> None:
    """Negative, neutral, positive: what other parts index by."""
    assert [label.value for label in LABELS] == HEADS["sentiment"]["labels"]
