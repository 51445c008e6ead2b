"""The estimators of neighbors pass scikit-learn's own checks of its interface, none expected to fail."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from tidu.estimators import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors


@parametrize_with_checks(
    [
        NearestNeighbors(),
        KNeighborsClassifier(),
        KNeighborsClassifier(weights="distance", ties="nearest", memory_limit="8MB"),
        KNeighborsRegressor(),
        KNeighborsRegressor(weights="distance", metric="cosine"),
    ]
)
def test_scikit_learn_check_passes(estimator, check):
    check(estimator)
