"""How native results are compared with those of the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tidu.compile import native_function
from tidu.core.bind import apply
from tidu.core.graph import Graph
from tidu.core.primitive import Primitive
from tidu.interpret import interpret
from tidu.trace.function import trace

ULPS = 4
"""Both sides keep within a few units in the last place of the true value, each by its own libm."""


def graph_of(function: Callable[..., object], *arguments: object) -> Graph:
    traced = trace(function, arguments, eager=False)
    assert not traced.captures
    return traced.graph


def both(
    graph: Graph, inputs: Sequence[object], *, vectorize: bool = True
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Run a graph natively and by the interpreter."""
    with np.errstate(all="ignore"):
        expected = [np.asarray(x) for x in interpret(graph, inputs)]
    return native_function(graph, vectorize=vectorize)(inputs), expected


def both_of(primitive: Primitive, inputs: Sequence[object]) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        graph = graph_of(lambda *operands: apply(primitive, *operands), *inputs)
        (native,), (expected,) = both(graph, inputs)
    return native, expected


def assert_same(
    native: np.ndarray, expected: np.ndarray, ulps: float = ULPS, scale: float = 0.0, signed_zeros: bool = True
) -> None:
    """Compare to `ulps` units in the last place of the expected value, or of `scale` where that is larger.

    Without `signed_zeros` 0.0 and -0.0 are the same: which of two equal numbers a maximum returns is not
    defined, and differs between NumPy's own loops.
    """
    assert native.shape == expected.shape
    assert native.dtype == expected.dtype
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(native, expected)
        return
    with np.errstate(all="ignore"):
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(native[~finite], expected[~finite])
        if signed_zeros:
            np.testing.assert_array_equal(np.signbit(native[expected == 0]), np.signbit(expected[expected == 0]))
        step = np.spacing(np.maximum(np.abs(expected), np.asarray(scale, expected.dtype)))
        error = np.abs(native.astype(np.float64) - expected.astype(np.float64)) / step
    worst = float(np.max(error[finite], initial=0.0))
    assert worst <= ulps, f"{worst} ulp"
