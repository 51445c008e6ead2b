"""Sorting and order statistics: ties and NaN as in NumPy, gradients to where elements came from."""

from __future__ import annotations

import numpy as np
import pytest

import tidu
from tests.functions.checking import assert_batches, assert_differentiable, assert_equals_numpy, normal
from tidu.errors import ParameterError, ShapeError, UnsupportedError

X = normal(3, 4, 5)
WITH_NAN = np.where(X > 1.2, np.nan, X)
TIES = np.round(normal(4, 5) * 2) / 2


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize(
    "array", [X, X.astype(np.float32), WITH_NAN, TIES, np.zeros((0, 3))], ids=["x", "f", "nan", "ties", "none"]
)
def test_sorting_is_that_of_numpy_with_nan_last_and_ties_in_order(array: np.ndarray, axis: int | None) -> None:  # type: ignore[type-arg]
    assert_equals_numpy(lambda x: np.sort(x, axis), array)
    expected = np.argsort(array, axis, stable=True)
    np.testing.assert_array_equal(tidu.jit(lambda x: np.argsort(x, axis))(array), expected)


def test_the_gradient_of_sorting_follows_the_elements() -> None:
    assert_differentiable(lambda x: (np.sort(x, 1), np.sort(x, None), np.partition(x, 2), np.sort(-x)), X)
    assert_batches(lambda x: (np.sort(x, 0), np.argsort(x, 1), np.argpartition(x, 1)), np.stack([X, -X]))
    gradient = tidu.grad(lambda x: np.sum(np.sort(x) * np.array([1.0, 10.0, 100.0])))(np.array([2.0, 2.0, 1.0]))
    np.testing.assert_array_equal(gradient, [10.0, 100.0, 1.0])


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize(
    "array", [X, X.astype(np.float32), WITH_NAN, np.arange(6).reshape(2, 3)], ids=["x", "f", "nan", "int"]
)
def test_order_statistics_are_those_of_numpy(
    array: np.ndarray,
    axis: int | tuple[int, ...] | None,
    keepdims: bool,  # type: ignore[type-arg]
) -> None:
    assert_equals_numpy(lambda x: np.median(x, axis, keepdims=keepdims), array, exact=False)
    for q in (0.0, 0.3, 1.0, [0.1, 0.5], np.array([[0.2, 0.7]])):
        for method in ("linear", "lower", "higher", "nearest", "midpoint"):
            assert_equals_numpy(
                lambda x, q=q, m=method: np.quantile(x, q, axis, method=m, keepdims=keepdims), array, exact=False
            )
        assert_equals_numpy(
            lambda x, q=q: np.percentile(x, np.multiply(q, 100), axis, keepdims=keepdims), array, exact=False
        )


def test_order_statistics_are_differentiable_and_batch() -> None:
    def statistics(x: object) -> object:
        return np.median(x, 1), np.median(x), np.quantile(x, [0.3, 0.8], axis=0), np.percentile(x, 40)  # type: ignore[call-overload]

    assert_differentiable(statistics, X)
    assert_batches(statistics, np.stack([X, X * X]))


@pytest.mark.parametrize("side", ["left", "right"])
def test_places_in_a_sorted_row_are_those_of_numpy(side: str) -> None:
    row = np.array([-1.0, 0.0, 0.0, 2.0, np.nan])
    values = np.array([[0.0, -2.0], [np.nan, 2.0], [1.0, 9.0]])
    expected = np.searchsorted(row, values, side)  # type: ignore[call-overload]
    np.testing.assert_array_equal(tidu.jit(lambda a, v: np.searchsorted(a, v, side))(row, values), expected)
    np.testing.assert_array_equal(
        tidu.jit(lambda a, v: np.searchsorted(a, v, side, sorter=np.argsort(a)))(row[::-1].copy(), values), expected
    )
    rows = np.stack([row, row + 1.0])
    assert_batches(lambda a, v: np.searchsorted(a, v, side), rows, np.stack([values, values + 1.0]))
    assert_batches(lambda a, v: np.searchsorted(a, v, side), rows, values, in_axes=[0, None])
    assert_batches(lambda a, v: np.searchsorted(a, v, side), row, values, in_axes=[None, 0])


def test_bins_are_numbered_as_by_numpy() -> None:
    edges = np.array([-1.0, 0.0, 1.0])
    for right in (False, True):
        expected = np.digitize([-1.0, 0.5, 0.0, 7.0], edges, right)
        np.testing.assert_array_equal(
            tidu.jit(lambda x, r=right: np.digitize(x, edges, r))(np.array([-1.0, 0.5, 0.0, 7.0])), expected
        )
    with pytest.raises(UnsupportedError):
        tidu.jit(lambda x: np.digitize(x, edges[::-1]))(np.ones(2))


def test_what_has_no_order_statistic_is_refused() -> None:
    for function, error in (
        (lambda x: np.median(x[:0]), ShapeError),
        (lambda x: np.quantile(x, 1.5), ParameterError),
        (lambda x: np.quantile(x, 0.5, method="inverted_cdf"), UnsupportedError),
        (lambda x: np.quantile(x, x[0]), UnsupportedError),
        (lambda x: np.searchsorted(x[None], x), ShapeError),
    ):
        with pytest.raises(error):
            tidu.grad(lambda x, f=function: np.sum(f(x) * 1.0))(np.ones(3))
