"""Which k rows are nearest to each query: the public function.

It knows nothing of how a search is run; see `tidu.neighbors.job`.
"""

from __future__ import annotations

import os
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.neighbors.inputs import Input
from tidu.neighbors.job import prepare
from tidu.neighbors.reporting import Progress

__all__ = ["kneighbors"]

Distances = NDArray[np.float64]
Indices = NDArray[np.int64]
_Path = str | os.PathLike[str]


@overload
def kneighbors(
    queries: Input | None,
    data: Input,
    k: int = ...,
    metric: str = ...,
    memory_limit: int | str | None = ...,
    return_distance: Literal[True] = ...,
    progress: Progress = ...,
    *,
    p: float = ...,
    algorithm: str = ...,
    threads: int | None = ...,
    where: ArrayLike | None = ...,
    index: _Path | None = ...,
    checkpoint_dir: _Path | None = ...,
    resume: bool = ...,
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
    progress: Progress = ...,
    p: float = ...,
    algorithm: str = ...,
    threads: int | None = ...,
    where: ArrayLike | None = ...,
    index: _Path | None = ...,
    checkpoint_dir: _Path | None = ...,
    resume: bool = ...,
) -> Indices: ...
@overload
def kneighbors(
    queries: Input | None,
    data: Input,
    k: int = ...,
    metric: str = ...,
    memory_limit: int | str | None = ...,
    return_distance: bool = ...,
    progress: Progress = ...,
    *,
    p: float = ...,
    algorithm: str = ...,
    threads: int | None = ...,
    where: ArrayLike | None = ...,
    index: _Path | None = ...,
    checkpoint_dir: _Path | None = ...,
    resume: bool = ...,
) -> tuple[Distances, Indices] | Indices: ...
def kneighbors(
    queries: Input | None,
    data: Input,
    k: int = 10,
    metric: str = "l2",
    memory_limit: int | str | None = None,
    return_distance: bool = True,
    progress: Progress = False,
    *,
    p: float = 2.0,
    algorithm: str = "auto",
    threads: int | None = None,
    where: ArrayLike | None = None,
    index: _Path | None = None,
    checkpoint_dir: _Path | None = None,
    resume: bool = False,
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
    progress : bool or callable, default False
        Whether a progress bar is shown; or ``report(done_pairs, total_pairs)``.
    p : float, default 2.0
        Exponent of "minkowski".
    algorithm : {"auto", "brute", "pruned", "kd_tree", "ball_tree"}, default "auto"
        Whether every pair is looked at, or rows are projected first and few distances computed ("l2",
        "sqeuclidean" and "cosine"; where memory suffices). By default what an estimate says is faster; the
        two trees stand for "auto". The result is the same to the last bit.
    threads : int, optional
        By default ``TIDU_NUM_THREADS``, or all processors; the result is the same.
    where : array-like of shape (n_rows,), bool, or of row numbers, optional
        Only these rows are found.
    index : path, optional
        A file that keeps the projections of the rows that are searched: read if it is there and was made of the
        same rows on such a processor, else written. With it rows are projected wherever that is possible.
    checkpoint_dir : path, optional
        A folder in which a long search keeps what it has found: after every block of queries, and where every
        pair is looked at every few seconds, too.
    resume : bool, default False
        Whether to go on from what is there.

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
        If k exceeds the rows there are, or an argument has a value that is not accepted.
    BudgetError
        If the limit is too small; `least_bytes` would do.

    Notes
    -----
    Neighbors are ordered by the squared distance, which for integers is computed exactly in 64 bits, and for
    floats (and integers whose squared distances may reach 2**62) in float64 by one fixed order of operations
    (`tidu.neighbors.metrics`). Bytes are compared as they are. Other
    rows are rounded to small integers first, whose distances are within a rigorous bound of their own; only
    pairs that may be near are judged, by the definition. So the result has the same bits for every block size,
    number of threads and algorithm.

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
    job = prepare(
        queries,
        data,
        k,
        metric,
        memory_limit,
        return_distance,
        p=p,
        algorithm=algorithm,
        threads=threads,
        where=where,
        index=index,
        checkpoint_dir=checkpoint_dir,
        resume=resume,
    )
    return job.run(progress)
