"""How many queries and rows at a time fit into the memory allowed, and what will the peak be?

Every array that a search allocates is an item of the plan, as a function of the block sizes; all items
are added as if all were alive together. This file knows nothing of how the arrays are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import DTypeLike

from tidu.config import parse_bytes
from tidu.errors import BudgetError, ParameterError
from tidu.neighbors.metrics import Metric, resolve_metric
from tidu.neighbors.running import MERGE_BYTES
from tidu.neighbors.strategy import Strategy, choose_strategy, is_wide_integer, natural_range
from tidu.words import say

__all__ = ["MemoryPlan", "Sizes", "memory_plan", "plan_search"]

# What the interpreter, NumPy's cast buffers and small vectors take, whatever the sizes.
_FIXED_BYTES = 320_000
# Without a limit the blocks are chosen as if this were left beside the results.
_COMFORT_BYTES = 192 << 20
_LARGEST_QUERIES, _LARGEST_ROWS = 2048, 4096
# Exact distances are computed on about this much at a time, so that it stays in the cache.
_STRIP_BYTES = 1 << 20
_LARGEST_MERGE = 8192
# Powers of two by which scratch space is cut down, until a plan fits.
_THRIFT = (0, 3, 6, 20)
# Rows looked at to choose a center.
CENTER_ROWS = 256


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a search is about.

    Attributes
    ----------
    n_queries, n_rows, n_features, k : int
        The sizes.
    query_bytes, row_bytes : int
        Bytes of one stored row of the queries and of the data.
    dtype : str
        The data's dtype, to be printed.
    with_distances : bool
        Whether distances are part of the result.
    held_bytes : int
        What was allocated before the search: inputs that had to be converted.
    """

    n_queries: int
    n_rows: int
    n_features: int
    k: int
    query_bytes: int
    row_bytes: int
    dtype: str
    with_distances: bool = True
    held_bytes: int = 0


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """The block sizes of a search and the bytes they cost.

    Attributes
    ----------
    query_rows, data_rows : int
        Queries and rows of data in one block.
    strip_rows : int
        Pairs of rows whose exact distances are computed at a time.
    select_rows : int
        Rows of the tile that are partitioned at a time.
    merge_entries : int
        Entries merged into the running k nearest at a time.
    peak_bytes : int
        The most that is ever allocated.
    limit_bytes : int or None
        What was allowed.
    items : mapping of str to int
        Bytes of each part, by its key in the catalogue of words.
    sizes : Sizes
        What the plan was made for.
    """

    query_rows: int
    data_rows: int
    strip_rows: int
    select_rows: int
    merge_entries: int
    peak_bytes: int
    limit_bytes: int | None
    items: Mapping[str, int] = field(hash=False)
    sizes: Sizes

    def text(self, lang: str = "en") -> str:
        """Return the plan as a small table."""
        sizes = self.sizes
        lines = [
            say(
                "knn.plan",
                lang,
                n_queries=sizes.n_queries,
                n_rows=sizes.n_rows,
                n_features=sizes.n_features,
                dtype=sizes.dtype,
                k=sizes.k,
            ),
            say("knn.blocks", lang, query_rows=self.query_rows, data_rows=self.data_rows),
        ]
        rows = [(say(f"knn.{key}", lang), say("knn.bytes", lang, n=n)) for key, n in self.items.items()]
        rows.append((say("knn.peak", lang), say("knn.bytes", lang, n=self.peak_bytes)))
        limit = self.limit_bytes
        rows.append((say("knn.limit", lang), say("knn.bytes", lang, n=limit) if limit else say("knn.no_limit", lang)))
        left, right = (max(map(_columns, column)) for column in zip(*rows, strict=True))
        for name, value in rows:
            lines.append(f"  {name}{' ' * (left - _columns(name))}  {' ' * (right - _columns(value))}{value}")
        return "\n".join(lines)


def memory_plan(
    n_queries: int,
    n_rows: int,
    n_features: int,
    dtype: DTypeLike,
    k: int = 10,
    memory_limit: int | str | None = None,
    *,
    metric: str = "l2",
    p: float = 2.0,
) -> MemoryPlan:
    """Plan a search without running it.

    Parameters
    ----------
    n_queries, n_rows, n_features : int
        Sizes of the queries and of the data.
    dtype : dtype-like
        Of both.
    k : int, default 10
        Neighbors of each query.
    memory_limit : int or str, optional
        Bytes, or text such as ``"64MB"``.
    metric, p
        As for `kneighbors`.

    Returns
    -------
    MemoryPlan
        Block sizes, and the peak in bytes.

    Raises
    ------
    BudgetError
        If the limit is too small; `least_bytes` is the least that would do.

    Examples
    --------
    >>> plan = memory_plan(10_000, 50_000, 3072, "uint8", k=10, memory_limit="64MB")
    >>> plan.peak_bytes <= plan.limit_bytes
    True
    """
    found = np.dtype(dtype)
    chosen = resolve_metric(metric, p)
    values = natural_range(found) if found.kind in "biu" and not is_wide_integer(found) else (0, 0)
    strategy = choose_strategy(chosen, (found, found), n_features, values)
    if is_wide_integer(found):
        strategy = _costliest(chosen, n_features)
    row_bytes = n_features * found.itemsize
    sizes = Sizes(n_queries, n_rows, n_features, k, row_bytes, row_bytes, str(found))
    return plan_search(sizes, strategy, memory_limit)


