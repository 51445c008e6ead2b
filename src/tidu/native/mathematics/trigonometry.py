"""How are sine and cosine written inline?

|x| = n pi/2 + r with |r| at most pi/4, a polynomial for either, chosen by the lowest bits of n. Beyond some
|x|, where pi would be needed in more digits, C's own function is called. This file knows neither arrays nor
loops.

Notes
-----
pi/2 is subtracted in three parts, each as precise as the dtype; with fused products the first difference is
exact, and what the second product and sum lose is kept and added at the end. Minimax polynomials in z = r^2 (Remez's
exchange in 45 digits): (sin(r) - r) / r^3 of degree 2 and 5 with errors of 3.7e-9 and 3.5e-18 relative to r in
float32 and float64; (cos(r) - 1 + z/2) / z^2 of degree 2 and 5 with errors of 1.1e-10 and 4.9e-20 of cos.

References
----------
W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), chapter 8; J.-M. Muller,
Elementary Functions, 3rd ed. (2016), section 11.2 (reduction by a fused product).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tidu.core.emit import Condition, Scalar
from tidu.native.mathematics.pieces import from_libm, if_any, magnitude, polynomial, round_multiple
from tidu.native.vectors import Vectors

__all__ = ["cos", "sin"]


@dataclass(frozen=True, slots=True)
class _Constants:
    """Of one dtype.

    Parameters
    ----------
    quarter : tuple of float
        Minus pi/2 in three parts.
    sin, cos : tuple of float
        Polynomials, see above.
    limit : float
        The largest |x| for which three parts are enough.
    """

    quarter: tuple[float, float, float]
    sin: tuple[float, ...]
    cos: tuple[float, ...]
    limit: float


_OF = {
    "float32": _Constants(
        quarter=(-1.57079637, 4.371139e-08, 1.7151245e-15),
        sin=(-0.16666655, 0.00833219, -0.00019518405),
        cos=(0.041666646, -0.0013887301, 2.4430676e-05),
        limit=2.0**17,
    ),
    "float64": _Constants(
        quarter=(-1.5707963267948966, -6.123233995736766e-17, 1.4973849048591698e-33),
        sin=(
            -0.16666666666666632,
            0.008333333333322455,
            -0.00019841269829813586,
            2.7557313687688793e-06,
            -2.5050756740062684e-08,
            1.589668370638855e-10,
        ),
        cos=(
            0.0416666666666666,
            -0.0013888888888874441,
            2.480158728963623e-05,
            -2.755731438740407e-07,
            2.087572704336523e-09,
            -1.1359801306681107e-11,
        ),
        limit=2.0**30,
    ),
}


def _sine_of(v: Vectors, y: Scalar, quarters: int) -> tuple[Scalar, Scalar]:
    """Return the sine of y + quarters pi/2 without its sign, and bits whose highest is the sign to flip."""
    constants, integers = _OF[v.dtype], v.integers
    n = round_multiple(v, y, 2.0 / math.pi, offset=quarters)
    first, second, third = (v.constant(part) for part in constants.quarter)
    coarse = v.fma(n.value, first, y)
    fine = v.mul(n.value, second)
    r = v.add(coarse, fine)
    lost = v.fma(n.value, third, v.fma(n.value, second, v.neg(fine)))
    rest = v.add(lost, v.add(v.sub(coarse, r), fine))
    z = v.mul(r, r)
    sine = v.add(r, v.fma(v.mul(r, z), polynomial(v, z, constants.sin), rest))
    cosine = v.fma(z, v.fma(z, polynomial(v, z, constants.cos), v.constant(-0.5)), v.constant(1.0))
    odd = integers.bitwise("and", n.bits, integers.constant(1))
    result = v.select(integers.compare("==", odd, integers.constant(0)), sine, cosine)
    return result, integers.bitwise("shl", n.bits, integers.constant(v.bits - 2))


def _flip(v: Vectors, x: Scalar, bits: Scalar) -> Scalar:
    """Return x, its sign flipped where the highest bit is set."""
    integers = v.integers
    sign = integers.bitwise("and", bits, integers.constant(-(1 << (v.bits - 1))))
    return v.from_bits(integers.bitwise("xor", v.to_bits(x), sign))


def _beyond(v: Vectors, y: Scalar) -> Condition:
    """Return whether the reduction does not reach so far; it makes NaN of infinity, as it should."""
    return v.compare(">", y, v.constant(_OF[v.dtype].limit))


def sin(v: Vectors, x: Scalar) -> Scalar:
    """Return the sine; that of |x|, with the sign of x."""
    y = magnitude(v, x)
    result, turns = _sine_of(v, y, 0)
    usual = _flip(v, result, v.integers.bitwise("xor", turns, v.to_bits(x)))
    return if_any(v, _beyond(v, y), usual, lambda: from_libm(v, "sin", x))


def cos(v: Vectors, x: Scalar) -> Scalar:
    """Return the cosine: the sine of a quarter turn more."""
    y = magnitude(v, x)
    usual = _flip(v, *_sine_of(v, y, 1))
    return if_any(v, _beyond(v, y), usual, lambda: from_libm(v, "cos", x))
