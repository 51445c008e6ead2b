"""The estimators of neighbors pass scikit-learn's own checks of its interface, but for one that cannot hold."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from tidu.estimators import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors

# A weight multiplies a neighbor's vote; a repeated row would take several places among the k nearest.
_WEIGHTED = {
    f"check_sample_weight_equivalence_on_{kind}_data": "a weighted row takes one place among the k nearest, "
    "repeated rows take several"
    for kind in ("dense", "sparse")
}


def _expected_failures(estimator: object) -> dict[str, str]:
    return {} if isinstance(estimator, NearestNeighbors) else _WEIGHTED


@parametrize_with_checks(
    [
        NearestNeighbors(),
        NearestNeighbors(algorithm="pruned", n_jobs=2),
        KNeighborsClassifier(),
        KNeighborsClassifier(weights="distance", ties="nearest", memory_limit="8MB"),
        KNeighborsRegressor(),
        KNeighborsRegressor(weights="distance", metric="cosine"),
    ],
    expected_failed_checks=_expected_failures,
)
def test_scikit_learn_check_passes(estimator, check):
    check(estimator)
