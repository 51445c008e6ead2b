from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from tidu.data import ArraySource, RowsSource, fit_scaler, pixel_scaler, train_test_split_rows
from tidu.errors import DataError, ParameterError


@settings(deadline=None, max_examples=60)
@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32 - 1),
    stratified=st.booleans(),
)
def test_every_row_is_on_one_side_and_the_same_seed_chooses_the_same(
    labels: list[int], fraction: float, seed: int, stratified: bool
) -> None:
    classes = np.array(labels) if stratified else None
    train, test = train_test_split_rows(len(labels), classes, test_fraction=fraction, seed=seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    assert len(train) > 0
    assert len(test) > 0
    again = train_test_split_rows(len(labels), classes, test_fraction=fraction, seed=seed)
    np.testing.assert_array_equal(test, again[1])


def test_each_class_has_its_share_of_both_sides() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    train, test = train_test_split_rows(100, labels, test_fraction=0.2, seed=3)
    assert np.bincount(labels[test]).tolist() == [18, 2]
    assert np.bincount(labels[train]).tolist() == [72, 8]


def test_a_class_of_one_row_stays_for_training() -> None:
    labels = np.array([0] * 10 + [1] * 10 + [2])
    train, test = train_test_split_rows(21, labels, test_fraction=0.3, seed=0)
    assert 20 in train
    assert set(labels[test]) == {0, 1}


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_outside_zero_to_one_is_refused(fraction: float) -> None:
    with pytest.raises(ParameterError):
        train_test_split_rows(10, test_fraction=fraction)


def test_one_row_cannot_be_split() -> None:
    with pytest.raises(DataError):
        train_test_split_rows(1)


@settings(deadline=None, max_examples=20)
@given(rows_per_block=st.integers(1, 60), dtype=st.sampled_from(["f4", "f8", "u1"]))
def test_a_scaler_fitted_by_blocks_is_the_scaler_fitted_on_all(rows_per_block: int, dtype: str) -> None:
    X = (np.random.default_rng(0).random((50, 3)) * 255).astype(dtype)
    found, whole = fit_scaler(ArraySource(X), rows_per_block), StandardScaler().fit(X)
    np.testing.assert_allclose(found.mean_, whole.mean_, rtol=1e-6)
    np.testing.assert_allclose(found.scale_, whole.scale_, rtol=1e-5)


def test_a_scaler_can_look_at_the_rows_for_training_only() -> None:
    X = np.array([[0.0], [2.0], [1000.0]])
    assert fit_scaler(RowsSource(ArraySource(X), np.array([0, 1])), 1).mean_.tolist() == [1.0]


def test_pixels_are_divided_by_their_largest_possible_value() -> None:
    assert pixel_scaler(2, 16).transform(np.array([[8.0, 16.0]])).tolist() == [[0.5, 1.0]]
