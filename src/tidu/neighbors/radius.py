"""Which rows lie within a radius of each query: the public function.

It runs the same search as `kneighbors` with a fixed threshold. This file knows nothing of tiles and bounds.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tidu.errors import BudgetError, ParameterError
from tidu.neighbors.inputs import Input, open_inputs, progress_of
from tidu.neighbors.metrics import Array, Metric, resolve_metric
from tidu.neighbors.plan import MemoryPlan, plan_search
from tidu.neighbors.search import Candidates, Search

__all__ = ["radius_neighbors"]

# A pair that is found: query, row and distance, and their sorted and divided copies.
_PAIR_BYTES = 96
# The arrays of one query's neighbors, as Python objects.
_QUERY_BYTES = 400


def radius_neighbors(
    queries: Input | None,
    data: Input,
    radius: float,
    metric: str = "l2",
    memory_limit: int | str | None = None,
    return_distance: bool = True,
    sort_results: bool = False,
    progress: bool = False,
    *,
    p: float = 2.0,
) -> tuple[NDArray[np.object_], NDArray[np.object_]] | NDArray[np.object_]:
    """Find every row within a distance of each query, exactly, within a limit of memory.

    Parameters
    ----------
    queries, data, metric, memory_limit, progress, p
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
    if not math.isfinite(radius):
        raise ParameterError(f"radius must be a finite number; got {radius!r}", got=radius)
    inputs = open_inputs(queries, data, chosen)
    n_queries = inputs.n_queries
    found_distances = np.empty(n_queries, object)
    found_indices = np.empty(n_queries, object)
    sizes = inputs.sizes(1, return_distance)
    sizes = replace(sizes, held_bytes=sizes.held_bytes + n_queries * _QUERY_BYTES)
    plan = plan_search(sizes, inputs.strategy, memory_limit)
    collected = _Collected(plan)
    # The larger product is the nearer one.
    order = 0.0 if not sort_results else -1.0 if chosen.kind == "inner_product" else 1.0
    with progress_of(n_queries * inputs.data.shape[0], progress) as step:
        search = Search(inputs.queries, inputs.data, inputs.strategy, plan, step)
        for start, block in search.query_blocks():
            limits = np.full(len(block.raw), chosen.key_of_distance(float(radius)))
            for tile in search.tiles(start, block):
                for found in search.within(tile, limits):
                    collected.add(found, chosen, float(radius))
                del tile
            for row, (distances, indices) in enumerate(collected.per_query(len(block.raw), order)):
                found_distances[start + row], found_indices[start + row] = distances, indices
            del block
    return (found_distances, found_indices) if return_distance else found_indices


class _Collected:
    """What was found for a block of queries, and how much memory all that was found takes."""

    def __init__(self, plan: MemoryPlan) -> None:
        self._plan = plan
        self._pairs = 0
        self._pieces: list[tuple[Array, Array, Array]] = []

    def add(self, found: Candidates, metric: Metric, radius: float) -> None:
        distances = metric.distances(found.keys)
        inside = distances >= radius if metric.kind == "inner_product" else distances <= radius
        self._pieces.append((found.rows[inside], found.indices[inside], distances[inside]))
        self._pairs += int(np.count_nonzero(inside))
        needed = self._plan.peak_bytes + self._pairs * _PAIR_BYTES
        limit = self._plan.limit_bytes
        if limit is not None and needed > limit:
            raise BudgetError(
                f"{self._pairs:,} pairs or more lie within radius {radius:g} and need {needed:,} bytes; "
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
