"""Read an ONNX file that strangers may have written, and refuse what is no plain network.

ONNX Runtime runs whatever a file asks for. Before it sees one, this module proves that the file is
whole and of bounded size, that every operator is one of the runtime's own (no custom operators, no
loops without an end), and that its weights lie in the file or in its own folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from core.errors import ModelError
from nlp.model_folder import MEGABYTE, read_bounded

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

STANDARD_DOMAINS: Final = frozenset({"", "ai.onnx"})

RUNTIME_DOMAIN: Final = "com.microsoft"
RUNTIME_OPERATORS: Final = frozenset(
    {
        "Attention",
        "BiasGelu",
        "DequantizeLinear",
        "DynamicQuantizeLSTM",
        "DynamicQuantizeMatMul",
        "EmbedLayerNormalization",
        "FastGelu",
        "FusedMatMul",
        "Gelu",
        "MatMulIntegerToFloat",
        "MatMulNBits",
        "MultiHeadAttention",
        "QAttention",
        "QEmbedLayerNormalization",
        "QuantizeLinear",
        "QuickGelu",
        "RotaryEmbedding",
        "SimplifiedLayerNormalization",
        "SkipLayerNormalization",
        "SkipSimplifiedLayerNormalization",
    }
)
"""Operators of ONNX Runtime itself that its quantiser and its optimiser for transformers write."""

ENDLESS: Final = frozenset({"Loop", "Scan"})
"""A classifier needs none; with one, a file decides how long a text takes."""

QUANTISED_ON_THE_FLY: Final = frozenset(
    {"DynamicQuantizeLinear", "DynamicQuantizeMatMul", "QAttention", "DynamicQuantizeLSTM"}
)
"""Operators that take their scale from all texts of a batch."""


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A file that was found sound.

    ``content`` is None where weights lie in files beside it: the runtime then reads it by its path.
    ``word_count`` is how many token ids the network has vectors for, None where that is not plain.
    ``mixes_batch`` says that a text's result would depend on the texts read together with it.
    """

    path: Path
    content: bytes | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    word_count: int | None
    mixes_batch: bool


def read_onnx(path: Path, *, max_megabytes: int, allow_neighbours: bool) -> OnnxFile:
    """Read and check ``path``; raises ModelError with what to do.

    ``allow_neighbours`` lets weights lie in other files of the same folder (models above 2 GB are
    stored so); the size is then that of all of them.
    """
    content = read_bounded(path, max_megabytes)
    model = _parse(path, content)
    nodes = [node for graph in _graphs(model) for node in graph]
    _check_operators(path, model, nodes)
    outside = _outside(model)
    if outside and not allow_neighbours:
        raise ModelError(
            f"{path}: keeps weights in other files ({min(outside)}); save the model as one file"
        )
    _check_neighbours(path, outside, max_megabytes)
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    return OnnxFile(
        path=path,
        content=None if outside else content,
        inputs=tuple(value.name for value in model.graph.input if value.name not in weights),
        outputs=tuple(value.name for value in model.graph.output),
        word_count=_word_count(model, weights),
        mixes_batch=any(node.op_type in QUANTISED_ON_THE_FLY for node in nodes),
    )


def _parse(path: Path, content: bytes) -> ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as err:
        raise ModelError(
            f"{path}: no ONNX file, or one that was cut short; fetch or export it again"
        ) from err
    if not model.graph.node or not model.graph.output:
        raise ModelError(f"{path}: holds no network; fetch or export it again")
    # What is no UTF-8 comes out as bytes.
    if not all(isinstance(value.name, str) for value in (*model.graph.input, *model.graph.output)):
        raise ModelError(f"{path}: names its inputs or outputs in no text; export it again")
    return model


def _graphs(model: ModelProto) -> Iterator[Iterable[NodeProto]]:
    """Yield the nodes of the graph, of those nested in it, and of the file's own functions."""
    waiting: list[Iterable[NodeProto]] = [
        model.graph.node,
        *(function.node for function in model.functions),
    ]
    while waiting:
        nodes = waiting.pop()
        yield nodes
        waiting += [graph.node for node in nodes for graph in _nested(node)]


def _nested(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _check_operators(path: Path, model: ModelProto, nodes: Iterable[NodeProto]) -> None:
    # A function that the file itself spells out is made of operators that are checked as well.
    own = {(function.domain, function.name) for function in model.functions}
    for node in nodes:
        if node.op_type in ENDLESS and node.domain in STANDARD_DOMAINS:
            raise ModelError(
                f"{path}: uses the operator {node.op_type}, whose time has no bound; export the "
                "plain classifier, without generation or tokenising in the graph"
            )
        is_known = (
            node.domain in STANDARD_DOMAINS
            or (node.domain, node.op_type) in own
            or (node.domain == RUNTIME_DOMAIN and node.op_type in RUNTIME_OPERATORS)
        )
        if not is_known:
            raise ModelError(
                f"{path}: uses the operator {node.domain}:{node.op_type}, which is none of the "
                "standard; export the model again with standard operators"
            )


def _outside(model: ModelProto) -> set[str]:
    """Return the names of files outside this one that tensors refer to."""
    return {
        _location(tensor)
        for tensor in _tensors(model)
        if tensor.data_location == tensor.EXTERNAL or tensor.external_data
    }


def _location(tensor: TensorProto) -> str:
    return next((entry.value for entry in tensor.external_data if entry.key == "location"), "")


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    graphs = [model.graph]
    graphs += [g for nodes in _graphs(model) for node in nodes for g in _nested(node)]
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for nodes in _graphs(model):
        for node in nodes:
            yield from _constants(node.attribute)
    for function in model.functions:
        yield from _constants(function.attribute_proto)


def _constants(attributes: Iterable[AttributeProto]) -> Iterator[TensorProto]:
    for attribute in attributes:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        sparse = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
        for tensor in (*sparse, *attribute.sparse_tensors):
            yield from (tensor.values, tensor.indices)


def _check_neighbours(path: Path, names: Iterable[str], max_megabytes: int) -> None:
    """Prove that each file is there, and lies in the folder of the network.

    In the cache of a hub both are links to one folder of contents; links that lead anywhere else
    are refused.
    """
    homes = {path.parent.resolve(), path.resolve().parent}
    total = path.stat().st_size
    for name in sorted(names):
        parts = PurePosixPath(name).parts
        is_inside = bool(parts) and not PurePosixPath(name).is_absolute() and ".." not in parts
        target = (path.parent / name).resolve() if is_inside and "\\" not in name else None
        if target is None or not any(target.is_relative_to(home) for home in homes):
            raise ModelError(
                f"{path}: keeps weights outside its folder ({name!r}); such a model is not read"
            )
        if not target.is_file():
            raise ModelError(f"{path}: its weights {name!r} are missing; fetch the model again")
        total += target.stat().st_size
    if total > max_megabytes * MEGABYTE:
        raise ModelError(
            f"{path}: {total / MEGABYTE:,.0f} MB with its weights, at most {max_megabytes:,} MB "
            "are read; export a smaller or a quantised model"
        )


def _word_count(model: ModelProto, weights: dict[str, TensorProto]) -> int | None:
    """Return the number of rows of the table that token ids are looked up in."""
    for node in model.graph.node:
        if node.op_type == "Gather" and list(node.input[1:2]) == ["input_ids"]:
            table = weights.get(node.input[0])
            return int(table.dims[0]) if table is not None and table.dims else None
    return None
