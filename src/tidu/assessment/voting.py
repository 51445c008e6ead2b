"""How well do neighbors predict a row that is left out, and what does that say of the best possible error?

This file knows nothing of rows and distances: it gets a neighbor graph.

References
----------
Cover and Hart, Nearest neighbor pattern classification, IEEE Trans. Information Theory 13 (1967), (21) and (45).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidu.assessment.graph import Graph

__all__ = ["best_of", "cover_hart", "leave_one_out"]

_BLOCK_ENTRIES = 1 << 18


def leave_one_out(graph: Graph, y: NDArray[np.generic], n_classes: int) -> dict[int, float]:
    """Return the error of predicting each row by its k nearest others, for several k.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Class codes (int64), or numbers (float64).
    n_classes : int
        0 for numbers.

    Returns
    -------
    dict of int to float
        Share of rows whose neighbors' majority (of tied classes the smallest) is another class; or the mean squared
        difference from the neighbors' mean.

    Examples
    --------
    >>> graph = Graph(np.ones((3, 2)), np.array([[1, 2], [0, 2], [1, 0]]))
    >>> leave_one_out(graph, np.array([0, 0, 1]), 2)
    {1: 0.3333333333333333, 2: 0.3333333333333333}
    """
    ks = [k for k in (1, 2, 3, 5, 7, 10, 15, 20, 30) if k <= graph.k]
    wrong = dict.fromkeys(ks, 0.0)
    per_block = max(1, _BLOCK_ENTRIES // max(graph.k, n_classes))
    for start in range(0, graph.n_rows, per_block):
        near, own = y[graph.indices[start : start + per_block]], y[start : start + per_block]
        votes = np.zeros((len(own), n_classes), np.int32)
        counted = 0
        for k in ks:
            if not n_classes:
                wrong[k] += float(((near[:, :k].mean(axis=1) - own) ** 2).sum())
                continue
            for column in range(counted, k):
                votes[np.arange(len(own)), near[:, column]] += 1
            counted = k
            wrong[k] += float((votes.argmax(axis=1) != own).sum())
    return {k: total / graph.n_rows for k, total in wrong.items()}


def cover_hart(error: float, n_classes: int) -> tuple[float, float]:
    """Return the band of the lowest possible error, from that of the nearest neighbor among endlessly many rows.

    Examples
    --------
    >>> [round(end, 4) for end in cover_hart(0.18, 2)]
    [0.1, 0.18]
    """
    if n_classes < 2:
        return 0.0, 0.0
    share = (n_classes - 1) / n_classes
    error = min(max(error, 0.0), share)
    return share * (1.0 - float(np.sqrt(max(0.0, 1.0 - error / share)))), error


def best_of(errors: dict[int, float]) -> tuple[int, float]:
    """Return the k with the least error, the smaller one if there are several."""
    k = min(errors, key=lambda one: (errors[one], one))
    return k, errors[k]
