"""What is there to say of a kernel: what it computes, how much work that is, and who shares it.

Looked at only when somebody asks: names of values are read from the user's source file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tidu.compile.kernels import Kernel, Nest, Product, reads
from tidu.compile.partition import split_rows
from tidu.compile.terms import Apply, ordered
from tidu.core.graph import Graph, Node, Operation

__all__ = ["Step", "kernel_step", "unrolled_step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One kernel of a plan, for those who read it.

    Parameters
    ----------
    what : str
        Its kind, and what it computes.
    space : tuple of int
        The points at which it computes.
    flops, bytes : int
        Operations, and bytes read and written once each.
    interval : int
        Number of its interval: between intervals threads wait for each other.
    threads : int
        How many share the work.
    """

    what: str
    space: tuple[int, ...]
    flops: int
    bytes: int
    interval: int
    threads: int

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.flops / self.bytes if self.bytes else 0.0


def unrolled_step(graph: Graph) -> Step:
    """Describe a whole graph as code without loops."""
    flops = sum(_node_flops(node) for node in graph.nodes)
    moved = sum(x.spec.nbytes for x in (*graph.inputs, *graph.outputs))
    return Step("unrolled: every value in a register", (), flops, moved, 0, 1)


def kernel_step(kernel: Kernel, interval: int, n_threads: int) -> Step:
    """Describe a kernel."""
    touched = {(view.buffer, view.dtype): view for view in (*reads(kernel), *kernel.targets)}
    moved = sum(min(math.prod(v.shape) * np.dtype(v.dtype).itemsize, v.buffer.n_bytes) for v in touched.values())
    threads = n_threads if split_rows(kernel, n_threads) else 1
    return Step(_describe(kernel), kernel.shape, kernel.flops, moved, interval, threads)


def _describe(kernel: Kernel) -> str:
    names = [x.what for x in ordered(kernel.terms) if isinstance(x, Apply)]
    results = [view.buffer.name for view in kernel.targets if view.buffer.name]
    what = ", ".join(dict.fromkeys(names))
    if isinstance(kernel, Product):
        m, n = kernel.shape[-2:]
        kind = f"product {m} x {kernel.a.shape[-1]} x {n}"
    elif isinstance(kernel, Nest):
        kind = "fold" if kernel.totals else "map"
    else:
        kind = "scatter"
    return f"{kind}: {what or 'copy'}" + (f" -> {', '.join(dict.fromkeys(results))}" if results else "")


def _node_flops(node: Node) -> int:
    if not isinstance(node.op, Operation):
        return 0
    primitive = node.op.primitive
    return primitive.kind.cost(primitive, tuple(x.spec for x in node.operands), node.spec, node.op.params).flops
