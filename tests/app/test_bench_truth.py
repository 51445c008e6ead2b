"""The judge of `tidu bench knn`: equal to a full sort, blind to nothing that is wrong, fair to ties."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tidu.app.bench.knn import truth
from tidu.app.bench.knn.truth import judge, true_keys

Metric = Literal["l2", "l1"]
METRICS: tuple[Metric, ...] = ("l2", "l1")


def all_keys(queries: NDArray[np.generic], rows: NDArray[np.generic], metric: Metric) -> NDArray[np.float64]:
    """Distances, or squares of them, of all pairs."""
    difference = queries[:, None].astype(np.float64) - rows[None].astype(np.float64)
    return np.asarray((np.abs(difference) if metric == "l1" else difference**2).sum(axis=2))


def problem(seed: int, dtype: str, n_rows: int, spread: int) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    """Queries and rows; the smaller the spread, the more ties."""
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, spread, (n, 5)).astype(dtype) for n in (7, n_rows))


@given(
    seed=st.integers(0, 1000),
    dtype=st.sampled_from(["uint8", "float32"]),
    metric=st.sampled_from(METRICS),
    n_rows=st.integers(3, 120),
    spread=st.sampled_from([2, 5, 200]),
)
def test_true_keys_are_those_of_a_full_sort(seed: int, dtype: str, metric: Metric, n_rows: int, spread: int) -> None:
    queries, rows = problem(seed, dtype, n_rows, spread)
    expected = np.sort(all_keys(queries, rows, metric), axis=1)[:, :3]
    np.testing.assert_array_equal(true_keys(queries, rows, 3, metric), expected)


@pytest.mark.parametrize("metric", METRICS)
def test_true_keys_do_not_depend_on_blocks(metric: Metric, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, rows = problem(3, "uint8", 300, 256)
    whole = true_keys(queries, rows, 10, metric)
    for name, size in (("_QUERIES", 2), ("_ROWS", 7), ("_CACHED_ROWS", 11)):
        monkeypatch.setattr(truth, name, size)
    np.testing.assert_array_equal(true_keys(queries, rows, 10, metric), whole)


def test_near_duplicates_with_more_ties_than_spare_candidates_are_settled() -> None:
    rng = np.random.default_rng(0)
    center = rng.standard_normal(16) * 1e6
    rows = np.repeat((center + rng.standard_normal((4, 16))).astype(np.float32), 60, axis=0)
    queries = (center + rng.standard_normal((3, 16))).astype(np.float32)
    expected = np.sort(all_keys(queries, rows, "l2"), axis=1)[:, :10]
    np.testing.assert_allclose(true_keys(queries, rows, 10, "l2"), expected, rtol=1e-13)


def test_right_answers_are_kept_and_read_again(tmp_path: Path) -> None:
    queries, rows = problem(0, "uint8", 50, 256)
    first = true_keys(queries, rows, 3, "l2", tmp_path / "truth.npy")
    np.testing.assert_array_equal(true_keys(queries[:0], rows[:0], 3, "l2", tmp_path / "truth.npy"), first)
    assert [path.name for path in tmp_path.iterdir()] == ["truth.npy"]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_tied_neighbors_may_be_exchanged_and_no_others(metric: Metric, dtype: str) -> None:
    rows = np.array([[0], [2], [2], [2], [9]]).astype(dtype)
    queries = np.zeros((1, 1)).astype(dtype)
    right = true_keys(queries, rows, 3, metric)

    def wrong(*found: int) -> int:
        return judge(np.array([found]), right, queries, rows, metric).wrong

    assert [wrong(0, 1, 2), wrong(3, 0, 1), wrong(2, 3, 0)] == [0, 0, 0]
    assert [wrong(1, 2, 3), wrong(0, 1, 4)] == [1, 1]


@pytest.mark.parametrize("planted", [(0, 0, 1), (0, 1, -1), (0, 1, 60), (0, 1, 59)])
def test_a_wrong_list_is_seen(planted: tuple[int, int, int]) -> None:
    rows = np.arange(60, dtype=np.float32)[:, None]
    queries = np.zeros((2, 1), np.float32)
    right = true_keys(queries, rows, 3, "l2")
    judgment = judge(np.array([[0, 1, 2], planted]), right, queries, rows, "l2")
    assert (judgment.judged, judgment.wrong) == (2, 1)
    assert judgment.recall == pytest.approx(5 / 6)


def test_recall_of_tied_neighbors_counts_places_not_names() -> None:
    rows = np.array([[0], [2], [2], [2], [9]], np.uint8)
    queries = np.zeros((1, 1), np.uint8)
    right = true_keys(queries, rows, 2, "l2")
    assert judge(np.array([[2, 3]]), right, queries, rows, "l2").recall == 0.5
    assert judge(np.array([[0, 3]]), right, queries, rows, "l2").recall == 1.0
