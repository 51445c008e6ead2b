"""How are the hyperbolic tangent and the logistic function written inline?

Both without a branch or a second formula: what saturates is a quotient. This file knows neither arrays nor loops.

Notes
-----
tanh(x) = x P(x^2) / Q(x^2), minimax for the relative error up to where it rounds to 1 (least squares whose
weights follow the error, in 60 digits, and polynomials of one degree kept for both as far as that is enough):
degrees 5 and 4 and 1.3e-9 for float32, 10 and 9 and 4.0e-18 for float64. All coefficients but the tiny last ones
are positive, so neither sum loses digits.

With n and r of x = n ln 2 + r the logistic function is 2^n / (2^n + exp(-r)): the divisor lies between 1/2 and
2^26 (2^56), the scaling at the end is the only place where the result may become subnormal.

References
----------
J.-M. Muller, Elementary Functions, 3rd ed. (2016), chapters 3 and 11; P. Markstein, IA-64 and Elementary Functions
(2000), chapter 8, on quotients from a guess.
"""

from __future__ import annotations

from tidu.core.emit import Scalar
from tidu.native.mathematics.avx512 import has_avx512, scaled
from tidu.native.mathematics.exponentials import decomposed, growth_terms, within
from tidu.native.mathematics.pieces import halves_of_power, polynomial, quotient, reciprocal
from tidu.native.vectors import Vectors

__all__ = ["logistic", "tanh"]

_FLAT = {"float32": 9.02, "float64": 19.07}
"""Beyond it tanh is 1."""
_ABOVE = {
    "float32": (
        1.0,
        0.1367987884492448858146,
        0.003868282595603024908968,
        0.00002800656395744692933358,
        3.058294236780180641424e-8,
        -1.220199606471571465021e-11,
    ),
    "float64": (
        1.0,
        0.152559104846141880755,
        0.006088136765704824535114,
        0.00009795729503944002960517,
        7.480062481191692132146e-7,
        2.875754338315807363333e-9,
        5.519743285917120880207e-12,
        4.880318906858646538476e-15,
        1.611742664505709079072e-18,
        9.998174207466042034052e-23,
        -2.649483722916353765324e-27,
    ),
}
_BELOW = {
    "float32": (
        1.0,
        0.4701321090320703029189,
        0.02724567293279902138938,
        0.0003938552064544672654937,
        0.000001287305002038080843226,
    ),
    "float64": (
        1.0,
        0.4858924381794751589305,
        0.03471894949219666512615,
        0.0008535360034288284213931,
        0.000009344710533760182306433,
        5.048584589935465288879e-8,
        1.378383535734538225769e-10,
        1.824180891659809925582e-13,
        1.025660465645223613494e-16,
        1.727120343717580467386e-20,
    ),
}
_LOGISTIC_RANGE = {"float32": (-104.0, 17.5), "float64": (-746.0, 38.0)}
"""Beyond it the logistic function is 0 or 1."""


def tanh(v: Vectors, x: Scalar) -> Scalar:
    """Return the hyperbolic tangent."""
    y = within(v, x, -_FLAT[v.dtype], _FLAT[v.dtype])
    square = v.mul(y, y)
    above = v.mul(y, polynomial(v, square, _ABOVE[v.dtype]))
    return quotient(v, above, polynomial(v, square, _BELOW[v.dtype]))


def logistic(v: Vectors, x: Scalar) -> Scalar:
    """Return 1 / (1 + exp(-x))."""
    n, r = decomposed(v, within(v, x, *_LOGISTIC_RANGE[v.dtype]))
    inverse = polynomial(v, r, [c if i % 2 == 0 else -c for i, c in enumerate(growth_terms(v.dtype))])
    if has_avx512(v):
        power = scaled(v, v.constant(1.0), n.value)
        return scaled(v, reciprocal(v, v.add(power, inverse)), n.value)
    first, second = halves_of_power(v, n.bits)
    share = reciprocal(v, v.add(v.mul(first, second), inverse))
    return v.mul(v.mul(share, first), second)
