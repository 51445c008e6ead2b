"""Whole numbers near a number, and what division leaves over."""

from __future__ import annotations

import numpy as np

from tidu.core.emit import Scalar, ScalarBuilder
from tidu.core.primitive import Formula, Interval, Kink, Laws, NoGradient
from tidu.ops.compare import equal, where
from tidu.ops.declare import ELEMENTWISE_EDGES, NO_LAWS, elementwise

__all__ = ["ceil", "floor", "floor_divide", "fmod", "heaviside", "remainder", "rint", "trunc"]

_STEP = Interval(1.1, 1.4)
_EDGES = (*ELEMENTWISE_EDGES, (0.5,), (1.5,), (2.5,), (-0.5,), (-1.5,), (-0.3,))
_FLAT = NoGradient("constant between its jumps")
_JUMP = (
    Kink(
        (1.5,), (0.0,), {"en": "a step has no slope; 0 as everywhere else", "zh": "台阶处没有斜率；与其他各处一样取 0"}
    ),
)
_AT_WHOLE = (
    Kink(
        (1.0,), (0.0,), {"en": "a step has no slope; 0 as everywhere else", "zh": "台阶处没有斜率；与其他各处一样取 0"}
    ),
)
_PAIRS = tuple(
    (a, b) for a in (0.0, -0.0, 7.0, -7.0, 0.3, np.inf, np.nan) for b in (2.0, -2.0, 0.1, 0.0, np.inf, -np.inf, np.nan)
)
_QUOTIENTS = (Interval(2.3, 2.6), Interval(0.9, 1.1))


@elementwise(
    numpy=[np.floor],
    evaluate=np.floor,
    pullback=[_FLAT],
    emit=lambda b, x: b.call("floor", x),
    samples=[_STEP],
    edges=_EDGES,
    kinks=_AT_WHOLE,
    laws=Laws(increasing=True, idempotent=True),
    formula=Formula(r"\lfloor {0} \rfloor", "floor({0})", ("0",)),
    words={"en": "rounds down to a whole number; no gradient passes", "zh": "向下取整；梯度不通过"},
    source="IEEE 754 roundToIntegralTowardNegative",
)
def floor(x: object) -> object:
    """Return the largest whole number not above x, for each element.

    Examples
    --------
    >>> float(floor(-1.5))
    -2.0
    """


@elementwise(
    numpy=[np.ceil],
    evaluate=np.ceil,
    pullback=[_FLAT],
    emit=lambda b, x: b.call("ceil", x),
    samples=[_STEP],
    edges=_EDGES,
    kinks=_AT_WHOLE,
    laws=Laws(increasing=True, idempotent=True),
    formula=Formula(r"\lceil {0} \rceil", "ceil({0})", ("0",)),
    words={"en": "rounds up to a whole number; no gradient passes", "zh": "向上取整；梯度不通过"},
    source="IEEE 754 roundToIntegralTowardPositive",
)
def ceil(x: object) -> object:
    """Return the smallest whole number not below x, for each element.

    Examples
    --------
    >>> float(ceil(1.2))
    2.0
    """


@elementwise(
    numpy=[np.trunc],
    evaluate=np.trunc,
    pullback=[_FLAT],
    emit=lambda b, x: b.call("trunc", x),
    samples=[_STEP],
    edges=_EDGES,
    kinks=_AT_WHOLE,
    laws=Laws(increasing=True, idempotent=True, odd=True),
    formula=Formula(r"\mathrm{{trunc}}({0})", "trunc({0})", ("0",)),
    words={"en": "drops the fraction; no gradient passes", "zh": "舍去小数部分；梯度不通过"},
    source="IEEE 754 roundToIntegralTowardZero",
)
def trunc(x: object) -> object:
    """Return x without its fraction, for each element.

    Examples
    --------
    >>> float(trunc(-1.5))
    -1.0
    """


@elementwise(
    numpy=[np.rint],
    evaluate=np.rint,
    pullback=[_FLAT],
    emit=lambda b, x: b.call("rint", x),
    samples=[_STEP],
    edges=_EDGES,
    kinks=_JUMP,
    laws=Laws(increasing=True, idempotent=True, odd=True),
    formula=Formula(r"\mathrm{{round}}({0})", "round({0})", ("0",)),
    words={"en": "rounds to the nearest whole number; no gradient passes", "zh": "四舍六入五取偶；梯度不通过"},
    source="IEEE 754 roundToIntegralTiesToEven",
)
def rint(x: object) -> object:
    """Return the whole number nearest to x, the even one at a tie, for each element.

    Examples
    --------
    >>> float(rint(2.5))
    2.0
    """


