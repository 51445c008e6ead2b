"""How does one search with tidu: out of files within a limit of memory, or in arrays?

Only the public interface is used. A limit holds for the whole call, reading included.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tidu
from tidu.app.bench.knn.searchers import Found, Work, load

__all__ = ["ArraySearcher", "BruteSearcher", "FileSearcher", "PrunedSearcher"]

_SLICE_QUERIES, _SLICE_ROWS = 64, 2048


class FileSearcher:
    """Queries and rows are read from their files in the call; the algorithm is chosen by tidu."""

    algorithm = "auto"

    def __init__(self, work: Work) -> None:
        self.work, self.limit_bytes = work, work.limit_bytes
        self.queries: Path | NDArray[np.generic] = work.queries
        self.rows: Path | NDArray[np.generic] = work.rows
        if work.n_queries is not None:
            self.queries = load(work.queries, count=work.n_queries)

    def warm_up(self) -> None:
        """Search the first rows."""
        k = self.work.k
        queries, rows = load(self.work.queries, count=_SLICE_QUERIES), load(self.work.rows, count=_SLICE_ROWS)
        self._search(queries, rows, min(k, len(rows)))

    def search(self) -> Found:
        """Search all."""
        return self._search(self.queries, self.rows, self.work.k)

    def _search(self, queries: Path | NDArray[np.generic], rows: Path | NDArray[np.generic], k: int) -> Found:
        found = tidu.kneighbors(
            queries,
            rows,
            k,
            self.work.metric,
            self.limit_bytes,
            algorithm=self.algorithm,
            threads=self.work.threads,
        )
        return found[1]


class PrunedSearcher(FileSearcher):
    """Most distances are bounded from below and never computed."""

    algorithm = "pruned"


class BruteSearcher(FileSearcher):
    """All distances are computed."""

    algorithm = "brute"


class ArraySearcher(FileSearcher):
    """Queries and rows are arrays in memory, and there is no limit."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.queries = load(work.queries, count=work.n_queries)
        self.rows = load(work.rows)
        self.limit_bytes = None
