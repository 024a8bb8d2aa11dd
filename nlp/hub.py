"""A Hugging Face sequence-classification checkpoint without ONNX weights, run by torch.

Needs the ``hub`` extra (torch). Only safetensors weights are read and no code of the checkpoint's
own is run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import ModelError
from core.mention import Sentiment
from nlp.checkpoints import CheckpointModel, columns_of
from nlp.sentiment import F32

MAX_TOKENS: Final = 512
BATCH_TEXTS: Final = 32


class HubSentiment(CheckpointModel):
    """A transformers checkpoint, run by torch on the CPU."""

    def __init__(
        self,
        name: str,
        network: Any,
        tokenizer: Any,
        columns: Sequence[Sentiment],
        languages: Sequence[str] | None,
    ) -> None:
        """Take a loaded network; ``columns`` says what each of its outputs stands for."""
        super().__init__(name, columns, languages)
        self._network = network
        self._tokenizer = tokenizer

    @classmethod
    def load(
        cls,
        reference: str,
        *,
        label_map: Mapping[str, str] | None = None,
        languages: Sequence[str] | None = None,
    ) -> HubSentiment:
        """Load a folder or a name of the hub.

        ``label_map`` gives one of negative, neutral, positive for each of the checkpoint's labels;
        it may be left out where those are called so. Raises ModelError when torch is missing, the
        checkpoint cannot be loaded or its labels do not fit.
        """
        transformers = _import_transformers(reference)
        from safetensors import SafetensorError

        quiet: dict[str, Any] = {"trust_remote_code": False}
        try:
            config = transformers.AutoConfig.from_pretrained(reference, **quiet)
            columns = columns_of(reference, config.id2label, label_map)
            tokenizer = transformers.AutoTokenizer.from_pretrained(reference, **quiet)
            network, loading = transformers.AutoModelForSequenceClassification.from_pretrained(
                reference, use_safetensors=True, output_loading_info=True, **quiet
            )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as err:
            raise ModelError(f"models.sentiment: {reference} cannot be loaded: {err}") from err
        if loading["missing_keys"]:
            missing = ", ".join(sorted(loading["missing_keys"])[:3])
            raise ModelError(
                f"models.sentiment: {reference} is not trained to classify texts: no {missing}"
            )
        network.eval()
        revision = getattr(config, "_commit_hash", None)
        name = Path(reference).name if Path(reference).is_dir() else reference
        full_name = f"{name}@{revision[:12]}" if revision else name
        return cls(full_name, network, tokenizer, columns, languages)

    def _outputs(self, texts: Sequence[str]) -> F32:
        result = np.zeros((len(texts), len(self._columns)), dtype=np.float32)
        # Texts of like length together: a batch is as wide as its longest text.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), BATCH_TEXTS):
            chosen = order[start : start + BATCH_TEXTS]
            result[chosen] = self._forward([texts[index] for index in chosen])
        return result

    def _forward(self, texts: list[str]) -> F32:
        import torch

        inputs = self._tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=min(MAX_TOKENS, self._tokenizer.model_max_length, self._positions()),
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = self._network(**inputs).logits.float()
        outputs: F32 = torch.softmax(logits, dim=-1).numpy()
        return outputs

    def _positions(self) -> int:
        """Return the most tokens the network has positions for."""
        return int(getattr(self._network.config, "max_position_embeddings", None) or MAX_TOKENS)


def _import_transformers(reference: str) -> Any:
    try:
        import torch  # noqa: F401 - transformers would fail later and say less
        import transformers
    except ImportError as err:
        raise ModelError(
            f"models.sentiment: {reference} has no ONNX weights, and others need torch: pip "
            "install 'groundswell[hub]', or export the model to ONNX (model.onnx)"
        ) from err
    return transformers
