"""Who votes on each query, and with what weight, when not all neighbors may be held at once?

Neighbors are found for as many queries at a time as the limit of memory allows, and handed out a few queries
at a time. This file knows nothing of labels and predictions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.data import BlockSource
from tidu.errors import BudgetError
from tidu.estimators.neighbors_base import NeighborsBase, Where
from tidu.estimators.neighbors_parameters import Weights
from tidu.estimators.neighbors_rows import RowsLike, SliceSource, rows_of
from tidu.estimators.neighbors_voting import plan_votes, refuse_zero_weights, weights_of

__all__ = ["Ballot", "VotingBase"]


@dataclass(frozen=True, slots=True, eq=False)
class Ballot:
    """Some queries, and who votes on them.

    Attributes
    ----------
    queries : slice
        Which queries.
    indices : ndarray of shape (n, k), int64
        Their neighbors, the nearest first.
    weights : ndarray of shape (n, k), float64, or None
        The weight of each vote; None if all are 1.
    """

    queries: slice
    indices: NDArray[np.int64]
    weights: NDArray[np.float64] | None


class VotingBase(NeighborsBase):
    """An estimator whose neighbors vote."""

    def _ballots(
        self, X: RowsLike | None, weights: Weights, where: Where, column_bytes: int, result_bytes: int
    ) -> tuple[int, Iterator[Ballot]]:
        """Return the number of queries, and all of them with their neighbors, a few at a time."""
        queries = self._queries(X)
        k = self._checked_k(None, queries is None, where)
        asked = None if queries is None else rows_of(queries)
        n_queries = self.n_samples_fit_ if asked is None else asked.shape[0]
        return n_queries, self._count(asked, n_queries, k, weights, where, column_bytes, result_bytes)

    def _count(
        self,
        queries: BlockSource | None,
        n_queries: int,
        k: int,
        weights: Weights,
        where: Where,
        column_bytes: int,
        result_bytes: int,
    ) -> Iterator[Ballot]:
        weighs = weights is not None and weights != "uniform"
        limit = self._limit()
        plan = plan_votes(
            n_queries,
            k,
            column_bytes=column_bytes,
            result_bytes=result_bytes,
            neighbor_bytes=16 if weighs else 8,
            limit=limit,
        )
        rest = None if limit is None else max(1, limit - plan.reserved_bytes)
        for start in range(0, n_queries, plan.search_rows):
            stop = min(start + plan.search_rows, n_queries)
            try:
                distances, indices = self._part(queries, start, stop, n_queries, k, weighs, where, rest)
            except BudgetError as error:
                needed = error.facts.get("least_bytes")
                if not isinstance(needed, int):
                    raise
                least = plan.least_limit(needed)
                raise BudgetError(
                    f"memory_limit={self.memory_limit!r} is too small to search and to predict {n_queries:,} queries; "
                    f"{least:,} bytes would do",
                    limit_bytes=limit,
                    least_bytes=least,
                ) from error
            for first in range(0, stop - start, plan.vote_rows):
                part = slice(first, first + plan.vote_rows)
                votes = None if distances is None else weights_of(distances[part], weights)
                if self._sample_weight is not None:
                    own = self._sample_weight[indices[part]]
                    votes = own if votes is None else votes * own
                refuse_zero_weights(votes, start + first)
                last = min(start + part.stop, stop)
                yield Ballot(slice(start + first, last), indices[part], votes)
            del distances, indices  # the next search needs their memory

    def _part(
        self,
        queries: BlockSource | None,
        start: int,
        stop: int,
        n_queries: int,
        k: int,
        with_distances: bool,
        where: Where,
        limit: int | None,
    ) -> tuple[NDArray[np.float64] | None, NDArray[np.int64]]:
        """Find the neighbors of the queries from `start` to `stop`."""
        whole = stop - start == n_queries
        if queries is not None or whole:
            asked = queries if queries is None or whole else SliceSource(queries, start, stop)
            found = self._search(asked, k, with_distances, where, limit)
            return found if isinstance(found, tuple) else (None, found)
        # Of k + 1 neighbors among all rows, the row itself is left out; if nearer twins crowded it out, the last.
        found = self._search(SliceSource(rows_of(self._fit_X), start, stop), k + 1, with_distances, where, limit)
        distances, indices = found if isinstance(found, tuple) else (None, found)
        out = indices == np.arange(start, stop)[:, None]
        out[~out.any(axis=1), -1] = True
        shape = (stop - start, k)
        return None if distances is None else distances[~out].reshape(shape), indices[~out].reshape(shape)
