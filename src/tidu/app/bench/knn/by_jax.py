"""How does one search with JAX: blocks of rows, matrix products and `lax.top_k`, all compiled?

The rows lie on the device as float32, whose products it does best. JAX is imported when a searcher is made.
"""

from __future__ import annotations

import numpy as np

from tidu.app.bench.knn.searchers import Foreign, Found, Work, load

__all__ = ["JaxSearcher"]

_QUERIES, _ROWS = 1000, 8192


class JaxSearcher:
    """A jitted loop over blocks of rows for a block of queries at a time."""

    def __init__(self, work: Work) -> None:
        import jax

        self.jax, self.k = jax, work.k
        self.queries = load(work.queries, np.float32, work.n_queries)
        self.rows = jax.device_put(load(work.rows, np.float32))
        n = self.rows.shape[0]
        width = min(_ROWS, n)
        # The last block begins earlier than its turn, to be as wide as all; what it has twice is masked.
        self.starts = [(start, min(start, n - width)) for start in range(0, n, width)]
        self.step = jax.jit(self._step(width))

    def _step(self, width: int) -> Foreign:
        lax, jnp = self.jax.lax, self.jax.numpy

        def step(
            best: Foreign, found: Foreign, queries: Foreign, rows: Foreign, turn: Foreign, begin: Foreign
        ) -> Foreign:
            block = lax.dynamic_slice_in_dim(rows, begin, width)
            names = begin + jnp.arange(width, dtype=jnp.int32)
            keys = 2 * queries @ block.T - jnp.sum(block * block, axis=1)
            keys = jnp.where(names < turn, -jnp.inf, keys)
            nearest, at = lax.top_k(keys, min(self.k, width))
            both = jnp.concatenate([best, nearest], axis=1)
            best, chosen = lax.top_k(both, self.k)
            return best, jnp.take_along_axis(jnp.concatenate([found, names[at]], axis=1), chosen, axis=1)

        return step

    def warm_up(self) -> None:
        """Search the first block of rows for the first and for the last queries, whose shapes are all there are."""
        n = len(self.queries)
        for start in {0, (n - 1) // _QUERIES * _QUERIES}:
            self._search(self.queries[start : start + _QUERIES], self.starts[:1])

    def search(self) -> Found:
        """Search all."""
        starts = range(0, len(self.queries), _QUERIES)
        return np.concatenate([self._search(self.queries[start : start + _QUERIES], self.starts) for start in starts])

    def _search(self, queries: Foreign, starts: list[tuple[int, int]]) -> Found:
        jnp = self.jax.numpy
        best = jnp.full((len(queries), self.k), -jnp.inf, jnp.float32)
        found = jnp.full((len(queries), self.k), -1, jnp.int32)
        given = self.jax.device_put(queries)
        for turn, begin in starts:
            best, found = self.step(best, found, given, self.rows, turn, begin)
        return np.asarray(found)
