"""How many queries and rows at a time fit into the memory allowed, and what will the peak be?

Every array that a search allocates is an item of the plan, as a function of the block sizes; all items
are added as if all were alive together. This file knows nothing of how the arrays are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import DTypeLike

from tidu.config import parse_bytes
from tidu.errors import BudgetError, ParameterError
from tidu.native.machine import host
from tidu.native.threads import default_threads
from tidu.neighbors.arithmetic import Arithmetic, choose_arithmetic, is_wide_integer, natural_range
from tidu.neighbors.encoding import exact_encoding
from tidu.neighbors.kernels.comparisons import COMPARISONS, shape_for
from tidu.neighbors.kernels.exact import AUXILIARIES, scratch_bytes
from tidu.neighbors.kernels.scan import scan_scratch_bytes
from tidu.neighbors.metrics import resolve_metric
from tidu.neighbors.projection import MOST_DIRECTIONS, finding_bytes
from tidu.words import say

__all__ = ["BLOCK_UNIT", "SORTED_ENTRIES", "MemoryPlan", "Sizes", "memory_plan", "n_listed", "plan_search", "suited"]

# What the interpreter, NumPy's cast buffers and small vectors take, whatever the sizes.
_FIXED_BYTES = 320_000
# Without a limit the blocks are chosen as if this were left beside the results.
_COMFORT_BYTES = 192 << 20
_LARGEST_QUERIES = 1 << 16
# A block of packed rows stays in the third cache while all queries pass.
_BLOCK_BYTES, _FEWEST_ROWS = 4 << 20, 1024
# Below this a sample of the rows says too little; above, it takes longer than it is worth.
_LEAST_SAMPLE, _LARGEST_LOOK, _LARGEST_SAMPLE = 2, 1024, 2048
_SAMPLE_COPIES = 8
_PROJECTED_BYTES = 16 << 20
# Blocks of projected rows begin where a panel of rows, and one of queries, does on any processor.
BLOCK_UNIT = 96
# Entries that are sorted at a time in the end, and what each of them takes.
SORTED_ENTRIES = 1 << 14
_SORTED_BYTES = 64


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a search is about.

    Attributes
    ----------
    n_queries, n_rows, n_features, k : int
        The sizes.
    dtype : str
        The data's dtype, to be printed.
    with_distances : bool
        Whether distances are part of the result.
    held_bytes : int
        What was allocated before the search: inputs that had to be converted.
    comparison : str
        The integers that rows become, of those possible the longest.
    reads_again : bool
        Whether keys are computed from the rows themselves, so that queries must stay in memory.
    has_lengths : bool
        Whether rows are brought to length one.
    query_stage, row_stage : callable
        What reading so many queries, or rows, at once takes.
    n_threads : int
    n_directions : int
        Of projections; 0 for none.
    """

    n_queries: int
    n_rows: int
    n_features: int
    k: int
    dtype: str
    with_distances: bool = True
    held_bytes: int = 0
    comparison: str = "dot16"
    reads_again: bool = True
    has_lengths: bool = False
    query_stage: Callable[[int], int] = field(default=lambda n: 0, hash=False)
    row_stage: Callable[[int], int] = field(default=lambda n: 0, hash=False)
    n_threads: int = 1
    n_directions: int = 0


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """The block sizes of a search and the bytes they cost.

    Attributes
    ----------
    query_rows, data_rows : int
        Queries and rows of data in one block.
    sample_rows, sample_bytes : int
        Rows that are looked at before the search, and what they take.
    projected_rows : int
        Rows that are projected at a time.
    staged_queries : int
        Queries that are read at a time.
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
    sample_rows: int
    sample_bytes: int
    projected_rows: int
    staged_queries: int
    peak_bytes: int
    limit_bytes: int | None
    items: Mapping[str, int] = field(hash=False)
    sizes: Sizes

    @property
    def n_directions(self) -> int:
        """Directions of projections; 0 if every distance is computed."""
        return self.sizes.n_directions

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
            say("knn.pruned" if self.n_directions else "knn.brute", lang, n_directions=self.n_directions),
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
    wide = is_wide_integer(found)
    values = natural_range(found) if found.kind in "biu" and not wide else (0, 0)
    arithmetic = choose_arithmetic(chosen, (found, found), n_features, values)
    row_bytes = n_features * found.itemsize
    sizes = Sizes(
        n_queries,
        n_rows,
        n_features,
        k,
        str(found),
        query_stage=lambda n: n * row_bytes,
        row_stage=lambda n: n * row_bytes,
        n_threads=default_threads(),
    )
    return plan_search(suited(sizes, arithmetic), memory_limit)


def suited(sizes: Sizes, arithmetic: Arithmetic) -> Sizes:
    """Return the sizes with what follows from the arithmetic."""
    exact = exact_encoding(arithmetic)
    longest = {"absolute": "sum8", "largest": "max8"}.get(str(arithmetic.metric.native), "dot16")
    return replace(
        sizes,
        comparison=longest if exact is None else exact.comparison,
        reads_again=exact is None,
        has_lengths=arithmetic.has_lengths,
    )


def plan_search(sizes: Sizes, memory_limit: int | str | None, blocks: tuple[int, int] | None = None) -> MemoryPlan:
    """Choose the blocks of least cost whose peak is within the limit.

    Parameters
    ----------
    sizes : Sizes
    memory_limit : int, str or None
    blocks : tuple of (int, int), optional
        Queries and rows of a block, if they are known.
    """
    if sizes.k < 1 or sizes.n_features < 1:
        raise ParameterError(f"k and n_features must be at least 1; got {sizes.k} and {sizes.n_features}", k=sizes.k)
    limit = None if memory_limit is None else parse_bytes(memory_limit)
    room = _result_bytes(sizes) + sizes.held_bytes + _COMFORT_BYTES if limit is None else limit
    # Every thread has scratch space of its own: if that is too much, one of them does it.
    for n_threads in dict.fromkeys((sizes.n_threads, 1)):
        sizes = replace(sizes, n_threads=n_threads)
        # The least effort first, so that few are priced.
        for some in [blocks] if blocks else sorted(_block_sizes(sizes), key=_effort):
            plan = _priced(sizes, limit, room, *some)
            if plan.peak_bytes <= room:
                return plan
    least = _priced(sizes, limit, 0, *(blocks or (1, BLOCK_UNIT if sizes.n_directions else 1)))
    if limit is not None and least.peak_bytes > limit:
        raise BudgetError(
            f"memory_limit={memory_limit!r} is too small for k={sizes.k} neighbors of {sizes.n_queries:,} "
            f"queries in {sizes.n_features:,} columns; at least {least.peak_bytes:,} bytes are needed",
            limit_bytes=limit,
            least_bytes=least.peak_bytes,
        )
    return least


def _block_sizes(sizes: Sizes) -> Iterator[tuple[int, int]]:
    comparison = COMPARISONS[sizes.comparison]
    packed = comparison.n_units(sizes.n_features) * comparison.unit_bytes
    largest_rows = max(_FEWEST_ROWS, _BLOCK_BYTES // packed)
    for query_rows in _halvings(min(max(sizes.n_queries, 1), _LARGEST_QUERIES)):
        for data_rows in _halvings(min(max(sizes.n_rows, 1), largest_rows)):
            if not sizes.n_directions:
                yield query_rows, data_rows
            elif data_rows >= BLOCK_UNIT:
                yield query_rows, data_rows // BLOCK_UNIT * BLOCK_UNIT


def _halvings(largest: int) -> Iterator[int]:
    while largest >= 1:
        yield largest
        largest //= 2


def _effort(blocks: tuple[int, int]) -> float:
    # Data are read and converted once for each block of queries; every tile has a cost of its own.
    query_rows, data_rows = blocks
    return 1.0 / query_rows + 0.3 / data_rows


def _result_bytes(sizes: Sizes) -> int:
    return sizes.n_queries * sizes.k * (16 if sizes.with_distances else 8)


def _priced(sizes: Sizes, limit: int | None, room: int, query_rows: int, data_rows: int) -> MemoryPlan:
    """Count every array of a search with these blocks; the names are those of `tidu.words.knn`."""
    n, k = sizes.n_features, sizes.k
    comparison = COMPARISONS[sizes.comparison]
    shape = shape_for(comparison, host())
    coordinates = sizes.n_directions + 1 if sizes.n_directions else n
    packed = comparison.n_units(coordinates) * comparison.unit_bytes
    aux = 8 * AUXILIARIES + 8 if sizes.has_lengths else 0
    # Beside the packed row: statistics, errors, sizes, terms, thresholds, and the vectors they are made of.
    per_row = packed + 208 + aux
    # Queries that are not read again pass through a buffer as long as a block of rows.
    staged = query_rows if sizes.reads_again else min(query_rows, max(data_rows, shape.n_queries))
    scratch = scan_scratch_bytes(shape, comparison, scratch_bytes(n)) + packed + 256 + 2 * scratch_bytes(n)
    items = {
        "results": _result_bytes(sizes),
        "queries": _rounded(query_rows, shape.n_queries) * per_row + sizes.query_stage(staged),
        "data": _rounded(data_rows, shape.n_rows) * per_row + sizes.row_stage(data_rows),
        "running": query_rows * (8 * k + 16) + min(query_rows * k, SORTED_ENTRIES + k) * _SORTED_BYTES,
        "scratch": sizes.n_threads * scratch,
        "fixed": _FIXED_BYTES + sizes.held_bytes + 48 * n,
    }
    projected = 0
    if sizes.n_directions:
        projected = max(BLOCK_UNIT, min(_PROJECTED_BYTES // (8 * n), 960) // BLOCK_UNIT * BLOCK_UNIT)
        items["index"] = _rounded(sizes.n_rows, shape.n_rows) * (packed + 20)
        words = COMPARISONS["dot16"]
        unit = words.n_units(n) * words.unit_bytes
        width = _rounded(sizes.n_directions, shape.n_rows)
        items["projections"] = _rounded(projected, shape.n_queries) * (unit + 4 * width + 208) + width * (unit + 208)
        items["projections"] += 2 * sizes.n_threads * unit + 4 * projected * coordinates + 16 * n
        items["index"] += 2 * sizes.n_directions * n
        items["running"] += 16 * query_rows * n_listed(k, sizes.n_rows)
    # The sample is gone before the blocks are there, and so is an index that was read from disk.
    kept = items["results"] + items["fixed"]
    sample, sampling = _sample(sizes, room - kept)
    blocks = sum(items.values()) - kept
    items["sample"] = max(0, sampling - blocks, 2 * items.get("index", 0) + items["data"] - blocks)
    total = sum(items.values())
    return MemoryPlan(
        query_rows, data_rows, sample, sampling, projected, staged, total, limit, MappingProxyType(items), sizes
    )


def _sample(sizes: Sizes, room: int) -> tuple[int, int]:
    """Return how many rows are looked at before the search, and what that takes at most.

    Where rows are compared as they are, it is only to choose an algorithm, and may be left.
    """
    n = sizes.n_features
    most, directions = (_LARGEST_SAMPLE, sizes.n_directions) if sizes.n_directions else (_LARGEST_LOOK, MOST_DIRECTIONS)
    rows = max(_LEAST_SAMPLE, min(most, sizes.n_rows))
    while True:
        taken = sizes.row_stage(rows // 16 + 1) + 3 * n * (rows + 64) + finding_bytes(rows, n, min(directions, n))
        if sizes.reads_again and not sizes.n_directions:
            taken = max(taken if rows > _LEAST_SAMPLE else 0, sizes.row_stage(rows) + 8 * n * rows * _SAMPLE_COPIES)
        if taken <= room:
            return rows, taken
        if rows <= _LEAST_SAMPLE:
            return (rows, taken) if sizes.reads_again else (0, 0)
        rows = max(_LEAST_SAMPLE, rows * 3 // 4)


def n_listed(k: int, n_rows: int) -> int:
    """Return how many rows are judged first for each query of a search by projections."""
    return min(n_rows, k + max(10, k // 2))


def _rounded(rows: int, panel: int) -> int:
    return -(-rows // panel) * panel


def _columns(text: str) -> int:
    """Count the columns of a terminal that a text takes; a Chinese character takes two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)
