"""The number of threads changes neither which rows are listed by their projections, nor what is found."""

from __future__ import annotations

import numpy as np
import pytest
from tests.neighbors.oracle import full_sort, unequal
from tests.neighbors.problems import rows_of

from tidu.neighbors.heaps import Heaps
from tidu.neighbors.job import finder_of, prepare
from tidu.neighbors.pruned import PrunedSearch


def pruned(queries: np.ndarray | None, data: np.ndarray, k: int, metric: str, n_threads: int):
    job = prepare(queries, data, k, metric, algorithm="pruned", threads=n_threads)
    finder = finder_of(job.inputs, job.plan)
    assert isinstance(finder, PrunedSearch)
    return job, finder


def found_by(job, finder: PrunedSearch, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what is listed for all queries, and keys and rows that are found."""
    n, dtype = job.inputs.n_queries, job.inputs.arithmetic.key_dtype
    listed = np.sort(finder._list(finder._load(slice(0, n))).copy(), axis=1)
    heaps = Heaps(
        np.zeros((n, k), dtype), np.zeros((n, k), np.int64), np.zeros(n, dtype), job.inputs.arithmetic.farthest
    )
    finder.find(slice(0, n), heaps, 0, lambda pairs, blocks: None)
    heaps.sort()
    return listed, heaps.keys, heaps.indices


CASES = [
    ("l2", "float32", "any"),
    ("l2", "uint8", "repeated"),
    ("sqeuclidean", "float64", "few"),
    ("cosine", "float32", "outlier"),
]


@pytest.mark.parametrize(("metric", "dtype", "recipe"), CASES)
@pytest.mark.parametrize("own", [False, True])
def test_lists_and_results_do_not_depend_on_threads(metric: str, dtype: str, recipe: str, own: bool) -> None:
    data = rows_of(recipe, 1, (257, 34), dtype)
    queries = None if own else rows_of(recipe, 2, (41, 34), dtype)
    k = 7
    one = found_by(*pruned(queries, data, k, metric, 1), k)
    for n_threads in (2, 3):
        for got, want in zip(found_by(*pruned(queries, data, k, metric, n_threads), k), one, strict=True):
            np.testing.assert_array_equal(got, want)
    _, keys, indices = one
    metric_of = pruned(queries, data, k, metric, 1)[0].inputs.arithmetic.metric
    assert not unequal((metric_of.distances(keys), indices), full_sort(queries, data, k, metric))


def test_lists_hold_each_row_once_and_never_the_query_itself() -> None:
    data = rows_of("equal", 1, (130, 20), "float32")
    listed, _, _ = found_by(*pruned(None, data, 3, "l2", 3), 3)
    for query, rows in enumerate(listed):
        rows = rows[rows < len(data)]
        assert len(set(rows.tolist())) == len(rows) > 0
        assert query not in rows


def test_planted_lists_that_leave_the_nearest_out_change_no_result(monkeypatch) -> None:
    """They only say what is judged first; so this fails should anyone ever trust them."""
    data, queries = rows_of("any", 1, (200, 20), "float32"), rows_of("any", 2, (15, 20), "float32")
    _, finder = pruned(queries, data, 5, "l2", 1)
    wanted = full_sort(queries, data, 5, "l2")[1]

    def worst(block) -> np.ndarray:
        rows = [np.setdiff1d(np.arange(200), near)[: finder._n_listed] for near in wanted]
        return np.ascontiguousarray(rows, np.int64)

    monkeypatch.setattr(finder, "_list", worst)
    heaps = Heaps(np.zeros((15, 5)), np.zeros((15, 5), np.int64), np.zeros(15), np.inf)
    finder.find(slice(0, 15), heaps, 0, lambda pairs, blocks: None)
    heaps.sort()
    np.testing.assert_array_equal(heaps.indices, wanted)
