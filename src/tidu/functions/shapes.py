"""Axes added, dropped, moved and exchanged, and arrays put together: shapes without arithmetic.

Cutting, repeating, turning and padding are in `tidu.functions.layout`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from tidu.core.bind import shape_of
from tidu.core.kinds import normalize_axes, normalize_axis
from tidu.core.structural import broadcast_to, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError, UnsupportedError
from tidu.ops.join import concatenate
from tidu.ops.movement import reshape as reshape_any
from tidu.ops.movement import take_window, transpose

__all__ = ["expand_dims", "moveaxis", "pick", "ravel", "squeeze", "stack", "swapaxes"]


def pick(x: object, axis: int, number: int) -> Value:
    """Return the slice of `x` at one place along `axis`, which disappears."""
    shape = shape_of(x)
    start, size = [0] * len(shape), list(shape)
    start[axis], size[axis] = number, 1
    window = take_window(x, tuple(start), tuple(size), (1,) * len(shape))
    return reshape(window, shape[:axis] + shape[axis + 1 :])


@implements(np.squeeze)
def squeeze(a: object, axis: int | Sequence[int] | None = None) -> Value:
    """Return `a` without axes of length one: all of them, or those named."""
    shape = shape_of(a)
    axes = (
        tuple(i for i, n in enumerate(shape) if n == 1) if axis is None else normalize_axes(axis, len(shape), "squeeze")
    )
    long = [i for i in axes if shape[i] != 1]
    if long:
        raise ShapeError(f"squeeze: axis {long[0]} has length {shape[long[0]]}, expected 1", axis=long[0], got=shape)
    return reshape(a, tuple(n for i, n in enumerate(shape) if i not in axes))


@implements(np.expand_dims)
def expand_dims(a: object, axis: int | Sequence[int]) -> Value:
    """Return `a` with axes of length one at the places that `axis` names in the result."""
    shape = shape_of(a)
    count = 1 if isinstance(axis, (int, np.integer)) else len(axis)
    axes = normalize_axes(axis, len(shape) + count, "expand_dims")
    lengths = iter(shape)
    return reshape(a, tuple(1 if i in axes else next(lengths) for i in range(len(shape) + count)))


@implements(np.moveaxis)
def moveaxis(a: object, source: int | Sequence[int], destination: int | Sequence[int]) -> Value:
    """Return `a` with the axes of `source` moved to the places of `destination`, the others in order."""
    ndim = len(shape_of(a))
    origins = [normalize_axis(int(i), ndim, "moveaxis") for i in np.atleast_1d(source)]
    places = [normalize_axis(int(i), ndim, "moveaxis") for i in np.atleast_1d(destination)]
    if len(origins) != len(places) or len(set(origins)) != len(origins) or len(set(places)) != len(places):
        raise ShapeError(
            f"moveaxis: expected as many different destinations as sources, got {origins} and {places}",
            expected=origins,
            got=places,
        )
    order = [i for i in range(ndim) if i not in origins]
    for place, origin in sorted(zip(places, origins, strict=True)):
        order.insert(place, origin)
    return transpose(a, order)


@implements(np.swapaxes)
def swapaxes(a: object, axis1: int, axis2: int) -> Value:
    """Return `a` with two axes exchanged."""
    ndim = len(shape_of(a))
    first, second = (normalize_axis(int(i), ndim, "swapaxes") for i in (axis1, axis2))
    order = list(range(ndim))
    order[first], order[second] = order[second], order[first]
    return transpose(a, order)


@implements(np.rollaxis)
def rollaxis(a: object, axis: int, start: int = 0) -> Value:
    """Return `a` with `axis` moved in front of the axis `start`."""
    ndim = len(shape_of(a))
    axis = normalize_axis(axis, ndim, "rollaxis")
    start = start + ndim if start < 0 else start
    normalize_axis(start, ndim + 1, "rollaxis")
    return moveaxis(a, axis, start - 1 if axis < start else start)


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: object, /) -> Value:
    """Return `x` with its last two axes exchanged."""
    if len(shape_of(x)) < 2:
        raise ShapeError(f"matrix_transpose: expected at least 2 dimensions, got {list(shape_of(x))}", got=shape_of(x))
    return swapaxes(x, -1, -2)


@implements(np.ravel)
def ravel(a: object, order: str = "C") -> Value:
    """Return the elements of `a` as one line."""
    if order not in ("C", "A", "F"):
        raise UnsupportedError(f"np.ravel with order {order!r}; 'C' and 'F' are known", function="np.ravel")
    return reshape_any(a, (math.prod(shape_of(a)),), order="F" if order == "F" else "C")


@implements(np.broadcast_arrays)
def broadcast_arrays(*arrays: object, subok: bool = False) -> tuple[Value, ...]:
    """Return the arrays repeated to their common shape."""
    try:
        shape = np.broadcast_shapes(*[shape_of(x) for x in arrays])
    except ValueError:
        shown = " and ".join(str(list(shape_of(x))) for x in arrays)
        raise ShapeError(f"broadcast_arrays: shapes {shown} do not broadcast together", got=arrays) from None
    return tuple(broadcast_to(x, shape) for x in arrays)


def _at_least(rank: int, arrays: Sequence[object]) -> object:
    """Return the arrays with axes put around them as NumPy does: (n,) becomes (1, n), then (1, n, 1)."""
    results = []
    for x in arrays:
        shape = shape_of(x)
        if rank == 3 and len(shape) < 3:
            shape = ((1, 1, 1), (1, *shape, 1), (*shape, 1))[len(shape)]
        else:
            shape = (1,) * (rank - len(shape)) + shape
        results.append(cast("Value", x) if shape == shape_of(x) != () else reshape(x, shape))
    return results[0] if len(results) == 1 else tuple(results)


@implements(np.atleast_1d)
def atleast_1d(*arys: object) -> object:
    """Return the arrays with at least one axis."""
    return _at_least(1, arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: object) -> object:
    """Return the arrays with at least two axes."""
    return _at_least(2, arys)


@implements(np.atleast_3d)
def atleast_3d(*arys: object) -> object:
    """Return the arrays with at least three axes."""
    return _at_least(3, arys)


@implements(np.stack)
def stack(
    arrays: Sequence[object], axis: int = 0, out: None = None, *, dtype: object = None, casting: str = "same_kind"
) -> Value:
    """Return arrays of equal shape along a new axis.

    Raises
    ------
    ShapeError
        If there are none, or their shapes differ.
    """
    parts = list(arrays)
    if not parts:
        raise ShapeError("stack: expected at least one array, got none", got=0)
    shapes = [shape_of(x) for x in parts]
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ShapeError(
                f"stack: array {position} has shape {list(shape)}, the first one {list(shapes[0])}; all must be equal",
                expected=shapes[0],
                got=shape,
                position=position,
            )
    place = normalize_axis(axis, len(shapes[0]) + 1, "stack")
    return concatenate([expand_dims(x, place) for x in parts], axis=place, dtype=dtype)


@implements(np.unstack)
def unstack(x: object, /, *, axis: int = 0) -> tuple[Value, ...]:
    """Return the slices of `x` along an axis."""
    place = normalize_axis(axis, len(shape_of(x)), "unstack")
    return tuple(pick(x, place, i) for i in range(shape_of(x)[place]))


@implements(np.vstack)
def vstack(tup: Sequence[object], *, dtype: object = None, casting: str = "same_kind") -> Value:
    """Return arrays above one another; a vector is a row."""
    return concatenate([_at_least(2, [x]) for x in tup], dtype=dtype)


@implements(np.hstack)
def hstack(tup: Sequence[object], *, dtype: object = None, casting: str = "same_kind") -> Value:
    """Return arrays beside one another: along the second axis, of vectors along the first."""
    parts = [_at_least(1, [x]) for x in tup]
    return concatenate(parts, axis=0 if parts and len(shape_of(parts[0])) == 1 else 1, dtype=dtype)


@implements(np.dstack)
def dstack(tup: Sequence[object]) -> Value:
    """Return arrays behind one another, along the third axis."""
    return concatenate([_at_least(3, [x]) for x in tup], axis=2)


@implements(np.column_stack)
def column_stack(tup: Sequence[object]) -> Value:
    """Return vectors as the columns of a matrix; matrices are put beside them as they are."""
    columns = [x if len(shape_of(x)) >= 2 else reshape(x, (math.prod(shape_of(x)), 1)) for x in tup]
    return concatenate(columns, axis=1)


@implements(np.append)
def append(arr: object, values: object, axis: int | None = None) -> Value:
    """Return `arr` with `values` at the end of an axis; both are flattened if it is None."""
    return concatenate([_listed(arr), _listed(values)], axis=axis)


def _listed(x: object) -> object:
    return x if hasattr(x, "ndim") else np.asarray(x)


@implements(np.block)
def block(arrays: object) -> Value:
    """Return arrays assembled from nested lists of blocks: the innermost lists along the last axis."""
    depth = _depth(arrays)
    rank = max(depth, *[len(shape_of(x)) for x in _blocks(arrays)])
    return _assemble(arrays, rank, rank - depth)


def _depth(arrays: object) -> int:
    depth = 0
    while isinstance(arrays, list):
        if not arrays:
            raise ShapeError("block: a list of blocks must not be empty", got=arrays)
        depth, arrays = depth + 1, arrays[0]
    return depth


def _blocks(arrays: object) -> list[object]:
    return [x for part in arrays for x in _blocks(part)] if isinstance(arrays, list) else [arrays]


def _assemble(arrays: object, rank: int, axis: int) -> Value:
    if not isinstance(arrays, list):
        return cast("Value", _at_least_rank(arrays, rank))
    return concatenate([_assemble(x, rank, axis + 1) for x in arrays], axis=axis)


def _at_least_rank(x: object, rank: int) -> object:
    shape = shape_of(x)
    return reshape(x, (1,) * (rank - len(shape)) + shape)
