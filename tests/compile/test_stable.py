"""Formulas that overflow become those that do not, and so do the gradients that differentiation writes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special
from tests.compile.test_simplify import EXTREME, M, X, assert_same_values, graph_of, names, simple, values

import tidu
from tidu.compile.simplify import simplify
from tidu.core.graph import Graph
from tidu.trace.function import trace

TAKEN = np.array([1e4, -1e4, 30.0, -30.0, 0.0, -0.0, np.inf, -np.inf, np.nan])


def gradient_graph(loss: Callable[..., object], *inputs: np.ndarray) -> tuple[Graph, list[object]]:
    """Trace value and gradient; return the graph and all its inputs' values."""
    traced = trace(tidu.value_and_grad(loss), inputs, eager=False)
    return traced.graph, [*inputs, *traced.captures]


LOGISTIC: dict[str, Callable[[np.ndarray], object]] = {
    "1 / (1 + e)": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "1 / (e + 1)": lambda x: 1 / (np.exp(-x) + 1),
    "reciprocal": lambda x: np.reciprocal(np.add(np.exp(np.negative(x)), 1.0)),
    "to the power -1": lambda x: (1.0 + np.exp(-x)) ** -1,
    "-1 times": lambda x: 1.0 / (1.0 + np.exp(-1.0 * x)),
    "quotient of exponentials": lambda x: np.exp(x) / (1.0 + np.exp(x)),
}


@pytest.mark.parametrize("how", LOGISTIC)
def test_every_way_to_write_the_logistic_function_becomes_it(how: str) -> None:
    graph = simple(LOGISTIC[how], TAKEN)
    assert names(graph) == ["logistic"]
    np.testing.assert_allclose(values(graph, TAKEN)[0], special.expit(TAKEN), rtol=1e-15)


@pytest.mark.parametrize("how", LOGISTIC)
def test_its_derivative_is_written_with_its_value(how: str) -> None:
    graph, inputs = gradient_graph(lambda x, c: np.sum(LOGISTIC[how](x) * c), TAKEN[:6], np.arange(6.0))
    found = simplify(graph)
    if how != "quotient of exponentials":
        assert "exp" not in names(found)
        assert "divide" not in names(found)
        assert names(found).count("logistic") == 1
        out = special.expit(TAKEN[:6])
        np.testing.assert_allclose(values(found, *inputs)[1], np.arange(6.0) * out * (1.0 - out), atol=1e-15)
    assert_same_values(graph, X, np.ones(3), *[np.ones(3)] * (len(inputs) - 2))


def test_a_number_over_one_plus_exp_is_that_number_times_the_logistic_function() -> None:
    graph = simple(lambda x: x / (1.0 + np.exp(-x)), TAKEN)
    assert names(graph) == ["logistic", "multiply"]


SOFTPLUS: dict[str, tuple[Callable[[np.ndarray], object], Callable[[np.ndarray], np.ndarray]]] = {
    "log(1 + exp(x))": (lambda x: np.log(1.0 + np.exp(x)), lambda x: np.logaddexp(x, 0.0)),
    "log1p(exp(x))": (lambda x: np.log1p(np.exp(x)), lambda x: np.logaddexp(x, 0.0)),
    "log(1 / (1 + exp(-x)))": (lambda x: np.log(1.0 / (1.0 + np.exp(-x))), lambda x: -np.logaddexp(-x, 0.0)),
    "log(1 - o)": (lambda x: np.log(1.0 - 1.0 / (1.0 + np.exp(-x))), lambda x: -np.logaddexp(x, 0.0)),
    "log1p(-o)": (lambda x: np.log1p(-tidu.nn.sigmoid(x)), lambda x: -np.logaddexp(x, 0.0)),
}


@pytest.mark.parametrize("how", SOFTPLUS)
def test_logarithms_of_one_and_an_exponential_do_not_overflow(how: str) -> None:
    function, exact = SOFTPLUS[how]
    graph = simple(function, TAKEN)
    assert set(names(graph)) <= {"logaddexp", "negative"}
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(values(graph, TAKEN)[0], exact(TAKEN), rtol=1e-15)


@pytest.mark.parametrize("how", SOFTPLUS)
def test_their_gradients_do_not_overflow_either(how: str) -> None:
    function, _ = SOFTPLUS[how]
    x = np.array([1e4, -1e4, 2.0, -0.5])
    graph, inputs = gradient_graph(lambda x: np.sum(function(x)), x)
    found = simplify(graph)
    assert "exp" not in names(found)
    rising = special.expit(x) if how.startswith(("log(1 + ", "log1p(exp")) else None
    expected = rising if rising is not None else special.expit(-x) if "/" in how else -special.expit(x)
    np.testing.assert_allclose(values(found, *inputs)[1], expected, rtol=1e-12, atol=1e-15)


def test_a_cross_entropy_of_probabilities_is_that_of_logits() -> None:
    def loss(x: np.ndarray, y: np.ndarray) -> object:
        p = 1.0 / (1.0 + np.exp(-x))
        return -np.mean(y * np.log(p) + (1.0 - y) * np.log(1.0 - p))

    x, y = np.array([1e4, -1e4, 50.0, -3.0]), np.array([1.0, 0.0, 0.0, 1.0])
    graph, inputs = gradient_graph(loss, x, y)
    found = simplify(graph)
    value, slope = values(found, *inputs)
    np.testing.assert_allclose(value, np.mean(np.logaddexp(x, 0.0) - y * x), rtol=1e-14)
    np.testing.assert_allclose(slope, (special.expit(x) - y) / 4, rtol=1e-12, atol=1e-15)
    assert {"exp", "log", "divide"}.isdisjoint(names(found))


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "softplus", "silu", "gelu", "elu", "tanh", "log_softmax"])
def test_activations_and_their_gradients_keep_their_values(activation: str) -> None:
    function = tidu.nn.ACTIVATIONS[activation]
    graph, inputs = gradient_graph(lambda m: np.sum(function(m) * M), M)
    found = assert_same_values(graph, *inputs, scale=4.0)
    assert len(found.nodes) <= len(graph.nodes)


def test_extreme_logits_are_handled_at_least_as_well_as_by_numpy() -> None:
    graph = graph_of(
        lambda x: (1.0 / (1.0 + np.exp(-x)), np.log(1.0 + np.exp(x)), np.exp(x) / (1 + np.exp(x))), EXTREME
    )
    for got, want in zip(values(simplify(graph), EXTREME), values(graph, EXTREME), strict=True):
        good = np.isfinite(want)
        np.testing.assert_allclose(got[good], want[good], rtol=1e-15)
        assert np.isnan(got[np.isnan(EXTREME)]).all()


def slope_of_square(function: Callable[[np.ndarray], object], m: np.ndarray) -> np.ndarray:
    return tidu.grad(lambda m: np.sum(function(m) * function(m)))(m)


@pytest.mark.parametrize("how", [*LOGISTIC, *SOFTPLUS])
def test_second_derivatives_keep_their_values(how: str) -> None:
    function = LOGISTIC.get(how) or SOFTPLUS[how][0]
    graph, inputs = gradient_graph(lambda m: np.sum(slope_of_square(function, m) * M), M)
    assert_same_values(graph, *inputs, scale=10.0)
