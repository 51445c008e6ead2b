"""Logic of truth values, and questions about one number: is it NaN, infinite, negative?"""

from __future__ import annotations

import numpy as np

from tidu.core.emit import Condition, Scalar, ScalarBuilder
from tidu.core.primitive import Formula, Interval, Laws
from tidu.ops.compare import BOOLEAN
from tidu.ops.declare import ELEMENTWISE_EDGES, NO_LAWS, elementwise

__all__ = ["isfinite", "isinf", "isnan", "logical_and", "logical_not", "logical_or", "logical_xor", "signbit"]

_ONE = (Interval(-3.0, 3.0),)
_TWO = (*_ONE, *_ONE)
_TRUTHS = tuple((a, b) for a in (0.0, 1.0, -0.0, np.nan) for b in (0.0, 1.0, np.nan))


def _holds(b: ScalarBuilder, x: Scalar) -> Condition:
    """Any number that is not 0 counts as true, NaN too, as in NumPy."""
    return b.compare("!=", x, b.constant(0.0))


def _truth(b: ScalarBuilder, condition: Condition) -> Scalar:
    return b.select(condition, b.constant(1.0), b.constant(0.0))


@elementwise(
    numpy=[np.logical_and],
    evaluate=np.logical_and,
    pullback=[BOOLEAN, BOOLEAN],
    emit=lambda b, x, y: _truth(b, b.both(_holds(b, x), _holds(b, y))),
    samples=_TWO,
    edges=_TRUTHS,
    kinks=[],
    laws=Laws(commutative=True),
    formula=Formula(r"{0} \land {1}", "{0} and {1}"),
    words={"en": "asks whether both hold", "zh": "判断两者是否都成立"},
    source="numpy.logical_and",
)
def logical_and(x: object, y: object) -> object:
    """Return whether x and y both hold, for each pair of elements.

    Examples
    --------
    >>> bool(logical_and(True, False))
    False
    """


@elementwise(
    numpy=[np.logical_or],
    evaluate=np.logical_or,
    pullback=[BOOLEAN, BOOLEAN],
    emit=lambda b, x, y: _truth(b, b.either(_holds(b, x), _holds(b, y))),
    samples=_TWO,
    edges=_TRUTHS,
    kinks=[],
    laws=Laws(commutative=True),
    formula=Formula(r"{0} \lor {1}", "{0} or {1}"),
    words={"en": "asks whether at least one holds", "zh": "判断是否至少有一个成立"},
    source="numpy.logical_or",
)
def logical_or(x: object, y: object) -> object:
    """Return whether x or y holds, for each pair of elements.

    Examples
    --------
    >>> bool(logical_or(True, False))
    True
    """


@elementwise(
    numpy=[np.logical_xor],
    evaluate=np.logical_xor,
    pullback=[BOOLEAN, BOOLEAN],
    emit=lambda b, x, y: b.select(_holds(b, x), _truth(b, b.negate(_holds(b, y))), _truth(b, _holds(b, y))),
    samples=_TWO,
    edges=_TRUTHS,
    kinks=[],
    laws=Laws(commutative=True),
    formula=Formula(r"{0} \oplus {1}", "{0} xor {1}"),
    words={"en": "asks whether exactly one holds", "zh": "判断是否恰有一个成立"},
    source="numpy.logical_xor",
)
def logical_xor(x: object, y: object) -> object:
    """Return whether exactly one of x and y holds, for each pair of elements.

    Examples
    --------
    >>> bool(logical_xor(True, True))
    False
    """


@elementwise(
    numpy=[np.logical_not],
    evaluate=np.logical_not,
    pullback=[BOOLEAN],
    emit=lambda b, x: _truth(b, b.negate(_holds(b, x))),
    samples=_ONE,
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula(r"\lnot {0}", "not {0}"),
    words={"en": "asks whether it does not hold", "zh": "取反：判断是否不成立"},
    source="numpy.logical_not",
)
def logical_not(x: object) -> object:
    """Return whether x does not hold, for each element.

    Examples
    --------
    >>> bool(logical_not(False))
    True
    """


@elementwise(
    numpy=[np.isnan],
    evaluate=np.isnan,
    pullback=[BOOLEAN],
    emit=lambda b, x: _truth(b, b.is_nan(x)),
    samples=_ONE,
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{isnan}}({0})", "isnan({0})"),
    words={"en": "asks whether it is not a number", "zh": "判断是否为非数（NaN）"},
    source="IEEE 754 isNaN",
)
def isnan(x: object) -> object:
    """Return whether x is NaN, for each element.

    Examples
    --------
    >>> bool(isnan(np.nan))
    True
    """


@elementwise(
    numpy=[np.isinf],
    evaluate=np.isinf,
    pullback=[BOOLEAN],
    emit=lambda b, x: _truth(b, b.compare("==", b.call("fabs", x), b.constant(np.inf))),
    samples=_ONE,
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(even=True),
    formula=Formula(r"|{0}| = \infty", "isinf({0})"),
    words={"en": "asks whether it is infinite", "zh": "判断是否为无穷大"},
    source="IEEE 754 isInfinite",
)
def isinf(x: object) -> object:
    """Return whether x is infinite, for each element.

    Examples
    --------
    >>> bool(isinf(-np.inf))
    True
    """


@elementwise(
    numpy=[np.isfinite],
    evaluate=np.isfinite,
    pullback=[BOOLEAN],
    emit=lambda b, x: _truth(b, b.compare("<", b.call("fabs", x), b.constant(np.inf))),
    samples=_ONE,
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=Laws(even=True),
    formula=Formula(r"|{0}| < \infty", "isfinite({0})"),
    words={"en": "asks whether it is a finite number", "zh": "判断是否为有限数"},
    source="IEEE 754 isFinite",
)
def isfinite(x: object) -> object:
    """Return whether x is neither infinite nor NaN, for each element.

    Examples
    --------
    >>> bool(isfinite(np.nan))
    False
    """


@elementwise(
    numpy=[np.signbit],
    evaluate=np.signbit,
    pullback=[BOOLEAN],
    emit=lambda b, x: _truth(b, b.compare("<", b.call("copysign", b.constant(1.0), x), b.constant(0.0))),
    samples=_ONE,
    edges=ELEMENTWISE_EDGES,
    kinks=[],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{signbit}}({0})", "signbit({0})"),
    words={"en": "asks whether the sign is minus, that of -0 too", "zh": "判断符号位是否为负（包括 -0）"},
    source="IEEE 754 isSignMinus",
)
def signbit(x: object) -> object:
    """Return whether the sign bit of x is set, for each element.

    Examples
    --------
    >>> bool(signbit(-0.0)), bool(signbit(0.0))
    (True, False)
    """
