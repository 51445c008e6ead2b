"""From a function and its arguments to an explanation: bind, trace, differentiate, run, name.

Everything numeric is done here, once; how it is shown is not known here.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from tidu.core.bind import Traced
from tidu.core.graph import Graph, Input, Node
from tidu.core.spec import is_differentiable
from tidu.differentiate import pull_back
from tidu.errors import DtypeError, ParameterError
from tidu.explanation.naming import captured_names, name_nodes, recorded_order, short_names
from tidu.explanation.result import Explanation
from tidu.expressions import Expression, parse_expression
from tidu.interpret import interpret
from tidu.trace.function import TracedFunction, trace
from tidu.trace.tree import Structure, flatten, leaf_paths, unflatten

__all__ = ["explain"]


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of the explained function, with the leaves that are traced taken out."""

    function: Callable[..., object]
    names: list[str]
    paths: list[str]
    leaves: list[object]
    structure: Structure
    rest: dict[str, object]
    bound: inspect.BoundArguments | None

    def run(self, *leaves: object) -> object:
        """Call the function with `leaves` in their places."""
        values = cast("tuple[object, ...]", unflatten(self.structure, leaves))
        if self.bound is None:
            return self.function(*values)
        known = {**self.rest, **dict(zip(self.names, values, strict=True))}
        ordered = OrderedDict((name, known[name]) for name in self.bound.arguments)
        arguments = inspect.BoundArguments(self.bound.signature, ordered)
        return self.function(*arguments.args, **arguments.kwargs)


def explain(
    f: Callable[..., object] | Expression | str,
    *args: object,
    vary: str | Sequence[str] | None = None,
    **kwargs: object,
) -> Explanation:
    """Show how the value of `f` comes about, and how its gradient flows back, step by step.

    Parameters
    ----------
    f : callable, Expression or str
        Plain NumPy code, or the text of an expression (parsed, never run as Python).
    *args, **kwargs
        Its arguments: numbers, arrays, nested containers of them. Others are passed on as they are.
    vary : str or sequence of str, optional
        Which arguments are variables, by name (or by path: ``"params['W']"``); the others are data, held
        fixed. By default every real floating-point argument is a variable.

    Returns
    -------
    Explanation
        ``.text()``, ``.to_svg()``, ``.to_html()``, ``.to_latex()``, ``.to_dot()``; it draws itself in a notebook.

    Raises
    ------
    ParameterError
        If `vary` names no argument.
    DtypeError
        If no argument could vary.
    ExpressionError
        If the text is not an expression.

    Notes
    -----
    A result that is not a scalar is explained through the sum of its elements.

    Examples
    --------
    >>> e = explain("(x + y) * z", x=-2.0, y=5.0, z=-4.0)
    >>> e.value, e.gradient
    (-12.0, {'x': -4.0, 'y': -4.0, 'z': 3.0})
    """
    expression = parse_expression(f) if isinstance(f, str) else f if isinstance(f, Expression) else None
    labels: dict[Node, tuple[str, str]] = {}

    def notice(text: str, name: str, value: object) -> None:
        if isinstance(value, Traced):
            labels.setdefault(value.node, (text, name))

    call: _Call
    if expression is not None:
        call = _bind_expression(expression, args, kwargs, notice)
    else:
        call = _bind(f, args, kwargs)  # type: ignore[arg-type]
    varying = _varying(call, vary)
    run = _named(call.run, "f" if expression is not None else getattr(f, "__name__", "f"))
    traced = trace(run, call.leaves, eager=True, names=call.paths)
    given = captured_names(call.function, _captures(traced)) | short_names(traced.graph)
    given |= {node: name for node, (_, name) in labels.items() if name}
    texts = {node: text for node, (text, _) in labels.items()}
    title = f"{traced.graph.name}({', '.join(call.names)})"
    return _assemble(traced, call.leaves, varying, given, texts, title, vary is not None)


def _named(run: Callable[..., object], name: str) -> Callable[..., object]:
    def function(*leaves: object) -> object:
        return run(*leaves)

    function.__name__ = name
    return function


def _bind_expression(
    expression: Expression, args: Sequence[object], kwargs: Mapping[str, object], notice: Callable[..., None]
) -> _Call:
    """Whole numbers are meant as floats: an expression has no other use for them."""

    def run(*values: object) -> object:
        return expression.run(dict(zip(expression.names, values, strict=True)), notice)

    bound = dict(zip(expression.names, args, strict=False)) | dict(kwargs)
    if len(args) > len(expression.names):
        raise ParameterError(
            f"the expression has {len(expression.names)} variables, got {len(args)} values", got=len(args)
        )
    expression.require_names(bound)
    values = {name: _as_float(bound[name]) for name in expression.names}
    run.__signature__ = inspect.signature(expression.function())  # type: ignore[attr-defined]
    return _bind(run, (), values)


