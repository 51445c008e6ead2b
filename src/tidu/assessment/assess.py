"""Is there a function here: the public function, which asks each method in turn.

What the methods compute stands in their own files, what follows from it in `verdict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.assessment.contradictions import (
    Leakage,
    alike,
    find_contradictions,
    find_copies,
    find_leakage,
    same_rows,
)
from tidu.assessment.dependence import (
    MOST_ORDERED,
    Dependence,
    Ranks,
    codependence,
    feature_order,
    linear_dependence,
    permutation_p_value,
    xi,
)
from tidu.assessment.floor import OUTPUT_BYTES, bimodality, estimated_noise, floor_of_classes, floor_of_numbers
from tidu.assessment.gamma import NEIGHBORS, GammaTest, difference_estimates, gamma_interval
from tidu.assessment.graph import Graph, in_turn, intrinsic_dimension, neighbor_graph, subgraph, without
from tidu.assessment.inputs import (
    FEWEST_ROWS,
    Rows,
    open_features,
    open_rows,
    sample_of,
    sampled_rows,
)
from tidu.assessment.learning import learning_curve, still_falling
from tidu.assessment.result import Assessment
from tidu.assessment.verdict import Evidence, is_blind, judge
from tidu.assessment.voting import cover_hart, leave_one_out
from tidu.config import parse_bytes
from tidu.data import BlockSource, RowsSource
from tidu.data.opening import DataLike
from tidu.data.target import Task
from tidu.errors import BudgetError, ParameterError, ShapeError
from tidu.neighbors import kneighbors

__all__ = ["assess"]

_MOST_NEIGHBORS = 30
_GRAPH_BYTES = 1 << 26
_SAMPLE_ROWS = 20_000
_SAMPLE_BYTES = 1 << 24
# Of the cells' distances, spectra and the sample: what the methods take beside the search.
_WORK_BYTES = 40_000_000
_XI_ROWS = 5000
_ORDER_ROWS = 2000
_SUBSAMPLES = 20
_MOST_SUBSAMPLED = 5000
_PAIRS_DRAWN = 2000


def assess(
    X: DataLike,
    y: ArrayLike | None = None,
    *,
    target: str | int | None = None,
    test: DataLike | None = None,
    raw: DataLike | None = None,
    task: Task | None = None,
    seed: int = 0,
    memory_limit: int | str | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Assessment:
    """Ask whether the data follow a function, and what the best possible score is.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features), DataFrame, path, Dataset or BlockSource
        Features; text becomes a column for each value, dates become numbers. Without `y`, a data set that holds
        its target. Numbers are brought to one scale, bytes compared as they are. A file is read block by block.
    y : array-like of shape (n_samples,), optional
        Numbers or classes.
    target : str or int, optional
        Without `y`: which column, member or other file is the target.
    test : array-like or data set, optional
        Held-out rows (features alone, or with their target), looked at for rows that training has seen. Columns of
        tables are found by their names; text that `X` does not have is none of its values.
    raw : array-like of shape (n_samples, any), optional
        The features before a feature step, to compare the dependence before and after.
    task : {"classification", "regression"}, optional
        By default classes, if the target is text or takes at most 20 whole numbers.
    seed : int, default 0
        Of samples and permutations.
    memory_limit : int or str, optional
        The most that may be allocated beside the arrays given, in bytes or as ``"64MB"``.
    threads : int, optional
        By default all processors; the result does not depend on it.
    progress : bool, default False
        Whether the search for neighbors shows a progress bar.

    Returns
    -------
    Assessment
        With the verdict, the noise variance and its interval, the best score, and the reasons.

    Raises
    ------
    DataError, ShapeError, DtypeError
        If there are fewer than 20 rows, or they cannot be read or do not fit each other.
    BudgetError
        If the limit is too small; `least_bytes` would do.

    Notes
    -----
    One-to-many relations, such as a circle, are no function of x: the spread between their branches counts as noise.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-2.0, 2.0, (600, 1))
    >>> found = assess(x, np.sin(3.0 * x[:, 0]) + 0.5 * rng.normal(size=600))
    >>> found.verdict
    'noisy function'
    >>> low, high = found.noise_variance_interval
    >>> low < 0.25 < high
    True
    """
    limit = None if memory_limit is None else parse_bytes(memory_limit)
    if not hasattr(seed, "__index__") or isinstance(seed, bool) or seed < 0:
        raise ParameterError(f"seed must be an integer of at least 0; got {seed!r}", got=seed)
    rows = open_rows(X, y, target, test, task, limit)
    rng = np.random.default_rng(int(seed))
    left = _left_for_search(rows, limit)
    before = None if raw is None else _open_raw(raw, rows, limit)
    n_rows, n_features = rows.scaled.shape
    graph = neighbor_graph(rows.scaled, _neighbors(n_rows, left), left, threads, progress)
    groups = alike(rows.data.X, graph)
    graph = in_turn(graph, groups, rng)
    contradictions = find_contradictions(groups, rows.y, rows.classifies)
    leakage = _leakage(rows, graph, left, threads)
    sample = sampled_rows(rows.scaled, _SAMPLE_ROWS, _SAMPLE_BYTES, rng)
    features = sample_of(rows.scaled, sample)
    copies, kept = find_copies(groups, rows.y, features), np.arange(n_rows)
    if len(copies) > n_rows - FEWEST_ROWS:
        copies = copies[:0]
    if len(copies):
        # Whatever compares a row with its neighbors would take a copy for a row that agrees.
        kept = np.delete(kept, copies)
        rows = rows.chosen(kept)
        before = None if before is None else (RowsSource(before[0], kept), RowsSource(before[1], kept))
        graph = without(graph, copies, NEIGHBORS) or neighbor_graph(
            rows.scaled, _neighbors(n_rows, left), left, threads, progress
        )
        groups = alike(rows.data.X, graph)
        graph = in_turn(graph, groups, rng)
        sample = sampled_rows(rows.scaled, _SAMPLE_ROWS, _SAMPLE_BYTES, rng)
        features = sample_of(rows.scaled, sample)
    dependence = _dependence(rows, graph, features, sample, before, rng, left, threads)
    likelihood = estimated_noise(rows, features, sample, dependence.order, int(seed), threads)
    gamma, interval = _gamma(rows, graph, groups, rng, left, threads)
    n_classes = len(rows.target.class_names)
    errors = leave_one_out(graph, rows.y, n_classes)
    band = cover_hart(errors[1], n_classes) if n_classes else None
    floor = floor_of_classes(rows, likelihood, sample, errors) if n_classes else floor_of_numbers(rows, likelihood)
    # Of rows on a lattice, whose distances are all alike, the estimate may be anything.
    dimension = min(intrinsic_dimension(graph), float(n_features))
    if is_blind(dimension):
        floor = replace(floor, low=0.0)
    learning = learning_curve(rows.scaled, rows.y, n_classes, graph, groups, rng, left, threads)
    verdict, findings = judge(
        Evidence(
            classifies=rows.classifies,
            p_value=dependence.p_value,
            linear_p_value=dependence.linear_p_value,
            value=floor.share(floor.value),
            low=floor.share(floor.low),
            high=floor.share(floor.high),
            contradicting=contradictions.n_contradicting,
            n_copies=len(copies),
            bimodality=bimodality(rows, likelihood, sample),
            dimension=dimension,
            resolution=likelihood.resolution,
            falling=still_falling(learning, floor.whole),
            leaks=leakage is not None and leakage.more_than_chance,
        )
    )
    return Assessment(
        verdict=verdict,
        findings=findings,
        task=rows.target.task,
        name=rows.data.X.name,
        n_samples=n_rows,
        n_features=n_features,
        feature_names=rows.data.feature_names,
        class_names=rows.target.class_names,
        floor=floor,
        contradictions=contradictions,
        n_copies=len(copies),
        leakage=leakage,
        dependence=dependence,
        likelihood=likelihood,
        gamma=gamma,
        gamma_interval=interval,
        left_out_errors=errors,
        cover_hart=band,
        learning=learning,
        intrinsic_dimension=dimension,
        pairs=_pairs(graph, rows.y.astype(np.float64), rng),
    )


def _left_for_search(rows: Rows, limit: int | None) -> int | None:
    if limit is None:
        return None
    held = rows.held_bytes + rows.y.nbytes
    least = _WORK_BYTES + OUTPUT_BYTES * len(rows.target.class_names) + held
    if limit < least:
        raise BudgetError(
            f"an assessment of {rows.data.n_samples:,} rows takes at least {least:,} bytes, but memory_limit is "
            f"{limit:,}; give a larger one",
            least_bytes=least,
            limit_bytes=limit,
        )
    return limit - held


def _neighbors(n_rows: int, limit: int | None) -> int:
    """Return how many neighbors are kept: more vote better, but all of them are held."""
    most = _GRAPH_BYTES if limit is None else min(_GRAPH_BYTES, limit // 4)
    return max(NEIGHBORS, min(_MOST_NEIGHBORS, most // (16 * n_rows)))


def _dependence(
    rows: Rows,
    graph: Graph,
    features: NDArray[np.generic],
    sample: NDArray[np.intp],
    before: tuple[BlockSource, BlockSource] | None,
    rng: np.random.Generator,
    limit: int | None,
    threads: int | None,
) -> Dependence:
    ranks = Ranks.of(rows.y, rows.classifies)
    nearest = graph.indices[:, 0]
    found = codependence(ranks, nearest)
    few = np.sort(rng.choice(len(sample), min(len(sample), _XI_ROWS), replace=False))
    fewer = few if len(few) <= _ORDER_ROWS else np.sort(rng.choice(few, _ORDER_ROWS, replace=False))
    order: tuple[tuple[int, ...], tuple[float, ...]] = ((), ())
    if 1 < features.shape[1] <= MOST_ORDERED:
        order = feature_order(features[fewer], Ranks.of(rows.y[sample[fewer]], rows.classifies), rng)
    linear = float("nan"), 1.0
    if features.shape[1] <= MOST_ORDERED:
        linear = linear_dependence(features[few], rows.y[sample[few]], rows.classifies, rng.spawn(1)[0])
    return Dependence(
        T=found,
        p_value=permutation_p_value(ranks, nearest, found, rng),
        linear=linear[0],
        linear_p_value=linear[1],
        raw_T=None if before is None else _raw_T(*before, ranks, rng, limit, threads),
        xi=xi(features[few], Ranks.of(rows.y[sample[few]], rows.classifies)),
        order=order[0],
        order_T=order[1],
    )


def _open_raw(raw: DataLike, rows: Rows, limit: int | None) -> tuple[BlockSource, BlockSource]:
    """Return the features before the feature step, as they are and on one scale."""
    before = open_features(raw, limit)
    if before[0].shape[0] != rows.data.n_samples:
        raise ShapeError(
            f"raw has {before[0].shape[0]} rows, X has {rows.data.n_samples}; each row needs both",
            expected=rows.data.n_samples,
            got=before[0].shape[0],
        )
    return before


def _raw_T(
    raw: BlockSource,
    scaled: BlockSource,
    ranks: Ranks,
    rng: np.random.Generator,
    limit: int | None,
    threads: int | None,
) -> float:
    """Return T on the features before the feature step."""
    graph = neighbor_graph(scaled, 1, limit, threads)
    return codependence(ranks, in_turn(graph, alike(raw, graph), rng).indices[:, 0])


def _gamma(
    rows: Rows,
    graph: Graph,
    groups: Sequence[NDArray[np.intp]],
    rng: np.random.Generator,
    limit: int | None,
    threads: int | None,
) -> tuple[GammaTest | None, tuple[float, float] | None]:
    if rows.classifies:
        return None, None
    y, n_rows = rows.y.astype(np.float64), graph.n_rows
    found = difference_estimates(graph, y)
    size = min(n_rows // 2, _MOST_SUBSAMPLED)
    parts = [np.sort(rng.choice(n_rows, size, replace=False)) for _ in range(_SUBSAMPLES if size > NEIGHBORS else 0)]
    graphs = (subgraph(rows.scaled, part, NEIGHBORS, groups, rng, limit, threads) for part in parts)
    seen = [difference_estimates(one, y[part]).gamma for one, part in zip(graphs, parts, strict=True)]
    return found, gamma_interval(found, seen, size / n_rows)


def _leakage(rows: Rows, graph: Graph, limit: int | None, threads: int | None) -> Leakage | None:
    if rows.test is None or rows.held is None:
        return None
    distances, indices = kneighbors(rows.test, rows.scaled, 1, memory_limit=limit, threads=threads)
    same = same_rows(rows.held, rows.data.X, distances, indices)
    return find_leakage(distances, indices, same, graph)


def _pairs(graph: Graph, y: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return squared distances and half the squared differences of the targets, of rows and one neighbor each."""
    drawn = np.sort(rng.choice(graph.n_rows, min(graph.n_rows, _PAIRS_DRAWN), replace=False))
    column = rng.integers(0, min(NEIGHBORS, graph.k), len(drawn))
    other = graph.indices[drawn, column]
    return np.stack([graph.distances[drawn, column] ** 2, 0.5 * (y[other] - y[drawn]) ** 2], axis=1)
