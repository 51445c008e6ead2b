"""Which k candidates of each query are the nearest so far?

The whole memory of a search between two blocks: for every query its k smallest (key, index) pairs, in
order. Equal keys are ordered by index, so the result does not depend on the order of arrival. This file
knows nothing of metrics and blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidu.neighbors.metrics import Array, KeyDtype

__all__ = ["MERGE_BYTES", "Running"]

MERGE_BYTES = 160
"""Bytes that `Running.merge` and the lists it is given take for each entry, counted generously."""


class Running:
    """The k nearest so far of a block of queries.

    Attributes
    ----------
    keys : ndarray of shape (n_queries, k), int64 or float64
        Ascending in each row; the largest value of the dtype where nothing was found yet.
    indices : ndarray of shape (n_queries, k), int64
        Rows of the data.
    """

    __slots__ = ("indices", "k", "keys")

    def __init__(self, n_queries: int, k: int, dtype: KeyDtype) -> None:
        worst = np.iinfo(np.int64).max if dtype is np.int64 else np.inf
        self.k = k
        self.keys: Array = np.full((n_queries, k), worst, dtype)
        # An index past every row: an unfilled place comes after any found one, even at an infinite key.
        self.indices: NDArray[np.int64] = np.full((n_queries, k), np.iinfo(np.int64).max, np.int64)

    def worst(self) -> Array:
        """Return the key that a new candidate of each query may not exceed."""
        return self.keys[:, -1]

    def merge(self, queries: Array, rows: Array, indices: Array, keys: Array) -> None:
        """Offer candidates.

        Parameters
        ----------
        queries : ndarray, ascending
            The queries concerned.
        rows, indices, keys : ndarray of shape (n_candidates,)
            The query, the data row and the key of each candidate; no pair that was offered before.
        """
        owner = np.concatenate((rows, np.repeat(queries, self.k)))
        index = np.concatenate((indices, self.indices[queries].ravel()))
        key = np.concatenate((keys, self.keys[queries].ravel()))
        order = np.lexsort((index, key, owner))
        # Every query brings its k held entries, so at least k places of it follow its first.
        starts = np.searchsorted(owner[order], queries)
        chosen = order[starts[:, None] + np.arange(self.k)]
        self.indices[queries] = index[chosen]
        self.keys[queries] = key[chosen]
