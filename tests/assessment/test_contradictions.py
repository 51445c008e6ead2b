"""Same features, different targets: found exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tidu.assessment.contradictions import alike, find_contradictions, find_copies, find_leakage, same_rows
from tidu.assessment.graph import neighbor_graph
from tidu.data import as_source
from tidu.neighbors import kneighbors


def groups_of(X):
    return alike(as_source(X), neighbor_graph(as_source(X), min(3, len(X) - 1)))


@given(arrays(np.int64, st.tuples(st.integers(2, 40), st.integers(1, 3)), elements=st.integers(0, 2)))
def test_groups_are_those_of_a_dictionary(X):
    expected = {}
    for number, row in enumerate(X.tolist()):
        expected.setdefault(tuple(row), []).append(number)
    assert [g.tolist() for g in groups_of(X)] == [rows for rows in expected.values() if len(rows) > 1]


def test_zero_and_minus_zero_are_the_same_number():
    assert [g.tolist() for g in groups_of(np.array([[0.0], [-0.0], [1.0]]))] == [[0, 1]]


def test_rows_that_are_equal_only_in_float32_are_different():
    X = np.array([[1.0], [1.0 + 1e-12], [2.0]])
    graph = neighbor_graph(as_source(X.astype(np.float32)), 1)
    assert graph.distances[0, 0] == 0
    assert alike(as_source(X), graph) == []


@given(
    arrays(np.int64, (24, 2), elements=st.integers(0, 1)),
    arrays(np.int64, 24, elements=st.integers(0, 2)),
)
def test_no_function_of_the_rows_beats_the_best_accuracy(X, y):
    found = find_contradictions(groups_of(X), y, True)
    table = {}
    for row, target in zip(map(tuple, X.tolist()), y.tolist(), strict=True):
        table.setdefault(row, []).append(target)
    best = {row: max(set(targets), key=targets.count) for row, targets in table.items()}
    right = sum(best[tuple(row)] == target for row, target in zip(X.tolist(), y.tolist(), strict=True))
    assert found.best_score == pytest.approx(right / 24)


@given(arrays(np.int64, (24, 2), elements=st.integers(0, 1)), st.integers(0, 1000))
def test_no_function_of_the_rows_beats_the_best_r2(X, seed):
    y = np.random.default_rng(seed).normal(size=24)
    found = find_contradictions(groups_of(X), y, False)
    means = {
        row: np.mean([t for r, t in zip(map(tuple, X.tolist()), y, strict=True) if r == row])
        for row in set(map(tuple, X.tolist()))
    }
    left = sum((target - means[tuple(row)]) ** 2 for row, target in zip(X.tolist(), y, strict=True))
    assert found.best_score == pytest.approx(1 - left / ((y - y.mean()) ** 2).sum())


def test_pure_error_is_the_variance_within_groups():
    X = np.repeat(np.arange(200.0), 3)[:, None]
    y = X[:, 0] + np.random.default_rng(0).normal(size=600)
    assert find_contradictions(groups_of(X), y, False).pure_error == pytest.approx(1.0, abs=0.15)


def test_the_worst_come_first_with_their_rows():
    X = np.array([[0.0], [1.0], [0.0], [1.0], [2.0]])
    found = find_contradictions(groups_of(X), np.array([0.0, 5.0, 1.0, 9.0, 3.0]), False)
    assert [one.rows for one in found.worst] == [(1, 3), (0, 2)]
    assert found.worst[0].targets == (5.0, 9.0)
    assert found.n_contradicting == 4


def test_without_repeated_rows_nothing_is_claimed():
    found = find_contradictions(groups_of(np.arange(30.0)[:, None]), np.arange(30.0), False)
    assert (found.n_repeated, found.best_score, found.worst) == (0, 1.0, ())
    assert np.isnan(found.pure_error)


def test_held_out_rows_that_training_has_seen_are_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    held = np.vstack([rng.normal(size=(5, 4)), X[7], X[9] + 1e-6])
    nearest = kneighbors(held, X, 1)
    same = same_rows(as_source(held), as_source(X), *nearest)
    found = find_leakage(*nearest, same, neighbor_graph(as_source(X), 3))
    assert (found.n_rows, found.n_identical, found.n_near) == (7, 1, 2)
    assert found.pairs == ((5, 7), (6, 9))
    assert found.more_than_chance


@pytest.mark.parametrize("kind", ["one feature", "categories", "rounded"])
def test_an_honest_split_is_not_called_leaking_however_near_its_rows_are(kind):
    rng = np.random.default_rng(0)
    drawn = {
        "one feature": rng.normal(size=(1000, 1)),
        "categories": rng.integers(0, 3, (1000, 3)).astype(float),
        "rounded": rng.normal(size=(1000, 2)).round(1),
    }[kind]
    X, held = drawn[:500], drawn[500:]
    nearest = kneighbors(held, X, 1)
    found = find_leakage(*nearest, same_rows(as_source(held), as_source(X), *nearest), neighbor_graph(as_source(X), 3))
    assert found.n_near > 0
    assert not found.more_than_chance


def test_copies_are_told_from_rows_that_come_again_by_chance():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(50, 2)), np.zeros((3, 2))])
    X[50:] = X[[4, 4, 9]]
    y = np.arange(53.0)
    y[[50, 51, 52]] = [4.0, 7.0, 9.0]  # the second is another target of the same features
    groups = alike(as_source(X), neighbor_graph(as_source(X), 3))
    assert find_copies(groups, y, X).tolist() == [50, 52]
    few = rng.integers(0, 3, (200, 2)).astype(float)
    groups = alike(as_source(few), neighbor_graph(as_source(few), 3))
    assert len(groups) == 9
    assert find_copies(groups, few.sum(axis=1), few).tolist() == []


def test_held_out_rows_that_only_look_alike_on_one_scale_are_not_called_identical():
    X = np.append(np.arange(50.0), 1e12)[:, None]
    held = np.array([[0.5], [3.0], [49.5], [1e12]])
    distances, indices = np.zeros((4, 1)), np.array([[0], [3], [49], [50]])
    assert same_rows(as_source(held), as_source(X), distances, indices).tolist() == [False, True, False, True]
