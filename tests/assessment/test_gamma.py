"""Difference-based estimates of the noise."""

import numpy as np
import pytest

from tidu.assessment.gamma import difference_estimates, gamma_interval
from tidu.assessment.graph import neighbor_graph, subgraph
from tidu.data import as_source


def problem(n, noise, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    return as_source(X), np.sin(3 * X[:, 0]) + X[:, 1] ** 2 + np.sqrt(noise) * rng.normal(size=n)


def test_gamma_is_the_intercept_of_numpys_line():
    X, y = problem(500, 0.1)
    graph = neighbor_graph(X, 10)
    found = difference_estimates(graph, y)
    slope, intercept = np.polyfit(found.squared_distances, found.half_squared_differences, 1)
    assert (found.slope, found.gamma) == (pytest.approx(slope), pytest.approx(intercept))
    assert found.delta == pytest.approx(0.5 * np.mean((y[graph.indices[:, 0]] - y) ** 2))


@pytest.mark.parametrize("noise", [0.0, 0.2, 1.0])
def test_all_three_find_planted_noise_in_the_plane(noise):
    X, y = problem(4000, noise)
    found = difference_estimates(neighbor_graph(X, 10), y)
    assert [found.gamma, found.delta, found.product] == pytest.approx([noise] * 3, abs=0.08 * noise + 0.01)


def test_the_interval_is_as_wide_as_new_rows_would_differ():
    def estimate(X, y):
        return difference_estimates(neighbor_graph(X, 10), y).gamma

    among = np.std([estimate(*problem(600, 0.3, seed)) for seed in range(60)], ddof=1)
    widths = []
    for seed in range(5):
        X, y = problem(600, 0.3, 100 + seed)
        rng = np.random.default_rng(seed)
        parts = [np.sort(rng.choice(600, 300, replace=False)) for _ in range(20)]
        seen = [difference_estimates(subgraph(X, part, 10, [], rng), y[part]).gamma for part in parts]
        low, high = gamma_interval(difference_estimates(neighbor_graph(X, 10), y), seen, 0.5)
        widths.append((high - low) / (2 * 1.96))
    assert np.mean(widths) == pytest.approx(among, rel=0.35)


def test_where_all_neighbors_are_alike_there_is_no_slope():
    X = as_source(np.repeat(np.arange(20.0), 12)[:, None])
    found = difference_estimates(neighbor_graph(X, 10), np.random.default_rng(0).normal(size=240))
    assert found.slope == 0.0
    assert np.isfinite(found.gamma)


def test_one_subsample_gives_no_interval():
    X, y = problem(100, 0.1)
    assert np.isnan(gamma_interval(difference_estimates(neighbor_graph(X, 10), y), [0.1], 0.5)).all()
