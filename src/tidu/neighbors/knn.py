"""Which k rows are nearest to each query: the public function.

It checks its arguments, has the strategy and the plan made, and runs the search block by block. This
file knows nothing of tiles and bounds.
"""

from __future__ import annotations

from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError
from tidu.neighbors.inputs import Input, Inputs, open_inputs, progress_of
from tidu.neighbors.metrics import resolve_metric
from tidu.neighbors.plan import plan_search
from tidu.neighbors.running import Running
from tidu.neighbors.search import Search

__all__ = ["kneighbors"]

Distances = NDArray[np.float64]
Indices = NDArray[np.int64]


@overload
def kneighbors(
    queries: Input | None,
    data: Input,
    k: int = ...,
    metric: str = ...,
    memory_limit: int | str | None = ...,
    return_distance: Literal[True] = ...,
    progress: bool = ...,
    *,
    p: float = ...,
) -> tuple[Distances, Indices]: ...
@overload
def kneighbors(
    queries: Input | None,
    data: Input,
    k: int = ...,
    metric: str = ...,
    memory_limit: int | str | None = ...,
    *,
    return_distance: Literal[False],
    progress: bool = ...,
    p: float = ...,
) -> Indices: ...
@overload
def kneighbors(
    queries: Input | None,
    data: Input,
    k: int = ...,
    metric: str = ...,
    memory_limit: int | str | None = ...,
    return_distance: bool = ...,
    progress: bool = ...,
    *,
    p: float = ...,
) -> tuple[Distances, Indices] | Indices: ...
def kneighbors(
    queries: Input | None,
    data: Input,
    k: int = 10,
    metric: str = "l2",
    memory_limit: int | str | None = None,
    return_distance: bool = True,
    progress: bool = False,
    *,
    p: float = 2.0,
) -> tuple[Distances, Indices] | Indices:
    """Find the k nearest rows of each query, exactly, within a limit of memory.

    Parameters
    ----------
    queries : array-like of shape (n_queries, n_features), path, BlockSource or None
        None stands for `data` itself, each row then not being a neighbor of its own.
    data : array-like of shape (n_rows, n_features), path or BlockSource
        Integers, booleans or floats of up to 64 bits. A file is read block by block.
    k : int, default 10
        Neighbors of each query.
    metric : str, default "l2"
        "l2" ("euclidean"), "sqeuclidean", "l1" ("manhattan", "cityblock"), "chebyshev" ("linf"),
        "minkowski", "cosine", or "inner_product", whose largest products come first.
    memory_limit : int or str, optional
        The most that may be allocated beside the arrays given, in bytes or as ``"64MB"``.
    return_distance : bool, default True
        Whether distances are returned besides indices.
    progress : bool, default False
        Whether a progress bar is shown.
    p : float, default 2.0
        Exponent of "minkowski".

    Returns
    -------
    distances : ndarray of shape (n_queries, k), float64
        Ascending (products: descending). Only if `return_distance`.
    indices : ndarray of shape (n_queries, k), int64
        Rows of `data`; at equal distance the lower comes first.

    Raises
    ------
    DataError
        If there is a NaN or an infinity; `row` is its row.
    ParameterError
        If k exceeds the rows there are.
    BudgetError
        If the limit is too small; `least_bytes` would do.

    Notes
    -----
    Neighbors are ordered by the squared distance, which for integers is computed exactly and for floats in
    float64 by one fixed order of operations (`tidu.neighbors.metrics`). Matrix products only propose
    candidates, under a rigorous bound of their rounding error, so that the result has the same bits for
    every block size. At least ``2 * n_queries * n_rows * n_features`` operations.

    Examples
    --------
    >>> import numpy as np
    >>> distances, indices = kneighbors([[0.0], [5.0]], [[1.0], [-1.0], [7.0]], k=2)
    >>> indices
    array([[0, 1],
           [2, 0]])
    >>> distances
    array([[1., 1.],
           [2., 4.]])
    """
    inputs = open_inputs(queries, data, resolve_metric(metric, p))
    available = inputs.data.shape[0] - (inputs.queries is None)
    if not hasattr(k, "__index__") or isinstance(k, bool) or not 1 <= k <= available:
        raise ParameterError(
            f"k must be an integer from 1 to the {available} rows available; got {k!r}",
            k=k,
            available=available,
        )
    return _search(inputs, int(k), memory_limit, return_distance, progress)


def _search(
    inputs: Inputs, k: int, memory_limit: int | str | None, return_distance: bool, progress: bool
) -> tuple[Distances, Indices] | Indices:
    plan = plan_search(inputs.sizes(k, return_distance), inputs.strategy, memory_limit)
    indices = np.empty((inputs.n_queries, k), np.int64)
    distances = np.empty((inputs.n_queries, k), np.float64) if return_distance else None
    if not inputs.n_queries:
        return indices if distances is None else (distances, indices)
    with progress_of(inputs.n_queries * inputs.data.shape[0], progress) as step:
        search = Search(inputs.queries, inputs.data, inputs.strategy, plan, step)
        for start, block in search.query_blocks():
            running = Running(len(block.raw), k, inputs.strategy.key_dtype)
            for tile in search.tiles(start, block):
                search.nearest(tile, running)
                del tile  # its block must be gone before the next one is read
            rows = slice(start, start + len(block.raw))
            indices[rows] = running.indices
            if distances is not None:
                distances[rows] = inputs.strategy.metric.distances(running.keys)
            del block
    return indices if distances is None else (distances, indices)
