"""Differences of neighbors, the slopes made of them, and the integral that undoes them."""

from __future__ import annotations

from typing import cast

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axes, normalize_axis
from tidu.core.structural import broadcast_to, convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError
from tidu.ops.arithmetic import divide, multiply, subtract
from tidu.ops.compare import not_equal
from tidu.ops.join import concatenate
from tidu.ops.movement import take_window
from tidu.ops.reduce import sum_

__all__ = ["diff", "gradient", "trapezoid"]

_NOT_GIVEN = getattr(np, "_NoValue", None)


@implements(np.diff)
def diff(a: object, n: int = 1, axis: int = -1, prepend: object = _NOT_GIVEN, append: object = _NOT_GIVEN) -> Value:
    """Return differences of neighbors along `axis`, `n` times over.

    Examples
    --------
    >>> diff(np.array([1.0, 4.0, 9.0]))
    array([3., 5.])
    """
    if n < 0:
        raise ParameterError(f"diff: n must not be negative, got {n}", n=n)
    along = normalize_axis(axis, len(shape_of(a)), "diff")
    parts = [_as_slice(x, a, along) for x in (prepend, a, append) if x is not None and x is not _NOT_GIVEN]
    x = parts[0] if len(parts) == 1 else concatenate(parts, axis=along)
    for _ in range(n):
        x = subtract(_part(x, along, 1, None), _part(x, along, 0, -1))
        x = not_equal(x, 0) if spec_of(a).dtype.kind == "b" else x
    return cast("Value", x)


def _as_slice(x: object, like: object, axis: int) -> object:
    """Stretch a scalar to one slice of `like`."""
    if shape_of(x):
        return x
    shape = shape_of(like)
    return broadcast_to(convert(x, spec_of(like).dtype), (*shape[:axis], 1, *shape[axis + 1 :]))


def _part(x: object, axis: int, start: int, stop: int | None) -> Value:
    """Return ``x[start:stop]`` along `axis`."""
    shape = shape_of(x)
    first, last, _ = slice(start, stop).indices(shape[axis])
    size = tuple(max(last - first, 0) if a == axis else n for a, n in enumerate(shape))
    begin = tuple(min(first, max(n - 1, 0)) if a == axis else 0 for a, n in enumerate(shape))
    return take_window(x, begin, size, (1,) * len(shape))


@implements(np.trapezoid)
def trapezoid(y: object, x: object = None, dx: object = 1.0, axis: int = -1) -> Value:
    """Return the integral along `axis` by the trapezoidal rule.

    Parameters
    ----------
    y : array_like
        Values to integrate.
    x : array_like, optional
        Where they stand; else they are `dx` apart.

    Examples
    --------
    >>> float(trapezoid(np.array([1.0, 2.0, 3.0])))
    4.0
    """
    along = normalize_axis(axis, len(shape_of(y)), "trapezoid")
    if x is None:
        width = cast("Value", dx)
    else:
        width = diff(x, axis=axis if len(shape_of(x)) > 1 else 0)
        if len(shape_of(x)) == 1:
            width = reshape(width, tuple(width.shape[0] if a == along else 1 for a in range(len(shape_of(y)))))
    middles = multiply(_part(y, along, 1, None) + _part(y, along, 0, -1), 0.5)
    return sum_(multiply(width, middles), axis=axis)  # of the product, which may have more axes than y, as in NumPy


@implements(np.gradient)
def gradient(f: object, *spacing: object, axis: object = None, edge_order: int = 1) -> Value | tuple[Value, ...]:
    """Return slopes by central differences, one-sided at the ends, along each axis.

    Parameters
    ----------
    f : array_like
        At least two samples along each axis, three if `edge_order` is 2.
    *spacing : float or vector
        One distance for all axes, or one for each; a vector gives the places themselves.
    axis : int or tuple of int, optional
    edge_order : int
        1 or 2: the order of accuracy at the ends.

    Returns
    -------
    array, or a tuple of arrays with one for each axis

    Examples
    --------
    >>> gradient(np.array([1.0, 2.0, 4.0]))
    array([1. , 1.5, 2. ])
    """
    shape = shape_of(f)
    axes = normalize_axes(cast("int | None", axis), len(shape), "gradient")
    if edge_order not in (1, 2) or len(spacing) not in (0, 1, len(axes)):
        raise ParameterError(
            f"gradient: expected edge_order 1 or 2 and no, one or {len(axes)} distances, got {edge_order} and "
            f"{len(spacing)}",
            edge_order=edge_order,
            got=len(spacing),
        )
    if any(shape[a] < edge_order + 1 for a in axes):
        raise ShapeError(
            f"gradient: at least {edge_order + 1} samples along each axis are needed, got {list(shape)}", got=shape
        )
    steps = spacing * len(axes) if len(spacing) == 1 else spacing or (1.0,) * len(axes)
    found = tuple(_slopes(f, a, h, edge_order) for a, h in zip(axes, steps, strict=True))
    return found[0] if len(found) == 1 else found


def _slopes(f: object, axis: int, step: object, edge_order: int) -> Value:
    """Fit a parabola through neighbors (a line at the ends for order 1) and take its slope."""
    shape = shape_of(f)
    count = shape[axis]
    # NumPy stores the slopes in the dtype of the values, whatever that of the places
    dtype = spec_of(f).dtype if spec_of(f).dtype.kind == "f" else np.dtype(np.float64)
    gaps = diff(step) if shape_of(step) else broadcast_to(convert(step, dtype), (count - 1,))
    if gaps.shape != (count - 1,):
        raise ShapeError(
            f"gradient: expected a number or {count} places along axis {axis}, got shape {list(shape_of(step))}",
            expected=count,
            got=shape_of(step),
        )
    gaps = reshape(gaps, tuple(count - 1 if a == axis else 1 for a in range(len(shape))))
    rises = divide(subtract(_part(f, axis, 1, None), _part(f, axis, 0, -1)), gaps)
    first, last = _part(rises, axis, 0, 1), _part(rises, axis, -1, None)
    before, after = _part(gaps, axis, 0, -1), _part(gaps, axis, 1, None)
    left, right = _part(rises, axis, 0, -1), _part(rises, axis, 1, None)
    middle = divide(multiply(left, after) + multiply(right, before), before + after)
    if edge_order == 2:
        bend = divide(subtract(right, left), before + after)
        first = subtract(first, multiply(_part(bend, axis, 0, 1), _part(gaps, axis, 0, 1)))
        last = last + multiply(_part(bend, axis, -1, None), _part(gaps, axis, -1, None))
    found = concatenate([first, middle, last], axis=axis)
    return found if found.dtype == dtype else convert(found, dtype)
