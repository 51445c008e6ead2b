"""The networks pass scikit-learn's own checks of its interface, none expected to fail."""

from __future__ import annotations

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from tidu.estimators import MLPClassifier, MLPRegressor

# Checks that meet what scikit-learn cannot run here (array API libraries, say) warn before they are skipped.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

# scikit-learn runs this check on its own networks with these parameters (PER_ESTIMATOR_CHECK_PARAMS):
# minibatches of weighted and of repeated rows differ, whatever the estimator.
_EQUIVALENCE = {
    MLPClassifier: {"solver": "lbfgs"},
    MLPRegressor: {"solver": "sgd", "tol": 1e-2, "random_state": 42},
}


@parametrize_with_checks(
    [
        MLPClassifier(max_iter=100),
        MLPRegressor(max_iter=100),
        MLPClassifier(hidden_layer_sizes=(), solver="lbfgs"),
        MLPRegressor(hidden_layer_sizes=(), solver="lbfgs"),
    ]
)
def test_scikit_learn_check_passes(estimator, check):
    if check.func.__name__ == "check_sample_weight_equivalence_on_dense_data" and estimator.hidden_layer_sizes:
        estimator = clone(estimator).set_params(**_EQUIVALENCE[type(estimator)])
    check(estimator)
