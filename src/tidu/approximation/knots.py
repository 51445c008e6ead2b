"""Where should a piecewise linear function bend: at equal distances, or closer together where the target is curved?

This file knows nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["KnotsName", "curvature_knots", "equal_knots"]

Vector: TypeAlias = NDArray[np.float64]
KnotsName: TypeAlias = Literal["equal", "curvature"]

_POWER = 2 / 5
_LEAST_SAMPLES, _SAMPLES_PER_PIECE = 4096, 16
_EVEN_SHARE = 0.05


def equal_knots(interval: tuple[float, float], n_pieces: int) -> Vector:
    """Return the ends of equal pieces of an interval, ``n_pieces + 1`` of them."""
    return np.linspace(*interval, n_pieces + 1)


def curvature_knots(f: Callable[[Vector], Vector], interval: tuple[float, float], n_pieces: int) -> Vector:
    """Return the ends of pieces on which a linear interpolant errs about equally.

    Parameters
    ----------
    f : callable
        Values at an array of shape (n,); nothing but values is asked for.
    interval : (float, float)
    n_pieces : int

    Returns
    -------
    ndarray of shape (n_pieces + 1,), float64

    Notes
    -----
    On a piece of length h the squared error of the interpolant is about ``f''^2 h^5 / 120``. The sum over all pieces is
    least when their density is proportional to ``|f''|^(2/5)``; for the largest error the power would be 1/2. Second
    differences on a dense grid estimate f'', and a share of 5 % of the density is constant, so that where f is
    straight there still are knots.

    References
    ----------
    de Boor, Good approximation by splines with variable knots, in Spline Functions and Approximation Theory (1973);
    de Boor, A Practical Guide to Splines (2001), chapter XII.

    Examples
    --------
    >>> knots = curvature_knots(lambda x: x**4, (0.0, 1.0), 4)
    >>> knots.round(2).tolist()
    [0.0, 0.45, 0.67, 0.85, 1.0]
    """
    n_samples = max(_LEAST_SAMPLES, _SAMPLES_PER_PIECE * n_pieces)
    x = np.linspace(*interval, n_samples + 1)
    curvature = np.abs(np.diff(f(x), 2))  # in units of the step squared, which is the same everywhere
    # One value for each of the n_samples pieces: the mean of both ends, of which the outermost have none of their own.
    ends = np.concatenate([curvature[:1], curvature, curvature[-1:]])
    density = ((ends[1:] + ends[:-1]) / 2) ** _POWER
    even = float(density.mean()) or 1.0
    density = (1 - _EVEN_SHARE) * density + _EVEN_SHARE * even
    mass = np.concatenate([[0.0], np.cumsum(density)])
    return cast("Vector", np.interp(np.linspace(0.0, mass[-1], n_pieces + 1), mass, x))
