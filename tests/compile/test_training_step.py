"""A whole training step, traced from plain NumPy with its gradient, is one native call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from tests.compile.comparing import graph_of

from tidu.compile import lower, native_function
from tidu.core.graph import Graph
from tidu.interpret.program import Program
from tidu.native.ledger import Ledger
from tidu.trace.function import TracedFunction, trace
from tidu.transforms.gradients import value_and_grad

Params = tuple[np.ndarray, ...]
LAYERS = (5, 16, 8, 1)
BATCH = 20


def loss(params: Params, x: np.ndarray, y: np.ndarray) -> object:
    w1, b1, w2, b2, w3, b3 = params
    h1 = 1.0 / (1.0 + np.exp(-(np.dot(x, w1) + b1)))
    h2 = np.maximum(np.dot(h1, w2) + b2, 0.0)
    error = np.dot(h2, w3) + b3 - y
    return np.sum(error * error) * (1.0 / BATCH)


def step(*leaves: object) -> tuple[object, ...]:
    """Return the loss and the parameters after one step of gradient descent."""
    *params, x, y = leaves
    value, gradient = value_and_grad(loss)(tuple(params), x, y)
    return (value, *(p - 0.05 * g for p, g in zip(params, gradient, strict=True)))


def start(dtype: str) -> tuple[Params, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    params: list[np.ndarray] = []
    for n_in, n_out in pairwise(LAYERS):
        params += [rng.normal(size=(n_in, n_out)) / np.sqrt(n_in), np.zeros(n_out)]
    x = rng.normal(size=(BATCH, LAYERS[0]))
    y = np.sin(x.sum(axis=1, keepdims=True))
    return tuple(p.astype(dtype) for p in params), x.astype(dtype), y.astype(dtype)


def traced_step(dtype: str) -> TracedFunction:
    params, x, y = start(dtype)
    return trace(step, [*params, x, y], eager=False)


def train(
    make: Callable[[Graph], Callable[[Sequence[object]], list[object]]], dtype: str, steps: int
) -> tuple[list[float], Params]:
    """Run some steps; what `make` makes of the graph is handed all arrays and returns new ones."""
    traced = traced_step(dtype)
    run = make(traced.graph)
    params, x, y = start(dtype)
    losses = []
    for _ in range(steps):
        value, *params = run([*params, x, y, *traced.captures])
        losses.append(float(value))
    return losses, tuple(params)


def test_two_hundred_native_steps_are_those_of_the_interpreter() -> None:
    losses, params = train(lambda graph: native_function(graph, vectorize=True), "float64", 200)
    expected_losses, expected = train(Program, "float64", 200)
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-12)
    for got, want in zip(params, expected, strict=True):
        assert np.max(np.abs(got - want)) <= 1e-12 * np.max(np.abs(want))


def test_float32_stays_float32_and_follows_float64() -> None:
    losses, params = train(native_function, "float32", 50)
    expected_losses, _ = train(Program, "float64", 50)
    assert {p.dtype for p in params} == {np.dtype("float32")}
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_second_run_gives_the_same_bits(dtype: str) -> None:
    first, second = (train(native_function, dtype, 20) for _ in range(2))
    assert first[0] == second[0]
    for a, b in zip(first[1], second[1], strict=True):
        assert a.tobytes() == b.tobytes()


def test_the_peak_is_known_before_and_kept_to() -> None:
    plan = lower(traced_step("float64").graph)
    ledger = Ledger()
    train(lambda graph: native_function(graph, ledger), "float64", 2)
    assert plan.peak_bytes <= ledger.peak_bytes < plan.peak_bytes + 64


def test_buffers_are_reused() -> None:
    plan = lower(traced_step("float64").graph)
    assert plan.arena_bytes < 0.5 * sum(size for _, size in plan.buffers)


def test_equal_layers_share_their_kernels() -> None:
    w = np.ones((6, 6))

    def deep(x: np.ndarray, w: np.ndarray) -> object:
        for _ in range(10):
            x = np.maximum(np.dot(x, w), 0.0)
        return x

    plan = lower(graph_of(deep, w, w))
    assert len(plan.invocations) == 20
    assert len({invocation.kernel for invocation in plan.invocations}) == 2
