"""In which order do blocks of queries and of rows meet, so that the k nearest of each query are found?

Every block of queries is kept while all rows pass by. This file knows nothing of what happens when two blocks meet,
and of what is done with the results.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tidu.data import BlockSource, is_forward_only
from tidu.native.ledger import Ledger
from tidu.neighbors.encoder import set_apart
from tidu.neighbors.encoding import exact_encoding
from tidu.neighbors.finder import After, Room
from tidu.neighbors.heaps import Heaps
from tidu.neighbors.inputs import Inputs
from tidu.neighbors.plan import MemoryPlan
from tidu.neighbors.sampling import samples_of
from tidu.neighbors.scanner import QueryBlock, RowBlock, Scanner, Side, spreading_step
from tidu.neighbors.suiting import choose_encoding

__all__ = ["Search", "blocks_of"]


class Search:
    """A search in which every pair is looked at.

    Parameters
    ----------
    inputs : Inputs
    plan : MemoryPlan
        The block sizes.
    ledger : Ledger
        Where memory comes from.
    """

    def __init__(self, inputs: Inputs, plan: MemoryPlan, ledger: Ledger) -> None:
        self._inputs, self._plan = inputs, plan
        arithmetic, n_threads = inputs.arithmetic, plan.sizes.n_threads
        encoding = exact_encoding(arithmetic)
        if encoding is None:
            with ledger.hold(plan.sample_bytes, "a sample of the rows"):
                share = plan.sizes.k / inputs.data.shape[0]
                encoding = choose_encoding(arithmetic, *samples_of(inputs, plan.sample_rows), share)
        self._encoding = encoding
        self._scanner = Scanner(encoding, arithmetic, plan.query_rows, ledger, n_threads)
        queries, rows = (plan.query_rows, plan.staged_queries), (plan.data_rows, plan.data_rows)
        self._asked = Side(inputs.asked, "queries", arithmetic, encoding, *queries, ledger, n_threads)
        self._offered = Side(inputs.data, "data", arithmetic, encoding, *rows, ledger, n_threads)

    def find(self, rows: slice, heaps: Heaps, first: int, after: After) -> None:
        """Fill the heaps of a block of queries."""
        queries = self._queries(rows)
        for number, block in enumerate(self._blocks(first), first + 1):
            self._scanner.nearest(queries, block, heaps)
            after(queries.encoded.n_rows * block.encoded.n_rows, number)

    def collect(self, rows: slice, bound: float, room: Room, after: After) -> None:
        """Hand over all pairs of a block of queries whose key is within a bound."""
        queries, dtype = self._queries(rows), self._inputs.arithmetic.key_dtype
        bounds = np.full(queries.encoded.n_rows, bound, dtype)
        for number, block in enumerate(self._blocks(0), 1):
            counts = self._scanner.within(queries, block, bounds, room.place)
            if max(counts) > room.place.shape[1]:
                room.grow(max(counts))
                counts = self._scanner.within(queries, block, bounds, room.place)
            for place, count in zip(room.place, counts, strict=True):
                room.take((place[:count, 0], place[:count, 1], place[:count, 2].view(dtype)))
            after(queries.encoded.n_rows * block.encoded.n_rows, number)

    def _queries(self, rows: slice) -> QueryBlock:
        """Return a block of queries; it holds until the next one."""
        raw, encoded = self._asked.load(rows.start, rows.stop)
        return QueryBlock(raw, encoded, self._asked.aux, self._inputs.own_rows(rows))

    def _blocks(self, first: int) -> Iterator[RowBlock]:
        """Yield blocks of rows, from one on; each holds until the next one."""
        for start, stop in blocks_of(self._inputs.data, self._plan.data_rows)[first:]:
            raw, encoded = self._offered.load(start, stop)
            error, size = set_apart(encoded, self._encoding)
            yield RowBlock(raw, encoded, self._offered.aux, start, error, size)


def blocks_of(source: BlockSource, per_block: int) -> list[tuple[int, int]]:
    """Return where blocks of rows begin and end, in the order in which they are best read.

    Rows may be sorted so that each is nearer than the one before: then every row would take the place of another.
    So blocks come far apart one after the other, any few of them spread over all rows, which leaves that to a
    handful; unless a source can only be read from top to bottom.

    Examples
    --------
    >>> from tidu.data import as_source
    >>> blocks_of(as_source(np.zeros((10, 1))), 2)
    [(0, 2), (6, 8), (2, 4), (8, 10), (4, 6)]
    """
    n_rows = source.shape[0]
    n_blocks = -(-n_rows // per_block)
    step = 1 if is_forward_only(source) else spreading_step(n_blocks)
    starts = [i * step % n_blocks * per_block for i in range(n_blocks)]
    return [(start, min(start + per_block, n_rows)) for start in starts]
