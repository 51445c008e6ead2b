"""Rank statistics of dependence, against their definitions and SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tidu.assessment.dependence import Ranks, codependence, feature_order, permutation_p_value, xi
from tidu.assessment.graph import neighbor_graph
from tidu.data import as_source


def nearest(X):
    return neighbor_graph(as_source(X), 1).indices[:, 0]


@given(st.integers(0, 10_000), st.booleans())
def test_T_is_what_its_definition_says(seed, tied):
    rng = np.random.default_rng(seed)
    n = 30
    y = rng.integers(0, 5, n).astype(float) if tied else rng.normal(size=n)
    N = (np.arange(n) + rng.integers(1, n, n)) % n
    R = np.array([(y <= one).sum() for one in y])
    L = np.array([(y >= one).sum() for one in y])
    above, below = sum(n * min(R[i], R[N[i]]) - L[i] ** 2 for i in range(n)), sum(L * (n - L))
    if below:
        assert codependence(Ranks.of(y, False), N) == pytest.approx(above / below)


def test_T_is_near_one_for_a_function_and_near_none_for_noise():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (3000, 2))
    assert codependence(Ranks.of(X[:, 0] * X[:, 1], False), nearest(X)) > 0.9
    assert abs(codependence(Ranks.of(rng.normal(size=3000), False), nearest(X))) < 0.05


def test_T_does_not_change_with_the_scale_of_the_target():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(200, 2)), rng.normal(size=200)
    assert codependence(Ranks.of(y, False), nearest(X)) == codependence(Ranks.of(np.exp(y), False), nearest(X))


def test_for_two_classes_T_is_that_of_the_numbers_zero_and_one():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 2))
    y = (X[:, 0] + rng.normal(size=400) > 0).astype(np.int64)
    of_classes, of_numbers = (codependence(Ranks.of(y, classes), nearest(X)) for classes in (True, False))
    assert of_classes == pytest.approx(of_numbers, abs=0.05)


@given(st.integers(0, 10_000))
def test_xi_agrees_with_scipy(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(50, 1)), rng.normal(size=50)
    assert xi(x, Ranks.of(y, False))[0] == pytest.approx(stats.chatterjeexi(x[:, 0], y).statistic)


def test_p_values_of_independent_targets_are_small_as_rarely_as_they_say():
    rng = np.random.default_rng(3)
    N = nearest(rng.normal(size=(100, 3)))
    found = []
    for _ in range(200):
        ranks = Ranks.of(rng.normal(size=100), False)
        found.append(permutation_p_value(ranks, N, codependence(ranks, N), rng, 39))
    assert 0.01 < np.mean(np.array(found) <= 0.1) < 0.2
    assert min(found) >= 1 / 40


def test_features_that_matter_come_first_and_the_rest_not_at_all():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(1500, 8))
    y = np.sin(2 * X[:, 5]) + 2 * X[:, 2]
    order, reached = feature_order(X, Ranks.of(y, False), rng)
    assert set(order[:2]) == {2, 5}
    assert list(reached) == sorted(reached)


def test_of_a_feature_given_twice_one_is_enough():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(500, 1))
    order, _ = feature_order(np.hstack([x, x]), Ranks.of(np.sin(x[:, 0]), False), rng)
    assert len(order) == 1
