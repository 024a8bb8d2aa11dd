"""A transformer encoder with a small head a task, and how it is trained, in torch.

The text's vector is the mean of its tokens' last states. Arithmetic runs in bfloat16 where the
processor has it, weights are kept in single precision.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer

from nlp.training.corpus import TASKS, Example

log = logging.getLogger(__name__)

F32 = npt.NDArray[np.float32]

MAX_TOKENS: Final = 96
"""Tokens read of a text when training: of tweets, all."""

AVERAGED_EVERY: Final = 5
REPORTED_EVERY: Final = 50


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids of some texts with their mask, (texts, tokens), a task, and its labels (texts,)."""

    inputs: Mapping[str, torch.Tensor]
    task: str
    labels: torch.Tensor


class Network(nn.Module):
    """An encoder and its heads; ``forward`` returns the logits of the asked tasks."""

    def __init__(
        self, source: str | Path, tasks: Sequence[str], *, layers: int | None = None
    ) -> None:
        super().__init__()
        options: dict[str, Any] = {"num_hidden_layers": layers} if layers else {}
        self.encoder = AutoModel.from_pretrained(source, add_pooling_layer=False, **options)
        self.dropout = nn.Dropout(0.1)
        width = self.encoder.config.hidden_size
        self.heads = nn.ModuleDict({task: nn.Linear(width, len(TASKS[task])) for task in tasks})

    def pool(self, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the mean of each text's token states, (texts, width)."""
        states = self.encoder(**inputs).last_hidden_state.float()
        mask = inputs["attention_mask"].unsqueeze(-1).float()
        pooled: torch.Tensor = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
        return pooled

    def forward(
        self, inputs: Mapping[str, torch.Tensor], tasks: Sequence[str]
    ) -> dict[str, torch.Tensor]:
        """Return the logits of each task, (texts, labels)."""
        pooled = self.dropout(self.pool(inputs))
        return {task: self.heads[task](pooled).float() for task in tasks}


class Encoding:
    """Turns examples into batches of like length."""

    def __init__(self, source: str | Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(source)

    def inputs(
        self, texts: Sequence[str], targets: Sequence[str | None]
    ) -> dict[str, torch.Tensor]:
        """Return padded token ids and mask; a target is the second segment."""
        pairs = [target or "" for target in targets] if any(targets) else None
        encoded = self.tokenizer(
            list(texts),
            pairs,
            padding=True,
            truncation="longest_first" if pairs is None else "only_first",
            max_length=MAX_TOKENS,
            return_tensors="pt",
        )
        return {
            name: encoded[name]
            for name in ("input_ids", "attention_mask", "token_type_ids")
            if name in encoded
        }

    def groups(
        self, examples: Sequence[Example], size: int, rng: random.Random
    ) -> Iterator[list[Example]]:
        """Yield the examples once, in groups of like length and random order."""
        for chosen in shuffled_by_length([len(e.text) for e in examples], size, rng):
            yield [examples[index] for index in chosen]

    def batch(self, group: Sequence[Example], task: str) -> Batch:
        """Return a group as tensors."""
        inputs = self.inputs([e.text for e in group], [e.target for e in group])
        return Batch(inputs, task, torch.tensor([e.label for e in group]))


def shuffled_by_length(lengths: Sequence[int], size: int, rng: random.Random) -> list[list[int]]:
    """Return every index once, in groups of about ``size`` of like length, in random order."""
    order = sorted(range(len(lengths)), key=lambda index: lengths[index] * rng.uniform(0.85, 1.15))
    groups = [order[start : start + size] for start in range(0, len(order), size)]
    rng.shuffle(groups)
    return groups


def predict(
    network: Network, encoding: Encoding, examples: Sequence[Example], tasks: Sequence[str]
) -> dict[str, F32]:
    """Return the logits of ``tasks`` for each example, in order."""
    network.eval()
    out = {task: np.zeros((len(examples), len(TASKS[task])), dtype=np.float32) for task in tasks}
    order = sorted(range(len(examples)), key=lambda index: len(examples[index].text))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            part = [examples[index] for index in chosen]
            inputs = encoding.inputs([e.text for e in part], [e.target for e in part])
            for task, logits in network(inputs, tasks).items():
                out[task][chosen] = logits.numpy()
    network.train()
    return out


class Average:
    """A running mean of a network's weights: steadier than the last step's."""

    def __init__(self, network: nn.Module, keep: float) -> None:
        self.keep = keep
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def update(self, network: nn.Module) -> None:
        """Move the mean towards the network's present weights."""
        with torch.no_grad():
            for name, value in network.state_dict().items():
                if value.dtype.is_floating_point:
                    self.state[name].lerp_(value, 1 - self.keep)


def optimiser(
    network: Network, rate: float, decay: float, *, frozen: Sequence[str] = ()
) -> torch.optim.Optimizer:
    """Return AdamW whose rate falls by ``decay`` a layer downwards; ``frozen`` prefixes stay."""
    layers = network.encoder.config.num_hidden_layers
    groups = []
    for name, value in network.named_parameters():
        if any(name.startswith(prefix) for prefix in frozen):
            value.requires_grad_(False)
            continue
        depth = layers + 1
        if name.startswith("encoder.encoder.layer."):
            depth = int(name.split(".")[3]) + 1
        elif name.startswith("encoder."):
            depth = 0
        scale = decay ** (layers + 1 - depth) * (5 if name.startswith("heads.") else 1)
        weight_decay = 0.0 if value.ndim == 1 else 0.01
        groups.append({"params": [value], "lr": rate * scale, "weight_decay": weight_decay})
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def warm_then_fall(step: int, steps: int, warm: float = 0.06) -> float:
    """Return the part of the full rate at ``step``: rising linearly, then falling to nothing."""
    begun = step / max(1, steps * warm)
    return min(1.0, begun) * max(0.0, (steps - step) / steps)


def train(
    network: Network,
    batches: Iterable[Batch],
    steps: int,
    *,
    rate: float,
    decay: float,
    loss: Callable[[Network, Batch], torch.Tensor],
    average: Average,
    frozen: Sequence[str] = (),
) -> None:
    """Take one clipped step a batch, and keep a running mean of the weights."""
    chosen = optimiser(network, rate, decay, frozen=frozen)
    schedule = torch.optim.lr_scheduler.LambdaLR(chosen, lambda step: warm_then_fall(step, steps))
    network.train()
    started, total = time.monotonic(), 0.0
    for step, batch in enumerate(batches, start=1):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss(network, batch)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        chosen.step()
        schedule.step()
        chosen.zero_grad(set_to_none=True)
        total += float(value.detach())
        if step % AVERAGED_EVERY == 0:
            average.update(network)
        if step % REPORTED_EVERY == 0:
            left = (time.monotonic() - started) / step * (steps - step)
            log.info(
                "step %d of %d, loss %.4f, %.0f s left", step, steps, total / REPORTED_EVERY, left
            )
            total = 0.0
