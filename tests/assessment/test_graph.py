"""The neighbors of each row, and how many dimensions rows fill."""

import numpy as np
import pytest

from tidu.assessment.graph import Graph, in_turn, intrinsic_dimension, neighbor_graph, subgraph
from tidu.data import as_source


def test_no_row_is_a_neighbor_of_its_own_even_among_equals():
    graph = neighbor_graph(as_source(np.zeros((30, 2))), 5)
    assert not (graph.indices == np.arange(30)[:, None]).any()


def test_a_graph_of_some_rows_counts_within_them():
    X = np.random.default_rng(0).normal(size=(60, 3))
    rows = np.arange(1, 60, 2)
    assert np.array_equal(subgraph(as_source(X), rows, 4).indices, neighbor_graph(as_source(X[rows]), 4).indices)


def test_equal_rows_are_neighbors_in_turn():
    X = np.repeat([[0.0], [5.0]], [4, 2], axis=0)
    graph = in_turn(neighbor_graph(as_source(X), 2), [np.array([0, 1, 2, 3]), np.array([4, 5])])
    assert graph.indices[:4].tolist() == [[1, 2], [2, 3], [3, 0], [0, 1]]
    assert graph.indices[4:, 0].tolist() == [5, 4]


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_the_dimension_is_that_of_the_plane_not_of_the_space(dimension):
    rng = np.random.default_rng(dimension)
    X = rng.uniform(size=(4000, dimension)) @ rng.normal(size=(dimension, 8))
    assert abs(intrinsic_dimension(neighbor_graph(as_source(X), 10)) - dimension) < 0.25 * dimension


def test_rows_that_are_all_alike_have_dimension_none():
    assert intrinsic_dimension(neighbor_graph(as_source(np.ones((30, 3))), 10)) == 0.0


def test_two_neighbors_are_too_few_for_a_dimension():
    assert np.isnan(intrinsic_dimension(Graph(np.ones((5, 2)), np.ones((5, 2), np.int64))))
