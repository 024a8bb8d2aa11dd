"""Checkpoints in the layout of Hugging Face: where they lie, what their labels mean, what runs one.

One with ONNX weights runs on ONNX Runtime (``nlp.hub_onnx``), one with safetensors on torch
(``nlp.hub``, extra ``hub``). Pickled weights are never read and no code of a checkpoint is run.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import ModelError
from core.mention import Sentiment
from nlp.model_folder import CONFIG_FILE, MEGABYTE
from nlp.sentiment import F32, LABELS, MODELS, SentimentModel

NETWORKS: Final = (
    "model.onnx",
    "onnx/model.onnx",
    "model_quantized.onnx",
    "onnx/model_quantized.onnx",
)
"""Where a checkpoint may keep its network as ONNX; the first that is there is read."""

TOKENIZER_FILE: Final = "tokenizer.json"
TOKENIZER_SETTINGS_FILE: Final = "tokenizer_config.json"
MAX_MEGABYTES: Final = 2_000
"""What one file of ONNX can hold at most; larger classifiers are nothing for a processor."""

TEXT_CHARACTERS: Final = 4_000
DEFAULT_LANGUAGES: Final = ("en",)

_SAFE: Final = ".safetensors"
_PICKLED: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".h5", ".msgpack")
_HUB_NAME: Final = re.compile(r"[\w.\-]+(?:/[\w.\-]+)?")

_SYNONYMS: Final[Mapping[str, Sentiment]] = {
    "negative": Sentiment.NEGATIVE,
    "neg": Sentiment.NEGATIVE,
    "neutral": Sentiment.NEUTRAL,
    "neu": Sentiment.NEUTRAL,
    "positive": Sentiment.POSITIVE,
    "pos": Sentiment.POSITIVE,
}


class CheckpointModel(SentimentModel):
    """A checkpoint of any origin, whatever runs it."""

    def __init__(
        self, name: str, columns: Sequence[Sentiment], languages: Sequence[str] | None
    ) -> None:
        """Take what tells it from others, and what each output stands for; languages as told."""
        self._name = name
        self._columns = tuple(columns)
        self._languages = frozenset(languages or DEFAULT_LANGUAGES)

    @property
    def name(self) -> str:
        """Name, and what tells this version of it from others where that is known."""
        return self._name

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages it is said to be trained for."""
        return self._languages

    def probabilities(self, texts: Sequence[str]) -> F32:
        """Return probabilities, shape (texts, 3) in the order of LABELS.

        Outputs that stand for one label are added up; a label without an output has 0.
        """
        result = np.zeros((len(texts), len(LABELS)), dtype=np.float32)
        if not texts:
            return result
        outputs = self._outputs([_readable(text) for text in texts])
        for column, label in enumerate(self._columns):
            result[:, LABELS.index(label)] += outputs[:, column]
        return result

    @abstractmethod
    def _outputs(self, texts: Sequence[str]) -> F32:
        """Return the probability of each of its own labels, shape (texts, labels)."""


