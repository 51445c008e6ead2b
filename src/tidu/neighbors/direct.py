"""How are neighbors found by a metric that no native code knows, such as "minkowski" of any exponent?

The plain way: the keys of one query and a strip of rows by NumPy, and the k smallest kept by sorting. It takes long
and little memory, and finds what `tidu.neighbors.metrics` says. This file knows nothing of encodings and threads.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tidu.native.ledger import Ledger
from tidu.neighbors.finder import After, Room
from tidu.neighbors.heaps import Heaps
from tidu.neighbors.inputs import Inputs
from tidu.neighbors.metrics import Array
from tidu.neighbors.origin import refuse_nonfinite
from tidu.neighbors.plan import MemoryPlan
from tidu.neighbors.search import blocks_of
from tidu.neighbors.staging import Stage

__all__ = ["DirectSearch"]


class DirectSearch:
    """Compares one query with a strip of rows at a time.

    Parameters
    ----------
    inputs : Inputs
    plan : MemoryPlan
    ledger : Ledger
    """

    def __init__(self, inputs: Inputs, plan: MemoryPlan, ledger: Ledger) -> None:
        self._inputs, self._plan = inputs, plan
        self._queries = Stage(inputs.asked, plan.query_rows, ledger)
        self._rows = Stage(inputs.data, plan.data_rows, ledger)

    def find(self, rows: slice, heaps: Heaps, first: int, after: After) -> None:
        """Fill the heaps of a block of queries; they are heaps in any order, as nobody looks at their tops."""
        queries, own = self._load(rows), self._inputs.own_rows(rows)
        for number, (start, block) in enumerate(self._blocks(first), first + 1):
            for i, keys in self._keys(queries, rows, start, block):
                pairs = np.concatenate((heaps.keys[i], keys))
                places = np.concatenate((heaps.indices[i], np.arange(start, start + len(keys))))
                if own is not None and start <= own[i] < start + len(keys):
                    # Past every row: at an infinite key, too, it comes last.
                    places[heaps.k + own[i] - start] = np.iinfo(np.int64).max
                nearest = np.lexsort((places, pairs))[: heaps.k]
                heaps.keys[i], heaps.indices[i] = pairs[nearest], places[nearest]
            after(len(queries) * len(block), number)

    def collect(self, rows: slice, bound: float, room: Room, after: After) -> None:
        """Hand over all pairs of a block of queries whose key is within a bound."""
        queries = self._load(rows)
        for number, (start, block) in enumerate(self._blocks(0), 1):
            for i, keys in self._keys(queries, rows, start, block):
                found = np.flatnonzero(keys <= bound)
                room.take((np.full(len(found), i), found + start, keys[found]))
            after(len(queries) * len(block), number)

    def _load(self, rows: slice) -> Array:
        queries = self._queries.load(rows.start, rows.stop)
        refuse_nonfinite(queries, self._inputs.asked, rows.start, "queries")
        return queries

    def _blocks(self, first: int) -> Iterator[tuple[int, Array]]:
        for start, stop in blocks_of(self._inputs.data, self._plan.data_rows)[first:]:
            block = self._rows.load(start, stop)
            refuse_nonfinite(block, self._inputs.data, start, "data")
            yield start, block

    def _keys(self, queries: Array, rows: slice, start: int, block: Array) -> Iterator[tuple[int, Array]]:
        """Yield each query's keys of a block; that of a row with itself is larger than any."""
        arithmetic = self._inputs.arithmetic
        own = self._inputs.own_rows(rows)
        for i in range(len(queries)):
            with np.errstate(over="ignore", under="ignore"):
                keys = arithmetic.metric.keys(queries[i : i + 1], block, arithmetic.key_dtype)
            if own is not None and start <= own[i] < start + len(block):
                keys[own[i] - start] = np.inf if not arithmetic.whole else np.iinfo(np.int64).max
            yield i, keys
