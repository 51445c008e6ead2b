"""Arithmetic of real numbers: sums, products, quotients, signs."""

from __future__ import annotations

import numpy as np

from tidu.core.emit import Scalar, ScalarBuilder
from tidu.core.primitive import Formula, Interval, Kink, Laws, NoGradient
from tidu.core.value import Value
from tidu.ops.declare import ELEMENTWISE_EDGES, NO_LAWS, elementwise

__all__ = [
    "absolute",
    "add",
    "copysign",
    "divide",
    "multiply",
    "negative",
    "reciprocal",
    "sign",
    "square",
    "subtract",
]

_ANY = Interval(-3.0, 3.0)
_PAIRS = tuple((a, b) for a in (0.0, -0.0, 1.5, np.inf, -np.inf, np.nan) for b in (0.0, -2.0, np.inf, np.nan))


@elementwise(
    numpy=[np.add],
    evaluate=np.add,
    pullback=[lambda ct, out, x, y: ct, lambda ct, out, x, y: ct],
    emit=lambda b, x, y: b.add(x, y),
    samples=[_ANY, _ANY],
    edges=_PAIRS,
    kinks=[],
    laws=Laws(commutative=True, associative=True, identity=0.0),
    formula=Formula("{0} + {1}", "{0} + {1}", ("1", "1")),
    words={"en": "adds; the gradient is handed to both operands", "zh": "相加；梯度原样传给两个加数"},
    source="IEEE 754",
)
def add(x: object, y: object) -> object:
    """Return x + y for each pair of elements.

    Examples
    --------
    >>> float(add(2.0, 3.0))
    5.0
    """


@elementwise(
    numpy=[np.multiply],
    evaluate=np.multiply,
    pullback=[lambda ct, out, x, y: ct * y, lambda ct, out, x, y: ct * x],
    emit=lambda b, x, y: b.mul(x, y),
    samples=[_ANY, _ANY],
    edges=_PAIRS,
    kinks=[],
    laws=Laws(commutative=True, associative=True, identity=1.0),
    formula=Formula(r"{0} \cdot {1}", "{0} * {1}", ("{1}", "{0}")),
    words={
        "en": "multiplies; each operand's gradient is scaled by the other one",
        "zh": "相乘；每个因子的梯度乘以另一个因子",
    },
    source="IEEE 754",
)
def multiply(x: object, y: object) -> object:
    """Return x * y for each pair of elements.

    Examples
    --------
    >>> float(multiply(2.0, 3.0))
    6.0
    """


@elementwise(
    numpy=[np.subtract],
    evaluate=np.subtract,
    pullback=[lambda ct, out, x, y: ct, lambda ct, out, x, y: -ct],
    emit=lambda b, x, y: b.sub(x, y),
    samples=[_ANY, _ANY],
    edges=_PAIRS,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula("{0} - {1}", "{0} - {1}", ("1", "-1")),
    words={
        "en": "subtracts; the second operand receives the gradient with the opposite sign",
        "zh": "相减；减数得到的梯度变号",
    },
    source="IEEE 754",
)
def subtract(x: object, y: object) -> object:
    """Return x - y for each pair of elements.

    Examples
    --------
    >>> float(subtract(2.0, 3.0))
    -1.0
    """


@elementwise(
    numpy=[np.divide],
    evaluate=np.divide,
    pullback=[lambda ct, out, x, y: ct / y, lambda ct, out, x, y: -ct * out / y],
    emit=lambda b, x, y: b.div(x, y),
    samples=[_ANY, Interval(0.5, 3.0)],
    edges=_PAIRS,
    kinks=[
        Kink(
            (1.0, 0.0),
            (np.inf, -np.inf),
            {
                "en": "the slopes grow without bound towards the pole from the right",
                "zh": "从右侧趋近极点时，斜率无限增大",
            },
        )
    ],
    laws=NO_LAWS,
    formula=Formula(r"\frac{{{0}}}{{{1}}}", "{0} / {1}", ("1 / {1}", "-{0} / {1}^2")),
    words={"en": "divides; a small denominator makes large gradients", "zh": "相除；分母越小，梯度越大"},
    source="IEEE 754; integers become float64, as in NumPy",
)
def divide(x: object, y: object) -> object:
    """Return x / y for each pair of elements.

    Examples
    --------
    >>> float(divide(3.0, 2.0))
    1.5
    """


@elementwise(
    numpy=[np.negative],
    evaluate=np.negative,
    pullback=[lambda ct, out, x: -ct],
    emit=lambda b, x: b.neg(x),
    samples=[_ANY],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(involution=True, odd=True),
    formula=Formula("-{0}", "-{0}", ("-1",)),
    words={"en": "changes the sign; that of the gradient too", "zh": "取相反数；梯度也变号"},
    source="IEEE 754 negate",
)
def negative(x: object) -> object:
    """Return -x for each element.

    Examples
    --------
    >>> float(negative(2.0))
    -2.0
    """


