"""How far may a score on held-out rows be from that on all rows like them: 95 % intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError

__all__ = ["bootstrap_r2", "r2", "wilson"]

_Z = 1.959963984540054
_RESAMPLES = 1000


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval for a share, which stays sensible near 0 and 1.

    Parameters
    ----------
    hits, n : int
        How many of how many, independently drawn.

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(9, 10)], wilson(10, 10)[1]
    ([0.5958, 0.9821], 1.0)
    """
    if not 0 <= hits <= n or n < 1:
        raise ParameterError(f"expected 0 <= hits <= n and n >= 1; got {hits} and {n}", hits=hits, n=n)
    share = hits / n
    middle = share + _Z**2 / (2 * n)
    reach = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    scale = 1 + _Z**2 / n
    low = 0.0 if hits == 0 else (middle - reach) / scale
    high = 1.0 if hits == n else (middle + reach) / scale
    return low, high


def r2(true: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the coefficient of determination; NaN if the true values are all the same.

    Examples
    --------
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))
    0.5
    """
    spread = float(np.sum((true - true.mean()) ** 2))
    return 1.0 - float(np.sum((true - predicted) ** 2)) / spread if spread > 0 else math.nan


def bootstrap_r2(true: NDArray[np.float64], predicted: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Return a 95 % interval of R^2: the 2.5 % and 97.5 % quantiles over 1000 resamples of the rows.

    Examples
    --------
    >>> true = np.arange(50.0)
    >>> low, high = bootstrap_r2(true, true + np.sin(true), seed=0)
    >>> 0.99 < low < high < 1.0
    True
    """
    rng = np.random.default_rng(seed)
    n = len(true)
    found = []
    for _ in range(_RESAMPLES):
        rows = rng.integers(0, n, n)
        found.append(r2(true[rows], predicted[rows]))
    if np.all(np.isnan(found)):
        return math.nan, math.nan
    low, high = np.nanquantile(found, (0.025, 0.975))
    return float(low), float(high)
