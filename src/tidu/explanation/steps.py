"""What happens at one node on the way back: for each operand, upstream x local = downstream.

Each step differentiates its one node alone, by the same rules as the whole gradient, so the sum over
the paths can be held against the whole gradient (a test does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import shape_of
from tidu.core.graph import Call, Graph, Input, Node, Operation, Project
from tidu.core.primitive import Kink, NoGradient
from tidu.core.spec import Spec, is_differentiable
from tidu.differentiate import pull_back
from tidu.interpret import interpret

__all__ = ["Path", "Step", "arrivals", "is_tie", "steps_back", "work_out"]


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One factor of the chain rule: from a node to one of its operands.

    Parameters
    ----------
    operand : Node
        Where the gradient goes.
    position : int
        Which operand it is.
    upstream : ndarray
        The gradient of the result with respect to the node.
    local : ndarray or None
        The derivative of the node with respect to the operand, element by element, in the node's shape;
        None where it is not a factor (a matrix product, a sum over part of the axes).
    downstream : ndarray
        What arrives at the operand.
    """

    operand: Node
    position: int
    upstream: object
    local: object | None
    downstream: object

    @property
    def is_scalar(self) -> bool:
        """Whether only numbers meet here, no arrays."""
        return self.local is not None and shape_of(self.local) == ()

    @property
    def is_summed(self) -> bool:
        """Whether the operand was broadcast, so that its gradient is a sum over its uses."""
        return self.local is not None and shape_of(self.local) != shape_of(self.downstream)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """All paths that leave one node.

    Parameters
    ----------
    node : Node
        An operation, or a call with a derivative of its own.
    results : tuple of Node
        The node itself; of a call, those of its entries that the gradient passes.
    paths : tuple of Path
        One for each operand that the gradient goes to.
    kink : Kink or None
        The written convention, where the operands hit a point without derivative.
    borders : tuple of Node
        Conditions among the operands that compare equal numbers: a hair's breadth away they may differ.
    """

    node: Node
    results: tuple[Node, ...]
    paths: tuple[Path, ...]
    kink: Kink | None
    borders: tuple[Node, ...]


def steps_back(order: Sequence[Node], gradients: Mapping[Node, object]) -> list[tuple[Node, tuple[Node, ...]]]:
    """Return the nodes that the gradient passes, from the result to the inputs, each with its results."""
    results: dict[Node, list[Node]] = {}
    for node in order:
        if node not in gradients:
            continue
        if isinstance(node.op, Project):
            results.setdefault(node.operands[0], []).append(node)
        elif isinstance(node.op, Operation):
            results[node] = [node]
    place = {node: i for i, node in enumerate(order)}
    return [(node, tuple(results[node])) for node in sorted(results, key=place.__getitem__, reverse=True)]


def arrivals(passed: Sequence[tuple[Node, tuple[Node, ...]]], gradients: Mapping[Node, object]) -> dict[Node, int]:
    """Return on how many paths the gradient arrives at each node."""
    counts: dict[Node, int] = {}
    for node, _ in passed:
        for position, operand in enumerate(node.operands):
            if _passes(node, position) and operand in gradients:
                counts[operand] = counts.get(operand, 0) + 1
    return counts


def work_out(
    node: Node, results: tuple[Node, ...], values: Mapping[Node, object], gradients: Mapping[Node, object]
) -> Step:
    """Differentiate `node` alone, at the values of its operands."""
    wanted = [_passes(node, i) and operand in gradients for i, operand in enumerate(node.operands)]
    operands = [np.asarray(values[operand])[()] for operand in node.operands]
    cts = [gradients[result] for result in results]
    downstream = _pull(node, results, wanted, operands, cts)
    paths = []
    for position, (operand, flag) in enumerate(zip(node.operands, wanted, strict=True)):
        if not flag:
            continue
        local = _local(node, position, operands)
        upstream = cts[0] if len(cts) == 1 else tuple(cts)
        paths.append(Path(operand, position, upstream, local, downstream.pop(0)))
    kink = _kink(node, operands, values[results[0]]) if paths else None
    borders = tuple(operand for operand in node.operands if _compares_equals(operand, values))
    return Step(node, results, tuple(paths), kink, borders)