def _as_float(value: object) -> object:
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        return value
    return float(array) if array.ndim == 0 else array.astype(np.float64)


def _bind(function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> _Call:
    """Match arguments with parameters, and take out the leaves of those that are numeric."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # NumPy's own functions have none
        if kwargs:
            raise ParameterError(
                f"{getattr(function, '__name__', 'f')} has no signature; give its arguments by position",
                got=list(kwargs),
            ) from None
        leaves, structure = flatten(tuple(args))
        names = [f"x{i}" for i in range(len(args))] if len(args) > 1 else ["x"]
        return _Call(function, names, _paths(names, structure), leaves, structure, {}, None)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ParameterError(
            f"{getattr(function, '__name__', 'f')}{signature} cannot be called so: {error}", signature=signature
        ) from None
    numeric = {name: value for name, value in bound.arguments.items() if _is_numeric(value)}
    rest = {name: value for name, value in bound.arguments.items() if name not in numeric}
    leaves, structure = flatten(tuple(numeric.values()))
    names = list(numeric)
    return _Call(function, names, _paths(names, structure), leaves, structure, rest, bound)


def _paths(names: Sequence[str], structure: Structure) -> list[str]:
    return [path for name, child in zip(names, structure.children, strict=True) for path in leaf_paths(child, name)]


def _is_numeric(value: object) -> bool:
    leaves, _ = flatten(value)
    return bool(leaves) and all(
        isinstance(leaf, (int, float, np.ndarray, np.generic)) and np.asarray(leaf).dtype.kind in "biuf"
        for leaf in leaves
    )


def _varying(call: _Call, vary: str | Sequence[str] | None) -> list[bool]:
    """Tell for each leaf whether it is a variable."""
    real = [is_differentiable(np.asarray(leaf).dtype) for leaf in call.leaves]
    if vary is None:
        if not any(real):
            raise DtypeError(
                "nothing can vary: no argument is a real floating-point value; write 2.0 instead of 2", got=call.paths
            )
        return real
    flags = [False] * len(real)
    for name in [vary] if isinstance(vary, str) else vary:
        hits = [i for i, path in enumerate(call.paths) if path == name or path.startswith((f"{name}[", f"{name}."))]
        if not hits:
            raise ParameterError(f"vary names {name!r}, but the arguments are {', '.join(call.paths)}", got=name)
        for i in hits:
            if not real[i]:
                raise DtypeError(
                    f"{call.paths[i]} holds {np.asarray(call.leaves[i]).dtype}, which has no gradient; "
                    "pass floats to vary it",
                    got=name,
                )
            flags[i] = True
    if not any(flags):
        raise ParameterError("vary is empty; name at least one argument", got=vary)
    return flags


def _captures(traced: TracedFunction) -> list[tuple[Node, object]]:
    captured = [node for node in traced.graph.inputs if isinstance(node.op, Input) and node.op.captured]
    return list(zip(captured, traced.captures, strict=True))


def _assemble(
    traced: TracedFunction,
    leaves: Sequence[object],
    varying: Sequence[bool],
    given: Mapping[Node, str],
    texts: Mapping[Node, str],
    title: str,
    chosen: bool,
) -> Explanation:
    """Run the graph and its derivative, and put everything together."""
    graph = traced.graph
    order = recorded_order(graph, traced.values)
    inputs = [*leaves, *traced.captures]
    with np.errstate(all="ignore"):  # infinite and undefined values are shown as they are
        found = interpret(Graph(graph.inputs, graph.nodes, graph.name), inputs, traced.values)
        values = dict(zip(graph.nodes, found, strict=True))
        back = pull_back(graph, [*varying, *[False] * len(traced.captures)])
        seeds = [np.ones(node.spec.shape, node.spec.dtype)[()] for node in graph.outputs]
        cotangents = interpret(
            Graph(back.graph.inputs, tuple(back.cotangents.values()), "gradients"),
            [*inputs, *seeds, *back.captures],
            values,
        )
    gradients = {node: np.asarray(ct) for node, ct in zip(back.cotangents, cotangents, strict=True)}
    variables = tuple(node for node, flag in zip(graph.inputs, varying, strict=False) if flag)
    for node in variables:
        gradients.setdefault(node, np.zeros(node.spec.shape, node.spec.dtype))
    results = list(zip(graph.outputs, leaf_paths(traced.structure, graph.name), strict=True))
    return Explanation(
        graph=graph,
        order=tuple(order),
        names=name_nodes(order, results, given),
        texts=texts,
        title=title,
        values=values,
        gradients=gradients,
        variables=variables,
        chosen=chosen,
    )
