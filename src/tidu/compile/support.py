"""Which nodes have native code, and why have others none?

One answer for each node, by its record; `lower` asks the same question, so nothing falls back in silence.
"""

from __future__ import annotations

from collections.abc import Iterator

from tidu.core.emit import Fold, Template
from tidu.core.graph import Call, Graph, Input, Literal, Node, Operation
from tidu.core.kinds import Elementwise, Reduction
from tidu.core.primitive import InterpretedOnly, Primitive
from tidu.core.spec import Spec
from tidu.native.text import LLVM_TYPES

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
TEMPLATES = frozenset({"matmul", *_MOVES})
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
    if reason is None and isinstance(node.op, Operation) and node.op.primitive.emit == Template("matmul"):
        return "a product of truth values has no loops" if node.spec.dtype.kind == "b" else None
    return reason


def _foreign(spec: Spec) -> str | None:
    known = spec.dtype.name in LLVM_TYPES
    return None if known else f"native code is of {', '.join(LLVM_TYPES)} so far, not of {spec.dtype.name}"


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
