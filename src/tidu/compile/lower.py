"""How does a graph become kernels?

One kernel for each node that computes; movement becomes index arithmetic where strides can say it. The
records are looked at, no operation is imported. This file knows nothing of machines.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import cast

import numpy as np

from tidu.compile import views
from tidu.compile.plan import Plan, Step, make_plan
from tidu.compile.support import supports
from tidu.compile.views import Buffer, Uniform, Value, View
from tidu.core.emit import EmitScalar, Fold, Scalar, ScalarBuilder, Template
from tidu.core.graph import Call, Graph, Input, Literal, Node, Operation, Project
from tidu.core.primitive import Params, Primitive
from tidu.core.spec import Shape, Spec
from tidu.errors import UnsupportedError
from tidu.native.loops import Access, elementwise, fold, matmul
from tidu.native.text import Kernel

__all__ = ["lower"]


def lower(graph: Graph, *, guard_bytes: int = 0) -> Plan:
    """Make kernels of a graph's nodes and place their buffers.

    Parameters
    ----------
    graph : Graph
        With static shapes, as an abstract trace gives it.
    guard_bytes : int
        If above zero, so many bytes around every buffer of the arena belong to none (for tests).

    Raises
    ------
    UnsupportedError
        If a node has no native code; see `supports`.
    """
    reason = supports(graph)
    if reason is not None:
        raise UnsupportedError(f"{graph.name} has no native code: {reason}", function=graph.name, reason=reason)
    lowering = _Lowering()
    inputs = [View.whole(Buffer(x.spec.nbytes, i), x.spec.dtype.name, x.spec.shape) for i, x in enumerate(graph.inputs)]
    values = lowering.run(graph, inputs)
    outputs: dict[Buffer, Spec] = {}
    for node, value in zip(graph.outputs, values, strict=True):
        outputs[lowering.own_buffer(value, outputs)] = node.spec
    specs = [(cast("Input", x.op).name, x.spec) for x in graph.inputs]
    return make_plan(graph.name, specs, [(spec, b) for b, spec in outputs.items()], lowering.steps, guard_bytes)


class _Lowering:
    """Collects the steps."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def run(self, graph: Graph, inputs: Sequence[Value]) -> list[Value]:
        """Lower all nodes of a graph whose inputs lie where `inputs` says."""
        values: dict[Node, tuple[Value, ...]] = {x: (at,) for x, at in zip(graph.inputs, inputs, strict=True)}
        for node in graph.nodes:
            if node in values:
                continue
            # A `Project` reads one entry of its operand, any other node has operands with one.
            match node.op:
                case Project(position=position):
                    values[node] = (values[node.operands[0]][position],)
                case Call(body=body):
                    values[node] = tuple(self.run(body, [values[x][0] for x in node.operands]))
                case Literal(value=number):
                    values[node] = (Uniform(cast("float", number), node.spec.dtype.name, ()),)
                case Operation(primitive=primitive, params=params):
                    operands = [values[x][0] for x in node.operands]
                    values[node] = (self._operation(primitive, operands, params, node.spec),)
                case Input(name=name):
                    raise AssertionError(f"the input {name} has no place")
        return [values[node][0] for node in graph.outputs]

    def own_buffer(self, value: Value, taken: Container[Buffer]) -> Buffer:
        """Return a buffer that holds `value` alone and is nobody else's result, copying if need be."""
        if (
            isinstance(value, View)
            and value.fills_its_buffer
            and not (value.buffer.given is not None or value.buffer in taken)
        ):
            return value.buffer
        return self._copy(value, value.dtype).buffer

    def _operation(self, primitive: Primitive, operands: Sequence[Value], params: Params, out: Spec) -> Value:
        match primitive.emit:
            case Fold() as rule:
                return self._fold(rule, operands[0], cast("tuple[int, ...]", params["axis"]), out)
            case Template(name="matmul"):
                return self._matmul(operands[0], operands[1], out)
            case Template(name=name):
                return self._move(name, operands, params, out)
            case emit:
                return self._elementwise(cast("EmitScalar", emit), operands, out)

    def _elementwise(self, emit: EmitScalar, operands: Sequence[Value], out: Spec) -> View:
        result = _new(out.dtype.name, out.shape)
        dtype = _computing_dtype([out.dtype.name, *(x.dtype for x in operands)])
        self._write(emit, [views.broadcast_to(x, out.shape) for x in operands], result, dtype)
        return result

    def _fold(self, rule: Fold, x: Value, axes: tuple[int, ...], out: Spec) -> View:
        x = self._in_memory(x)
        kept = tuple(a for a in range(len(x.shape)) if a not in axes)
        result = _new(out.dtype.name, out.shape)
        target = View.whole(result.buffer, result.dtype, tuple(x.shape[a] for a in kept))
        dtype = _computing_dtype([out.dtype.name, x.dtype])
        strides = tuple(x.strides[a] for a in (*kept, *axes))
        self._step(
            fold(
                rule,
                target.shape,
                tuple(x.shape[a] for a in axes),
                Access(x.dtype, strides),
                Access(target.dtype, target.strides),
                dtype,
            ),
            [x, target],
        )
        return result

    def _matmul(self, a: Value, b: Value, out: Spec) -> View:
        """Multiply; the rows of B are walked along, so they are brought together first."""
        a, b = self._in_memory(a), self._in_memory(b)
        if b.shape[-1] > 1 and b.strides[-1] != 1:
            b = self._copy(b, b.dtype)
        (m, k), n = a.shape[-2:], b.shape[-1]
        stack = out.shape[:-2]
        result = _new(out.dtype.name, out.shape)
        wide = [cast("View", views.broadcast_to(x, (*stack, *x.shape[-2:]))) for x in (a, b)]
        # Only the stack is broadcast: an axis of the product itself keeps its stride.
        whole = [Access(x.dtype, (*y.strides[:-2], *x.strides[-2:])) for x, y in zip((a, b), wide, strict=True)]
        target = Access(result.dtype, result.strides)
        self._step(matmul(stack, m, k, n, whole[0], whole[1], target, out.dtype.name), [a, b, result])
        return result

    def _move(self, name: str, operands: Sequence[Value], params: Params, out: Spec) -> Value:
        x = operands[0]
        shape = {key: cast("Shape", value) for key, value in params.items() if key != "dtype"}
        match name:
            case "stop_gradient" | "barrier":
                return x
            case "convert":
                return x if x.dtype == out.dtype.name else self._copy(x, out.dtype.name)
            case "transpose":
                return views.transpose(x, shape["axes"])
            case "broadcast_to":
                return views.broadcast_to(x, out.shape)
            case "slice":
                return views.window(x, shape["start"], shape["size"], shape["step"])
            case "reshape":
                moved = views.reshape(x, out.shape)
                return View.whole(self._copy(x, x.dtype).buffer, x.dtype, out.shape) if moved is None else moved
            case "embed":
                result = self._copy(Uniform(0.0, out.dtype.name, out.shape), out.dtype.name)
                self._write(
                    _identity,
                    [x],
                    views.window(result, shape["start"], x.shape, shape["step"]),
                    _computing_dtype([x.dtype]),
                )
                return result
            case _:
                return self._concatenate(operands, cast("int", params["axis"]), out)

    def _concatenate(self, operands: Sequence[Value], axis: int, out: Spec) -> View:
        result = _new(out.dtype.name, out.shape)
        ones, start = (1,) * len(out.shape), [0] * len(out.shape)
        for x in operands:
            part = views.window(result, tuple(start), x.shape, ones)
            self._write(_identity, [x], part, _computing_dtype([out.dtype.name, x.dtype]))
            start[axis] += x.shape[axis]
        return result

    def _copy(self, x: Value, dtype: str) -> View:
        result = _new(dtype, x.shape)
        self._write(_identity, [x], result, _computing_dtype([dtype, x.dtype]))
        return result

    def _in_memory(self, x: Value) -> View:
        return x if isinstance(x, View) else self._copy(x, x.dtype)

    def _write(self, emit: EmitScalar, operands: Sequence[Value], target: Value, dtype: str) -> None:
        """Write ``emit(*operands)`` to `target`, whose shape they have."""
        assert isinstance(target, View)
        given = tuple(views.operand(x) for x in operands)
        kernel = elementwise(emit, target.shape, given, Access(target.dtype, target.strides), dtype)
        self._step(kernel, [*(x for x in operands if isinstance(x, View)), target])

    def _step(self, kernel: Kernel, touched: Sequence[View]) -> None:
        if 0 not in touched[-1].shape:
            self.steps.append(Step(kernel, tuple(touched)))


def _new(dtype: str, shape: Shape) -> View:
    return View.whole(Buffer(int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize), dtype, shape)


def _identity(builder: ScalarBuilder, x: Scalar) -> Scalar:
    return x


def _computing_dtype(dtypes: Sequence[str]) -> str:
    """Return what is computed in: the dtype that holds operands and result; truth values are exact in any."""
    common = np.result_type(*dtypes).name
    return "float32" if common == "bool" else common
