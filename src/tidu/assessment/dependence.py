"""Does the target depend on the features at all, and on which of them?

Rank statistics of rows and their neighbors: no smoothness is assumed, no model fitted. This file knows nothing of how
much of the target is noise.

References
----------
Azadkia and Chatterjee, A simple measure of conditional dependence, Annals of Statistics 49 (2021), arXiv:1910.12327,
(2.1) and section 5 (FOCI); Chatterjee, A new coefficient of correlation, JASA 116 (2021), arXiv:1909.10140, (1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.assessment.graph import neighbor_graph
from tidu.data import as_source

__all__ = [
    "Dependence",
    "Ranks",
    "codependence",
    "feature_order",
    "linear_dependence",
    "permutation_p_value",
    "xi",
]

PERMUTATIONS = 199
MOST_ORDERED = 50
"""More features than this are judged one by one only."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """How much the target depends on the features.

    Attributes
    ----------
    T : float
        0 if independent, 1 if a function, in the limit of many rows; dimensionless.
    p_value : float
        Share of permuted targets that depend as much.
    linear : float
        Share of the variance that a linear function explains (of classes, of their 0/1 outputs): a weak dependence,
        which ranks of neighbors do not see, is often seen by it. NaN above 50 features.
    linear_p_value : float
        Share of permuted targets of which it explains as much; 1 above 50 features.
    raw_T : float or None
        T before the feature step, where there is one.
    xi : ndarray of shape (n_features,)
        Chatterjee's coefficient of each feature alone, likewise from 0 to 1.
    order : tuple of int
        Features in the order in which they add most, as long as they add anything; empty above 50 features.
    order_T : tuple of float
        T of the first one, two, ... of them.
    """

    T: float
    p_value: float
    linear: float
    linear_p_value: float
    raw_T: float | None
    xi: NDArray[np.float64]
    order: tuple[int, ...]
    order_T: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """A target as T needs it: numbers by rank, classes by code."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    classifies: bool

    @staticmethod
    def of(y: NDArray[np.generic], classifies: bool) -> Ranks:
        """Rank a target; equal ones get the highest of their ranks.

        Examples
        --------
        >>> Ranks.of(np.array([3.0, 1.0, 3.0]), False).low.tolist()
        [3, 1, 3]
        """
        _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        codes = codes.reshape(-1)
        if classifies:
            return Ranks(codes.astype(np.int64), counts.astype(np.int64), True)
        below = np.cumsum(counts)
        return Ranks(below[codes], (len(y) - below + counts)[codes], False)

    def permuted(self, order: NDArray[np.intp]) -> Ranks:
        """Return the target in another order."""
        return Ranks(self.low[order], self.high if self.classifies else self.high[order], self.classifies)


def codependence(ranks: Ranks, nearest: NDArray[np.int64]) -> float:
    """Return T of a target on the features whose nearest rows are given.

    For classes, T of each class against the others, weighted by its variance: one less the share of rows whose
    nearest is of another class, over the same share among random pairs.

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 200)
    >>> nearest = np.append(np.arange(1, 200), 198)
    >>> codependence(Ranks.of(x * x, False), nearest) > 0.95
    True
    """
    n = len(ranks.low)
    if ranks.classifies:
        chance = 1.0 - float(((ranks.high / n) ** 2).sum())
        return 1.0 - float(np.mean(ranks.low != ranks.low[nearest])) / chance if chance > 0 else 0.0
    low, high = ranks.low.astype(np.float64), ranks.high.astype(np.float64)
    whole = float((high * (n - high)).sum())
    return float((n * np.minimum(low, low[nearest]) - high**2).sum()) / whole if whole > 0 else 0.0


def permutation_p_value(
    ranks: Ranks, nearest: NDArray[np.int64], found: float, rng: np.random.Generator, n: int = PERMUTATIONS
) -> float:
    """Return the share of permuted targets, the given one among them, whose T is at least as large."""
    larger = sum(codependence(ranks.permuted(rng.permutation(len(ranks.low))), nearest) >= found for _ in range(n))
    return (larger + 1) / (n + 1)


def linear_dependence(
    X: NDArray[np.generic], y: NDArray[np.generic], classifies: bool, rng: np.random.Generator, n: int = PERMUTATIONS
) -> tuple[float, float]:
    """Return the share of the variance that a linear function explains, and how often it does of permuted targets.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        Numbers, or codes of classes.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 3))
    >>> share, p_value = linear_dependence(X, 0.3 * X[:, 0] + rng.normal(size=500), False, rng)
    >>> round(share, 2), p_value
    (0.1, 0.005)
    """
    centered = X.astype(np.float64) - X.mean(axis=0, dtype=np.float64)
    directions, sizes, _ = np.linalg.svd(centered, full_matrices=False)
    directions = directions[:, sizes > 1e-10 * max(float(sizes[0]), 1e-300)]
    values = y if classifies else y.astype(np.float64) - y.astype(np.float64).mean()
    shares = np.bincount(y.astype(np.int64)) / len(y) if classifies else None
    whole = len(y) * (1.0 - float((shares**2).sum())) if shares is not None else float((values**2).sum())

    def explained(target: NDArray[np.generic]) -> float:
        if not classifies:
            return float(((directions.T @ target) ** 2).sum()) / whole
        sums = [np.bincount(target.astype(np.int64), weights=direction) for direction in directions.T]
        return float((np.array(sums) ** 2).sum()) / whole

    found = explained(values)
    larger = sum(explained(values[rng.permutation(len(y))]) >= found for _ in range(n))
    return found, (larger + 1) / (n + 1)


def xi(X: NDArray[np.generic], ranks: Ranks) -> NDArray[np.float64]:
    """Return how much the target depends on each feature alone: each row's neighbor is the next larger one.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    ranks : Ranks
        Of as many rows.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 300)
    >>> noise = np.random.default_rng(0).normal(size=300)
    >>> (xi(np.stack([x, noise], axis=1), Ranks.of(x * x, False)) > 0.5).tolist()
    [True, False]
    """
    n = len(X)
    found = np.empty(X.shape[1])
    shuffled = np.random.default_rng(n).permutation(n)  # equal values in an order that says nothing
    for j in range(X.shape[1]):
        order = shuffled[np.argsort(X[shuffled, j], kind="stable")]
        low, high = ranks.low[order], ranks.high if ranks.classifies else ranks.high[order]
        if ranks.classifies:
            found[j] = codependence(Ranks(low, high, True), np.minimum(np.arange(n) + 1, n - 1))
        else:
            whole = 2.0 * float((high * (n - high)).sum())
            found[j] = 1.0 - n * float(np.abs(np.diff(low)).sum()) / whole if whole > 0 else 0.0
    return found


def feature_order(
    X: NDArray[np.generic], ranks: Ranks, rng: np.random.Generator
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return features in the order in which they add most to T, while they add anything, and T after each.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        On one scale; equal rows are told apart by noise far below that scale.
    """
    n_features = X.shape[1]
    # Neighbors alike would all be the lowest row; so tiny a shift changes no other order.
    moved = X.astype(np.float64) + 1e-9 * rng.standard_normal(X.shape)
    order: list[int] = []
    reached: list[float] = []
    while len(order) < n_features:
        tried = []
        for j in range(n_features):
            if j not in order:
                nearest = neighbor_graph(as_source(moved[:, [*order, j]]), 1).indices[:, 0]
                tried.append((codependence(ranks, nearest), -j))
        best, j = max(tried)
        if best <= (reached[-1] if reached else 0.0):
            break
        order.append(-j)
        reached.append(best)
    return tuple(order), tuple(reached)
