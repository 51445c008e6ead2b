"""Which rows are near enough to one another to be looked at together?

Rows are halved across their longest side, again and again, until a cell is small. This file knows nothing of targets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_ROWS", "cells_of", "spread"]

MOST_ROWS = 4000
"""Of all chosen cells together."""
_LARGEST = 300


def cells_of(X: NDArray[np.generic], columns: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return row numbers, cell by cell, neighboring cells one after the other.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        On one scale.
    columns : ndarray of int
        The features along which rows are near.

    Examples
    --------
    >>> [len(cell) for cell in cells_of(np.linspace(0.0, 1.0, 1000)[:, None], np.array([0]))]
    [250, 250, 250, 250]
    """
    found: list[NDArray[np.intp]] = []
    # Rows that are equal fall to either side by lot: in the order of a file sorted by its target, a cell would hold
    # targets that are near, whatever its features.
    lot = np.random.default_rng(len(X)).permutation(len(X))
    waiting = [np.arange(len(X))]
    while waiting:
        rows = waiting.pop()
        inside = X[np.ix_(rows, columns)]
        if len(rows) < _LARGEST:
            found.append(rows)
            continue
        longest = int(np.argmax(np.ptp(inside, axis=0)))
        order = rows[np.lexsort((lot[rows], inside[:, longest]))]
        waiting += [order[len(order) // 2 :], order[: len(order) // 2]]
    return found


def spread(cells: list[NDArray[np.intp]], most_rows: int = MOST_ROWS) -> list[NDArray[np.intp]]:
    """Return as many cells as hold `most_rows`, evenly spread over all, so that every region has its part.

    Examples
    --------
    >>> spread([np.array([i, i]) for i in range(6)], 6)
    [array([0, 0]), array([2, 2]), array([4, 4])]
    """
    total = sum(len(cell) for cell in cells)
    if total <= most_rows:
        return cells
    wanted = max(1, most_rows * len(cells) // total)
    return [cells[i * len(cells) // wanted] for i in range(wanted)]
