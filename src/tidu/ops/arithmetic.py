"""Arithmetic of real numbers: sums, products, powers, and the larger and smaller of two."""

from __future__ import annotations

import numpy as np

from tidu.core.emit import Scalar, ScalarBuilder
from tidu.core.primitive import Formula, Interval, Kink, Laws
from tidu.core.value import Value
from tidu.ops.compare import equal, greater, where
from tidu.ops.declare import elementwise

__all__ = ["add", "maximum", "multiply"]

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
    words={"en": "multiplies; each operand's gradient is scaled by the other one", "zh": "相乘；每个因子的梯度乘以另一个因子"},
    source="IEEE 754",
)
def multiply(x: object, y: object) -> object:
    """Return x * y for each pair of elements.

    Examples
    --------
    >>> float(multiply(2.0, 3.0))
    6.0
    """


def winner_share(ct: Value, wins: Value, ties: Value) -> Value:
    """Return the cotangent of one of two competitors: all where it wins, half at a tie."""
    return where(wins, ct, where(ties, ct * 0.5, 0.0))


def _emit_maximum(b: ScalarBuilder, x: Scalar, y: Scalar) -> Scalar:
    """NaN wins, as in NumPy: LLVM's own maxnum would swallow it."""
    return b.select(b.either(b.compare(">=", x, y), b.is_nan(x)), x, y)


@elementwise(
    numpy=[np.maximum],
    evaluate=np.maximum,
    pullback=[
        lambda ct, out, x, y: winner_share(ct, greater(x, y), equal(x, y)),
        lambda ct, out, x, y: winner_share(ct, greater(y, x), equal(x, y)),
    ],
    emit=_emit_maximum,
    samples=[Interval(-3.0, -0.5), Interval(0.5, 3.0)],
    edges=_PAIRS,
    kinks=[Kink((1.0, 1.0), (0.5, 0.5), "a tie is shared evenly, as in JAX: the mean of the one-sided derivatives")],
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
