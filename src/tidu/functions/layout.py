"""Cutting, turning, shifting, repeating and padding along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axes, normalize_axis
from tidu.core.structural import broadcast_to, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.functions.indexing import set_at, take
from tidu.functions.shapes import moveaxis, ravel, swapaxes
from tidu.ops.convert import astype
from tidu.ops.join import concatenate
from tidu.ops.movement import embed, take_window

__all__ = ["flip", "pad", "repeat", "roll", "split", "tile"]


def cut(x: object, axis: int, start: int, stop: int, step: int = 1) -> Value:
    """Return ``x[..., start:stop:step, ...]`` along `axis`, for bounds that are in range."""
    shape = shape_of(x)
    first, size, stride = [0] * len(shape), list(shape), [1] * len(shape)
    first[axis], size[axis], stride[axis] = start, len(range(start, stop, step)), step
    return take_window(x, tuple(first), tuple(size), tuple(stride))


@implements(np.flip)
def flip(m: object, axis: int | Sequence[int] | None = None) -> Value:
    """Return `m` in reversed order along the axes; all of them by default."""
    for a in normalize_axes(axis, len(shape_of(m)), "flip"):
        length = shape_of(m)[a]
        if length > 1:
            m = cut(m, a, length - 1, -1, -1)
    return cast("Value", m)


@implements(np.fliplr)
def fliplr(m: object) -> Value:
    """Return `m` with its second axis reversed."""
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: object) -> Value:
    """Return `m` with its first axis reversed."""
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: object, k: int = 1, axes: Sequence[int] = (0, 1)) -> Value:
    """Return `m` turned by `k` right angles, from the first of `axes` towards the second."""
    ndim = len(shape_of(m))
    plane = [normalize_axis(int(a), ndim, "rot90") for a in axes]
    if len(set(plane)) != 2:
        raise ShapeError(f"rot90: expected two different axes, got {list(axes)}", axis=tuple(axes), ndim=ndim)
    first, second = plane
    match k % 4:
        case 0:
            return cast("Value", m)
        case 1:
            return swapaxes(flip(m, second), first, second)
        case 2:
            return flip(flip(m, first), second)
        case _:
            return flip(swapaxes(m, first, second), second)


@implements(np.roll)
def roll(a: object, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Value:
    """Return `a` with elements moved on by `shift` along the axes; what leaves comes in at the other end."""
    shape = shape_of(a)
    if axis is None:
        return reshape(roll(ravel(a), int(np.sum(shift)), 0), shape)
    shifts, axes = np.broadcast_arrays(np.atleast_1d(shift), np.atleast_1d(axis))
    for by, place in zip(shifts.ravel(), axes.ravel(), strict=True):
        i = normalize_axis(int(place), len(shape), "roll")
        length = shape[i]
        back = int(by) % length if length else 0
        if back:
            a = concatenate([cut(a, i, length - back, length), cut(a, i, 0, length - back)], axis=i)
    return cast("Value", a)


@implements(np.tile)
def tile(A: object, reps: object) -> Value:
    """Return `A` laid side by side, as often as `reps` says for each axis."""
    times = [int(n) for n in np.atleast_1d(cast("ArrayLike", reps))]
    shape = shape_of(A)
    rank = max(len(times), len(shape))
    times = [1] * (rank - len(times)) + times
    shape = (1,) * (rank - len(shape)) + shape
    pairs = [length for n in shape for length in (1, n)]
    wide = [length for t, n in zip(times, shape, strict=True) for length in (t, n)]
    copies = broadcast_to(reshape(A, tuple(pairs)), tuple(wide))
    return reshape(copies, tuple(t * n for t, n in zip(times, shape, strict=True)))


@implements(np.repeat)
def repeat(a: object, repeats: object, axis: int | None = None) -> Value:
    """Return `a` with each element repeated along an axis (of the flattened array by default)."""
    if axis is None:
        a, axis = ravel(a), 0
    shape = shape_of(a)
    axis = normalize_axis(axis, len(shape), "repeat")
    counts = np.asarray(repeats)
    if counts.size != 1:
        if counts.shape != (shape[axis],) and not (counts.ndim == 1 and shape[axis] == 1):
            raise ShapeError(
                f"repeat: expected one number or {shape[axis]} of them, got shape {list(counts.shape)}",
                expected=shape[axis],
                got=counts.shape,
            )
        return take(a, np.repeat(np.arange(shape[axis]), counts), axis=axis)
    times = int(counts.reshape(()))
    before, length, after = shape[:axis], shape[axis], shape[axis + 1 :]
    copies = broadcast_to(reshape(a, (*before, length, 1, *after)), (*before, length, times, *after))
    return reshape(copies, (*before, length * times, *after))


@implements(np.array_split)
def array_split(ary: object, indices_or_sections: object, axis: int = 0) -> list[Value]:
    """Return the parts of `ary` between the given places, or so many parts of nearly equal length."""
    axis = normalize_axis(axis, len(shape_of(ary)), "array_split")
    length = shape_of(ary)[axis]
    if np.ndim(cast("ArrayLike", indices_or_sections)) == 0:
        sections = int(cast("int", indices_or_sections))
        if sections < 1:
            raise ParameterError(f"array_split: expected at least one section, got {sections}", got=sections)
        each, longer = divmod(length, sections)
        bounds = [0, *np.cumsum([each + 1] * longer + [each] * (sections - longer)).tolist()]
        return [cut(ary, axis, a, b) for a, b in pairwise(bounds)]
    places = [0, *map(int, cast("Sequence[int]", indices_or_sections)), length]
    parts = [slice(a, b).indices(length) for a, b in zip(places[:-1], [*places[1:-1], None], strict=True)]
    return [cut(ary, axis, min(a, length), max(a, b)) if a < b else cut(ary, axis, 0, 0) for a, b, _ in parts]


@implements(np.split)
def split(ary: object, indices_or_sections: object, axis: int = 0) -> list[Value]:
    """Return the parts of `ary` between the given places, or so many parts of equal length.

    Raises
    ------
    ShapeError
        If the length cannot be divided.
    """
    axis = normalize_axis(axis, len(shape_of(ary)), "split")
    if np.ndim(cast("ArrayLike", indices_or_sections)) == 0:
        sections, length = int(cast("int", indices_or_sections)), shape_of(ary)[axis]
        if sections < 1 or length % sections:
            raise ShapeError(
                f"split: length {length} cannot be divided into {sections} equal parts; np.array_split can",
                expected=sections,
                got=length,
            )
    return array_split(ary, indices_or_sections, axis)


def _split_along(name: str, axis: Callable[[int], int], least: int) -> Callable[[object, object], list[Value]]:
    def divide(ary: object, indices_or_sections: object) -> list[Value]:
        ndim = len(shape_of(ary))
        if ndim < least:
            raise ShapeError(f"{name}: expected at least {least} dimension(s), got {ndim}", expected=least, got=ndim)
        return split(ary, indices_or_sections, axis(ndim))

    return divide


implements(np.hsplit)(_split_along("hsplit", lambda ndim: min(ndim - 1, 1), 1))
implements(np.vsplit)(_split_along("vsplit", lambda ndim: 0, 2))
implements(np.dsplit)(_split_along("dsplit", lambda ndim: 2, 3))


@implements(np.pad)
def pad(array: object, pad_width: object, mode: object = "constant", **keywords: object) -> Value:
    """Return `array` with a border: of constant values, or of its own elements.

    Parameters
    ----------
    array : array_like
    pad_width : int, pair, list of pairs, or dict
        How much before and after each axis.
    mode : str
        ``constant`` (with `constant_values`), ``edge``, ``reflect`` and ``symmetric`` (with
        ``reflect_type="even"``), or ``wrap``.
    **keywords
        Those of the mode.
    """
    shape = shape_of(array)
    widths = _pairs(pad_width, len(shape), "pad_width")
    if any(n < 0 for pair in widths for n in pair):
        raise ParameterError(f"pad: widths must not be negative, got {pad_width}", got=pad_width)
    if mode == "constant":
        return _pad_constant(array, widths, keywords.get("constant_values", 0))
    if mode not in ("edge", "reflect", "symmetric", "wrap") or keywords.get("reflect_type", "even") != "even":
        raise UnsupportedError(f"np.pad with mode {mode!r} {keywords or ''} is not supported", function="np.pad")
    for axis, (before, after) in enumerate(widths):
        if before or after:
            # the border's elements are where NumPy's own padding puts their numbers
            places = np.pad(np.arange(shape[axis]), (int(before), int(after)), mode)
            array = take(array, places, axis=axis)
    return cast("Value", array)


def _pairs(given: object, ndim: int, what: str) -> list[list[int]]:
    """Return a pair for each axis, from one number, one pair, or all of them."""
    if isinstance(given, dict):
        pairs = [[0, 0] for _ in range(ndim)]
        for axis, width in given.items():
            pairs[normalize_axis(axis, ndim, "pad")] = np.broadcast_to(width, 2).tolist()
        return pairs
    try:
        return cast("list[list[int]]", np.broadcast_to(cast("ArrayLike", given), (ndim, 2)).tolist())
    except ValueError:
        raise ShapeError(
            f"pad: {what} {given} does not give a pair for each of {ndim} axes", expected=(ndim, 2), got=given
        ) from None


def _pad_constant(array: object, widths: Sequence[Sequence[int]], values: object) -> Value:
    shape, dtype = shape_of(array), spec_of(array).dtype
    fills: NDArray[np.generic] = np.asarray(values)
    if not fills.any():
        whole = tuple(n + before + after for n, (before, after) in zip(shape, widths, strict=True))
        return embed(array, whole, tuple(before for before, _ in widths), (1,) * len(shape))
    constants = _pairs(values, len(shape), "constant_values")
    for axis, (pair, fill) in enumerate(zip(widths, constants, strict=True)):
        now = list(shape_of(array))
        borders = []
        for count, value in zip(pair, fill, strict=True):
            now[axis] = count
            borders.append(broadcast_to(np.asarray(value).astype(dtype)[()], tuple(now)))
        array = concatenate([borders[0], array, borders[1]], axis=axis)
    return cast("Value", array)


@implements(np.delete)
def delete(arr: object, obj: object, axis: int | None = None) -> Value:
    """Return `arr` without the elements at static indices along an axis."""
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = normalize_axis(axis, len(shape_of(arr)), "delete")
    return take(arr, np.delete(np.arange(shape_of(arr)[axis]), cast("int", obj)), axis=axis)


@implements(np.insert)
def insert(arr: object, obj: object, values: object, axis: int | None = None) -> Value:
    """Return `arr` with `values` put in before static indices along an axis."""
    if axis is None:
        arr, axis = ravel(arr), 0
    shape = shape_of(arr)
    axis = normalize_axis(axis, len(shape), "insert")
    length = shape[axis]
    where = np.arange(*obj.indices(length)) if isinstance(obj, slice) else np.asarray(obj)
    if where.size == 1 and where.dtype.kind != "b":
        return _insert_together(arr, int(where.reshape(())), values, axis, stacked=where.ndim == 0)
    # NumPy's own insertion of marks into the row of numbers says where everything goes
    places = np.insert(np.arange(length), cast("int", obj), -1)
    kept = np.nonzero(places >= 0)[0]
    index = (slice(None),) * axis
    empty = np.zeros((*shape[:axis], len(places), *shape[axis + 1 :]), spec_of(arr).dtype)
    widened = set_at(empty, (*index, kept), arr)
    return set_at(widened, (*index, np.nonzero(places < 0)[0]), astype(values, spec_of(arr).dtype))


def _insert_together(arr: object, where: int, values: object, axis: int, *, stacked: bool) -> Value:
    """Put `values` in before one place; `stacked` says that their first axis is the inserted one."""
    shape, given = shape_of(arr), shape_of(values)
    if not -shape[axis] <= where <= shape[axis]:
        raise ShapeError(
            f"insert: place {where} is out of range for axis {axis} with length {shape[axis]}", got=where, axis=axis
        )
    where += shape[axis] * (where < 0)
    new = reshape(astype(values, spec_of(arr).dtype), (1,) * (len(shape) - len(given)) + given)
    if stacked:
        new = moveaxis(new, 0, axis)
    count = shape_of(new)[axis]
    block = broadcast_to(new, (*shape[:axis], count, *shape[axis + 1 :]))
    return concatenate([cut(arr, axis, 0, where), block, cut(arr, axis, where, shape[axis])], axis=axis)
