"""Which of C's mathematical functions are written inline, and how each is found by its C name.

It must not know which primitive asks for a function, nor how the code is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tidu.core.emit import Scalar
from tidu.native.mathematics.arcs import acos, asin, atan
from tidu.native.mathematics.exponentials import cosh, exp, exp2, expm1, sinh
from tidu.native.mathematics.gaussian import erf
from tidu.native.mathematics.logarithms import log, log1p, log2, log10
from tidu.native.mathematics.powers import pow as power
from tidu.native.mathematics.sigmoids import logistic, tanh
from tidu.native.mathematics.trigonometry import cos, sin

__all__ = ["FUNCTIONS"]

FUNCTIONS: Mapping[str, Callable[..., Scalar]] = MappingProxyType(
    {
        "acos": acos,
        "asin": asin,
        "atan": atan,
        "cos": cos,
        "cosh": cosh,
        "erf": erf,
        "exp": exp,
        "exp2": exp2,
        "expm1": expm1,
        "log": log,
        "log10": log10,
        "log1p": log1p,
        "log2": log2,
        "pow": power,
        "sin": sin,
        "sinh": sinh,
        "tanh": tanh,
        "tidu_logistic": logistic,
    }
)
"""``function(v, *xs) -> Scalar`` under the name that C gives it; of float32 and float64."""
