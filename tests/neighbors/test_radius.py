"""A radius search finds every pair within the radius, the boundary included, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.neighbors.oracle import all_within, full_sort
from tests.neighbors.problems import METRICS, P, problems, rows_of, search_radius

from tidu.errors import BudgetError, DataError, ParameterError


def wrong_rows(found, wanted):
    """Return the queries whose neighbors differ, bit by bit."""
    assert [part.dtype for part in found] == [object, object]
    assert [len(part) for part in found] == [len(part) for part in wanted]
    wrong = []
    for q, (distances, indices, far, rows) in enumerate(zip(*found, *wanted, strict=True)):
        assert (distances.dtype, indices.dtype) == (np.float64, np.int64)
        same = np.array_equal(distances.view(np.int64), far.view(np.int64)) and np.array_equal(indices, rows)
        wrong += [] if same else [(q, indices, rows, distances, far)]
    return wrong


def radius_of(problem, place, shift):
    """Take one of the distances there are, or the float below or above it."""
    distances, _ = full_sort(problem.queries, problem.data, problem.k, problem.metric, p=P)
    finite = distances[np.isfinite(distances)]
    radius = float(np.sort(finite)[place % finite.size]) if finite.size else 1.0
    return radius if shift == 0 else float(np.nextafter(radius, np.inf * shift))


@settings(max_examples=300, deadline=None)
@given(
    problem=problems(most_rows=30),
    place=st.integers(0, 1000),
    shift=st.sampled_from([0, 0, -1, 1]),
    by_distance=st.booleans(),
)
def test_pairs_within_a_distance_that_occurs_equal_the_oracle(problem, place, shift, by_distance):
    radius = radius_of(problem, place, shift)
    if not np.isfinite(radius):
        return
    found = search_radius(
        problem.queries, problem.data, radius, problem.metric, sort_results=by_distance, threads=problem.ways["threads"]
    )
    wanted = all_within(problem.queries, problem.data, radius, problem.metric, p=P, by_distance=by_distance)
    wrong = wrong_rows(found, wanted)
    assert not wrong, wrong[0]


@pytest.mark.long
@settings(max_examples=4000, deadline=None)
@given(problem=problems(most_rows=100), place=st.integers(0, 10**4), shift=st.sampled_from([0, -1, 1]))
def test_thousands_of_radius_searches_equal_the_oracle(problem, place, shift):
    radius = radius_of(problem, place, shift)
    if np.isfinite(radius):
        found = search_radius(problem.queries, problem.data, radius, problem.metric)
        assert not wrong_rows(found, all_within(problem.queries, problem.data, radius, problem.metric, p=P))


@pytest.mark.parametrize("metric", METRICS)
def test_the_boundary_belongs_to_the_radius_and_the_next_float_does_not(metric):
    data, query = rows_of("few", 1, (200, 6), "float32") + np.float32(0.1), rows_of("few", 2, (1, 6), "float32")
    query[0, 0] = 1.0
    nearer, further = (np.inf, -np.inf) if metric == "inner_product" else (-np.inf, np.inf)
    for distance in np.unique(full_sort(query, data, 200, metric, p=P)[0])[::3]:
        radii = (distance, np.nextafter(distance, nearer), np.nextafter(distance, further))
        at, inside, outside = (search_radius(query, data, float(radius), metric)[0][0] for radius in radii)
        assert distance in at
        assert distance not in inside
        assert len(outside) >= len(at) > len(inside)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
def test_a_radius_search_in_any_memory_from_a_file_has_the_same_bits(tmp_path, dtype, metric):
    data, queries = rows_of("any", 3, (130, 8), dtype), rows_of("any", 4, (7, 8), dtype)
    np.save(tmp_path / "data.npy", data)
    radius = float(np.median(full_sort(queries, data, 130, metric, p=P)[0]))
    wanted = all_within(queries, data, radius, metric, p=P)
    pairs = sum(map(len, wanted[0]))
    assert 7 * 130 / 3 < pairs < 7 * 130
    with pytest.raises(BudgetError) as caught:
        search_radius(queries, tmp_path / "data.npy", radius, metric, memory_limit=1)
    least, refused = caught.value.facts["least_bytes"], []
    for limit in (least, 2 * least, least + 10**6, 100 * least, None):
        for threads in (1, 3):
            options = {"memory_limit": limit, "threads": threads}
            try:
                found = search_radius(queries, tmp_path / "data.npy", radius, metric, **options)
            except BudgetError as error:  # how much is found cannot be planned
                refused.append((error.facts["least_bytes"], error.facts["limit_bytes"], limit))
            else:
                assert not wrong_rows(found, wanted)
    assert all(needed > told == limit < least + 10**6 for needed, told, limit in refused)


def test_rows_are_left_out_of_their_own_circle_but_their_twins_are_not():
    data = np.tile(rows_of("any", 5, (30, 4), "float32"), (3, 1))
    found = search_radius(None, data, 0.0)
    assert not wrong_rows(found, all_within(None, data, 0.0))
    assert all(len(rows) == 2 for rows in found[1])


def test_nothing_within_the_radius_gives_empty_arrays():
    data = rows_of("any", 6, (30, 4), "float64")
    for found in (search_radius(data + 100.0, data, 1.0), search_radius(data, data, -1.0)):
        assert not wrong_rows(found, ([np.empty(0)] * 30, [np.empty(0, np.int64)] * 30))
    assert [part.shape for part in search_radius(data[:0], data, 1.0)] == [(0,), (0,)]
    assert [len(rows) for rows in search_radius(data[:2], data, 1e300, return_distance=False)] == [30, 30]


@pytest.mark.parametrize("radius", [np.nan, np.inf, -np.inf])
def test_a_radius_that_is_not_finite_is_refused(radius):
    with pytest.raises(ParameterError):
        search_radius([[0.0]], [[1.0]], radius)


@pytest.mark.parametrize("metric", ["l2", "l1", "cosine"])
@pytest.mark.parametrize("row", [0, 32, 99])
def test_a_value_that_is_not_finite_is_refused_by_its_row(row, metric):
    good, bad = rows_of("any", 7, (100, 5), "float32"), rows_of("any", 8, (100, 5), "float32")
    bad[row, 4] = np.nan
    for queries, data in ((good, bad), (bad, good), (None, bad)):
        with pytest.raises(DataError) as caught:
            search_radius(queries, data, 0.5, metric)
        assert caught.value.facts["row"] == row


def test_a_lost_pair_and_a_pair_too_many_are_noticed():
    data = rows_of("few", 9, (40, 2), "uint8")
    distances, indices = search_radius(data[:3], data, 1.0)
    wanted = all_within(data[:3], data, 1.0)
    assert not wrong_rows((distances, indices), wanted)
    for change in (lambda rows: rows[1:], lambda rows: np.append(rows, rows[-1:]), lambda rows: rows[::-1]):
        wrong = distances.copy(), indices.copy()
        for part in wrong:
            part[1] = change(part[1]).copy()
        assert wrong_rows(wrong, wanted)[0][0] == 1
