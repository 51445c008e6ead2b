"""What NumPy's brackets mean: an index becomes a window, a reshape, and integer arrays for leading axes.

`plan_index` reads shapes and static indices only; what is done with the plan (taking, setting, adding)
is in `tidu.functions.indexing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import Traced, shape_of
from tidu.core.spec import Shape
from tidu.errors import TraceError
from tidu.functions.shapes import stack
from tidu.ops.indexing import IndexRangeError
from tidu.trace.array import TracedArray

__all__ = ["IndexPlan", "concrete", "plan_index"]

Entry: TypeAlias = "int | slice | _Advanced | None"


@dataclass(frozen=True, slots=True)
class _Advanced:
    """Integer arrays for as many axes: one array, or the coordinates of a mask and the mask's shape.

    A scalar mask indexes an axis of length one that it brings along.
    """

    arrays: tuple[object, ...]
    mask: Shape | None = None

    @property
    def new_axis(self) -> bool:
        return self.mask == ()


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """How an index is carried out on an array of a given shape.

    Parameters
    ----------
    start, size, step : tuple of int
        The window of the array's own axes that the slices and integers choose.
    view : tuple of int
        The shape that the window takes: axes of integers gone, new axes there.
    order : tuple of int
        The permutation of `view` that puts the axes to be indexed by arrays in front.
    indices : tuple
        Integer arrays, plain or traced, for the leading axes; empty for a basic index.
    place : int
        Where in the result the axes of the index arrays stand.
    """

    start: Shape
    size: Shape
    step: Shape
    view: Shape
    order: tuple[int, ...]
    indices: tuple[object, ...]
    place: int

    @property
    def index_shape(self) -> Shape:
        """What the index arrays broadcast to."""
        return np.broadcast_shapes(*[shape_of(i) for i in self.indices])

    @property
    def gathered(self) -> Shape:
        """Shape of the result with the axes of the index arrays in front."""
        if not self.indices:
            return self.view
        return (*self.index_shape, *[self.view[a] for a in self.order[len(self.indices) :]])

    def is_whole(self, shape: Shape) -> bool:
        """Tell whether the window is the whole array, in its own order."""
        return self.size == shape and all(d == 1 for d in self.step)

    @property
    def to_place(self) -> tuple[int, ...]:
        """The permutation from axes in front to axes in place."""
        count, rank = len(self.index_shape), len(self.gathered)
        rest = range(count, rank)
        return (*rest[: self.place], *range(count), *rest[self.place :])


def concrete(value: object, what: str) -> NDArray[np.generic]:
    """Return the plain array behind a value that decides a shape.

    Raises
    ------
    TraceError
        Under `jit` and `vmap`, where only shapes are known.
    """
    if not isinstance(value, TracedArray):
        return np.asarray(value)
    try:
        return np.asarray(value.concrete(what))
    except TraceError as error:
        raise TraceError(
            f"{what}: how many elements there are depends on a value that is not known under jit and vmap; keep the "
            "shape and write np.where(mask, x, 0.0)",
            what=what,
            spec=value.spec,
            source=value.node.source,
        ) from error


def plan_index(shape: Shape, index: object) -> IndexPlan:
    """Work out what ``x[index]`` means for `x` of `shape`, by NumPy's rules for basic and advanced indexing.

    Raises
    ------
    IndexRangeError
        If the index does not fit the shape or is not an index.
    TraceError
        If a mask is traced and its value not known.
    """
    items = list(index) if isinstance(index, tuple) else [index]
    numbered = _fill_ellipsis([item if item is Ellipsis else _entry(item) for item in items], len(shape))
    advanced = any(isinstance(e, _Advanced) for _, e in numbered)
    start: list[int] = []
    size: list[int] = []
    step: list[int] = []
    view: list[int] = []
    arrays: list[object] = []
    places: list[tuple[int, int]] = []  # for each index array the axis of `view`, and the entry that it is from
    axis = 0
    for number, entry in numbered:
        if entry is None:
            view.append(1)
            continue
        if isinstance(entry, _Advanced):
            for i, array in enumerate(entry.arrays):
                length = 1 if entry.new_axis else shape[axis]
                if entry.mask and entry.mask[i] != length:
                    raise IndexRangeError(
                        f"the boolean mask has shape {list(entry.mask)}, but axis {axis} has length {length}",
                        got=entry.mask,
                        expected=shape,
                        axis=axis,
                    )
                arrays.append(_checked(array, length, axis))
                places.append((len(view), number))
                view.append(length)
                if not entry.new_axis:
                    _extend(start, size, step, (0, length, 1))
                    axis += 1
            continue
        if isinstance(entry, slice):
            first, stop, stride = entry.indices(shape[axis])
            count = len(range(first, stop, stride))
            _extend(start, size, step, (first if count else 0, count, stride if count > 1 else 1))
            view.append(count)
        elif advanced:
            arrays.append(_checked(np.asarray(entry), shape[axis], axis))
            places.append((len(view), number))
            view.append(shape[axis])
            _extend(start, size, step, (0, shape[axis], 1))
        else:
            _extend(start, size, step, (_checked_int(entry, shape[axis], axis), 1, 1))
        axis += 1
    _require_broadcast(arrays)
    front = [where for where, _ in places]
    order = (*front, *[a for a in range(len(view)) if a not in front])
    numbers = [number for _, number in places]
    adjacent = bool(numbers) and numbers[-1] - numbers[0] < len(set(numbers))
    return IndexPlan(
        tuple(start), tuple(size), tuple(step), tuple(view), order, tuple(arrays), front[0] if adjacent else 0
    )


def _extend(start: list[int], size: list[int], step: list[int], values: tuple[int, int, int]) -> None:
    for column, value in zip((start, size, step), values, strict=True):
        column.append(value)


def _entry(item: object) -> Entry:
    """Return an entry in normal form: an int, a slice, None, or integer arrays."""
    if item is None or isinstance(item, slice):
        return item
    if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
        return int(item)
    if isinstance(item, (list, tuple)) and any(isinstance(x, Traced) for x in item):
        item = stack(list(item))
    array = item if isinstance(item, TracedArray) else np.asarray(item)
    dtype = array.dtype
    if dtype.kind == "b":
        mask = concrete(array, "indexing with a boolean mask")
        return _Advanced(np.nonzero(np.atleast_1d(mask)), mask.shape)
    if array.size == 0 and isinstance(item, (list, tuple)):
        array = np.asarray(item, np.intp)
    elif dtype.kind not in "iu":
        raise IndexRangeError(
            f"an index must be an integer, a slice, an ellipsis, np.newaxis, or an array of integers or booleans, got "
            f"{type(item).__name__} of dtype {dtype}",
            got=item,
        )
    if isinstance(array, np.ndarray) and array.ndim == 0:
        return int(array)
    return _Advanced((array,))


def _fill_ellipsis(entries: Sequence[object], ndim: int) -> list[tuple[int, Entry]]:
    """Replace the ellipsis, or the missing end, by full slices; number the entries.

    An ellipsis that stands for no axis leaves a gap in the numbers: for NumPy it still parts the arrays
    on its left from those on its right.
    """
    used = sum(
        len(e.arrays) * (not e.new_axis) if isinstance(e, _Advanced) else e is not None and e is not Ellipsis
        for e in entries
    )
    dots = [i for i, e in enumerate(entries) if e is Ellipsis]
    if len(dots) > 1:
        raise IndexRangeError("an index can have only one ellipsis ('...')", got=len(dots))
    if used > ndim:
        raise IndexRangeError(
            f"too many indices: the array has {ndim} dimension(s), but {used} were indexed", got=used, expected=ndim
        )
    at = dots[0] if dots else len(entries)
    filled = [*enumerate(entries[:at]), *[(at, slice(None))] * (ndim - used), *enumerate(entries[at + 1 :], at + 1)]
    return cast("list[tuple[int, Entry]]", filled)


def _checked_int(value: int, length: int, axis: int) -> int:
    if not -length <= value < length:
        raise IndexRangeError(
            f"index {value} is out of bounds for axis {axis} with length {length}",
            got=value,
            expected=length,
            axis=axis,
        )
    return value % length


def _checked(array: object, length: int, axis: int) -> object:
    """Return an index array; a plain one is checked and made non-negative here, a traced one when it runs."""
    if isinstance(array, Traced):
        return array
    plain = np.array(array, np.intp)
    outside = (plain < -length) | (plain >= length)
    if outside.any():
        _checked_int(int(plain[outside].flat[0]), length, axis)
    return np.where(plain < 0, plain + length, plain)


def _require_broadcast(arrays: Sequence[object]) -> None:
    shapes = [shape_of(a) for a in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        shown = " and ".join(str(list(s)) for s in shapes)
        raise IndexRangeError(f"index arrays of shapes {shown} do not broadcast together", got=tuple(shapes)) from None
