"""A filter decides which rows may be found, and that is all it decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.neighbors.oracle import all_within, differences, full_sort, unequal
from tests.neighbors.problems import METRICS, P, least_bytes, problems, rows_of, search, search_radius

from tidu.errors import DataError, DtypeError, ParameterError, ShapeError

KINDS = ["mask", "ascending", "shuffled", "repeated", "int32", "uint16", "list"]


def filter_of(kind, seed, n_rows, least):
    """Choose at least `least` rows, and write them in one of the accepted ways."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(n_rows)[: rng.integers(least, n_rows + 1)])
    if kind == "mask":
        mask = np.zeros(n_rows, bool)
        mask[rows] = True
        return mask
    if kind == "shuffled":
        return rng.permutation(rows)
    if kind == "repeated":
        return rng.permutation(np.concatenate([rows, rows[: len(rows) // 2 + 1]]))
    return rows.tolist() if kind == "list" else rows.astype({"ascending": "int64"}.get(kind, kind))


@settings(max_examples=200, deadline=None)
@given(problem=problems(), kind=st.sampled_from(KINDS), seed=st.integers(0, 2**32 - 1))
def test_filtered_neighbors_equal_the_full_sort(problem, kind, seed):
    own = problem.queries is None
    where = filter_of(kind, seed, len(problem.data), problem.k + own)
    found = problem.run(where=where)
    wrong = differences(found, problem.queries, problem.data, problem.k, problem.metric, p=P, where=where)
    assert not wrong, wrong


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_in_any_memory_over_a_file_gives_the_same_bits(tmp_path, kind, metric):
    data = rows_of("few", 1, (400, 7), "uint8")
    np.save(tmp_path / "data.npy", data)
    where = filter_of(kind, 2, 400, 30)
    wanted = full_sort(data[::50], data, 9, metric, p=P, where=where)
    for share in (1.0, 2.0, 20.0):
        limit = int(share * least_bytes(data[::50], tmp_path / "data.npy", 9, metric, where=where))
        for threads in (1, 3):
            options = {"where": where, "memory_limit": limit, "threads": threads}
            assert not unequal(search(data[::50], tmp_path / "data.npy", 9, metric, **options), wanted)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "pruned"])
@pytest.mark.parametrize("chosen", [slice(0, 12), slice(2990, 3000), slice(1000, 1100), slice(None, None, 250)])
def test_few_rows_out_of_many_equal_the_full_sort(chosen, algorithm):
    data = rows_of("any", 3, (3000, 20), "float32")
    where = np.arange(3000)[chosen]
    found = search(data[:9], data, 10, where=where, algorithm=algorithm)
    assert not differences(found, data[:9], data, 10, where=where)


def test_a_filter_of_every_row_changes_nothing():
    data = rows_of("few", 4, (100, 4), "float64")
    for everything in (np.ones(100, bool), np.arange(100)[::-1]):
        assert not unequal(search(data[:5], data, 9, where=everything), search(data[:5], data, 9))


def test_a_filtered_radius_search_equals_the_oracle():
    data = rows_of("few", 5, (300, 4), "float32")
    where = np.arange(0, 300, 3)
    for queries in (data[:20], None):
        distances, indices = search_radius(queries, data, 1.0, where=where)
        wanted = all_within(queries, data, 1.0, where=where)
        for got, expected in zip((*distances, *indices), (*wanted[0], *wanted[1]), strict=True):
            assert np.array_equal(got, expected)


def test_more_neighbors_than_the_filter_leaves_are_refused_with_their_number():
    data = np.zeros((50, 2))
    for where in ([3, 4, 4, 3, 9], np.isin(np.arange(50), [3, 4, 9])):
        assert search(data[:1], data, 3, where=where)[1].tolist() == [[3, 4, 9]]
        with pytest.raises(ParameterError) as caught:
            search(data[:1], data, 4, where=where)
        assert caught.value.facts["available"] == 3
        with pytest.raises(ParameterError):
            search(None, data, 3, where=where)  # rows 3, 4 and 9 have only two others


@pytest.mark.parametrize("nothing", [[], np.zeros(20, bool), np.empty(0, np.int64)])
def test_a_filter_of_no_row_is_refused(nothing):
    with pytest.raises(ParameterError):
        search(np.zeros((1, 2)), np.zeros((20, 2)), 1, where=nothing)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([0, 20], id="past the last"),
        pytest.param([-1, 3], id="negative"),
        pytest.param(np.array([0, 2**40]), id="far past the last"),
        pytest.param(np.array([2**64 - 1], np.uint64), id="-1 as uint64"),
        pytest.param(np.ones(19, bool), id="mask too short"),
        pytest.param(np.ones(21, bool), id="mask too long"),
        pytest.param(np.ones((20, 1), bool), id="mask of two axes"),
        pytest.param(np.zeros((2, 2), int), id="rows of two axes"),
        pytest.param(np.array([0.0, 1.0]), id="floats"),
        pytest.param(["0"], id="text"),
        pytest.param(3, id="a number"),
    ],
)
def test_rows_that_are_not_there_and_filters_of_another_shape_are_refused(wrong):
    with pytest.raises((ParameterError, ShapeError, DtypeError)):
        search(np.zeros((1, 2)), np.zeros((20, 2)), 1, where=wrong)


def test_a_value_that_is_not_finite_is_never_found():
    data = rows_of("any", 6, (60, 3), "float32")
    data[41] = np.nan
    where = np.delete(np.arange(60), 41)
    refused = []
    try:
        found = search(data[:4], data, 59, where=where)
    except DataError as error:
        refused = [error.facts["row"]]
    assert refused == [41] or not differences(found, data[:4], np.nan_to_num(data), 59, where=where)
