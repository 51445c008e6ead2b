"""Where have rows with the same features different targets, and which score does that alone allow?

Exact, and free of assumptions: where the same x has several y, no function of x is right for all of them. This file
knows nothing of rows that are merely near.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from tidu.assessment.graph import Graph
from tidu.data import BlockSource, take
from tidu.data.source import row_bytes

__all__ = [
    "Contradiction",
    "Contradictions",
    "Leakage",
    "alike",
    "find_contradictions",
    "find_copies",
    "find_leakage",
    "same_rows",
]

_BLOCK_BYTES = 1 << 22
_SHOWN = 20
# A held-out row nearer to a training row than this share of what training rows usually are to one another.
_NEAR = 0.05
# A feature with at least so many different values, as a share of the rows, hardly takes the same one twice by chance.
_DIFFERENT = 0.25


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Rows with the same features and different targets.

    Attributes
    ----------
    rows : tuple of int
        Row numbers, at most 20 of them.
    targets : tuple of float
        Their targets.
    n_rows : int
        How many there are.
    cost : float
        Rows that no function can get right, or the sum of squared differences from the mean.
    """

    rows: tuple[int, ...]
    targets: tuple[float, ...]
    n_rows: int
    cost: float


@dataclass(frozen=True, slots=True)
class Contradictions:
    """What repeated features say.

    Attributes
    ----------
    n_rows : int
        All rows.
    n_repeated : int
        Rows whose features another row has, too.
    n_groups : int
        Different features among them.
    n_contradicting : int
        Rows of groups with more than one target.
    best_score : float
        The highest accuracy, or R^2, that any function can have on all these rows.
    best_repeated_score : float
        Likewise on the repeated rows alone; NaN if there are none.
    pure_error : float
        Variance of numbers within groups, by sum of squares over degrees of freedom, in squared units of the target;
        of classes the share of repeated rows that no function gets right. NaN without repeated rows.
    worst : tuple of Contradiction
        The most costly first.
    """

    n_rows: int
    n_repeated: int
    n_groups: int
    n_contradicting: int
    best_score: float
    best_repeated_score: float
    pure_error: float
    worst: tuple[Contradiction, ...]


@dataclass(frozen=True, slots=True)
class Leakage:
    """Held-out rows that were seen in training.

    Attributes
    ----------
    n_rows : int
        Held-out rows.
    n_identical : int
        Those that have exactly the features of the training row nearest to them.
    n_near : int
        Those nearer to a training row than 5 % of the median distance between a training row and its nearest.
    expected : float
        How many would be as near if held-out rows were drawn as training rows are: those have each other as near.
    more_than_chance : bool
        Whether that leaves something to explain.
    pairs : tuple of (int, int)
        Held-out and training row, the nearest first, at most 20.
    """

    n_rows: int
    n_identical: int
    n_near: int
    expected: float
    more_than_chance: bool
    pairs: tuple[tuple[int, int], ...]


def alike(X: BlockSource, graph: Graph) -> list[NDArray[np.intp]]:
    """Return the groups of rows with the same features, each of two rows at least, in order of their first row.

    Only rows whose nearest is at distance zero are read again; they are compared as they are, not as scaled.

    Examples
    --------
    >>> from tidu.assessment.graph import neighbor_graph
    >>> from tidu.data import as_source
    >>> X = as_source(np.array([[1.0], [2.0], [1.0], [3.0]]))
    >>> alike(X, neighbor_graph(X, 1))
    [array([0, 2])]
    """
    candidates = np.flatnonzero(graph.distances[:, 0] == 0)
    groups: dict[bytes, list[int]] = {}
    for rows in _in_blocks(candidates, row_bytes(X)):
        block = np.ascontiguousarray(take(X, rows))
        if block.dtype.kind == "f":
            block = np.add(block, 0.0)  # 0.0 and -0.0 are the same number, but not the same bytes
        for row, content in zip(rows, block, strict=True):
            groups.setdefault(blake2b(content.tobytes(), digest_size=16).digest(), []).append(int(row))
    return [np.array(rows, np.intp) for rows in groups.values() if len(rows) > 1]


def find_copies(
    groups: Sequence[NDArray[np.intp]], y: NDArray[np.generic], sample: NDArray[np.generic]
) -> NDArray[np.intp]:
    """Return the rows that are copies of an earlier one, target included, ascending.

    A row may come again by chance where features take few values; there, the same target again is evidence. It is none
    where some feature hardly repeats: such a row was copied, joined twice or drawn more often, say to weigh more.

    Parameters
    ----------
    groups : sequence of ndarray of int
        Rows with the same features.
    y : ndarray of shape (n_rows,)
    sample : ndarray of shape (n_sample, n_features)
        Some of the rows' features.

    Examples
    --------
    >>> X, y = np.array([[0.1], [0.7], [0.1], [0.4]]), np.array([1.0, 2.0, 1.0, 3.0])
    >>> find_copies([np.array([0, 2])], y, X)
    array([2])
    """
    if not groups or not any(len(np.unique(column)) >= _DIFFERENT * len(sample) for column in sample.T):
        return np.empty(0, np.intp)
    later = [np.delete(rows, np.unique(y[rows], return_index=True)[1]) for rows in groups]
    return np.sort(np.concatenate(later))


