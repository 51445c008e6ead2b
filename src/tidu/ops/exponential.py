"""Exponentials and logarithms, and the sum of two exponentials by its logarithm."""

from __future__ import annotations

import math

import numpy as np

from tidu.core.emit import Scalar, ScalarBuilder
from tidu.core.primitive import Formula, Interval, Kink, Laws
from tidu.core.value import Value
from tidu.ops.declare import ELEMENTWISE_EDGES, elementwise
from tidu.ops.sigmoid import logistic
from tidu.words import Words

__all__ = ["exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp"]

_WIDE = Interval(-4.0, 4.0)
_POSITIVE = Interval(0.5, 4.0)
_LN2, _LN10 = math.log(2.0), math.log(10.0)
_PAIRS = tuple((a, b) for a in (0.0, -1e4, 1e4, np.inf, -np.inf, np.nan) for b in (0.0, 1e4, np.inf, -np.inf))
_POLE: Words = {
    "en": "the slope grows without bound towards the edge of the domain",
    "zh": "趋近定义域边缘时，斜率无限增大",
}


@elementwise(
    numpy=[np.exp],
    evaluate=np.exp,
    pullback=[lambda ct, out, x: ct * out],
    emit=lambda b, x: b.call("exp", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(increasing=True, inverse="log"),
    formula=Formula("e^{{{0}}}", "exp({0})", ("{out}",)),
    words={"en": "raises e to the power; its slope is its own value", "zh": "e 的幂；斜率等于它自己的值"},
    source="DLMF 4.2.19 and 4.20.1",
    flops=10,
)
def exp(x: object) -> object:
    """Return e to the power x for each element.

    Examples
    --------
    >>> float(exp(0.0))
    1.0
    """


@elementwise(
    numpy=[np.expm1],
    evaluate=np.expm1,
    pullback=[lambda ct, out, x: ct * (out + 1.0)],
    emit=lambda b, x: b.call("expm1", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(increasing=True, inverse="log1p"),
    formula=Formula("e^{{{0}}} - 1", "exp({0}) - 1", ("{out} + 1",)),
    words={"en": "e to the power less one, exact near 0", "zh": "e 的幂减 1，在 0 附近也精确"},
    source="DLMF 4.2.19; C99 7.12.6.3",
    flops=10,
)
def expm1(x: object) -> object:
    """Return e to the power x, less one, without loss near 0, for each element.

    Examples
    --------
    >>> float(expm1(0.0))
    0.0
    """


@elementwise(
    numpy=[np.exp2],
    evaluate=np.exp2,
    pullback=[lambda ct, out, x: ct * (out * _LN2)],
    emit=lambda b, x: b.call("exp2", x),
    samples=[_WIDE],
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(increasing=True, inverse="log2"),
    formula=Formula("2^{{{0}}}", "2^{0}", ("{out} * log(2)",)),
    words={"en": "raises 2 to the power", "zh": "2 的幂"},
    source="DLMF 4.2(iv); C99 7.12.6.2",
    flops=10,
)
def exp2(x: object) -> object:
    """Return 2 to the power x for each element.

    Examples
    --------
    >>> float(exp2(3.0))
    8.0
    """


@elementwise(
    numpy=[np.log],
    evaluate=np.log,
    pullback=[lambda ct, out, x: ct / x],
    emit=lambda b, x: b.call("log", x),
    samples=[_POSITIVE],
    edges=(*ELEMENTWISE_EDGES, (-1.0,)),
    kinks=[Kink((0.0,), (np.inf,), _POLE)],
    laws=Laws(increasing=True, inverse="exp"),
    formula=Formula(r"\ln {0}", "log({0})", ("1 / {0}",)),
    words={"en": "takes the natural logarithm; its slope is 1/x", "zh": "自然对数；斜率为 1/x"},
    source="DLMF 4.2.1 and 4.8",
    flops=10,
)
def log(x: object) -> object:
    """Return the natural logarithm of x for each element.

    Examples
    --------
    >>> float(log(1.0))
    0.0
    """


@elementwise(
    numpy=[np.log1p],
    evaluate=np.log1p,
    pullback=[lambda ct, out, x: ct / (x + 1.0)],
    emit=lambda b, x: b.call("log1p", x),
    samples=[Interval(-0.5, 4.0)],
    edges=(*ELEMENTWISE_EDGES, (-1.0,), (-2.0,)),
    kinks=[Kink((-1.0,), (np.inf,), _POLE)],
    laws=Laws(increasing=True, inverse="expm1"),
    formula=Formula(r"\ln(1 + {0})", "log(1 + {0})", ("1 / (1 + {0})",)),
    words={"en": "takes the logarithm of one more, exact near 0", "zh": "求 1 + x 的对数，在 0 附近也精确"},
    source="DLMF 4.2.1; C99 7.12.6.9",
    flops=10,
)
def log1p(x: object) -> object:
    """Return the natural logarithm of 1 + x, without loss near 0, for each element.

    Examples
    --------
    >>> float(log1p(0.0))
    0.0
    """


@elementwise(
    numpy=[np.log2],
    evaluate=np.log2,
    pullback=[lambda ct, out, x: ct / (x * _LN2)],
    emit=lambda b, x: b.call("log2", x),
    samples=[_POSITIVE],
    edges=(*ELEMENTWISE_EDGES, (-1.0,)),
    kinks=[Kink((0.0,), (np.inf,), _POLE)],
    laws=Laws(increasing=True, inverse="exp2"),
    formula=Formula(r"\log_2 {0}", "log2({0})", ("1 / ({0} * log(2))",)),
    words={"en": "takes the logarithm to base 2", "zh": "以 2 为底的对数"},
    source="DLMF 4.2(ii); C99 7.12.6.10",
    flops=10,
)
def log2(x: object) -> object:
    """Return the logarithm of x to base 2 for each element.

    Examples
    --------
    >>> float(log2(8.0))
    3.0
    """


@elementwise(
    numpy=[np.log10],
    evaluate=np.log10,
    pullback=[lambda ct, out, x: ct / (x * _LN10)],
    emit=lambda b, x: b.call("log10", x),
    samples=[_POSITIVE],
    edges=(*ELEMENTWISE_EDGES, (-1.0,)),
    kinks=[Kink((0.0,), (np.inf,), _POLE)],
    laws=Laws(increasing=True),
    formula=Formula(r"\log_{{10}} {0}", "log10({0})", ("1 / ({0} * log(10))",)),
    words={"en": "takes the logarithm to base 10", "zh": "以 10 为底的对数"},
    source="DLMF 4.2(ii); C99 7.12.6.8",
    flops=10,
)
def log10(x: object) -> object:
    """Return the logarithm of x to base 10 for each element.

    Examples
    --------
    >>> float(log10(1000.0))
    3.0
    """


def share_of_exponential(x: Value, y: Value) -> Value:
    """Return exp(x) / (exp(x) + exp(y)) without overflow."""
    return logistic(x - y)


def _emit_logaddexp(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    """As NumPy: equal operands first, so that two infinities do not make a NaN."""
    larger = b.select(b.compare(">", x, y), x, y)
    distance = b.call("fabs", b.sub(x, y))
    apart = b.add(larger, b.call("log1p", b.call("exp", b.neg(distance))))
    return b.select(b.compare("==", x, y), b.add(x, b.constant(_LN2)), apart)


@elementwise(
    numpy=[np.logaddexp],
    evaluate=np.logaddexp,
    pullback=[
        lambda ct, out, x, y: ct * share_of_exponential(x, y),
        lambda ct, out, x, y: ct * share_of_exponential(y, x),
    ],
    emit=_emit_logaddexp,
    samples=[_WIDE, _WIDE],
    edges=_PAIRS,
    kinks=[
        Kink((np.inf, 1.0), (1.0, 0.0), {"en": "the limit of the shares", "zh": "各自份额的极限"}),
        Kink((-np.inf, 1.0), (0.0, 1.0), {"en": "the limit of the shares", "zh": "各自份额的极限"}),
        Kink(
            (-np.inf, -np.inf),
            (np.nan, np.nan),
            {"en": "the shares have no limit, as in JAX", "zh": "份额没有极限，与 JAX 相同"},
        ),
    ],
    laws=Laws(commutative=True, associative=True, identity=-np.inf),
    formula=Formula(
        r"\ln(e^{{{0}}} + e^{{{1}}})", "log(exp({0}) + exp({1}))", ("exp({0} - {out})", "exp({1} - {out})")
    ),
    words={
        "en": "adds two exponentials and takes the logarithm; each receives its share of the gradient",
        "zh": "两个指数相加再取对数；梯度按各自所占的比例分配",
    },
    source="Blanchard, Higham & Higham, IMA J. Numer. Anal. 41 (2021) 2311: shifted by the larger",
    flops=25,
)
def logaddexp(x: object, y: object) -> object:
    """Return log(exp(x) + exp(y)) without overflow, for each pair of elements.

    Examples
    --------
    >>> round(float(logaddexp(0.0, 0.0)), 6)
    0.693147
    """
