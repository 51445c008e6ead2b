"""Rows on disk, filters, added rows, weights of rows, and votes within a limit of memory."""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from tidu.data import ArraySource, as_source
from tidu.errors import BudgetError, DataError, DtypeError, ParameterError, ShapeError
from tidu.estimators import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from tidu.estimators.neighbors_parameters import threads_of
from tidu.estimators.neighbors_targets import read_targets
from tidu.estimators.neighbors_voting import plan_votes

ESTIMATORS = [NearestNeighbors, KNeighborsClassifier, KNeighborsRegressor]


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 6, (80, 4)).astype(np.float32)
    return X, rng.integers(0, 3, 80), rng.integers(0, 6, (20, 4)).astype(np.float32)


@pytest.fixture
def files(data, tmp_path):
    X, y, new = data
    for name, array in {"X": X, "y": y, "new": new}.items():
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("how", ["path", "text", "source"])
def test_rows_on_disk_give_what_the_same_array_gives(data, files, estimator, how):
    X, y, new = data
    of = {"path": lambda path: path, "text": str, "source": as_source}[how]
    kept = estimator(n_neighbors=3).fit(of(files / "X.npy"), of(files / "y.npy"))
    plain = estimator(n_neighbors=3).fit(X, y)
    assert kept.n_features_in_ == 4
    assert not isinstance(kept._fit_X, np.ndarray)
    for got, wanted in zip(kept.kneighbors(of(files / "new.npy")), plain.kneighbors(new), strict=True):
        np.testing.assert_array_equal(got, wanted)
    if estimator is not NearestNeighbors:
        np.testing.assert_array_equal(kept.predict(of(files / "new.npy")), plain.predict(new))
        assert kept.score(None, of(files / "y.npy")) == plain.score(None, y)


def test_labels_come_from_a_column_of_a_table(data, files):
    X, y, new = data
    names = np.array(["ant", "bee", "cat"])[y]
    (files / "names.csv").write_text("kind\n" + "\n".join(names) + "\n")
    (files / "names.txt").write_text("\n".join(names))
    (files / "two.csv").write_text("kind,size\n" + "\n".join(f"{name},1" for name in names) + "\n")
    for name in ("names.csv", "names.txt"):
        model = KNeighborsClassifier().fit(files / "X.npy", files / name)
        np.testing.assert_array_equal(model.predict(new), KNeighborsClassifier().fit(X, names).predict(new))
    np.testing.assert_array_equal(read_targets(files / "two.csv", "kind"), names)
    np.testing.assert_array_equal(read_targets(files / "two.csv", "size"), np.ones(80, np.int64))
    with pytest.raises(DataError, match="2 columns") as caught:
        KNeighborsClassifier().fit(files / "X.npy", files / "two.csv")
    assert caught.value.available == ("kind", "size")
    for text, row in (("kind\nant\n\nbee\n", 1), ("kind\n", None)):
        (files / "holes.csv").write_text(text)
        with pytest.raises(DataError) as caught:
            read_targets(files / "holes.csv")
        assert caught.value.row == row
    for column, path in (("colour", "names.csv"), ("colour", "two.csv"), ("kind", "names.txt"), ("kind", "y.npy")):
        with pytest.raises((DataError, ParameterError)) as caught:
            read_targets(files / path, column)
        assert caught.value.column == column


@pytest.mark.parametrize("estimator", [KNeighborsClassifier, KNeighborsRegressor])
def test_rows_and_targets_that_do_not_fit_are_refused(data, files, estimator):
    _, y, new = data
    with pytest.raises(ShapeError) as caught:
        estimator().fit(files / "X.npy", y[:-1])
    assert caught.value.expected == 80
    with pytest.raises(ParameterError):
        estimator().fit(files / "X.npy", None)
    with pytest.raises(ShapeError):
        estimator().fit(files / "y.npy", y)
    with pytest.raises(ShapeError) as caught:
        estimator().fit(files / "X.npy", y).predict(ArraySource(new[:, :2]))
    assert caught.value.got == 2


@pytest.mark.parametrize("as_mask", [True, False])
def test_only_rows_of_the_filter_are_found_and_vote(data, as_mask):
    X, y, new = data
    ids = np.flatnonzero(np.arange(80) % 3 == 1)
    where = np.isin(np.arange(80), ids) if as_mask else ids
    part = KNeighborsClassifier().fit(X[ids], y[ids])
    whole = KNeighborsClassifier().fit(X, y)
    distances, indices = whole.kneighbors(new, where=where)
    expected = part.kneighbors(new)
    np.testing.assert_array_equal(distances, expected[0])
    np.testing.assert_array_equal(indices, ids[expected[1]])
    np.testing.assert_array_equal(whole.predict(new, where=where), part.predict(new))
    np.testing.assert_array_equal(
        whole.predict_proba(new, where=where)[:, whole.classes_ == 2].ravel(),
        part.predict_proba(new)[:, part.classes_ == 2].ravel(),
    )
    with pytest.raises(ParameterError) as caught:
        whole.kneighbors(new, n_neighbors=len(ids) + 1, where=where)
    assert caught.value.available == len(ids)