def _compares_equals(node: Node, values: Mapping[Node, object]) -> bool:
    """Tell whether a truth value came from real numbers of which a pair is equal."""
    compared = [operand for operand in node.operands if is_differentiable(operand.spec.dtype)]
    if node.spec.dtype.kind != "b" or len(compared) != 2:
        return False
    a, b = (np.asarray(values[operand]) for operand in compared)
    return bool(np.any(a == b))


def _passes(node: Node, position: int) -> bool:
    return not (node.primitive and isinstance(node.primitive.rule(position), NoGradient))


def _pull(
    node: Node, results: tuple[Node, ...], wanted: Sequence[bool], operands: Sequence[object], cts: Sequence[object]
) -> list[object]:
    """Return what the node's own rules make of the cotangents of its results."""
    inputs = tuple(
        Node(Input(str(i)), (), Spec(shape_of(value), operand.spec.dtype))
        for i, (operand, value) in enumerate(zip(node.operands, operands, strict=True))
    )
    alone = replace(node, operands=inputs)
    outputs = tuple(replace(r, operands=(alone,)) for r in results) if isinstance(node.op, Call) else (alone,)
    back = pull_back(Graph(inputs, outputs, "step"), wanted)
    with np.errstate(all="ignore"):  # an infinite derivative is what it is
        found = interpret(back.graph, [*operands, *cts, *back.captures])
    return [np.asarray(ct) for ct in found]


def _local(node: Node, position: int, operands: Sequence[object]) -> object | None:
    """Return the local derivative in the node's shape, where every element has one factor."""
    scalar = node.spec.shape == () and shape_of(operands[position]) == ()
    elementwise = node.primitive is not None and node.primitive.kind.name == "elementwise"
    if isinstance(node.op, Call) or not (scalar or elementwise):
        return None
    shape = node.spec.shape
    whole = [np.broadcast_to(np.asarray(x), shape)[()] for x in operands] if elementwise else list(operands)
    wanted = [i == position for i in range(len(operands))]
    (local,) = _pull(node, (node,), wanted, whole, [np.ones(shape, node.spec.dtype)[()]])
    return local


def _kink(node: Node, operands: Sequence[object], result: object) -> Kink | None:
    """Return the convention that applied, if the operands hit a kink of the record exactly."""
    arrays, out = [np.asarray(x) for x in operands], np.asarray(result)
    kinks = node.primitive.kinks if node.primitive else ()
    return next((kink for kink in kinks if out.size and _hits(node, kink, arrays, out)), None)


def _hits(node: Node, kink: Kink, operands: Sequence[NDArray[np.generic]], out: NDArray[np.generic]) -> bool:
    if node.primitive and node.primitive.kind.name == "reduction":
        if not is_tie(kink):
            return bool(np.any(out == kink.at[0]))
        axes = cast("tuple[int, ...]", node.params["axis"])
        kept = out.reshape([1 if i in axes else n for i, n in enumerate(operands[0].shape)])
        return bool(np.sum(operands[0] == kept) > out.size)
    if is_tie(kink):
        return bool(np.any(operands[0] == operands[1]))
    at = [x == a for x, a in zip(operands, kink.at, strict=False)]
    return bool(np.any(np.logical_and.reduce(np.broadcast_arrays(*at))))


def is_tie(kink: Kink) -> bool:
    """Tell whether a kink stands for all points with equal operands, not for the one point it names."""
    return len(kink.at) > 1 and len(set(kink.at)) == 1 and kink.at[0] != 0.0 and bool(np.isfinite(kink.at[0]))
