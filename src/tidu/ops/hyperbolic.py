"""Hyperbolic functions and their inverses."""

from __future__ import annotations

import numpy as np

from tidu.core.primitive import Formula, Interval, Kink, Laws
from tidu.core.value import Value
from tidu.ops.arithmetic import square
from tidu.ops.declare import ELEMENTWISE_EDGES, elementwise
from tidu.ops.power import sqrt

__all__ = ["arccosh", "arcsinh", "arctanh", "cosh", "sinh", "tanh"]

_WIDE = Interval(-3.0, 3.0)


def _pull_sinh(ct: Value, out: Value, x: Value) -> Value:
    return ct * cosh(x)


@elementwise(
    numpy=[np.sinh],
    evaluate=np.sinh,
    pullback=[_pull_sinh],
    emit=lambda b, x: b.call("sinh", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(odd=True, increasing=True, inverse="arcsinh"),
    formula=Formula(r"\sinh {0}", "sinh({0})", ("cosh({0})",)),
    words={"en": "takes the hyperbolic sine; its slope is the hyperbolic cosine", "zh": "双曲正弦；斜率是双曲余弦"},
    source="DLMF 4.28.1 and 4.34.1",
    flops=10,
)
def sinh(x: object) -> object:
    """Return (exp(x) - exp(-x)) / 2 for each element.

    Examples
    --------
    >>> float(sinh(0.0))
    0.0
    """


@elementwise(
    numpy=[np.cosh],
    evaluate=np.cosh,
    pullback=[lambda ct, out, x: ct * sinh(x)],
    emit=lambda b, x: b.call("cosh", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(even=True),
    formula=Formula(r"\cosh {0}", "cosh({0})", ("sinh({0})",)),
    words={"en": "takes the hyperbolic cosine; its slope is the hyperbolic sine", "zh": "双曲余弦；斜率是双曲正弦"},
    source="DLMF 4.28.2 and 4.34.2",
    flops=10,
)
def cosh(x: object) -> object:
    """Return (exp(x) + exp(-x)) / 2 for each element.

    Examples
    --------
    >>> float(cosh(0.0))
    1.0
    """


@elementwise(
    numpy=[np.tanh],
    evaluate=np.tanh,
    pullback=[lambda ct, out, x: ct * (1.0 - square(out))],
    emit=lambda b, x: b.call("tanh", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(odd=True, increasing=True, inverse="arctanh"),
    formula=Formula(r"\tanh {0}", "tanh({0})", ("1 - {out}^2",)),
    words={
        "en": "squeezes into (-1, 1); its slope is 1 at 0 and dies away on both sides",
        "zh": "把数压缩到 (-1, 1)；斜率在 0 处为 1，向两侧趋于 0",
    },
    source="DLMF 4.28.4 and 4.34.3",
    flops=10,
)
def tanh(x: object) -> object:
    """Return the hyperbolic tangent of x for each element.

    Examples
    --------
    >>> float(tanh(0.0))
    0.0
    """


@elementwise(
    numpy=[np.arcsinh],
    evaluate=np.arcsinh,
    pullback=[lambda ct, out, x: ct / sqrt(square(x) + 1.0)],
    emit=lambda b, x: b.call("asinh", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(odd=True, increasing=True, inverse="sinh"),
    formula=Formula(r"\mathrm{{arsinh}}\,{0}", "arcsinh({0})", ("1 / sqrt({0}^2 + 1)",)),
    words={"en": "grows like a logarithm on both sides", "zh": "反双曲正弦：两侧都像对数那样增长"},
    source="DLMF 4.37.1 and 4.38.9",
    flops=10,
)
def arcsinh(x: object) -> object:
    """Return the number whose hyperbolic sine is x, for each element.

    Examples
    --------
    >>> float(arcsinh(0.0))
    0.0
    """


@elementwise(
    numpy=[np.arccosh],
    evaluate=np.arccosh,
    pullback=[lambda ct, out, x: ct / sqrt((x - 1.0) * (x + 1.0))],
    emit=lambda b, x: b.call("acosh", x),
    samples=[Interval(1.5, 4.0)],
    edges=(*ELEMENTWISE_EDGES, (1.0,)),
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
    laws=Laws(increasing=True, inverse="cosh"),
    formula=Formula(r"\mathrm{{arcosh}}\,{0}", "arccosh({0})", ("1 / sqrt({0}^2 - 1)",)),
    words={"en": "finds the number of a given hyperbolic cosine", "zh": "反双曲余弦：由双曲余弦值求原数"},
    source="DLMF 4.37.2 and 4.38.10",
    flops=10,
)
def arccosh(x: object) -> object:
    """Return the number of at least 0 whose hyperbolic cosine is x, for each element.

    Examples
    --------
    >>> float(arccosh(1.0))
    0.0
    """


@elementwise(
    numpy=[np.arctanh],
    evaluate=np.arctanh,
    pullback=[lambda ct, out, x: ct / ((1.0 - x) * (x + 1.0))],
    emit=lambda b, x: b.call("atanh", x),
    samples=[Interval(-0.9, 0.9)],
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
    laws=Laws(odd=True, increasing=True, inverse="tanh"),
    formula=Formula(r"\mathrm{{artanh}}\,{0}", "arctanh({0})", ("1 / (1 - {0}^2)",)),
    words={"en": "undoes the hyperbolic tangent", "zh": "反双曲正切：双曲正切的逆"},
    source="DLMF 4.37.3 and 4.38.11",
    flops=10,
)
def arctanh(x: object) -> object:
    """Return the number whose hyperbolic tangent is x, for each element.

    Examples
    --------
    >>> float(arctanh(0.0))
    0.0
    """
