"""The networks as estimators: scikit-learn's way, step by step, and what is added to it."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tidu.errors import BudgetError, DataError, ParameterError
from tidu.estimators import MLPClassifier, MLPRegressor
from tidu.estimators.mlp_training import Rule
from tidu.estimators.mlp_validation import held_out_rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
DIGITS = (load_digits().data[:300] / 16.0, load_digits().target[:300])
SCALED = (StandardScaler().fit_transform(load_diabetes().data), load_diabetes().target / 100.0)


def quick(**parameters):
    return MLPClassifier(**{"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0, **parameters})


def same_weights(ours, theirs, tolerance=1e-10):
    for mine, other in zip([*ours.coefs_, *ours.intercepts_], [*theirs.coefs_, *theirs.intercepts_], strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"activation": "tanh", "hidden_layer_sizes": (7, 5), "alpha": 0.1, "batch_size": 64},
        {"activation": "logistic", "shuffle": False, "beta_1": 0.5},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1, "max_iter": 12},
        {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.1, "momentum": 1.0},
        {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 30, "learning_rate_init": 0.1},
        {"solver": "lbfgs", "max_iter": 15},
        {"solver": "lbfgs", "max_iter": 300, "tol": 1e-2},
    ],
    ids=str,
)
def test_the_same_random_state_goes_the_way_of_scikit_learn(parameters):
    given = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 3, **parameters}
    theirs = neural_network.MLPClassifier(**given).fit(*DIGITS)
    ours = MLPClassifier(**given).fit(*DIGITS)
    same_weights(ours, theirs, 1e-8)
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    assert ours.loss_ == pytest.approx(theirs.loss_)
    if given.get("solver") != "lbfgs":
        assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_)
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_)
        assert ours.validation_scores_ == theirs.validation_scores_
        assert ours.best_validation_score_ == theirs.best_validation_score_
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    np.testing.assert_allclose(ours.predict_proba(DIGITS[0]), theirs.predict_proba(DIGITS[0]), atol=1e-8)


@pytest.mark.parametrize("parameters", [{}, {"loss": "poisson"}, {"early_stopping": True}], ids=str)
def test_the_regressor_goes_the_way_of_scikit_learn_with_weights(parameters):
    given = {"hidden_layer_sizes": (8,), "max_iter": 8, "random_state": 1, **parameters}
    weights = np.random.default_rng(0).random(len(SCALED[1]))
    theirs = neural_network.MLPRegressor(**given).fit(*SCALED, sample_weight=weights)
    ours = MLPRegressor(**given).fit(*SCALED, sample_weight=weights)
    same_weights(ours, theirs)
    assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_)
    np.testing.assert_allclose(ours.predict(SCALED[0]), theirs.predict(SCALED[0]))


def test_partial_fit_and_warm_start_go_the_way_of_scikit_learn():
    X, y = DIGITS
    models = [
        f(hidden_layer_sizes=(6,), random_state=0, max_iter=3) for f in (neural_network.MLPClassifier, MLPClassifier)
    ]
    for model in models:
        for start in (0, 100, 200):
            model.partial_fit(X[start : start + 100], y[start : start + 100], classes=np.arange(10))
    same_weights(*models)
    assert models[0].t_ == models[1].t_ == 300
    warm = [clone(model).set_params(warm_start=True).fit(X, y).fit(X, y) for model in models]
    same_weights(*warm)
    assert warm[0].loss_curve_ == pytest.approx(warm[1].loss_curve_)


def test_multilabel_targets_and_several_outputs_are_learned_as_by_scikit_learn():
    X, y = IRIS
    several = np.stack([y > 0, y > 1], axis=1).astype(int)
    theirs = neural_network.MLPClassifier((6,), max_iter=20, random_state=0).fit(X, several)
    ours = MLPClassifier((6,), max_iter=20, random_state=0).fit(X, several)
    same_weights(ours, theirs)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    # scikit-learn stops by the mean loss of the outputs, but descends their sum.
    theirs = neural_network.MLPRegressor(hidden_layer_sizes=(6,), max_iter=20, random_state=0).fit(X, X[:, :2])
    ours = MLPRegressor(hidden_layer_sizes=(6,), max_iter=20, random_state=0).fit(X, X[:, :2])
    same_weights(ours, theirs)
    assert ours.predict(X).shape == (150, 2)


def test_wrong_parameters_are_refused_with_the_message_of_scikit_learn():
    for wrong in ({"alpha": -1.0}, {"solver": "newton"}, {"max_iter": 0}, {"momentum": 2.0}, {"tol": "small"}):
        messages = []
        for factory in (neural_network.MLPClassifier, MLPClassifier):
            with pytest.raises(ValueError, match="parameter of MLPClassifier") as caught:
                factory(**wrong).fit(*IRIS)
            messages.append(str(caught.value).split(". Got")[0])
        if "solver" not in wrong:  # sets are printed in any order
            assert messages[0] == messages[1]


def test_activations_and_dropout_may_differ_from_layer_to_layer():
    model = quick(hidden_layer_sizes=(6, 5), activation=("gelu", "tanh"), dropout=(0.0, 0.4), max_iter=20).fit(*IRIS)
    assert model.score(*IRIS) > 0.3
    for wrong in ({"activation": ("relu",)}, {"activation": ("relu", "step")}, {"dropout": (0.1, 1.5)}):
        with pytest.raises(ParameterError):
            quick(hidden_layer_sizes=(6, 5), **wrong).fit(*IRIS)


def test_dropout_drops_while_training_only_and_repeats_with_the_seed():
    plain = quick(max_iter=10).fit(*IRIS)
    first, second = (quick(max_iter=10, dropout=0.5).fit(*IRIS) for _ in range(2))
    assert first.loss_curve_ == second.loss_curve_ != plain.loss_curve_
    np.testing.assert_array_equal(first.predict_proba(IRIS[0]), first.predict_proba(IRIS[0]))
    np.testing.assert_array_equal(first.coefs_[0], second.coefs_[0])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weight_is_the_sample_weight_of_its_rows(solver):
    X, y = IRIS
    by_class = quick(solver=solver, class_weight={0: 1.0, 1: 5.0, 2: 0.5}).fit(X, y)
    by_row = quick(solver=solver).fit(X, y, sample_weight=np.array([1.0, 5.0, 0.5])[y])
    np.testing.assert_array_equal(by_class.coefs_[0], by_row.coefs_[0])


def test_balanced_classes_have_equal_weight():
    X, y = IRIS[0][:80], IRIS[1][:80]  # 50 of one class, 30 of the other
    balanced = quick(class_weight="balanced").fit(X, y)
    by_row = quick().fit(X, y, sample_weight=np.array([80 / 100, 80 / 60])[y])
    np.testing.assert_allclose(balanced.coefs_[0], by_row.coefs_[0], rtol=1e-12)
    with pytest.raises(ParameterError, match="partial_fit"):
        quick(class_weight="balanced").partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ParameterError) as caught:
        quick(class_weight={7: 1.0}).fit(X, y)
    assert caught.value.got == [7]


def test_own_validation_rows_are_scored_each_epoch_and_stop_training():
    X, y = DIGITS
    watched = quick(max_iter=4).fit(X[:200], y[:200], validation=(X[200:], y[200:]))
    plain = quick(max_iter=4).fit(X[:200], y[:200])
    same_weights(watched, plain, 0.0)
    assert len(watched.validation_scores_) == len(watched.validation_losses_) == 4
    assert watched.validation_scores_[-1] == watched.score(X[200:], y[200:])
    stopped = quick(max_iter=200, early_stopping=True, n_iter_no_change=2, learning_rate_init=0.05)
    stopped.fit(X[:200], y[:200], validation=(X[200:], y[200:]))
    assert stopped.stopped_early_
    assert stopped.score(X[200:], y[200:]) == stopped.best_validation_score_ == max(stopped.validation_scores_)


def test_validation_rows_are_checked_and_scored_by_lbfgs_too():
    X, y = DIGITS
    model = quick(solver="lbfgs", max_iter=20).fit(X[:200], y[:200], validation=(X[200:], y[200:]))
    assert model.validation_scores_ == [model.score(X[200:], y[200:])]
    for wrong in ((X[200:], y[200:] + 100), (X[200:], y[:5]), (X[200:],)):
        with pytest.raises(ParameterError):
            quick().fit(X[:200], y[:200], validation=wrong)


def test_the_validation_loss_is_the_mean_log_loss_without_penalty():
    X, y = DIGITS
    weights = np.random.default_rng(1).random(100)
    model = quick(alpha=10.0).fit(X[:200], y[:200], validation=(X[200:], y[200:], weights))
    rows = -np.log(model.predict_proba(X[200:])[np.arange(100), y[200:]])
    assert model.validation_losses_[-1] == pytest.approx(np.average(rows, weights=weights))


def test_partial_fit_with_early_stopping_restores_the_best():
    X, y = DIGITS
    model = quick(early_stopping=True, n_iter_no_change=3, learning_rate_init=0.1)
    calls = 0
    while not (calls and model.stopped_early_) and calls < 200:
        model.partial_fit(X[:200], y[:200], classes=np.arange(10), validation=(X[200:], y[200:]))
        calls += 1
    assert model.stopped_early_
    assert model.score(X[200:], y[200:]) == model.best_validation_score_
    model.partial_fit(X[:200], y[:200], validation=(X[200:], y[200:]))
    assert not model.stopped_early_


def test_a_row_held_out_once_is_held_out_in_any_company():
    rows = np.random.default_rng(0).random((400, 3))
    apart, kept = held_out_rows(rows, 0.2)
    again, _ = held_out_rows(rows[100:300], 0.2)
    assert set(again + 100) == {i for i in apart if 100 <= i < 300}
    assert 40 < len(apart) < 120
    assert len(apart) + len(kept) == 400
    model = quick(early_stopping=True).partial_fit(*DIGITS, classes=np.arange(10)).partial_fit(*DIGITS)
    assert len(model.validation_scores_) == 2
    assert model.t_ == 2 * len(held_out_rows(DIGITS[0], 0.1)[1])


def test_sparse_rows_give_what_dense_rows_give():
    X, y = DIGITS
    dense = quick().fit(X, y, validation=(X, y))
    for form in (sparse.csr_array, sparse.csc_array):
        model = quick().fit(form(X), y, validation=(form(X), y))
        same_weights(model, dense, 0.0)
        np.testing.assert_allclose(model.predict_proba(form(X)), dense.predict_proba(X), rtol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_float32_stays_float32(solver):
    model = quick(solver=solver).fit(IRIS[0].astype(np.float32), IRIS[1])
    assert {a.dtype.name for a in [*model.coefs_, *model.intercepts_]} == {"float32"}
    assert model.predict_proba(IRIS[0].astype(np.float32)).dtype == np.float32
    small = MLPRegressor(hidden_layer_sizes=(4,), solver=solver, max_iter=3).fit(IRIS[0].astype(np.float32), IRIS[1])
    assert small.predict(IRIS[0].astype(np.float32)).dtype == np.float32


def test_the_same_seed_gives_the_same_bits_and_none_does_not():
    one, two = (quick().fit(*DIGITS) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.coefs_, two.coefs_, strict=True))
    other = quick(random_state=np.random.RandomState(0)).fit(*DIGITS)
    same_weights(other, one, 0.0)
    assert not np.array_equal(quick(random_state=None).fit(*DIGITS).coefs_[0], one.coefs_[0])


def test_row_numbers_handed_over_in_parts_change_nothing(monkeypatch):
    whole = quick(max_iter=6).fit(*DIGITS)
    monkeypatch.setattr("tidu.estimators.mlp_training._ORDER_BYTES", 2 * 8 * 300)
    parts = quick(max_iter=6).fit(*DIGITS)
    same_weights(parts, whole, 0.0)
    assert parts.loss_curve_ == whole.loss_curve_


def test_a_memory_limit_that_is_too_small_is_refused_with_the_need():
    for X in (DIGITS[0], sparse.csr_array(DIGITS[0])):
        with pytest.raises(BudgetError) as caught:
            quick(memory_limit="20kB").fit(X, DIGITS[1])
        assert caught.value.needed > caught.value.limit
    model = quick(memory_limit="64MB").fit(*DIGITS)
    same_weights(model, quick().fit(*DIGITS), 0.0)


def test_the_copies_of_a_linear_model_count_against_the_memory_limit():
    X = np.ones((2000, 50), np.float32)
    with pytest.raises(BudgetError) as caught:
        MLPClassifier((), memory_limit=2000 * 50 * 8).fit(X, np.arange(2000) % 3)
    assert caught.value.needed > 2000 * 50 * 8


def test_weights_that_do_not_stay_finite_are_an_error():
    with pytest.raises(DataError, match="non-finite"), np.errstate(all="ignore"):
        MLPRegressor(solver="sgd", learning_rate_init=1e30, max_iter=5, random_state=0).fit(*SCALED)


def test_training_that_ends_at_max_iter_warns():
    for solver in ("adam", "lbfgs"):
        with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
            quick(solver=solver, max_iter=2).fit(*IRIS)


def test_hinge_and_squared_loss_learn_classes_without_probabilities():
    for loss in ("hinge", "squared_error"):
        for y in (IRIS[1], IRIS[1] > 0, np.array(list("abc"))[IRIS[1]]):
            model = quick(loss=loss, max_iter=200, learning_rate_init=0.03).fit(IRIS[0], y)
            assert model.score(IRIS[0], y) > 0.8
            assert not hasattr(model, "predict_proba")
            assert model.out_activation_ == "identity"


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_every_loss_of_the_regressor_learns(loss):
    model = MLPRegressor(loss, (10,), max_iter=150, learning_rate_init=0.01, random_state=0).fit(*SCALED)
    assert model.score(*SCALED) > 0.4
    if loss == "poisson":
        with pytest.raises(DataError):
            model.fit(SCALED[0], -SCALED[1])


def test_estimators_work_in_the_tools_of_scikit_learn():
    pipe = make_pipeline(StandardScaler(), MLPClassifier((), solver="lbfgs", alpha=1.0, random_state=0))
    assert cross_val_score(pipe, *IRIS, cv=3).mean() > 0.9
    search = GridSearchCV(pipe, {"mlpclassifier__alpha": [0.1, 10.0]}, cv=2).fit(*IRIS)
    assert search.best_score_ > 0.9
    model = quick(early_stopping=True).partial_fit(*DIGITS, classes=np.arange(10))
    copy = pickle.loads(pickle.dumps(model))
    for one in (model, copy):
        one.partial_fit(*DIGITS)
    same_weights(copy, model, 0.0)
    assert clone(model).get_params() == model.get_params()


def test_verbose_prints_what_scikit_learn_prints(capsys):
    given = {"hidden_layer_sizes": (4,), "max_iter": 40, "random_state": 0, "verbose": True, "n_iter_no_change": 2}
    printed = []
    for factory in (neural_network.MLPClassifier, MLPClassifier):
        factory(**given, early_stopping=True, tol=0.1).fit(*DIGITS)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] != ""


def test_networks_have_no_certificate_and_nothing_warns_needlessly():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLPClassifier((3,), max_iter=300, tol=0.05, random_state=0).fit(*IRIS)
    assert model.certificate_ is None


def test_an_interrupted_training_keeps_what_it_has_learned(monkeypatch):
    def impatient(rule, line):
        if line.startswith("Iteration 3"):
            raise KeyboardInterrupt

    monkeypatch.setattr(Rule, "_say", impatient)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model = quick(max_iter=50).fit(*DIGITS)
    assert model.n_iter_ == 3
    assert model.predict(DIGITS[0]).shape == (300,)
