"""Which other targets belong to a given one: the same in more variables, and the same with a jump?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.targets import Target

__all__ = ["in_dimension", "jump_height", "with_jump"]

Vector: TypeAlias = NDArray[np.float64]

_PLACE = (math.sqrt(5.0) - 1.0) / 2.0  # no grid of equal pieces has a knot there
_POINTS = 1001


def in_dimension(target: Target, n_features: int) -> Target:
    """Return ``(f(x1) - m + ... + f(xd) - m) / sqrt(d) + m`` for a target f of one variable and its mean m.

    Its spread is the same for every d, each variable matters as much as the others, and f is never asked for a value
    outside its domain.

    Examples
    --------
    >>> from tidu.approximation.targets import as_target
    >>> f = in_dimension(as_target("x", (0, 1)), 4)
    >>> f.n_features, f(np.array([[0.0, 0.0, 1.0, 0.5]])).round(3).tolist()
    (4, [0.25])
    """
    if n_features == 1:
        return target
    mean = float(np.mean(target.testing(_POINTS).y))

    def function(X: Vector) -> Vector:
        columns = [target.values(x[:, None]) - mean for x in X.T]
        return cast("Vector", np.sum(columns, axis=0) / math.sqrt(n_features) + mean)

    names = tuple(f"{target.names[0]}{i}" for i in range(1, n_features + 1))
    return Target(target.name, names, target.domain * n_features, None, function)


def jump_height(target: Target) -> float:
    """Return how high the jump of `with_jump` is: the range of the target, or 1 for a constant."""
    return float(np.ptp(target.testing(_POINTS).y)) or 1.0


def with_jump(target: Target) -> Target:
    """Return a target of one variable that is higher by its own range from a place on.

    Examples
    --------
    >>> from tidu.approximation.targets import as_target
    >>> jumping = with_jump(as_target("x", (0, 1)))
    >>> jumping(np.array([[0.5], [0.7]])).round(1).tolist()
    [0.5, 1.7]
    """
    low, high = target.domain[0]
    place = low + _PLACE * (high - low)
    height = jump_height(target)

    def function(X: Vector) -> Vector:
        return cast("Vector", target.values(X) + height * (X[:, 0] > place))

    return replace(target, _function=function)
