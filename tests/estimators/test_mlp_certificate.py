"""The certificate of a linear model: its bound holds, is reached at the optimum, and lies to nobody."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge

from tidu.estimators import MLPClassifier, MLPRegressor
from tidu.estimators.convex_duals import CONVEX_LOSSES, Dual
from tidu.estimators.linear_certificate import certify
from tidu.estimators.mlp_objective import Objective, Params
from tidu.estimators.mlp_parameters import network_of

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LINEAR = network_of((), "relu", 0.0)
INTEGER_LABELS = ("softmax", "multiclass_hinge")


def problem(loss, seed, n=30, d=3, k=3):
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(n, d)), rng.random(n) * (rng.random(n) > 0.2)
    weights[0] = 1.0
    if loss in INTEGER_LABELS:
        y = np.eye(k)[rng.integers(k, size=n)]
    elif loss in ("logistic", "hinge"):
        y = (rng.random((n, k)) > 0.6).astype(float)
    elif loss == "poisson":
        y = rng.poisson(2.0, size=(n, k)).astype(float)
    else:
        y = rng.normal(size=(n, k))
    return X, y, weights, rng.normal(size=(d, k)), rng.normal(size=k)


@pytest.mark.parametrize("loss", CONVEX_LOSSES)
def test_the_loss_is_the_one_that_is_trained(loss):
    X, y, weights, coef, intercept = problem(loss, 0)
    codes = y.argmax(axis=1) if loss in INTEGER_LABELS else y
    traced = Objective(LINEAR, loss, 0.7).plain(Params(coefs=[coef], intercepts=[intercept]), (X, codes, weights))
    assert certify(loss, X, y, weights, coef, intercept, 0.7, 1e-4).loss == pytest.approx(float(traced))


def require_bound(loss, seed, other, alpha):
    X, y, weights, coef, intercept = problem(loss, seed)
    bound = certify(loss, X, y, weights, coef * 0.1, intercept * 0.1, alpha, 1e-4).lower_bound
    rng = np.random.default_rng(other)
    for scale in (0.0, 0.1, 1.0):
        moved = scale * rng.normal(size=coef.shape), scale * rng.normal(size=3)
        assert certify(loss, X, y, weights, *moved, alpha, 1e-4).loss >= bound - 1e-9 * (1.0 + abs(bound))


@pytest.mark.parametrize("loss", CONVEX_LOSSES)
@given(seed=st.integers(0, 10**6), other=st.integers(0, 10**6), alpha=st.sampled_from([0.0, 1e-3, 1.0, 30.0]))
@settings(max_examples=25, deadline=None)
def test_no_weights_have_a_loss_below_the_bound(loss, seed, other, alpha):
    require_bound(loss, seed, other, alpha)


def test_a_dual_point_that_forgets_the_intercept_is_caught(monkeypatch):
    def careless(scores, y, w):
        a = scores - y  # the mean is not taken off
        yield Dual(w[:, None] * a, -float(w @ (a * (a / 2 + y)).sum(axis=1)))

    planted = {**CONVEX_LOSSES, "squared_error": replace(CONVEX_LOSSES["squared_error"], duals=careless)}
    monkeypatch.setattr("tidu.estimators.linear_certificate.CONVEX_LOSSES", planted)
    X, y, weights, coef, _ = problem("squared_error", 0)
    y += 5.0
    best = certify("squared_error", X, y, weights, coef * 0.0, weights @ y / weights.sum(), 30.0, 1e-4).loss
    assert certify("squared_error", X, y, weights, coef * 0.0, np.zeros(3), 30.0, 1e-4).lower_bound > best


@pytest.mark.parametrize("loss", ["log_loss", "hinge", "squared_error"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_minimum_of_a_linear_classifier_is_certified(loss, classes):
    X, y = load_iris(return_X_y=True)
    X, y = (X - X.mean(axis=0))[y < classes], y[y < classes]
    model = MLPClassifier((), solver="lbfgs", loss=loss, alpha=1.0, max_iter=3000, tol=1e-3).fit(X, y)
    assert model.certificate_.is_global_minimum
    assert model.certificate_.gap <= 1e-3
    other = MLPClassifier((), solver="lbfgs", loss=loss, alpha=1.0, max_iter=3000, tol=1e-3, random_state=5)
    assert other.fit(X, y).loss_ == pytest.approx(model.loss_, abs=1e-3)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
def test_the_minimum_of_a_linear_regressor_is_certified(loss):
    X = load_iris().data
    model = MLPRegressor(loss, (), solver="lbfgs", alpha=1.0, max_iter=2000).fit(X[:, :3], X[:, 3])
    assert model.certificate_.is_global_minimum


def test_the_certified_minimum_is_that_of_other_solvers():
    X, y = load_iris(return_X_y=True)
    ours = MLPClassifier((), solver="lbfgs", alpha=1.0, tol=1e-9, max_iter=5000).fit(X, y)
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-3)
    ours = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=2.0, tol=1e-9).fit(X[:, :3], X[:, 3])
    np.testing.assert_allclose(ours.coefs_[0].ravel(), Ridge(alpha=2.0).fit(X[:, :3], X[:, 3]).coef_, atol=1e-4)


def test_without_penalty_least_squares_is_certified_by_the_normal_equations():
    X = load_iris().data
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(X[:, :3], X[:, 3])
    assert model.certificate_.is_global_minimum
    assert model.certificate_.lower_bound > 0.5 * model.certificate_.loss


def test_weights_away_from_the_minimum_are_not_certified():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((), alpha=1.0, max_iter=3, random_state=0).fit(X, y)
    assert not model.certificate_.is_global_minimum
    best = MLPClassifier((), solver="lbfgs", alpha=1.0, max_iter=2000).fit(X, y)
    moved = best.coefs_[0].copy()
    moved[0, 0] += 0.5
    codes = np.eye(3)[y]
    for coef, expected in ((best.coefs_[0], True), (moved, False)):
        found = certify("softmax", X, codes, None, coef, best.intercepts_[0], 1.0, 1e-4)
        assert found.is_global_minimum is expected


def test_the_certificate_is_of_the_rows_that_were_trained_on():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((), early_stopping=True, max_iter=5, random_state=0).fit(X, y)
    assert model.certificate_.loss < model.loss_curve_[0]
    assert MLPClassifier(()).partial_fit(X, y, classes=[0, 1, 2]).certificate_ is None
    negative = np.where(np.arange(150) == 3, -0.1, 1.0)
    assert MLPClassifier((), max_iter=2).fit(X, y, sample_weight=negative).certificate_ is None


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_text_names_loss_bound_and_verdict(lang):
    X, y = load_iris(return_X_y=True)
    certified = MLPClassifier((), solver="lbfgs", alpha=1.0, max_iter=2000).fit(X, y).certificate_
    not_yet = MLPClassifier((), max_iter=2, random_state=0).fit(X, y).certificate_
    assert certified.text(lang) != not_yet.text(lang)
    for one in (certified, not_yet):
        assert f"{one.loss:.6g}" in one.text(lang)
        assert f"{one.lower_bound:.6g}" in one.text(lang)