@elementwise(
    numpy=[np.reciprocal],
    evaluate=np.reciprocal,
    pullback=[lambda ct, out, x: -ct * (out * out)],
    emit=lambda b, x: b.div(b.constant(1.0), x),
    samples=[Interval(0.5, 3.0)],
    edges=ELEMENTWISE_EDGES,
    kinks=[
        Kink(
            (0.0,),
            (-np.inf,),
            {
                "en": "the slope falls without bound towards the pole from the right",
                "zh": "从右侧趋近极点时，斜率无限减小",
            },
        )
    ],
    laws=Laws(involution=True, odd=True),
    formula=Formula(r"\frac{{1}}{{{0}}}", "1 / {0}", ("-1 / {0}^2",)),
    words={"en": "takes one over the number", "zh": "取倒数"},
    source="IEEE 754",
)
def reciprocal(x: object) -> object:
    """Return 1 / x for each element.

    Examples
    --------
    >>> float(reciprocal(4.0))
    0.25
    """


@elementwise(
    numpy=[np.square],
    evaluate=np.square,
    pullback=[lambda ct, out, x: ct * (2.0 * x)],
    emit=lambda b, x: b.mul(x, x),
    samples=[_ANY],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(even=True),
    formula=Formula("{0}^2", "{0}^2", ("2 * {0}",)),
    words={"en": "multiplies the number by itself", "zh": "平方"},
    source="IEEE 754",
)
def square(x: object) -> object:
    """Return x * x for each element.

    Examples
    --------
    >>> float(square(3.0))
    9.0
    """


def _emit_sign(b: ScalarBuilder, x: Scalar) -> Scalar:
    """Give 0 for -0 and NaN for NaN, as NumPy does."""
    zero = b.constant(0.0)
    of_number = b.select(
        b.compare(">", x, zero), b.constant(1.0), b.select(b.compare("<", x, zero), b.constant(-1.0), zero)
    )
    return b.select(b.is_nan(x), x, of_number)


@elementwise(
    numpy=[np.sign],
    evaluate=np.sign,
    pullback=[NoGradient("constant on either side of 0")],
    emit=_emit_sign,
    samples=[Interval(0.5, 3.0)],
    edges=ELEMENTWISE_EDGES,
    kinks=[
        Kink(
            (0.0,),
            (0.0,),
            {"en": "a jump has no slope; 0 as everywhere else", "zh": "跳跃处没有斜率；与其他各处一样取 0"},
        )
    ],
    laws=Laws(odd=True, increasing=True, idempotent=True),
    formula=Formula(r"\mathrm{{sign}}({0})", "sign({0})", ("0",)),
    words={"en": "says whether it is positive (1), negative (-1) or 0", "zh": "取符号：正为 1，负为 -1，零为 0"},
    source="numpy.sign: 0 for -0",
)
def sign(x: object) -> object:
    """Return 1, -1 or 0, the sign of x, for each element.

    Examples
    --------
    >>> float(sign(-2.0))
    -1.0
    """


@elementwise(
    numpy=[np.absolute],
    evaluate=np.absolute,
    pullback=[lambda ct, out, x: ct * sign(x)],
    emit=lambda b, x: b.call("fabs", x),
    samples=[Interval(0.5, 3.0)],
    edges=ELEMENTWISE_EDGES,
    kinks=[
        Kink(
            (0.0,),
            (0.0,),
            {
                "en": "a minimum: 0 is the subgradient in the middle, the mean of the one-sided slopes",
                "zh": "最小值点：取居中的次梯度 0，即左右斜率的平均",
            },
        )
    ],
    laws=Laws(even=True, idempotent=True),
    formula=Formula("|{0}|", "|{0}|", ("sign({0})",)),
    words={"en": "drops the sign; the gradient takes the sign on", "zh": "取绝对值；梯度乘以符号"},
    source="IEEE 754 abs",
)
def absolute(x: object) -> object:
    """Return |x| for each element.

    Examples
    --------
    >>> float(absolute(-2.0))
    2.0
    """


def _pull_copysign(ct: Value, out: Value, x: Value, y: Value) -> Value:
    return ct * (sign(x) * copysign(1.0, y))


@elementwise(
    numpy=[np.copysign],
    evaluate=np.copysign,
    pullback=[
        _pull_copysign,
        NoGradient("only the sign is taken, and it is constant on either side of 0"),
    ],
    emit=lambda b, x, y: b.call("copysign", x, y),
    samples=[Interval(0.5, 3.0), Interval(-3.0, -0.5)],
    edges=_PAIRS,
    kinks=[
        Kink(
            (0.0, 1.0),
            (0.0, 0.0),
            {
                "en": "as that of the absolute value: the mean of the one-sided slopes",
                "zh": "与绝对值相同：左右斜率的平均",
            },
        )
    ],
    laws=NO_LAWS,
    formula=Formula(r"|{0}|\,\mathrm{{sign}}({1})", "copysign({0}, {1})", ("1 if the signs agree, else -1", "0")),
    words={"en": "gives the first number the sign of the second", "zh": "把后者的符号赋给前者"},
    source="IEEE 754 copySign",
)
def copysign(x: object, y: object) -> object:
    """Return |x| with the sign of y for each pair of elements.

    Examples
    --------
    >>> float(copysign(2.0, -0.0))
    -2.0
    """
