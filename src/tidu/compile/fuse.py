"""How does a graph become kernels?

Elementwise operations become terms, movement becomes index arithmetic; a value is put into memory where it
is used more than once, or where a kernel needs it there. `tidu.compile.merge` then joins kernels over the
same space. The records are looked at, no operation is imported.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.compile import counters, terms
from tidu.compile.kernels import Kernel, Nest, Product, Scatter, Store, Total
from tidu.compile.terms import Apply, Index, Pick, Term
from tidu.compile.views import Buffer, Ramp, Uniform, View, row_major
from tidu.core.emit import EmitScalar, Fold, Scalar, ScalarBuilder, Template
from tidu.core.graph import Graph, Literal, Node, Operation
from tidu.core.kinds import Elementwise
from tidu.core.primitive import Params
from tidu.core.spec import Shape, Spec

__all__ = ["Fused", "computing_dtype", "fuse"]

_CHEAP_FLOPS = 1
"""A term of so few operations is computed again for each of its users rather than stored."""
_HOISTED_FLOPS = 2
"""A term of more operations is stored before it is repeated along leading axes."""


class Fused:
    """Kernels of a graph, and where its results lie.

    Attributes
    ----------
    kernels : list of Kernel
    outputs : list of View
        One buffer each, which holds nothing else and is no input.
    """

    def __init__(self, kernels: list[Kernel], outputs: list[View]) -> None:
        self.kernels = kernels
        self.outputs = outputs


def fuse(
    graph: Graph,
    *,
    known: Mapping[Node, NDArray[np.generic]] | None = None,
    trusted: frozenset[Node] = frozenset(),
) -> Fused:
    """Make kernels of a graph's nodes.

    Parameters
    ----------
    graph : Graph
        Simplified: without calls.
    known : mapping of Node to ndarray, optional
        Inputs whose values will never change. A rising row of integers among them needs no memory.
    trusted : set of Node
        Integer inputs that are known to be indices within range.
    """
    fusion = _Fusion(graph, known or {}, trusted)
    return Fused(fusion.kernels, fusion.run())


class _Fusion:
    """Collects kernels while it walks over the nodes."""

    def __init__(self, graph: Graph, known: Mapping[Node, NDArray[np.generic]], trusted: frozenset[Node]) -> None:
        self.graph = graph
        self.known = known
        self.trusted = trusted
        self.kernels: list[Kernel] = []
        self.values: dict[Node, Term] = {}
        self.uses = Counter(operand for node in graph.nodes for operand in node.operands)

    def run(self) -> list[View]:
        """Lower all nodes; return the outputs."""
        for number, node in enumerate(self.graph.inputs):
            self.values[node] = self._input(node, number)
        for node in self.graph.nodes:
            if node not in self.values:
                self.values[node] = self._node(node)
        outputs: list[View] = []
        taken: set[Buffer] = set()
        for node in self.graph.outputs:
            view = self._in_memory(self.values[node], node)
            if view.buffer.given is not None or view.buffer in taken or not view.fills_its_buffer:
                view = self._copy(view, view.dtype, node)
            taken.add(view.buffer)
            outputs.append(view)
        return outputs

    def _input(self, node: Node, number: int) -> Term:
        spec, value = node.spec, self.known.get(node)
        if value is not None and spec.ndim == 1 and spec.dtype.kind in "iu" and len(value) > 1:
            start, step = int(value[0]), int(value[1]) - int(value[0])
            if np.array_equal(value, start + step * np.arange(len(value))):
                return Ramp(spec.shape, (step,), start)
        return View.whole(Buffer(spec.nbytes, number, node), spec.dtype.name, spec.shape)

    def _node(self, node: Node) -> Term:
        if isinstance(node.op, Literal):
            return Uniform(cast("float", node.op.value), node.spec.dtype.name, ())
        op = cast("Operation", node.op)
        operands = [self.values[x] for x in node.operands]
        match op.primitive.emit:
            case Fold() as rule:
                return self._fold(rule, operands[0], cast("tuple[int, ...]", op.params["axis"]), node)
            case Template(name="matmul"):
                return self._product(operands[0], operands[1], node)
            case Template(name="gather"):
                return self._gather(operands, node)
            case Template(name="scatter_add"):
                return self._scatter(operands, node)
            case Template(name="random_bits"):
                return self._drawn(operands[0], cast("Shape", op.params["shape"]), node)
            case Template(name="derive_key"):
                purpose = cast("int", op.params["purpose"])
                return self._kept(counters.derived_keys(operands[0], operands[1], purpose, node.spec.shape), node)
            case Template(name="unit_interval"):
                return self._kept(counters.unit_intervals(operands[0], node.spec.dtype.name), node)
            case Template(name=name):
                return self._move(name, operands, op.params, node)
            case emit:
                kind = cast("Elementwise", op.primitive.kind)
                return self._elementwise(cast("EmitScalar", emit), operands, node, kind.flops, op.primitive.name)

    # Elementwise operations.

    def _elementwise(self, emit: EmitScalar, operands: Sequence[Term], node: Node, flops: int, what: str) -> Term:
        out = node.spec
        computing = computing_dtype([out.dtype.name, *(x.dtype for x in operands)])
        given = tuple(self._spread(x, out.shape) for x in operands)
        return self._kept(Apply(emit, given, out.dtype.name, computing, out.shape, flops, what), node)

    def _kept(self, term: Term, node: Node) -> Term:
        """Store what is used again and costs more than reading it."""
        if self.uses[node] > 1 and _flops(term) > _CHEAP_FLOPS:
            return self._copy(term, term.dtype, node)
        return term

    def _spread(self, x: Term, shape: Shape) -> Term:
        """Broadcast; what is expensive is stored first, unless it is one number."""
        grows = x.shape != shape and math.prod(x.shape) > 1
        if grows and isinstance(x, Apply) and _flops(x) > _HOISTED_FLOPS:
            x = self._copy(x, x.dtype)
        return terms.broadcast_to(x, shape)

    # Reductions and products.

    def _fold(self, rule: Fold, x: Term, axes: tuple[int, ...], node: Node) -> Term:
        out = node.spec
        kept = tuple(a for a in range(len(x.shape)) if a not in axes)
        result = _new(out, node)
        kept, axes = (tuple(a for a in group if x.shape[a] != 1) for group in (kept, axes))
        target = View.whole(result.buffer, result.dtype, tuple(x.shape[a] for a in kept))
        ones = tuple(a for a in range(len(x.shape)) if x.shape[a] == 1)
        turned = _squeezed(terms.transpose(x, (*ones, *kept, *axes)))
        computing = computing_dtype([out.dtype.name, x.dtype])
        self.kernels.append(Nest(turned.shape, len(kept), totals=[Total(rule, turned, computing, target)]))
        return result

    def _product(self, a: Term, b: Term, node: Node) -> Term:
        out = node.spec
        stack = out.shape[:-2]
        left, right = (self._in_memory(x, operand) for x, operand in zip((a, b), node.operands, strict=True))
        dtype = out.dtype.name
        left, right = (x if x.dtype == dtype else self._copy(x, dtype) for x in (left, right))
        result = _new(out, node)
        if stack and math.prod(right.shape[:-2]) == 1:
            # One matrix for a whole stack: the stack's rows are rows of one product.
            rows = terms.reshape(left, (math.prod(left.shape[:-1]), left.shape[-1]))
            if left.shape[:-2] == stack and isinstance(rows, View):
                flat = View.whole(result.buffer, dtype, (rows.shape[0], out.shape[-1]))
                self._multiply(rows, cast("View", terms.reshape(right, right.shape[-2:])), flat)
                return result
        full_a = cast("View", terms.broadcast_to(left, (*stack, *left.shape[-2:])))
        full_b = cast("View", terms.broadcast_to(right, (*stack, *right.shape[-2:])))
        self._multiply(full_a, full_b, result)
        return result

    def _multiply(self, a: View, b: View, result: View) -> None:
        self.kernels.append(Product(a, b, result, [Store(result, result)]))

    def _drawn(self, key: Term, shape: Shape, node: Node) -> Term:
        """Draw random words, a block of them at each point, into a whole number of blocks for each key."""
        lead, count = key.shape[:-1], math.prod(shape)
        n_blocks = -(-count // counters.WORDS)
        result = _new(Spec((*lead, n_blocks * counters.WORDS), node.spec.dtype), node)
        start, ones = (0,) * len(lead), (1,) * len(lead)
        space = tuple(n for n in (*lead, n_blocks) if n != 1)
        stores = []
        for number, word in enumerate(counters.drawn_blocks(key, n_blocks)):
            stores.append((word, terms.window(result, (*start, number), (*lead, n_blocks), (*ones, counters.WORDS))))
        moved = terms.reshape_all([x for pair in stores for x in pair], space)
        pairs = zip(*[iter(cast("list[Term]", moved))] * 2, strict=True)
        self.kernels.append(Nest(space, len(space), [Store(word, cast("View", target)) for word, target in pairs]))
        drawn = terms.window(result, (*start, 0), (*lead, count), (*ones, 1))
        return self._reshape(drawn, node.spec.shape)

    # Indexing.

    def _gather(self, operands: Sequence[Term], node: Node) -> Term:
        x, *indices = operands
        source = self._in_memory(x)
        n = len(indices)
        shape = node.spec.shape
        lead = shape[: len(shape) - (len(source.shape) - n)]
        strides = (*(0,) * len(lead), *source.strides[n:])
        view = View(source.buffer, source.dtype, shape, strides, source.offset)
        given = self._indices(node, indices, source.shape, lead, shape)
        pick = Pick(view, given, source.strides[:n])
        return self._copy(pick, pick.dtype, node) if self.uses[node] > 1 else pick

    def _scatter(self, operands: Sequence[Term], node: Node) -> Term:
        values, *indices = operands
        n, out = len(indices), node.spec
        lead = values.shape[: len(values.shape) - (out.ndim - n)]
        chosen = self._one_of_each_row(values, indices, lead, node)
        if chosen is not None:
            return chosen
        result = _new(out, node)
        strides = row_major(out.shape)
        target = View(result.buffer, result.dtype, values.shape, (*(0,) * len(lead), *strides[n:]))
        given = self._indices(node, indices, out.shape, lead, values.shape)
        self._copy_into(Uniform(0.0, out.dtype.name, out.shape), result)
        self.kernels.append(Scatter(values, target, given, strides[:n]))
        return result

    def _one_of_each_row(self, values: Term, indices: Sequence[Term], lead: Shape, node: Node) -> Term | None:
        """Return ``where(column == index, value, 0)`` where every row of the result receives one value."""
        out = node.spec
        if len(indices) != 2 or out.ndim != 2 or len(lead) != 1 or lead[0] != out.shape[0]:
            return None
        if indices[0] != Ramp(lead, (1,), 0):
            return None
        (column,) = self._indices(node, indices[1:], out.shape[1:], lead, (lead[0], 1), first=1)
        same = _apply(
            _equal, [Ramp(out.shape, (0, 1)), terms.broadcast_to(column, out.shape)], "bool", "equal", computing="int64"
        )
        held = self._reshape(values, (lead[0], 1))
        spread, zero = self._spread(held, out.shape), Uniform(0.0, out.dtype.name, out.shape)
        chosen = Apply(_choose, (same, spread, zero), out.dtype.name, out.dtype.name, out.shape, 1, "one_hot")
        return self._kept(chosen, node)

    def _indices(
        self, node: Node, given: Sequence[Term], lengths: Shape, lead: Shape, shape: Shape, first: int = 0
    ) -> tuple[Term, ...]:
        """Return positions along the leading axes, broadcast to `shape`."""
        found = []
        for i, (index, length) in enumerate(zip(given, lengths, strict=False)):
            spread = terms.broadcast_to(index, lead)
            extended = self._reshape(spread, (*lead, *(1,) * (len(shape) - len(lead))))
            whole = terms.broadcast_to(extended, shape)
            trusted = node.operands[1 + first + i] in self.trusted or _within(index, length)
            found.append(Index(whole, length, trusted))
        return tuple(found)

    # Movement.

    def _move(self, name: str, operands: Sequence[Term], params: Params, node: Node) -> Term:
        x, out = operands[0], node.spec
        shape = cast("dict[str, Shape]", params)
        match name:
            case "stop_gradient" | "barrier":
                return x
            case "convert":
                if x.dtype == out.dtype.name:
                    return x
                return self._kept(_apply(_identity, [x], out.dtype.name, "convert"), node)
            case "transpose":
                return terms.transpose(x, shape["axes"])
            case "broadcast_to":
                return self._spread(x, out.shape)
            case "slice":
                return terms.window(x, shape["start"], shape["size"], shape["step"])
            case "reshape":
                return self._reshape(x, out.shape)
            case "embed":
                result = _new(out, node)
                self._copy_into(Uniform(0.0, out.dtype.name, out.shape), result)
                part = cast("View", terms.window(result, shape["start"], x.shape, shape["step"]))
                self._copy_into(x, part)
                return result
            case _:
                return self._concatenate(operands, cast("int", params["axis"]), node)

    def _reshape(self, x: Term, shape: Shape) -> Term:
        """Return `x` in another shape, copied first where strides cannot say it."""
        moved = terms.reshape(x, shape)
        return cast("Term", terms.reshape(self._copy(x, x.dtype), shape)) if moved is None else moved

    def _concatenate(self, operands: Sequence[Term], axis: int, node: Node) -> View:
        result = _new(node.spec, node)
        ones, start = (1,) * node.spec.ndim, [0] * node.spec.ndim
        for x in operands:
            part = cast("View", terms.window(result, tuple(start), x.shape, ones))
            self._copy_into(x, part)
            start[axis] += x.shape[axis]
        return result

    # Memory.

    def _copy(self, x: Term, dtype: str, node: Node | None = None) -> View:
        result = _new(Spec(x.shape, np.dtype(dtype)), node)
        self._copy_into(x, result)
        return result

    def _copy_into(self, x: Term, target: View) -> None:
        term = x if x.dtype == target.dtype else _apply(_identity, [x], target.dtype, "convert")
        flat, place = _squeezed(term), _squeezed(target)
        self.kernels.append(Nest(flat.shape, len(flat.shape), stores=[Store(flat, cast("View", place))]))

    def _in_memory(self, x: Term, node: Node | None = None) -> View:
        return x if isinstance(x, View) else self._copy(x, x.dtype, node)


def _apply(
    emit: EmitScalar, operands: Sequence[Term], dtype: str, what: str, flops: int = 1, computing: str = ""
) -> Apply:
    used = computing or computing_dtype([dtype, *(x.dtype for x in operands)])
    return Apply(emit, tuple(operands), dtype, used, operands[0].shape, flops, what)


def _new(spec: Spec, node: Node | None) -> View:
    return View.whole(Buffer(spec.nbytes, None, node), spec.dtype.name, spec.shape)


def _squeezed(term: Term) -> Term:
    """Drop axes of length one: kernels over the same points then have the same space."""
    return cast("Term", terms.reshape(term, tuple(n for n in term.shape if n != 1)))


def _flops(term: Term) -> int:
    return sum(x.flops for x in terms.ordered([term]) if isinstance(x, Apply))


def _identity(builder: ScalarBuilder, x: Scalar) -> Scalar:
    return x


def _equal(builder: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    return builder.select(builder.compare("==", x, y), builder.constant(1.0), builder.constant(0.0))


def _choose(builder: ScalarBuilder, condition: Scalar, x: Scalar, y: Scalar) -> Scalar:
    return builder.select(builder.compare("!=", condition, builder.constant(0.0)), x, y)


def _within(index: Term, length: int) -> bool:
    """Tell whether a row of integers known beforehand stays inside an axis."""
    if not isinstance(index, Ramp) or index.offset < 0:
        return False
    last = index.offset + sum((n - 1) * stride for n, stride in zip(index.shape, index.strides, strict=True))
    return all(stride >= 0 for stride in index.strides) and last < length


def computing_dtype(dtypes: Sequence[str]) -> str:
    """Return what is computed in: the dtype that holds operands and result; truth values are exact in any."""
    common = np.result_type(*dtypes).name
    return "float32" if common == "bool" else common
