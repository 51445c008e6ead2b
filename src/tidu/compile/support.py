"""Which nodes have native code, and why have others none?

One answer for each node, by its record; `lower` asks the same question, so nothing falls back in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from tidu.compile.fuse import computing_dtype
from tidu.core.emit import Fold, Template
from tidu.core.graph import Call, Graph, Input, Literal, Node, Operation
from tidu.core.kinds import Elementwise, Reduction
from tidu.core.primitive import InterpretedOnly, Primitive
from tidu.core.spec import Spec
from tidu.errors import UnsupportedError
from tidu.native.text import FunctionText
from tidu.native.vectors import MEMORY_TYPES, Vectors

__all__ = ["TEMPLATES", "refusal", "supports"]

_MOVES = {
    "reshape",
    "broadcast_to",
    "transpose",
    "slice",
    "embed",
    "concatenate",
    "convert",
    "stop_gradient",
    "barrier",
}
_DRAWN = {"random_bits", "derive_key", "unit_interval"}
TEMPLATES = frozenset({"matmul", "gather", "scatter_add", *_MOVES, *_DRAWN})
"""What is lowered by name: a loop nest of its own, index arithmetic, or a copy that loads and stores convert."""


def supports(graph: Graph) -> str | None:
    """Tell why `graph` has no native code, or return None if it has.

    Returns
    -------
    str or None
        The first node that only the interpreter runs, with its source line, and the reason.
    """
    found = list(_refusals(graph))
    if not found:
        return None
    # An integer input is refused too, but the operation that wants it tells more.
    node, reason = min(found, key=lambda one: isinstance(one[0].op, Input))
    return f"{_describe(node)}: {reason}"


def refusal(node: Node) -> str | None:
    """Return why this node has no native code, or None."""
    reason = _without_code(node.op.primitive) if isinstance(node.op, Operation) else None
    if reason is None and isinstance(node.op, (Input, Operation)):
        specs = [*(operand.spec for operand in node.operands), node.spec]
        reason = next(filter(None, (_foreign(spec) for spec in specs)), None)
    if reason is None and isinstance(node.op, Operation):
        dtypes = [*(operand.spec.dtype.name for operand in node.operands), node.spec.dtype.name]
        if node.op.primitive.emit == Template("matmul"):
            return None if node.spec.dtype.kind == "f" else f"a product of {node.spec.dtype} has no loops"
        if node.op.primitive.emit == Template("scatter_add") and node.spec.dtype.kind == "b":
            return "truth values are not added"
        reason = _refused_code(node.op.primitive, len(node.operands), computing_dtype(dtypes))
    return reason


@lru_cache(maxsize=1024)
def _refused_code(primitive: Primitive, n_operands: int, dtype: str) -> str | None:
    """Tell why a record's scalar code cannot be written for a dtype: integers lack some operations."""
    if np.dtype(dtype).kind == "f" or isinstance(primitive.emit, (Template, InterpretedOnly)):
        return None
    vectors = Vectors(FunctionText([]), dtype)
    try:
        if isinstance(primitive.emit, Fold):
            primitive.emit.combine(vectors, vectors.constant(primitive.emit.start), vectors.constant(1))
        else:
            primitive.emit(vectors, *[vectors.constant(1)] * n_operands)
    except UnsupportedError as error:
        return str(error)
    return None


def _foreign(spec: Spec) -> str | None:
    known = spec.dtype.name in MEMORY_TYPES and spec.dtype.isnative
    return None if known else f"native code is of {', '.join(MEMORY_TYPES)}, not of {spec.dtype}"


def _without_code(primitive: Primitive) -> str | None:
    emit, kind = primitive.emit, primitive.kind
    match emit:
        case InterpretedOnly(reason=reason):
            return reason
        case Template(name=name):
            return None if name in TEMPLATES else f"there is no template named {name!r}"
        case Fold():
            return None if isinstance(kind, Reduction) else f"a fold in a {kind.name} has no loops"
        case _:
            return None if isinstance(kind, Elementwise) else f"scalar code in a {kind.name} has no loops"


def _refusals(graph: Graph) -> Iterator[tuple[Node, str]]:
    for node in graph.nodes:
        if isinstance(node.op, Call):
            yield from _refusals(node.op.body)
        reason = refusal(node)
        if reason is not None:
            yield node, reason
    for node in graph.outputs:
        reason = _foreign(node.spec)
        if isinstance(node.op, Literal) and reason is not None:
            yield node, reason


def _describe(node: Node) -> str:
    what = node.primitive.name if node.primitive else f"{type(node.op).__name__.lower()} {node.name}".strip()
    return f"{what} ({node.source}: {node.source.place.text})" if node.source else what
