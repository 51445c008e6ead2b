"""How is the error function written inline?

Up to 1 erf is an odd polynomial, beyond it 1 - erfc. This file knows neither arrays nor loops.

Notes
-----
With t = (x - a) / (x + a) all positive x come into (-1, 1), and exp(x^2) erfc(x) is smooth there. Minimax
polynomials, by Remez's exchange in 45 digits:

===========================  =========  =======  ======  =======
function                     x          dtype    degree  error
===========================  =========  =======  ======  =======
erf(x) / x - 1, in x^2       0 to 1     float32  6       1.3e-9
erf(x) / x - 1, in x^2       0 to 1     float64  12      1.3e-17
-log(erfc(x)), in x          1 to 3.95  float32  6       1.2e-9
exp(x^2) erfc(x), in t       1 to 5.95  float64  12      5.8e-18
===========================  =========  =======  ======  =======

a is 2. The errors of the last two are those of erfc itself; beyond their range erf rounds to 1.

References
----------
M. M. Shepherd and J. G. Laframboise, Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < inf,
Mathematics of Computation 36 (1981) 249, on the variable t; J.-M. Muller, Elementary Functions, 3rd ed.
(2016), chapter 3.
"""

from __future__ import annotations

from tidu.core.emit import Scalar
from tidu.native.mathematics.exponentials import decay
from tidu.native.mathematics.pieces import magnitude, polynomial, signed_like
from tidu.native.vectors import Vectors

__all__ = ["erf"]

_NEAR = {
    "float32": (0.12837917, -0.3761263, 0.11283618, -0.026855122, 0.005190717, -0.0008030519, 7.9192396e-05),
    "float64": (
        0.12837916709551256,
        -0.3761263890318375,
        0.11283791670954882,
        -0.026866170645077393,
        0.005223977624823444,
        -0.0008548326981122811,
        0.00012055331121344759,
        -1.4925595479963548e-05,
        1.6461003586507534e-06,
        -1.6350342296156048e-07,
        1.4659952660522966e-08,
        -1.137345281562756e-09,
        5.958063335978827e-11,
    ),
}
_EXPONENT = (0.00035381614, 1.1270406, 0.63822305, 0.10304106, -0.02180772, 0.0029403446, -0.00018565913)
_SCALED = (
    0.25539567631050575,
    -0.4271858474139568,
    0.2416581942424689,
    -0.07897858101641518,
    0.003732892398528293,
    0.006997461785557859,
    -0.0008471425904409394,
    -0.0009819764754868579,
    4.353617353351919e-05,
    0.00017428845246154328,
    2.7622985587911466e-05,
    -2.6611913536056924e-05,
    -1.2644409917319369e-05,
)
_ONE_FROM = {"float32": 3.95, "float64": 5.95}


def _complement(v: Vectors, y: Scalar) -> Scalar:
    """Return erfc(y) to the precision that 1 - erfc(y) has, for y from 1 to where erf rounds to 1."""
    if v.dtype == "float32":
        return decay(v, v.neg(polynomial(v, y, _EXPONENT)))
    two = v.constant(2.0)
    t = v.div(v.sub(y, two), v.add(y, two))
    return v.mul(decay(v, v.neg(v.mul(y, y))), polynomial(v, t, _SCALED))


def erf(v: Vectors, x: Scalar) -> Scalar:
    """Return the error function."""
    one, last = v.constant(1.0), v.constant(_ONE_FROM[v.dtype])
    y = magnitude(v, x)
    y = v.select(v.compare("<", last, y), last, y)
    square = v.mul(y, y)
    near = v.fma(y, polynomial(v, square, _NEAR[v.dtype]), y)
    far = v.sub(one, _complement(v, y))
    return signed_like(v, v.select(v.compare("<", y, one), near, far), x)
