"""How does one search exactly with usearch, bytes as bytes?

usearch takes NumPy's uint8 for bits unless it is told ``dtype="u8"``. It is imported when a searcher is made.
"""

from __future__ import annotations

from tidu.app.bench.knn.searchers import Foreign, Found, Work, load

__all__ = ["UsearchSearcher"]

_SLICE_QUERIES, _SLICE_ROWS = 64, 2048
_DTYPES = {"uint8": "u8", "float32": "f32"}


class UsearchSearcher:
    """`usearch.index.search` with ``exact=True``."""

    def __init__(self, work: Work) -> None:
        from usearch.index import search

        self.run, self.k, self.threads = search, work.k, work.threads or 0
        self.queries = load(work.queries, count=work.n_queries)
        self.rows = load(work.rows)

    def warm_up(self) -> None:
        """Search the first rows."""
        self._search(self.queries[:_SLICE_QUERIES], self.rows[:_SLICE_ROWS])

    def search(self) -> Found:
        """Search all."""
        return self._search(self.queries, self.rows)

    def _search(self, queries: Foreign, rows: Foreign) -> Found:
        dtype = _DTYPES[rows.dtype.name]
        matches = self.run(rows, queries, self.k, "l2sq", exact=True, threads=self.threads, dtype=dtype)
        # A single query gives a single list.
        indices: Found = matches.keys.reshape(len(queries), self.k)
        return indices
