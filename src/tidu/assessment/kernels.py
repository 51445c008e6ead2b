"""How alike are the values of a function at two rows: kernels, and the features through which they see rows.

This file knows nothing of targets and of noise.

References
----------
Rasmussen and Williams, Gaussian Processes for Machine Learning, MIT Press 2006, (4.9), (4.17), (4.18); Duvenaud,
Nickisch and Rasmussen, Additive Gaussian processes, NIPS 2011, (4), of first order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["KERNELS", "Look", "View", "are_correlated", "look_at", "principal_axes", "views_of"]

Floats = NDArray[np.float64]

# A sum over more features than this takes too long.
_MOST_ADDED = 50
_LEAST_VARIANCE = 1e-3


def _squared_exponential(t: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * t * t))


def _matern_3_2(t: Floats) -> Floats:
    u = np.sqrt(3.0) * t
    return np.asarray((1.0 + u) * np.exp(-u))


def _exponential(t: Floats) -> Floats:
    return np.asarray(np.exp(-t))


KERNELS: Mapping[str, Callable[[Floats], Floats]] = {
    "squared exponential": _squared_exponential,
    "Matern 3/2": _matern_3_2,
    "exponential": _exponential,
}
"""From functions that are smooth to functions that jump; of a distance over a length."""


@dataclass(frozen=True, slots=True)
class View:
    """How much each feature counts, whether their effects add up or act together, and along which axes.

    Attributes
    ----------
    weights : tuple of float
    additive : bool
        Whether a function is a sum of functions of one feature each.
    turned : bool
        Whether rows are seen along the principal axes of the features, each with variance 1: then what correlated
        features do not share counts as much as what they do.
    """

    weights: tuple[float, ...]
    additive: bool = False
    turned: bool = False

    @property
    def columns(self) -> tuple[int, ...]:
        """The features that count."""
        return tuple(j for j, weight in enumerate(self.weights) if weight > 0)


def views_of(n_features: int, chosen: Sequence[int], correlated: bool = False) -> list[View]:
    """Return the views among which the likelihood is to decide.

    Parameters
    ----------
    n_features : int
    chosen : sequence of int
        Features that are known to matter; the others count fully, less or not at all.
    correlated : bool
        Whether features are: see `are_correlated`.

    Examples
    --------
    >>> [view.weights for view in views_of(2, [1])]
    [(1.0, 1.0), (0.5, 1.0), (0.25, 1.0), (0.0, 1.0), (1.0, 1.0)]
    """
    known = set(chosen)
    others = (1.0, 0.5, 0.25, 0.0) if 0 < len(known) < n_features else (1.0,)
    views = [View(tuple(1.0 if j in known else other for j in range(n_features))) for other in others]
    if 1 < n_features <= _MOST_ADDED:
        views.append(View((1.0,) * n_features, additive=True))
        if correlated:
            views.append(View((1.0,) * n_features, turned=True))
    return views


def are_correlated(X: NDArray[np.generic]) -> bool:
    """Tell whether along some axis rows vary by less than half as much as along all on average.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(500, 2))
    >>> are_correlated(x), are_correlated(np.stack([x[:, 0], x[:, 0] + 0.1 * x[:, 1]], axis=1))
    (False, True)
    """
    if not 1 < X.shape[1] <= _MOST_ADDED:
        return False
    values = np.linalg.eigvalsh(np.cov(X.astype(np.float64), rowvar=False))
    return bool(values[0] < 0.5 * values.mean())


def principal_axes(X: NDArray[np.generic]) -> Floats:
    """Return the principal axes of rows as columns, so long that along each the variance is 1.

    Axes along which rows hardly vary, by less than a thousandth of the most, are left out.
    """
    values, vectors = np.linalg.eigh(np.cov(X.astype(np.float64), rowvar=False))
    kept = values > _LEAST_VARIANCE * values[-1]
    return np.asarray(vectors[:, kept] / np.sqrt(values[kept]))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Rows, cell by cell, as a view sees them.

    Attributes
    ----------
    view : View
    rows : sequence of ndarray of shape (n_cell, n_columns)
        Weighted features; empty where `distances` say all.
    distances : sequence of ndarray of shape (n_cell * (n_cell - 1) / 2,)
        Between all pairs of a cell, as SciPy condenses them; empty where effects add up.
    unit : float
        The median distance within a cell: of rows, or along one feature.
    """

    view: View
    rows: Sequence[Floats]
    distances: Sequence[Floats]
    unit: float

    def kernel(self, cell: int, name: str, length: float) -> Floats:
        """Return the kernel's matrix within a cell, for a length in units."""
        from scipy.spatial.distance import pdist, squareform

        of, scale = KERNELS[name], 1.0 / (length * self.unit)
        if self.view.additive:
            columns = self.rows[cell].T
            alike = np.asarray(sum(of(pdist(column[:, None]) * scale) for column in columns) / len(columns))
        else:
            alike = of(self.distances[cell] * scale)
        whole = squareform(alike, checks=False)
        np.fill_diagonal(whole, 1.0)
        return np.asarray(whole)


def look_at(X: NDArray[np.generic], cells: Sequence[NDArray[np.intp]], view: View) -> Look:
    """Look at cells of rows."""
    from scipy.spatial.distance import pdist

    columns = np.array(view.columns, np.intp)
    weights = np.array(view.weights)[columns]
    axes = principal_axes(X[:, columns]) if view.turned else None
    weighted = (X[np.ix_(rows, columns)].astype(np.float64) * weights for rows in cells)
    seen = weighted if axes is None else (rows @ axes for rows in weighted)
    if view.additive:
        kept = list(seen)
        apart = [np.abs(rows - np.roll(rows, len(rows) // 2, axis=0)).ravel() for rows in kept]
        return Look(view, kept, (), _median(np.concatenate(apart)))
    distances = [pdist(rows) for rows in seen]
    return Look(view, (), distances, _median(np.concatenate(distances)))


def _median(distances: Floats) -> float:
    positive = distances[distances > 0]
    return float(np.median(positive)) if len(positive) else 1.0
