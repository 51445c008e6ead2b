"""What every test of a NumPy function asks: the traced value is NumPy's own, and the derivatives are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tidu
from tidu.interpret import interpret
from tidu.trace.function import trace

_rng = [np.random.default_rng(20240229)]


def reseed(seed: int) -> None:
    """Start the random numbers anew, so that a test's numbers do not depend on the tests before it."""
    _rng[0] = np.random.default_rng(seed)


def normal(*shape: int, dtype: str = "float64") -> Any:
    """Return standard normal numbers."""
    return _rng[0].normal(size=shape).astype(dtype)


def regular(*shape: int) -> Any:
    """Return matrices far from singular: their diagonals dominate."""
    return 2 * np.eye(shape[-1]) + _rng[0].uniform(-1.5, 1.5, shape) / max(shape[-1], 1)


def leaves(result: object) -> list[Any]:
    """Return the arrays of nested lists and tuples."""
    if isinstance(result, (list, tuple)):
        return [leaf for part in result for leaf in leaves(part)]
    return [result]


def assert_equals_numpy(function: Callable[..., object], *arrays: Any, exact: bool = True) -> None:
    """Assert that `function`, traced without values and then run, gives what it gives on plain arrays."""
    expected = [np.asarray(x) for x in leaves(function(*arrays))]
    traced = trace(lambda *args: tuple(leaves(function(*args))), arrays, eager=False)
    got = [np.asarray(x) for x in interpret(traced.graph, [*arrays, *traced.captures])]
    assert len(got) == len(expected)
    tolerance = 1e-4 if any(np.asarray(x).dtype == np.float32 for x in (*arrays, *expected)) else 1e-9
    for ours, theirs, node in zip(got, expected, traced.graph.outputs, strict=True):
        assert ours.shape == theirs.shape == node.spec.shape
        assert ours.dtype == theirs.dtype == node.spec.dtype
        if exact:
            np.testing.assert_array_equal(ours, theirs)
        else:
            np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def assert_differentiable(function: Callable[..., object], *arrays: Any, order: int = 2) -> None:
    """Assert that derivatives agree with central differences, and keep float32."""
    tidu.check_grads(lambda *args: tuple(leaves(function(*args))), arrays, order=order)


def assert_batches(function: Callable[..., object], *arrays: Any, in_axes: Sequence[int | None] | None = None) -> None:
    """Assert that `vmap` over a leading axis of the marked arrays gives what a loop gives."""
    flags = list(in_axes or [0] * len(arrays))
    size = next(len(x) for x, axis in zip(arrays, flags, strict=True) if axis == 0)
    got = leaves(tidu.vmap(lambda *args: tuple(leaves(function(*args))), in_axes=tuple(flags))(*arrays))
    for i in range(size):
        rows = [x[i] if axis == 0 else x for x, axis in zip(arrays, flags, strict=True)]
        for ours, theirs in zip(got, leaves(function(*rows)), strict=True):
            np.testing.assert_allclose(np.asarray(ours)[i], theirs, rtol=1e-12, atol=1e-12)
