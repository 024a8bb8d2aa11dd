"""Run a network for texts: tokenizer, batches and ONNX Runtime on the CPU.

A text's numbers never depend on the texts beside it. Networks that quantise as they go take their
scales from a whole batch, so they read one text at a time; others read batches of like length.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from core.errors import ModelError, QuarantineError
from nlp.model_folder import read_bounded
from nlp.onnx_files import OnnxFile

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
Texts = Sequence[str] | Sequence[tuple[str, str]]

BATCH_TOKENS: Final = 512
"""Tokens of a batch, padding included: twenty posts. Larger batches leave the processor's cache."""

MAX_TOKENS: Final = 512
"""No encoder of this kind reads more; a text's tone is in its beginning."""

MAX_TOKENIZER_MEGABYTES: Final = 50

INPUTS: Final = frozenset({"input_ids", "attention_mask", "token_type_ids"})

THREADS_VARIABLE: Final = "OMP_NUM_THREADS"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model says of some texts: probabilities, a row a text.

    ``sentiment`` is (texts, 3) in the order of LABELS, ``emotion`` (texts, 4) in that of Emotion,
    ``offensive`` (texts,). The last two are None for a model that does not tell them, and hold NaN
    for texts that it did not read for them.
    """

    sentiment: F32
    emotion: F32 | None = None
    offensive: F32 | None = None


class Network:
    """A loaded network with its tokenizer; threads may share it."""

    def __init__(
        self, file: OnnxFile, tokenizer: Tokenizer, *, pad_id: int, threads: int | None = None
    ) -> None:
        """Start the runtime; raises ModelError when it does not accept the file."""
        unknown = sorted(set(file.inputs) - INPUTS)
        if unknown or "input_ids" not in file.inputs:
            raise ModelError(
                f"{file.path}: wants the inputs {', '.join(file.inputs)}; a text classifier takes "
                f"{', '.join(sorted(INPUTS))}"
            )
        if file.word_count is not None and tokenizer.get_vocab_size() > file.word_count:
            raise ModelError(
                f"{file.path}: knows {file.word_count} tokens, its tokenizer has "
                f"{tokenizer.get_vocab_size()}: they are not of one model"
            )
        self.file = file
        self._tokenizer = tokenizer
        self._pad_id = pad_id
        self._threads = threads or usual_threads()
        self._session = _start(file)

    def run(self, texts: Texts, outputs: Sequence[str]) -> list[F32]:
        """Return the asked outputs, each of shape (texts, columns), in order.

        Pairs are read as two segments; of what is too long the longer segment is cut. Raises
        QuarantineError where the network answers with what is no number.
        """
        if not texts:
            return [np.zeros((0, 0), dtype=np.float32) for _ in outputs]
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        batches = list(self._batches([len(encoding) for encoding in encodings]))
        names = list(outputs)

        def forward(chosen: Sequence[int]) -> list[F32]:
            feed = self._feed([encodings[index] for index in chosen])
            answers: list[F32] = self._session.run(names, feed)
            return answers

        if len(batches) > 1 and self._threads > 1:
            with ThreadPoolExecutor(self._threads) as pool:
                answers = list(pool.map(forward, batches))
        else:
            answers = [forward(batch) for batch in batches]
        order = np.argsort(np.concatenate([np.asarray(batch) for batch in batches]))
        results = [np.concatenate(parts)[order] for parts in zip(*answers, strict=True)]
        if not all(np.isfinite(result).all() for result in results):
            raise QuarantineError("the model's answer is not a number")
        return results

    def prove(self, columns: dict[str, int], max_tokens: int) -> None:
        """Read a text of ``max_tokens``; raises ModelError unless each output has its columns."""
        missing = sorted(set(columns) - set(self.file.outputs))
        if missing:
            raise ModelError(
                f"{self.file.path}: has no output {', '.join(missing)} (it has "
                f"{', '.join(self.file.outputs)})"
            )
        names = list(columns)
        try:
            answers = self.run(["a " * max_tokens, ""], names)
        except Exception as err:
            raise ModelError(
                f"{self.file.path}: fails on a text of {max_tokens} tokens: {_first_line(err)}"
            ) from err
        for name, answer in zip(names, answers, strict=True):
            if answer.shape != (2, columns[name]):
                raise ModelError(
                    f"{self.file.path}: output {name}: of shape {answer.shape} for two texts, the "
                    f"configuration has {columns[name]} labels"
                )

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Yield every index once, in batches of like length within the budget of tokens."""
        batch: list[int] = []
        for index in sorted(range(len(lengths)), key=lengths.__getitem__):
            is_full = (len(batch) + 1) * lengths[index] > BATCH_TOKENS or self.file.mixes_batch
            if batch and is_full:
                yield batch
                batch = []
            batch.append(index)
        yield batch

    def _feed(self, encodings: Sequence[Encoding]) -> dict[str, I64]:
        width = max([1, *(len(encoding) for encoding in encodings)])
        shape = (len(encodings), width)
        ids = np.full(shape, self._pad_id, dtype=np.int64)
        mask, kinds = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            count = len(encoding)
            ids[row, :count] = encoding.ids
            # A text of which no token is left still has a place to look at.
            mask[row, : max(count, 1)] = 1
            kinds[row, :count] = encoding.type_ids
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
        return {name: feed[name] for name in self.file.inputs}


def usual_threads() -> int:
    """Return how many texts are read at once: as the environment says, else one a core."""
    told = os.environ.get(THREADS_VARIABLE, "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_tokenizer(path: Path, max_tokens: int) -> Tokenizer:
    """Read a ``tokenizer.json`` that cuts at ``max_tokens``; raises ModelError."""
    from tokenizers import Tokenizer

    try:
        text = read_bounded(path, MAX_TOKENIZER_MEGABYTES).decode("utf-8")
    except UnicodeDecodeError as err:
        raise ModelError(f"{path}: not UTF-8: {err.reason}") from err
    try:
        tokenizer: Tokenizer = Tokenizer.from_str(text)
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens, strategy="longest_first")
    except Exception as err:  # the library raises plain exceptions alone
        raise ModelError(f"{path}: no tokenizer that can be read: {_first_line(err)}") from err
    return tokenizer


def _start(file: OnnxFile) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Texts are spread over threads here; threads within an operator would only wait for each other.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    source = file.content if file.content is not None else str(file.path)
    try:
        # Its fallback would try the same once more, and print to standard output.
        return onnxruntime.InferenceSession(
            source, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as err:  # its exceptions have no common base but this one
        raise ModelError(
            f"{file.path}: ONNX Runtime {onnxruntime.__version__} does not accept it: "
            f"{_first_line(err)}"
        ) from err


def _first_line(err: Exception) -> str:
    """Return what an exception says, short enough for a message."""
    return (str(err).strip() or type(err).__name__).splitlines()[0][:300]
