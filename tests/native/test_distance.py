"""The native tile of nearest neighbors equals a full sort."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.errors import BudgetError, DtypeError, ParameterError, ShapeError
from tidu.native import distance
from tidu.native.distance import DistanceTile, tile_kernel
from tidu.native.ledger import Ledger
from tidu.native.text import Kernel
from tidu.neighbors.metrics import resolve_metric

DTYPES = ("uint8", "float32", "float64")


def reference_keys(queries: np.ndarray, data: np.ndarray) -> np.ndarray:
    """Return all squared distances, to the last bit."""
    dtype = np.int64 if data.dtype == np.uint8 else np.float64
    metric = resolve_metric("sqeuclidean")
    return np.array([metric.keys(q[None], data, dtype) for q in queries]).reshape(len(queries), len(data))


def full_sort(queries: np.ndarray, data: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    keys = reference_keys(queries, data)
    order = np.argsort(keys, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(keys, order, axis=1), order


def search(queries: np.ndarray, data: np.ndarray, k: int, cuts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    tile = DistanceTile(str(data.dtype), data.shape[1], k)
    keys, indices = tile.start(len(queries))
    for first, last in pairwise([0, *cuts, len(data)]):
        tile.update(queries, data[first:last], first, keys, indices)
    return keys, indices


def rows(rng: np.random.Generator, n: int, d: int, dtype: str, levels: int) -> np.ndarray:
    """Return rows with many ties when there are few levels."""
    if dtype == "uint8":
        return rng.choice(np.linspace(0, 255, levels).astype(np.uint8), (n, d))
    return (rng.integers(0, levels, (n, d)) * rng.choice([1.0, 0.1])).astype(dtype)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(DTYPES),
    st.sampled_from([(1, 1), (2, 3), (3, 5), (17, 2), (64, 4)]),
    st.integers(0, 4),
    st.integers(1, 40),
    st.sampled_from([2, 3, 200]),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_the_tile_equals_a_full_sort_for_any_blocks(dtype, sizes, n_queries, n, levels, seed, data) -> None:
    d, k = sizes
    n = max(n, k)
    rng = np.random.default_rng(seed)
    queries, stored = rows(rng, n_queries, d, dtype, levels), rows(rng, n, d, dtype, levels)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=3)))
    keys, indices = search(queries, stored, k, cuts)
    expected_keys, expected = full_sort(queries, stored, k)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_array_equal(keys, expected_keys)


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_features_have_the_bits_of_the_reference_order(dtype: str) -> None:
    rng = np.random.default_rng(1)
    queries, data = (rng.uniform(0, 255, (n, 3071)).astype(dtype) for n in (3, 50))
    keys, indices = search(queries, data, 10, [20])
    expected_keys, expected = full_sort(queries, data, 10)
    np.testing.assert_array_equal(indices, expected)
    assert keys.tobytes() == expected_keys.tobytes()


def test_distances_beyond_32_bits_are_exact() -> None:
    for d in (33_025, 33_026, 70_000):
        keys, _ = search(np.full((1, d), 255, np.uint8), np.zeros((1, d), np.uint8), 1, [])
        assert keys.tolist() == [[d * 255**2]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_ties_go_to_the_lowest_index_in_any_order_of_blocks(dtype: str) -> None:
    tile = DistanceTile(dtype, 2, 3)
    keys, indices = tile.start(1)
    same = np.ones((4, 2), dtype)
    for first in (8, 0, 4):
        tile.update(np.zeros((1, 2), dtype), same, first, keys, indices)
    assert indices.tolist() == [[0, 1, 2]]


def test_fewer_rows_than_neighbors_leave_places_unfilled() -> None:
    keys, indices = search(np.zeros((1, 2)), np.array([[3.0, 4.0]]), 2, [])
    assert keys.tolist() == [[25.0, np.inf]]
    assert indices.tolist() == [[0, np.iinfo(np.int64).max]]


def test_an_infinite_distance_is_found_and_a_nan_is_not() -> None:
    keys, indices = search(np.zeros((1, 1)), np.array([[np.nan], [np.inf], [1.0]]), 3, [])
    assert indices.tolist() == [[2, 1, np.iinfo(np.int64).max]]
    assert keys.tolist() == [[1.0, np.inf, np.inf]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_around_the_arrays_is_touched(dtype: str) -> None:
    rng = np.random.default_rng(2)
    tile = DistanceTile(dtype, 7, 3)
    keys, indices = tile.start(5)
    guarded = []
    for array in (rows(rng, 5, 7, dtype, 9), rows(rng, 30, 7, dtype, 9), keys, indices):
        memory = np.full(array.nbytes + 256, 0xA5, np.uint8)
        inside = memory[128:-128].view(array.dtype).reshape(array.shape)
        inside[...] = array
        guarded.append((memory, inside))
    queries, data, keys, indices = (inside for _, inside in guarded)
    tile.update(queries, data, 0, keys, indices)
    np.testing.assert_array_equal(indices, full_sort(queries, data, 3)[1])
    for memory, _ in guarded:
        assert (memory[:128] == 0xA5).all()
        assert (memory[-128:] == 0xA5).all()


def test_what_the_code_was_not_made_for_is_refused() -> None:
    tile = DistanceTile("float32", 3, 2)
    keys, indices = tile.start(2)
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(ShapeError) as shape:
        tile.update(x, np.zeros((4, 2), np.float32), 0, keys, indices)
    assert shape.value.facts == {"where": "data", "expected": (4, 3), "got": (4, 2)}
    with pytest.raises(DtypeError) as dtype:
        tile.update(x.astype(np.float64), x, 0, keys, indices)
    assert dtype.value.facts["where"] == "queries"
    with pytest.raises(ParameterError) as layout:
        tile.update(x, np.zeros((3, 2), np.float32).T, 0, keys, indices)
    assert layout.value.facts == {"where": "data"}
    with pytest.raises(DtypeError):
        DistanceTile("int16", 3, 2)
    with pytest.raises(ParameterError):
        DistanceTile("uint8", 3, 0)


def test_scratch_memory_is_taken_from_the_ledger() -> None:
    tile = DistanceTile("float64", 1000, 1, Ledger(100))
    with pytest.raises(BudgetError):
        tile.update(np.zeros((1, 1000)), np.zeros((1, 1000)), 0, *tile.start(1))


def test_planted_ties_to_the_highest_index_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*sizes: object) -> Kernel:
        kernel = tile_kernel(*sizes)
        return replace(kernel, body=kernel.body.replace("icmp slt i64", "icmp sgt i64"))

    monkeypatch.setattr(distance, "tile_kernel", wrong)
    with pytest.raises(AssertionError):
        test_ties_go_to_the_lowest_index_in_any_order_of_blocks("float64")
