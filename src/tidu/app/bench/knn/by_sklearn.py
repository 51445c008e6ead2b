"""How does one search by brute force with scikit-learn, with or without Intel's extension?

Both are imported when a searcher is made; fitting only keeps the rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from tidu.app.bench.knn.searchers import Foreign, Found, Work, load

__all__ = ["DoubleSearcher", "IntelSearcher", "SingleSearcher"]

_SLICE_QUERIES, _SLICE_ROWS = 64, 2048
_METRICS = {"l2": "euclidean", "l1": "manhattan"}


class SingleSearcher:
    """`NearestNeighbors` in float32."""

    dtype: DTypeLike = np.float32

    def __init__(self, work: Work) -> None:
        self.k, self.metric = work.k, _METRICS[work.metric]
        self.queries = load(work.queries, self.dtype, work.n_queries)
        self.rows = load(work.rows, self.dtype)
        self.model = self._model().fit(self.rows)

    def _model(self) -> Foreign:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=self.k, algorithm="brute", metric=self.metric)

    def warm_up(self) -> None:
        """Search the first rows."""
        self._model().fit(self.rows[:_SLICE_ROWS]).kneighbors(self.queries[:_SLICE_QUERIES])

    def search(self) -> Found:
        """Search all."""
        indices: Found = self.model.kneighbors(self.queries)[1]
        return indices


class DoubleSearcher(SingleSearcher):
    """`NearestNeighbors` in float64."""

    dtype = np.float64


class IntelSearcher(SingleSearcher):
    """`NearestNeighbors` of scikit-learn-intelex in float32."""

    def _model(self) -> Foreign:
        from sklearnex.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=self.k, algorithm="brute", metric=self.metric)
