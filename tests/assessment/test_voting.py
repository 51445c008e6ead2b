"""Leave-one-out errors and Cover and Hart's band."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from tidu.assessment.graph import neighbor_graph
from tidu.assessment.voting import best_of, cover_hart, leave_one_out
from tidu.data import as_source


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X, y = load_iris(return_X_y=True)
    return X + 1e-6 * rng.normal(size=X.shape), y


def test_errors_of_classes_are_scikit_learns(rows):
    X, y = rows
    found = leave_one_out(neighbor_graph(as_source(X), 15), y, 3)
    for k in (1, 2, 5, 15):
        predicted = cross_val_predict(KNeighborsClassifier(k), X, y, cv=LeaveOneOut())
        assert found[k] == pytest.approx(np.mean(predicted != y))


def test_errors_of_numbers_are_scikit_learns(rows):
    X, _ = rows
    features, y = X[:, :3], X[:, 3]
    found = leave_one_out(neighbor_graph(as_source(features), 7), y, 0)
    predicted = cross_val_predict(KNeighborsRegressor(7), features, y, cv=LeaveOneOut())
    assert found[7] == pytest.approx(np.mean((predicted - y) ** 2))
    assert best_of(found)[1] == min(found.values())


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("bayes", [0.0, 0.05, 0.3])
def test_the_lower_end_is_reached_when_errors_are_spread_evenly(n_classes, bayes):
    # With the same p everywhere, and what is left shared evenly, the nearest row errs so often.
    nearest = 1.0 - (1.0 - bayes) ** 2 - bayes**2 / (n_classes - 1)
    low, high = cover_hart(nearest, n_classes)
    assert low == pytest.approx(bayes)
    assert high == pytest.approx(nearest)


def test_no_band_exceeds_guessing():
    assert cover_hart(0.9, 2) == (0.5, 0.5)
    assert cover_hart(0.3, 1) == (0.0, 0.0)
