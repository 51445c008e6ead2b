"""`check_grads`: does a derivative agree with central differences, in a random direction?

One direction suffices: a wrong entry shows in almost every one. Orders above one check the derivative
of the derivative in the same way. Tolerances stand in `tidu.core.tolerance`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.spec import is_differentiable
from tidu.core.tolerance import tolerance
from tidu.errors import GradientError, ParameterError
from tidu.trace.tree import flatten, map_tree
from tidu.transforms.forward import jvp
from tidu.transforms.gradients import vjp

__all__ = ["check_grads"]


def check_grads(
    fun: Callable[..., object],
    args: Sequence[object],
    order: int = 1,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
    seed: int = 0,
) -> None:
    """Compare the derivatives of `fun` with central differences in a random direction.

    Parameters
    ----------
    fun : callable
        Plain NumPy code with real floating-point results, smooth near `args`.
    args : sequence
        Arguments, real floating-point arrays in nested containers.
    order : int
        How many derivatives to check, each as the derivative of the one before.
    modes : sequence of {"fwd", "rev"}
        ``"rev"`` checks vjp, ``"fwd"`` jvp.
    atol, rtol : float, optional
        Tolerances; by default those of the coarsest dtype among `args` (1e-7 for float64 at order one).
    eps : float, optional
        Step of the difference; by default about the cube root of the dtype's precision.
    seed : int
        Of the direction.

    Raises
    ------
    GradientError
        With the attributes ``mode``, ``order``, ``expected`` (the difference) and ``got``.

    Notes
    -----
    ``(f(x + eps v) - f(x - eps v)) / (2 eps)`` against ``J v``, and ``u . (J v)`` against ``(J^T u) . v``
    for random directions v and u.

    Examples
    --------
    >>> check_grads(lambda x: np.exp(x) * x, (0.5,), order=2)
    """
    if order < 1 or any(mode not in ("fwd", "rev") for mode in modes):
        raise ParameterError(f"order must be at least 1 and modes among 'fwd', 'rev'; got {order}, {modes}", got=order)
    arguments = map_tree(lambda x: np.asarray(x)[()], tuple(args))
    given = (atol, rtol, eps)
    _check(fun, cast("tuple[object, ...]", arguments), order, 1, tuple(modes), given, np.random.default_rng(seed), "")


def _check(
    fun: Callable[..., object],
    args: tuple[object, ...],
    order: int,
    level: int,
    modes: tuple[str, ...],
    given: tuple[float | None, float | None, float | None],
    rng: np.random.Generator,
    what: str,
) -> None:
    leaves = [np.asarray(x) for x in flatten(args)[0]]
    row = tolerance(min((x.dtype for x in leaves), key=lambda dtype: dtype.itemsize))
    wanted = row.gradient if level == 1 else row.second
    atol, rtol, eps = (a if a is not None else b for a, b in zip(given, (wanted, wanted, row.step), strict=True))
    direction = map_tree(lambda x: _random_like(x, rng), args)

    def at(shift: float) -> list[NDArray[np.float64]]:
        moved = map_tree(lambda x, v: (x + shift * v).astype(x.dtype), args, direction)
        return _real_leaves(fun(*cast("tuple[object, ...]", moved)))

    ahead, behind = at(eps), at(-eps)
    difference = [(a - b) / (2 * eps) for a, b in zip(ahead, behind, strict=True)]
    weights = [rng.standard_normal(x.shape) for x in difference]
    expected = _dot(weights, difference)
    scale = sum(float(np.sum(np.abs(u * d))) for u, d in zip(weights, difference, strict=True))
    for mode in modes:
        got = _along(fun, args, direction, weights, mode)
        if not abs(got - expected) <= atol + rtol * scale:
            name = getattr(fun, "__name__", "the function")
            raise GradientError(
                f"{what}{'vjp' if mode == 'rev' else 'jvp'} of {name} gives {got:.9g} in a random direction, central "
                f"differences {expected:.9g} (allowed difference {atol + rtol * scale:.2g}); where a rule is a "
                "custom_vjp, compare it with the formula",
                mode=mode,
                order=level,
                expected=expected,
                got=got,
            )
    if level == order:
        return
    for mode in modes:
        derivative = _derivative(fun, direction, weights, mode)
        _check(derivative, args, order, level + 1, modes, given, rng, f"{what}derivative of ")


def _along(
    fun: Callable[..., object],
    args: tuple[object, ...],
    direction: object,
    weights: list[NDArray[np.float64]],
    mode: str,
) -> float:
    if mode == "fwd":
        _, tangent = jvp(fun, args, direction)  # type: ignore[arg-type]
        return _dot(weights, _real_leaves(tangent))
    value, pull = vjp(fun, *args)
    return _dot(_real_leaves(pull(_weighted(value, weights))), _real_leaves(direction))


def _derivative(
    fun: Callable[..., object], direction: object, weights: list[NDArray[np.float64]], mode: str
) -> Callable[..., object]:
    """Return the first derivative as a function again: along the direction, or pulled back from the weights."""

    def derivative(*args: object) -> object:
        if mode == "fwd":
            return jvp(fun, args, direction)[1]  # type: ignore[arg-type]
        value, pull = vjp(fun, *args)
        return pull(_weighted(value, weights))

    return derivative


def _weighted(value: object, weights: list[NDArray[np.float64]]) -> object:
    """Nest the weights as the result, zeros for results without a derivative."""
    rest = iter(weights)

    def weight(x: object) -> object:
        dtype = getattr(x, "dtype", np.dtype(float))
        shape = getattr(x, "shape", ())
        return next(rest).astype(dtype)[()] if is_differentiable(dtype) else np.zeros(shape, dtype)

    return map_tree(weight, value)


def _random_like(x: object, rng: np.random.Generator) -> object:
    array = np.asarray(x)
    return rng.standard_normal(array.shape).astype(array.dtype)[()]


def _real_leaves(tree: object) -> list[NDArray[np.float64]]:
    arrays = [np.asarray(x) for x in flatten(tree)[0]]
    return [x.astype(np.float64) for x in arrays if is_differentiable(x.dtype)]


def _dot(a: Sequence[NDArray[np.float64]], b: Sequence[NDArray[np.float64]]) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(a, b, strict=True)))
