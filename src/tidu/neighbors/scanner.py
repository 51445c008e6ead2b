"""How is a block of queries compared with a block of rows by native code?

Rows are read, encoded as integers and handed to the native scan, with all that it must know. This file knows nothing
of budgets, and of the order in which blocks come.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.data import BlockSource
from tidu.errors import DataError
from tidu.native.ledger import Ledger
from tidu.neighbors.arithmetic import Arithmetic
from tidu.neighbors.encoder import Encoded, Encoder
from tidu.neighbors.encoding import Encoding
from tidu.neighbors.heaps import Heaps
from tidu.neighbors.kernels.exact import scratch_bytes
from tidu.neighbors.kernels.scan import Scan, compiled_scan, scan_scratch_bytes
from tidu.neighbors.kernels.table import SCAN_SLOTS, run_shared
from tidu.neighbors.metrics import Array
from tidu.neighbors.origin import Origin
from tidu.neighbors.staging import Stage

__all__ = ["QueryBlock", "RowBlock", "Scanner", "Side", "spreading_step"]

_TASK_BYTES = 1 << 19
"""Queries that a thread takes at a time: half of the second cache."""
_TASKS_PER_THREAD = 4
_GOLDEN = 0.6180339887498949


class Side:
    """Rows of one side, read and encoded block by block.

    Parameters
    ----------
    source : BlockSource
    role : {"queries", "data"}
        For messages.
    arithmetic : Arithmetic
    encoding : Encoding
    most_rows : int
        Rows that are encoded at once.
    staged_rows : int
        Rows that are read at once; fewer if they are not looked at again.
    ledger : Ledger
    n_threads : int
    """

    def __init__(
        self,
        source: BlockSource,
        role: str,
        arithmetic: Arithmetic,
        encoding: Encoding,
        most_rows: int,
        staged_rows: int,
        ledger: Ledger,
        n_threads: int,
    ) -> None:
        self._stage = Stage(source, staged_rows, ledger)
        self._staged_rows = staged_rows
        self._origin = Origin(source, role, arithmetic, most_rows, ledger, n_threads)
        self.encoder = Encoder(
            encoding,
            source.dtype,
            arithmetic.n_features,
            most_rows,
            queries=role == "queries",
            has_factors=arithmetic.has_lengths,
            ledger=ledger,
            n_threads=n_threads,
        )

    @property
    def aux(self) -> NDArray[np.float64] | None:
        """What keys of "cosine" need of the rows that were encoded."""
        return self._origin.aux

    def load(self, start: int, stop: int) -> tuple[Array, Encoded]:
        """Read and encode rows; what is returned holds until the next call.

        Raises
        ------
        DataError
            If a row has a NaN or an infinity.
        """
        step = stop - start
        if self._staged_rows < step:
            step = self._staged_rows // self.encoder.panel_rows * self.encoder.panel_rows
        for first in range(start, stop, max(1, step)):
            raw = self._stage.load(first, min(first + step, stop))
            factors = self._origin.lengths(raw, first, first - start)
            self._origin.refuse(raw, first, self.encoder.encode(raw, factors, first - start))
        return raw, self.encoder.encoded(stop - start)


@dataclass(frozen=True, slots=True, eq=False)
class QueryBlock:
    """A block of queries ready to be compared.

    Attributes
    ----------
    raw : ndarray
        The queries themselves.
    encoded : Encoded
    aux : ndarray or None
        As keys of "cosine" need it.
    own : ndarray of shape (n_queries,), int64, or None
        The row of the data that each query is, or -1; None if they are none.
    """

    raw: Array
    encoded: Encoded
    aux: NDArray[np.float64] | None
    own: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True, eq=False)
class RowBlock:
    """A block of rows ready to be compared.

    Attributes
    ----------
    raw : ndarray or None
        The rows themselves, where keys are computed from them.
    encoded : Encoded
    aux : ndarray or None
    first : int
        Row number of the first one.
    error, size : float
        Of rows that do not always pass.
    """

    raw: Array | None
    encoded: Encoded
    aux: NDArray[np.float64] | None
    first: int
    error: float
    size: float


class Scanner:
    """Runs native scans of one encoding.

    Parameters
    ----------
    encoding : Encoding
    arithmetic : Arithmetic
    most_queries : int
        Of a block.
    ledger : Ledger
    n_threads : int
    """

    def __init__(
        self, encoding: Encoding, arithmetic: Arithmetic, most_queries: int, ledger: Ledger, n_threads: int
    ) -> None:
        self._encoding, self._arithmetic, self._n_threads = encoding, arithmetic, n_threads
        shape, compared = encoding.shape, encoding.compared
        padded = -(-most_queries // shape.n_queries) * shape.n_queries
        self._thresholds = ledger.allocate(4 * padded, "thresholds").view(np.int32)
        self._slack = ledger.allocate(8 * most_queries, "slacks").view(np.float64)
        self._stride = scan_scratch_bytes(shape, compared, scratch_bytes(arithmetic.n_features))
        self._scratch = ledger.allocate(self._stride * n_threads, "scratch of a scan")

    def nearest(self, queries: QueryBlock, rows: RowBlock, heaps: Heaps, *, by_value: bool = False) -> None:
        """Offer every row to every query.

        Parameters
        ----------
        queries : QueryBlock
        rows : RowBlock
        heaps : Heaps
            Changed in place.
        by_value : bool
            Whether the values of pairs are taken for keys, whatever they leave out.
        """
        given = {"keys": heaps.keys, "indices": heaps.indices, "k": heaps.keys.shape[1], "bounds": heaps.bounds}
        exact = not by_value and self._encoding.rule != "value"
        scan = Scan(
            self._encoding.comparison,
            self._encoding.factor,
            self._encoding.rule if exact else "value",
            self._arithmetic.exact_key if exact else None,
        )
        self._run(scan, queries, rows, given)

    def within(self, queries: QueryBlock, rows: RowBlock, bounds: Array, found: NDArray[np.int64]) -> list[int]:
        """Write down pairs whose keys are at most their query's bound.

        Parameters
        ----------
        queries : QueryBlock
        rows : RowBlock
        bounds : ndarray of shape (n_queries,)
        found : ndarray of shape (n_threads, capacity, 3), int64
            Filled with query, row and the bits of the key.

        Returns
        -------
        list of int
            How many pairs each thread has found; more than fit were not written down.
        """
        counts = np.zeros(8 * self._n_threads, np.int64)
        given = {"bounds": bounds, "found": found, "capacity": found.shape[1], "counts": counts}
        exact = self._encoding.rule != "value"
        scan = Scan(
            self._encoding.comparison,
            self._encoding.factor,
            self._encoding.rule,
            self._arithmetic.exact_key if exact else None,
            collects=True,
        )
        self._run(scan, queries, rows, given)
        return [int(count) for count in counts[::8]]

    def _run(
        self, scan: Scan, queries: QueryBlock, rows: RowBlock, given: dict[str, int | NDArray[np.generic]]
    ) -> None:
        encoding, asked, offered = self._encoding, queries.encoded, rows.encoded
        raw_bytes = 0 if scan.exact is None else queries.raw[0].nbytes
        per_task = _panels_per_task(asked, self._encoding, raw_bytes, self._n_threads)
        table: dict[str, int | float | NDArray[np.generic] | None] = {
            **given,
            "n_tasks": -(-asked.n_panels // per_task),
            "task_panels": per_task,
            "n_panels": asked.n_panels,
            "n_queries": asked.n_rows,
            "packed_queries": asked.packed,
            "packed_rows": offered.packed,
            "n_row_panels": offered.n_panels,
            "panel_step": spreading_step(offered.n_panels),
            "n_rows": offered.n_rows,
            "n_units": offered.n_units,
            "row_terms": offered.terms,
            "query_terms": asked.terms,
            "query_slack": self._slacks(queries, rows),
            "row_slack": rows.error if encoding.factor != -1 else 0.0,
            "inverse_scale": encoding.inverse_scale,
            "alpha": encoding.alpha,
            "beta": encoding.beta,
            "raw_queries": queries.raw,
            "raw_rows": rows.raw,
            "n_features": self._arithmetic.n_features,
            "first_row": rows.first,
            "own": queries.own,
            "query_aux": queries.aux,
            "row_aux": rows.aux,
            "scratch": self._scratch,
            "scratch_stride": self._stride,
            "thresholds": self._thresholds,
        }
        run_shared(compiled_scan(scan), SCAN_SLOTS, table, self._n_threads)

    def _slacks(self, queries: QueryBlock, rows: RowBlock) -> NDArray[np.float64]:
        """Return what the integers of a query may be wrong by; of products in view of all rows."""
        asked = queries.encoded
        if self._encoding.factor != -1 or self._encoding.rule == "value":
            return asked.errors
        slack = self._slack[: asked.n_rows]
        with np.errstate(all="ignore"):
            self._refuse_overflow(queries, rows)
            np.multiply(asked.sizes, rows.error + 1e-13 * rows.size, out=slack)
            slack += asked.errors * rows.size
        return slack

    def _refuse_overflow(self, queries: QueryBlock, rows: RowBlock) -> None:
        """Raise if inner products may leave the range of float64."""
        largest = float(np.max(queries.encoded.sizes)), float(np.max(rows.encoded.sizes))
        most = float(np.finfo(np.float64).max)
        if largest[0] * largest[1] < most:
            return
        assert rows.raw is not None
        # Lengths may have overflowed where products do not.
        values = [float(np.max(np.abs(side.astype(np.float64)))) for side in (queries.raw, rows.raw)]
        if not values[0] * values[1] * self._arithmetic.n_features < most:
            raise DataError(
                "inner products of these rows overflow float64; divide the values by a power of two",
                largest_norm=max(largest),
            )


def _panels_per_task(asked: Encoded, encoding: Encoding, raw_bytes: int, n_threads: int) -> int:
    """Return how many panels of queries, with the queries themselves if they are looked at, stay in the cache."""
    panel_bytes = encoding.shape.n_queries * (asked.n_units * encoding.compared.unit_bytes + raw_bytes)
    most = max(1, _TASK_BYTES // panel_bytes)
    even = -(-asked.n_panels // (_TASKS_PER_THREAD * n_threads)) if n_threads > 1 else asked.n_panels
    return max(1, min(most, even))


def spreading_step(n: int) -> int:
    """Return a step with which n places are all visited, any few of them spread over all.

    Examples
    --------
    >>> [i * spreading_step(5) % 5 for i in range(5)]
    [0, 3, 1, 4, 2]
    """
    step = max(1, round(n * _GOLDEN))
    while math.gcd(step, max(1, n)) != 1:
        step += 1
    return step
