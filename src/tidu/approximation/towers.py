"""How does a network with two hidden layers of sigmoid units build a function of two variables from towers?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.constructions import STEEPNESS, require_count
from tidu.approximation.domains import Box, interval_of
from tidu.approximation.network import Network
from tidu.approximation.targets import Target
from tidu.errors import ParameterError

__all__ = ["towers"]

Vector: TypeAlias = NDArray[np.float64]

_NAMES = ("x", "y")


def towers(f: Callable[[Vector], Vector], domain: Box, n: int, steepness: float = STEEPNESS) -> Network:
    """Return a network of n x n towers that together look like `f`.

    Parameters
    ----------
    f : callable
        Values at an array of shape (m, 2); it is asked for the middle of each tower.
    domain : ((float, float), (float, float))
    n : int
        Towers along each variable.
    steepness : float
        Growth of a sigmoid's argument over the width of a tower, dimensionless.

    Returns
    -------
    Network
        ``2 (n + 1)`` units in the first hidden layer, one for each line of the grid, and ``n**2`` in the second.

    Notes
    -----
    The first layer has steps along each variable; neighbors share them. The sum of a bump in x and a bump in y is 2
    where they cross and 1 along their arms: a unit of the second layer with threshold 3/2 keeps the crossing alone.
    Where four towers meet none of them is on; that hole is as small as the steps are steep. The heights count from
    the mean of `f`, so that it is shallow.

    References
    ----------
    Nielsen, Neural Networks and Deep Learning (2015), chapter 4.

    Examples
    --------
    >>> network = towers(lambda X: X[:, 0] * X[:, 1], ((0.0, 1.0), (0.0, 1.0)), 2)
    >>> network(np.array([[0.1, 0.1], [0.9, 0.9], [0.9, 0.1]])).round(4).tolist(), network.hidden
    ([0.0625, 0.5625, 0.1875], (6, 4))
    """
    if len(domain) != 2:
        raise ParameterError(f"towers stand on two variables; the domain has {len(domain)}", got=len(domain))
    require_count("n", n)
    domain = tuple(interval_of(pair, name) for pair, name in zip(domain, _NAMES, strict=True))
    values_at = Target(getattr(f, "__name__", "f"), _NAMES, domain, None, f)
    across, up = (_steps(interval, n, steepness) for interval in domain)
    middles = [np.linspace(low, high, 2 * n + 1)[1::2] for low, high in domain]
    centers = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
    heights = values_at(centers)
    level = float(heights.mean())
    none = np.zeros((1, n + 1))
    first = {
        "W": np.block([[across[0][None], none], [none, up[0][None]]]),
        "b": np.concatenate([across[1], up[1]]),
    }
    bump = np.eye(n + 1)[:, :n] - np.eye(n + 1)[:, 1:]
    crossing = np.concatenate([np.repeat(bump, n, axis=1), np.tile(bump, n)])
    second = {"W": steepness * crossing, "b": np.full(n * n, -1.5 * steepness)}
    last = {"W": (heights - level)[:, None], "b": np.array([level])}
    return Network((first, second, last), ("sigmoid", "sigmoid"))


def _steps(interval: tuple[float, float], n: int, steepness: float) -> tuple[Vector, Vector]:
    """Return weights and biases of the steps at the lines of the grid, the outermost a little outside."""
    low, high = interval
    width = (high - low) / n
    places = np.linspace(low, high, n + 1)
    places[0], places[-1] = low - width / 2, high + width / 2
    slope = steepness / width
    return np.full(n + 1, slope), -slope * places
