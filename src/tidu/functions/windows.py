"""Arrays seen through windows and lines: sliding windows, shifted halves, functions along an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as numpy_windows

from tidu.core.bind import Traced, shape_of
from tidu.core.kinds import normalize_axes, normalize_axis
from tidu.core.structural import reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError, UnsupportedError
from tidu.functions.indexing import take
from tidu.functions.layout import roll
from tidu.functions.shapes import moveaxis, pick, ravel, stack

__all__ = ["apply_along_axis", "fftshift", "ifftshift", "resize", "sliding_window_view"]

Axis = int | Sequence[int] | None


@implements(numpy_windows)
def sliding_window_view(
    x: object,
    window_shape: int | Sequence[int],
    axis: Axis = None,
    *,
    subok: bool = False,
    writeable: bool = False,
) -> Value:
    """Return every window of a shape, as further axes at the end.

    Examples
    --------
    >>> sliding_window_view(np.array([1.0, 2.0, 3.0]), 2)
    array([[1., 2.],
           [2., 3.]])
    """
    places = numpy_windows(
        np.arange(math.prod(shape_of(x))).reshape(shape_of(x)), window_shape, cast("int | None", axis)
    )
    return take(ravel(x), places, axis=0)


@implements(np.resize)
def resize(a: object, new_shape: int | Sequence[int]) -> Value:
    """Return the elements, over and over, in a new shape.

    Examples
    --------
    >>> resize(np.array([1.0, 2.0]), 3)
    array([1., 2., 1.])
    """
    shape = (new_shape,) if isinstance(new_shape, (int, np.integer)) else tuple(new_shape)
    return take(ravel(a), np.resize(np.arange(math.prod(shape_of(a))), shape), axis=0)


@implements(np.fft.fftshift)
def fftshift(x: object, axes: Axis = None) -> Value:
    """Return the halves of each axis exchanged, the zero frequency in the middle.

    Examples
    --------
    >>> fftshift(np.array([0.0, 1.0, -1.0]))
    array([-1.,  0.,  1.])
    """
    along = normalize_axes(axes, len(shape_of(x)), "fftshift")
    return roll(x, [shape_of(x)[a] // 2 for a in along], along) if along else cast("Value", x)


@implements(np.fft.ifftshift)
def ifftshift(x: object, axes: Axis = None) -> Value:
    """Undo `fftshift`.

    Examples
    --------
    >>> ifftshift(np.array([-1.0, 0.0, 1.0]))
    array([ 0.,  1., -1.])
    """
    along = normalize_axes(axes, len(shape_of(x)), "ifftshift")
    return roll(x, [-(shape_of(x)[a] // 2) for a in along], along) if along else cast("Value", x)


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., object], axis: int, arr: object, *arguments: object, **keywords: object
) -> Value:
    """Return the results of a function of a vector for each line along `axis`.

    Examples
    --------
    >>> apply_along_axis(np.sum, 0, np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([4., 6.])
    """
    along = normalize_axis(axis, len(shape_of(arr)), "apply_along_axis")
    lines = moveaxis(arr, along, -1)
    *outer, length = shape_of(lines)
    if not math.prod(outer):
        raise ShapeError(f"apply_along_axis: shape {list(shape_of(arr))} has no lines to apply to", got=shape_of(arr))
    flat = reshape(lines, (math.prod(outer), length))
    results = [func1d(pick(flat, 0, i), *arguments, **keywords) for i in range(math.prod(outer))]
    found = stack([x if isinstance(x, Traced) else np.asarray(x) for x in results])
    inner = shape_of(found)[1:]
    placed = reshape(found, (*outer, *inner))
    return moveaxis(placed, range(len(outer), len(outer) + len(inner)), range(along, along + len(inner)))


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[..., object], a: object, axes: int | Sequence[int]) -> Value:
    """Return what a reduction gives over one axis after another, the axes kept with length one."""
    found, ndim = cast("Value", a), len(shape_of(a))
    for axis in [axes] if isinstance(axes, (int, np.integer)) else axes:
        along = normalize_axis(int(axis), ndim, "apply_over_axes")
        reduced = cast("Value", func(found, along))
        if reduced.ndim == ndim - 1:
            shape = found.shape
            reduced = reshape(reduced, tuple(1 if i == along else n for i, n in enumerate(shape)))
        elif reduced.ndim != ndim:
            raise UnsupportedError(
                "np.apply_over_axes takes a function that drops its axis or keeps it", function="np.apply_over_axes"
            )
        found = reduced
    return found
