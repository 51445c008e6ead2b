"""Taking elements by number or mask, and functional updates: what brackets and their relatives do.

An assignment ``x[index] = values`` is `set_at`, which returns a new array: traced values cannot change.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axis
from tidu.core.spec import Shape
from tidu.core.structural import add, broadcast_to, convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import DtypeError, ParameterError, ShapeError
from tidu.functions.brackets import IndexPlan, concrete, plan_index
from tidu.functions.shapes import ravel, stack
from tidu.ops.compare import where
from tidu.ops.convert import astype
from tidu.ops.indexing import gather, last_writer, scatter_add
from tidu.ops.movement import embed, take_window, transpose

__all__ = ["add_at", "getitem", "set_at", "take", "take_along_axis"]


@implements(operator.getitem)
def getitem(x: object, index: object) -> Value:
    """Return ``x[index]`` with NumPy's meaning of ints, slices, masks and integer arrays in any mixture.

    Raises
    ------
    IndexRangeError
        If the index does not fit the shape.
    TraceError
        If a mask's value is not known, under `jit` and `vmap`.
    """
    plan = plan_index(shape_of(x), index)
    return _gathered(_view(x, plan), plan)


def _reshaped(x: object, shape: Shape) -> Value:
    return cast("Value", x) if shape_of(x) == shape else reshape(x, shape)


def _permuted(x: object, order: Sequence[int]) -> Value:
    return cast("Value", x) if list(order) == list(range(len(order))) else transpose(x, order)


def _inverse(order: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(a) for a in np.argsort(order))


def _view(x: object, plan: IndexPlan) -> Value:
    """Return the part of `x` that the index arrays index, their axes in front."""
    return _permuted(_reshaped(take_window(x, plan.start, plan.size, plan.step), plan.view), plan.order)


def _gathered(view: Value, plan: IndexPlan) -> Value:
    return _permuted(gather(view, *plan.indices), plan.to_place) if plan.indices else view


def _unview(view: object, plan: IndexPlan, shape: Shape) -> Value:
    """Return zeros of `shape` with `view` where `_view` takes it from."""
    window = _reshaped(_permuted(view, _inverse(plan.order)), plan.size)
    return window if plan.is_whole(shape) else embed(window, shape, plan.start, plan.step)


def _fitted_values(x: object, values: object, plan: IndexPlan, what: str) -> Value:
    """Return `values` in the dtype of `x`, repeated to the shape that the index chooses, index axes in front."""
    spec, given = spec_of(x), spec_of(values)
    if given.dtype.kind not in "b" + ("iu" if spec.dtype.kind in "iu" else "iuf" if spec.dtype.kind == "f" else ""):
        raise DtypeError(
            f"{what}: values of dtype {given.dtype} do not fit into an array of dtype {spec.dtype}; convert the array "
            "with x.astype first",
            expected=spec.dtype,
            got=given.dtype,
        )
    gathered = plan.gathered
    target = tuple(gathered[a] for a in plan.to_place) if plan.indices else gathered
    shape = given.shape
    extra = len(shape) - len(target)
    if extra > 0 and set(shape[:extra]) == {1}:  # NumPy's assignment ignores leading axes of length one
        values = reshape(values, shape[extra:])
    try:
        fits = np.broadcast_shapes(shape_of(values), target) == target
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"{what}: values of shape {list(shape)} do not fit the {list(target)} that the index chooses",
            expected=target,
            got=shape,
        )
    placed = broadcast_to(astype(values, spec.dtype), target)
    return _permuted(placed, _inverse(plan.to_place)) if plan.indices else placed


def set_at(x: object, index: object, values: object) -> Value:
    """Return `x` with the elements at `index` replaced: what ``x[index] = values`` would make of it.

    Parameters
    ----------
    x : array_like
    index : int, slice, mask, integer array, or a tuple of them
        As in NumPy's brackets.
    values : array_like
        Broadcast to the shape of ``x[index]``.

    Returns
    -------
    ndarray
        Of the shape and dtype of `x`. Where an index occurs several times the last value stays, and it
        alone receives the gradient.

    Raises
    ------
    ShapeError
        If index or values do not fit.
    DtypeError
        If values would be truncated.

    Examples
    --------
    >>> set_at(np.zeros(4), [1, 3], [5.0, 7.0])
    array([0., 5., 0., 7.])
    """
    x = x if hasattr(x, "ndim") else np.asarray(x)
    shape = shape_of(x)
    plan = plan_index(shape, index)
    new = _fitted_values(x, values, plan, "set_at")
    if 0 in new.shape:
        return cast("Value", x)
    if plan.indices:
        count, view = len(plan.indices), _view(x, plan)
        writer = last_writer(*plan.indices, shape=view.shape[:count])
        rest = view.shape[count:]
        flat = reshape(new, (math.prod(plan.index_shape), *rest))
        written = reshape(writer >= 0, (*view.shape[:count], *(1,) * len(rest)))
        new = where(written, gather(flat, cast("Value", np.maximum(writer, 0))), view)  # type: ignore[call-overload]
    inside = _unview(new, plan, shape)
    if plan.size == shape:
        return inside
    mask = embed(np.ones(plan.size, np.bool_), shape, plan.start, plan.step)
    return where(mask, inside, x)


def add_at(x: object, index: object, values: object) -> Value:
    """Return `x` with `values` added to the elements at `index`; repeated indices add up, as in `np.add.at`.

    Parameters
    ----------
    x : array_like
    index : int, slice, mask, integer array, or a tuple of them
        As in NumPy's brackets.
    values : array_like
        Broadcast to the shape of ``x[index]``.

    Returns
    -------
    ndarray
        Of the shape and dtype of `x`.

    Raises
    ------
    ShapeError
        If index or values do not fit.
    DtypeError
        If values would be truncated.

    Examples
    --------
    >>> add_at(np.zeros(3), [1, 1, 2], 1.0)
    array([0., 2., 1.])
    """
    x = x if hasattr(x, "ndim") else np.asarray(x)
    shape = shape_of(x)
    plan = plan_index(shape, index)
    new = _fitted_values(x, values, plan, "add_at")
    if plan.indices:
        new = scatter_add(new, *plan.indices, shape=tuple(plan.view[a] for a in plan.order))
    return add(x, _unview(new, plan, shape))


@implements(np.take)
def take(a: object, indices: object, axis: int | None = None, out: None = None, mode: str = "raise") -> Value:
    """Return the elements of `a` at integer `indices` along an axis (of the flattened array by default)."""
    if axis is None:
        a, axis = ravel(a), 0
    axis = normalize_axis(axis, len(shape_of(a)), "take")
    if spec_of(indices).dtype.kind == "b":
        indices = convert(indices, np.dtype(np.intp))  # 0 and 1 here, as for NumPy, not a mask
    return getitem(a, (*(slice(None),) * axis, _moded(indices, shape_of(a)[axis], mode)))


@implements(np.take_along_axis)
def take_along_axis(arr: object, indices: object, axis: int | None = -1) -> Value:
    """Return for each line along `axis` the elements at that line's own `indices`."""
    if axis is None:
        arr, axis = ravel(arr), 0
    shape, chosen = shape_of(arr), shape_of(indices)
    axis = normalize_axis(axis, len(shape), "take_along_axis")
    if len(chosen) != len(shape):
        raise ShapeError(
            f"take_along_axis: indices of shape {list(chosen)} need as many dimensions as the array of shape "
            f"{list(shape)}",
            expected=len(shape),
            got=len(chosen),
        )
    grid: list[object] = [np.arange(n).reshape(n, *(1,) * (len(shape) - d - 1)) for d, n in enumerate(shape)]
    grid[axis] = indices
    return getitem(arr, tuple(grid))


