"""Which networks approximate a function of one variable without any training?

Steps of sigmoid units make bumps, kinks of rectified units make a polygon, and rectified units in many layers fold
the line upon itself. Every weight is written down, none is learned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.domains import interval_of
from tidu.approximation.knots import KnotsName, curvature_knots, equal_knots
from tidu.approximation.network import Network
from tidu.approximation.targets import Target
from tidu.errors import ParameterError

__all__ = ["STEEPNESS", "bumps", "relu_interpolant", "require_count", "tent_map"]

Vector: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Vector], Vector]

STEEPNESS = 1e4
"""The argument of a step's sigmoid grows by so much over one bump: the step looks like a jump."""


def bumps(f: Function, interval: tuple[float, float], n: int, steepness: float = STEEPNESS) -> Network:
    """Return a network of `n` bumps side by side, each a pair of steep sigmoid steps, up and down again.

    Parameters
    ----------
    f : callable
        Values at an array of shape (m,); it is asked for the middle of each bump.
    interval : (float, float)
    n : int
        Number of bumps; the network has ``2 n`` hidden units.
    steepness : float
        Growth of a sigmoid's argument over the width of a bump, dimensionless.

    Returns
    -------
    Network

    Notes
    -----
    A function with bounded slope is off by at most half a bump's width times the slope, so the error falls as 1 / n.

    References
    ----------
    Cybenko, Approximation by superpositions of a sigmoidal function, Math. Control Signals Systems 2 (1989); Nielsen,
    Neural Networks and Deep Learning (2015), chapter 4.

    Examples
    --------
    >>> network = bumps(np.square, (0.0, 1.0), 2)
    >>> network(np.array([[0.2], [0.4], [0.8]])).round(4).tolist(), network.n_units
    ([0.0625, 0.0625, 0.5625], 4)
    """
    require_count("n", n)
    low, high = interval_of(interval)
    width = (high - low) / n
    edges = np.linspace(low, high, n + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    # The outermost steps stand outside, so that at both ends of the interval a bump has its full height.
    edges[0], edges[-1] = low - width / 2, high + width / 2
    slope = steepness / width
    places = np.stack([edges[:-1], edges[1:]], axis=1).ravel()
    heights = _checked(f, (low, high))(middles)
    return Network(
        (
            {"W": np.full((1, 2 * n), slope), "b": -slope * places},
            {"W": np.stack([heights, -heights], axis=1).reshape(-1, 1), "b": np.zeros(1)},
        ),
        ("sigmoid",),
    )


def relu_interpolant(f: Function, interval: tuple[float, float], n: int, knots: KnotsName = "equal") -> Network:
    """Return a network whose output is the polygon through `f` at ``n + 1`` knots.

    Parameters
    ----------
    f : callable
        Values at an array of shape (m,).
    interval : (float, float)
    n : int
        Number of hidden units, which is the number of straight pieces.
    knots : {"equal", "curvature"}
        At equal distances, or closer together where `f` is curved: `tidu.approximation.knots`.

    Returns
    -------
    Network

    Notes
    -----
    Each unit bends the polygon at its knot: its weight is the change of slope there. The error of a function with
    bounded second derivative falls as 1 / n^2.

    Examples
    --------
    >>> network = relu_interpolant(np.square, (0.0, 1.0), 2)
    >>> network(np.array([[0.0], [0.25], [0.5], [1.0]])).tolist(), network.n_units
    ([0.0, 0.125, 0.25, 1.0], 2)
    """
    require_count("n", n)
    if knots not in get_args(KnotsName):
        raise ParameterError(f"knots must be one of {', '.join(get_args(KnotsName))}; got {knots!r}", got=knots)
    interval = interval_of(interval)
    values_at = _checked(f, interval)
    places = equal_knots(interval, n) if knots == "equal" else curvature_knots(values_at, interval, n)
    values = values_at(places)
    slopes = np.diff(values) / np.diff(places)
    bends = np.concatenate([slopes[:1], np.diff(slopes)])
    return Network(({"W": np.ones((1, n)), "b": -places[:-1]}, {"W": bends[:, None], "b": values[:1]}), ("relu",))


def tent_map(depth: int) -> Network:
    """Return the tent map applied `depth` times, with two rectified units in each hidden layer.

    Parameters
    ----------
    depth : int
        Number of hidden layers.

    Returns
    -------
    Network
        On [0, 1] it rises and falls between 0 and 1, in ``2**depth`` straight pieces.

    References
    ----------
    Telgarsky, Benefits of depth in neural networks, COLT 2016, arXiv:1602.04485, section 2.

    Examples
    --------
    >>> tent_map(2)(np.array([[0.0], [0.25], [0.5], [0.75], [1.0]])).tolist()
    [0.0, 1.0, 0.0, 1.0, 0.0]
    """
    require_count("depth", depth)
    first = {"W": np.array([[2.0, 4.0]]), "b": np.array([0.0, -2.0])}
    further = {"W": np.array([[2.0, 4.0], [-2.0, -4.0]]), "b": np.array([0.0, -2.0])}
    last = {"W": np.array([[1.0], [-1.0]]), "b": np.zeros(1)}
    return Network((first, *(further for _ in range(depth - 1)), last), ("relu",) * depth)


def _checked(f: Function, interval: tuple[float, float]) -> Function:
    """Return a function that refuses values of `f` which are not one finite number for each point."""
    target = Target(getattr(f, "__name__", "f"), ("x",), (interval,), None, lambda X: f(X[:, 0]))
    return lambda x: target(x[:, None])


def require_count(name: str, value: object) -> None:
    """Refuse what is not a whole number, at least 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ParameterError(f"{name} must be a whole number, at least 1; got {value!r}", got=value)
