"""How are the hyperbolic tangent and the logistic function written inline?

Both without a branch or a second formula: what saturates is a quotient. This file knows neither arrays nor loops.

Notes
-----
With n and r of x = n ln 2 + r the logistic function is 2^n exp(r) / (1 + 2^n exp(r)). The last factor 2^n is left
for the end, the only place where the result may become subnormal. Above and below the line stands about 3/2 of it: a
sum just above 3/2 rounds more finely than one just above 1, which keeps the whole below 2 units.

With those of -2 |x| the hyperbolic tangent of |x| is (exp(-r) - 2^n) / (exp(-r) + 2^n): the difference is exact
where it matters, and what rounding does to exp(-r) is in both and nearly cancels when 2^n is small. The divisor is
rounded for a guess of its reciprocal only: what the quotient is off by is then computed from the two terms.

References
----------
J.-M. Muller, Elementary Functions, 3rd ed. (2016), chapters 3 and 11; P. Markstein, IA-64 and Elementary Functions
(2000), on quotients from a guess.
"""

from __future__ import annotations

from tidu.core.emit import Scalar
from tidu.native.mathematics.avx512 import has_avx512, scaled
from tidu.native.mathematics.exponentials import decomposed, growth_terms, minus_ln2, within
from tidu.native.mathematics.pieces import (
    coarse_reciprocal,
    halves_of_power,
    magnitude,
    polynomial,
    power_of_two,
    round_multiple,
    signed_like,
)
from tidu.native.vectors import Vectors

__all__ = ["logistic", "tanh"]

_LOG2_E = 1.4426950408889634
_FLAT = {"float32": 10.0, "float64": 20.0}
"""Beyond it tanh is 1."""
_FACTOR = 1.4985
"""What the logistic function has above and below the line; the best one near 3/2 for all float32 from -16 to -2."""
_LOGISTIC_RANGE = {"float32": (-104.0, 17.5), "float64": (-746.0, 38.0)}
"""Beyond it the logistic function is 0 or 1."""


def tanh(v: Vectors, x: Scalar) -> Scalar:
    """Return the hyperbolic tangent; above and below the line stand halves."""
    flat = v.constant(_FLAT[v.dtype])
    y = magnitude(v, x)
    y = v.select(v.compare("<", flat, y), flat, y)
    n = round_multiple(v, y, -2.0 * _LOG2_E)
    high, low = (-part / 2 for part in minus_ln2(v.dtype))
    r = v.fma(n.value, v.constant(low), v.fma(n.value, v.constant(high), y))
    half = v.constant(0.5)
    half_power = scaled(v, half, n.value) if has_avx512(v) else power_of_two(v, n.bits, halve=True)
    terms = [c * 2.0 ** (i + 1) for i, c in enumerate(growth_terms(v.dtype)[2:])]
    above = v.fma(v.mul(r, r), polynomial(v, r, terms), v.add(r, v.sub(half, half_power)))
    power = v.add(half_power, half_power)
    guess = coarse_reciprocal(v, v.add(above, power))
    first = v.mul(above, guess)
    excess = v.fma(first, above, v.fma(first, power, v.neg(above)))
    return signed_like(v, v.fma(v.neg(excess), guess, first), x)


def logistic(v: Vectors, x: Scalar) -> Scalar:
    """Return 1 / (1 + exp(-x))."""
    n, r = decomposed(v, within(v, x, *_LOGISTIC_RANGE[v.dtype]))
    small = polynomial(v, r, [_FACTOR * c for c in growth_terms(v.dtype)])
    factor = v.constant(_FACTOR)
    if has_avx512(v):
        return scaled(v, v.div(small, v.add(scaled(v, small, n.value), factor)), n.value)
    first, second = halves_of_power(v, n.bits)
    share = v.div(small, v.fma(v.mul(small, first), second, factor))
    return v.mul(v.mul(share, first), second)
