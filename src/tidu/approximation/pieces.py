"""Of how many straight pieces is a rectified network of one variable made? Counted exactly, not sampled."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.approximation.domains import interval_of
from tidu.approximation.network import Network
from tidu.errors import ParameterError

__all__ = ["count_pieces"]

Fractions: TypeAlias = NDArray[np.object_]


def count_pieces(network: Network, interval: tuple[float, float]) -> int:
    """Return the number of straight pieces of the output on an interval.

    Parameters
    ----------
    network : Network
        With one input and ``relu`` (or ``identity``) in every hidden layer.
    interval : (float, float)

    Returns
    -------
    int

    Raises
    ------
    ParameterError
        If the network is another, or the interval is none.

    Notes
    -----
    Floats are rational numbers, so breakpoints and slopes are computed as fractions, without rounding: each layer's
    units are straight between the breakpoints so far, and where one of them crosses 0 a breakpoint is added. Last,
    neighboring pieces of equal slope are one. The time is that of pieces times parameters.

    References
    ----------
    Montúfar, Pascanu, Cho and Bengio, On the number of linear regions of deep neural networks, NeurIPS 2014.

    Examples
    --------
    >>> from tidu.approximation.constructions import tent_map
    >>> network = tent_map(10)
    >>> network.n_units, count_pieces(network, (0.0, 1.0))
    (20, 1024)
    """
    if network.n_features != 1 or set(network.activations) - {"relu", "identity"}:
        raise ParameterError(
            f"pieces are counted of rectified networks of one variable; got {network.n_features} with "
            f"{', '.join(network.activations)}",
            got=network.activations,
        )
    breaks = [Fraction(end) for end in interval_of(interval)]
    # On each piece every unit is slope * x + offset.
    slopes, offsets = _exact(np.ones((1, 1))), _exact(np.zeros((1, 1)))
    for layer, name in zip(network.params, (*network.activations, "identity"), strict=True):
        W, b = _exact(layer["W"]), _exact(layer["b"])
        slopes, offsets = slopes @ W, offsets @ W + b
        if name == "relu":
            breaks, slopes, offsets = _bent(breaks, slopes, offsets)
    return 1 + int(np.sum(slopes[1:, 0] != slopes[:-1, 0]))


def _exact(array: NDArray[np.floating]) -> Fractions:
    exact = np.empty(array.shape, object)
    exact.ravel()[:] = [Fraction(float(x)) for x in array.ravel()]
    return exact


def _bent(breaks: list[Fraction], slopes: Fractions, offsets: Fractions) -> tuple[list[Fraction], Fractions, Fractions]:
    """Rectify all units, and break pieces where one of them crosses 0."""
    ends = [breaks[0]]
    rows: list[int] = []
    for i, (low, high) in enumerate(pairwise(breaks)):
        zeros = {-offset / slope for slope, offset in zip(slopes[i], offsets[i], strict=True) if slope}
        inner = sorted(x for x in zeros if low < x < high)
        ends += [*inner, high]
        rows += [i] * (len(inner) + 1)
    slopes, offsets = slopes[rows], offsets[rows]
    middles = np.array([(a + b) / 2 for a, b in pairwise(ends)], object)[:, None]
    off = np.asarray(slopes * middles + offsets <= 0, np.bool_)
    slopes[off] = offsets[off] = Fraction(0)
    return ends, slopes, offsets
