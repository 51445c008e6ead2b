"""Sorting and order statistics; the gradient follows each element to where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from tidu.core.bind import Traced, shape_of, spec_of
from tidu.core.kinds import normalize_axes, normalize_axis
from tidu.core.structural import reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.functions.indexing import take, take_along_axis
from tidu.functions.shapes import moveaxis, pick, ravel
from tidu.ops import ordering
from tidu.ops.compare import equal, where
from tidu.ops.convert import astype

__all__ = ["argsort", "median", "quantile", "sort"]

_METHODS = ("linear", "lower", "higher", "nearest", "midpoint")
# alpha and beta of the continuous estimators (Hyndman & Fan 1996), by NumPy's names
_CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


@implements(np.argsort)
def argsort(
    a: object, axis: int | None = -1, kind: object = None, order: object = None, *, stable: bool | None = None
) -> Value:
    """Return the order that sorts along an axis; ties keep their order whatever the kind."""
    _refuse_fields("argsort", order)
    if axis is None:
        a, axis = ravel(a), 0
    return ordering.argsort(a, normalize_axis(axis, len(shape_of(a)), "argsort"))


@implements(np.sort)
def sort(
    a: object, axis: int | None = -1, kind: object = None, order: object = None, *, stable: bool | None = None
) -> Value:
    """Return the elements in ascending order along an axis, NaN last; flattened first if it is None."""
    _refuse_fields("sort", order)
    if axis is None:
        a, axis = ravel(a), 0
    axis = normalize_axis(axis, len(shape_of(a)), "sort")
    return take_along_axis(a, ordering.argsort(a, axis), axis)


def _refuse_fields(name: str, order: object) -> None:
    if order is not None:
        raise UnsupportedError(f"np.{name} with order= (fields of records) is not supported", function=f"np.{name}")


@implements(np.partition)
def partition(a: object, kth: object, axis: int | None = -1, kind: object = None, order: object = None) -> Value:
    """Return the elements with the kth where sorting puts it: here all are sorted."""
    return sort(a, axis, order=order)


@implements(np.argpartition)
def argpartition(a: object, kth: object, axis: int | None = -1, kind: object = None, order: object = None) -> Value:
    """Return an order with the kth element where sorting puts it: here the whole sorting order."""
    return argsort(a, axis, order=order)


@implements(np.searchsorted)
def searchsorted(a: object, v: object, side: str = "left", sorter: object = None) -> Value:
    """Return the places in a sorted vector before which values belong; no gradient flows."""
    if side not in ("left", "right"):
        raise ParameterError(f"searchsorted: side must be 'left' or 'right', got {side!r}", got=side)
    return ordering.searchsorted(a if sorter is None else take(a, sorter), v, side)


@implements(np.digitize)
def digitize(x: object, bins: object, right: bool = False) -> Value:
    """Return the number of the bin that each value belongs to; the edges must ascend."""
    if not isinstance(bins, Traced) and np.any(np.diff(cast("ArrayLike", bins)) < 0):
        raise UnsupportedError(
            "np.digitize with descending bins is not supported; reverse them", function="np.digitize"
        )
    return searchsorted(bins, x, "left" if right else "right")


def _sorted_front(
    a: object, axis: int | Sequence[int] | None, what: str, *, computed: bool
) -> tuple[Value, tuple[int, ...]]:
    """Return the elements along `axis` sorted, as the first axis, and the shape with those axes of length one.

    If they are to be computed with, integers become floating.
    """
    shape = shape_of(a)
    axes = normalize_axes(axis, len(shape), what)
    rest = tuple(n for i, n in enumerate(shape) if i not in axes)
    count = int(np.prod([shape[i] for i in axes]))
    if not count:
        raise ShapeError(
            f"{what} of no elements has no value: shape {list(shape)} along axis {list(axes)}", shape=shape
        )
    if computed and spec_of(a).dtype.kind != "f":
        a = astype(a, np.float64)
    lines = reshape(moveaxis(a, axes, range(len(axes))), (count, *rest))
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    return sort(lines, axis=0), kept


@implements(np.median)
def median(
    a: object,
    axis: int | Sequence[int] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Value:
    """Return the middle element along `axis`, or the mean of the middle two, which share the gradient."""
    lines, kept = _sorted_front(a, axis, "median", computed=True)
    count = shape_of(lines)[0]
    low, high = pick(lines, 0, (count - 1) // 2), pick(lines, 0, count // 2)
    middle = _unless_nan(lines, low if count % 2 else (low + high) * 0.5)
    return reshape(middle, kept) if keepdims is True else middle


def _unless_nan(lines: object, result: object) -> Value:
    """Return `result`, but NaN where a line has one (sorted last)."""
    last = pick(lines, 0, shape_of(lines)[0] - 1)
    return where(equal(last, last), result, last)


@implements(np.quantile)
def quantile(
    a: object,
    q: object,
    axis: int | Sequence[int] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: object = None,
) -> Value:
    """Return the elements below which the fractions `q` lie, interpolated between neighbors.

    Parameters
    ----------
    a : array_like
    q : float or array of floats in [0, 1]
        Static: it decides which elements are taken.
    axis : int, tuple of int or None
    method : str
        ``linear``, ``lower``, ``higher``, ``nearest``, ``midpoint``, or one of the continuous estimators
        ``hazen``, ``weibull``, ``median_unbiased``, ``normal_unbiased``, ``interpolated_inverted_cdf``.

    Raises
    ------
    ParameterError
        If a fraction lies outside [0, 1].
    """
    if (method not in _METHODS and method not in _CONTINUOUS) or weights is not None:
        raise UnsupportedError(
            f"np.quantile with method {method!r}{'' if weights is None else ' and weights'}; without weights, "
            f"{', '.join([*_METHODS, *_CONTINUOUS])} are known",
            function="np.quantile",
        )
    if isinstance(q, Traced):
        raise UnsupportedError(
            "np.quantile with traced fractions is not supported; keep them plain", function="np.quantile"
        )
    fractions = np.asarray(q, np.float64)
    if not ((fractions >= 0) & (fractions <= 1)).all():
        raise ParameterError(f"quantile: fractions must lie in [0, 1], got {q}", got=q)
    lines, kept = _sorted_front(a, axis, "quantile", computed=method not in ("lower", "higher", "nearest"))
    length, *rest = shape_of(lines)
    place = fractions.reshape(-1) * (length - 1)
    if method in _CONTINUOUS:
        alpha, beta = _CONTINUOUS[method]
        place = np.clip(
            length * fractions.reshape(-1) + alpha + fractions.reshape(-1) * (1 - alpha - beta) - 1, 0, length - 1
        )
    low, high = np.floor(place).astype(np.intp), np.ceil(place).astype(np.intp)
    nearest = np.rint(place).astype(np.intp)
    chosen = {"lower": low, "higher": high, "nearest": nearest}.get(method)
    if chosen is not None:
        mixed = take(lines, chosen, axis=0)
    else:
        share = place - low if method != "midpoint" else np.where(high > low, 0.5, 0.0)
        # as in NumPy a Python number gives way to the array's dtype, an array of fractions does not
        kind = spec_of(lines).dtype if type(q) in (int, float) else np.result_type(spec_of(lines).dtype, fractions)
        below, above = take(lines, low, axis=0), take(lines, high, axis=0)
        mixed = below + (above - below) * share.astype(kind).reshape(-1, *(1,) * len(rest))
    mixed = _unless_nan(lines, mixed)
    inner = kept if keepdims is True else tuple(rest)
    return reshape(mixed, (*fractions.shape, *inner))


@implements(np.percentile)
def percentile(
    a: object,
    q: object,
    axis: int | Sequence[int] | None = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: object = None,
) -> Value:
    """Return the elements below which so many hundredths lie: `quantile` with `q` in [0, 100]."""
    fractions = q if isinstance(q, Traced) else np.true_divide(cast("ArrayLike", q), 100)
    if type(q) in (int, float):
        fractions = float(cast("float", fractions))
    return quantile(a, fractions, axis, method=method, keepdims=keepdims, weights=weights)
