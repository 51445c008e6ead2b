"""How are the inverse sine, cosine and tangent written inline?

Each is brought to a short range around 0 by an identity, and a multiple of pi/4 added in two parts. This file
knows neither arrays nor loops.

Notes
-----
Minimax polynomials in z = x^2 (Remez's exchange in 45 digits), errors relative to x: (asin(x) - x) / x^3 up to
x = 1/2 of degree 5 (float32, 2.9e-10) and 12 (float64, 1.5e-18); (atan(x) - x) / x^3 up to x = tan(pi/8) of
degree 4 (float32, 6.8e-10) and 10 (float64, 4.7e-18).

References
----------
DLMF 4.24.13, 4.24.17; W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), chapters 10
and 11; J.-M. Muller, Elementary Functions, 3rd ed. (2016), chapter 3.
"""

from __future__ import annotations

import math

from tidu.core.emit import Scalar
from tidu.native.mathematics.pieces import magnitude, polynomial, signed_like
from tidu.native.vectors import Vectors

__all__ = ["acos", "asin", "atan"]

_HALF_PI = {"float32": (1.57079637, -4.371139e-08), "float64": (1.5707963267948966, 6.123233995736766e-17)}
_ASIN = {
    "float32": (0.1666666, 0.07500521, 0.044513635, 0.031836055, 0.0143291885, 0.03767313),
    "float64": (
        0.16666666666666763,
        0.07499999999970104,
        0.04464285717527914,
        0.0303819426756252,
        0.02237221589620622,
        0.017351595670866696,
        0.01398101654028951,
        0.01139730892258662,
        0.01078923473887982,
        0.0036725019145934295,
        0.021789898901893798,
        -0.021115691159858816,
        0.03270153735376829,
    ),
}
_ATAN = {
    "float32": (-0.33333316, 0.1999853, -0.14244415, 0.1059924, -0.0608991),
    "float64": (
        -0.333333333333332,
        0.1999999999995322,
        -0.14285714280157502,
        0.11111110781403782,
        -0.09090897695548288,
        0.07692059053525527,
        -0.06663090209261407,
        0.058477839201317286,
        -0.05038808862648851,
        0.0380514382041412,
        -0.017892277640181753,
    ),
}


def _excess(v: Vectors, x: Scalar, square: Scalar, coefficients: tuple[float, ...]) -> Scalar:
    """Return f(x) - x = x z P(z)."""
    return v.mul(v.mul(x, square), polynomial(v, square, coefficients))


def _sum(v: Vectors, a: Scalar, b: Scalar, small: Scalar) -> Scalar:
    """Return a + b + small, what the first sum loses added to `small`; a is 0, or larger than b (T. J. Dekker)."""
    both = v.add(a, b)
    lost = v.add(v.sub(a, both), b)
    return v.add(both, v.add(lost, small))


def _short_asin(v: Vectors, y: Scalar) -> tuple[Scalar, Scalar]:
    """Return s up to 1/2 and asin(s) - s: of y itself, and beyond 1/2 of sqrt((1 - y) / 2)."""
    half = v.constant(0.5)
    near = v.compare("<=", y, half)
    far_square = v.mul(v.sub(v.constant(1.0), y), half)
    square = v.select(near, v.mul(y, y), far_square)
    s = v.select(near, y, v.call("sqrt", far_square))
    return s, _excess(v, s, square, _ASIN[v.dtype])


def asin(v: Vectors, x: Scalar) -> Scalar:
    """Return the inverse sine; beyond 1/2 asin(y) = pi/2 - 2 asin(sqrt((1 - y) / 2)), NaN beyond 1."""
    y = magnitude(v, x)
    s, excess = _short_asin(v, y)
    high, low = (v.constant(part) for part in _HALF_PI[v.dtype])
    minus_two = v.constant(-2.0)
    far = _sum(v, high, v.mul(s, minus_two), v.fma(excess, minus_two, low))
    return signed_like(v, v.select(v.compare("<=", y, v.constant(0.5)), v.add(s, excess), far), x)


def acos(v: Vectors, x: Scalar) -> Scalar:
    """Return the inverse cosine; near 0 pi/2 - asin(x), else twice the short one, or pi minus that."""
    y = magnitude(v, x)
    s, excess = _short_asin(v, y)
    high, low = (v.constant(part) for part in _HALF_PI[v.dtype])
    near = v.compare("<=", y, v.constant(0.5))
    # The factors are powers of two, so that only the sums round.
    factor = signed_like(v, v.select(near, v.constant(1.0), v.constant(2.0)), x)
    arc, rest = v.mul(s, factor), v.mul(excess, factor)
    from_half = v.sub(high, v.add(arc, v.sub(rest, low)))
    negative = v.compare("<", x, v.constant(0.0))
    two = v.constant(2.0)
    from_whole = v.fma(high, two, v.add(arc, v.fma(low, two, rest)))
    far = v.select(negative, from_whole, v.add(arc, rest))
    return v.select(near, from_half, far)


def atan(v: Vectors, x: Scalar) -> Scalar:
    """Return the inverse tangent; atan(y) is pi/4 + atan((y - 1) / (y + 1)) and pi/2 + atan(-1 / y)."""
    y = magnitude(v, x)
    zero, one = v.constant(0.0), v.constant(1.0)
    middle = v.compare(">", y, v.constant(math.tan(math.pi / 8)))
    steep = v.compare(">", y, v.constant(math.tan(3 * math.pi / 8)))
    above = v.select(steep, v.constant(-1.0), v.select(middle, v.sub(y, one), y))
    below = v.select(steep, y, v.select(middle, v.add(y, one), one))
    u = v.div(above, below)
    excess = _excess(v, u, v.mul(u, u), _ATAN[v.dtype])
    high, low = _HALF_PI[v.dtype]
    base = v.select(steep, v.constant(high), v.select(middle, v.constant(high / 2), zero))
    rest = v.select(steep, v.constant(low), v.select(middle, v.constant(low / 2), zero))
    return signed_like(v, _sum(v, base, u, v.add(excess, rest)), x)
