"""Functions of single elements that are composed of primitives: clipping, rounding to digits, angles."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from tidu.core.bind import spec_of
from tidu.core.spec import result_dtype
from tidu.core.structural import convert
from tidu.core.table import implements, implements_named
from tidu.core.value import Value
from tidu.errors import DtypeError, UnsupportedError
from tidu.ops.arithmetic import absolute, divide, multiply, negative, square, subtract
from tidu.ops.compare import equal, less, less_equal, where
from tidu.ops.exponential import log, log1p, logaddexp
from tidu.ops.extremes import maximum, minimum
from tidu.ops.logic import isfinite, isnan, logical_and, logical_not, logical_or, logical_xor
from tidu.ops.rounding import floor_divide, remainder, rint, trunc
from tidu.ops.special import erfc
from tidu.ops.trigonometric import sin

__all__ = ["clip", "isclose", "nan_to_num", "round_"]

_NOT_GIVEN = getattr(np, "_NoValue", None)


@implements(np.clip)
def clip(a: object, a_min: object = None, a_max: object = None, **bounds: object) -> Value:
    """Return `a` limited to an interval; None leaves a side open.

    At a bound the gradient is shared evenly between the value and the bound, as in JAX: the mean of
    the one-sided slopes.

    Parameters
    ----------
    a : array_like
    a_min, a_max : array_like or None
        The bounds, also called ``min`` and ``max``.

    Examples
    --------
    >>> clip(np.array([-1.0, 0.5, 2.0]), 0.0, 1.0)
    array([0. , 0.5, 1. ])
    """
    unknown = set(bounds) - {"min", "max", "dtype"}
    if unknown or bounds.get("dtype") is not None:
        raise UnsupportedError(
            f"np.clip with {', '.join(bounds)} is not supported on a traced value", function="np.clip"
        )
    result = a
    for bound, name, limit in ((a_min, "min", maximum), (a_max, "max", minimum)):
        given = bounds.get(name) if bound is None or bound is _NOT_GIVEN else bound
        if given is not None and given is not _NOT_GIVEN:
            result = limit(result, given)
    return cast("Value", result)


@implements(np.round, np.around)
def round_(a: object, decimals: int = 0) -> Value:
    """Return `a` rounded to a number of decimals, halves to even; no gradient passes.

    Examples
    --------
    >>> float(round_(2.345, 1))
    2.3
    """
    if spec_of(a).dtype.kind in "biu":
        if decimals < 0:
            raise UnsupportedError(
                "np.round of integers to tens is not supported on a traced value", function="np.round"
            )
        return cast("Value", a)
    if decimals == 0:
        return rint(a)
    scale = 10.0 ** abs(decimals)
    return divide(rint(multiply(a, scale)), scale) if decimals > 0 else multiply(rint(divide(a, scale)), scale)


@implements(np.fix)
def fix(x: object) -> Value:
    """Return `x` without its fraction."""
    return cast("Value", x) if spec_of(x).dtype.kind in "biu" else trunc(x)


@implements(np.fabs)
def fabs(x: object) -> Value:
    """Return |x| in floating point."""
    return absolute(multiply(x, 1.0) if spec_of(x).dtype.kind in "biu" else x)


@implements(np.positive, np.conjugate, np.real)
def positive(x: object) -> Value:
    """Return `x` itself: traced values are real."""
    return cast("Value", x)


@implements(np.deg2rad, np.radians)
def radians(x: object) -> Value:
    """Return degrees as radians.

    Examples
    --------
    >>> float(radians(180.0)) == math.pi
    True
    """
    return multiply(x, math.pi / 180.0)


@implements(np.rad2deg, np.degrees)
def degrees(x: object) -> Value:
    """Return radians as degrees.

    Examples
    --------
    >>> float(degrees(math.pi))
    180.0
    """
    return multiply(x, 180.0 / math.pi)


@implements(np.divmod)
def divmod_(x: object, y: object) -> tuple[Value, Value]:
    """Return ``x // y`` and ``x % y``."""
    return floor_divide(x, y), remainder(x, y)


