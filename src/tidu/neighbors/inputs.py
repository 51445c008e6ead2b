"""What was the search given, and do its parts fit together?

Arguments of any kind become block sources; shapes are compared, and the range of wide integers is looked
up, as the arithmetic depends on it. This file knows nothing of how neighbors are found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from tidu.data import BlockSource, as_source, blocks
from tidu.errors import ShapeError
from tidu.neighbors.metrics import Metric
from tidu.neighbors.plan import Sizes
from tidu.neighbors.strategy import Strategy, choose_strategy, is_wide_integer, natural_range
from tidu.words import say

__all__ = ["Input", "Inputs", "open_inputs", "progress_of"]

Input: TypeAlias = ArrayLike | BlockSource | str | PathLike[str]
"""What rows may be given as."""

# Well within the fixed part of every plan.
_SCAN_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Queries and data that fit together, and the arithmetic for them.

    Attributes
    ----------
    queries : BlockSource or None
        None stands for the data themselves.
    data : BlockSource
        The rows to be found.
    strategy : Strategy
        The arithmetic.
    held_bytes : int
        What converting the inputs to arrays has allocated.
    """

    queries: BlockSource | None
    data: BlockSource
    strategy: Strategy
    held_bytes: int

    @property
    def n_queries(self) -> int:
        """Number of queries."""
        return (self.data if self.queries is None else self.queries).shape[0]

    def sizes(self, k: int, with_distances: bool) -> Sizes:
        """Return what the memory plan needs to know."""
        queries = self.data if self.queries is None else self.queries
        n_rows, n_features = self.data.shape
        return Sizes(
            n_queries=self.n_queries,
            n_rows=n_rows,
            n_features=n_features,
            k=k,
            query_bytes=n_features * queries.dtype.itemsize,
            row_bytes=n_features * self.data.dtype.itemsize,
            dtype=str(self.data.dtype),
            with_distances=with_distances,
            held_bytes=self.held_bytes,
        )


def open_inputs(queries: Input | None, data: Input, metric: Metric) -> Inputs:
    """Open, compare and look at the inputs.

    Raises
    ------
    ShapeError
        If one is no matrix, has no columns, or the numbers of columns differ.
    """
    found, held = _open(data, "data")
    asked, more = (None, 0) if queries is None else _open(queries, "queries")
    if asked is not None and asked.shape[1] != found.shape[1]:
        raise ShapeError(
            f"queries have {asked.shape[1]} columns, data have {found.shape[1]}; they must agree",
            expected=found.shape[1],
            got=asked.shape[1],
        )
    sides = [found] if asked is None else [asked, found]
    strategy = choose_strategy(metric, (sides[0].dtype, found.dtype), found.shape[1], _integer_range(sides))
    return Inputs(asked, found, strategy, held + more)


def _open(rows: Input, role: str) -> tuple[BlockSource, int]:
    held = 0
    if not isinstance(rows, np.ndarray | str | PathLike | BlockSource):
        rows = np.asarray(rows)
        held = rows.nbytes
    source = as_source(rows)
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


@contextmanager
def progress_of(total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Give a function that counts pairs done, and shows a bar on standard error if asked."""
    if not shown:
        yield lambda pairs: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(say("knn.progress"), total=total)
        yield lambda pairs: bar.advance(task, pairs)
