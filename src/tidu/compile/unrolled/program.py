"""How does a small graph become one block of code without loops?

Walks the nodes: what computes is written by `Arithmetic`, what moves elements rearranges their numbers, what
goes by indices is written by `Picking`. All reading comes before all writing, so a result may lie where an
operand lies. The graph has no calls left in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.compile.unrolled.arithmetic import Arithmetic
from tidu.compile.unrolled.elements import Elements, Numbers, Value
from tidu.compile.unrolled.picking import Constants, Picking
from tidu.compile.unrolled.size import batch_length, estimate, refusal, vector_lanes
from tidu.core.emit import EmitScalar, Fold, Scalar, Template
from tidu.core.graph import Graph, Input, Literal, Node, Operation
from tidu.core.kinds import Elementwise
from tidu.core.primitive import Params
from tidu.core.spec import Shape, Spec
from tidu.errors import UnsupportedError
from tidu.native.text import FunctionText, Kernel

__all__ = ["unroll", "write_unrolled"]


def unroll(
    graph: Graph, *, limit: int = 6000, constants: Mapping[int, NDArray[np.generic]] | None = None
) -> Kernel | None:
    """Return a small graph as code without loops, every value in registers.

    Parameters
    ----------
    graph : Graph
        With static shapes and no calls.
    limit : int
        Vector instructions, as `estimate` counts them.
    constants : mapping of int to ndarray, optional
        Inputs, by number, that are known when the code is made, as what a trace has captured. They remain
        parameters, and must hold the same.

    Returns
    -------
    Kernel or None
        With a pointer to a C-contiguous array for each input and then for each output; an output may be the
        same memory as an input. None if the program is too large, or has a node that cannot be unrolled.

    Examples
    --------
    >>> import numpy as np
    >>> from tidu.trace.function import trace
    >>> graph = trace(lambda x, y: x * y + 1.0, (np.ones(3), np.ones(3)), eager=False).graph
    >>> unroll(graph).parameters
    ('ptr', 'ptr', 'ptr')
    >>> unroll(graph, limit=0) is None
    True
    """
    work = estimate(graph, constants=constants)
    if work is None or work > limit:
        return None
    count = len(graph.inputs) + len(graph.outputs)
    text = FunctionText(["ptr"] * count)
    try:
        write_unrolled(text, graph, [f"%p{i}" for i in range(count)], constants=constants)
    except UnsupportedError:
        # An `emit` has no code for this dtype; it is asked, so there is no table of who has what.
        return None
    return text.finish()


def write_unrolled(
    text: FunctionText,
    graph: Graph,
    places: Sequence[str],
    *,
    constants: Mapping[int, NDArray[np.generic]] | None = None,
    trusted: Collection[int] = (),
) -> None:
    """Write the same into a function, as inside a loop over steps of training.

    Parameters
    ----------
    text : FunctionText
        Where to write.
    graph : Graph
        With static shapes and no calls.
    places : sequence of str
        Pointers to its inputs, then to its outputs.
    constants : mapping of int to ndarray, optional
        As for `unroll`.
    trusted : collection of int
        Numbers of the inputs whose elements are known to be valid indices, not negative; others are clamped.

    Raises
    ------
    UnsupportedError
        If a node cannot be unrolled.
    """
    known = {graph.inputs[i]: value for i, value in (constants or {}).items()}
    program = _Program(text, graph, places[: len(graph.inputs)], known, frozenset(graph.inputs[i] for i in trusted))
    found = [program.flat(node) for node in graph.outputs]
    for (values, dtype), place in zip(found, places[len(graph.inputs) :], strict=True):
        at = program.elements.memory(place, dtype, sum(lanes for _, lanes in values))
        for value, lanes in values:
            program.elements.builder(dtype, lanes).store(value, program.elements.place_of(at) or "")
            at += lanes


class _Program:
    """The values of a graph's nodes."""

    def __init__(
        self,
        text: FunctionText,
        graph: Graph,
        places: Sequence[str],
        constants: Constants,
        trusted: frozenset[Node],
    ) -> None:
        self.elements = Elements(text)
        self.width = vector_lanes(graph)
        self.arithmetic = Arithmetic(self.elements, self.width, batch_length(graph))
        self.picking = Picking(self.elements, self.arithmetic, constants, trusted)
        self._constants = constants
        self._starts = {
            node: self.elements.memory(place, node.spec.dtype.name, node.spec.size)
            for node, place in zip(graph.inputs, places, strict=True)
        }
        self._values: dict[Node, Value] = {}
        for node in graph.nodes:
            reason = refusal(node, constants)
            if reason is not None:
                raise UnsupportedError(f"{graph.name} cannot be unrolled: {node!r}: {reason}", reason=reason)
            if not isinstance(node.op, Input):
                self._values[node] = self._value(node)

    def flat(self, node: Node) -> tuple[list[tuple[Scalar, int]], str]:
        """Return a node's elements in row-major order as vectors with their lanes, and their dtype."""
        value = self._of(node)
        numbers = value.numbers.ravel().tolist()
        parts = [tuple(numbers[i : i + self.width]) for i in range(0, len(numbers), self.width)]
        return [(self.elements.pack(part), len(part)) for part in parts], value.dtype

    def _of(self, node: Node) -> Value:
        if node not in self._values:
            shape, dtype = node.spec.shape, node.spec.dtype.name
            if node in self._constants:
                known = self._constants[node].ravel().tolist()
                numbers = np.asarray([self.elements.constant(x, dtype) for x in known], np.int64)
            else:
                start = self._starts[node]
                numbers = np.arange(start, start + node.spec.size, dtype=np.int64)
            self._values[node] = Value(numbers.reshape(shape), dtype)
        return self._values[node]

    def _value(self, node: Node) -> Value:
        if isinstance(node.op, Literal):
            number = cast("float", node.spec.dtype.type(node.op.value).item())
            dtype = node.spec.dtype.name
            return Value(np.full((), self.elements.constant(number, dtype), np.int64), dtype)
        primitive = cast("Operation", node.op).primitive
        if primitive.emit == Template("gather"):
            return self._gathered(node)
        operands = [self._of(x) for x in node.operands]
        match primitive.emit:
            case Template(name="scatter_add"):
                return self.picking.scatter_add(node, operands[0], self._indices(operands[1:]))
            case Fold() as rule:
                return self.arithmetic.fold(rule, operands[0], cast("Shape", node.params["axis"]), node.spec)
            case Template(name="matmul"):
                return self.arithmetic.matmul(operands[0], operands[1], node.spec)
            case Template(name=name):
                same = [self._converted(x, node.spec.dtype.name) for x in operands]
                return Value(self._moved(name, [x.numbers for x in same], node.params, node.spec), same[0].dtype)
            case emit:
                weight = cast("Elementwise", primitive.kind).flops
                return self.arithmetic.elementwise(cast("EmitScalar", emit), operands, node.spec, weight)

    def _gathered(self, node: Node) -> Value:
        table, *given = node.operands
        indices = self._indices([self._of(x) for x in given])
        if isinstance(table.op, Input) and not all(x in self._constants for x in given):
            # The table is not numbered: it may be the whole training set.
            return self.picking.rows(node, self._starts[table], indices)
        return self.picking.gather(node, self._of(table), indices)

    def _indices(self, given: Sequence[Value]) -> list[Value]:
        return [self._converted(x, "int64") for x in given]

    def _converted(self, x: Value, dtype: str) -> Value:
        if x.dtype == dtype:
            return x
        return self.arithmetic.elementwise(lambda b, value: value, [x], Spec(x.shape, np.dtype(dtype)))

    def _moved(self, name: str, operands: Sequence[Numbers], params: Params, out: Spec) -> Numbers:
        x = operands[0]
        match name:
            case "transpose":
                return np.transpose(x, cast("Shape", params["axes"]))
            case "broadcast_to":
                return np.broadcast_to(x, out.shape)
            case "reshape":
                return x.reshape(out.shape)
            case "concatenate":
                return np.concatenate(operands, axis=cast("int", params["axis"]))
            case "slice" if x.ndim:
                return x[_window(out.shape, params)]
            case "embed" if x.ndim:
                whole = np.full(out.shape, self.elements.constant(0.0, out.dtype.name), np.int64)
                whole[_window(x.shape, params)] = x
                return whole
            case _:
                return x


def _window(size: Shape, params: Params) -> tuple[Numbers, ...]:
    starts, steps = cast("Shape", params["start"]), cast("Shape", params["step"])
    return cast(
        "tuple[Numbers, ...]",
        np.ix_(*(s + d * np.arange(n) for s, d, n in zip(starts, steps, size, strict=True))),
    )
