"""The larger and the smaller of two numbers."""

from __future__ import annotations

import numpy as np

from tidu.core.emit import EmitScalar, Scalar, ScalarBuilder
from tidu.core.primitive import Formula, Interval, Kink, Laws
from tidu.core.value import Value
from tidu.ops.compare import equal, greater, where
from tidu.ops.declare import elementwise
from tidu.ops.logic import isnan, logical_or

__all__ = ["fmax", "fmin", "maximum", "minimum"]

_APART = (Interval(-3.0, -0.5), Interval(0.5, 3.0))
_PAIRS = tuple((a, b) for a in (0.0, -0.0, 1.5, np.inf, -np.inf, np.nan) for b in (0.0, -2.0, np.inf, np.nan))
_TIE = (
    Kink(
        (1.0, 1.0),
        (0.5, 0.5),
        {
            "en": "a tie is shared evenly, as in JAX: the mean of the one-sided derivatives",
            "zh": "并列时平分，与 JAX 相同：左右导数的平均",
        },
    ),
)
_NAN = (
    Kink(
        (np.nan, 1.0),
        (0.0, 0.0),
        {
            "en": "the value is NaN and equals neither operand: none has a slope, as in JAX",
            "zh": "值为 NaN，与两个操作数都不相等：都没有斜率，与 JAX 相同",
        },
    ),
)


def _share(ct: Value, wins: Value, ties: Value) -> Value:
    """Return the cotangent of one of two competitors: all where it wins, half at a tie."""
    return where(wins, ct, where(ties, ct * 0.5, 0.0))


def _nan_wins(relation: str) -> EmitScalar:
    """LLVM's own maxnum and minnum would swallow a NaN."""

    def emit(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
        return b.select(b.either(b.compare(relation, x, y), b.is_nan(x)), x, y)

    return emit


def _nan_loses(relation: str) -> EmitScalar:
    def emit(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
        return b.select(b.either(b.compare(relation, x, y), b.is_nan(y)), x, y)

    return emit


@elementwise(
    numpy=[np.maximum],
    evaluate=np.maximum,
    pullback=[
        lambda ct, out, x, y: _share(ct, greater(x, y), equal(x, y)),
        lambda ct, out, x, y: _share(ct, greater(y, x), equal(x, y)),
    ],
    emit=_nan_wins(">="),
    samples=_APART,
    edges=_PAIRS,
    kinks=(*_TIE, *_NAN),
    laws=Laws(commutative=True, associative=True, idempotent=True, identity=-np.inf, absorbing=np.inf),
    formula=Formula(r"\max({0}, {1})", "max({0}, {1})", ("1 if {0} > {1} else 0", "1 if {1} > {0} else 0")),
    words={"en": "takes the larger; only it receives the gradient", "zh": "取较大者；梯度只传给它"},
    source="IEEE 754-2019 maximum; ties as in JAX",
)
def maximum(x: object, y: object) -> object:
    """Return the larger of x and y for each pair of elements; NaN if one of them is.

    Examples
    --------
    >>> float(maximum(2.0, 3.0))
    3.0
    """


@elementwise(
    numpy=[np.minimum],
    evaluate=np.minimum,
    pullback=[
        lambda ct, out, x, y: _share(ct, greater(y, x), equal(x, y)),
        lambda ct, out, x, y: _share(ct, greater(x, y), equal(x, y)),
    ],
    emit=_nan_wins("<="),
    samples=_APART,
    edges=_PAIRS,
    kinks=(*_TIE, *_NAN),
    laws=Laws(commutative=True, associative=True, idempotent=True, identity=np.inf, absorbing=-np.inf),
    formula=Formula(r"\min({0}, {1})", "min({0}, {1})", ("1 if {0} < {1} else 0", "1 if {1} < {0} else 0")),
    words={"en": "takes the smaller; only it receives the gradient", "zh": "取较小者；梯度只传给它"},
    source="IEEE 754-2019 minimum; ties as in JAX",
)
def minimum(x: object, y: object) -> object:
    """Return the smaller of x and y for each pair of elements; NaN if one of them is.

    Examples
    --------
    >>> float(minimum(2.0, 3.0))
    2.0
    """


@elementwise(
    numpy=[np.fmax],
    evaluate=np.fmax,
    pullback=[
        lambda ct, out, x, y: _share(ct, logical_or(greater(x, y), isnan(y)), equal(x, y)),
        lambda ct, out, x, y: _share(ct, logical_or(greater(y, x), isnan(x)), equal(x, y)),
    ],
    emit=_nan_loses(">="),
    samples=_APART,
    edges=_PAIRS,
    kinks=(
        *_TIE,
        Kink(
            (np.nan, 1.0),
            (0.0, 1.0),
            {"en": "the number that is taken receives the gradient", "zh": "被取的那个数得到梯度"},
        ),
    ),
    laws=Laws(commutative=True, associative=True, idempotent=True, identity=-np.inf),
    formula=Formula(r"\max({0}, {1})", "fmax({0}, {1})", ("1 if {0} > {1} else 0", "1 if {1} > {0} else 0")),
    words={"en": "takes the larger, a number before a NaN", "zh": "取较大者；遇到 NaN 时取另一个数"},
    source="IEEE 754-2019 maximumNumber; ties as in JAX's maximum",
)
def fmax(x: object, y: object) -> object:
    """Return the larger of x and y for each pair of elements; a NaN gives way to a number.

    Examples
    --------
    >>> float(fmax(2.0, np.nan))
    2.0
    """


@elementwise(
    numpy=[np.fmin],
    evaluate=np.fmin,
    pullback=[
        lambda ct, out, x, y: _share(ct, logical_or(greater(y, x), isnan(y)), equal(x, y)),
        lambda ct, out, x, y: _share(ct, logical_or(greater(x, y), isnan(x)), equal(x, y)),
    ],
    emit=_nan_loses("<="),
    samples=_APART,
    edges=_PAIRS,
    kinks=(
        *_TIE,
        Kink(
            (np.nan, 1.0),
            (0.0, 1.0),
            {"en": "the number that is taken receives the gradient", "zh": "被取的那个数得到梯度"},
        ),
    ),
    laws=Laws(commutative=True, associative=True, idempotent=True, identity=np.inf),
    formula=Formula(r"\min({0}, {1})", "fmin({0}, {1})", ("1 if {0} < {1} else 0", "1 if {1} < {0} else 0")),
    words={"en": "takes the smaller, a number before a NaN", "zh": "取较小者；遇到 NaN 时取另一个数"},
    source="IEEE 754-2019 minimumNumber; ties as in JAX's minimum",
)
def fmin(x: object, y: object) -> object:
    """Return the smaller of x and y for each pair of elements; a NaN gives way to a number.

    Examples
    --------
    >>> float(fmin(2.0, np.nan))
    2.0
    """
