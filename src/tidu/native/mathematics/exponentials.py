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
(tanh(x) - x) / x^3, in x^2   +-.35      float32  3       6.8e-10
(tanh(x) - x) / x^3, in x^2   +-.35      float64  7       9.8e-18
============================  =========  =======  ======  =======

The errors are those of exp(r) - 1 relative to r, of 2^r, and of sinh and tanh relative to x.

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
from tidu.native.mathematics.pieces import (
    Rounded,
    magnitude,
    polynomial,
    power_of_two,
    round_multiple,
    signed_like,
)
from tidu.native.vectors import Vectors

__all__ = ["cosh", "decay", "exp", "exp2", "expm1", "exponential", "sinh", "tanh"]

_LOG2_E = 1.4426950408889634


@dataclass(frozen=True, slots=True)
class _Constants:
    """Of one dtype.

    Parameters
    ----------
    ln2 : tuple of float
        Minus ln 2 in two parts; the first has so few bits that its product with an exponent is exact.
    growth, growth2, sinh, tanh : tuple of float
        Polynomials, see above.
    lowest, highest : float
        Beyond them exp is 0 or infinite.
    lowest2, highest2 : float
        The same of 2^x.
    minus_one : float
        Below it exp(x) - 1 is -1.
    linear : float
        Below it exp(x) - 1 is x.
    flat : float
        Beyond it tanh is 1.
    """

    ln2: tuple[float, float]
    growth: tuple[float, ...]
    growth2: tuple[float, ...]
    sinh: tuple[float, ...]
    tanh: tuple[float, ...]
    lowest: float
    highest: float
    lowest2: float
    highest2: float
    minus_one: float
    linear: float
    flat: float


_OF = {
    "float32": _Constants(
        ln2=(-0.693145751953125, -1.4286068e-06),
        growth=(0.5, 0.16666539, 0.041666586, 0.008366963, 0.0013923754),
        growth2=(0.6931472, 0.24022667, 0.05550377, 0.009616487, 0.0013383158, 0.00015831113),
        sinh=(0.16666667, 0.008333311, 0.00019842632, 2.783962e-06),
        tanh=(-0.33333322, 0.13332407, -0.05372853, 0.019435728),
        lowest=-104.0,
        highest=89.0,
        lowest2=-151.0,
        highest2=129.0,
        minus_one=-18.0,
        linear=2.0**-26,
        flat=10.0,
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
        tanh=(
            -0.33333333333332527,
            0.13333333333118744,
            -0.053968253773026,
            0.021869479935953264,
            -0.008863025462395166,
            0.0035891255259266853,
            -0.0014307272030067257,
            0.00047470201706210436,
        ),
        lowest=-746.0,
        highest=710.0,
        lowest2=-1076.0,
        highest2=1025.0,
        minus_one=-40.0,
        linear=2.0**-55,
        flat=20.0,
    ),
}


def _within(v: Vectors, x: Scalar, lowest: float | None, highest: float | None) -> Scalar:
    """Bring x into a range; a comparison with NaN is false, so NaN stays."""
    if lowest is not None:
        x = v.select(v.compare(">", v.constant(lowest), x), v.constant(lowest), x)
    if highest is not None:
        x = v.select(v.compare("<", v.constant(highest), x), v.constant(highest), x)
    return x


def _reduce(v: Vectors, x: Scalar, offset: int = 0) -> tuple[Rounded, Scalar]:
    """Return n and r with x = n ln 2 + r."""
    n = round_multiple(v, x, _LOG2_E, offset=offset)
    high, low = _OF[v.dtype].ln2
    r = v.fma(n.value, v.constant(high), x)
    return n, v.fma(n.value, v.constant(low), r)


def _growth(v: Vectors, r: Scalar, n: Rounded, *, halve: bool = False) -> Scalar:
    """Return 2^n exp(r) - 1, or half of it.

    Notes
    -----
    exp(r) = 1 + r + w. 2^n (1 + r) - 1 comes first, which is exact for n = 0 and where 2^n - 1 and 2^n r
    nearly cancel; the small w only then.
    """
    scale = power_of_two(v, n.bits, halve=halve)
    w = v.mul(v.mul(r, r), polynomial(v, r, _OF[v.dtype].growth))
    linear = v.fma(scale, r, v.sub(scale, v.constant(0.5 if halve else 1.0)))
    return v.fma(scale, w, linear)


def _scale(v: Vectors, p: Scalar, n: Rounded) -> Scalar:
    """Return p 2^n: the first factor leaves it a normal number, so that only the second one rounds."""
    integers = v.integers
    half = integers.bitwise("ashr", n.bits, integers.constant(1))
    rest = integers.sub(n.bits, half)
    return v.mul(v.mul(p, power_of_two(v, half)), power_of_two(v, rest))


def exponential(v: Vectors, x: Scalar, *, halve: bool = False) -> Scalar:
    """Return exp(x), or half of it without overflow in between."""
    constants = _OF[v.dtype]
    # Half of exp(x) is finite for x up to ln(2) more.
    x = _within(v, x, constants.lowest, constants.highest + halve)
    n, r = _reduce(v, x, -1 if halve else 0)
    p = polynomial(v, r, (1.0, 1.0, *constants.growth))
    return _scale(v, p, n)


def decay(v: Vectors, x: Scalar) -> Scalar:
    """Return exp(x) for x from -80 (float32; float64 -700) to 0, where no power of two needs care."""
    n, r = _reduce(v, x)
    return v.mul(polynomial(v, r, (1.0, 1.0, *_OF[v.dtype].growth)), power_of_two(v, n.bits))


def exp(v: Vectors, x: Scalar) -> Scalar:
    """Return e to the power x."""
    return exponential(v, x)


def exp2(v: Vectors, x: Scalar) -> Scalar:
    """Return 2 to the power x."""
    constants = _OF[v.dtype]
    x = _within(v, x, constants.lowest2, constants.highest2)
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
    n, r = _reduce(v, _within(v, x, constants.minus_one, constants.highest))
    half = _growth(v, r, n, halve=True)
    linear = v.compare("<", magnitude(v, x), v.constant(constants.linear))
    return v.select(linear, x, v.add(half, half))


def tanh(v: Vectors, x: Scalar) -> Scalar:
    """Return the hyperbolic tangent: t / (t + 2) with t = exp(2 |x|) - 1, near 0 a polynomial.

    Notes
    -----
    With a positive t the quotient has at most the relative error of t; with exp(-2 |x|) it would have twice
    that. Near 0 the rounding of t + 2 would be felt.
    """
    constants = _OF[v.dtype]
    y = _within(v, magnitude(v, x), None, constants.flat)
    n, r = _reduce(v, v.add(y, y))
    t = _growth(v, r, n)
    far = v.div(t, v.add(t, v.constant(2.0)))
    square = v.mul(y, y)
    near = v.fma(v.mul(y, square), polynomial(v, square, constants.tanh), y)
    return signed_like(v, v.select(v.compare("<", y, v.constant(0.35)), near, far), x)


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
