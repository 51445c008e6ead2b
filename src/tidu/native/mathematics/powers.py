"""How is x to the power y written inline?

exp(y log |x|) needs more digits in between than its result has. float32 finds them in float64; float64 calls
C's own function. This file knows neither arrays nor loops.

Notes
-----
The product y log |x| is at most 104 where the result is no edge, and is off by 3e-16 of itself, which is
1e-6 units in the last place of a float32: the result is practically correctly rounded.

References
----------
C11, F.10.4.4, on the edges; J.-M. Muller, Elementary Functions, 3rd ed. (2016), section 11.3.
"""

from __future__ import annotations

import math

from tidu.core.emit import Scalar
from tidu.native.mathematics.exponentials import exp
from tidu.native.mathematics.logarithms import log
from tidu.native.mathematics.pieces import from_libm, magnitude
from tidu.native.vectors import Vectors

__all__ = ["pow"]


def pow(v: Vectors, x: Scalar, y: Scalar) -> Scalar:
    """Return x to the power y."""
    if v.dtype == "float64":
        return from_libm(v, "pow", x, y)
    wide = v.of("float64")
    logarithm = log(wide, wide.convert(magnitude(v, x), v.dtype))
    result = v.convert(exp(wide, wide.mul(wide.convert(y, v.dtype), logarithm)), wide.dtype)
    return _with_edges(v, x, y, result)


def _with_edges(v: Vectors, x: Scalar, y: Scalar, result: Scalar) -> Scalar:
    """Put in the sign, and what C gives where the logarithm has no answer."""
    zero, one = v.constant(0.0), v.constant(1.0)
    half = v.mul(y, v.constant(0.5))
    whole = v.compare("==", v.call("trunc", y), y)
    odd = v.both(whole, v.compare("!=", v.call("trunc", half), half))
    # -inf to a broken power is inf or 0, as of a number too large to have a fraction.
    no_real = v.both(v.both(v.compare("<", x, zero), v.compare(">", x, v.constant(-math.inf))), v.negate(whole))
    result = v.select(no_real, v.constant(math.nan), result)
    result = v.select(odd, v.call("copysign", result, x), result)
    return v.select(v.either(v.compare("==", y, zero), v.compare("==", x, one)), one, _one_at_infinity(v, x, y, result))


def _one_at_infinity(v: Vectors, x: Scalar, y: Scalar, result: Scalar) -> Scalar:
    """Return 1 for -1 to the power of an infinity, as C does, and else the result."""
    infinite = v.compare("==", magnitude(v, y), v.constant(math.inf))
    return v.select(v.both(infinite, v.compare("==", x, v.constant(-1.0))), v.constant(1.0), result)
