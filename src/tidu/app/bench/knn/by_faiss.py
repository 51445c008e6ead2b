"""How does one search exactly with FAISS: `faiss.knn`, or an IndexFlatL2?

Both take float32 only. An index holds its copy of the rows before the clock starts; `faiss.knn` works on the array
that it is given. FAISS is imported when a searcher is made.
"""

from __future__ import annotations

import numpy as np

from tidu.app.bench.knn.searchers import Foreign, Found, Work, load

__all__ = ["FlatSearcher", "KnnSearcher"]

_SLICE_QUERIES, _SLICE_ROWS = 64, 2048


class KnnSearcher:
    """`faiss.knn`."""

    def __init__(self, work: Work) -> None:
        import faiss

        if work.threads:
            faiss.omp_set_num_threads(work.threads)
        self.faiss, self.k = faiss, work.k
        self.metric = {"l2": faiss.METRIC_L2, "l1": faiss.METRIC_L1}[work.metric]
        self.queries = load(work.queries, np.float32, work.n_queries)
        self.rows = load(work.rows, np.float32)

    def warm_up(self) -> None:
        """Search the first rows."""
        self._search(self.queries[:_SLICE_QUERIES], self.rows[:_SLICE_ROWS])

    def search(self) -> Found:
        """Search all."""
        return self._search(self.queries, self.rows)

    def _search(self, queries: Foreign, rows: Foreign) -> Found:
        indices: Found = self.faiss.knn(queries, rows, self.k, metric=self.metric)[1]
        return indices


class FlatSearcher(KnnSearcher):
    """An IndexFlatL2, or an IndexFlat of another metric; the array is given up once the index has it."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        n_features = self.rows.shape[1]
        l2 = work.metric == "l2"
        self.index = self.faiss.IndexFlatL2(n_features) if l2 else self.faiss.IndexFlat(n_features, self.metric)
        self.index.add(self.rows)
        self.rows = self.rows[:_SLICE_ROWS].copy()

    def warm_up(self) -> None:
        """Search for the first queries."""
        self.index.search(self.queries[:_SLICE_QUERIES], self.k)

    def search(self) -> Found:
        """Search all."""
        indices: Found = self.index.search(self.queries, self.k)[1]
        return indices
