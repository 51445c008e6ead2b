"""Special functions of SciPy; its module is loaded when one of them is first evaluated."""

from __future__ import annotations

import math
from importlib import import_module
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.emit import Scalar, ScalarBuilder
from tidu.core.primitive import Formula, InterpretedOnly, Interval, Kink, Laws
from tidu.ops.arithmetic import square
from tidu.ops.declare import ELEMENTWISE_EDGES, NO_LAWS, Evaluate, elementwise
from tidu.ops.exponential import exp, log

__all__ = ["erf", "erfc", "erfinv", "xlogy"]

_SLOPE = 2.0 / math.sqrt(math.pi)


def _from_scipy(name: str) -> Evaluate:
    """Return a function of `scipy.special`, loaded at its first evaluation: `import tidu` stays light."""

    def evaluate(*operands: object) -> NDArray[np.generic]:
        return cast("NDArray[np.generic]", getattr(import_module("scipy.special"), name)(*operands))

    return evaluate


@elementwise(
    numpy=[],
    scipy=["erf"],
    evaluate=_from_scipy("erf"),
    pullback=[lambda ct, out, x: ct * (exp(-square(x)) * _SLOPE)],
    emit=lambda b, x: b.call("erf", x),
    samples=[Interval(-2.0, 2.0)],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(odd=True, increasing=True, inverse="erfinv"),
    formula=Formula(r"\mathrm{{erf}}({0})", "erf({0})", ("2 / sqrt(pi) * exp(-{0}^2)",)),
    words={"en": "integrates the bell curve; its slope is the bell", "zh": "误差函数：钟形曲线的积分，斜率就是钟形"},
    source="DLMF 7.2.1 and 7.10.1",
    flops=15,
)
def erf(x: object) -> object:
    """Return the error function of x for each element.

    Examples
    --------
    >>> float(erf(0.0))
    0.0
    """


@elementwise(
    numpy=[],
    scipy=["erfc"],
    evaluate=_from_scipy("erfc"),
    pullback=[lambda ct, out, x: -ct * (exp(-square(x)) * _SLOPE)],
    emit=lambda b, x: b.call("erfc", x),
    samples=[Interval(-2.0, 2.0)],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{erfc}}({0})", "erfc({0})", ("-2 / sqrt(pi) * exp(-{0}^2)",)),
    words={"en": "gives the tail of the bell curve, exact far out", "zh": "余误差函数：钟形曲线的尾部，远处也精确"},
    source="DLMF 7.2.2 and 7.10.1",
    flops=15,
)
def erfc(x: object) -> object:
    """Return 1 - erf(x), without loss for large x, for each element.

    Examples
    --------
    >>> float(erfc(0.0))
    1.0
    """


@elementwise(
    numpy=[],
    scipy=["erfinv"],
    evaluate=_from_scipy("erfinv"),
    pullback=[lambda ct, out, x: ct * (exp(square(out)) / _SLOPE)],
    emit=InterpretedOnly("C's <math.h> has no inverse of the error function"),
    samples=[Interval(-0.8, 0.8)],
    edges=(*ELEMENTWISE_EDGES, (1.0,), (-1.0,)),
    kinks=[
        Kink(
            (1.0,),
            (np.inf,),
            {
                "en": "the slope grows without bound towards the edge of the domain",
                "zh": "趋近定义域边缘时，斜率无限增大",
            },
        )
    ],
    laws=Laws(odd=True, increasing=True, inverse="erf"),
    formula=Formula(r"\mathrm{{erf}}^{{-1}}({0})", "erfinv({0})", ("sqrt(pi) / 2 * exp({out}^2)",)),
    words={"en": "undoes the error function: quantiles of the bell curve", "zh": "误差函数的逆：钟形曲线的分位数"},
    source="DLMF 7.17.1",
    flops=30,
)
def erfinv(x: object) -> object:
    """Return the number whose error function is x, for each element.

    Examples
    --------
    >>> float(erfinv(0.0))
    0.0
    """


def _emit_xlogy(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    """0 times a logarithm is 0, but a NaN stays."""
    zero = b.constant(0.0)
    nothing = b.both(b.compare("==", x, zero), b.negate(b.is_nan(y)))
    return b.select(nothing, zero, b.mul(x, b.call("log", y)))


@elementwise(
    numpy=[],
    scipy=["xlogy"],
    evaluate=_from_scipy("xlogy"),
    pullback=[lambda ct, out, x, y: ct * log(y), lambda ct, out, x, y: ct * (x / y)],
    emit=_emit_xlogy,
    samples=[Interval(-3.0, 3.0), Interval(0.5, 3.0)],
    edges=tuple((a, b) for a in (0.0, 1.0, np.inf, np.nan) for b in (0.0, 2.0, np.inf, -1.0, np.nan)),
    kinks=[
        Kink(
            (0.0, 0.0),
            (-np.inf, np.nan),
            {
                "en": "the slope of -x log x is infinite at 0, as in JAX",
                "zh": "-x log x 在 0 处斜率无穷大，与 JAX 相同",
            },
        )
    ],
    laws=NO_LAWS,
    formula=Formula(r"{0} \ln {1}", "{0} * log({1})", ("log({1})", "{0} / {1}")),
    words={"en": "multiplies by a logarithm, 0 times anything being 0", "zh": "乘以对数，并规定 0 乘任何数为 0"},
    source="scipy.special.xlogy: for entropies, 0 log 0 = 0",
    flops=12,
)
def xlogy(x: object, y: object) -> object:
    """Return x * log(y), 0 where x is 0, for each pair of elements.

    Examples
    --------
    >>> float(xlogy(0.0, 0.0))
    0.0
    """