@implements(np.choose)
def choose(a: object, choices: object, out: None = None, mode: str = "raise") -> Value:
    """Return for each element of `a` the element there of the array of that number."""
    arrays = list(cast("Sequence[object]", choices))
    shape = np.broadcast_shapes(shape_of(a), *[shape_of(c) for c in arrays])
    table = stack([broadcast_to(c, shape) for c in arrays])
    number = broadcast_to(a, shape)
    return reshape(take_along_axis(table, _moded(reshape(number, (1, *shape)), len(arrays), mode), axis=0), shape)


def _moded(indices: object, length: int, mode: str) -> object:
    """Bring indices into range as `mode` says; "raise" leaves that to the indexing itself."""
    if mode == "wrap":
        return np.remainder(indices, length)  # type: ignore[call-overload]
    if mode == "clip":
        return np.minimum(np.maximum(indices, 0), length - 1)  # type: ignore[call-overload]
    if mode != "raise":
        raise ParameterError(f"mode must be 'raise', 'wrap' or 'clip', got {mode!r}", got=mode)
    return indices


@implements(np.compress)
def compress(condition: object, a: object, axis: int | None = None, out: None = None) -> Value:
    """Return the elements of `a` along an axis where the condition, whose value must be known, holds."""
    return take(a, np.nonzero(concrete(condition, "np.compress"))[0], axis=axis)


