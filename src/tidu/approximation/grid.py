"""What does a fixed grid make of as many numbers as a network has? The rival that suffers from dimension."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from tidu.approximation.domains import Box
from tidu.approximation.targets import Samples

__all__ = ["Grid", "fit_grid"]

Vector: TypeAlias = NDArray[np.float64]

_ROWS = 512
_HELD_OUT = 10
_RIDGES = 10.0 ** np.arange(-14, 1, 1)
"""Penalties as shares of the largest eigenvalue, dimensionless."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A function that is multilinear between the nodes of a grid.

    Attributes
    ----------
    domain : tuple of (float, float)
    sides : tuple of int
        Nodes along each variable; where there is but one, the function does not depend on that variable.
    values : ndarray of shape (n_nodes,), float64
        At the nodes, the last variable fastest.
    """

    domain: Box
    sides: tuple[int, ...]
    values: Vector

    @property
    def n_parameters(self) -> int:
        """Number of nodes."""
        return len(self.values)

    def __call__(self, X: ArrayLike) -> Vector:
        """Return the values at the rows of X, of shape (n_samples, n_features)."""
        rows = np.asarray(X, np.float64)
        parts = [_hats(rows[i : i + _ROWS], self.domain, self.sides) @ self.values for i in range(0, len(rows), _ROWS)]
        return np.concatenate(parts) if parts else np.empty(0)


def fit_grid(samples: Samples, domain: Box, n_parameters: int) -> Grid:
    """Fit a grid to samples by least squares, with at most so many nodes.

    Parameters
    ----------
    samples : Samples
    domain : tuple of (float, float)
    n_parameters : int

    Returns
    -------
    Grid

    Notes
    -----
    The value at a node is the coefficient of a product of hat functions, and all are found at once, by ridge
    regression: of several penalties that one is taken with which a tenth of the samples, held out, are met best.
    Nodes are added along each variable in turn, as long as they may. The curse of dimension: with n nodes there are
    n^(1/d) along a variable, and the error falls as n^(-2/d).

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 50)
    >>> grid = fit_grid(Samples(x[:, None], np.abs(x - 0.5)), ((0.0, 1.0),), 3)
    >>> grid.values.round(6).tolist()
    [0.5, 0.0, 0.5]
    """
    sides = _sides(len(domain), n_parameters)
    n = math.prod(sides)
    held = np.arange(len(samples.y)) % _HELD_OUT == 0
    X, y = samples.X[~held], samples.y[~held]
    level = float(y.mean())  # values are pulled towards it, where samples do not decide them
    solve = _solved_by_nodes if n <= len(y) else _solved_by_rows
    grids = [Grid(domain, sides, level + values) for values in solve(X, y - level, domain, sides)]
    missed = [np.mean((grid(samples.X[held]) - samples.y[held]) ** 2) for grid in grids]
    return grids[int(np.argmin(missed))]


def _solved_by_nodes(X: Vector, y: Vector, domain: Box, sides: tuple[int, ...]) -> Iterator[Vector]:
    """Yield the values at the nodes for each penalty, from a matrix of nodes by nodes."""
    n = math.prod(sides)
    gram, right = np.zeros((n, n)), np.zeros(n)
    for i in range(0, len(y), _ROWS):
        hats = _hats(X[i : i + _ROWS], domain, sides)
        gram += hats.T @ hats
        right += hats.T @ y[i : i + _ROWS]
    eigenvalues, vectors = np.linalg.eigh(gram)
    shares = (vectors.T @ right)[:, None] / (np.maximum(eigenvalues, 0.0)[:, None] + _RIDGES * eigenvalues[-1])
    yield from (vectors @ share for share in shares.T)


def _solved_by_rows(X: Vector, y: Vector, domain: Box, sides: tuple[int, ...]) -> Iterator[Vector]:
    """Yield the same from a matrix of rows by rows, where these are fewer: ``H^T (H H^T + penalty)^-1 y``."""
    starts = range(0, len(y), _ROWS)
    # A row lies among few nodes, so nearly all weights are 0.
    hats = sparse.vstack([sparse.csr_array(_hats(X[i : i + _ROWS], domain, sides)) for i in starts])
    eigenvalues, vectors = np.linalg.eigh((hats @ hats.T).toarray())
    shares = (vectors.T @ y)[:, None] / (np.maximum(eigenvalues, 0.0)[:, None] + _RIDGES * eigenvalues[-1])
    yield from (hats.T @ (vectors @ share) for share in shares.T)


def _sides(n_features: int, n_parameters: int) -> tuple[int, ...]:
    sides = [1] * n_features
    turn = 0
    while int(np.prod(sides)) // sides[turn] * (sides[turn] + 1) <= n_parameters:
        sides[turn] += 1
        turn = (turn + 1) % n_features
    return tuple(sides)


def _hats(X: Vector, domain: Box, sides: tuple[int, ...]) -> Vector:
    """Return the weight of every node at every row, of shape (n_samples, n_nodes)."""
    n_rows = len(X)
    weights = np.zeros((n_rows, int(np.prod(sides))))
    cells, shares = [], []
    for x, (low, high), side in zip(X.T, domain, sides, strict=True):
        place = np.clip((x - low) / (high - low), 0.0, 1.0) * (side - 1)
        cell = np.minimum(place.astype(np.intp), max(side - 2, 0))
        cells.append(cell)
        shares.append(place - cell)
    rows = np.arange(n_rows)
    for corner in product(*((0, 1) if side > 1 else (0,) for side in sides)):
        node, weight = np.zeros(n_rows, np.intp), np.ones(n_rows)
        for end, cell, share, side in zip(corner, cells, shares, sides, strict=True):
            node = node * side + cell + end
            weight = weight * (share if end else 1.0 - share)
        weights[rows, node] += weight
    return weights
