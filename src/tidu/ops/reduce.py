"""Reductions: many elements along axes become one."""

from __future__ import annotations

from typing import cast

import numpy as np

from tidu.core.emit import Fold
from tidu.core.primitive import Formula, Interval, Laws, Params
from tidu.core.spec import Shape
from tidu.core.structural import broadcast_to, reshape
from tidu.core.value import Value
from tidu.ops.declare import reduction

__all__ = ["sum_"]


def restore(ct: Value, shape: Shape, params: Params) -> Value:
    """Put the reduced axes back with length one, so that `ct` broadcasts against the operand."""
    axes = cast("tuple[int, ...]", params["axis"])
    return reshape(ct, tuple(1 if a in axes else n for a, n in enumerate(shape)))


@reduction(
    numpy=[np.sum],
    evaluate=lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims),
    pullback=[lambda ct, out, x, **params: broadcast_to(restore(ct, x.shape, params), x.shape)],
    emit=Fold(0.0, lambda b, total, x: b.add(total, x)),
    samples=[Interval(-3.0, 3.0)],
    kinks=[],
    laws=Laws(),
    formula=Formula(r"\sum {0}", "sum({0})", ("1",)),
    words={"en": "adds up; every element receives the same gradient", "zh": "求和；每个元素得到同样的梯度"},
    source="IEEE 754; NumPy's pairwise order",
    of_empty=True,
)
def sum_(x: object, axis: object = None, dtype: object = None, out: object = None, keepdims: object = False) -> object:
    """Return the sum of the elements along `axis`.

    Examples
    --------
    >>> float(sum_(np.array([1.0, 2.0, 3.0])))
    6.0
    """
