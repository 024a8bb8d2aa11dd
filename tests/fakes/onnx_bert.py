"""Make a real BERT classifier as an ONNX file, of any size, with weights drawn at random.

The graph is that of ``transformers``' BertModel with mean pooling and a linear layer a head, out of
standard operators alone, so that tests and benchmarks need neither torch nor a download.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
IR_VERSION = 10


@dataclass(frozen=True)
class Size:
    """How large a network is; the defaults make one of some kilobytes."""

    words: int = 64
    positions: int = 96
    width: int = 16
    layers: int = 1
    attention_heads: int = 2
    inner: int = 32


MINILM = Size(30_522, 512, 384, 6, 12, 1_536)


@dataclass
class _Graph:
    """Nodes and weights as they are added; names count up."""

    rng: np.random.Generator
    nodes: list[Any] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add an operator and return the name of its result."""
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Any, kind: type = np.float32) -> str:
        """Add a constant and return its name."""
        name = f"w_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def random(self, *shape: int, scale: float = 0.2) -> str:
        """Add weights drawn from a normal distribution."""
        return self.constant(self.rng.normal(0, scale, shape))

    def linear(self, source: str, inputs: int, outputs: int, name: str | None = None) -> str:
        """Add a product with a matrix and a sum with a bias."""
        scale = inputs**-0.5
        product = self.add("MatMul", source, self.random(inputs, outputs, scale=scale))
        return self.add("Add", product, self.random(outputs), name=name)

    def normalise(self, source: str, width: int) -> str:
        """Add a layer normalisation."""
        scale, bias = self.constant(np.ones(width)), self.constant(np.zeros(width))
        return self.add("LayerNormalization", source, scale, bias, axis=-1, epsilon=1e-12)


def bert(heads: Mapping[str, int], size: Size | None = None, seed: int = 0) -> onnx.ModelProto:
    """Return a network with an output (texts, count) for each of ``heads``: name -> count."""
    size = size or Size()
    graph = _Graph(np.random.default_rng(seed))
    hidden = _embed(graph, size)
    keep = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    blocked = graph.add("Sub", graph.constant(1.0), keep)
    bias = graph.add("Mul", blocked, graph.constant(-1e4))
    bias = graph.add("Unsqueeze", bias, graph.constant([1, 2], np.int64))
    for _ in range(size.layers):
        hidden = _layer(graph, hidden, bias, size)
    pooled = _pool(graph, hidden, keep)
    for name, count in heads.items():
        graph.linear(pooled, size.width, count, name=name)
    return _model(graph, heads)


def _embed(graph: _Graph, size: Size) -> str:
    words = graph.add("Gather", graph.random(size.words, size.width, scale=1.0), "input_ids")
    kinds = graph.add("Gather", graph.random(2, size.width), "token_type_ids")
    length = graph.add("Shape", "input_ids", start=1, end=2)
    scalar = graph.add("Squeeze", length)
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    places = graph.add("Range", zero, scalar, one)
    placed = graph.add("Gather", graph.random(size.positions, size.width), places)
    total = graph.add("Add", graph.add("Add", words, kinds), placed)
    return graph.normalise(total, size.width)


def _layer(graph: _Graph, hidden: str, bias: str, size: Size) -> str:
    each = size.width // size.attention_heads
    shape = graph.constant([0, 0, size.attention_heads, each], np.int64)

    def part(order: Sequence[int]) -> str:
        projected = graph.linear(hidden, size.width, size.width)
        return graph.add("Transpose", graph.add("Reshape", projected, shape), perm=order)

    query, key, value = part((0, 2, 1, 3)), part((0, 2, 3, 1)), part((0, 2, 1, 3))
    scores = graph.add("Div", graph.add("MatMul", query, key), graph.constant(each**0.5))
    shares = graph.add("Softmax", graph.add("Add", scores, bias), axis=-1)
    mixed = graph.add("Transpose", graph.add("MatMul", shares, value), perm=(0, 2, 1, 3))
    flat = graph.add("Reshape", mixed, graph.constant([0, 0, size.width], np.int64))
    seen = graph.add("Add", hidden, graph.linear(flat, size.width, size.width))
    seen = graph.normalise(seen, size.width)
    inner = _gelu(graph, graph.linear(seen, size.width, size.inner))
    outer = graph.linear(inner, size.inner, size.width)
    return graph.normalise(graph.add("Add", seen, outer), size.width)


def _gelu(graph: _Graph, source: str) -> str:
    error = graph.add("Erf", graph.add("Div", source, graph.constant(2**0.5)))
    raised = graph.add("Mul", source, graph.add("Add", error, graph.constant(1.0)))
    return graph.add("Mul", raised, graph.constant(0.5))


def _pool(graph: _Graph, hidden: str, keep: str) -> str:
    mask = graph.add("Unsqueeze", keep, graph.constant([2], np.int64))
    axis = graph.constant([1], np.int64)
    total = graph.add("ReduceSum", graph.add("Mul", hidden, mask), axis, keepdims=0)
    return graph.add("Div", total, graph.add("ReduceSum", mask, axis, keepdims=0))


def _model(graph: _Graph, heads: Mapping[str, int]) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", count])
        for name, count in heads.items()
    ]
    made = helper.make_graph(graph.nodes, "bert", inputs, outputs, graph.weights)
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION)
