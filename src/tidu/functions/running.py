"""What grows along an axis: running sums, products and extremes under their newer names, angles unwound."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axis
from tidu.core.structural import broadcast_to, convert
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import DtypeError, ParameterError
from tidu.functions.differences import diff
from tidu.functions.layout import cut
from tidu.functions.shapes import ravel
from tidu.ops.arithmetic import add, subtract
from tidu.ops.compare import equal, greater, less, where
from tidu.ops.cumulative import cumprod, cumsum
from tidu.ops.extremes import maximum, minimum
from tidu.ops.join import concatenate
from tidu.ops.logic import isnan, logical_and
from tidu.ops.rounding import remainder

__all__ = ["cumulative_prod", "cumulative_sum", "ediff1d", "running_maximum", "running_minimum", "unwrap"]


@implements(np.cumulative_sum)
def cumulative_sum(
    x: object, /, *, axis: int | None = None, dtype: object = None, out: None = None, include_initial: bool = False
) -> Value:
    """Return the running sums along `axis`, with a 0 in front if `include_initial`.

    Examples
    --------
    >>> cumulative_sum(np.array([1.0, 2.0]), include_initial=True)
    array([0., 1., 3.])
    """
    found = cumsum(x, _only_axis(x, axis, "cumulative_sum"), dtype)
    return _after(found, axis, 0) if include_initial else found


@implements(np.cumulative_prod)
def cumulative_prod(
    x: object, /, *, axis: int | None = None, dtype: object = None, out: None = None, include_initial: bool = False
) -> Value:
    """Return the running products along `axis`, with a 1 in front if `include_initial`.

    Examples
    --------
    >>> cumulative_prod(np.array([3.0, 2.0]))
    array([3., 6.])
    """
    found = cumprod(x, _only_axis(x, axis, "cumulative_prod"), dtype)
    return _after(found, axis, 1) if include_initial else found


def _only_axis(x: object, axis: int | None, what: str) -> int:
    ndim = len(shape_of(x))
    if axis is None and ndim != 1:
        raise ParameterError(f"{what}: an array of {ndim} dimensions needs axis=", got=axis)
    return 0 if axis is None else axis


def _after(x: Value, axis: int | None, start: int) -> Value:
    """Put the value of no elements in front."""
    along = normalize_axis(0 if axis is None else axis, x.ndim, "include_initial")
    first = tuple(1 if a == along else n for a, n in enumerate(x.shape))
    return concatenate([np.full(first, start, x.dtype), x], axis=along)


@implements(np.nancumsum)
def nancumsum(a: object, axis: int | None = None, dtype: object = None, out: None = None) -> Value:
    """Return the running sums of what is not NaN."""
    return cumsum(where(isnan(a), 0.0, a), axis, dtype)


@implements(np.nancumprod)
def nancumprod(a: object, axis: int | None = None, dtype: object = None, out: None = None) -> Value:
    """Return the running products of what is not NaN."""
    return cumprod(where(isnan(a), 1.0, a), axis, dtype)


def running_maximum(a: object, axis: int = 0) -> Value:
    """Return the largest element up to each one along `axis`.

    Notes
    -----
    By doubling: after s steps an element knows the largest of the 2**s up to it. Where windows overlap the
    same element ties with itself, and its two half shares of the gradient add up to the whole.

    Examples
    --------
    >>> running_maximum(np.array([1.0, 3.0, 2.0]))
    array([1., 3., 3.])
    """
    return _running(a, axis, larger=True)


def running_minimum(a: object, axis: int = 0) -> Value:
    """Return the smallest element up to each one along `axis`, as `running_maximum`.

    Examples
    --------
    >>> running_minimum(np.array([2.0, 1.0, 3.0]))
    array([2., 1., 1.])
    """
    return _running(a, axis, larger=False)


def _running(a: object, axis: int, *, larger: bool) -> Value:
    along = normalize_axis(axis, len(shape_of(a)), "accumulate")
    found, step = cast("Value", a), 1
    choose = maximum if larger else minimum
    while step < shape_of(a)[along]:
        length = found.shape[along]
        later = choose(cut(found, along, step, length), cut(found, along, 0, length - step))
        found = concatenate([cut(found, along, 0, step), later], axis=along)
        step *= 2
    return found


@implements(np.ediff1d)
def ediff1d(ary: object, to_end: object = None, to_begin: object = None) -> Value:
    """Return the differences of neighbors of the flattened array, between what is put at its ends.

    Examples
    --------
    >>> ediff1d(np.array([1.0, 4.0]), to_end=9.0)
    array([3., 9.])
    """
    dtype = spec_of(ary).dtype
    inner = diff(ravel(ary))
    ends = [None if x is None else convert(ravel(np.asarray(x)), dtype) for x in (to_begin, to_end)]
    parts = [x for x in (ends[0], inner, ends[1]) if x is not None]
    return parts[0] if len(parts) == 1 else concatenate(parts, axis=0)


@implements(np.unwrap)
def unwrap(p: object, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi) -> Value:
    """Return angles without jumps of more than half a period, by adding whole periods; the slope is 1.

    Examples
    --------
    >>> unwrap(np.array([3.0, 9.0]), period=6.0)
    array([3., 3.])
    """
    if spec_of(p).dtype.kind != "f":
        raise DtypeError(f"unwrap: expected floating-point angles, got {spec_of(p).dtype}", got=spec_of(p).dtype)
    along = normalize_axis(axis, len(shape_of(p)), "unwrap")
    half = period / 2
    jump = diff(p, axis=along)
    wrapped = remainder(add(jump, half), period) - half
    wrapped = where(logical_and(equal(wrapped, -half), greater(jump, 0.0)), half, wrapped)
    limit = half if discont is None else discont
    small = logical_and(less(jump, limit), greater(jump, -limit))
    correction = cumsum(where(small, 0.0, subtract(wrapped, jump)), along)
    first = tuple(1 if a == along else n for a, n in enumerate(shape_of(p)))
    zero = broadcast_to(np.zeros((), spec_of(p).dtype), first)
    return add(p, concatenate([zero, correction], axis=along))
