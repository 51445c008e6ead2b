"""Comparisons, and the choice between two values by a condition."""

from __future__ import annotations

import numpy as np

from tidu.core.emit import EmitScalar, Scalar, ScalarBuilder
from tidu.core.primitive import Formula, Interval, Laws, NoGradient
from tidu.core.structural import choose
from tidu.ops.declare import NO_LAWS, elementwise

__all__ = ["BOOLEAN", "equal", "greater", "greater_equal", "less", "less_equal", "not_equal", "where"]

_NUMBERS = (Interval(-3.0, 3.0), Interval(-3.0, 3.0))
_PAIRS = tuple((a, b) for a in (0.0, -0.0, 1.0, np.inf, np.nan) for b in (0.0, 1.0, np.inf, np.nan))
BOOLEAN = NoGradient("a truth value has no derivative")


def _relation(symbol: str) -> EmitScalar:
    def emit(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
        return b.select(b.compare(symbol, x, y), b.constant(1.0), b.constant(0.0))

    return emit


@elementwise(
    numpy=[np.greater],
    evaluate=np.greater,
    pullback=[BOOLEAN, BOOLEAN],
    emit=_relation(">"),
    samples=_NUMBERS,
    edges=_PAIRS,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula("{0} > {1}", "{0} > {1}"),
    words={"en": "asks whether the first is greater", "zh": "判断前者是否更大"},
    source="IEEE 754",
)
def greater(x: object, y: object) -> object:
    """Return whether x > y for each pair of elements.

    Examples
    --------
    >>> bool(greater(2.0, 3.0))
    False
    """


@elementwise(
    numpy=[np.greater_equal],
    evaluate=np.greater_equal,
    pullback=[BOOLEAN, BOOLEAN],
    emit=_relation(">="),
    samples=_NUMBERS,
    edges=_PAIRS,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula(r"{0} \ge {1}", "{0} >= {1}"),
    words={"en": "asks whether the first is greater or equal", "zh": "判断前者是否大于或等于后者"},
    source="IEEE 754",
)
def greater_equal(x: object, y: object) -> object:
    """Return whether x >= y for each pair of elements.

    Examples
    --------
    >>> bool(greater_equal(3.0, 3.0))
    True
    """


@elementwise(
    numpy=[np.less],
    evaluate=np.less,
    pullback=[BOOLEAN, BOOLEAN],
    emit=_relation("<"),
    samples=_NUMBERS,
    edges=_PAIRS,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula("{0} < {1}", "{0} < {1}"),
    words={"en": "asks whether the first is less", "zh": "判断前者是否更小"},
    source="IEEE 754",
)
def less(x: object, y: object) -> object:
    """Return whether x < y for each pair of elements.

    Examples
    --------
    >>> bool(less(2.0, 3.0))
    True
    """


@elementwise(
    numpy=[np.less_equal],
    evaluate=np.less_equal,
    pullback=[BOOLEAN, BOOLEAN],
    emit=_relation("<="),
    samples=_NUMBERS,
    edges=_PAIRS,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula(r"{0} \le {1}", "{0} <= {1}"),
    words={"en": "asks whether the first is less or equal", "zh": "判断前者是否小于或等于后者"},
    source="IEEE 754",
)
def less_equal(x: object, y: object) -> object:
    """Return whether x <= y for each pair of elements.

    Examples
    --------
    >>> bool(less_equal(4.0, 3.0))
    False
    """


@elementwise(
    numpy=[np.equal],
    evaluate=np.equal,
    pullback=[BOOLEAN, BOOLEAN],
    emit=_relation("=="),
    samples=_NUMBERS,
    edges=_PAIRS,
    kinks=[],
    laws=Laws(commutative=True),
    formula=Formula("{0} = {1}", "{0} == {1}"),
    words={"en": "asks whether both are equal", "zh": "判断两者是否相等"},
    source="IEEE 754",
)
def equal(x: object, y: object) -> object:
    """Return whether x == y for each pair of elements.

    Examples
    --------
    >>> bool(equal(2.0, 2.0))
    True
    """


@elementwise(
    numpy=[np.not_equal],
    evaluate=np.not_equal,
    pullback=[BOOLEAN, BOOLEAN],
    emit=_relation("!="),
    samples=_NUMBERS,
    edges=_PAIRS,
    kinks=[],
    laws=Laws(commutative=True),
    formula=Formula(r"{0} \ne {1}", "{0} != {1}"),
    words={"en": "asks whether the two differ", "zh": "判断两者是否不同"},
    source="IEEE 754: NaN differs from everything, itself too",
)
def not_equal(x: object, y: object) -> object:
    """Return whether x != y for each pair of elements.

    Examples
    --------
    >>> bool(not_equal(2.0, 2.0))
    False
    """


@elementwise(
    numpy=[np.where],
    evaluate=np.where,
    pullback=[
        NoGradient("the condition only chooses"),
        lambda ct, out, c, x, y: choose(c, ct, 0.0),
        lambda ct, out, c, x, y: choose(c, 0.0, ct),
    ],
    emit=lambda b, c, x, y: b.select(b.compare("!=", c, b.constant(0.0)), x, y),
    samples=[Interval(-3.0, 3.0), Interval(-3.0, 3.0), Interval(-3.0, 3.0)],
    edges=[(0.0, 1.0, 2.0), (1.0, 1.0, 2.0), (np.nan, 1.0, 2.0), (0.0, np.nan, 2.0), (0.0, np.inf, 2.0)],
    kinks=[],
    laws=NO_LAWS,
    formula=Formula(r"({0}\,?\,{1} : {2})", "{1} if {0} else {2}", ("0", "1 if {0} else 0", "0 if {0} else 1")),
    words={
        "en": "chooses by a condition; the gradient goes to the chosen value",
        "zh": "按条件选择；梯度传给被选中的值",
    },
    source="numpy.where; a condition that is not 0 holds, NaN too",
)
def where(condition: object, x: object, y: object) -> object:
    """Return x where the condition holds and y elsewhere.

    Examples
    --------
    >>> float(where(True, 2.0, 3.0))
    2.0
    """
