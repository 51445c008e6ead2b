"""Which rows lie within a radius of each query: the public function.

It runs the same search as `kneighbors` with a fixed threshold. This file knows nothing of tiles and bounds.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.errors import BudgetError, ParameterError
from tidu.neighbors.finder import Collector, Pairs
from tidu.neighbors.inputs import Input, Inputs, open_inputs
from tidu.neighbors.job import every_pair, query_blocks, thread_count
from tidu.neighbors.metrics import Array, resolve_metric
from tidu.neighbors.plan import MemoryPlan, plan_search
from tidu.neighbors.reporting import Progress, progress_of

__all__ = ["radius_neighbors"]

# A pair that is found: query, row and distance, and their sorted and divided copies.
_PAIR_BYTES = 96
# The arrays of one query's neighbors, as Python objects.
_QUERY_BYTES = 400
# Where native code writes pairs down.
_ROOM_BYTES = 1 << 16


def radius_neighbors(
    queries: Input | None,
    data: Input,
    radius: float,
    metric: str = "l2",
    memory_limit: int | str | None = None,
    return_distance: bool = True,
    sort_results: bool = False,
    progress: Progress = False,
    *,
    p: float = 2.0,
    threads: int | None = None,
    where: ArrayLike | None = None,
) -> tuple[NDArray[np.object_], NDArray[np.object_]] | NDArray[np.object_]:
    """Find every row within a distance of each query, exactly, within a limit of memory.

    Parameters
    ----------
    queries, data, metric, memory_limit, progress, p, threads, where
        As for `kneighbors`.
    radius : float
        Pairs whose returned distance is at most this are found; for "inner_product", at least this.
    return_distance : bool, default True
        Whether distances are returned besides indices.
    sort_results : bool, default False
        Whether each query's neighbors are ordered by distance, else by row.

    Returns
    -------
    distances : ndarray of shape (n_queries,) of float64 arrays
        Only if `return_distance`.
    indices : ndarray of shape (n_queries,) of int64 arrays
        Rows of `data`.

    Raises
    ------
    BudgetError
        Also if what was found outgrows the limit; how much that will be cannot be planned.

    Examples
    --------
    >>> distances, indices = radius_neighbors([[0.0]], [[1.0], [-3.0], [0.5]], radius=1.0)
    >>> indices[0], distances[0]
    (array([0, 2]), array([1. , 0.5]))
    """
    chosen = resolve_metric(metric, p)
    if isinstance(radius, bool) or not isinstance(radius, int | float | np.integer | np.floating):
        raise ParameterError(f"radius must be a number; got {radius!r}", got=radius)
    if not math.isfinite(radius):
        raise ParameterError(f"radius must be a finite number; got {radius!r}", got=radius)
    n_threads = thread_count(threads)
    inputs = open_inputs(queries, data, chosen, where)
    n_queries = inputs.n_queries
    found_distances = np.empty(n_queries, object)
    found_indices = np.empty(n_queries, object)
    sizes = inputs.sizes(1, return_distance, n_threads)
    sizes = replace(sizes, held_bytes=sizes.held_bytes + n_queries * _QUERY_BYTES + _ROOM_BYTES)
    plan = plan_search(sizes, memory_limit)
    collected = _Collected(plan, inputs, float(radius))
    # The larger product is the nearer one.
    order = 0.0 if not sort_results else -1.0 if chosen.kind == "inner_product" else 1.0
    if inputs.n_pairs:
        with progress_of(inputs.n_pairs, progress) as step:
            finder: Collector = every_pair(inputs, plan)
            for rows in query_blocks(n_queries, plan.query_rows):
                finder.collect(rows, collected.bound, collected, lambda pairs, n_blocks: step(pairs))
                for row, (distances, indices) in enumerate(collected.per_query(rows.stop - rows.start, order)):
                    found_distances[rows.start + row], found_indices[rows.start + row] = distances, indices
    elif n_queries:
        for row in range(n_queries):
            found_distances[row], found_indices[row] = np.empty(0), np.empty(0, np.int64)
    return (found_distances, found_indices) if return_distance else found_indices


class _Collected:
    """What was found for a block of queries, and how much memory all that was found takes."""

    def __init__(self, plan: MemoryPlan, inputs: Inputs, radius: float) -> None:
        self._plan, self._metric, self._radius = plan, inputs.arithmetic.metric, radius
        self._rows = inputs.rows
        bound = self._metric.key_of_distance(radius)
        if inputs.arithmetic.whole:
            bound = math.floor(min(max(bound, -(2.0**62)), 2.0**62))
        self.bound = bound
        self._pairs = 0
        n_threads = plan.sizes.n_threads
        self._pieces: list[Pairs] = []
        self.place = np.empty((n_threads, _ROOM_BYTES // (24 * n_threads), 3), np.int64)

    def take(self, pairs: Pairs) -> None:
        """Keep the pairs that are within the radius."""
        queries, indices, keys = pairs
        distances = self._metric.distances(keys)
        inside = distances >= self._radius if self._metric.kind == "inner_product" else distances <= self._radius
        indices = indices[inside]
        self._pieces.append(
            (queries[inside], indices if self._rows is None else self._rows[indices], distances[inside])
        )
        self._pairs += len(indices)
        self._refuse_excess(self._pairs)

    def grow(self, most: int) -> None:
        """Make room for as many pairs of every thread; threads take turns, so next time another may find them."""
        n_threads = len(self.place)
        self._refuse_excess(self._pairs + most * n_threads)
        self.place = np.empty((n_threads, most * n_threads, 3), np.int64)

    def _refuse_excess(self, pairs: int) -> None:
        needed = self._plan.peak_bytes + self.place.nbytes - _ROOM_BYTES + pairs * _PAIR_BYTES
        limit = self._plan.limit_bytes
        if limit is not None and needed > limit:
            raise BudgetError(
                f"{pairs:,} pairs or more lie within radius {self._radius:g} and need {needed:,} bytes; "
                f"memory_limit is {limit:,}: ask for fewer queries at a time, or a smaller radius",
                limit_bytes=limit,
                least_bytes=needed,
            )

    def per_query(self, n_queries: int, direction: float) -> list[tuple[Array, Array]]:
        """Return distances and indices of each query of the block, and forget them."""
        pieces = self._pieces or [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
        rows, indices, distances = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        self._pieces = []
        order = np.lexsort((indices, distances * direction, rows))
        cuts = np.searchsorted(rows[order], np.arange(1, n_queries))
        return [
            (a.copy(), b.copy())
            for a, b in zip(np.split(distances[order], cuts), np.split(indices[order], cuts), strict=True)
        ]
