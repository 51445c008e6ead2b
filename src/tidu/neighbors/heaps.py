"""Which k rows of each query are the nearest so far?

The whole memory of a search between two blocks. Pairs are ordered by (key, index), so the result does not depend on
the order of arrival. This file knows nothing of metrics and blocks; native code fills the heaps
(`tidu.neighbors.kernels.heap`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidu.neighbors.metrics import Array
from tidu.neighbors.plan import SORTED_ENTRIES

__all__ = ["Heaps"]


class Heaps:
    """The k nearest so far of a block of queries.

    Parameters
    ----------
    keys : ndarray of shape (n_queries, k), int64 or float64
    indices : ndarray of shape (n_queries, k), int64
        Heaps with the farthest on top.
    bounds : ndarray of shape (n_queries,)
        Keys beyond are not wanted.
    farthest : int or float
        The key where nothing was found yet; the index there is the largest that there is.
    """

    def __init__(self, keys: Array, indices: NDArray[np.int64], bounds: Array, farthest: float) -> None:
        self.keys, self.indices, self.bounds, self._farthest = keys, indices, bounds, farthest
        self.clear()
        bounds.fill(farthest)

    @property
    def k(self) -> int:
        """Entries of a query."""
        return int(self.keys.shape[1])

    def clear(self) -> None:
        """Forget what was found."""
        self.keys.fill(self._farthest)
        self.indices.fill(np.iinfo(np.int64).max)

    def bound_by_what_was_found(self) -> None:
        """Want no keys beyond those found, and forget them: they will be found again."""
        np.copyto(self.bounds, self.keys[:, 0])
        self.clear()

    def sort(self) -> None:
        """Bring the entries of each query into order."""
        step = max(1, SORTED_ENTRIES // self.k)
        for start in range(0, len(self.keys), step):
            keys, indices = self.keys[start : start + step], self.indices[start : start + step]
            order = np.lexsort((indices, keys))
            keys[:] = np.take_along_axis(keys, order, 1)
            indices[:] = np.take_along_axis(indices, order, 1)
