"""Comparisons, logic, and the choice between two values by a condition."""

from __future__ import annotations

import numpy as np

from tidu.core.primitive import Formula, Interval, Laws, NoGradient
from tidu.ops.declare import NO_LAWS, elementwise

__all__ = ["equal", "greater", "where"]

_NUMBERS = (Interval(-3.0, 3.0), Interval(-3.0, 3.0))
_PAIRS = tuple((a, b) for a in (0.0, -0.0, 1.0, np.inf, np.nan) for b in (0.0, 1.0, np.inf, np.nan))
_BOOLEAN = NoGradient("a truth value has no derivative")


@elementwise(
    numpy=[np.greater],
    evaluate=np.greater,
    pullback=[_BOOLEAN, _BOOLEAN],
    emit=lambda b, x, y: b.select(b.compare(">", x, y), b.constant(1.0), b.constant(0.0)),
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
    numpy=[np.equal],
    evaluate=np.equal,
    pullback=[_BOOLEAN, _BOOLEAN],
    emit=lambda b, x, y: b.select(b.compare("==", x, y), b.constant(1.0), b.constant(0.0)),
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
    numpy=[],
    evaluate=np.where,
    pullback=[
        NoGradient("the condition only chooses"),
        lambda ct, out, c, x, y: where(c, ct, 0.0),
        lambda ct, out, c, x, y: where(c, 0.0, ct),
    ],
    emit=lambda b, c, x, y: b.select(b.compare("!=", c, b.constant(0.0)), x, y),
    samples=[Interval(-3.0, 3.0), Interval(-3.0, 3.0), Interval(-3.0, 3.0)],
    edges=[(0.0, 1.0, 2.0), (1.0, 1.0, 2.0), (np.nan, 1.0, 2.0), (0.0, np.nan, 2.0), (0.0, np.inf, 2.0)],
    kinks=[],
    laws=NO_LAWS,
    formula=Formula(r"({0}\,?\,{1} : {2})", "{1} if {0} else {2}", ("0", "1 if {0} else 0", "0 if {0} else 1")),
    words={"en": "chooses by a condition; the gradient goes to the chosen value", "zh": "按条件选择；梯度传给被选中的值"},
    source="IEEE 754",
)
def where(condition: object, x: object, y: object) -> object:
    """Return x where the condition holds and y elsewhere.

    Examples
    --------
    >>> float(where(True, 2.0, 3.0))
    2.0
    """
