"""How are logarithms written inline?

x = 2^k m with m between sqrt(1/2) and sqrt(2), f = m - 1, and log(x) = k ln 2 + f + w, where the correction
w = log(1 + f) - f is small. This file knows neither arrays nor loops.

Notes
-----
float32: w = f^2 (f P(f) - 1/2), P of degree 7 for (log(1 + f) - f + f^2/2) / f^3 with an error of 6.7e-9
relative to f (Remez's exchange in 45 digits). float64: with s = f / (2 + f) and z = s^2,
log(1 + f) = f - f^2/2 + s (f^2/2 + z P(z)), P of degree 6 for (2 artanh(s) - 2 s) / s^3 and z up to .0296
with an error of 2.6e-18 relative to s: one quotient saves a dozen products.

References
----------
P. T. P. Tang, Table-driven implementation of the logarithm function in IEEE floating-point arithmetic, ACM
TOMS 16 (1990) 378 (without its tables); J.-M. Muller, Elementary Functions, 3rd ed. (2016), section 11.2;
W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), chapter 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tidu.core.emit import Scalar
from tidu.native.mathematics.pieces import FRACTION_BITS, polynomial, signed_like
from tidu.native.vectors import Vectors

__all__ = ["log", "log1p", "log2", "log10"]


@dataclass(frozen=True, slots=True)
class _Base:
    """A base of logarithms: each number in two parts, of which the first of `two` has few bits.

    Parameters
    ----------
    two : tuple of float
        Logarithm of 2.
    e : tuple of float, optional
        Logarithm of e; None of base e.
    """

    two: tuple[float, float]
    e: tuple[float, float] | None


_E = {
    "float32": _Base((0.693145751953125, 1.4286068e-06), None),
    "float64": _Base((0.6931471805598903, 5.497923018708371e-14), None),
}
_TWO = {
    "float32": _Base((1.0, 0.0), (1.442695, 1.925963e-08)),
    "float64": _Base((1.0, 0.0), (1.4426950408889634, 2.0355273740931033e-17)),
}
_TEN = {
    "float32": _Base((0.3010254, 4.605039e-06), (0.4342945, -1.010305e-08)),
    "float64": _Base((0.30102999566395283, 2.8363394551044964e-14), (0.4342944819032518, 1.098319650216765e-17)),
}
_CUBIC = (0.33333316, -0.25000829, 0.20002367, -0.1662398, 0.14178926, -0.13132463, 0.128998, -0.07871998)
_ARTANH = (
    0.6666666666666737,
    0.3999999999939287,
    0.2857142874770248,
    0.22222197983776076,
    0.18183597093876716,
    0.1531316075988699,
    0.14805340386759805,
)


@dataclass(frozen=True, slots=True)
class _Split:
    """x = 2^k (1 + f).

    Parameters
    ----------
    k : Scalar
        As a float.
    raised : Scalar
        k, shifted to where the exponent stands among the bits of a float.
    f : Scalar
    """

    k: Scalar
    raised: Scalar
    f: Scalar


def _split(v: Vectors, x: Scalar, magic: Scalar | None = None) -> _Split:
    """Take a positive normal number apart; `magic` is what to subtract from 3/2 2^f + k, to give the float k."""
    integers, fraction = v.integers, FRACTION_BITS[v.dtype]
    shift = integers.constant(fraction)
    root, start = (_bits(v, value) for value in (math.sqrt(0.5), 1.5 * 2.0**fraction))
    bits = v.to_bits(x)
    k = integers.bitwise("ashr", integers.sub(bits, integers.constant(root)), shift)
    raised = integers.bitwise("shl", k, shift)
    m = v.from_bits(integers.sub(bits, raised))
    shifted = v.from_bits(integers.add(k, integers.constant(start)))
    magic = v.constant(1.5 * 2.0**fraction) if magic is None else magic
    return _Split(v.sub(shifted, magic), raised, v.sub(m, v.constant(1.0)))


def _bits(v: Vectors, value: float) -> int:
    """Return the bits of a constant."""
    kind = np.dtype(v.dtype)
    return int(kind.type(value).view(f"i{kind.itemsize}"))


def _correction(v: Vectors, f: Scalar, plus: Scalar | None) -> Scalar:
    """Return log(1 + f) - f, plus something small."""
    if v.dtype == "float32":
        square = v.mul(f, f)
        inner = v.fma(f, polynomial(v, f, _CUBIC), v.constant(-0.5))
        return v.mul(square, inner) if plus is None else v.fma(square, inner, plus)
    half = v.mul(v.mul(f, f), v.constant(0.5))
    s = v.div(f, v.add(f, v.constant(2.0)))
    z = v.mul(s, s)
    sum_ = v.fma(z, polynomial(v, z, _ARTANH), half)
    return v.sub(v.mul(s, sum_) if plus is None else v.fma(s, sum_, plus), half)


def _assemble(v: Vectors, k: Scalar, f: Scalar, base: _Base) -> Scalar:
    """Return the logarithm of 2^k (1 + f)."""
    high, low = (v.constant(part) for part in base.two)
    small = v.mul(k, low) if base.two[1] else None
    if base.e is None:
        return v.fma(k, high, v.add(f, _correction(v, f, small)))
    e, rest = (v.constant(part) for part in base.e)
    w = _correction(v, f, None)
    small = v.fma(w, e, v.fma(f, rest, small) if small else v.mul(f, rest))
    return v.fma(k, high, v.fma(f, e, small))


def _with_edges(v: Vectors, x: Scalar, result: Scalar) -> Scalar:
    """Put in what C gives outside of the positive numbers: -inf of 0, NaN of negative ones, inf, NaN."""
    zero, infinity = v.constant(0.0), v.constant(math.inf)
    edge = v.select(v.compare("==", x, zero), v.constant(-math.inf), v.constant(math.nan))
    return v.select(v.compare("==", x, infinity), x, v.select(v.compare(">", x, zero), result, edge))


def _logarithm(v: Vectors, x: Scalar, base: _Base) -> Scalar:
    fraction = FRACTION_BITS[v.dtype]
    magic, lift = 1.5 * 2.0**fraction, fraction + 1
    subnormal = v.compare("<", x, v.constant(float(np.finfo(v.dtype).tiny)))
    normal = v.select(subnormal, v.mul(x, v.constant(2.0**lift)), x)
    split = _split(v, normal, v.select(subnormal, v.constant(magic + lift), v.constant(magic)))
    return _with_edges(v, x, _assemble(v, split.k, split.f, base))


def log(v: Vectors, x: Scalar) -> Scalar:
    """Return the natural logarithm."""
    return _logarithm(v, x, _E[v.dtype])


def log2(v: Vectors, x: Scalar) -> Scalar:
    """Return the logarithm to base 2."""
    return _logarithm(v, x, _TWO[v.dtype])


def log10(v: Vectors, x: Scalar) -> Scalar:
    """Return the logarithm to base 10."""
    return _logarithm(v, x, _TEN[v.dtype])


def log1p(v: Vectors, x: Scalar) -> Scalar:
    """Return log(1 + x), exact near 0.

    Notes
    -----
    1 + x = u + c, rounded and what is lost by that (Knuth's sum of two); f = m - 1 + 2^-k c.
    """
    one = v.constant(1.0)
    u = v.add(x, one)
    back = v.sub(u, one)
    c = v.add(v.sub(one, v.sub(u, back)), v.sub(x, back))
    split = _split(v, u)
    integers = v.integers
    # 2^(1 - k) is a number, or 0, up to the largest x; 2^-k would not be.
    down = v.from_bits(integers.sub(integers.constant(_bits(v, 2.0)), split.raised))
    f = v.fma(v.mul(c, v.constant(0.5)), down, split.f)
    result = _assemble(v, split.k, f, _E[v.dtype])
    return signed_like(v, _with_edges(v, u, result), x)
