"""Kernels that run as one give what they give apart, and nothing is stored that nobody reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.comparing import assert_same, both, general, graph_of
from tests.compile.programs import Program, programs
from tests.compile.races import intervals_of
from tests.compile.training_steps import NETWORKS, plan_of, training_step

from tidu.compile import merge as merging
from tidu.compile.kernels import Kernel, Nest, Product, Store
from tidu.compile.lower import lower
from tidu.compile.merge import merge, same_place
from tidu.compile.views import Buffer, View

X = np.random.default_rng(0).normal(size=(20, 30))
W = np.random.default_rng(1).normal(size=(30, 7))


def unmerged() -> object:
    return mock.patch.object(merging, "_join_one_of", return_value=False)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(programs((17, 3, 33, 2, 1, 0)), st.integers(1, 3))
def test_merged_programs_give_what_unmerged_ones_give(program: Program, n_threads: int) -> None:
    graph, inputs = program.traced()
    lowered = general(n_threads=n_threads)
    merged, expected = both(graph, inputs, lowered)
    with unmerged():
        apart, _ = both(graph, inputs, lowered)
    for got, same, want in zip(merged, apart, expected, strict=True):
        scale = max(1.0, float(np.max(np.abs(want), initial=0.0)))
        assert_same(got, same, 64, scale=scale, signed_zeros=False)


@pytest.mark.parametrize("name", NETWORKS)
def test_merged_steps_are_unmerged_ones_with_fewer_kernels(name: str) -> None:
    step = training_step(name, 2, "float64")
    plan = plan_of(step)
    with unmerged():
        apart = plan_of(step)
    assert len(plan.steps) < len(apart.steps)
    for got, want in zip(step.run(plan), step.run(apart), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * max(1.0, np.max(np.abs(want))))


def kernels_of(function: Callable[..., object], *inputs: np.ndarray, n_threads: int = 1) -> list[Kernel]:
    return [k for interval in intervals_of(graph_of(function, *inputs), general(n_threads=n_threads)) for k in interval]


def test_bias_and_activation_are_the_epilogue_of_a_product() -> None:
    (kernel,) = kernels_of(lambda x, w: np.maximum(x @ w + w[0], 0.0), X, W)
    assert isinstance(kernel, Product)
    assert [x.target.shape for x in kernel.stores] == [(20, 7)]


def test_an_unused_product_is_not_stored_beside_its_epilogue() -> None:
    plan = lower(graph_of(lambda x, w: np.exp(x @ w), X, W), general())
    assert not plan.buffers


def test_sums_over_the_same_rows_share_one_loop() -> None:
    (kernel,) = kernels_of(lambda x: (np.sum(x, axis=1), np.sum(x * x, axis=1), np.max(x, axis=1)), X)
    assert isinstance(kernel, Nest)
    assert len(kernel.totals) == 3


def test_what_is_stored_and_summed_is_computed_once() -> None:
    (kernel,) = kernels_of(lambda x: (np.exp(x), np.sum(np.exp(x), axis=1)), X)
    assert isinstance(kernel, Nest)
    assert (len(kernel.stores), len(kernel.totals)) == (1, 1)
    assert kernel.flops < 2 * X.size * 12


def test_a_sum_that_is_subtracted_ends_the_loop() -> None:
    assert len(kernels_of(lambda x: x - np.sum(x, axis=1, keepdims=True), X)) == 2


def test_a_large_nest_is_not_joined_to_what_one_thread_does() -> None:
    x = np.ones((100, 100))
    assert len(kernels_of(lambda x: (x * 2.0, np.sum(x * 2.0)), x, n_threads=2)) == 2
    assert len(kernels_of(lambda x: (x * 2.0, np.sum(x * 2.0)), X, n_threads=2)) == 1


def test_a_body_does_not_grow_beyond_the_registers() -> None:
    def long(x: np.ndarray) -> object:
        made = []
        for i in range(40):
            made.append(x * (i + 2.0) + 1.0)
        return made

    sizes = [k.flops // math.prod(k.shape) for k in kernels_of(long, X)]
    assert len(sizes) > 1
    assert max(sizes) <= 48


def test_what_nobody_needs_is_not_computed() -> None:
    whole, dead, out = (View.whole(Buffer(80, n), "float64", (10,)) for n in (0, None, None))
    used = Nest((10,), 1, [Store(whole, out)])
    unused = Nest((10,), 1, [Store(whole, dead)])
    assert [kernel.targets for kernel in merge([unused, used], [out])] == [[out]]


def test_nothing_overtakes_what_it_needs() -> None:
    """A nest does not join one that runs before its own operand is written."""
    given, a, b, c = (View.whole(Buffer(80, n), "float64", (10,)) for n in (0, None, None, None))
    turned = View(b.buffer, "float64", (10,), (-1,), 9)
    first, second = Nest((10,), 1, [Store(given, a)]), Nest((5, 2), 2, [Store(reshaped(given), reshaped(b))])
    third = Nest((10,), 1, [Store(turned, c)])
    kernels = merge([first, second, third], [a, b, c])
    order = [view.buffer for kernel in kernels for view in kernel.targets]
    assert order.index(b.buffer) < order.index(c.buffer)
    assert all(not {a.buffer, c.buffer} <= {v.buffer for v in kernel.targets} for kernel in kernels)


def reshaped(view: View) -> View:
    return View(view.buffer, view.dtype, (5, 2), (2, 1))


def test_the_same_place_is_told_from_one_beside_it() -> None:
    view = View.whole(Buffer(80), "float64", (1, 10))
    assert same_place(view, View(view.buffer, "float64", (1, 10), (0, 1)))
    for other in (
        View.whole(Buffer(80), "float64", (1, 10)),
        View(view.buffer, "float64", (1, 10), (10, 1), 1),
        View(view.buffer, "float64", (1, 10), (10, -1)),
        View(view.buffer, "int64", (1, 10), (10, 1)),
    ):
        assert not same_place(view, other)


def test_a_planted_wrong_join_is_caught() -> None:
    x = np.arange(12.0)
    graph = graph_of(lambda x: (np.exp(x) + 1.0)[::-1] + np.exp(x) + 1.0, x)
    with mock.patch.object(merging, "same_place", lambda a, b: a.buffer is b.buffer):
        (native,), (expected,) = both(graph, [x])
    with pytest.raises(AssertionError):
        assert_same(native, expected)
