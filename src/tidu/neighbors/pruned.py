"""How are the nearest rows found by computing few distances, and still exactly?

All rows are projected on a few directions once; the projections, as integers, stay in memory. For a block of
queries the projections alone name some rows that should be near; the exact keys of those bound the key that is
searched for; and only rows whose projections do not exceed that bound are judged by their own numbers. This file
knows nothing of how projections are made and of how two blocks are compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tidu.native.ledger import Ledger
from tidu.neighbors.encoder import set_apart
from tidu.neighbors.finder import After
from tidu.neighbors.heaps import Heaps
from tidu.neighbors.index import ProjectedIndex, ProjectedSide
from tidu.neighbors.inputs import Inputs
from tidu.neighbors.kernels.exact import scratch_bytes
from tidu.neighbors.kernels.listed import compiled_listed
from tidu.neighbors.kernels.table import LISTED_SLOTS, run_shared
from tidu.neighbors.plan import MemoryPlan, n_listed
from tidu.neighbors.scanner import QueryBlock, RowBlock, Scanner
from tidu.neighbors.search import blocks_of
from tidu.neighbors.staging import Stage

__all__ = ["PrunedSearch"]

_FARTHEST = 1 << 62
"""A value that no projections reach."""


class PrunedSearch:
    """A search by projections.

    Parameters
    ----------
    inputs : Inputs
    plan : MemoryPlan
        With `n_directions` above 0.
    ledger : Ledger
    path : path, optional
        Where projections are kept.
    """

    def __init__(
        self, inputs: Inputs, plan: MemoryPlan, ledger: Ledger, path: str | os.PathLike[str] | None = None
    ) -> None:
        self._inputs, self._plan = inputs, plan
        self._n_threads = plan.sizes.n_threads
        self._index = ProjectedIndex(inputs, plan, ledger, path)
        self._queries = Stage(inputs.asked, plan.query_rows, ledger)
        self._asked = ProjectedSide(inputs.asked, "queries", self._index, plan.query_rows, plan.query_rows)
        self._scanner = Scanner(self._index.encoding, inputs.arithmetic, plan.query_rows, ledger, self._n_threads)
        self._n_listed = n_listed(plan.sizes.k, inputs.data.shape[0])
        self._listed, self._values = (
            ledger.allocate(8 * plan.query_rows * self._n_listed, what).view(np.int64)
            for what in ("rows to be judged first", "values of projections")
        )
        self._stride = -(-scratch_bytes(inputs.arithmetic.n_features) // 64) * 64 + 64
        self._scratch = ledger.allocate(self._stride * self._n_threads, "scratch of keys")

    def find(self, rows: slice, heaps: Heaps, first: int, after: After) -> None:
        """Fill the heaps of a block of queries; always from the first block of rows on."""
        heaps.clear()
        queries = self._load(rows)
        listed = self._list(queries)
        for block in self._blocks():
            self._judge(queries, block, listed, heaps)
        heaps.bound_by_what_was_found()
        for block in self._blocks():
            self._scanner.nearest(queries, block, heaps)
            after(queries.encoded.n_rows * block.encoded.n_rows, 0)

    def _load(self, rows: slice) -> QueryBlock:
        raw = self._queries.load(rows.start, rows.stop)
        self._asked.add(raw, 0, rows.start)
        encoded = self._asked.encoder.encoded(len(raw))
        return QueryBlock(raw, encoded, self._asked.origin.aux, self._inputs.own_rows(rows))

    def _list(self, queries: QueryBlock) -> NDArray[np.int64]:
        """Return, for each query, the rows whose projections are nearest."""
        n, n_rows = queries.encoded.n_rows, self._inputs.data.shape[0]
        shape = (n, self._n_listed)
        values, listed = (x[: n * self._n_listed].reshape(shape) for x in (self._values, self._listed))
        nearest = Heaps(values, listed, np.empty(n, np.int64), _FARTHEST)
        rows = RowBlock(None, self._index.rows.encoder.encoded(n_rows), None, 0, 0.0, 0.0)
        self._scanner.nearest(queries, rows, nearest, by_value=True)
        return listed

    def _blocks(self) -> Iterator[RowBlock]:
        """Yield blocks of rows with their projections."""
        for start, stop in blocks_of(self._inputs.data, self._plan.data_rows):
            raw, origin = self._index.stage.load(start, stop), self._index.rows.origin
            origin.lengths(raw, start, 0)
            part = self._index.part(start, stop)
            error, size = set_apart(part, self._index.encoding)
            yield RowBlock(raw, part, origin.aux, start, error, size)

    def _judge(self, queries: QueryBlock, block: RowBlock, listed: NDArray[np.int64], heaps: Heaps) -> None:
        """Compute the keys of listed rows."""
        exact = self._inputs.arithmetic.exact_key
        assert exact is not None
        given = {
            "n_queries": len(listed),
            "listed": listed,
            "n_listed": listed.shape[1],
            "raw_queries": queries.raw,
            "raw_rows": block.raw,
            "query_aux": queries.aux,
            "row_aux": block.aux,
            "n_features": self._inputs.arithmetic.n_features,
            "n_rows": block.encoded.n_rows,
            "first_row": block.first,
            "keys": heaps.keys,
            "indices": heaps.indices,
            "k": heaps.k,
            "scratch": self._scratch,
            "scratch_stride": self._stride,
        }
        run_shared(compiled_listed(exact), LISTED_SLOTS, given, self._n_threads)
