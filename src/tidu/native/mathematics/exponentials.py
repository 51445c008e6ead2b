"""How are exponentials and hyperbolic functions written inline?

x = n ln 2 + r with |r| at most ln(2)/2, and exp(x) = 2^n exp(r). This file knows neither arrays nor loops.

Notes
-----
Polynomials are minimax for the relative error (Remez's exchange in 45 digits, coefficients rounded one
after the other and the rest refitted, where that is better than rounding them all at once):

============================  =========  =======  ======  =======
function                      range      dtype    degree  error
============================  =========  =======  ======  =======
(exp(r) - 1 - r) / r^2        +-.3469    float32  4       1.4e-8
(exp(r) - 1 - r) / r^2        +-.3469    float64  10      5.1e-19
(2^r - 1) / r                 +-.5       float32  5       5.8e-9
(2^r - 1) / r                 +-.5       float64  10      1.5e-17
(sinh(x) - x) / x^3, in x^2   +-1        float32  3       3.2e-10
(sinh(x) - x) / x^3, in x^2   +-1        float64  6       2.6e-19
============================  =========  =======  ======  =======

The errors are those of exp(r) - 1 relative to r, of 2^r, and of sinh relative to x.

References
----------
P. T. P. Tang, Table-driven implementation of the exponential function in IEEE floating-point arithmetic, ACM
TOMS 15 (1989) 144; of expm1, ACM TOMS 18 (1992) 211 (without their tables); J.-M. Muller, Elementary
Functions, 3rd ed. (2016), sections 6.2 and 11.1; W. J. Cody and W. Waite, Software Manual for the Elementary
Functions (1980), chapters 6 and 12.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidu.core.emit import Scalar
from tidu.native.mathematics.avx512 import has_avx512, scaled
from tidu.native.mathematics.pieces import (
    Rounded,
    halves_of_power,
    magnitude,
    polynomial,
    power_of_two,
    round_multiple,
    signed_like,
)
from tidu.native.vectors import Vectors

__all__ = [
    "cosh",
    "decay",
    "decomposed",
    "exp",
    "exp2",
    "expm1",
    "exponential",
    "growth_terms",
    "minus_ln2",
    "sinh",
    "within",
]

_LOG2_E = 1.4426950408889634


@dataclass(frozen=True, slots=True)
class _Constants:
    """Of one dtype.

    Parameters
    ----------
    ln2 : tuple of float
        Minus ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
    growth, growth2, sinh : tuple of float
        Polynomials, see above.
    lowest, highest : float
        Beyond them exp is 0 or infinite.
    lowest2, highest2 : float
        The same of 2^x.
    minus_one : float
        Below it exp(x) - 1 is -1.
    linear : float
        Below it exp(x) - 1 is x.
    """

    ln2: tuple[float, float]
    growth: tuple[float, ...]
    growth2: tuple[float, ...]
    sinh: tuple[float, ...]
    lowest: float
    highest: float
    lowest2: float
    highest2: float
    minus_one: float
    linear: float


_OF = {
    "float32": _Constants(
        ln2=(-0.693145751953125, -1.4286068e-06),
        growth=(0.5, 0.16666539, 0.041666586, 0.008366963, 0.0013923754),
        growth2=(0.6931472, 0.24022667, 0.05550377, 0.009616487, 0.0013383158, 0.00015831113),
        sinh=(0.16666667, 0.008333311, 0.00019842632, 2.783962e-06),
        lowest=-104.0,
        highest=89.0,
        lowest2=-151.0,
        highest2=129.0,
        minus_one=-18.0,
        linear=2.0**-26,
    ),
    "float64": _Constants(
        ln2=(-0.6931471805598903, -5.497923018708371e-14),
        growth=(
            0.5,
            0.16666666666666677,
            0.0416666666666667,
            0.008333333333321534,
            0.0013888888888866555,
            0.00019841269886396715,
            2.4801587361053646e-05,
            2.7557243915460468e-06,
            2.7557242358139513e-07,
            2.5109146259370098e-08,
            2.0924563689174305e-09,
        ),
        growth2=(
            0.6931471805599453,
            0.24022650695910133,
            0.05550410866482174,
            0.009618129107593281,
            0.0013333558146378754,
            0.0001540353045815148,
            1.5252733867745795e-05,
            1.3215434777727558e-06,
            1.0178046389572503e-07,
            7.073867418541388e-09,
            4.457396933338733e-10,
        ),
        sinh=(
            0.16666666666666669,
            0.008333333333332915,
            0.00019841269841589228,
            2.755731910849914e-06,
            2.505213067450778e-08,
            1.6056686836536857e-10,
            7.775717213035295e-13,
        ),
        lowest=-746.0,
        highest=710.0,
        lowest2=-1076.0,
        highest2=1025.0,
        minus_one=-40.0,
        linear=2.0**-55,
    ),
}


def within(v: Vectors, x: Scalar, lowest: float, highest: float) -> Scalar:
    """Bring x into a range; a comparison with NaN is false, so NaN stays."""
    low, high = v.constant(lowest), v.constant(highest)
    x = v.select(v.compare(">", low, x), low, x)
    return v.select(v.compare("<", high, x), high, x)


def decomposed(v: Vectors, x: Scalar) -> tuple[Rounded, Scalar]:
    """Return n and r with x = n ln 2 + r."""
    n = round_multiple(v, x, _LOG2_E)
    high, low = _OF[v.dtype].ln2
    r = v.fma(n.value, v.constant(high), x)
    return n, v.fma(n.value, v.constant(low), r)


def minus_ln2(dtype: str) -> tuple[float, float]:
    """Return minus ln 2 in two parts, of which the first is short."""
    return _OF[dtype].ln2


def growth_terms(dtype: str) -> tuple[float, ...]:
    """Return the coefficients of exp(r) for small r."""
    return (1.0, 1.0, *_OF[dtype].growth)


def _half_growth(v: Vectors, r: Scalar, n: Rounded) -> Scalar:
    """Return half of 2^n exp(r) - 1.

    Notes
    -----
    exp(r) = 1 + r + w. 2^n (1 + r) - 1 comes first, which is exact for n = 0 and where 2^n - 1 and 2^n r
    nearly cancel; the small w only then.
    """
    half = v.constant(0.5)
    scale = scaled(v, half, n.value) if has_avx512(v) else power_of_two(v, n.bits, halve=True)
    w = v.mul(v.mul(r, r), polynomial(v, r, _OF[v.dtype].growth))
    linear = v.fma(scale, r, v.sub(scale, half))
    return v.fma(scale, w, linear)


def _scale(v: Vectors, p: Scalar, n: Rounded) -> Scalar:
    """Return p 2^n: the first factor leaves it a normal number, so that only the second one rounds."""
    if has_avx512(v):
        return scaled(v, p, n.value)
    first, second = halves_of_power(v, n.bits)
    return v.mul(v.mul(p, first), second)


def exponential(v: Vectors, x: Scalar, *, halve: bool = False) -> Scalar:
    """Return exp(x), or half of it without overflow in between."""
    constants = _OF[v.dtype]
    # Half of exp(x) is finite for x up to ln(2) more.
    x = within(v, x, constants.lowest, constants.highest + halve)
    n, r = decomposed(v, x)
    p = polynomial(v, r, [c / 2 if halve else c for c in growth_terms(v.dtype)])
    return _scale(v, p, n)


def decay(v: Vectors, x: Scalar) -> Scalar:
    """Return exp(x) for x from -80 (float32; float64 -700) to 0, where no power of two needs care."""
    n, r = decomposed(v, x)
    p = polynomial(v, r, growth_terms(v.dtype))
    return scaled(v, p, n.value) if has_avx512(v) else v.mul(p, power_of_two(v, n.bits))


def exp(v: Vectors, x: Scalar) -> Scalar:
    """Return e to the power x."""
    return exponential(v, x)


def exp2(v: Vectors, x: Scalar) -> Scalar:
    """Return 2 to the power x."""
    constants = _OF[v.dtype]
    x = within(v, x, constants.lowest2, constants.highest2)
    n = round_multiple(v, x, 1.0)
    p = polynomial(v, v.sub(x, n.value), (1.0, *constants.growth2))
    return _scale(v, p, n)


def expm1(v: Vectors, x: Scalar) -> Scalar:
    """Return exp(x) - 1, exact near 0.

    Notes
    -----
    2^n (exp(r) - 1) + (2^n - 1), halved on the way because 2^1024 (2^128) is no number.
    """
    constants = _OF[v.dtype]
    n, r = decomposed(v, within(v, x, constants.minus_one, constants.highest))
    half = _half_growth(v, r, n)
    linear = v.compare("<", magnitude(v, x), v.constant(constants.linear))
    return v.select(linear, x, v.add(half, half))


def sinh(v: Vectors, x: Scalar) -> Scalar:
    """Return the hyperbolic sine: a polynomial up to 1, beyond it from the exponential."""
    y = magnitude(v, x)
    half = exponential(v, y, halve=True)
    far = v.sub(half, v.div(v.constant(0.25), half))
    square = v.mul(x, x)
    near = v.fma(v.mul(y, square), polynomial(v, square, _OF[v.dtype].sinh), y)
    return signed_like(v, v.select(v.compare("<", y, v.constant(1.0)), near, far), x)


def cosh(v: Vectors, x: Scalar) -> Scalar:
    """Return the hyperbolic cosine from the exponential."""
    half = exponential(v, magnitude(v, x), halve=True)
    return v.add(half, v.div(v.constant(0.25), half))