@implements(np.extract)
def extract(condition: object, arr: object) -> Value:
    """Return the elements of `arr` where the condition, whose value must be known, holds, flattened."""
    return take(arr, np.nonzero(concrete(condition, "np.extract").ravel())[0])


@implements(np.select)
def select(condlist: Sequence[object], choicelist: Sequence[object], default: object = 0) -> Value:
    """Return elements of the first choice whose condition holds, else of `default`."""
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ShapeError(
            f"select: expected a choice for each condition, got {len(choicelist)} and {len(condlist)}",
            expected=len(condlist),
            got=len(choicelist),
        )
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = where(condition, choice, result)
    return cast("Value", result)


@implements(np.nonzero)
def nonzero(a: object) -> tuple[NDArray[np.intp], ...]:
    """Return the indices of the elements that are not zero; their number is a shape, so the value must be known."""
    return np.nonzero(concrete(a, "np.nonzero"))


@implements(np.flatnonzero)
def flatnonzero(a: object) -> NDArray[np.intp]:
    """Return the flat indices of the elements that are not zero; the value must be known."""
    return np.flatnonzero(concrete(a, "np.flatnonzero"))


@implements(np.argwhere)
def argwhere(a: object) -> NDArray[np.intp]:
    """Return the indices of the elements that are not zero, a row each; the value must be known."""
    return np.argwhere(concrete(a, "np.argwhere"))


@implements(np.unique)
def unique(
    ar: object,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
) -> object:
    """Return the distinct elements, sorted; each carries the gradient of its first occurrence.

    The value must be known, since their number is a shape.
    """
    _, first, inverse, counts = np.unique(
        concrete(ar, "np.unique"),
        return_index=True,
        return_inverse=True,
        return_counts=True,
        axis=axis,
        equal_nan=equal_nan,
    )
    values = take(ar, first, axis=axis)
    extra = [x for x, wanted in ((first, return_index), (inverse, return_inverse), (counts, return_counts)) if wanted]
    return (values, *extra) if extra else values


@implements(np.unravel_index)
def unravel_index(indices: object, shape: int | Sequence[int], order: str = "C") -> tuple[object, ...]:
    """Return for flat indices, as `np.argmax` gives them, the index along each axis."""
    lengths = [int(n) for n in np.atleast_1d(shape)]
    if order not in ("C", "F"):
        raise ParameterError(f"unravel_index: order must be 'C' or 'F', got {order!r}", got=order)
    found = []
    for length in reversed(lengths) if order == "C" else lengths:
        found.append(np.remainder(indices, length))  # type: ignore[call-overload]
        indices = np.floor_divide(indices, length)  # type: ignore[call-overload]
    return tuple(reversed(found) if order == "C" else found)
