"""Functions with a derivative of their own: custom_vjp, and checkpoint, which recomputes instead of storing.

Both record one `Call`: a graph, and the Python function that pulls back through it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import update_wrapper, wraps
from typing import cast

import numpy as np

from tidu.core.bind import Traced, apply, innermost, spec_of
from tidu.core.graph import Call, CallPullback, Graph, Input, Node
from tidu.core.primitive import find
from tidu.core.spec import is_differentiable
from tidu.core.structural import add
from tidu.differentiate import pull_back
from tidu.errors import ParameterError, ShapeError, TraceError
from tidu.interpret import interpret, run_call
from tidu.trace.function import TracedFunction, trace
from tidu.trace.tree import Structure, flatten, unflatten

__all__ = ["checkpoint", "custom_vjp"]


def _plain(value: object) -> object | None:
    """Return the plain value behind a traced one, or None if only its spec is known."""
    while isinstance(value, Traced):
        value = value.value
    return value


def _trace_once(
    function: Callable[..., object], leaves: Sequence[object], name: str
) -> tuple[TracedFunction, list[object] | None]:
    """Trace a function of flat arguments with their plain values where all are known, else by specs.

    Returns the traced function and, where they are known, the plain values of its outputs.
    """
    values = [_plain(leaf) for leaf in leaves]
    known = all(value is not None for value in values)
    function.__name__ = name
    traced = trace(function, values if known else [spec_of(leaf) for leaf in leaves], eager=known)
    if not known or innermost(traced.captures) is not None:
        return traced, None
    return traced, [traced.values[node] for node in traced.graph.outputs]


def _run_opaque(
    function: Callable[..., object], values: Sequence[object | None], name: str
) -> tuple[TracedFunction, list[object], frozenset[int]]:
    """Run a function that cannot be traced on plain values, and describe it by what it returned.

    Returns
    -------
    TracedFunction
        Its outputs are the inputs that it passed on, and constants for all else.
    list
        The outputs' values.
    frozenset of int
        Positions of the outputs that are such constants.
    """
    outs, structure = flatten(function(*values))
    inputs = [Node(Input(f"{name}{i}"), (), spec_of(value)) for i, value in enumerate(values)]
    nodes: list[Node] = []
    constants: dict[int, tuple[Node, object]] = {}
    for position, out in enumerate(outs):
        same = [node for node, value in zip(inputs, values, strict=True) if value is out]
        if len(same) != 1:
            constants[position] = (Node(Input(f"{name}_{position}", captured=True), (), spec_of(out)), out)
        nodes.append(same[0] if len(same) == 1 else constants[position][0])
    graph = Graph((*inputs, *(node for node, _ in constants.values())), tuple(nodes), name)
    traced = TracedFunction(graph, tuple(value for _, value in constants.values()), structure, {})
    return traced, outs, frozenset(constants)


_local = threading.local()


def _forward_rules() -> list[custom_vjp]:
    """Return the functions of this thread whose forward rule is running."""
    if not hasattr(_local, "running"):
        _local.running = []
    return cast("list[custom_vjp]", _local.running)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What `defvjp` was given."""

    forward: Callable[..., tuple[object, object]]
    backward: Callable[..., tuple[object, ...]]


