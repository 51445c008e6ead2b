"""The estimators agree with scikit-learn's own, and add what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn import neighbors as reference
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from tidu.errors import BudgetError, ParameterError
from tidu.estimators import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors

WEIGHTS = ["uniform", "distance", lambda distances: 1.0 / (1.0 + distances)]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((150, 6))
    return X, (X[:, 0] > 0).astype(int) + (X[:, 1] > 0), rng.standard_normal((40, 6))


@pytest.mark.parametrize("metric", ["minkowski", "manhattan", "chebyshev", "cosine", "l2", "sqeuclidean"])
@pytest.mark.parametrize("queries", ["new", None])
def test_neighbors_and_graphs_agree_with_scikit_learn(data, metric, queries):
    X, _, new = data
    asked = None if queries is None else new
    ours = NearestNeighbors(metric=metric, radius=0.9).fit(X)
    theirs = reference.NearestNeighbors(metric=metric, radius=0.9, algorithm="brute").fit(X)
    for got, wanted in zip(ours.kneighbors(asked), theirs.kneighbors(asked), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)
    for mode in ("connectivity", "distance"):
        for name in ("kneighbors_graph", "radius_neighbors_graph"):
            got, wanted = (getattr(model, name)(asked, mode=mode) for model in (ours, theirs))
            np.testing.assert_allclose(got.toarray(), wanted.toarray(), atol=1e-12)
    found = ours.radius_neighbors(asked, sort_results=True)
    expected = theirs.radius_neighbors(asked, sort_results=True)
    for got, wanted in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("weights", WEIGHTS, ids=["uniform", "distance", "callable"])
@pytest.mark.parametrize("labels", ["int", "text", "multi"])
def test_classification_agrees_with_scikit_learn(data, weights, labels):
    X, y, new = data
    y = {"int": y, "text": np.array(["ox", "ant", "bee"])[y], "multi": np.stack([y, y % 2], axis=1)}[labels]
    ours = KNeighborsClassifier(7, weights=weights).fit(X, y)
    theirs = reference.KNeighborsClassifier(7, weights=weights).fit(X, y)
    for asked in (new, X, None):
        np.testing.assert_array_equal(ours.predict(asked), theirs.predict(asked))
        shares, expected = ours.predict_proba(asked), theirs.predict_proba(asked)
        pairs = zip(shares, expected, strict=True) if labels == "multi" else [(shares, expected)]
        for got, wanted in pairs:
            np.testing.assert_allclose(got, wanted, atol=1e-12)
    assert ours.outputs_2d_ == theirs.outputs_2d_
    assert np.hstack(ours.classes_).tolist() == np.hstack(theirs.classes_).tolist()
    if labels != "multi":
        assert ours.score(None, y) == theirs.score(None, y)


@pytest.mark.parametrize("weights", WEIGHTS, ids=["uniform", "distance", "callable"])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regression_agrees_with_scikit_learn(data, weights, n_outputs):
    X, _, new = data
    y = np.sin(X[:, :n_outputs])[:, 0 if n_outputs == 1 else slice(None)]
    ours = KNeighborsRegressor(weights=weights).fit(X, y)
    theirs = reference.KNeighborsRegressor(weights=weights).fit(X, y)
    for asked in (new, X, None):
        np.testing.assert_allclose(ours.predict(asked), theirs.predict(asked), atol=1e-12)


def test_predicting_none_leaves_each_row_out(data):
    X, y, _ = data
    model = KNeighborsClassifier(3)
    np.testing.assert_array_equal(model.fit(X, y).predict(None), cross_val_predict(model, X, y, cv=LeaveOneOut()))


def test_digits_are_recognized_as_by_scikit_learn_within_a_limit():
    X, y = load_digits(return_X_y=True)
    ours = KNeighborsClassifier(memory_limit="4MB").fit(X[:1200], y[:1200])
    theirs = reference.KNeighborsClassifier(algorithm="brute").fit(X[:1200], y[:1200])
    assert ours.score(X[1200:], y[1200:]) == theirs.score(X[1200:], y[1200:])
    with pytest.raises(BudgetError):
        ours.set_params(memory_limit="1kB").predict(X[:2])


def test_tied_votes_go_to_the_smallest_label_or_to_the_nearest_neighbor():
    X, y = [[0.0], [1.0], [2.5], [5.0]], ["c", "a", "b", "b"]
    assert KNeighborsClassifier(3).fit(X, y).predict([[0.1]]) == ["a"]
    assert KNeighborsClassifier(3, ties="nearest").fit(X, y).predict([[0.1]]) == ["c"]
    assert KNeighborsClassifier(4, ties="nearest").fit(X, y).predict([[0.1]]) == ["b"]


@pytest.mark.parametrize("algorithm", ["auto", "brute", "kd_tree", "ball_tree"])
def test_sparse_rows_give_what_dense_rows_give(data, algorithm):
    X, y, new = data
    X, new = np.where(X > 0.5, X, 0), np.where(new > 0.5, new, 0)
    dense = KNeighborsClassifier(algorithm=algorithm).fit(X, y)
    for kind in (sparse.csr_matrix, sparse.csr_array, sparse.coo_array):
        thin = KNeighborsClassifier(algorithm=algorithm).fit(kind(X), y)
        np.testing.assert_array_equal(thin.kneighbors(kind(new)), dense.kneighbors(new))
        np.testing.assert_array_equal(thin.kneighbors(new), dense.kneighbors(kind(new)))


def test_float32_stays_float32_in_store(data):
    X, y, _ = data
    assert KNeighborsClassifier().fit(X.astype(np.float32), y)._fit_X.dtype == np.float32


@pytest.mark.parametrize(
    ("p", "extra", "wanted"),
    [(1, None, "manhattan"), (2, None, "euclidean"), (3, None, "minkowski"), (2, {"p": 1}, "manhattan")],
)
def test_the_effective_metric_is_named_as_in_scikit_learn(data, p, extra, wanted):
    X, y, new = data
    model = KNeighborsClassifier(p=p, metric_params=extra).fit(X, y)
    assert model.effective_metric_ == wanted
    exponent = (extra or {}).get("p", p)
    theirs = reference.KNeighborsClassifier(p=exponent, algorithm="brute").fit(X, y)
    np.testing.assert_allclose(model.kneighbors(new)[0], theirs.kneighbors(new)[0], atol=1e-12)


@pytest.mark.parametrize(
    "bad",
    [
        {"n_neighbors": 0},
        {"n_neighbors": 2.0},
        {"algorithm": "magic"},
        {"weights": "heavy"},
        {"metric": "unknown"},
        {"p": 0},
        {"ties": "largest"},
        {"leaf_size": 0},
        {"metric_params": {"w": [1.0]}},
    ],
)
def test_parameters_outside_their_range_are_refused_when_fitting(data, bad):
    X, y, _ = data
    with pytest.raises(ParameterError):
        KNeighborsClassifier(**bad).fit(X, y)


def test_misuse_is_refused(data):
    X, y, new = data
    with pytest.raises(NotFittedError):
        NearestNeighbors().kneighbors(X)
    model = NearestNeighbors().fit(X)
    with pytest.raises(ParameterError) as caught:
        model.kneighbors(n_neighbors=150)
    assert caught.value.available == 149
    with pytest.raises(TypeError):
        model.kneighbors(new, n_neighbors=2.5)
    with pytest.raises(ParameterError):
        model.kneighbors_graph(new, mode="angle")
    with pytest.raises(ParameterError):
        model.radius_neighbors(new, return_distance=False, sort_results=True)
    with pytest.raises(ParameterError) as caught:
        KNeighborsClassifier(weights=np.zeros_like).fit(X, y).predict(new)
    assert caught.value.row == 0
