"""Directional derivatives: jvp and hvp, made from the pullback applied twice.

The pullback of a function is linear in its cotangent, so pulling back through the pullback pushes
tangents forward; a primitive therefore needs no forward rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tidu.core.bind import spec_of
from tidu.core.spec import is_differentiable
from tidu.core.structural import convert
from tidu.differentiate import pull_back
from tidu.errors import ShapeError
from tidu.interpret import interpret
from tidu.trace.tree import flatten, map_tree
from tidu.transforms.gradients import as_number, grad, linearize, result_structure, vjp

__all__ = ["hvp", "jvp"]


def jvp(
    fun: Callable[..., object], primals: Sequence[object], tangents: Sequence[object], has_aux: bool = False
) -> tuple[object, ...]:
    """Return the value of `fun` and its directional derivative.

    Parameters
    ----------
    fun : callable
        Plain NumPy code.
    primals : sequence
        The arguments, real floating-point arrays in nested containers.
    tangents : sequence
        The direction, nested as `primals`.
    has_aux : bool
        Whether `fun` returns ``(result, aux)``; then aux is returned too, last.

    Returns
    -------
    result
        ``fun(*primals)``.
    tangent
        The derivative of the result along `tangents`, nested as the result; zeros where it is an integer.
    aux
        With `has_aux` only.

    Raises
    ------
    ShapeError
        If tangents and primals are not nested and shaped alike.

    Notes
    -----
    ``jvp(v) = (ct -> vjp(ct))^T v``: the transpose of the pullback, which is linear.

    Examples
    --------
    >>> jvp(lambda x: x * x, (3.0,), (2.0,))
    (9.0, 12.0)
    """
    _require_alike(primals, tangents)
    at, _ = linearize(fun, tuple(primals), [True] * len(primals), "jvp")
    directions, _ = flatten(_as_primals(primals, tangents))
    outputs = at.outputs
    graph, back = at.traced.graph, at.back
    n_inputs, n_outputs = len(graph.inputs), len(graph.outputs)
    flags = [False] * n_inputs + [is_differentiable(x.spec.dtype) for x in graph.outputs] + [False] * len(back.captures)
    forward = pull_back(back.graph, flags)
    unused = [np.zeros(x.spec.shape, x.spec.dtype) for x in graph.outputs]
    inputs = [*at.leaves, *at.traced.captures, *unused, *back.captures, *directions, *forward.captures]
    with np.errstate(all="ignore"):
        pushed = iter(interpret(forward.graph, inputs, at.traced.values))
    found = [next(pushed) if flag else zero for flag, zero in zip(flags[n_inputs:], unused, strict=False)]
    weak = [x.spec.weak for x in graph.outputs[:n_outputs]]
    result_structure(at.traced, has_aux, "jvp")
    value = at.traced.result([as_number(x) if w else x for x, w in zip(outputs, weak, strict=True)])
    tangent = at.traced.result([as_number(x) if w else x for x, w in zip(found, weak, strict=True)])
    return (value[0], tangent[0], value[1]) if has_aux else (value, tangent)  # type: ignore[index]


def _require_alike(primals: Sequence[object], tangents: Sequence[object]) -> None:
    leaves, structure = flatten(tuple(primals))
    others, found = flatten(tuple(tangents))
    if structure != found:
        raise ShapeError(f"tangents must be nested as primals {structure}, got {found}", expected=structure, got=found)
    for i, (leaf, other) in enumerate(zip(leaves, others, strict=True)):
        if spec_of(leaf).shape != spec_of(other).shape:
            raise ShapeError(
                f"tangent {i} has shape {list(spec_of(other).shape)}, its primal {list(spec_of(leaf).shape)}",
                expected=spec_of(leaf).shape,
                got=spec_of(other).shape,
            )


def _as_primals(primals: Sequence[object], tangents: Sequence[object]) -> object:
    """Return the tangents in the dtypes of their primals, as a cotangent is: float32 stays float32."""

    def cast_one(primal: object, tangent: object) -> object:
        wanted, given = spec_of(primal), spec_of(tangent)
        return tangent if given.dtype == wanted.dtype or given.weak else convert(tangent, wanted.dtype)

    return map_tree(cast_one, tuple(primals), tuple(tangents))


def hvp(fun: Callable[..., object], primals: Sequence[object], tangents: Sequence[object]) -> object:
    """Return the product of the Hessian of `fun` with a vector, without making the Hessian.

    Parameters
    ----------
    fun : callable
        Plain NumPy code with a scalar real result.
    primals : sequence
        The arguments.
    tangents : sequence
        The vector, nested as `primals`.

    Returns
    -------
    product
        Nested as the one argument; with several arguments, a tuple with an entry for each.

    Notes
    -----
    ``H v = grad(x -> grad(fun)(x) . v)``; H is symmetric, so the pullback of the gradient serves. About
    the work of two gradients.

    Examples
    --------
    >>> hvp(lambda x: x * x * x, (2.0,), (1.0,))
    12.0
    """
    _require_alike(primals, tangents)
    _, pull = vjp(grad(fun, argnums=tuple(range(len(primals)))), *primals)
    product = pull(_as_primals(primals, tangents))
    return product[0] if len(primals) == 1 else product
