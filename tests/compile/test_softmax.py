"""Sums of exponentials do not overflow, however they are written, and neither do gradients through them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from tests.compile.test_simplify import M, assert_same_values, graph_of, names, simple, values
from tests.compile.test_stable import gradient_graph, slope_of_square

import tidu
from tidu.compile.simplify import simplify
from tidu.trace.function import trace

LABELS = np.array([2, 0])


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)


SUMS: dict[str, tuple[Callable[[np.ndarray], object], Callable[[np.ndarray], object]]] = {
    "rows": (
        lambda m: np.log(np.sum(np.exp(m), axis=1)),
        lambda m: special.logsumexp(m, axis=1),
    ),
    "rows kept": (
        lambda m: np.log(np.sum(np.exp(m), axis=1, keepdims=True)),
        lambda m: special.logsumexp(m, axis=1, keepdims=True),
    ),
    "columns": (lambda m: np.log(np.exp(m).sum(axis=0)), lambda m: special.logsumexp(m, axis=0)),
    "all": (lambda m: np.log(np.sum(np.exp(m))), special.logsumexp),
    "of minus": (lambda m: np.log(np.sum(np.exp(-m), axis=1)), lambda m: special.logsumexp(-m, axis=1)),
    "softmax": (softmax, lambda m: special.softmax(m, axis=1)),
    "softmax of columns": (lambda m: np.exp(m) / np.exp(m).sum(axis=0), lambda m: special.softmax(m, axis=0)),
    "softmax of all": (lambda m: np.exp(m) / np.sum(np.exp(m)), special.softmax),
    "log of softmax": (lambda m: np.log(softmax(m)), lambda m: special.log_softmax(m, axis=1)),
}
LARGE = np.array([[1e4, -1e4, 9999.0], [-1e4, -1e4, -9999.5]])


@pytest.mark.parametrize("how", SUMS)
def test_sums_of_exponentials_are_shifted_by_the_largest(how: str) -> None:
    function, exact = SUMS[how]
    graph = simple(function, LARGE)
    np.testing.assert_allclose(values(graph, LARGE)[0], exact(LARGE), rtol=1e-14)
    assert names(graph).count("max") == 1
    assert_same_values(graph_of(function, M), M)


@pytest.mark.parametrize("how", SUMS)
def test_gradients_through_sums_of_exponentials_do_not_overflow(how: str) -> None:
    function, _ = SUMS[how]
    weights = np.linspace(-1.0, 1.0, np.size(function(M))).reshape(np.shape(function(M)))

    def loss(m: np.ndarray) -> object:
        return np.sum(function(m) * weights)

    for m in (LARGE, M):
        graph, inputs = gradient_graph(loss, m)
        slope = values(simplify(graph), *inputs)[1]
        assert np.isfinite(slope).all()
    assert_same_values(graph, *inputs, scale=10.0)


def test_what_is_shifted_already_is_left_alone() -> None:
    def by_hand(m: np.ndarray) -> object:
        moved = m - np.max(m, axis=1, keepdims=True)
        return np.log(np.sum(np.exp(moved), axis=1))

    def of_all(m: np.ndarray) -> object:
        return np.exp(m - np.max(m)) / np.sum(np.exp(m - np.max(m)), axis=1, keepdims=True)

    assert names(simple(by_hand, M)) == ["max", "subtract", "exp", "sum", "log"]
    assert names(simple(of_all, M)) == ["max", "subtract", "exp", "sum", "divide"]
    for function in (lambda m: tidu.nn.softmax(m), lambda m: tidu.nn.log_softmax(m), lambda m: tidu.nn.logsumexp(m)):
        assert names(simple(function, M)).count("max") == 1


def test_rows_without_a_finite_number_are_those_of_numpy() -> None:
    m = np.array([[-np.inf, -np.inf], [np.inf, 0.0], [np.nan, 1.0], [-np.inf, 2.0]])
    found = values(simple(lambda m: np.log(np.sum(np.exp(m), axis=1)), m), m)[0]
    np.testing.assert_array_equal(found, [-np.inf, np.inf, np.nan, 2.0])


def test_a_sum_that_does_not_line_up_is_no_softmax() -> None:
    square = np.arange(9.0).reshape(3, 3) / 9.0
    graph = graph_of(lambda m: np.exp(m) / np.sum(np.exp(m), axis=1), square)
    assert "max" not in names(assert_same_values(graph, square))


def test_a_sum_of_no_terms_stays() -> None:
    assert_same_values(graph_of(lambda m: np.log(np.sum(np.exp(m), axis=1)), np.ones((2, 0))), np.ones((2, 0)))


# Cross entropies by labels, as people write them.


def by_softmax(z: np.ndarray) -> np.ndarray:
    return np.log(softmax(z))


def by_stable_softmax(z: np.ndarray) -> np.ndarray:
    return np.log(tidu.nn.softmax(z))


def by_log_sum(z: np.ndarray) -> np.ndarray:
    return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))


def by_shifted_log_sum(z: np.ndarray) -> np.ndarray:
    moved = z - np.max(z, axis=1, keepdims=True)
    return moved - np.log(np.sum(np.exp(moved), axis=1, keepdims=True))


def by_reshaped_shift(z: np.ndarray) -> np.ndarray:
    moved = z - np.reshape(np.max(z, axis=1), (2, 1))
    return moved - np.reshape(np.log(np.sum(np.exp(moved), axis=1)), (2, 1))


WAYS = [by_softmax, by_stable_softmax, by_log_sum, by_shifted_log_sum, by_reshaped_shift, tidu.nn.log_softmax]


@pytest.mark.parametrize("log_softmax", WAYS)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_the_gradient_of_a_cross_entropy_is_softmax_minus_label(
    log_softmax: Callable[[np.ndarray], np.ndarray], size: float
) -> None:
    z = M * size
    graph, inputs = gradient_graph(lambda z, y: -np.mean(log_softmax(z)[np.arange(2), y]), z, LABELS)
    value, slope = values(simplify(graph), *inputs)
    exact = special.log_softmax(z, axis=1)
    np.testing.assert_allclose(value, -exact[np.arange(2), LABELS].mean(), rtol=1e-14)
    np.testing.assert_allclose(slope, (special.softmax(z, axis=1) - np.eye(3)[LABELS]) / 2, atol=1e-15)


@pytest.mark.parametrize("log_softmax", WAYS)
def test_nothing_flows_through_the_shift(log_softmax: Callable[[np.ndarray], np.ndarray]) -> None:
    graph, _ = gradient_graph(lambda z, y: -np.mean(log_softmax(z)[np.arange(2), y]), M, LABELS)
    found = names(simplify(graph))
    assert "equal" not in found
    assert found.count("exp") == 1
    assert found.count("log") == 1


def test_a_gradient_through_a_largest_element_that_does_not_cancel_stays() -> None:
    def loss(z: np.ndarray) -> object:
        m = np.max(z, axis=1, keepdims=True)
        return np.sum(np.exp(z - m)) + np.sum(m * m)

    graph, inputs = gradient_graph(loss, M)
    assert "equal" in names(assert_same_values(graph, *inputs))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(WAYS), st.integers(0, 2**32 - 1), st.sampled_from(["float32", "float64"]))
def test_cross_entropies_keep_their_values(
    log_softmax: Callable[[np.ndarray], np.ndarray], seed: int, dtype: str
) -> None:
    rng = np.random.default_rng(seed)
    z, w = rng.normal(size=(2, 3)).astype(dtype), rng.normal(size=(2, 3)).astype(dtype)
    graph, inputs = gradient_graph(lambda z: np.sum(log_softmax(z) * w), z)
    assert_same_values(graph, *inputs, scale=10.0)


@pytest.mark.parametrize("how", SUMS)
def test_second_derivatives_keep_their_values(how: str) -> None:
    graph, inputs = gradient_graph(lambda m: np.sum(slope_of_square(SUMS[how][0], m) * M), M)
    assert_same_values(graph, *inputs, scale=10.0)


def test_batched_gradients_keep_their_values() -> None:
    def loss(z: np.ndarray, y: np.ndarray) -> object:
        return -np.log(np.exp(z) / np.sum(np.exp(z)))[y]

    each = tidu.vmap(tidu.value_and_grad(loss))
    traced = trace(each, [M, LABELS], eager=False)
    assert_same_values(traced.graph, M, LABELS, *traced.captures)
