"""Circular functions and their inverses, in radians."""

from __future__ import annotations

import numpy as np

from tidu.core.primitive import Formula, Interval, Kink, Laws
from tidu.core.value import Value
from tidu.ops.arithmetic import square
from tidu.ops.declare import ELEMENTWISE_EDGES, NO_LAWS, elementwise
from tidu.ops.power import sqrt

__all__ = ["arccos", "arcsin", "arctan", "arctan2", "cos", "sin", "tan"]

_WIDE = Interval(-3.0, 3.0)
_INSIDE = Interval(-0.9, 0.9)
_BOUNDS = (*ELEMENTWISE_EDGES, (1.0,), (-1.0,), (2.0,))
_PAIRS = tuple((a, b) for a in (0.0, -0.0, 1.0, -np.inf, np.nan) for b in (0.0, -0.0, -1.0, np.inf, -np.inf, np.nan))


def _leg(x: Value) -> Value:
    """Return sqrt(1 - x^2); factored, for the difference loses digits near 1."""
    return sqrt((1.0 - x) * (x + 1.0))


def _pull_sin(ct: Value, out: Value, x: Value) -> Value:
    return ct * cos(x)


@elementwise(
    numpy=[np.sin],
    evaluate=np.sin,
    pullback=[_pull_sin],
    emit=lambda b, x: b.call("sin", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(odd=True),
    formula=Formula(r"\sin {0}", "sin({0})", ("cos({0})",)),
    words={"en": "takes the sine; its slope is the cosine", "zh": "正弦；斜率是余弦"},
    source="DLMF 4.14.1 and 4.20.1",
    flops=10,
)
def sin(x: object) -> object:
    """Return the sine of x (radians) for each element.

    Examples
    --------
    >>> float(sin(0.0))
    0.0
    """


@elementwise(
    numpy=[np.cos],
    evaluate=np.cos,
    pullback=[lambda ct, out, x: -ct * sin(x)],
    emit=lambda b, x: b.call("cos", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(even=True),
    formula=Formula(r"\cos {0}", "cos({0})", ("-sin({0})",)),
    words={"en": "takes the cosine; its slope is minus the sine", "zh": "余弦；斜率是负的正弦"},
    source="DLMF 4.14.2 and 4.20.2",
    flops=10,
)
def cos(x: object) -> object:
    """Return the cosine of x (radians) for each element.

    Examples
    --------
    >>> float(cos(0.0))
    1.0
    """


@elementwise(
    numpy=[np.tan],
    evaluate=np.tan,
    pullback=[lambda ct, out, x: ct * (square(out) + 1.0)],
    emit=lambda b, x: b.call("tan", x),
    samples=[Interval(-1.2, 1.2)],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(odd=True, increasing=True, inverse="arctan"),
    formula=Formula(r"\tan {0}", "tan({0})", ("1 + {out}^2",)),
    words={"en": "takes the tangent; steep near its poles", "zh": "正切；在极点附近斜率很大"},
    source="DLMF 4.14.4 and 4.20.3",
    flops=10,
)
def tan(x: object) -> object:
    """Return the tangent of x (radians) for each element.

    Examples
    --------
    >>> float(tan(0.0))
    0.0
    """


@elementwise(
    numpy=[np.arcsin],
    evaluate=np.arcsin,
    pullback=[lambda ct, out, x: ct / _leg(x)],
    emit=lambda b, x: b.call("asin", x),
    samples=[_INSIDE],
    edges=_BOUNDS,
    kinks=[
        Kink(
            (1.0,),
            (np.inf,),
            {
                "en": "the slope grows without bound towards the edge of the domain",
                "zh": "趋近定义域边缘时，斜率无限增大",
            },
        ),
        Kink(
            (-1.0,),
            (np.inf,),
            {
                "en": "the slope grows without bound towards the edge of the domain",
                "zh": "趋近定义域边缘时，斜率无限增大",
            },
        ),
    ],
    laws=Laws(odd=True, increasing=True, inverse="sin"),
    formula=Formula(r"\arcsin {0}", "arcsin({0})", ("1 / sqrt(1 - {0}^2)",)),
    words={"en": "finds the angle of a given sine", "zh": "反正弦：由正弦值求角"},
    source="DLMF 4.23.1 and 4.24.7",
    flops=10,
)
def arcsin(x: object) -> object:
    """Return the angle in [-pi/2, pi/2] whose sine is x, for each element.

    Examples
    --------
    >>> float(arcsin(0.0))
    0.0
    """


@elementwise(
    numpy=[np.arccos],
    evaluate=np.arccos,
    pullback=[lambda ct, out, x: -ct / _leg(x)],
    emit=lambda b, x: b.call("acos", x),
    samples=[_INSIDE],
    edges=_BOUNDS,
    kinks=[
        Kink(
            (1.0,),
            (-np.inf,),
            {
                "en": "the slope falls without bound towards the edge of the domain",
                "zh": "趋近定义域边缘时，斜率无限减小",
            },
        ),
        Kink(
            (-1.0,),
            (-np.inf,),
            {
                "en": "the slope falls without bound towards the edge of the domain",
                "zh": "趋近定义域边缘时，斜率无限减小",
            },
        ),
    ],
    laws=Laws(inverse="cos"),
    formula=Formula(r"\arccos {0}", "arccos({0})", ("-1 / sqrt(1 - {0}^2)",)),
    words={"en": "finds the angle of a given cosine", "zh": "反余弦：由余弦值求角"},
    source="DLMF 4.23.2 and 4.24.8",
    flops=10,
)
def arccos(x: object) -> object:
    """Return the angle in [0, pi] whose cosine is x, for each element.

    Examples
    --------
    >>> float(arccos(1.0))
    0.0
    """


@elementwise(
    numpy=[np.arctan],
    evaluate=np.arctan,
    pullback=[lambda ct, out, x: ct / (square(x) + 1.0)],
    emit=lambda b, x: b.call("atan", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(odd=True, increasing=True, inverse="tan"),
    formula=Formula(r"\arctan {0}", "arctan({0})", ("1 / (1 + {0}^2)",)),
    words={"en": "finds the angle of a given tangent", "zh": "反正切：由正切值求角"},
    source="DLMF 4.23.3 and 4.24.9",
    flops=10,
)
def arctan(x: object) -> object:
    """Return the angle in (-pi/2, pi/2) whose tangent is x, for each element.

    Examples
    --------
    >>> float(arctan(0.0))
    0.0
    """


@elementwise(
    numpy=[np.arctan2],
    evaluate=np.arctan2,
    pullback=[
        lambda ct, out, y, x: ct * (x / (square(x) + square(y))),
        lambda ct, out, y, x: -ct * (y / (square(x) + square(y))),
    ],
    emit=lambda b, y, x: b.call("atan2", y, x),
    samples=[Interval(0.5, 3.0), Interval(-3.0, 3.0)],
    edges=_PAIRS,
    kinks=[
        Kink(
            (0.0, 0.0),
            (np.nan, np.nan),
            {
                "en": "the origin has no angle and no slope of one; NaN, as in JAX",
                "zh": "原点没有角度，也没有斜率；NaN，与 JAX 相同",
            },
        ),
        Kink(
            (0.0, -1.0),
            (-1.0, 0.0),
            {"en": "on the cut the angle jumps by 2 pi, its slopes do not", "zh": "在割线上角度跳变 2π，斜率不变"},
        ),
    ],
    laws=NO_LAWS,
    formula=Formula(
        r"\mathrm{{atan2}}({0}, {1})",
        "arctan2({0}, {1})",
        ("{1} / ({0}^2 + {1}^2)", "-{0} / ({0}^2 + {1}^2)"),
    ),
    words={"en": "finds the angle of a point from its height and width", "zh": "由纵、横坐标求方位角"},
    source="C99 7.12.4.4 and F.9.1.4",
    flops=15,
)
def arctan2(y: object, x: object) -> object:
    """Return the angle in (-pi, pi] of the point (x, y), for each pair of elements.

    Examples
    --------
    >>> round(float(arctan2(1.0, 1.0) / np.pi), 12)
    0.25
    """