def _readable(text: str) -> str:
    """Return ``text`` cut to a bounded length, without what is no character (lone surrogates)."""
    return text[:TEXT_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


def load_checkpoint(
    reference: str,
    *,
    label_map: Mapping[str, str] | None = None,
    languages: Sequence[str] | None = None,
    threads: int | None = None,
) -> SentimentModel:
    """Load a folder or a name of the hub as a sentiment model; raises ModelError."""
    folder = Path(reference).expanduser()
    is_local = bool(reference) and folder.is_dir()
    if not is_local:
        folder = fetch(reference)
    names = _file_names(folder)
    network = network_of(names)
    if network is not None:
        from nlp.hub_onnx import OnnxSentiment

        name = folder.name if is_local else f"{reference}@{folder.name[:12]}"
        return OnnxSentiment.load(
            folder, network, name=name, label_map=label_map, languages=languages, threads=threads
        )
    if is_local:
        refuse_pickled(reference, names)
    from nlp.hub import HubSentiment

    return HubSentiment.load(reference, label_map=label_map, languages=languages)


def network_of(names: Collection[str]) -> str | None:
    """Return which of a checkpoint's files is its ONNX network, None if it has none."""
    return next((name for name in NETWORKS if name in names), None)


def refuse_pickled(reference: str, names: Collection[str]) -> None:
    """Raise ModelError for a checkpoint that has no weights but pickled ones, or none at all."""
    if any(name.endswith(_SAFE) for name in names):
        return
    pickled = sorted(name for name in names if name.endswith(_PICKLED))
    if pickled:
        raise ModelError(
            f"models.sentiment: {reference} has pickled weights alone ({pickled[0]}), and a pickle "
            "may run code: save the model as safetensors or export it to ONNX"
        )
    raise ModelError(
        f"models.sentiment: {reference} has no weights: expected {NETWORKS[0]}, {NETWORKS[1]} or "
        "model.safetensors"
    )


def _file_names(folder: Path) -> set[str]:
    """Return the files of a folder and of its folder ``onnx``, as a checkpoint lists them."""
    below = (path for path in (*folder.glob("*"), *folder.glob("onnx/*")) if path.is_file())
    return {path.relative_to(folder).as_posix() for path in below}


def fetch(reference: str) -> Path:
    """Return the folder of a checkpoint of the hub, fetched if it is not in the cache.

    Only its configuration, its tokenizer and its ONNX network are fetched; a checkpoint without
    one is left to transformers. Without network the cached copy serves. Raises ModelError.
    """
    if not _HUB_NAME.fullmatch(reference):
        raise ModelError(
            f"models.sentiment: {reference} is no folder, no bundled model "
            f"({', '.join(sorted(path.name for path in MODELS.iterdir() if path.is_dir()))}) and "
            "no name of the Hugging Face hub (owner/name)"
        )
    from huggingface_hub import HfApi, snapshot_download

    try:
        info = HfApi().model_info(reference, files_metadata=True)
    except Exception as err:  # noqa: BLE001 - its own, its HTTP client's, the system's: no base
        return _cached(reference, err)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    network = network_of(sizes)
    if network is None:
        refuse_pickled(reference, sizes)
    wanted = _wanted(sizes, network)
    total = sum(sizes[name] for name in wanted)
    if total > MAX_MEGABYTES * MEGABYTE:
        raise ModelError(
            f"models.sentiment: {reference}: {total / MEGABYTE:,.0f} MB, at most "
            f"{MAX_MEGABYTES:,} MB are fetched; name a smaller or a quantised model"
        )
    try:
        return Path(snapshot_download(reference, revision=info.sha, allow_patterns=wanted))
    except Exception as err:
        raise ModelError(
            f"models.sentiment: {reference} cannot be fetched from the Hugging Face hub: "
            f"{_first_line(err)}"
        ) from err


def _cached(reference: str, reason: Exception) -> Path:
    """Return what was fetched of a checkpoint before; raises ModelError if that is nothing."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        repositories = frozenset()
    kept = [
        revision
        for repository in repositories
        if (repository.repo_type, repository.repo_id) == ("model", reference)
        for revision in repository.revisions
    ]
    if not kept:
        raise ModelError(
            f"models.sentiment: {reference} is no bundled model and no folder, and cannot be "
            f"fetched from the Hugging Face hub: {_first_line(reason)}"
        ) from reason
    return Path(max(kept, key=lambda revision: revision.last_modified).snapshot_path)


def _wanted(names: Collection[str], network: str | None) -> list[str]:
    """Return the files to fetch: of the network also what lies beside it (``model.onnx_data``)."""
    plain = {CONFIG_FILE, TOKENIZER_FILE, TOKENIZER_SETTINGS_FILE}
    return sorted(name for name in names if name in plain or (network and name.startswith(network)))


def columns_of(
    reference: str, names: Mapping[int, str], label_map: Mapping[str, str] | None
) -> tuple[Sentiment, ...]:
    """Return what each output stands for; raises ModelError that says how to map the labels."""
    labels = [names[index] for index in sorted(names)]
    known = {key.casefold(): Sentiment(value) for key, value in (label_map or {}).items()}
    unused = set(known) - {label.casefold() for label in labels}
    columns = [known.get(label.casefold(), _SYNONYMS.get(label.casefold())) for label in labels]
    unclear = [label for label, column in zip(labels, columns, strict=True) if column is None]
    found = tuple(column for column in columns if column is not None)
    if unclear or unused or not {Sentiment.NEGATIVE, Sentiment.POSITIVE} <= set(found):
        wrong = f"cannot tell what {', '.join(unclear)} means" if unclear else "they do not fit"
        if unused:
            wrong = f"models.sentiment_labels names {', '.join(sorted(unused))}, which it has not"
        raise ModelError(
            f"models.sentiment: {reference} has the labels {', '.join(labels)}: {wrong}; say under "
            "models.sentiment_labels which is negative, neutral and positive"
        )
    return found


def _first_line(err: Exception) -> str:
    return (str(err).strip() or type(err).__name__).splitlines()[0][:300]
