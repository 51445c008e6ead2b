"""Which rows are nearest, found with a progress bar of our own words; and how do they vote?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidu.app.progress import bar
from tidu.data import BlockSource
from tidu.errors import BudgetError, ParameterError, ShapeError
from tidu.neighbors import MemoryPlan, kneighbors, memory_plan
from tidu.words import Language, say

__all__ = ["find_neighbors", "plan_of", "vote"]


class _Rows:
    """Some consecutive rows of a source."""

    def __init__(self, source: BlockSource, start: int, stop: int) -> None:
        self._source, self._start, self._stop = source, start, stop

    @property
    def name(self) -> str:
        """Name of the source."""
        return self._source.name

    @property
    def shape(self) -> tuple[int, ...]:
        """As many rows as were chosen."""
        return (self._stop - self._start, *self._source.shape[1:])

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Dtype of the source."""
        return self._source.dtype

    def read(self, start: int, stop: int) -> NDArray[np.generic]:
        """Read from the source."""
        return self._source.read(self._start + start, self._start + stop)


def find_neighbors(
    queries: BlockSource, data: BlockSource, k: int, metric: str, memory_limit: int | None, lang: Language
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the k nearest rows of each query, a block of queries at a time, with a progress bar.

    The blocks are those of the memory plan for all queries, so the results and one search together stay
    within the limit.
    """
    plan = plan_of(queries, data, k, metric, memory_limit)
    results = plan.items["results"]
    rest = None if memory_limit is None else memory_limit - results
    n = queries.shape[0]
    distances, indices = np.empty((n, k)), np.empty((n, k), np.int64)
    with bar(say("fit.knn", lang), n, lang) as advance:
        for start in range(0, n, plan.query_rows):
            stop = min(start + plan.query_rows, n)
            found = kneighbors(_Rows(queries, start, stop), data, k, metric, rest)
            distances[start:stop], indices[start:stop] = found
            advance(stop - start, "")
    return distances, indices


def plan_of(queries: BlockSource, data: BlockSource, k: int, metric: str, memory_limit: int | None) -> MemoryPlan:
    """Plan a search, after the shapes have been compared.

    Raises
    ------
    ShapeError
        If queries and data are no matrices of as many columns.
    ParameterError
        If there are fewer rows than `k`.
    BudgetError
        If the limit is too small.
    """
    for source in (data, queries):
        if len(source.shape) != 2 or 0 in source.shape:
            raise ShapeError(
                f"{source.name} has shape {source.shape}; expected (n_rows, n_features) with at least one of each",
                expected="(n_rows, n_features)",
                got=source.shape,
            )
    if queries.shape[1] != data.shape[1]:
        raise ShapeError(
            f"{queries.name} has {queries.shape[1]} columns, {data.name} has {data.shape[1]}; they must agree",
            expected=data.shape[1],
            got=queries.shape[1],
        )
    if k > data.shape[0]:
        raise ParameterError(
            f"-k {k} neighbors of {data.shape[0]} rows in {data.name}; give a smaller -k", k=k, available=data.shape[0]
        )
    try:
        return memory_plan(
            queries.shape[0], data.shape[0], data.shape[1], data.dtype, k=k, memory_limit=memory_limit, metric=metric
        )
    except BudgetError as error:
        raise BudgetError(
            f"k-NN of {queries.shape[0]:,} queries takes at least {error.facts['least_bytes']:,} bytes, "
            f"but --memory-limit is {memory_limit:,}; give a larger one",
            **error.facts,
        ) from error


def vote(indices: NDArray[np.int64], y: NDArray[np.generic], n_classes: int) -> NDArray[np.float64]:
    """Return each class's share of the neighbors' votes, or with no classes the neighbors' mean.

    Examples
    --------
    >>> vote(np.array([[0, 1, 2]]), np.array([1, 0, 1]), 2).round(3).tolist()
    [[0.333, 0.667]]
    """
    near = y[indices]
    if not n_classes:
        return np.asarray(near.astype(np.float64).mean(axis=1))
    return np.stack([np.mean(near == code, axis=1) for code in range(n_classes)], axis=1)
