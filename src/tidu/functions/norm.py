"""Lengths of vectors and matrices, with a gradient where they are 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axes, normalize_axis
from tidu.core.structural import convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, UnsupportedError
from tidu.ops.arithmetic import absolute, square
from tidu.ops.compare import equal, not_equal, where
from tidu.ops.power import power, sqrt
from tidu.ops.reduce import max_, min_, sum_

__all__ = ["norm", "root"]

Axis = int | Sequence[int] | None


def root(x: object) -> Value:
    """Return the square root of a sum of squares: its slope at 0 is taken as 0.

    A norm has a minimum there, and 0 is a subgradient, the one in the middle; the rule of the square root
    alone would give inf * 0 = NaN.
    """
    at_zero = equal(x, 0.0)
    return where(at_zero, 0.0, sqrt(where(at_zero, 1.0, x)))


@implements(np.linalg.norm)
def norm(x: object, ord: object = None, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the norm of vectors along one axis, or the Frobenius norm.

    Where the 2-norm (and the Frobenius norm) is 0 its gradient is taken as 0: it has a minimum there, and 0
    is a subgradient.

    Parameters
    ----------
    x : array_like
    ord : None, "fro", number or inf
        For vectors any number other than 0; for matrices None or "fro", 1, inf and their negatives.
    axis : int, pair of int or None
        None is the whole array, flattened if `ord` is None.
    keepdims : bool

    Raises
    ------
    UnsupportedError
        For norms that need singular values.

    Examples
    --------
    >>> float(norm(np.array([3.0, 4.0])))
    5.0
    """
    if spec_of(x).dtype.kind in "biu":
        x = convert(x, np.dtype(np.float64))
    axes = normalize_axes(axis, len(shape_of(x)), "norm")
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return root(sum_(square(x), axis=axes, keepdims=keepdims))
    if len(axes) == 1:
        return _vector_norm(x, cast("float", ord), axes[0], keepdims)
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        ordered = [normalize_axis(int(a), len(shape_of(x)), "norm") for a in cast("Sequence[int]", axis or axes)]
        row, column = ordered if len(ordered) == 2 else axes
        inner, outer = (row, column) if abs(cast("float", ord)) == 1 else (column, row)
        sums = sum_(absolute(x), axis=inner, keepdims=True)
        found = (max_ if cast("float", ord) > 0 else min_)(sums, axis=outer, keepdims=True)
        return found if keepdims else reshape(found, tuple(n for a, n in enumerate(shape_of(x)) if a not in axes))
    raise UnsupportedError(
        f"np.linalg.norm with ord={ord!r} over {len(axes)} axes is not supported on a traced value; known are "
        "any number for vectors, None, 'fro', 1, -1, inf and -inf for matrices",
        function="np.linalg.norm",
        got=ord,
    )


def _vector_norm(x: object, order: float, axis: int, keepdims: bool) -> Value:
    sizes = absolute(x)
    if not isinstance(order, (int, float, np.number)):
        raise ParameterError(f"norm: ord of a vector must be a number, got {order!r}", got=order)
    if order == math.inf:
        return max_(sizes, axis=axis, keepdims=keepdims)
    if order == -math.inf:
        return min_(sizes, axis=axis, keepdims=keepdims)
    if order == 0:
        return convert(sum_(not_equal(x, 0.0), axis=axis, keepdims=keepdims), spec_of(x).dtype)
    if order == 1:
        return sum_(sizes, axis=axis, keepdims=keepdims)
    total = sum_(power(sizes, float(order)), axis=axis, keepdims=keepdims)
    if order < 1:
        return power(total, 1.0 / float(order))
    at_zero = equal(total, 0.0)  # a minimum: 0 is a subgradient, as for the 2-norm
    return where(at_zero, 0.0, power(where(at_zero, 1.0, total), 1.0 / float(order)))
