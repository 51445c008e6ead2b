"""Which samples of a function are learned from, which judge what was learned, and in what units?

This file knows nothing of networks but how scaling is taken into their weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu import nn
from tidu.errors import DataError, ShapeError

__all__ = ["Samples", "split_samples"]

Floats: TypeAlias = NDArray[np.float64]

_HELD_OUT = 0.1
"""Share of the samples that is not learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples to learn from and samples to judge by, in units that weights start well on.

    Parameters
    ----------
    X, y : ndarray of shape (n_samples, n_features) and (n_samples,), float64
        ``(as given - shift) / scale``.
    held_X, held_y : ndarray of shape (n_held, n_features) and (n_held,), float64
        In the same units.
    shift, scale : ndarray of shape (n_features,), float64
        In the units of the features.
    y_shift, y_scale : float
        In the unit of y.
    """

    X: Floats
    y: Floats
    held_X: Floats
    held_y: Floats
    shift: Floats
    scale: Floats
    y_shift: float
    y_scale: float

    def unscaled(self, layers: Sequence[nn.Dense]) -> tuple[nn.Dense, ...]:
        """Return the same network for samples as they were given: its first and last layer take the scaling in."""
        own = list(layers)
        W = own[0]["W"] / self.scale[:, None]
        own[0] = {"W": W, "b": own[0]["b"] - self.shift @ W}
        own[-1] = {"W": own[-1]["W"] * self.y_scale, "b": own[-1]["b"] * self.y_scale + self.y_shift}
        return tuple(own)


def split_samples(X: ArrayLike, y: ArrayLike, rng: np.random.Generator, *, standardize: bool) -> Samples:
    """Hold a tenth of the samples out.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
    y : array_like of shape (n_samples,)
    rng : Generator
        Draws which; is advanced.
    standardize : bool
        Whether features and y are brought to mean 0 and deviation 1, or left in their own units.

    Returns
    -------
    Samples
        Of fewer than ten samples all are learned from, and the same ones judge.

    Raises
    ------
    DataError
        If there are fewer than 2 samples, or one is not finite.
    ShapeError
        If `X` has not 2 axes, or `y` is not one number for each of its rows.

    Examples
    --------
    >>> samples = split_samples(np.arange(20.0)[:, None], np.arange(20.0), np.random.default_rng(0), standardize=True)
    >>> samples.X.shape, samples.held_X.shape, float(samples.y.std().round(12))
    ((18, 1), (2, 1), 1.0)
    """
    rows, values = _checked(X, y)
    n_held = int(_HELD_OUT * len(rows))
    order = rng.permutation(len(rows))
    learned, held = order[n_held:], order[:n_held] if n_held else order
    shift, scale, y_shift, y_scale = np.zeros(rows.shape[1]), np.ones(rows.shape[1]), 0.0, 1.0
    if standardize:
        shift, scale = rows[learned].mean(axis=0), _deviation(rows[learned])
        y_shift, y_scale = float(values[learned].mean()), float(_deviation(values[learned]))
    scaled, y_scaled = (rows - shift) / scale, (values - y_shift) / y_scale
    return Samples(scaled[learned], y_scaled[learned], scaled[held], y_scaled[held], shift, scale, y_shift, y_scale)


def _deviation(values: Floats) -> Floats:
    """Return standard deviations, 1 where all values are the same."""
    constant = values.max(axis=0) == values.min(axis=0)  # rounding can leave such a deviation just above 0
    return np.asarray(np.where(constant, 1.0, values.std(axis=0)))


def _checked(X: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    rows, values = np.asarray(X, np.float64), np.asarray(y, np.float64)
    if rows.ndim != 2 or not rows.shape[1] or values.shape != rows.shape[:1]:
        raise ShapeError(
            "training needs X of shape (n_samples, n_features) and y of shape (n_samples,); "
            f"got {rows.shape} and {values.shape}",
            got=(rows.shape, values.shape),
        )
    finite = np.isfinite(rows).all(axis=1) & np.isfinite(values)
    if len(rows) < 2 or not finite.all():
        raise DataError(
            f"training needs at least 2 samples, all of them finite; got {len(rows)}, {int((~finite).sum())} of them "
            "with a NaN or an infinity: leave those out",
            n_samples=len(rows),
            n_bad=int((~finite).sum()),
        )
    return rows, values
