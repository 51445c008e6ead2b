"""How does one search with NumPy: a loop over blocks of a mapped file, a matrix product and `argpartition`?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidu.app.bench.knn.searchers import Found, Work, load

__all__ = ["NumpySearcher"]

_QUERIES, _ROWS = 2048, 4096


class NumpySearcher:
    """What one writes by hand, float32 throughout."""

    def __init__(self, work: Work) -> None:
        self.k = work.k
        self.queries: NDArray[np.float32] = load(work.queries, np.float32, work.n_queries)
        self.rows: NDArray[np.generic] = np.load(work.rows, mmap_mode="r", allow_pickle=False)

    def warm_up(self) -> None:
        """Search the first rows."""
        self._search(self.queries[:_QUERIES], self.rows[:_ROWS])

    def search(self) -> Found:
        """Search all."""
        return self._search(self.queries, self.rows)

    def _search(self, queries: NDArray[np.float32], rows: NDArray[np.generic]) -> Found:
        best = np.full((len(queries), self.k), np.inf, np.float32)
        found = np.full((len(queries), self.k), -1, np.int64)
        for start in range(0, len(rows), _ROWS):
            block = rows[start : start + _ROWS].astype(np.float32)
            norms = np.einsum("ij,ij->i", block, block)
            for first in range(0, len(queries), _QUERIES):
                part = slice(first, first + _QUERIES)
                keys = queries[part] @ block.T
                keys *= -2
                keys += norms
                width = min(self.k, len(block))
                nearest = np.argpartition(keys, width - 1, axis=1)[:, :width]
                both = np.concatenate([best[part], np.take_along_axis(keys, nearest, axis=1)], axis=1)
                names = np.concatenate([found[part], nearest + start], axis=1)
                chosen = np.argpartition(both, self.k - 1, axis=1)[:, : self.k]
                best[part] = np.take_along_axis(both, chosen, axis=1)
                found[part] = np.take_along_axis(names, chosen, axis=1)
        return found
