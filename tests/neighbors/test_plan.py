"""The plan knows the peak before the search runs, and the search never exceeds it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.errors import BudgetError, ParameterError
from tidu.neighbors import kneighbors, memory_plan, radius_neighbors

DTYPES = ["uint8", "float32", "float64", "int64"]
SHAPES = {"wide": (30, 200, 300), "narrow": (150, 700, 3)}


def peak_of(function):
    """Return the most that Python and NumPy allocated during a call."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result = function()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


def least_bytes(*args, **options):
    with pytest.raises(BudgetError) as caught:
        kneighbors(*args, memory_limit=1, **options)
    return caught.value.least_bytes


@pytest.fixture(scope="module", autouse=True)
def everything_is_loaded():
    """Import and compile beforehand what a search loads once in a process."""
    for dtype in DTYPES:
        for metric in ("l2", "cosine"):
            kneighbors(np.eye(3, dtype=dtype), np.eye(4, 3, dtype=dtype), 2, metric)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Save queries and data of each shape and dtype once."""
    folder = tmp_path_factory.mktemp("neighbors")
    rng = np.random.default_rng(0)
    made = {}
    for name, (n_queries, n_rows, n_features) in SHAPES.items():
        for dtype in DTYPES:
            paths = folder / f"q_{name}_{dtype}.npy", folder / f"x_{name}_{dtype}.npy"
            for path, rows in zip(paths, (n_queries, n_rows), strict=True):
                np.save(path, (rng.random((rows, n_features)) * 255).astype(dtype))
            made[name, dtype] = paths
    return made


@pytest.mark.parametrize(
    ("dtype", "metric"),
    [(dtype, "l2") for dtype in DTYPES]
    + [("uint8", "l1"), ("float64", "l1"), ("float32", "cosine"), ("uint8", "inner_product")],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_peak_stays_within_the_limit_from_the_least_to_large(files, shape, dtype, metric):
    queries, data = files[shape, dtype]
    queries, few = np.load(queries), np.load(queries)[:2]
    wanted = kneighbors(queries, data, k=7, metric=metric)
    # the least means single rows, hence few queries
    for asked, limit in ((few, least_bytes(few, data, k=7, metric=metric)), (queries, 2 * 10**6), (queries, 10**8)):
        peak, found = peak_of(
            lambda asked=asked, limit=limit: kneighbors(asked, data, k=7, metric=metric, memory_limit=limit)
        )
        assert peak <= limit
        for got, expected in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(got, expected[: len(asked)])


@pytest.mark.parametrize("dtype", ["uint8", "float64"])
def test_many_ties_stay_within_the_limit(dtype):
    data = np.zeros((1000, 2), dtype)
    for limit in (2_000_000, 20_000_000):
        peak, (_, indices) = peak_of(lambda limit=limit: kneighbors(data, data, k=9, memory_limit=limit))
        assert peak <= limit
        assert (indices == np.arange(9)).all()


def test_every_neighbor_of_every_row_stays_within_the_limit():
    data = np.random.default_rng(0).random((250, 4))
    peak, _ = peak_of(lambda: kneighbors(data, data, k=250, memory_limit=3_000_000))
    assert peak <= 3_000_000


def test_a_radius_search_stays_within_the_limit_or_is_refused(files):
    queries, data = files["narrow", "float64"]
    least = 3_000_000
    peak, (_, indices) = peak_of(lambda: radius_neighbors(queries, data, 20.0, memory_limit=least))
    assert peak <= least
    assert sum(map(len, indices)) > 150
    with pytest.raises(BudgetError) as caught:
        radius_neighbors(queries, data, 500.0, memory_limit=least)
    assert caught.value.least_bytes > caught.value.limit_bytes == least


def test_a_limit_below_the_least_is_refused_with_the_least_that_would_do(files):
    queries, data = files["wide", "uint8"]
    least = least_bytes(queries, data, k=3)
    with pytest.raises(BudgetError, match=f"{least:,}") as caught:
        kneighbors(queries, data, k=3, memory_limit=least - 1)
    assert caught.value.limit_bytes == least - 1


def test_a_limit_that_is_left_out_of_the_count_is_seen_by_the_measurement():
    data = np.zeros((2000, 8))
    peak, _ = peak_of(lambda: (kneighbors(data, data, k=2, memory_limit=4_000_000), np.zeros(10**6)))
    assert peak > 4_000_000


@settings(max_examples=200, deadline=None)
@given(
    sizes=st.tuples(st.integers(0, 10**6), st.integers(1, 10**9), st.integers(1, 10**4)),
    dtype=st.sampled_from(["uint8", "int32", "float32", "float64"]),
    k=st.integers(1, 200),
    limit=st.integers(1, 10**10),
    metric=st.sampled_from(["l2", "l1", "cosine", "inner_product"]),
)
def test_a_plan_keeps_its_limit_or_says_what_would_do(sizes, dtype, k, limit, metric):
    with pytest.raises(BudgetError) as refused:
        memory_plan(*sizes, dtype, k, 1, metric=metric)
    if limit < refused.value.least_bytes:
        with pytest.raises(BudgetError):
            memory_plan(*sizes, dtype, k, limit, metric=metric)
        limit = refused.value.least_bytes
    plan = memory_plan(*sizes, dtype, k, limit, metric=metric)
    assert plan.peak_bytes == sum(plan.items.values()) <= limit
    assert 1 <= plan.query_rows <= max(sizes[0], 1)
    assert 1 <= plan.data_rows <= sizes[1]


def test_more_memory_never_means_smaller_blocks():
    plans = [memory_plan(10_000, 50_000, 3072, "uint8", 10, limit * 10**6) for limit in (4, 16, 64, 256)]
    assert [plan.query_rows for plan in plans] == sorted(plan.query_rows for plan in plans)


@pytest.mark.parametrize(("lang", "peak"), [("en", "at most"), ("zh", "峰值")])
def test_a_plan_prints_every_item_in_each_language(lang, peak):
    plan = memory_plan(100, 5000, 30, "float32", 5, "4MB")
    text = plan.text(lang)
    assert peak in text
    assert f"{plan.peak_bytes:,}" in text
    assert len(text.splitlines()) == len(plan.items) + 5
    assert "4,000,000" in text
    assert "4,000,000" not in memory_plan(100, 5000, 30, "float32").text(lang)


def test_sizes_below_one_are_refused():
    with pytest.raises(ParameterError):
        memory_plan(1, 1, 0, "float32")
    with pytest.raises(ParameterError):
        memory_plan(1, 1, 1, "float32", k=0)
