"""Functions known at sample points: interpolation, convolution, polynomials from their coefficients."""

from __future__ import annotations

from typing import cast

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.structural import broadcast_to, convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError
from tidu.ops.arithmetic import add, divide, multiply, subtract
from tidu.ops.compare import greater, less, where
from tidu.ops.contract import matmul
from tidu.ops.extremes import maximum, minimum
from tidu.ops.indexing import gather
from tidu.ops.join import concatenate
from tidu.ops.movement import embed, take_window
from tidu.ops.ordering import argsort, searchsorted
from tidu.ops.rounding import remainder

__all__ = ["convolve", "interp", "polyval"]


@implements(np.interp)
def interp(
    x: object, xp: object, fp: object, left: object = None, right: object = None, period: object = None
) -> Value:
    """Return the piecewise linear function through the points (`xp`, `fp`) at `x`, in float64 as NumPy.

    Parameters
    ----------
    x : array_like
        Where to evaluate.
    xp : array_like of shape (n,)
        Increasing.
    fp : array_like of shape (n,)
    left, right : float, optional
        Values outside; by default those at the ends.
    period : float, optional
        In which the function repeats itself; then `xp` need not be sorted.

    Examples
    --------
    >>> float(interp(1.5, np.array([1.0, 2.0]), np.array([10.0, 20.0])))
    15.0
    """
    shape = shape_of(xp)
    if len(shape) != 1 or shape != shape_of(fp) or not shape[0]:
        raise ShapeError(
            f"interp: xp and fp must be vectors of equal length, not empty; got {list(shape)}, {list(shape_of(fp))}",
            expected=shape,
            got=shape_of(fp),
        )
    at, places, values = (convert(each, np.dtype(np.float64)) for each in (x, xp, fp))
    if period is not None:
        return _periodic(at, places, values, abs(float(cast("float", period))))
    n = shape[0]
    first, last = reshape(_part(places, 0, 1), ()), reshape(_part(places, n - 1, 1), ())
    below = left if left is not None else reshape(_part(values, 0, 1), ())
    above = right if right is not None else reshape(_part(values, n - 1, 1), ())
    inside: object = below
    if n > 1:
        upper = minimum(maximum(searchsorted(places, at, "right"), 1), n - 1)
        lower = subtract(upper, 1)
        start, height = gather(places, lower), gather(values, lower)
        slope = divide(subtract(gather(values, upper), height), subtract(gather(places, upper), start))
        inside = add(multiply(slope, subtract(at, start)), height)
    elif left is not None:
        inside = reshape(values, ())
    return where(less(at, first), below, where(greater(at, last), above, inside))


def _periodic(x: Value, xp: Value, fp: Value, period: float) -> Value:
    """Bring all places into one period, sort them, and add a neighbor from the next period at either end."""
    if period == 0:
        raise ParameterError("interp: the period must not be 0", got=period)
    x, xp = remainder(x, period), remainder(xp, period)
    order, n = argsort(xp, 0), shape_of(xp)[0]
    places, values = gather(xp, order), gather(fp, order)
    places = concatenate([_part(places, n - 1, 1) - period, places, _part(places, 0, 1) + period], axis=0)
    values = concatenate([_part(values, n - 1, 1), values, _part(values, 0, 1)], axis=0)
    return interp(x, places, values)


def _part(x: object, start: int, count: int, step: int = 1) -> Value:
    return take_window(x, (start,), (count,), (step,))


@implements(np.convolve)
def convolve(a: object, v: object, mode: str = "full") -> Value:
    """Return the discrete convolution of two vectors.

    Parameters
    ----------
    a, v : array_like of shape (n,) and (m,)
    mode : {"full", "same", "valid"}
        How much of the overlap to return.

    Examples
    --------
    >>> convolve(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([1., 3., 2.])
    """
    a, v = (x if shape_of(x) else reshape(x, (1,)) for x in (a, v))
    if len(shape_of(a)) != 1 or len(shape_of(v)) != 1 or not shape_of(a)[0] or not shape_of(v)[0]:
        raise ShapeError(
            f"convolve: expected two vectors with elements, got {list(shape_of(a))} and {list(shape_of(v))}",
            got=(shape_of(a), shape_of(v)),
        )
    if mode not in ("full", "same", "valid"):
        raise ParameterError(f"convolve: mode must be 'full', 'same' or 'valid', got {mode!r}", got=mode)
    if shape_of(v)[0] > shape_of(a)[0]:
        a, v = v, a
    n, m = shape_of(a)[0], shape_of(v)[0]
    start, count = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}[mode]
    padded = embed(a, (n + 2 * (m - 1),), (m - 1,), (1,))
    windows = gather(padded, start + np.arange(count)[:, None] + np.arange(m))
    return matmul(windows, _part(v, m - 1, m, -1))


@implements(np.polyval)
def polyval(p: object, x: object) -> Value:
    """Return a polynomial at `x` by Horner's rule, the highest power's coefficient first.

    Examples
    --------
    >>> float(polyval(np.array([1.0, 0.0, -2.0]), 3.0))
    7.0
    """
    if len(shape_of(p)) != 1 or not shape_of(p)[0]:
        raise ShapeError(f"polyval: expected a vector of coefficients, got shape {list(shape_of(p))}", got=shape_of(p))
    coefficients = [reshape(_part(p, i, 1), ()) for i in range(shape_of(p)[0])]
    dtype = np.result_type(spec_of(p).dtype, spec_of(x).dtype)
    value = broadcast_to(convert(coefficients[0], dtype), shape_of(x))
    for coefficient in coefficients[1:]:
        value = add(multiply(value, x), coefficient)
    return value
