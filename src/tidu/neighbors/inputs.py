"""What was the search given, and do its parts fit together?

Arguments of any kind become block sources; shapes are compared, and the range of wide integers is looked
up, as the arithmetic depends on it. This file knows nothing of how neighbors are found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.data import BlockSource, RowsSource, as_source, blocks, widened
from tidu.errors import DtypeError, ParameterError, ShapeError
from tidu.neighbors.arithmetic import Arithmetic, choose_arithmetic, is_wide_integer, natural_range
from tidu.neighbors.metrics import Metric
from tidu.neighbors.plan import Sizes, suited
from tidu.neighbors.staging import stage_bytes

__all__ = ["Input", "Inputs", "open_inputs", "rows_where"]

Input: TypeAlias = ArrayLike | BlockSource | str | PathLike[str]
"""What rows may be given as."""

# Well within the fixed part of every plan.
_SCAN_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Queries and data that fit together, and the arithmetic for them.

    Attributes
    ----------
    asked : BlockSource
        The queries.
    data : BlockSource
        The rows to be found.
    is_own : bool
        Whether the queries are the data that were given, each row to be left out of its own neighbors.
    arithmetic : Arithmetic
        How pairs are judged.
    held_bytes : int
        What converting the inputs to arrays has allocated.
    rows : ndarray of int64, ascending, or None
        The rows of what was given that `data` are; None for all of them.
    """

    asked: BlockSource
    data: BlockSource
    is_own: bool
    arithmetic: Arithmetic
    held_bytes: int
    rows: NDArray[np.int64] | None = None

    @property
    def n_queries(self) -> int:
        """Number of queries."""
        return self.asked.shape[0]

    @property
    def n_pairs(self) -> int:
        """Pairs of a query and a row."""
        return self.asked.shape[0] * self.data.shape[0]

    def own_rows(self, queries: slice) -> NDArray[np.int64] | None:
        """Return which row of the data each query is, -1 where it is none of them; None if queries are no rows."""
        if not self.is_own:
            return None
        numbers = np.arange(queries.start, queries.stop)
        if self.rows is None:
            return numbers
        places = np.searchsorted(self.rows, numbers)
        found = self.rows[np.minimum(places, len(self.rows) - 1)] == numbers
        return np.where(found, places, -1)

    def sizes(self, k: int, with_distances: bool, n_threads: int) -> Sizes:
        """Return what the memory plan needs to know."""
        n_rows, n_features = self.data.shape
        sizes = Sizes(
            n_queries=self.n_queries,
            n_rows=n_rows,
            n_features=n_features,
            k=k,
            dtype=str(self.data.dtype),
            with_distances=with_distances,
            held_bytes=self.held_bytes,
            query_stage=partial(stage_bytes, self.asked),
            row_stage=partial(stage_bytes, self.data),
            n_threads=n_threads,
        )
        return suited(sizes, self.arithmetic)


def open_inputs(queries: Input | None, data: Input, metric: Metric, where: ArrayLike | None = None) -> Inputs:
    """Open, compare and look at the inputs.

    Raises
    ------
    ShapeError
        If one is no matrix, has no columns, or the numbers of columns differ.
    ParameterError, DtypeError
        If `where` is neither a mask nor row numbers.
    """
    found, held = _open(data, "data")
    asked, more = (found, 0) if queries is None else _open(queries, "queries")
    if asked.shape[1] != found.shape[1]:
        raise ShapeError(
            f"queries have {asked.shape[1]} columns, data have {found.shape[1]}; they must agree",
            expected=found.shape[1],
            got=asked.shape[1],
        )
    rows = None if where is None else rows_where(where, found.shape[0])
    searched = found if rows is None else RowsSource(found, rows)
    held += more + (0 if rows is None else rows.nbytes)
    integers = _integer_range([asked] if queries is None else [asked, found])
    arithmetic = choose_arithmetic(metric, (asked.dtype, found.dtype), found.shape[1], integers)
    return Inputs(asked, searched, queries is None, arithmetic, held, rows)


def rows_where(where: ArrayLike, n_rows: int) -> NDArray[np.int64]:
    """Return the rows that a mask or row numbers name, ascending, each once.

    Examples
    --------
    >>> rows_where([True, False, True], 3), rows_where([2, 0, 2], 3)
    (array([0, 2]), array([0, 2]))
    """
    given = np.asarray(where)
    if given.ndim != 1:
        raise ShapeError(
            f"where must be a mask of {n_rows:,} rows or row numbers; got shape {given.shape}",
            expected=(n_rows,),
            got=given.shape,
        )
    if given.dtype.kind == "b":
        if len(given) != n_rows:
            raise ShapeError(
                f"where is a mask of {len(given):,} rows, the data have {n_rows:,}", expected=n_rows, got=len(given)
            )
        rows = np.flatnonzero(given)
    elif given.dtype.kind in "iu" or not given.size:
        rows = np.unique(given)
    else:
        raise DtypeError(f"where must be booleans or row numbers; got {given.dtype}", got=given.dtype)
    if not rows.size:
        raise ParameterError("where leaves no row; choose at least one", available=0)
    if rows[0] < 0 or rows[-1] >= n_rows:
        raise ParameterError(
            f"where names row {rows[0] if rows[0] < 0 else rows[-1]}, the data have rows 0 to {n_rows - 1}",
            expected=(0, n_rows - 1),
            got=(int(rows[0]), int(rows[-1])),
        )
    return rows.astype(np.int64, copy=False)


def _open(rows: Input, role: str) -> tuple[BlockSource, int]:
    source = widened(as_source(rows))
    given = isinstance(rows, np.ndarray | str | PathLike | BlockSource)
    # What was no array has become one.
    held = 0 if given else math.prod(source.shape) * source.dtype.itemsize
    if len(source.shape) != 2 or source.shape[1] == 0:
        raise ShapeError(
            f"{role} must have shape (n_rows, n_features) with at least one column; got {source.shape}",
            expected="(n_rows, n_features)",
            got=source.shape,
        )
    return source, held


def _integer_range(sides: list[BlockSource]) -> tuple[int, int] | None:
    """Return the least and greatest value of the integer sides: by dtype, or by reading wide ones."""
    ranges = []
    for source in sides:
        if is_wide_integer(source.dtype):
            per_block = max(1, _SCAN_BYTES // (source.shape[1] * source.dtype.itemsize))
            ranges += [(int(block.min()), int(block.max())) for _, block in blocks(source, per_block)]
        elif source.dtype.kind in "biu":
            ranges.append(natural_range(source.dtype))
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)
