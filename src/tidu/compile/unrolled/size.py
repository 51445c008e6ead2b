"""Which graphs are small enough to be unrolled, and how are they cut into vectors?

Counts instructions by shapes alone, before any is written.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.compile.unrolled.picking import Constants, refusal_to_pick
from tidu.core.emit import Fold, Template
from tidu.core.graph import Graph, Input, Literal, Node, Operation
from tidu.core.kinds import Elementwise, Reduction
from tidu.core.primitive import InterpretedOnly
from tidu.native.vectors import MEMORY_TYPES

__all__ = ["batch_length", "estimate", "refusal", "vector_lanes"]

_VECTOR_BYTES = 64
_MOVES = {"reshape", "broadcast_to", "transpose", "slice", "embed", "concatenate", "stop_gradient", "barrier"}
_PICKS = {"gather", "scatter_add"}
_LARGEST = 1 << 16
"""Elements of an input that is used otherwise than by taking rows out of it."""


def estimate(graph: Graph, *, constants: Mapping[int, NDArray[np.generic]] | None = None) -> int | None:
    """Return about how many vector instructions the unrolled graph has, or None if it cannot be unrolled.

    Parameters
    ----------
    graph : Graph
        With static shapes and no calls.
    constants : mapping of int to ndarray, optional
        Inputs, by number, that are known when the code is made.
    """
    known = {graph.inputs[i]: value for i, value in (constants or {}).items()}
    lanes, batch = vector_lanes(graph), batch_length(graph)
    total = 0.0
    for node in graph.nodes:
        if refusal(node, known) is not None:
            return None
        total += _work(node, lanes, batch)
    tables = {x.operands[0] for x in graph.nodes if _template(x) == "gather"}
    ends = [*(x for x in graph.inputs if x not in known and x not in tables), *graph.outputs]
    for node in ends:
        # A matrix whose rows are the samples is transposed on its way in and out.
        across = node.spec.ndim > 1 and node.spec.shape[0] == batch and node.spec.shape[-1] > 1
        total += node.spec.size * (0.75 if across else 1 / lanes)
    return math.ceil(total)


def refusal(node: Node, constants: Constants) -> str | None:
    """Return why a node cannot be unrolled, or None."""
    op = node.op
    if node.spec.dtype.name not in MEMORY_TYPES:
        return f"native code has no {node.spec.dtype.name}"
    if isinstance(op, (Input, Literal)):
        return None
    if not isinstance(op, Operation):
        return "a call stands in the graph"
    table = node.operands[0] if _template(node) == "gather" and isinstance(node.operands[0].op, Input) else None
    if any(x.spec.size > _LARGEST for x in node.operands if x is not table):
        return "an operand is too large"
    match op.primitive.emit:
        case InterpretedOnly(reason=reason):
            return reason
        case Template(name="matmul"):
            return "a product of truth values" if node.spec.dtype.kind == "b" else None
        case Template(name=name) if name in _PICKS:
            return refusal_to_pick(node, constants)
        case Template(name=name):
            return None if name in {*_MOVES, "convert"} else f"there is no code for {name}"
        case Fold():
            return None if isinstance(op.primitive.kind, Reduction) else "a fold outside a reduction"
        case _:
            return None if isinstance(op.primitive.kind, Elementwise) else "scalar code outside an elementwise kind"


def _work(node: Node, lanes: int, batch: int) -> float:
    """Return about how many vector instructions a node takes."""
    if not isinstance(node.op, Operation):
        return 0.0
    kind, emit = node.op.primitive.kind, node.op.primitive.emit
    shape, each = node.spec.shape, 1
    match emit:
        case Template(name="matmul"):
            shape, each = (*shape, node.operands[0].spec.shape[-1]), 2
        case Template(name="gather") if isinstance(node.operands[0].op, Input):
            return 7.0 * math.prod(node.operands[1].spec.shape) + node.spec.size
        case Template(name=name) if name in _PICKS:
            table = node.operands[0] if name == "gather" else node
            shape, each = node.operands[0].spec.shape if name == "scatter_add" else shape, 2
            each *= max(table.spec.shape[: len(node.operands) - 1], default=1)
        case Template():
            return 0.0
        case Fold():
            shape = node.operands[0].spec.shape
        case _:
            each = cast("Elementwise", kind).flops
    length = batch if batch in shape else max(shape, default=1)
    if not length:
        return 0.0
    return each * math.prod(shape) / length * -(-length // lanes)


def _template(node: Node) -> str:
    emit = node.primitive.emit if node.primitive else None
    return emit.name if isinstance(emit, Template) else ""


def vector_lanes(graph: Graph) -> int:
    """Return the lanes of a vector: as many as fit of the widest floating type that an array has."""
    floats = [node.spec for node in graph.nodes if node.spec.dtype.kind == "f"]
    arrays = [spec for spec in floats if spec.ndim]
    return _VECTOR_BYTES // max((spec.dtype.itemsize for spec in arrays or floats), default=8)


def batch_length(graph: Graph) -> int:
    """Return the length of the leading axis that most of the work has, 1 if there is none."""
    votes = Counter({1: 0})
    for node in graph.nodes:
        if isinstance(node.op, Operation) and node.spec.ndim > 1 and node.spec.shape[0] > 1:
            operands = tuple(x.spec for x in node.operands)
            primitive = node.op.primitive
            votes[node.spec.shape[0]] += primitive.kind.cost(primitive, operands, node.spec, node.params).flops
    return votes.most_common(1)[0][0]
