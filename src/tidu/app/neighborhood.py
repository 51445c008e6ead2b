"""Which rows are nearest, found with a progress bar of our own words; and how do they vote?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tidu.app.progress import bar
from tidu.data import BlockSource
from tidu.errors import BudgetError, ParameterError, ShapeError
from tidu.neighbors import Job, prepare
from tidu.words import Language, say

__all__ = ["check_rows", "pairs_bar", "prepare_search", "run_search", "vote"]


def run_search(job: Job, lang: Language) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Search with a progress bar; return distances and indices."""
    with pairs_bar(job.inputs.n_pairs, lang) as progress:
        found = job.run(progress)
    assert isinstance(found, tuple)
    return found


@contextmanager
def pairs_bar(total: int, lang: Language) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the pairs compared in a second, and the time left, on standard error of a terminal.

    Yields
    ------
    callable
        ``report(done_pairs, total_pairs)``.
    """
    with bar(say("fit.knn", lang), total, lang) as advance:
        shown = 0
        first: tuple[int, float] | None = None

        def report(done_pairs: int, total_pairs: int) -> None:
            nonlocal shown, first
            now_s, note = time.perf_counter(), ""
            if first is None:
                # What a resumed search finds done already says nothing of its speed.
                first = (done_pairs, now_s)
            elif now_s > first[1]:
                note = say("knn.rate", lang, rate=(done_pairs - first[0]) / (now_s - first[1]) / 1e6)
            place = total * done_pairs // max(1, total_pairs)
            advance(place - shown, note)
            shown = place

        yield report


def check_rows(queries: BlockSource | None, data: BlockSource) -> None:
    """Refuse queries and data that are no matrices of as many columns.

    Raises
    ------
    ShapeError
        With `expected` and `got`.
    """
    for source in (data, queries):
        if source is not None and (len(source.shape) != 2 or 0 in source.shape):
            raise ShapeError(
                f"{source.name} has shape {source.shape}; expected (n_rows, n_features) with at least one of each",
                expected="(n_rows, n_features)",
                got=source.shape,
            )
    if queries is not None and queries.shape[1] != data.shape[1]:
        raise ShapeError(
            f"{queries.name} has {queries.shape[1]} columns, {data.name} has {data.shape[1]}; they must agree",
            expected=data.shape[1],
            got=queries.shape[1],
        )


def prepare_search(
    queries: BlockSource | None,
    data: BlockSource,
    k: int,
    metric: str,
    memory_limit: int | None,
    *,
    algorithm: str = "auto",
    threads: int | None = None,
    where: NDArray[np.generic] | None = None,
    n_allowed: int | None = None,
    index: Path | None = None,
    checkpoint_dir: Path | None = None,
    resume: bool = False,
) -> Job:
    """Plan a search; its errors are in the words of the command line.

    Parameters
    ----------
    queries : BlockSource or None
        None stands for the data, each row left out of its own neighbors.
    data, k, metric, memory_limit, algorithm, threads, where, index, checkpoint_dir, resume
        As for `tidu.kneighbors`.
    n_allowed : int, optional
        How many rows a filter leaves.

    Raises
    ------
    ShapeError
        If queries and data are no matrices of as many columns.
    ParameterError
        If there are fewer rows than `k`.
    BudgetError
        If the limit is too small.
    """
    check_rows(queries, data)
    available = (data.shape[0] if n_allowed is None else n_allowed) - (queries is None)
    if k > available:
        left = "" if n_allowed is None else " that --where leaves"
        own = ", each without itself" if queries is None else ""
        raise ParameterError(
            f"-k {k} neighbors of {available + (queries is None)} rows{left} in {data.name}{own}; give a smaller -k",
            k=k,
            available=available,
        )
    try:
        return prepare(
            queries,
            data,
            k,
            metric,
            memory_limit,
            algorithm=algorithm,
            threads=threads,
            where=where,
            index=index,
            checkpoint_dir=checkpoint_dir,
            resume=resume,
        )
    except BudgetError as error:
        n_queries = (data if queries is None else queries).shape[0]
        raise BudgetError(
            f"k-NN of {n_queries:,} queries takes at least {error.facts['least_bytes']:,} bytes, "
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
