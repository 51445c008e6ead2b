"""Powers, roots, and the length of a vector of two."""

from __future__ import annotations

import numpy as np

from tidu.core.bind import spec_of
from tidu.core.primitive import Formula, Interval, Kink, Laws
from tidu.core.spec import is_differentiable
from tidu.core.structural import convert
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.ops.arithmetic import reciprocal, square
from tidu.ops.compare import equal, where
from tidu.ops.declare import ELEMENTWISE_EDGES, NO_LAWS, elementwise
from tidu.ops.exponential import log

__all__ = ["cbrt", "float_power", "hypot", "power", "sqrt"]

_POSITIVE = Interval(0.5, 3.0)
_PAIRS = tuple((a, b) for a in (0.0, -0.0, -2.0, 1.0, np.inf, np.nan) for b in (0.0, 2.0, -1.0, 0.5, np.inf, np.nan))
_SIDES = tuple((a, b) for a in (0.0, -0.0, -3.0, np.inf, np.nan) for b in (0.0, 4.0, -np.inf, np.nan))


def _pull_base(ct: Value, out: Value, x: Value, y: Value) -> Value:
    """Replace the exponent 0, so that 0 ** -1 = inf does not meet the factor 0."""
    return ct * (y * power_(x, where(equal(y, 0.0), 1.0, y - 1.0)))


@elementwise(
    numpy=[np.power],
    evaluate=np.power,
    pullback=[
        _pull_base,
        lambda ct, out, x, y: ct * (out * log(where(equal(x, 0.0), 1.0, x))),
    ],
    emit=lambda b, x, y: b.call("pow", x, y),
    samples=[_POSITIVE, Interval(-2.0, 2.0)],
    edges=_PAIRS,
    kinks=[
        Kink(
            (0.0, 0.0),
            (0.0, 0.0),
            {
                "en": "x^0 is the constant 1; 0^y is taken as flat, as in JAX",
                "zh": "x^0 是常数 1；0^y 视为平坦，与 JAX 相同",
            },
        ),
        Kink(
            (0.0, 1.0),
            (1.0, 0.0),
            {"en": "x^1 is x; 0^y is the constant 0 for y > 0", "zh": "x^1 就是 x；y > 0 时 0^y 是常数 0"},
        ),
        Kink(
            (0.0, 2.0),
            (0.0, 0.0),
            {"en": "x^2 has slope 2x; 0^y is the constant 0 for y > 0", "zh": "x^2 的斜率是 2x；y > 0 时 0^y 是常数 0"},
        ),
        Kink(
            (0.0, 0.5),
            (np.inf, 0.0),
            {"en": "the slope grows without bound towards 0", "zh": "趋近 0 时，斜率无限增大"},
        ),
        Kink(
            (-2.0, 2.0),
            (-4.0, np.nan),
            {
                "en": "of a negative base only whole powers are real: no slope in the exponent",
                "zh": "负底数只有整数次幂是实数：对指数没有斜率",
            },
        ),
    ],
    laws=NO_LAWS,
    formula=Formula("{0}^{{{1}}}", "{0} ^ {1}", ("{1} * {0}^({1} - 1)", "{out} * log({0})")),
    words={"en": "raises the first to the power of the second", "zh": "求幂：前者为底，后者为指数"},
    source="DLMF 4.2(iv); at the edges C99 F.9.4.4",
    flops=20,
)
def power_(x: object, y: object) -> object:
    """Return x to the power y for each pair of elements.

    Examples
    --------
    >>> float(power_(2.0, 3.0))
    8.0
    """


@implements(np.power)
def power(x: object, y: object, dtype: object = None) -> Value:
    """Return x to the power y; squares and reciprocals are taken as what they are.

    Examples
    --------
    >>> float(power(3.0, 2))
    9.0
    """
    if dtype is not None:
        return power_(convert(x, np.dtype(dtype)), convert(y, np.dtype(dtype)))  # type: ignore[call-overload]
    if type(y) in (int, float) and is_differentiable(spec_of(x).dtype):
        if y == 2:
            return square(x)
        if y == -1:
            return reciprocal(x)
    return power_(x, y)


