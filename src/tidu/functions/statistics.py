"""Means and spreads, composed of primitives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axes
from tidu.core.spec import Dtype
from tidu.core.structural import broadcast_to, convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.functions.norm import root
from tidu.ops.arithmetic import divide, multiply, square, subtract
from tidu.ops.compare import not_equal, where
from tidu.ops.extremes import maximum
from tidu.ops.reduce import max_, min_, sum_

__all__ = [
    "average",
    "count_nonzero",
    "mean",
    "ptp",
    "std",
    "var",
]

Axis = int | Sequence[int] | None
_NOT_GIVEN = getattr(np, "_NoValue", None)


def _is(flag: object) -> bool:
    """Read a keyword that NumPy passes as True, False or 'not given'."""
    return flag is True or (isinstance(flag, np.bool) and bool(flag))


def _is_given(value: object) -> bool:
    return value is not None and value is not _NOT_GIVEN and value is not True


def _refuse(function: str, **keywords: object) -> None:
    for name, value in keywords.items():
        if _is_given(value):
            raise UnsupportedError(f"np.{function} with {name}= is not supported on a traced value", function=function)


def _inexact(dtype: Dtype) -> Dtype:
    """NumPy averages integers and booleans in float64."""
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def _count(x: object, axis: Axis, what: str) -> int:
    shape = shape_of(x)
    return math.prod(shape[a] for a in normalize_axes(axis, len(shape), what))


@implements(np.mean)
def mean(
    a: object,
    axis: Axis = None,
    dtype: object = None,
    out: object = None,
    keepdims: object = False,
    *,
    where: object = True,
) -> Value:
    """Return the arithmetic mean along `axis`; NaN of no elements.

    Parameters
    ----------
    a : array_like
    axis : int, sequence of int or None
    dtype : dtype, optional
        In which to add; float16 is added in float32, integers in float64, as in NumPy.
    keepdims : bool
    where : array_like of bool
        Which elements count.

    Examples
    --------
    >>> float(mean(np.array([1.0, 2.0, 6.0])))
    3.0
    """
    _refuse("mean", out=out)
    result = np.dtype(cast("str", dtype)) if dtype is not None else _inexact(spec_of(a).dtype)
    wide = np.dtype(np.float32) if result == np.float16 else result
    x = convert(a, wide) if spec_of(a).dtype != wide else a
    if _is_given(where):
        counted = convert(broadcast_to(where, shape_of(a)), wide)
        total: object = sum_(counted, axis=axis, keepdims=_is(keepdims))
        found = divide(sum_(_chosen(where, x), axis=axis, keepdims=_is(keepdims)), total)
    else:
        found = divide(sum_(x, axis=axis, keepdims=_is(keepdims)), float(_count(a, axis, "mean")))
    return convert(found, result) if wide != result else found


def _total(x: object, axis: Axis) -> Value:
    """Return the sums along `axis`, which stays."""
    return sum_(x, axis=axis, keepdims=True)


def _chosen(condition: object, x: object) -> Value:
    return where(condition, x, 0.0)


@implements(np.var)
def var(
    a: object,
    axis: Axis = None,
    dtype: object = None,
    out: object = None,
    ddof: float = 0,
    keepdims: object = False,
    *,
    where: object = True,
    mean: object = None,
    correction: object = None,
) -> Value:
    """Return the mean squared distance from the mean along `axis`, divided by n - `ddof`.

    Parameters
    ----------
    a : array_like
    axis : int, sequence of int or None
    ddof : float
        Subtracted from the number of elements; also called `correction`.
    keepdims : bool

    Examples
    --------
    >>> float(var(np.array([1.0, 3.0]))), float(var(np.array([1.0, 3.0]), ddof=1))
    (1.0, 2.0)
    """
    _refuse("var", out=out)
    if correction is not None and correction is not _NOT_GIVEN:
        if ddof != 0:
            raise ParameterError("var and std take ddof or correction, not both", ddof=ddof, correction=correction)
        ddof = float(cast("float", correction))
    result = np.dtype(cast("str", dtype)) if dtype is not None else _inexact(spec_of(a).dtype)
    wide = np.dtype(np.float32) if result == np.float16 else result
    x = convert(a, wide) if spec_of(a).dtype != wide else a
    given = mean is not None and mean is not _NOT_GIVEN
    if _is_given(where):
        counted = convert(broadcast_to(where, shape_of(a)), wide)
        center = mean if given else divide(_total(_chosen(where, x), axis), _total(counted, axis))
        # the distance is chosen before the square, so that a left-out NaN has no slope
        distance = _chosen(where, subtract(_chosen(where, x), center))
        freedom: object = maximum(subtract(sum_(counted, axis=axis, keepdims=_is(keepdims)), float(ddof)), 0.0)
    else:
        count = _count(a, axis, "var")
        center = mean if given else divide(_total(x, axis), float(count))
        distance = subtract(x, center)
        freedom = max(float(count - ddof), 0.0)
    found = divide(sum_(square(distance), axis=axis, keepdims=_is(keepdims)), freedom)  # by zero where NumPy does
    return convert(found, result) if wide != result else found


@implements(np.std)
def std(
    a: object,
    axis: Axis = None,
    dtype: object = None,
    out: object = None,
    ddof: float = 0,
    keepdims: object = False,
    *,
    where: object = True,
    mean: object = None,
    correction: object = None,
) -> Value:
    """Return the square root of the variance; where all elements are equal its gradient is 0.

    Parameters
    ----------
    a, axis, ddof, keepdims, correction
        As in `var`.

    Examples
    --------
    >>> float(std(np.array([1.0, 3.0])))
    1.0
    """
    _refuse("std", out=out)
    return root(var(a, axis, dtype, None, ddof, keepdims, where=where, mean=mean, correction=correction))


@implements(np.average)
def average(
    a: object, axis: Axis = None, weights: object = None, returned: bool = False, *, keepdims: object = False
) -> Value | tuple[Value, Value]:
    """Return the weighted mean along `axis`.

    Parameters
    ----------
    a : array_like
    axis : int, sequence of int or None
    weights : array_like, optional
        Shaped as `a`, or as its axis.
    returned : bool
        Whether to return the sum of the weights too.

    Raises
    ------
    ShapeError
        If the weights do not fit.

    Examples
    --------
    >>> float(average(np.array([1.0, 3.0]), weights=np.array([3.0, 1.0])))
    1.5
    """
    shape = shape_of(a)
    if weights is None:
        found = mean(a, axis, keepdims=keepdims)
        counts = broadcast_to(convert(float(_count(a, axis, "average")), found.dtype), found.shape)
        return (found, counts) if returned else found
    if shape_of(weights) != shape:
        axes = normalize_axes(axis, len(shape), "average")
        if axis is None or shape_of(weights) != tuple(shape[a] for a in axes):
            raise ShapeError(
                f"average: weights of shape {list(shape_of(weights))} do not fit {list(shape)} along axis {axis}",
                expected=shape,
                got=shape_of(weights),
            )
        weights = reshape(weights, tuple(n if i in axes else 1 for i, n in enumerate(shape)))
    weights = broadcast_to(weights, shape) if shape_of(weights) != shape else weights
    total = sum_(weights, axis=axis, keepdims=_is(keepdims))
    found = divide(sum_(multiply(a, weights), axis=axis, keepdims=_is(keepdims)), total)
    return (found, total) if returned else found


@implements(np.ptp)
def ptp(a: object, axis: Axis = None, out: object = None, keepdims: object = False) -> Value:
    """Return the largest less the smallest element along `axis`.

    Examples
    --------
    >>> float(ptp(np.array([1.0, 5.0, 3.0])))
    4.0
    """
    _refuse("ptp", out=out)
    return subtract(max_(a, axis=axis, keepdims=_is(keepdims)), min_(a, axis=axis, keepdims=_is(keepdims)))


@implements(np.count_nonzero)
def count_nonzero(a: object, axis: Axis = None, *, keepdims: bool = False) -> Value:
    """Return how many elements along `axis` are not 0.

    Examples
    --------
    >>> int(count_nonzero(np.array([1.0, 0.0, 2.0])))
    2
    """
    return sum_(not_equal(a, 0), axis=axis, keepdims=keepdims)
