"""Would more rows help: how do floor and error change from a quarter of the rows to all of them?

This file knows nothing of what they are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidu.assessment.gamma import NEIGHBORS, difference_estimates
from tidu.assessment.graph import Graph, subgraph
from tidu.assessment.voting import best_of, leave_one_out
from tidu.data import BlockSource

__all__ = ["LearningPoint", "learning_curve", "still_falling"]

# With more rows one part says enough.
_FEW_ROWS = 20_000
_FALLS = 0.03
# Of one row; two standard errors of a mean of squares of pure noise would be 2.8, of two means of the same rows less.
_BY_CHANCE = 1.5


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """What so many rows say.

    Attributes
    ----------
    n_rows : int
    error : float
        Of predicting a row by its nearest others, for the best number of them: share of wrong classes, or mean
        squared difference.
    gamma : float
        Of numbers, the Gamma test; of classes, the error of the nearest alone.
    """

    n_rows: int
    error: float
    gamma: float


def learning_curve(
    X: BlockSource,
    y: NDArray[np.generic],
    n_classes: int,
    graph: Graph,
    groups: Sequence[NDArray[np.intp]],
    rng: np.random.Generator,
    memory_limit: int | None,
    threads: int | None,
) -> tuple[LearningPoint, ...]:
    """Look at a quarter, a half and all of the rows; of few rows at all four quarters and both halves.

    Parameters
    ----------
    graph : Graph
        Of all rows.
    groups : sequence of ndarray of int
        Rows that are alike.
    """
    n_rows = X.shape[0]
    order, points = rng.permutation(n_rows), []
    for n_parts in (4, 2):
        shown = np.array_split(order, n_parts)[: n_parts if n_rows <= _FEW_ROWS else 1]
        parts = [np.sort(part) for part in shown if len(part) > NEIGHBORS]
        graphs = (subgraph(X, part, NEIGHBORS, groups, rng, memory_limit, threads) for part in parts)
        found = [_point(one, y[part], n_classes) for one, part in zip(graphs, parts, strict=True)]
        points += [_mean(found)] if found else []
    nearest = Graph(graph.distances[:, :NEIGHBORS], graph.indices[:, :NEIGHBORS])
    return (*points, _point(nearest, y, n_classes))


def _point(graph: Graph, y: NDArray[np.generic], n_classes: int) -> LearningPoint:
    errors = leave_one_out(graph, y, n_classes)
    gamma = errors[1] if n_classes else difference_estimates(graph, y.astype(np.float64)).gamma
    return LearningPoint(graph.n_rows, best_of(errors)[1], gamma)


def _mean(points: Sequence[LearningPoint]) -> LearningPoint:
    return LearningPoint(
        points[0].n_rows,
        float(np.mean([one.error for one in points])),
        float(np.mean([one.gamma for one in points])),
    )


def still_falling(points: Sequence[LearningPoint], whole: float) -> bool:
    """Tell whether the last doubling of the rows has lowered the error noticeably.

    Parameters
    ----------
    whole : float
        The error of knowing nothing, in the same units: 3 % of it are noticeable, of few rows what chance may do.
    """
    if len(points) < 2:
        return False
    noticeable = max(_FALLS, _BY_CHANCE / np.sqrt(points[-1].n_rows)) * whole
    return bool(points[-2].error - points[-1].error > noticeable)