def _in_blocks(rows: NDArray[np.intp], bytes_each: int) -> list[NDArray[np.intp]]:
    """Return the rows that are read at a time."""
    per_block = max(1, _BLOCK_BYTES // bytes_each)
    return [rows[start : start + per_block] for start in range(0, len(rows), per_block)]


def find_contradictions(groups: Sequence[NDArray[np.intp]], y: NDArray[np.generic], classifies: bool) -> Contradictions:
    """Compare targets within groups.

    Examples
    --------
    >>> found = find_contradictions([np.array([0, 1, 2])], np.array([1, 1, 0, 0, 1]), True)
    >>> found.best_score, round(found.best_repeated_score, 3), found.worst[0].rows
    (0.8, 0.667, (0, 1, 2))
    """
    costs, contradicting = [], []
    for rows in groups:
        inside = y[rows].astype(np.float64)
        if classifies:
            cost = float(len(rows) - np.unique(inside, return_counts=True)[1].max())
        else:
            cost = float(((inside - inside.mean()) ** 2).sum()) if np.ptp(inside) else 0.0
        costs.append(cost)
        if cost > 0:
            contradicting.append((cost, rows))
    total, n_repeated = sum(costs), sum(len(rows) for rows in groups)
    worst = [
        Contradiction(
            tuple(int(row) for row in rows[:_SHOWN]), tuple(float(v) for v in y[rows[:_SHOWN]]), len(rows), cost
        )
        for cost, rows in sorted(contradicting, key=lambda one: -one[0])[:_SHOWN]
    ]
    everywhere = y.astype(np.float64)
    repeated = everywhere[np.concatenate(groups)] if groups else everywhere[:0]
    free = n_repeated if classifies else n_repeated - len(groups)
    return Contradictions(
        n_rows=len(y),
        n_repeated=n_repeated,
        n_groups=len(groups),
        n_contradicting=sum(len(rows) for _, rows in contradicting),
        best_score=_best(total, everywhere, classifies),
        best_repeated_score=_best(total, repeated, classifies) if groups else float("nan"),
        pure_error=total / free if free else float("nan"),
        worst=tuple(worst),
    )


def _best(cost: float, y: NDArray[np.float64], classifies: bool) -> float:
    whole = float(len(y)) if classifies else float(((y - y.mean()) ** 2).sum())
    return 1.0 - cost / whole if whole > 0 else 1.0


def same_rows(
    held: BlockSource, X: BlockSource, distances: NDArray[np.float64], indices: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell which held-out rows have exactly the features of their nearest training row.

    Only those at distance zero are read again: on one scale, rows may be alike that are not.

    Parameters
    ----------
    held, X : BlockSource
        Held-out and training rows as they were given.
    distances : ndarray of shape (n_test, 1)
    indices : ndarray of shape (n_test, 1)
        The nearest training row of each.
    """
    same = np.zeros(len(indices), np.bool_)
    candidates = np.flatnonzero(distances[:, 0] == 0)
    for rows in _in_blocks(candidates, max(row_bytes(X), row_bytes(held))):
        # Training rows ascending and once each, as sources are read.
        known, place = np.unique(indices[rows, 0], return_inverse=True)
        same[rows] = (take(held, rows) == take(X, known)[place.reshape(-1)]).all(axis=1)
    return same


def find_leakage(
    distances: NDArray[np.float64], indices: NDArray[np.int64], same: NDArray[np.bool_], graph: Graph
) -> Leakage:
    """Compare held-out rows with their nearest training rows.

    Parameters
    ----------
    distances : ndarray of shape (n_test, 1)
    indices : ndarray of shape (n_test, 1)
        The nearest training row of each.
    same : ndarray of shape (n_test,), bool
        Whether the two have exactly the same features.
    graph : Graph
        Of the training rows.
    """
    nearest, among = distances[:, 0], graph.distances[:, 0]
    usual = float(np.median(among))
    near = np.flatnonzero((nearest == 0) | (nearest < _NEAR * usual))
    order = near[np.argsort(nearest[near], kind="stable")][:_SHOWN]
    n_usual = int(np.sum((among == 0) | (among < _NEAR * usual)))
    # At most so many are expected, if so few are seen among training rows (a limit of Poisson's, three more at zero).
    at_most = len(nearest) * (n_usual + 3.0) / len(among)
    never_equal = bool(same.any()) and not (among == 0).any()
    return Leakage(
        n_rows=len(nearest),
        n_identical=int(same.sum()),
        n_near=len(near),
        expected=len(nearest) * n_usual / len(among),
        more_than_chance=never_equal or len(near) > at_most + 2.0 * math.sqrt(at_most),
        pairs=tuple((int(row), int(indices[row, 0])) for row in order),
    )