def plan_search(sizes: Sizes, strategy: Strategy, memory_limit: int | str | None) -> MemoryPlan:
    """Choose the blocks of least cost whose peak is within the limit."""
    if sizes.k < 1 or sizes.n_features < 1:
        raise ParameterError(f"k and n_features must be at least 1; got {sizes.k} and {sizes.n_features}", k=sizes.k)
    limit = None if memory_limit is None else parse_bytes(memory_limit)
    room = _result_bytes(sizes) + sizes.held_bytes + _COMFORT_BYTES if limit is None else limit
    for thrift in _THRIFT:
        plans = (_priced(sizes, strategy, limit, *blocks, thrift) for blocks in _block_sizes(sizes))
        fitting = [plan for plan in plans if plan.peak_bytes <= room]
        if fitting:
            return min(fitting, key=_effort)
    least = _priced(sizes, strategy, limit, 1, 1, _THRIFT[-1])
    if limit is not None and least.peak_bytes > limit:
        raise BudgetError(
            f"memory_limit={memory_limit!r} is too small for k={sizes.k} neighbors of {sizes.n_queries:,} "
            f"queries in {sizes.n_features:,} columns; at least {least.peak_bytes:,} bytes are needed",
            limit_bytes=limit,
            least_bytes=least.peak_bytes,
        )
    return least


def _block_sizes(sizes: Sizes) -> Iterator[tuple[int, int]]:
    for query_rows in _halvings(min(max(sizes.n_queries, 1), _LARGEST_QUERIES)):
        for data_rows in _halvings(min(sizes.n_rows, _LARGEST_ROWS)):
            yield query_rows, data_rows


def _halvings(largest: int) -> Iterator[int]:
    while largest >= 1:
        yield largest
        largest //= 2


def _effort(plan: MemoryPlan) -> float:
    # Data are read and converted once for each block of queries; every tile has a cost of its own.
    return 1.0 / plan.query_rows + 0.3 / plan.data_rows


def _result_bytes(sizes: Sizes) -> int:
    return sizes.n_queries * sizes.k * (16 if sizes.with_distances else 8)


def _priced(
    sizes: Sizes, strategy: Strategy, limit: int | None, query_rows: int, data_rows: int, thrift: int
) -> MemoryPlan:
    """Count every array of a search with these blocks; the names are those of `tidu.words.knn`."""
    n, k = sizes.n_features, sizes.k
    prepared = 0 if strategy.route == "direct" else n * np.dtype(strategy.work).itemsize
    tile_item = strategy.tile_dtype.itemsize
    # Two gathered rows and the terms of their distance; cosine scales copies of both besides.
    pair_bytes = 8 * n * (7 if strategy.metric.kind == "cosine" else 3) + 64
    strip_bytes = _STRIP_BYTES >> thrift
    strip_rows = max(1, min(strip_bytes // pair_bytes, 4096))
    merge_entries = max(k + 16, max(4 * k, _LARGEST_MERGE) >> thrift)
    select_rows = max(1, min(query_rows, strip_bytes // (data_rows * tile_item)))
    # The center is the mean of some rows, which are read first.
    centering = min(CENTER_ROWS, data_rows) * sizes.row_bytes + 24 * n
    items = {
        "results": _result_bytes(sizes),
        # norms, bounds, thresholds, counts and their temporaries: twelve vectors of eight bytes
        "queries": query_rows * (2 * sizes.query_bytes + n + prepared + 96),
        # `n` more: the booleans of the check for NaN; a block that is stacked from parts is there twice
        "data": data_rows * (2 * sizes.row_bytes + n + prepared + 96) + centering,
        "tile": query_rows * data_rows * (tile_item + 1 + (4 if strategy.adds_products else 0)),
        "selection": (select_rows + 1) * data_rows * tile_item + data_rows * 24,
        "exact": strip_rows * pair_bytes,
        # the running keys and indices, and their conversion to distances
        "running": query_rows * k * 32 + merge_entries * MERGE_BYTES,
        "fixed": _FIXED_BYTES + sizes.held_bytes,
    }
    return MemoryPlan(
        query_rows,
        data_rows,
        strip_rows,
        select_rows,
        merge_entries,
        sum(items.values()),
        limit,
        MappingProxyType(items),
        sizes,
    )


def _costliest(metric: Metric, n_features: int) -> Strategy:
    """Return the route that takes most memory, for integers whose range is known only when they are read."""
    wide = choose_strategy(metric, (np.dtype(np.float64), np.dtype(np.float64)), n_features)
    return replace(wide, key_dtype=np.int64 if metric.keeps_integers else np.float64)


def _columns(text: str) -> int:
    """Count the columns of a terminal that a text takes; a Chinese character takes two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)
