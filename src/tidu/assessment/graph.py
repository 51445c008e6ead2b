"""Which rows are nearest to each row, and how many dimensions do they fill?

One exact search serves everything that compares a row with its neighbors. This file knows nothing of targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.data import BlockSource, RowsSource
from tidu.neighbors import kneighbors

__all__ = ["Graph", "in_turn", "intrinsic_dimension", "neighbor_graph", "subgraph", "without"]

_FEW_ROWS = 5000
_ROWS = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The nearest other rows of each row, the nearest first.

    Attributes
    ----------
    distances : ndarray of shape (n_rows, k), float64
    indices : ndarray of shape (n_rows, k), int64
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.indices)

    @property
    def k(self) -> int:
        """Neighbors of each row."""
        return int(self.indices.shape[1])

    def blocks(self) -> Iterator[slice]:
        """Yield the rows that are looked at together, so that little is held beside the graph."""
        for start in range(0, self.n_rows, _ROWS):
            yield slice(start, start + _ROWS)


def neighbor_graph(
    X: BlockSource, k: int, memory_limit: int | None = None, threads: int | None = None, progress: bool = False
) -> Graph:
    """Search; no row is a neighbor of its own."""
    # For few rows it takes longer to choose how to search than to search.
    algorithm = "brute" if X.shape[0] <= _FEW_ROWS else "auto"
    distances, indices = kneighbors(
        None,
        X,
        min(k, X.shape[0] - 1),
        memory_limit=memory_limit,
        algorithm=algorithm,
        threads=threads,
        progress=progress,
    )
    return Graph(distances, indices)


def subgraph(
    X: BlockSource,
    rows: NDArray[np.intp],
    k: int,
    groups: Sequence[NDArray[np.intp]],
    rng: np.random.Generator,
    memory_limit: int | None = None,
    threads: int | None = None,
) -> Graph:
    """Search among some rows only; `indices` count within them.

    Parameters
    ----------
    rows : ndarray of int
        Ascending.
    groups : sequence of ndarray of int
        Which of all rows are alike: they are neighbors in turn here, too.
    """
    return in_turn(neighbor_graph(RowsSource(X, rows), k, memory_limit, threads), _within(groups, rows), rng)


def without(graph: Graph, left_out: NDArray[np.intp], fewest: int) -> Graph | None:
    """Return the graph of all other rows, counted among them; None where one of them has fewer neighbors left.

    Parameters
    ----------
    left_out : ndarray of int
        Rows, ascending.
    fewest : int
        Neighbors that each row must keep.

    Examples
    --------
    >>> graph = Graph(np.array([[1.0, 2.0], [0.0, 1.0], [0.0, 1.0]]), np.array([[1, 2], [2, 0], [1, 0]]))
    >>> without(graph, np.array([2]), 1).indices.tolist()
    [[1], [0]]
    """
    stays = np.ones(graph.n_rows, np.bool_)
    stays[left_out] = False
    k = min(int(stays[graph.indices[rows]][stays[rows]].sum(axis=1).min(initial=graph.k)) for rows in graph.blocks())
    if k < fewest:
        return None
    number = np.cumsum(stays) - 1
    distances, indices = [], []
    for rows in graph.blocks():
        kept = np.arange(graph.n_rows)[rows][stays[rows]]
        first = np.argsort(~stays[graph.indices[kept]], axis=1, kind="stable")[:, :k]
        distances.append(np.take_along_axis(graph.distances[kept], first, axis=1))
        indices.append(number[np.take_along_axis(graph.indices[kept], first, axis=1)])
    return Graph(np.concatenate(distances), np.concatenate(indices))


def _within(groups: Sequence[NDArray[np.intp]], rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return what is left of each group among some rows, counted within them."""
    if not groups:
        return []
    members = np.concatenate(groups)
    label = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    place = np.searchsorted(rows, members)
    kept = rows[np.minimum(place, len(rows) - 1)] == members
    place, label = place[kept], label[kept]
    parts = np.split(place, np.flatnonzero(np.diff(label)) + 1)
    return [part for part in parts if len(part) > 1]


def in_turn(graph: Graph, groups: Sequence[NDArray[np.intp]], rng: np.random.Generator) -> Graph:
    """Let rows that are alike be neighbors in turn: among equals the search prefers the lowest row, for all of them.

    The turn is drawn by lot. In the order of the rows, neighbors would have neighboring targets wherever a file is
    sorted by its target, and any feature would seem to tell it.

    Parameters
    ----------
    groups : sequence of ndarray of int
        Rows that are alike, of two at least.
    """
    if not groups:
        return graph
    indices = graph.indices.copy()
    for group in groups:
        rows = rng.permutation(group)
        shown = min(graph.k, len(rows) - 1)
        places = (np.arange(len(rows))[:, None] + np.arange(1, shown + 1)) % len(rows)
        indices[rows, :shown] = rows[places]
    return Graph(graph.distances, indices)


def intrinsic_dimension(graph: Graph) -> float:
    """Return how many dimensions rows fill locally, dimensionless; 0 where all neighbors are alike.

    Notes
    -----
    The maximum-likelihood estimate from the distances to the k nearest, its inverse averaged over all rows that have
    no neighbor alike.

    References
    ----------
    Levina and Bickel, Maximum likelihood estimation of intrinsic dimension, NIPS 2004, (8); MacKay and Ghahramani,
    Comments on it, 2005 (averaging of the inverse, which is free of bias with k - 1 as divisor; k - 2 belongs to the
    average of the estimates themselves).

    Examples
    --------
    >>> from tidu.data import as_source
    >>> rng = np.random.default_rng(0)
    >>> plane = rng.normal(size=(500, 2)) @ rng.normal(size=(2, 5))
    >>> round(intrinsic_dimension(neighbor_graph(as_source(plane), 10)))
    2
    """
    if graph.k < 3:
        return float("nan")
    total, n_counted = 0.0, 0
    for rows in graph.blocks():
        distances = graph.distances[rows]
        distances = distances[distances[:, 0] > 0]
        total += float(np.log(distances[:, -1:] / distances[:, :-1]).sum()) / (graph.k - 1)
        n_counted += len(distances)
    if not n_counted:
        return 0.0
    mean = total / n_counted
    return 1.0 / mean if mean > 0 else float("inf")