@pytest.mark.parametrize("estimator", [KNeighborsClassifier, KNeighborsRegressor])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("limit", [None, "2MB"])
def test_a_vote_is_multiplied_by_the_weight_of_its_row(data, estimator, weights, limit):
    X, y, new = data
    w = np.random.default_rng(0).uniform(0.5, 3, 80)
    model = estimator(4, weights=weights, memory_limit=limit).fit(X, y, sample_weight=w)
    distances, indices = model.kneighbors(new)
    for row, (near, far) in enumerate(zip(indices, distances, strict=True)):
        votes = w[near]
        if weights == "distance":
            votes = votes * (far == 0 if (far == 0).any() else 1 / np.where(far == 0, 1, far))
        if estimator is KNeighborsRegressor:
            assert model.predict(new)[row] == pytest.approx(np.average(y[near], weights=votes))
        else:
            shares = np.bincount(y[near], votes, 3) / votes.sum()
            np.testing.assert_allclose(model.predict_proba(new)[row], shares)


@pytest.mark.parametrize("bad", [[1.0], -np.ones(80), np.full(80, np.nan), np.zeros(80), np.ones((80, 2))])
def test_weights_of_rows_are_checked_as_in_scikit_learn(data, files, bad):
    X, y, _ = data
    for rows in (X, files / "X.npy"):
        with pytest.raises(ValueError, match=r"weight|NaN"):
            KNeighborsClassifier().fit(rows, y, sample_weight=bad)


def test_a_query_without_any_vote_is_named(data):
    _, y, _ = data
    w = np.ones(80)
    w[:10] = 0
    model = KNeighborsClassifier(1, memory_limit="1MB").fit(np.arange(80.0)[:, None], y, sample_weight=w)
    with pytest.raises(ParameterError) as caught:
        model.predict([[40.0], [50.0], [3.0]])
    assert caught.value.row == 2


@pytest.mark.parametrize("kind", ["array", "path", "sparse", "source below array"])
def test_added_rows_are_found_as_if_they_had_been_there(data, files, kind):
    X, y, new = data
    first = {
        "array": X[:50],
        "path": files / "first.npy",
        "sparse": sparse.csr_array(X[:50]),
        "source below array": X[:50],
    }[kind]
    np.save(files / "first.npy", X[:50])
    second = ArraySource(X[50:60]) if kind == "source below array" else X[50:60]
    w = np.linspace(1, 2, 10)
    whole = KNeighborsClassifier(3).fit(X, y, sample_weight=np.concatenate([np.ones(50), w, np.ones(20)]))
    model = KNeighborsClassifier(3).fit(first, y[:50])
    model.add(second, y[50:60], sample_weight=w).add(X[60:], y[60:])
    assert model.n_samples_fit_ == 80
    for got, wanted in zip(model.kneighbors(new), whole.kneighbors(new), strict=True):
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(model.predict_proba(None), whole.predict_proba(None))


def test_labels_unseen_before_extend_the_classes():
    model = KNeighborsClassifier(1).fit([[0.0], [1.0]], ["b", "d"])
    model.add([[2.0], [3.0]], ["aaaa", "c"])
    assert model.classes_.tolist() == ["aaaa", "b", "c", "d"]
    assert model.predict([[0.0], [1.0], [2.0], [3.0]]).tolist() == ["b", "d", "aaaa", "c"]
    with pytest.raises(DtypeError):
        model.add([[4.0]], [7])
    many = KNeighborsClassifier(1).fit([[0.0], [1.0]], [[0, 5], [1, 5]]).add([[2.0]], [[2, 4]])
    assert many.predict([[1.0], [2.0]]).tolist() == [[1, 5], [2, 4]]


def test_added_targets_join_a_regressor():
    model = KNeighborsRegressor(1).fit([[0.0]], [1.0]).add([[5.0]], [9.0])
    assert model.predict([[4.0]]).tolist() == [9.0]
    with pytest.raises(ShapeError):
        model.add([[5.0]], [[9.0, 1.0]])


def test_wider_numbers_added_to_narrow_rows_on_disk_keep_their_values(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[1], [200]], np.uint8))
    model = NearestNeighbors(n_neighbors=1).fit(tmp_path / "a.npy").add([[2.5]]).add([[3.5]])
    distances, indices = model.kneighbors([[2.25], [3.5], [200.0]])
    assert indices.ravel().tolist() == [2, 3, 1]
    assert distances.ravel().tolist() == [0.25, 0.0, 0.0]


