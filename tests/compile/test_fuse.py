"""Elementwise work and movement cost no kernel of their own; what is used again and dear is stored once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.compile.comparing import assert_same, both, general, graph_of
from tests.compile.races import intervals_of

from tidu.compile.fuse import computing_dtype, fuse
from tidu.compile.kernels import Kernel, Product, Scatter
from tidu.compile.simplify import simplify
from tidu.compile.terms import Apply, Pick, leaves, ordered
from tidu.compile.views import Ramp
from tidu.ops.indexing import gather, scatter_add
from tidu.trace.function import trace

X = np.random.default_rng(0).normal(size=(6, 8))
W = np.random.default_rng(1).normal(size=(8, 5))


def kernels_of(function: Callable[..., object], *inputs: np.ndarray) -> list[Kernel]:
    """Return the kernels before any is merged."""
    return fuse(simplify(graph_of(function, *inputs))).kernels


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.exp(x) * 2.0 - x,
        lambda x: np.exp(x.T[::-1, 1:]) + 1.0,
        lambda x: np.broadcast_to(x[0] * 2.0, (6, 8)) + x,
        lambda x: np.where(x > 0.0, np.exp(x), x).reshape(8, 6),
        lambda x: (x + 1.0)[:, None, ::2],
        lambda x: x.astype(np.float32),
    ],
)
def test_elementwise_work_and_movement_are_one_loop(function: Callable[..., object]) -> None:
    assert len(kernels_of(function, X)) == 1


def test_movement_before_a_product_copies_nothing() -> None:
    kernels = kernels_of(lambda x, w: w.T[::-1] @ x.T, X, W)
    assert [type(k) for k in kernels] == [Product]


def test_one_matrix_for_a_whole_stack_is_one_product_of_all_rows() -> None:
    (kernel,) = kernels_of(lambda x, w: x @ w, np.ones((3, 6, 8)), W)
    assert isinstance(kernel, Product)
    assert kernel.shape == (18, 5)


def test_what_is_dear_and_used_again_is_stored() -> None:
    dear = kernels_of(lambda x: (np.exp(x) + x.T[0, 0], np.exp(x).T * 2.0), X)
    cheap = kernels_of(lambda x: ((x + 1.0) * x.T[0, 0], (x + 1.0).T * 2.0), X)
    assert (len(dear), len(cheap)) == (3, 2)


def test_what_is_dear_is_not_repeated_along_rows() -> None:
    def function(x: np.ndarray) -> object:
        return np.exp(x[0]) * x

    row, whole = kernels_of(function, X)
    assert (row.shape, whole.shape) == ((8,), (6, 8))
    assert sum(k.flops for k in (row, whole)) < 2 * X.size + 12 * 8


def test_a_copy_is_made_only_where_strides_cannot_say_it() -> None:
    assert len(kernels_of(lambda x: x.T.reshape(-1)[::-1], X)) == 2
    assert len(kernels_of(lambda x: x[::2].reshape(-1)[::-1], X[:2])) == 1


def test_outputs_are_buffers_of_their_own() -> None:
    def function(x: np.ndarray) -> object:
        y = np.exp(x)
        return x, y, y, y.T, y[:2], 1.5

    views = fuse(simplify(graph_of(function, X))).outputs
    assert all(view.fills_its_buffer and view.buffer.given is None for view in views)
    assert len({view.buffer for view in views}) == 6
    for native, expected in zip(*both(graph_of(function, X), [X]), strict=True):
        assert_same(native, expected)


def test_one_picked_element_of_each_row_is_a_comparison_backwards() -> None:
    """The gradient of ``x[arange(n), k]`` scatters nothing, if the rows are known."""
    k = np.array([1, 0, 7, 3, 3, 2])
    traced = trace(lambda c, k: scatter_add(c, np.arange(6), k, shape=(6, 8)), [X[:, 0], k], eager=False)
    lowered = general(captures=[np.asarray(c) for c in traced.captures], frozen=True)
    kernels = [kernel for interval in intervals_of(traced.graph, lowered) for kernel in interval]
    assert not any(isinstance(kernel, Scatter) for kernel in kernels)
    native, expected = both(traced.graph, [X[:, 0], k, *traced.captures], lowered)
    np.testing.assert_array_equal(native[0], expected[0])
    plain = [kernel for interval in intervals_of(traced.graph, general()) for kernel in interval]
    assert any(isinstance(kernel, Scatter) for kernel in plain)


def test_rising_rows_are_known_only_while_they_cannot_change() -> None:
    traced = trace(lambda x: gather(x, np.arange(1, 6, 2)), [X], eager=False)
    captures = [np.asarray(c) for c in traced.captures]
    for frozen in (True, False):
        (interval,) = intervals_of(traced.graph, general(captures=captures, frozen=frozen))
        read = [x for kernel in interval for x in leaves(kernel.terms)]
        assert any(isinstance(x, Ramp) for x in read) == frozen
        assert any(isinstance(x, Pick) for x in read)


def test_truth_values_are_computed_in_what_holds_them() -> None:
    assert computing_dtype(["bool", "bool"]) == "float32"
    assert computing_dtype(["bool", "int64"]) == "int64"
    assert computing_dtype(["float32", "int64"]) == "float64"
    (kernel,) = kernels_of(lambda x: (x > 0.0) & (x < 1.0), X)
    assert {x.computing for x in ordered(kernel.terms) if isinstance(x, Apply)} <= {"float64", "float32"}