@implements(np.nan_to_num)
def nan_to_num(x: object, copy: bool = True, nan: object = 0.0, posinf: object = None, neginf: object = None) -> Value:
    """Return `x` with NaN and infinities replaced; no gradient passes where one was.

    Examples
    --------
    >>> nan_to_num(np.array([np.nan, 1.0, np.inf]), posinf=9.0)
    array([0., 1., 9.])
    """
    dtype = spec_of(x).dtype
    if dtype.kind != "f":
        return cast("Value", x)
    largest = float(np.finfo(dtype.name).max)
    result = where(isnan(x), nan, x)
    result = where(equal(result, math.inf), largest if posinf is None else posinf, result)
    return where(equal(result, -math.inf), -largest if neginf is None else neginf, result)


@implements(np.isclose)
def isclose(a: object, b: object, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Value:
    """Return whether ``|a - b| <= atol + rtol |b|``, for each pair of elements.

    Examples
    --------
    >>> bool(isclose(1.0, 1.0 + 1e-9))
    True
    """
    near = less_equal(absolute(subtract(a, b)), absolute(b) * rtol + atol)
    found = logical_or(logical_and(near, isfinite(b)), equal(a, b))
    return logical_or(found, logical_and(isnan(a), isnan(b))) if equal_nan else found


def _require_booleans(what: str, *operands: object) -> None:
    for x in operands:
        dtype = spec_of(x).dtype
        if dtype.kind != "b":
            raise DtypeError(
                f"{what} on traced values is for booleans; got {dtype}, whose bits cannot be traced: compute them "
                "outside of the traced function",
                got=dtype,
            )


@implements(np.bitwise_and)
def bitwise_and(x: object, y: object) -> Value:
    """Return whether both hold, of booleans.

    Raises
    ------
    DtypeError
        If an operand is not boolean.
    """
    _require_booleans("&", x, y)
    return logical_and(x, y)


@implements(np.bitwise_or)
def bitwise_or(x: object, y: object) -> Value:
    """Return whether one holds, of booleans.

    Raises
    ------
    DtypeError
        If an operand is not boolean.
    """
    _require_booleans("|", x, y)
    return logical_or(x, y)


@implements(np.bitwise_xor)
def bitwise_xor(x: object, y: object) -> Value:
    """Return whether exactly one holds, of booleans.

    Raises
    ------
    DtypeError
        If an operand is not boolean.
    """
    _require_booleans("^", x, y)
    return logical_xor(x, y)


@implements(np.invert)
def invert(x: object) -> Value:
    """Return whether it does not hold, of a boolean.

    Raises
    ------
    DtypeError
        If the operand is not boolean.
    """
    _require_booleans("~", x)
    return logical_not(x)


@implements_named("scipy.special", "logit")
def logit(p: object) -> Value:
    """Return log(p / (1 - p)), the inverse of the logistic sigmoid.

    Examples
    --------
    >>> float(logit(0.5))
    0.0
    """
    return log(p) - log1p(negative(p))


@implements_named("scipy.special", "ndtr")
def normal_cdf(x: object) -> Value:
    """Return the probability that a standard normal variable is at most x.

    Examples
    --------
    >>> float(normal_cdf(0.0))
    0.5
    """
    return erfc(multiply(x, -math.sqrt(0.5))) * 0.5


@implements(np.logaddexp2)
def logaddexp2(x: object, y: object) -> Value:
    """Return log2(2**x + 2**y) without overflow.

    Examples
    --------
    >>> float(logaddexp2(3.0, 3.0))
    4.0
    """
    dtype, ln2 = result_dtype((spec_of(x), spec_of(y))), math.log(2.0)
    return logaddexp(convert(x, dtype) * ln2, convert(y, dtype) * ln2) / ln2


@implements(np.sinc)
def sinc(x: object) -> Value:
    """Return sin(pi x) / (pi x), 1 at 0.

    Near 0 its power series takes over (error below 1e-17), so that derivatives are right there too.

    Examples
    --------
    >>> float(sinc(0.0))
    1.0
    """
    angle = multiply(x, math.pi)
    small = less(absolute(angle), 0.03)
    apart = where(small, 1.0, angle)
    t = square(where(small, angle, 0.0))
    series = (((t * (-1.0 / 5040.0) + 1.0 / 120.0) * t) - 1.0 / 6.0) * t + 1.0
    return where(small, series, sin(apart) / apart)


@implements(np.isposinf)
def isposinf(x: object) -> Value:
    """Return whether x is inf, for each element."""
    return equal(x, math.inf)


@implements(np.isneginf)
def isneginf(x: object) -> Value:
    """Return whether x is -inf, for each element."""
    return equal(x, -math.inf)
