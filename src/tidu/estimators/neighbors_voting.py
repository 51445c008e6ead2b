"""How do neighbors vote, who wins a tie, and how many bytes does the counting take?

Votes are counted for a few queries at a time, and what that takes is set aside before the search is
given the rest of the memory. This file knows nothing of estimators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.errors import ParameterError
from tidu.estimators.neighbors_parameters import Ties, Weights
from tidu.neighbors.metrics import Array

__all__ = ["VotePlan", "plan_votes", "refuse_zero_weights", "vote_bytes", "votes_of", "weights_of", "winners"]

# Without a limit this much is used to count votes; with one, an eighth of it at most.
_COUNTING_BYTES = 4 << 20
# Codes, weights, their products and the flags of ties, for each neighbor.
_NEIGHBOR_BYTES = 56
# A query's votes, their share, and flags, for each class or target.
_COLUMN_BYTES = 24


@dataclass(frozen=True, slots=True)
class VotePlan:
    """How many queries are searched, and voted on, at a time.

    Attributes
    ----------
    search_rows, vote_rows : int
        Queries of one search; queries whose votes are counted together.
    reserved_bytes : int
        What predictions and counting take; the search has the rest.
    least_bytes : int
        What predictions take, and counting the votes on a single query.
    """

    search_rows: int
    vote_rows: int
    reserved_bytes: int
    least_bytes: int

    def least_limit(self, search_bytes: int) -> int:
        """Return a limit that surely does for a search that takes so many bytes."""
        # Counting gets an eighth of it, and the neighbors that were found at most a quarter.
        return (self.least_bytes + search_bytes) * 8 // 5 + 8


def plan_votes(
    n_queries: int, k: int, *, column_bytes: int, result_bytes: int, neighbor_bytes: int, limit: int | None
) -> VotePlan:
    """Divide a limit of memory between predictions, counting, and the search.

    Parameters
    ----------
    n_queries, k : int
        The sizes.
    column_bytes : int
        What one query's votes take, beside `k` neighbors.
    result_bytes : int
        What one query's prediction takes.
    neighbor_bytes : int
        What the search gives back for one neighbor: 8 or 16 bytes.
    limit : int or None
        The most that may be allocated.

    Examples
    --------
    >>> plan = plan_votes(10**6, 100, column_bytes=240, result_bytes=8, neighbor_bytes=16, limit=64_000_000)
    >>> plan.search_rows, plan.reserved_bytes < 16_000_000
    (10000, True)
    """
    counting = _COUNTING_BYTES if limit is None else min(_COUNTING_BYTES, limit // 8)
    each = k * _NEIGHBOR_BYTES + column_bytes
    vote_rows = max(1, min(n_queries, counting // each))
    found = n_queries * k * neighbor_bytes
    search_rows = max(1, n_queries)
    if limit is not None and found > limit // 4:
        # Neighbors of all queries would take too much of it: they are found, and forgotten, by parts.
        search_rows = max(1, (limit // 4) // (k * neighbor_bytes))
    results = n_queries * result_bytes
    return VotePlan(search_rows, vote_rows, results + vote_rows * each, results + each)


def vote_bytes(n_columns: int) -> int:
    """Return what counting takes for one query with so many classes, or targets of neighbors."""
    return n_columns * _COLUMN_BYTES


def weights_of(distances: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Return the weight of each neighbor; one at distance zero leaves none to those farther off.

    Examples
    --------
    >>> weights_of(np.array([[0.5, 2.0], [0.0, 1.0]]), "distance").tolist()
    [[2.0, 0.5], [1.0, 0.0]]
    """
    if callable(weights):
        return np.asarray(weights(distances), dtype=np.float64)
    with np.errstate(divide="ignore", over="ignore"):
        inverse = 1.0 / distances
    infinite = np.isinf(inverse)
    rows = infinite.any(axis=1)
    inverse[rows] = infinite[rows]
    return inverse


def refuse_zero_weights(weights: NDArray[np.float64] | None, first_query: int) -> None:
    """Refuse queries none of whose neighbors has a vote."""
    if weights is None:
        return
    some = weights.any(axis=1)
    if not some.all():
        row = first_query + int(np.argmin(some))
        raise ParameterError(
            f"all neighbors of query {row} have weight zero; change the function given as weights, the "
            "sample_weight, or take more neighbors",
            row=row,
        )


def votes_of(codes: Array, weights: NDArray[np.float64] | None, n_classes: int) -> NDArray[np.float64]:
    """Return the votes of each class, of shape (n_queries, n_classes).

    Examples
    --------
    >>> votes_of(np.array([[1, 0, 1]]), None, 3).tolist()
    [[1.0, 2.0, 0.0]]
    """
    votes = np.zeros((len(codes), n_classes))
    each = np.arange(len(codes))
    for place in range(codes.shape[1]):
        votes[each, codes[:, place]] += 1.0 if weights is None else weights[:, place]
    return votes


def winners(codes: Array, votes: NDArray[np.float64], ties: Ties) -> NDArray[np.intp]:
    """Return the class with most votes; of equals the smallest, or that of the nearest neighbor.

    Examples
    --------
    >>> codes = np.array([[2, 0, 1]])
    >>> votes = votes_of(codes, None, 3)
    >>> winners(codes, votes, "smallest").tolist(), winners(codes, votes, "nearest").tolist()
    ([0], [2])
    """
    if ties == "smallest":
        return np.asarray(np.argmax(votes, axis=1))
    most = votes.max(axis=1, keepdims=True)
    first = np.argmax(np.take_along_axis(votes, codes, axis=1) == most, axis=1)
    return np.asarray(codes[np.arange(len(codes)), first])
