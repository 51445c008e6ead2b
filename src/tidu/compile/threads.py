"""Is a graph worth waking other threads for?

An estimate from what the nodes' kinds count, in one place. The constants are round numbers of one core of a
machine of 2020 to 2025: only the order of magnitude matters here.
"""

from __future__ import annotations

from tidu.core.graph import Graph, Operation
from tidu.native.threads import default_threads

__all__ = ["estimated_us", "threads_for"]

_PRODUCT_FLOPS_PER_US = 60_000.0
"""Of matrix products: 60 GFLOP/s, between float64 on AVX2 and float32 on AVX-512."""
_FLOPS_PER_US = 8_000.0
"""Of everything else."""
_BYTES_PER_US = 40_000.0
"""Of what nodes read and write: 40 GB/s, as most of it never leaves the caches, or the registers."""
_WORTH_WAKING_US = 100.0
"""A thread that sleeps takes some 60 us to wake, one that still spins 1 us."""
_WORTH_MEETING_US = 25.0
"""In a loop the threads are awake, and meet at a few barriers of 50 to 500 ns in every round."""


def estimated_us(graph: Graph) -> float:
    """Return about how long one core takes for a graph, in microseconds.

    Parameters
    ----------
    graph : Graph
        Without calls.
    """
    total = 0.0
    for node in graph.nodes:
        if isinstance(node.op, Operation):
            primitive = node.op.primitive
            cost = primitive.kind.cost(primitive, tuple(x.spec for x in node.operands), node.spec, node.op.params)
            rate = _PRODUCT_FLOPS_PER_US if primitive.name == "matmul" else _FLOPS_PER_US
            total += max(cost.flops / rate, cost.bytes / _BYTES_PER_US)
    return total


def threads_for(graph: Graph, most: int | None = None, *, repeated: bool = False) -> int:
    """Return how many threads a graph should use; results do not depend on it.

    Parameters
    ----------
    graph : Graph
        Without calls.
    most : int, optional
        By default `default_threads`.
    repeated : bool
        Whether it runs many times in one call, as a step of training does.

    Examples
    --------
    >>> import numpy as np
    >>> from tidu.core.spec import Spec
    >>> from tidu.trace.function import trace
    >>> def product(n):
    ...     specs = [Spec((n, n), np.dtype(np.float32))] * 2
    ...     return trace(np.matmul, specs, eager=False, names=["a", "b"]).graph
    >>> threads_for(product(8), 4), threads_for(product(1024), 4)
    (1, 4)
    """
    if estimated_us(graph) < (_WORTH_MEETING_US if repeated else _WORTH_WAKING_US):
        return 1
    return default_threads() if most is None else most
