"""Logarithms of sums of exponentials, and what is made of them, without overflow for any finite input."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tidu.core.bind import shape_of
from tidu.core.kinds import normalize_axes
from tidu.core.structural import reshape
from tidu.core.table import implements_named
from tidu.core.value import Value
from tidu.ops.arithmetic import divide, multiply, negative, subtract
from tidu.ops.compare import equal, where
from tidu.ops.convert import stop_gradient
from tidu.ops.exponential import exp, log, logaddexp
from tidu.ops.logic import isfinite
from tidu.ops.reduce import max_, sum_

__all__ = ["log_logistic", "log_softmax", "logsumexp", "softmax", "softplus"]

Axis = int | Sequence[int] | None


def _shift(x: object, axis: Axis) -> Value:
    """Return the largest element, kept as an axis of length one; 0 where it is infinite.

    It drops out of every result, so its gradient is held back instead of computed and canceled.
    """
    largest = stop_gradient(max_(x, axis=axis, keepdims=True))
    return where(isfinite(largest), largest, 0.0)


def logsumexp(x: object, axis: Axis = None, b: object = None, keepdims: bool = False) -> Value:
    """Return log(sum(b * exp(x))) without overflow; SciPy's function of this name cannot be traced.

    Parameters
    ----------
    x : array_like
    axis : int, sequence of int or None
        Over which to sum; None is all.
    b : array_like, optional
        Factors of the exponentials.
    keepdims : bool
        Whether the axes stay, with length one.

    Returns
    -------
    array
        -inf with gradient 0 where every element is -inf: no small step changes it.

    Notes
    -----
    Shifted by the largest element: Blanchard, Higham & Higham, IMA J. Numer. Anal. 41 (2021) 2311.

    Examples
    --------
    >>> import numpy as np
    >>> float(logsumexp(np.array([1e4, -1e4])))
    10000.0
    """
    shift = _shift(x, axis)
    terms = exp(subtract(x, shift))
    total = sum_(terms if b is None else multiply(b, terms), axis=axis, keepdims=True)
    nothing = equal(total, 0.0)
    found = where(nothing, -math.inf, log(where(nothing, 1.0, total)) + shift)
    return found if keepdims else _dropped(found, x, axis)


def _dropped(reduced: Value, x: object, axis: Axis) -> Value:
    """Return `reduced` without the axes of length one that the reduction of `x` kept."""
    axes = normalize_axes(axis, len(shape_of(x)), "logsumexp")
    return reshape(reduced, tuple(n for a, n in enumerate(reduced.shape) if a not in axes))


def softmax(x: object, axis: Axis = -1) -> Value:
    """Return exp(x) divided by its sum along `axis`, without overflow; a probability for each element.

    Examples
    --------
    >>> import numpy as np
    >>> softmax(np.array([1e4, 1e4]))
    array([0.5, 0.5])
    """
    terms = exp(subtract(x, _shift(x, axis)))
    return divide(terms, sum_(terms, axis=axis, keepdims=True))


def log_softmax(x: object, axis: Axis = -1) -> Value:
    """Return the logarithm of the softmax without overflow, exact where a probability is tiny.

    Examples
    --------
    >>> import numpy as np
    >>> log_softmax(np.array([0.0, -1e4]))
    array([     0., -10000.])
    """
    moved = subtract(x, _shift(x, axis))
    return subtract(moved, log(sum_(exp(moved), axis=axis, keepdims=True)))


def softplus(x: object) -> Value:
    """Return log(1 + exp(x)), a smooth max(x, 0), without overflow.

    Examples
    --------
    >>> float(softplus(-1e4)), float(softplus(1e4))
    (0.0, 10000.0)
    """
    return logaddexp(x, 0.0)


@implements_named("scipy.special", "log_expit")
def log_logistic(x: object) -> Value:
    """Return the logarithm of the logistic sigmoid, without overflow.

    Examples
    --------
    >>> float(log_logistic(-1e4))
    -10000.0
    """
    return negative(logaddexp(negative(x), 0.0))
