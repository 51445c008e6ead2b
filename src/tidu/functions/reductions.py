"""Reductions that start from a value, and those of ufuncs that have no name of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import numpy as np

from tidu.core.bind import shape_of
from tidu.core.kinds import normalize_axis
from tidu.core.structural import reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.functions.running import running_maximum, running_minimum
from tidu.functions.shapes import pick, ravel, stack
from tidu.ops.arithmetic import add, multiply
from tidu.ops.compare import where as choose
from tidu.ops.extremes import maximum, minimum
from tidu.ops.reduce import max_, min_, prod, sum_

__all__: list[str] = []

Axis = int | Sequence[int] | None
_NOT_GIVEN = getattr(np, "_NoValue", None)
_FOLDED = (np.subtract, np.divide, np.power, np.logaddexp, np.logaddexp2, np.hypot, np.fmax, np.fmin, np.arctan2)


def _is_given(value: object) -> bool:
    return value is not None and value is not _NOT_GIVEN


def _total(
    base: Callable[..., Value],
    join: Callable[..., Value],
    a: object,
    axis: Axis = None,
    dtype: object = None,
    out: object = None,
    keepdims: object = False,
    initial: object = _NOT_GIVEN,
    where: object = True,
) -> Value:
    found = base(a, axis=axis, dtype=dtype, out=out, keepdims=keepdims, where=where)
    return join(found, initial) if _is_given(initial) else found


def _extreme(
    base: Callable[..., Value],
    join: Callable[..., Value],
    a: object,
    axis: Axis = None,
    out: object = None,
    keepdims: object = False,
    initial: object = _NOT_GIVEN,
    where: object = True,
) -> Value:
    if where is not True and where is not _NOT_GIVEN:
        if not _is_given(initial):
            raise ParameterError("max and min with where= need initial=, the value of no elements", got=where)
        a = choose(where, a, initial)
    found = base(a, axis=axis, out=out, keepdims=keepdims)
    return join(found, initial) if _is_given(initial) else found


implements(np.sum)(partial(_total, sum_, add))
implements(np.prod)(partial(_total, prod, multiply))
implements(np.max, np.amax)(partial(_extreme, max_, maximum))
implements(np.min, np.amin)(partial(_extreme, min_, minimum))


def _plain(name: str, keywords: dict[str, object]) -> None:
    given = [key for key, value in keywords.items() if _is_given(value) and value is not True]
    if given:
        raise UnsupportedError(f"np.{name} with {', '.join(given)} is not supported on a traced value", function=name)


def _folded(ufunc: np.ufunc, a: object, axis: int | None = 0, keepdims: object = False, **others: object) -> Value:
    """Apply a ufunc between neighbors along an axis, from the left."""
    _plain(f"{ufunc.__name__}.reduce", others)
    if axis is None and len(shape_of(a)) > 1:
        raise UnsupportedError(
            f"np.{ufunc.__name__}.reduce takes one axis on a traced value; flatten the array first",
            function=f"{ufunc.__name__}.reduce",
        )
    along, steps = _steps(ufunc, a, axis or 0)
    found = steps[-1]
    if len(steps) == 1 and ufunc.identity is not None:
        found = cast("Value", ufunc(float(ufunc.identity), found))  # hypot of one element is its size
    kept = tuple(1 if i == along else n for i, n in enumerate(shape_of(a)))
    return reshape(found, kept) if keepdims is True else found


def _accumulated(ufunc: np.ufunc, a: object, axis: int = 0, **others: object) -> Value:
    """Return what a ufunc has made of the elements up to each one along an axis."""
    _plain(f"{ufunc.__name__}.accumulate", others)
    along, steps = _steps(ufunc, a, axis)
    return stack(steps, axis=along)


def _steps(ufunc: np.ufunc, a: object, axis: int) -> tuple[int, list[Value]]:
    along = normalize_axis(axis, len(shape_of(a)), ufunc.__name__)
    length = shape_of(a)[along]
    if not length:
        raise ShapeError(f"{ufunc.__name__}.reduce of no elements has no value", shape=shape_of(a), axis=axis)
    steps = [pick(a, along, 0)]
    for i in range(1, length):
        steps.append(cast("Value", ufunc(steps[-1], pick(a, along, i))))
    return along, steps


for _ufunc in _FOLDED:
    implements(_ufunc.reduce)(partial(_folded, _ufunc))
    implements(_ufunc.accumulate)(partial(_accumulated, _ufunc))
implements(np.maximum.accumulate)(running_maximum)
implements(np.minimum.accumulate)(running_minimum)


@implements(np.add.reduceat)
def _add_reduceat(a: object, indices: object, axis: int = 0, **others: object) -> Value:
    """Add up the elements from each static index to the next; where that is not greater, take its element."""
    _plain("add.reduceat", others)
    along = normalize_axis(axis, len(shape_of(a)), "add.reduceat")
    places = [int(i) for i in np.ravel(np.asarray(indices))]
    ends = [*places[1:], shape_of(a)[along]]
    index = (slice(None),) * along
    value = cast("Value", a)
    parts = [
        sum_(value[*index, i:j], axis=along) if i < j else value[*index, i] for i, j in zip(places, ends, strict=True)
    ]
    return stack(parts, axis=along)


@implements(np.bincount)
def _bincount(x: object, /, weights: object = None, minlength: int = 0) -> Value:
    """Add up weights by static class numbers."""
    classes = np.asarray(x)
    count = max(int(classes.max(initial=-1)) + 1, minlength)
    chosen = classes == np.arange(count)[:, None]
    if weights is None:
        return cast("Value", np.bincount(classes, minlength=minlength))
    return sum_(multiply(chosen, ravel(multiply(weights, np.float64(1.0)))), axis=1)
