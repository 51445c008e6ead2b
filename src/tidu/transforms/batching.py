"""`vmap`: a function of one example becomes a function of many.

The function is traced for one example; its graph is run again with each primitive's batching rule,
which stands in the primitive's kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps

import numpy as np

from tidu.core.bind import spec_of
from tidu.core.graph import Call, Graph, Node, Operation, Project
from tidu.core.kinds import batch_front
from tidu.core.spec import Spec
from tidu.core.structural import broadcast_to, move_axis
from tidu.errors import ShapeError
from tidu.interpret import missing_nodes, run_call, run_node
from tidu.trace.function import argument_names, trace
from tidu.trace.tree import Structure, flatten, leaf_paths, unflatten

__all__ = ["run_batched", "vmap"]


def run_batched(
    graph: Graph, inputs: Sequence[object], flags: Sequence[bool], known: Mapping[Node, object] | None = None
) -> tuple[list[object], list[bool]]:
    """Run a graph on inputs of which some have a batch axis in front.

    Parameters
    ----------
    graph : Graph
        Traced for one example.
    inputs : sequence
        One value for each input.
    flags : sequence of bool
        Which of them are batched.
    known : mapping of Node to value, optional
        Values, without batch axis, that need not be computed.

    Returns
    -------
    list
        The outputs.
    list of bool
        Which of them are batched.
    """
    values: dict[Node, object] = dict(known or {})
    batched = dict.fromkeys(values, False)
    values.update(zip(graph.inputs, inputs, strict=True))
    batched.update(zip(graph.inputs, flags, strict=True))
    for node in missing_nodes(graph.outputs, values):
        operands = [values[operand] for operand in node.operands]
        which = [batched[operand] for operand in node.operands]
        batched[node] = any(which)
        if not batched[node]:
            values[node] = run_node(node, operands)
        elif isinstance(node.op, Operation):
            values[node] = node.op.primitive.kind.batch(node.op.primitive, operands, which, node.op.params)
        elif isinstance(node.op, Call):
            values[node] = _run_batched_call(node.op, operands, which)
        else:
            assert isinstance(node.op, Project)
            values[node] = operands[0][node.op.position]  # type: ignore[index]
    return [values[node] for node in graph.outputs], [batched[node] for node in graph.outputs]


def _run_batched_call(call: Call, operands: Sequence[object], which: Sequence[bool]) -> Sequence[object]:
    """Call a batched graph whose pullback is the batched pullback."""
    fronted = batch_front(operands, which)
    n_operands = len(fronted)
    size = spec_of(fronted[0]).shape[0]
    n_outputs = len(call.body.outputs)

    def many(graph: Graph, values: Sequence[object]) -> tuple[object, ...]:
        flags = [True] * len(values) + [False] * (len(graph.inputs) - len(values))
        found, batched = run_batched(graph, values, flags)
        return tuple(
            x if flag else broadcast_to(x, (size, *spec_of(x).shape)) for x, flag in zip(found, batched, strict=True)
        )

    def pullback(
        cts: Sequence[object | None], outs: Sequence[object], operands: Sequence[object]
    ) -> Sequence[object | None]:
        given = [ct for ct in cts if ct is not None]
        returned: list[bool] = []

        def one(*flat: object) -> tuple[object, ...]:
            some = iter(flat[: len(given)])
            placed = [None if ct is None else next(some) for ct in cts]
            found = call.pullback(placed, flat[len(given) : len(given) + n_outputs], flat[len(given) + n_outputs :])
            returned[:] = [ct is not None for ct in found]
            return tuple(ct for ct in found if ct is not None)

        flat = [*given, *outs, *operands[:n_operands]]
        traced = trace(one, [_one(x) for x in flat], eager=False)
        flags = [True] * len(flat) + [False] * len(traced.captures)
        found, flags = run_batched(traced.graph, [*flat, *traced.captures], flags)
        some = iter(
            x if flag else broadcast_to(x, (size, *spec_of(x).shape)) for x, flag in zip(found, flags, strict=True)
        )
        constants = [None] * (len(operands) - n_operands)
        return [next(some) if flag else None for flag in returned] + constants

    # The batching rules may have made constants (row numbers, say): they are operands too, without a gradient.
    body = trace(lambda *values: many(call.body, values), [spec_of(x) for x in fronted], eager=False)
    return run_call(Call(call.name, body.graph, pullback), [*fronted, *body.captures], None)


def _one(batched: object) -> Spec:
    spec = spec_of(batched)
    return Spec(spec.shape[1:], spec.dtype)


def vmap(
    fun: Callable[..., object],
    in_axes: int | Sequence[object] | None = 0,
    out_axes: int = 0,
    axis_size: int | None = None,
) -> Callable[..., object]:
    """Make a function that applies `fun` to every entry along an axis of its arguments.

    Parameters
    ----------
    fun : callable
        Plain NumPy code for one example. A branch on a value is an error, as under `jit`.
    in_axes : int, None or sequence of these
        Which axis of each argument counts the examples; None for an argument that is the same for all.
        An argument's entry may be nested as the argument.
    out_axes : int
        Where the results have that axis.
    axis_size : int, optional
        The number of examples; needed where no argument has the axis.

    Returns
    -------
    callable

    Raises
    ------
    ShapeError
        If the arguments disagree in the number of examples, or have no such axis.

    Examples
    --------
    >>> vmap(lambda x, w: x * w, in_axes=(0, None))(np.array([1.0, 2.0]), 3.0)
    array([3., 6.])
    """

    @wraps(fun)
    def mapped(*arguments: object, **keywords: object) -> object:
        axes = list(in_axes) if isinstance(in_axes, (list, tuple)) else [in_axes] * len(arguments)
        if len(axes) != len(arguments):
            raise ShapeError(
                f"vmap: in_axes has {len(axes)} entries for {len(arguments)} argument(s)",
                expected=len(arguments),
                got=len(axes),
            )
        names = argument_names(fun, len(arguments))
        leaves: list[object] = []
        leaf_axes: list[int | None] = []
        paths: list[str] = []
        structures = []
        for name, argument, axis in zip(names, arguments, axes, strict=True):
            more, structure = flatten(argument)
            leaves += more
            structures.append(structure)
            leaf_axes += _axes_of_leaves(axis, structure, name)
            paths += leaf_paths(structure, name)
        fronted = [_front(x, a, p) for x, a, p in zip(leaves, leaf_axes, paths, strict=True)]
        flags = [a is not None for a in leaf_axes]
        size = _common_size(fronted, flags, paths, axis_size)
        examples = iter([_one(x) if flag else x for x, flag in zip(fronted, flags, strict=True)])
        example = [unflatten(s, [next(examples) for _ in range(s.n_leaves)]) for s in structures]
        traced = trace(fun, example, eager=False, names=names, keywords=keywords)
        captured = traced.captures
        found, batched = run_batched(traced.graph, [*fronted, *captured], [*flags, *[False] * len(captured)])
        return traced.result([_place(x, flag, size, out_axes) for x, flag in zip(found, batched, strict=True)])

    return mapped


def _axes_of_leaves(axis: object, structure: Structure, name: str) -> list[int | None]:
    if axis is None or isinstance(axis, (int, np.integer)):
        return [None if axis is None else int(axis)] * structure.n_leaves
    given, found = _flatten_axes(axis, structure)
    if not found:
        raise ShapeError(f"vmap: in_axes of {name} must be an int, None, or nested as {structure}", got=axis)
    return given


def _flatten_axes(axis: object, structure: Structure) -> tuple[list[int | None], bool]:
    """Match axes, where None is a leaf, against the containers of an argument."""
    if axis is None or isinstance(axis, (int, np.integer)):
        return [None if axis is None else int(axis)] * structure.n_leaves, True
    kind = structure.kind
    if kind is None or not isinstance(axis, kind):
        return [], False
    values = (
        [axis[key] for key in structure.keys if key in axis]
        if isinstance(axis, dict)
        else list(axis)
        if isinstance(axis, (list, tuple))
        else [getattr(axis, str(key)) for key in structure.keys]
    )
    if len(values) != len(structure.children):
        return [], False
    flat: list[int | None] = []
    for value, child in zip(values, structure.children, strict=True):
        more, found = _flatten_axes(value, child)
        if not found:
            return [], False
        flat += more
    return flat, True


def _front(x: object, axis: int | None, path: str) -> object:
    if axis is None:
        return x
    ndim = spec_of(x).ndim
    if not -ndim <= axis < ndim:
        raise ShapeError(f"vmap: {path} has {ndim} axes, none numbered {axis}", axis=axis, ndim=ndim)
    return x if axis in (0, -ndim) else move_axis(x, axis % ndim, 0)


def _common_size(fronted: Sequence[object], flags: Sequence[bool], paths: Sequence[str], axis_size: int | None) -> int:
    sizes = {p: spec_of(x).shape[0] for x, flag, p in zip(fronted, flags, paths, strict=True) if flag}
    if axis_size is not None:
        sizes["axis_size"] = axis_size
    if not sizes:
        raise ShapeError("vmap: in_axes is None for every argument; one of them must have the axis of examples")
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{path} has {size}" for path, size in sizes.items())
        raise ShapeError(f"vmap: arguments disagree in the number of examples: {listed}", got=sizes)
    return next(iter(sizes.values()))


def _place(x: object, flag: bool, size: int, axis: int) -> object:
    full = x if flag else broadcast_to(x, (size, *spec_of(x).shape))
    return full if axis == 0 else move_axis(full, 0, axis % spec_of(full).ndim)
