"""How fast does an error fall: the slope of a line through logarithms, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Rate", "fit_rate"]

_LEVEL = 0.95
_FEWEST_SIZES = 3


@dataclass(frozen=True, slots=True)
class Rate:
    """The power law ``error = constant * size**exponent``.

    Attributes
    ----------
    exponent : float
        Dimensionless; -2 means that twice the size gives a quarter of the error.
    low, high : float
        The ends of its 95 % interval.
    constant : float
        The error at size 1, in units of the error.
    """

    exponent: float
    low: float
    high: float
    constant: float

    def __call__(self, size: float) -> float:
        """Return the error that the law gives for a size."""
        return float(self.constant * size**self.exponent)

    @property
    def is_certain(self) -> bool:
        """Whether the interval tells a fall from a rise."""
        return not self.low <= 0.0 <= self.high

    def written(self, size: str) -> str:
        """Return the power and its interval, of a size with this letter."""
        return f"{size}^{self.exponent:.2f} [{self.low:.2f}, {self.high:.2f}]"

    def __str__(self) -> str:
        return self.written("n")


def fit_rate(sizes: Sequence[float], errors: Sequence[float]) -> Rate | None:
    """Fit a power law by least squares on logarithms.

    Parameters
    ----------
    sizes : sequence of float
        Such as widths; at least three different ones, else there is no interval and so no rate.
    errors : sequence of float
        One for each; those that are 0 or not finite have no logarithm and are left out.

    Returns
    -------
    Rate or None

    Notes
    -----
    The interval is Student's, with n - 2 degrees of freedom. It measures how far the points scatter about a straight
    line over the sizes that were tried; it promises nothing beyond them.

    References
    ----------
    Draper and Smith, Applied Regression Analysis, 3rd ed. (1998), section 1.4.

    Examples
    --------
    >>> rate = fit_rate([1, 2, 4, 8], [1.0, 0.25, 1 / 16, 1 / 64])
    >>> round(rate.exponent, 6), round(rate.low, 6), round(rate.high, 6)
    (-2.0, -2.0, -2.0)
    """
    kept = [(n, e) for n, e in zip(sizes, errors, strict=True) if n > 0 and e > 0 and math.isfinite(e)]
    if len({n for n, _ in kept}) < _FEWEST_SIZES:
        return None
    from scipy.stats import t

    x, y = np.log(np.array(kept)).T
    centered = x - x.mean()
    spread = float(centered @ centered)
    slope = float(centered @ y) / spread
    left = y - y.mean() - slope * centered
    freedom = len(kept) - 2
    half = float(t.ppf(0.5 + _LEVEL / 2, freedom)) * math.sqrt(float(left @ left) / freedom / spread)
    return Rate(slope, slope - half, slope + half, math.exp(float(y.mean() - slope * x.mean())))