def test_a_failed_addition_changes_nothing(data):
    X, y, new = data
    model = KNeighborsClassifier(3).fit(X, y)
    before = model.predict_proba(new)
    for rows, labels in ((X[:5, :2], y[:5]), (X[:5], y[:4]), (X[:5], np.ones((5, 2)))):
        with pytest.raises(ValueError, match=r"features|shape|outputs"):
            model.add(rows, labels)
    assert model.n_samples_fit_ == 80
    np.testing.assert_array_equal(model.predict_proba(new), before)


@given(st.integers(1, 30), st.sampled_from(["uniform", "distance"]), st.integers(0, 10**6), st.booleans())
def test_queries_searched_by_parts_give_what_all_at_once_give(k, weights, seed, filters):
    rng = np.random.default_rng(seed)
    X, y = rng.integers(0, 2, (60, 2)).astype(float), rng.integers(0, 3, 60)  # many twins at distance zero
    where = rng.permutation(60)[:45] if filters else None
    free = KNeighborsClassifier(k, weights=weights).fit(X, y)
    n_queries, ballots = free._ballots(None, weights, where, 24, 8)
    whole = list(ballots)
    parts = []
    for start in range(0, 60, 7):
        parts.append(free._part(None, start, min(start + 7, 60), n_queries, k, False, where, None)[1])
    np.testing.assert_array_equal(np.concatenate([one.indices for one in whole]), np.concatenate(parts))


def test_predicting_in_a_small_limit_gives_the_same(data):
    X, y, _ = data
    rng = np.random.default_rng(5)
    many = rng.integers(0, 6, (6000, 4)).astype(np.float32)
    y = np.stack([y, y % 2], axis=1)
    free, tight = (KNeighborsClassifier(40, memory_limit=limit).fit(X, y) for limit in (None, "3MB"))
    assert plan_votes(6000, 40, column_bytes=72, result_bytes=16, neighbor_bytes=8, limit=3_000_000).search_rows < 6000
    np.testing.assert_array_equal(tight.predict(many), free.predict(many))
    for got, wanted in zip(tight.predict_proba(many), free.predict_proba(many), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("n_queries", [20, 5000])
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_a_limit_too_small_to_predict_names_one_that_would_do(data, n_queries, method):
    X, y, _ = data
    many = np.random.default_rng(5).integers(0, 6, (n_queries, 4)).astype(np.float32)
    model = KNeighborsClassifier(30, memory_limit=20_000).fit(X, y)
    with pytest.raises(BudgetError) as caught:
        getattr(model, method)(many)
    assert len(getattr(model.set_params(memory_limit=caught.value.least_bytes), method)(many)) == n_queries


@pytest.mark.parametrize("estimator", [KNeighborsClassifier, KNeighborsRegressor])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("limit", [2_500_000, 8_000_000])
def test_predicting_allocates_no_more_than_the_limit(data, estimator, weights, limit):
    X, y, _ = data
    many = np.random.default_rng(5).integers(0, 6, (20_000, 4)).astype(np.float32)
    model = estimator(50, weights=weights, memory_limit=limit).fit(X, y, sample_weight=np.ones(80))
    model.predict(many[:10])
    tracemalloc.start()
    try:
        model.predict(many)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= limit


@given(st.integers(0, 10**7), st.integers(1, 200), st.integers(10**5, 10**9), st.integers(24, 24_000))
def test_what_voting_takes_is_planned_within_reason(n_queries, k, limit, column_bytes):
    plan = plan_votes(n_queries, k, column_bytes=column_bytes, result_bytes=8, neighbor_bytes=16, limit=limit)
    counting = plan.reserved_bytes - 8 * n_queries
    assert counting <= max(limit // 8, k * 56 + column_bytes)
    assert plan.search_rows >= 1
    assert plan.search_rows == max(1, n_queries) or plan.search_rows * k * 16 <= max(limit // 4, k * 16)


def test_jobs_are_threads():
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert [threads_of(n) for n in (None, 1, 7, -1)] == [None, 1, 7, usable]
    with pytest.raises(ParameterError):
        NearestNeighbors(n_jobs=0).fit([[0.0]])


@pytest.mark.parametrize("algorithm", ["auto", "brute", "pruned", "kd_tree", "ball_tree"])
@pytest.mark.parametrize("n_jobs", [None, 1, -1])
def test_neither_algorithm_nor_jobs_change_the_answer(data, algorithm, n_jobs):
    X, y, new = data
    plain = KNeighborsClassifier(weights="distance").fit(X, y)
    other = KNeighborsClassifier(weights="distance", algorithm=algorithm, n_jobs=n_jobs).fit(X, y)
    np.testing.assert_array_equal(other.kneighbors(new), plain.kneighbors(new))
    np.testing.assert_array_equal(other.predict(None), plain.predict(None))
