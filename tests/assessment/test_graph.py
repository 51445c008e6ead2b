"""The neighbors of each row, and how many dimensions rows fill."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidu.assessment.graph import Graph, in_turn, intrinsic_dimension, neighbor_graph, subgraph, without
from tidu.data import as_source


def test_no_row_is_a_neighbor_of_its_own_even_among_equals():
    graph = neighbor_graph(as_source(np.zeros((30, 2))), 5)
    assert not (graph.indices == np.arange(30)[:, None]).any()


def test_a_graph_of_some_rows_counts_within_them():
    X = np.random.default_rng(0).normal(size=(60, 3))
    rows = np.arange(1, 60, 2)
    found = subgraph(as_source(X), rows, 4, [], np.random.default_rng(0))
    assert np.array_equal(found.indices, neighbor_graph(as_source(X[rows]), 4).indices)


def test_equal_rows_are_neighbors_in_turn():
    X = np.repeat([[0.0], [5.0]], [4, 2], axis=0)
    groups = [np.array([0, 1, 2, 3]), np.array([4, 5])]
    graph = in_turn(neighbor_graph(as_source(X), 2), groups, np.random.default_rng(0))
    for column in (0, 1):
        assert sorted(graph.indices[:4, column].tolist()) == [0, 1, 2, 3]
    assert not (graph.indices == np.arange(6)[:, None]).any()
    assert graph.indices[4:, 0].tolist() == [5, 4]


def test_the_turn_of_equal_rows_is_not_their_order_in_the_file():
    graph = in_turn(neighbor_graph(as_source(np.zeros((200, 1))), 1), [np.arange(200)], np.random.default_rng(0))
    steps = np.abs(graph.indices[:, 0] - np.arange(200))
    assert np.median(steps) > 20


def test_equal_rows_among_some_rows_are_neighbors_in_turn_too():
    X = np.repeat([[0.0], [5.0], [9.0]], [6, 3, 1], axis=0)
    groups = [np.arange(6), np.array([6, 7, 8])]
    rows = np.array([1, 2, 4, 6, 9])
    graph = subgraph(as_source(X), rows, 1, groups, np.random.default_rng(0))
    assert sorted(graph.indices[:3, 0].tolist()) == [0, 1, 2]
    assert graph.distances[:, 0].tolist() == [0.0, 0.0, 0.0, 4.0, 4.0]


@pytest.mark.parametrize("k", [3, 10, 30])
@pytest.mark.parametrize("dimension", [1, 2])
def test_the_dimension_does_not_depend_on_the_number_of_neighbors(dimension, k):
    X = np.random.default_rng(dimension).uniform(size=(4000, dimension))
    assert intrinsic_dimension(neighbor_graph(as_source(X), k)) == pytest.approx(dimension, rel=0.05)


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_the_dimension_is_that_of_the_plane_not_of_the_space(dimension):
    rng = np.random.default_rng(dimension)
    X = rng.uniform(size=(4000, dimension)) @ rng.normal(size=(dimension, 8))
    assert abs(intrinsic_dimension(neighbor_graph(as_source(X), 10)) - dimension) < 0.25 * dimension


def test_rows_that_are_all_alike_have_dimension_none():
    assert intrinsic_dimension(neighbor_graph(as_source(np.ones((30, 3))), 10)) == 0.0


def test_two_neighbors_are_too_few_for_a_dimension():
    assert np.isnan(intrinsic_dimension(Graph(np.ones((5, 2)), np.ones((5, 2), np.int64))))


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_rows_left_out_leave_the_graph_of_the_others(seed: int, n_left_out: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(120, 2))
    left_out = np.sort(rng.choice(120, n_left_out, replace=False))
    found = without(neighbor_graph(as_source(X), 20), left_out, 5)
    others = np.delete(X, left_out, axis=0)
    if found is None:
        assert n_left_out > 15
        return
    assert found.k >= 5
    expected = neighbor_graph(as_source(others), found.k)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.distances, expected.distances)