def _differs(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    """Return 1 where exactly one of the two is negative, else 0."""
    zero, one = b.constant(0.0), b.constant(1.0)
    negative_y = b.compare("<", y, zero)
    return b.select(b.compare("<", x, zero), b.select(negative_y, zero, one), b.select(negative_y, one, zero))


def _emit_remainder(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    """Give the result the divisor's sign, as Python; a zero too."""
    zero = b.constant(0.0)
    left = b.call("fmod", x, y)
    shifted = b.select(b.compare("!=", _differs(b, left, y), zero), b.add(left, y), left)
    exact = b.select(b.compare("==", left, zero), b.call("copysign", zero, y), shifted)
    return b.select(b.compare("==", y, zero), left, exact)


@elementwise(
    numpy=[np.remainder],
    evaluate=np.remainder,
    pullback=[lambda ct, out, x, y: ct, lambda ct, out, x, y: -ct * floor(x / y)],
    emit=_emit_remainder,
    samples=_QUOTIENTS,
    edges=_PAIRS,
    kinks=[
        Kink(
            (2.0, 1.0),
            (1.0, -2.0),
            {
                "en": "the slopes to the right of the jump, as the value is that to the right",
                "zh": "取跳跃右侧的斜率，因为值也是右侧的",
            },
        )
    ],
    laws=NO_LAWS,
    formula=Formula(r"{0} \bmod {1}", "{0} % {1}", ("1", "-floor({0} / {1})")),
    words={"en": "gives what division leaves over, with the divisor's sign", "zh": "取余数，符号与除数相同"},
    source="numpy.remainder; Python's %",
    flops=10,
)
def remainder(x: object, y: object) -> object:
    """Return x - floor(x / y) * y for each pair of elements.

    Examples
    --------
    >>> float(remainder(-7.0, 3.0))
    2.0
    """


@elementwise(
    numpy=[np.fmod],
    evaluate=np.fmod,
    pullback=[lambda ct, out, x, y: ct, lambda ct, out, x, y: -ct * trunc(x / y)],
    emit=lambda b, x, y: b.call("fmod", x, y),
    samples=_QUOTIENTS,
    edges=_PAIRS,
    kinks=[
        Kink(
            (2.0, 1.0),
            (1.0, -2.0),
            {
                "en": "the slopes to the right of the jump, as the value is that to the right",
                "zh": "取跳跃右侧的斜率，因为值也是右侧的",
            },
        )
    ],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{fmod}}({0}, {1})", "fmod({0}, {1})", ("1", "-trunc({0} / {1})")),
    words={"en": "gives what division leaves over, with the dividend's sign", "zh": "取余数，符号与被除数相同"},
    source="C99 7.12.10.1",
    flops=10,
)
def fmod(x: object, y: object) -> object:
    """Return x - trunc(x / y) * y for each pair of elements.

    Examples
    --------
    >>> float(fmod(-7.0, 3.0))
    -1.0
    """


def _emit_floor_divide(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    """Divide what is left after the remainder, and round: ``floor(x / y)`` may be one too large."""
    zero = b.constant(0.0)
    left = b.call("fmod", x, y)
    whole = b.sub(b.div(b.sub(x, left), y), b.select(b.compare("!=", left, zero), _differs(b, left, y), zero))
    down = b.call("floor", whole)
    rounded = b.add(down, b.select(b.compare(">", b.sub(whole, down), b.constant(0.5)), b.constant(1.0), zero))
    signed_zero = b.call("copysign", zero, b.div(x, y))
    found = b.select(b.compare("==", whole, zero), signed_zero, rounded)
    return b.select(b.compare("==", y, zero), b.div(x, y), found)


@elementwise(
    numpy=[np.floor_divide],
    evaluate=np.floor_divide,
    pullback=[_FLAT, _FLAT],
    emit=_emit_floor_divide,
    samples=_QUOTIENTS,
    edges=_PAIRS,
    kinks=[
        Kink(
            (2.0, 1.0),
            (0.0, 0.0),
            {"en": "a step has no slope; 0 as everywhere else", "zh": "台阶处没有斜率；与其他各处一样取 0"},
        )
    ],
    laws=NO_LAWS,
    formula=Formula(r"\left\lfloor \frac{{{0}}}{{{1}}} \right\rfloor", "{0} // {1}", ("0", "0")),
    words={"en": "divides and rounds down; no gradient passes", "zh": "整除，向下取整；梯度不通过"},
    source="numpy.floor_divide; Python's //",
    flops=10,
)
def floor_divide(x: object, y: object) -> object:
    """Return floor(x / y) for each pair of elements.

    Examples
    --------
    >>> float(floor_divide(-7.0, 3.0))
    -3.0
    """


def _emit_heaviside(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    zero = b.constant(0.0)
    beside = b.select(b.compare("<", x, zero), zero, b.constant(1.0))
    return b.select(b.is_nan(x), x, b.select(b.compare("==", x, zero), y, beside))


@elementwise(
    numpy=[np.heaviside],
    evaluate=np.heaviside,
    pullback=[_FLAT, lambda ct, out, x, y: where(equal(x, 0.0), ct, 0.0)],
    emit=_emit_heaviside,
    samples=[Interval(0.5, 3.0), Interval(-3.0, 3.0)],
    edges=tuple((a, b) for a in (0.0, -0.0, 1.0, -1.0, np.inf, np.nan) for b in (0.5, np.nan)),
    kinks=[
        Kink(
            (0.0, 0.5),
            (0.0, 1.0),
            {
                "en": "a step has no slope; at 0 the value is the second operand",
                "zh": "台阶处没有斜率；在 0 处值是第二个操作数",
            },
        )
    ],
    laws=NO_LAWS,
    formula=Formula(r"H({0})", "heaviside({0}, {1})", ("0", "1 if {0} == 0 else 0")),
    words={
        "en": "steps from 0 to 1 at 0, where it takes the second number",
        "zh": "阶跃：负为 0，正为 1，零处取第二个数",
    },
    source="numpy.heaviside",
)
def heaviside(x: object, y: object) -> object:
    """Return 0 for negative x, 1 for positive x and y where x is 0, for each pair of elements.

    Examples
    --------
    >>> float(heaviside(0.0, 0.5))
    0.5
    """
