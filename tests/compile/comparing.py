"""How native results are compared with those of the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tidu.compile import NativeFunction, Plan, Settings, native_function
from tidu.core.bind import apply
from tidu.core.graph import Graph
from tidu.core.primitive import Primitive
from tidu.interpret import interpret
from tidu.native.ledger import Ledger
from tidu.native.machine import Processor, baseline, narrowed
from tidu.trace.function import trace

ULPS = 4
"""Both sides keep within a few units in the last place of the true value, each by its own libm."""

PROCESSORS: dict[str, Callable[[], Processor | None]] = {
    "host": lambda: None,
    "32 bytes": lambda: narrowed(32),
    "16 bytes": lambda: narrowed(16),
    "baseline": baseline,
}
"""What code is made for: on x86-64 with AVX-512 that is AVX-512, AVX2, SSE 4 and SSE2."""


def graph_of(function: Callable[..., object], *arguments: object) -> Graph:
    traced = trace(function, arguments, eager=False)
    assert not traced.captures
    return traced.graph


def general(n_threads: int = 1, **changes: object) -> Settings:
    """Return settings by which small graphs too become kernels with loops, not one with everything unrolled."""
    return Settings(n_threads, unrolled=-1, **changes)


def compiled(graph: Graph, ledger: Ledger | None = None, settings: Settings | None = None) -> NativeFunction:
    return native_function(graph, ledger, settings or general())


def code_of(plan: Plan) -> str:
    """Return the code of all kernels of a plan."""
    return "\n".join(invocation.kernel.body for interval in plan.intervals for invocation in interval)


def interpreted(graph: Graph, inputs: Sequence[object]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return [np.asarray(x) for x in interpret(graph, inputs)]


def both(
    graph: Graph, inputs: Sequence[object], settings: Settings | None = None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Run a graph natively and by the interpreter."""
    return compiled(graph, settings=settings)(inputs), interpreted(graph, inputs)


def both_of(primitive: Primitive, inputs: Sequence[object]) -> tuple[np.ndarray, np.ndarray]:
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


def assert_same_bits(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> None:
    """Compare to the bit, NaN and signs of zero included."""
    for a, b in zip(one, other, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(a.view(f"u{a.itemsize}"), b.view(f"u{b.itemsize}"))
