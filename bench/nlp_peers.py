"""What ``bench.nlp`` measures against, each behind one call: texts -> indexes of LABELS.

A peer that cannot run here raises PeerMissingError with what it would need.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nlp.sentiment import LABELS

Labels = npt.NDArray[np.int64]
Peer = Callable[[Sequence[str]], Labels]

# The thresholds that VADER's authors recommend for its compound score.
VADER_POSITIVE, VADER_NEGATIVE = 0.05, -0.05

HEAD_WIDTH = 32
"""Numbers a head of attention reads, in MiniLM and BERT's other small ones; no file says it."""

PIPELINE_BATCH = 32


class PeerMissingError(Exception):
    """The peer cannot run here; the message says why."""


def vader() -> Peer:
    """Return VADER with the thresholds of its authors."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()

    def label(texts: Sequence[str]) -> Labels:
        scores = [analyzer.polarity_scores(text)["compound"] for text in texts]
        return np.array(
            [2 if s >= VADER_POSITIVE else 0 if s <= VADER_NEGATIVE else 1 for s in scores]
        )

    return label


def obsei() -> Peer:
    """Return the one classifier of obsei that needs no weights from elsewhere (its release 0).

    Its word is the likelier of its two labels: it knows no neutral.
    """
    try:
        from obsei.analyzer.sentiment_analyzer import VaderSentimentAnalyzer
        from obsei.payload import TextPayload
    except ImportError as err:
        raise PeerMissingError(
            f"{err}; its release 0 has a classifier that needs no weights (pip install "
            "'obsei[analyzer]<1'), those of release 1 fetch theirs from the Hugging Face hub"
        ) from err
    analyzer = VaderSentimentAnalyzer()

    def label(texts: Sequence[str]) -> Labels:
        told = analyzer.analyze_input([TextPayload(processed_text=text) for text in texts])
        found = [payload.segmented_data["classifier_data"] for payload in told]
        return np.array([2 if one["positive"] >= one["negative"] else 0 for one in found])

    return label


def transformers_pipeline(folder: Path) -> Peer:
    """Return ``transformers.pipeline`` on torch in single precision, with the encoder of a folder.

    The shipped weights of eight bits are multiplied out again, so both read with the same network.
    Raises PeerMissingError without torch.
    """
    try:
        import torch
        import transformers
    except ImportError as err:
        raise PeerMissingError(f"{err}: needs the extra hub (make test-hub makes one)") from err
    # It warns of a class that it does not know; ours is one.
    transformers.logging.set_verbosity(logging.CRITICAL)
    from nlp.encoder import read_encoder_config
    from nlp.encoder_text import write_for_encoder

    config = read_encoder_config(folder)
    weights = single_precision(folder / "model.onnx")
    head = config.heads["sentiment"]
    network = _network(weights, torch, transformers)
    shift = torch.tensor(head.shift or [0.0] * len(LABELS))
    network.head.bias.data += shift
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token="[PAD]",  # noqa: S106 - a token of the text's, not a secret
        model_max_length=config.max_tokens,
    )
    torch.set_num_threads(1)
    run = transformers.pipeline(
        "text-classification", model=network, tokenizer=tokenizer, device="cpu"
    )
    places = {f"LABEL_{at}": LABELS.index(label) for at, label in enumerate(head.labels)}

    def label(texts: Sequence[str]) -> Labels:
        written = [write_for_encoder(text) for text in texts]
        found = run(written, batch_size=PIPELINE_BATCH, truncation=True)
        return np.array([places[one["label"]] for one in found])

    return label


def _network(weights: dict[str, Any], torch: Any, transformers: Any) -> Any:
    """Return a classifier that means over tokens, as ours does, holding ``weights``."""
    from transformers.modeling_outputs import SequenceClassifierOutput

    vocabulary, width = weights["encoder.embeddings.word_embeddings.weight"].shape
    layers = 1 + max(
        int(name.split(".")[3]) for name in weights if name.startswith("encoder.encoder.layer.")
    )
    positions = weights["encoder.embeddings.position_embeddings.weight"].shape[0]
    inner = weights["encoder.encoder.layer.0.intermediate.dense.weight"].shape[0]
    config = transformers.BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // HEAD_WIDTH,
        intermediate_size=inner,
        max_position_embeddings=positions,
        num_labels=len(LABELS),
    )

    class MeanPooled(transformers.BertPreTrainedModel):  # type: ignore[misc]
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.encoder = transformers.BertModel(config, add_pooling_layer=False)
            self.head = torch.nn.Linear(config.hidden_size, config.num_labels)
            self.post_init()

        def forward(self, input_ids: Any, attention_mask: Any, **rest: Any) -> Any:
            states = self.encoder(input_ids, attention_mask, rest.get("token_type_ids"))
            mask = attention_mask.unsqueeze(-1).float()
            pooled = (states.last_hidden_state * mask).sum(1) / mask.sum(1).clamp(min=1)
            return SequenceClassifierOutput(logits=self.head(pooled))

    network = MeanPooled(config)
    held = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
    state = {
        name.replace("heads.sentiment.", "head."): array
        for name, array in held.items()
        if name.startswith(("encoder.", "heads.sentiment."))
    }
    missing, _ = network.load_state_dict(state, strict=False)
    unread = [name for name in missing if not name.endswith("position_ids")]
    if unread:
        raise PeerMissingError(f"the network holds no {', '.join(unread[:3])}")
    return network.eval()


def single_precision(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights of a network of eight bits under the names that torch gives them.

    Those of linear layers lose their names in the file: each goes by the bias that is added to its
    product.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    for name in [name for name in stored if name.endswith("_quantized")]:
        base = name.removesuffix("_quantized")
        zero = stored[f"{base}_zero_point"].astype(np.float32)
        stored[base] = (stored[name].astype(np.float32) - zero) * stored[f"{base}_scale"]
    made_by = {output: node for node in graph.node for output in node.output}
    found: dict[str, npt.NDArray[np.float32]] = {}
    for name, array in stored.items():
        if name.startswith("network.") and not name.endswith(("_quantized", "_scale")):
            found[name.removeprefix("network.")] = array
    for node in graph.node:
        biases = [name for name in node.input if name.endswith(".bias")]
        if node.op_type == "Add" and biases:
            other = next(name for name in node.input if name not in biases)
            weight = _weight_of(other, made_by)
            key = biases[0].removeprefix("network.").removesuffix("bias") + "weight"
            if weight is not None:
                found[key] = stored[weight.removesuffix("_quantized")].T
    return found


def _weight_of(output: str, made_by: dict[str, Any]) -> str | None:
    """Return the name of the matrix by which ``output`` was made, through casts and scalings."""
    node = made_by.get(output)
    while node is not None and node.op_type in {"Mul", "Cast"}:
        node = made_by.get(node.input[0])
    if node is None or not node.op_type.startswith("MatMul"):
        return None
    return str(node.input[1])