@implements(np.float_power)
def float_power(x: object, y: object) -> Value:
    """Return x to the power y in float64, as NumPy does.

    Examples
    --------
    >>> float(float_power(2, -1))
    0.5
    """
    double = np.dtype(np.float64)
    return power_(convert(x, double), convert(y, double))


@elementwise(
    numpy=[np.sqrt],
    evaluate=np.sqrt,
    pullback=[lambda ct, out, x: ct * 0.5 / out],
    emit=lambda b, x: b.call("sqrt", x),
    samples=[_POSITIVE],
    edges=ELEMENTWISE_EDGES,
    kinks=[Kink((0.0,), (np.inf,), {"en": "the slope grows without bound towards 0", "zh": "趋近 0 时，斜率无限增大"})],
    laws=Laws(increasing=True, inverse="square"),
    formula=Formula(r"\sqrt{{{0}}}", "sqrt({0})", ("1 / (2 * {out})",)),
    words={"en": "takes the square root; its slope is steep near 0", "zh": "开平方；在 0 附近斜率很大"},
    source="IEEE 754 squareRoot",
    flops=5,
)
def sqrt(x: object) -> object:
    """Return the square root of x for each element; NaN for negative x.

    Examples
    --------
    >>> float(sqrt(9.0))
    3.0
    """


@elementwise(
    numpy=[np.cbrt],
    evaluate=np.cbrt,
    pullback=[lambda ct, out, x: ct / (3.0 * square(out))],
    emit=lambda b, x: b.call("cbrt", x),
    samples=[_POSITIVE],
    edges=ELEMENTWISE_EDGES,
    kinks=[Kink((0.0,), (np.inf,), {"en": "the tangent is vertical", "zh": "切线是竖直的"})],
    laws=Laws(increasing=True, odd=True),
    formula=Formula(r"\sqrt[3]{{{0}}}", "cbrt({0})", ("1 / (3 * {out}^2)",)),
    words={"en": "takes the cube root, also of negative numbers", "zh": "开立方，负数也可以"},
    source="C99 7.12.7.1",
    flops=20,
)
def cbrt(x: object) -> object:
    """Return the cube root of x for each element.

    Examples
    --------
    >>> round(float(cbrt(-8.0)), 12)
    -2.0
    """


def _side(ct: Value, out: Value, x: Value) -> Value:
    """Return ``ct * x / out``, 0 where the length is 0."""
    return ct * (x / where(equal(out, 0.0), 1.0, out))


@elementwise(
    numpy=[np.hypot],
    evaluate=np.hypot,
    pullback=[lambda ct, out, x, y: _side(ct, out, x), lambda ct, out, x, y: _side(ct, out, y)],
    emit=lambda b, x, y: b.call("hypot", x, y),
    samples=[_POSITIVE, Interval(-3.0, 3.0)],
    edges=_SIDES,
    kinks=[
        Kink(
            (0.0, 0.0),
            (0.0, 0.0),
            {"en": "a minimum: 0 is a subgradient, the one in the middle", "zh": "最小值点：0 是居中的次梯度"},
        )
    ],
    laws=Laws(commutative=True),
    formula=Formula(r"\sqrt{{{0}^2 + {1}^2}}", "sqrt({0}^2 + {1}^2)", ("{0} / {out}", "{1} / {out}")),
    words={"en": "gives the hypotenuse of a right triangle", "zh": "由两直角边求斜边"},
    source="C99 7.12.7.3: without overflow in between",
    flops=20,
)
def hypot(x: object, y: object) -> object:
    """Return the length of (x, y) for each pair of elements.

    Examples
    --------
    >>> float(hypot(3.0, 4.0))
    5.0
    """
