"""The oracle does as plain Python does, and notices what a wrong search would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from tests.neighbors.oracle import all_within, differences, full_sort, key, keys_to, number_of, unequal
from tests.neighbors.problems import METRICS, P, problems


@settings(max_examples=150, deadline=None)
@given(problem=problems(most_rows=6, most_features=20, own=False))
def test_keys_of_many_rows_are_those_of_plain_python(problem):
    number = number_of(problem.queries, problem.data, problem.metric)
    for query in problem.queries[:3]:
        wanted = [key(query, row, problem.metric, number, P) for row in problem.data]
        found = keys_to(query, problem.data, problem.metric, number, P)
        assert found.dtype == (np.int64 if number is int else np.float64)
        assert found.tolist() == wanted
        assert [str(one) for one in found.tolist()] == list(map(str, wanted))  # the sign of zero too


def some_problem(metric):
    rng = np.random.default_rng(0)
    return rng.integers(1, 5, (5, 3)), rng.integers(1, 5, (40, 3)), 6, metric


@pytest.mark.parametrize("metric", METRICS)
def test_a_dropped_neighbor_is_noticed(metric):
    queries, data, k, metric = some_problem(metric)
    distances, indices = full_sort(queries, data, k + 1, metric)
    for lost in range(k):
        found = np.delete(distances, lost, axis=1), np.delete(indices, lost, axis=1)
        assert differences(found, queries, data, k, metric)
    assert not differences((distances[:, :k], indices[:, :k]), queries, data, k, metric)


@pytest.mark.parametrize("metric", METRICS)
def test_ties_in_another_order_are_noticed(metric):
    queries, data, k, metric = some_problem(metric)
    distances, indices = full_sort(queries, data, k, metric)
    tied = np.argwhere(distances[:, 1:] == distances[:, :-1])
    assert len(tied) > 3
    for query, place in tied:
        wrong = indices.copy()
        wrong[query, [place, place + 1]] = wrong[query, [place + 1, place]]
        assert differences((distances, wrong), queries, data, k, metric)
    # the last place taken by a later row that is just as near
    everyone = full_sort(queries, data, len(data), metric)
    later = np.flatnonzero(everyone[0][0] == distances[0, -1])[-1]
    assert later >= k
    wrong = indices.copy()
    wrong[0, -1] = everyone[1][0, later]
    assert differences((distances, wrong), queries, data, k, metric)


@pytest.mark.parametrize("block", [1, 16, 32])
def test_an_index_off_by_a_block_is_noticed(block):
    queries, data, k, metric = some_problem("l2")
    distances, indices = full_sort(queries, data, k, metric)
    for place in np.ndindex(indices.shape):
        wrong = indices.copy()
        wrong[place] = (wrong[place] + block) % len(data)
        assert differences((distances, wrong), queries, data, k, metric)


def test_a_last_place_and_a_sign_of_zero_are_noticed():
    queries, data, k, metric = some_problem("l2")
    distances, indices = full_sort(queries, data, k, metric)
    rounded = distances.copy()
    rounded[3, 2] = np.nextafter(rounded[3, 2], np.inf)
    assert differences((rounded, indices), queries, data, k, metric)
    zeros = np.zeros((1, 1)), np.zeros((1, 1), np.int64)
    assert not unequal(zeros, zeros)
    assert unequal((-zeros[0], zeros[1]), zeros)


def test_other_dtypes_and_shapes_are_noticed():
    queries, data, k, metric = some_problem("l1")
    distances, indices = full_sort(queries, data, k, metric)
    for wrong in (
        (distances.astype(np.float32), indices),
        (distances, indices.astype(np.int32)),
        (distances[:, 1:], indices[:, 1:]),
        (distances[1:], indices[1:]),
    ):
        assert differences(wrong, queries, data, k, metric)


def test_its_own_row_and_a_row_outside_the_filter_are_noticed():
    _, data, k, metric = some_problem("l2")
    with_itself = full_sort(data, data, k, metric)
    assert differences(with_itself, None, data, k, metric)
    allowed = np.arange(0, len(data), 2)
    assert differences(full_sort(data, data, k), data, data, k, where=allowed)


def test_a_pair_on_the_boundary_is_within_the_radius():
    distances, indices = all_within(np.array([[0]]), np.array([[2], [3], [-2], [0]]), 2.0)
    assert [row.tolist() for row in (*distances, *indices)] == [[2.0, 2.0, 0.0], [0, 2, 3]]
    assert all_within(np.array([[1]]), np.array([[2], [1], [3]]), 2.0, "inner_product")[1][0].tolist() == [0, 2]
