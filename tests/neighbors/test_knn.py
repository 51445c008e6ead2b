"""Neighbors equal a full sort, bit by bit, whatever the dtype, the metric and the blocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.neighbors.oracle import differences, full_sort, true_squared_distance

from tidu.errors import DataError, DtypeError, ParameterError, ShapeError
from tidu.neighbors import METRICS, job, kneighbors
from tidu.neighbors.plan import plan_search

KINDS = ["l2", "sqeuclidean", "l1", "chebyshev", "inner_product"]
DTYPES = ["uint8", "int8", "int16", "uint16", "int32", "int64", "bool", "float16", "float32", "float64"]


def values_of(dtype, large):
    """Draw few different values, for ties, and now and then any value at all."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return st.booleans()
    few = st.sampled_from([0, 1, 2, 3, 100])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        bound = min(info.max, 2**40)
        return few | st.integers(max(info.min, -bound), bound)
    width = dtype.itemsize * 8
    bound = {16: 60000.0, 32: 2.0**100, 64: 1e300 if large else 1e150}[width]
    return few.map(float) | st.floats(-bound, bound, width=width) | st.floats(-8, 8, width=width)


@st.composite
def problems(draw, metrics=KINDS, dtypes=DTYPES):
    metric = draw(st.sampled_from(metrics))
    dtype = draw(st.sampled_from(dtypes))
    n_features = draw(st.integers(1, 9))
    n_rows, n_queries = draw(st.integers(2, 24)), draw(st.integers(0, 6))
    values = values_of(dtype, large=metric != "inner_product")  # a product may not overflow
    data = draw(hnp.arrays(dtype, (n_rows, n_features), elements=values))
    queries = draw(hnp.arrays(dtype, (n_queries, n_features), elements=values))
    if n_queries and draw(st.booleans()):
        queries[0] = data[draw(st.integers(0, n_rows - 1))]
    return queries, data, draw(st.integers(1, n_rows)), metric


def in_blocks(query_rows, data_rows, *args, **options):
    """Search in blocks of these sizes."""

    def plan(*inputs):
        found = plan_search(*inputs)
        return replace(found, query_rows=query_rows, data_rows=data_rows, staged_queries=query_rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "plan_search", plan)
        return kneighbors(*args, algorithm="brute", **options)


@settings(max_examples=300, deadline=None)
@given(problem=problems())
def test_neighbors_equal_a_full_sort(problem):
    queries, data, k, metric = problem
    assert not differences(kneighbors(queries, data, k, metric), queries, data, k, metric)


@settings(max_examples=100, deadline=None)
@given(problem=problems())
def test_a_row_is_left_out_of_its_own_neighbors(problem):
    _, data, k, metric = problem
    k = min(k, len(data) - 1)
    assert not differences(kneighbors(None, data, k, metric), None, data, k, metric)


@settings(max_examples=200, deadline=None)
@given(
    problem=problems([*KINDS, "cosine", "minkowski"], [name for name in DTYPES if name != "int64"]),
    blocks=st.tuples(st.integers(1, 6), st.integers(1, 24)),
    own=st.booleans(),
)
def test_every_block_size_gives_the_same_bits(problem, blocks, own):
    queries, data, k, metric = problem
    if own:
        queries, k = None, min(k, len(data) - 1)
    whole = kneighbors(queries, data, k, metric, p=3.0)
    cut = in_blocks(*blocks, queries, data, k, metric, p=3.0)
    np.testing.assert_array_equal(whole[0], cut[0])
    np.testing.assert_array_equal(whole[1], cut[1])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("metric", KINDS)
