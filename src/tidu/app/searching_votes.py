"""What do the labels of the nearest rows say about each query, and how often is that right?

This file knows nothing of files.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tidu.app.searching_inputs import SearchSettings
from tidu.estimators.neighbors_voting import plan_votes, vote_bytes, votes_of, weights_of, winners

__all__ = ["accuracy", "predicted_labels"]

Array: TypeAlias = NDArray[np.generic]


def predicted_labels(
    distances: NDArray[np.float64], indices: NDArray[np.int64], k: int, labels: Array, settings: SearchSettings
) -> Array:
    """Return the label with most votes among the first `k` neighbors of each query.

    Parameters
    ----------
    distances, indices : ndarray of shape (n_queries, at least k)
        The neighbors, the nearest first.
    k : int
        How many vote.
    labels : ndarray of shape (n_rows,)
        Labels of the rows that were searched.
    settings : SearchSettings
        For `weights`, `ties` and `memory_limit`.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    n_queries = len(indices)
    plan = plan_votes(
        n_queries,
        k,
        column_bytes=vote_bytes(len(classes)),
        result_bytes=classes.dtype.itemsize,
        neighbor_bytes=16,
        limit=settings.memory_limit,
    )
    predicted = np.empty(n_queries, classes.dtype)
    for start in range(0, n_queries, plan.vote_rows):
        rows = slice(start, start + plan.vote_rows)
        near = codes[indices[rows, :k]]
        weights = weights_of(distances[rows, :k], "distance") if settings.weights == "distance" else None
        votes = votes_of(near, weights, len(classes))
        predicted[rows] = classes[winners(near, votes, settings.ties)]
    return predicted


def accuracy(predicted: Array, true: Array) -> int:
    """Return how many labels are right.

    Examples
    --------
    >>> accuracy(np.array(["a", "b"]), np.array(["a", "c"]))
    1
    """
    return int(np.count_nonzero(predicted == true))
