"""Order statistics that leave NaN out: median, quantile, percentile of what is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from tidu.core.bind import Traced, shape_of, spec_of
from tidu.core.kinds import normalize_axes
from tidu.core.structural import broadcast_to, convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.functions.indexing import take_along_axis
from tidu.functions.ordering import sort
from tidu.functions.shapes import moveaxis, stack
from tidu.ops.arithmetic import add, multiply, subtract
from tidu.ops.compare import equal, where
from tidu.ops.extremes import maximum
from tidu.ops.logic import isnan, logical_not
from tidu.ops.reduce import sum_
from tidu.ops.rounding import ceil, floor

__all__ = ["nanmedian", "nanpercentile", "nanquantile"]

Axis = int | Sequence[int] | None


@implements(np.nanquantile)
def nanquantile(
    a: object,
    q: object,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: object = False,
    *,
    weights: object = None,
    interpolation: object = None,
) -> Value:
    """Return quantiles of the elements that are not NaN, interpolated linearly; NaN if all are.

    Examples
    --------
    >>> float(nanquantile(np.array([1.0, np.nan, 3.0]), 0.5))
    2.0
    """
    if method != "linear" or weights is not None or interpolation is not None or isinstance(q, Traced):
        raise UnsupportedError(
            "np.nanquantile on a traced value takes plain fractions and the linear method", function="np.nanquantile"
        )
    fractions = np.asarray(q, np.float64)
    if not ((fractions >= 0) & (fractions <= 1)).all():
        raise ParameterError(f"nanquantile: fractions must lie in [0, 1], got {q}", got=q)
    shape = shape_of(a)
    axes = normalize_axes(axis, len(shape), "nanquantile")
    count = math.prod(shape[i] for i in axes)
    if not count:
        raise ShapeError(f"nanquantile of no elements: shape {list(shape)} along axis {list(axes)}", shape=shape)
    if spec_of(a).dtype.kind != "f":
        a = convert(a, np.dtype(np.float64))
    rest = tuple(n for i, n in enumerate(shape) if i not in axes)
    lines = sort(reshape(moveaxis(a, axes, range(len(axes))), (count, *rest)), axis=0)  # NaN last
    present = sum_(logical_not(isnan(lines)), axis=0, keepdims=True)
    # as in NumPy a Python number gives way to the array's dtype, an array of fractions does not
    kind = lines.dtype if type(q) in (int, float) else np.result_type(lines.dtype, fractions)
    found = [_at(lines, present, float(fraction)) for fraction in fractions.reshape(-1)]
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape)) if keepdims is True else rest
    return reshape(convert(stack(found), kind), (*fractions.shape, *kept))


def _at(lines: Value, present: Value, fraction: float) -> Value:
    """Return one quantile of sorted lines of which the first `present` elements are there."""
    place = multiply(convert(maximum(subtract(present, 1), 0), np.dtype(np.float64)), fraction)
    low, high = (convert(each, np.dtype(np.intp)) for each in (floor(place), ceil(place)))
    share = convert(subtract(place, floor(place)), lines.dtype)
    below, above = take_along_axis(lines, low, 0), take_along_axis(lines, high, 0)
    found = add(below, multiply(subtract(above, below), share))
    found = where(equal(share, 0.0), below, found)
    return reshape(broadcast_to(found, (1, *lines.shape[1:])), lines.shape[1:])


@implements(np.nanpercentile)
def nanpercentile(
    a: object,
    q: object,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: object = False,
    *,
    weights: object = None,
    interpolation: object = None,
) -> Value:
    """Return percentiles of the elements that are not NaN: `nanquantile` with `q` in [0, 100]."""
    fractions = q if isinstance(q, Traced) else np.true_divide(cast("ArrayLike", q), 100)
    if type(q) in (int, float):
        fractions = float(cast("float", fractions))
    return nanquantile(a, fractions, axis, method=method, keepdims=keepdims, weights=weights)


@implements(np.nanmedian)
def nanmedian(
    a: object, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: object = False
) -> Value:
    """Return the median of the elements that are not NaN.

    Examples
    --------
    >>> float(nanmedian(np.array([1.0, np.nan, 3.0, 8.0])))
    3.0
    """
    return nanquantile(a, 0.5, axis, keepdims=keepdims)