def test_many_features_in_few_blocks_equal_a_full_sort(dtype, metric):
    rng = np.random.default_rng(3)
    high = {"uint8": 256, "int8": 128, "uint16": 60_000, "int32": 2**20}.get(dtype, 256)
    data = rng.integers(0, high, (60, 1300)).astype(dtype)
    data[20:40] = data[:20]
    queries = data[::20] + np.asarray(rng.random((3, 1300)) < 0.01, dtype)
    assert not differences(in_blocks(2, 17, queries, data, 7, metric), queries, data, 7, metric)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_near_duplicates_far_from_the_origin_come_out_right(dtype):
    rng = np.random.default_rng(0)
    base = np.array([[1e8, -1e8, 1e8, 1e8], [-1e8, 1e8, 1e8, 0.0]])
    step = 1.0 if dtype == "float64" else 8.0  # neighboring float32 values of this size are 8 apart
    data = np.repeat(base, 150, axis=0) + step * rng.integers(0, 4, (300, 4))
    data, queries = data.astype(dtype), (data[::30] + step).astype(dtype)
    found = in_blocks(4, 64, queries, data, 5)
    assert not differences(found, queries, data, 5)
    for q, query in enumerate(queries):
        wanted = sorted((true_squared_distance(query, row), i) for i, row in enumerate(data))[:5]
        assert [i for _, i in wanted] == found[1][q].tolist()


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e-30, 1e30, 1e160, 1e307])
def test_tiny_and_huge_values_keep_the_order_of_the_reference(scale):
    rng = np.random.default_rng(1)
    data, queries = (rng.standard_normal((n, 5)) * scale for n in (40, 6))
    for metric in KINDS[: 5 if scale < 1e100 else 4]:
        assert not differences(in_blocks(4, 9, queries, data, 4, metric), queries, data, 4, metric)


def test_an_outlier_does_not_change_the_neighbors_of_the_rest():
    rng = np.random.default_rng(2)
    data = rng.standard_normal((50, 6)).astype(np.float32)
    data[7] = 1e30
    queries = data[:5] + np.float32(0.1)
    assert not differences(in_blocks(5, 50, queries, data, 3), queries, data, 3)


def test_ties_go_to_the_lowest_index():
    data = np.array([[2.0], [0.0], [2.0], [0.0], [1.0]])
    assert kneighbors([[1.0]], data, 5)[1].tolist() == [[4, 0, 1, 2, 3]]
    assert kneighbors(np.ones((1, 3)), np.zeros((9, 3)), 4)[1].tolist() == [[0, 1, 2, 3]]


def test_a_dropped_nearest_neighbor_is_caught_by_the_oracle():
    data = np.random.default_rng(0).integers(0, 9, (30, 3))
    distances, indices = kneighbors(data[:5], data, 4)
    assert not differences((distances[:, :3], indices[:, :3]), data[:5], data, 3)
    assert differences((distances[:, 1:], indices[:, 1:]), data[:5], data, 3)


def test_ties_to_the_highest_index_are_caught_by_the_oracle():
    data = np.repeat(np.arange(5), 2)[:, None]
    right = full_sort(data[:1], data, 4)
    assert not differences(right, data[:1], data, 4)
    # the data turned round, and the indices back: equal distances now favor the last row
    distances, turned = kneighbors(data[:1], data[::-1], 4)
    assert differences((distances, len(data) - 1 - turned), data[:1], data, 4)


@pytest.mark.parametrize(("name", "alias"), [("l2", "euclidean"), ("l1", "manhattan"), ("chebyshev", "linf")])
def test_aliases_and_minkowski_exponents_name_the_same_metric(name, alias):
    rng = np.random.default_rng(4)
    data, queries = rng.random((30, 4)), rng.random((5, 4))
    p = {"l1": 1, "l2": 2, "chebyshev": np.inf}[name]
    wanted = kneighbors(queries, data, 6, name)
    for other in (kneighbors(queries, data, 6, alias), kneighbors(queries, data, 6, "minkowski", p=p)):
        np.testing.assert_array_equal(wanted, other)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_cosine_and_minkowski_agree_with_scipy(dtype):
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(5)
    data, queries = ((rng.random((n, 7)) * 200 + 1).astype(dtype) for n in (80, 9))
    for metric, extra in (("cosine", {}), ("minkowski", {"p": 2.5})):
        wanted = cdist(queries.astype(float), data.astype(float), metric, **extra)
        distances, indices = in_blocks(4, 30, queries, data, 10, metric, **extra)
        np.testing.assert_array_equal(indices, np.argsort(wanted, axis=1, kind="stable")[:, :10])
        np.testing.assert_allclose(distances, np.sort(wanted, axis=1)[:, :10], rtol=1e-9, atol=1e-14)


def test_cosine_of_equal_directions_is_zero_and_of_no_direction_one():
    data = np.array([[1e-200, 2e-200], [1e200, 2e200], [0.0, 0.0], [-3.0, -6.0]])
    distances, indices = kneighbors([[2.0, 4.0]], data, 4, "cosine")
    np.testing.assert_allclose(distances, [[0.0, 0.0, 1.0, 2.0]], atol=1e-15)
    assert set(indices[0, :2]) == {0, 1}
    assert indices[0, 2:].tolist() == [2, 3]