class custom_vjp:
    """A function whose derivative the user gives.

    Parameters
    ----------
    fun : callable
        The function.
    nondiff_argnums : sequence of int
        Positional arguments that are not arrays; they are handed to the backward rule first.

    Notes
    -----
    Under `grad`, where values are known, `fwd` may call what tidu cannot trace: it is then run on plain arrays.
    ``defvjp(fwd, bwd)``: ``fwd(*arguments)`` returns ``(result, residuals)``; ``bwd(*nondiff, residuals, ct)``
    returns a tuple with a cotangent for each differentiable argument, None for zeros.

    Examples
    --------
    >>> import tidu
    >>> @tidu.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (np.minimum(ct, 1.0),))
    >>> tidu.grad(lambda x: 5.0 * clipped(x))(2.0)
    1.0
    """

    def __init__(self, fun: Callable[..., object], nondiff_argnums: Sequence[int] = ()) -> None:
        self.fun = fun
        self.nondiff_argnums = tuple(nondiff_argnums)
        self._rule: _Rule | None = None
        self.__name__: str = getattr(fun, "__name__", "f")
        update_wrapper(self, fun)

    def defvjp(self, fwd: Callable[..., tuple[object, object]], bwd: Callable[..., tuple[object, ...]]) -> None:
        """Give the rule; see the class."""
        self._rule = _Rule(fwd, bwd)

    def __call__(self, *arguments: object, **keywords: object) -> object:
        """Run the function; traced, its derivative is the rule."""
        if self._rule is None:
            raise ParameterError(
                f"{self.__name__} is a custom_vjp function without a rule; call {self.__name__}.defvjp(fwd, bwd) first",
                name=self.__name__,
            )
        if keywords:
            raise ParameterError("a custom_vjp function takes positional arguments only", got=tuple(keywords))
        static = {n % len(arguments) for n in self.nondiff_argnums}
        dynamic = tuple(x for i, x in enumerate(arguments) if i not in static)
        leaves, structure = flatten(dynamic)
        if innermost(leaves) is None or self in _forward_rules():
            # Inside its own forward rule, which may well call it, the function is an ordinary one.
            return self.fun(*arguments)
        return self._call(self._rule, arguments, static, leaves, structure)

    def _call(
        self, rule: _Rule, arguments: Sequence[object], static: set[int], leaves: list[object], structure: Structure
    ) -> object:
        shapes: dict[str, Structure] = {}

        def forward(*flat: object) -> tuple[object, ...]:
            given = iter(unflatten(structure, flat))  # type: ignore[call-overload]
            full = [x if i in static else next(given) for i, x in enumerate(arguments)]
            running = _forward_rules()
            running.append(self)
            try:
                result, residuals = rule.forward(*full)
            finally:
                running.pop()
            outs, shapes["result"] = flatten(result)
            kept, shapes["residuals"] = flatten(residuals)
            return (*outs, *kept)

        opaque: frozenset[int] = frozenset()
        try:
            traced, values = _trace_once(forward, leaves, self.__name__)
        except TraceError:
            plain = [_plain(leaf) for leaf in leaves]
            if any(value is None for value in plain):
                raise
            traced, values, opaque = _run_opaque(forward, plain, self.__name__)
        if innermost(traced.captures) is not None:
            raise TraceError(
                f"{self.__name__} has a rule of its own but uses a traced value from outside, whose gradient the rule "
                "cannot return; pass it as an argument",
                name=self.__name__,
            )
        n_results = shapes["result"].n_leaves
        frozen = [x for i, x in enumerate(arguments) if i in static]
        n_leaves = len(leaves)

        def pullback(
            cts: Sequence[object | None], outs: Sequence[object], operands: Sequence[object]
        ) -> Sequence[object | None]:
            residuals = unflatten(shapes["residuals"], outs[n_results:])
            found: list[object | None] = [None] * len(operands)
            if any(ct is not None for ct in cts[:n_results]):
                given = unflatten(shapes["result"], _filled(cts[:n_results], outs[:n_results]))
                returned = rule.backward(*frozen, residuals, given)
                found[:n_leaves] = self._leaf_cotangents(returned, structure)
            if any(cts[i] is not None for i in opaque if i >= n_results):
                raise TraceError(
                    f"a residual of {self.__name__} is computed by code that cannot be traced, so it has no derivative "
                    "of its own; for second derivatives return the arguments themselves as residuals",
                    name=self.__name__,
                )
            if any(ct is not None for ct in cts[n_results:]):
                # Residuals depend on the arguments in the ordinary way: a second derivative comes here.
                through = natural([*[None] * n_results, *cts[n_results:]], outs, operands)
                found = [_sum(a, b) for a, b in zip(found, through, strict=True)]
            return found

        natural = _recompute(traced)
        call = Call(self.__name__, traced.graph, pullback)
        found = run_call(call, [*leaves, *traced.captures], values)
        return unflatten(shapes["result"], found[:n_results])

    def _leaf_cotangents(self, found: object, structure: Structure) -> list[object | None]:
        """Flatten what the backward rule returned; None stands for zeros of a whole argument."""
        if not isinstance(found, tuple) or len(found) != len(structure.children):
            got = f"{len(found)} of them" if isinstance(found, tuple) else type(found).__name__
            raise ShapeError(
                f"the backward rule of {self.__name__} must return a tuple with a cotangent for each of its "
                f"{len(structure.children)} argument(s), got {got}",
                got=found,
            )
        flat: list[object | None] = []
        for ct, child in zip(found, structure.children, strict=True):
            if ct is None:
                flat += [None] * child.n_leaves
                continue
            leaves, nested = flatten(ct)
            if nested != child:
                raise ShapeError(
                    f"the backward rule of {self.__name__} returned {nested} for an argument {child}",
                    expected=child,
                    got=nested,
                )
            flat += leaves
        return flat


def checkpoint(fun: Callable[..., object]) -> Callable[..., object]:
    """Make a function whose intermediate values are computed again for the gradient, not stored.

    Parameters
    ----------
    fun : callable
        Plain NumPy code.

    Returns
    -------
    callable
        The same function; its gradient costs one more forward run and keeps only the arguments in memory.

    Examples
    --------
    >>> import tidu
    >>> tidu.grad(tidu.checkpoint(lambda x: x * x))(3.0)
    6.0
    """

    @wraps(fun)
    def checkpointed(*arguments: object, **keywords: object) -> object:
        leaves, structure = flatten(arguments)
        nested: list[Structure] = []

        def flat_function(*flat: object) -> tuple[object, ...]:
            result = fun(*unflatten(structure, flat), **keywords)  # type: ignore[misc]
            outs, shape = flatten(result)
            nested[:] = [shape]
            return tuple(outs)

        traced, values = _trace_once(flat_function, leaves, getattr(fun, "__name__", "f"))
        operands = [*leaves, *traced.captures]
        if innermost(operands) is None:
            return unflatten(nested[0], [traced.values[node] for node in traced.graph.outputs])
        call = Call(traced.graph.name, traced.graph, _recompute(traced))
        return unflatten(nested[0], run_call(call, operands, values))

    return checkpointed


def _recompute(traced: TracedFunction) -> CallPullback:
    """Return the pullback that runs the graph again from its operands."""
    graph = traced.graph

    def pullback(
        cts: Sequence[object | None], outs: Sequence[object], operands: Sequence[object]
    ) -> Sequence[object | None]:
        wrt = [is_differentiable(spec_of(x).dtype) for x in operands]
        back = pull_back(graph, wrt)
        fresh = [apply(find("barrier"), x) for x in operands]
        found = iter(interpret(back.graph, [*fresh, *_filled(cts, outs), *back.captures]))
        return [next(found) if flag else None for flag in wrt]

    return pullback


def _filled(cts: Sequence[object | None], outs: Sequence[object]) -> list[object]:
    """Return the cotangents with zeros where nothing flows back."""
    specs = [spec_of(out) for out in outs]
    return [np.zeros(s.shape, s.dtype) if ct is None else ct for ct, s in zip(cts, specs, strict=True)]


def _sum(a: object | None, b: object | None) -> object | None:
    """Add two cotangents, of which either may be absent."""
    if a is None or b is None:
        return b if a is None else a
    return add(a, b)
