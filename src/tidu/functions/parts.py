"""Parts and neighbors of single numbers: fractions, powers of two, and what of a real number is imaginary."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import Traced, shape_of, spec_of
from tidu.core.structural import convert
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.ops.arithmetic import absolute, multiply, subtract
from tidu.ops.compare import where
from tidu.ops.exponential import exp2
from tidu.ops.rounding import trunc

__all__ = ["angle", "ldexp", "modf"]


@implements(np.modf)
def modf(x: object) -> tuple[Value, Value]:
    """Return the fraction and the whole part, both with the sign of `x`.

    Examples
    --------
    >>> modf(np.array([2.5]))
    (array([0.5]), array([2.]))
    """
    whole = trunc(x if spec_of(x).dtype.kind == "f" else multiply(x, 1.0))
    return subtract(x, whole), whole


@implements(np.ldexp)
def ldexp(x1: object, x2: object) -> Value:
    """Return ``x1 * 2**x2``.

    Examples
    --------
    >>> float(ldexp(1.5, 2))
    6.0
    """
    dtype = spec_of(x1).dtype if spec_of(x1).dtype.kind == "f" else np.dtype(np.float64)
    return multiply(x1, exp2(convert(x2 if isinstance(x2, Traced) else np.asarray(x2), dtype)))


@implements(np.angle)
def angle(z: object, deg: bool = False) -> Value:
    """Return the angle of a real number: 0, or half a turn if it is negative."""
    negative = np.signbit(z)  # type: ignore[call-overload]  # -0.0 too, as for NumPy
    return where(negative, 180.0 if deg else math.pi, absolute(multiply(z, 0.0)))


@implements(np.real_if_close)
def real_if_close(a: object, tol: float = 100) -> Value:
    """Return the value itself: traced values are real."""
    return cast("Value", a)


@implements(np.isreal)
def isreal(x: object) -> NDArray[np.bool_]:
    """Return True for each element: traced values are real."""
    return np.ones(shape_of(x), np.bool_)


@implements(np.iscomplex)
def iscomplex(x: object) -> NDArray[np.bool_]:
    """Return False for each element: traced values are real."""
    return np.zeros(shape_of(x), np.bool_)