def test_every_named_metric_is_accepted():
    for metric in METRICS:
        assert kneighbors([[0.0, 1.0]], [[1.0, 0.5], [2.0, 2.0]], 1, metric, p=3)[1].shape == (1, 1)


def test_inner_product_comes_in_descending_order():
    distances, indices = kneighbors([[1, 2]], [[1, 0], [0, 3], [-1, -1], [2, 2]], 4, "inner_product")
    assert distances.tolist() == [[6.0, 6.0, 1.0, -3.0]]
    assert indices.tolist() == [[1, 3, 0, 2]]


def test_mixed_dtypes_are_compared_by_value():
    rng = np.random.default_rng(6)
    data = rng.integers(0, 9, (30, 4))
    for left, right in (
        ("uint8", "float32"),
        ("float64", "int16"),
        ("float32", "float64"),
        ("int64", "uint8"),
    ):
        queries, rows = data[:6].astype(left), data.astype(right)
        np.testing.assert_array_equal(kneighbors(queries, rows, 5), kneighbors(data[:6], data, 5))


def test_files_and_arrays_give_the_same_result(tmp_path):
    rng = np.random.default_rng(7)
    data, queries = rng.random((70, 5)).astype(np.float32), rng.random((9, 5)).astype(np.float32)
    np.save(tmp_path / "data.npy", data)
    np.save(tmp_path / "queries.npy", np.asfortranarray(queries))
    found = in_blocks(4, 16, str(tmp_path / "queries.npy"), tmp_path / "data.npy", 3)
    np.testing.assert_array_equal(found, kneighbors(queries, data, 3))


def test_no_queries_give_an_empty_result():
    distances, indices = kneighbors(np.empty((0, 3)), np.zeros((5, 3)), 2)
    assert distances.shape == indices.shape == (0, 2)
    assert (distances.dtype, indices.dtype) == (np.float64, np.int64)


def test_indices_alone_are_returned_on_request():
    assert kneighbors([[0.0]], [[1.0], [0.0]], 1, return_distance=False).tolist() == [[1]]


def test_progress_goes_to_standard_error(capsys):
    kneighbors([[0.0]], [[1.0], [0.0]], 1, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "comparing" in captured.err


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("metric", ["l2", "l1", "cosine"])
def test_values_that_are_not_finite_are_refused_by_row(bad, metric):
    data = np.zeros((20, 3), np.float32)
    data[13, 1] = bad
    with pytest.raises(DataError) as caught:
        in_blocks(2, 6, np.zeros((3, 3)), data, 1, metric)
    assert caught.value.row == 13
    with pytest.raises(DataError) as caught:
        in_blocks(2, 6, data, np.zeros((3, 3)), 1, metric)
    assert caught.value.row == 13


@pytest.mark.parametrize("k", [0, -1, 4, 2.5, True])
def test_k_outside_the_rows_is_refused(k):
    with pytest.raises(ParameterError) as caught:
        kneighbors([[0.0]], [[1.0], [0.0], [2.0]], k)
    assert caught.value.available == 3


def test_all_other_rows_are_the_most_that_leave_one_out_can_give():
    with pytest.raises(ParameterError) as caught:
        kneighbors(None, [[1.0], [0.0], [2.0]], 3)
    assert caught.value.available == 2


def test_shapes_that_do_not_fit_are_refused():
    for queries, data in (([[0.0, 1.0]], [[1.0]]), ([0.0], [[1.0]]), (np.empty((2, 0)), np.empty((3, 0)))):
        with pytest.raises(ShapeError):
            kneighbors(queries, data, 1)


def test_dtypes_and_integers_without_exact_distance_are_refused():
    with pytest.raises(DtypeError):
        kneighbors(np.zeros((1, 1), "U1"), np.zeros((1, 1)), 1)
    with pytest.raises(DataError):
        kneighbors([[2**60]], [[-(2**60)]], 1)
    # far from zero, but near to each other: exact
    assert kneighbors([[2**60 + 1]], [[2**60], [2**60 + 4]], 2)[0].tolist() == [[1.0, 3.0]]


def test_products_that_overflow_are_refused():
    with pytest.raises(DataError) as caught:
        kneighbors([[1e160, 1.0]], [[-1e160, 1.0]], 1, "inner_product")
    assert caught.value.largest_norm >= 1e160


def test_an_unknown_metric_is_refused():
    with pytest.raises(ParameterError):
        kneighbors([[0.0]], [[1.0]], 1, "hamming")
    with pytest.raises(ParameterError):
        kneighbors([[0.0]], [[1.0]], 1, "minkowski", p=0)
