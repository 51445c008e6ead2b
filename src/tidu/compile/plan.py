"""What will run, on which memory?

A `Plan` is the last thing that is known without a machine: kernels in order, where threads wait for each
other, the places that each kernel works on, and the bytes that all of it takes at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tidu.compile.arena import Life, place
from tidu.compile.kernels import Kernel, Nest, Product, reads
from tidu.compile.views import Buffer, View
from tidu.compile.write import write
from tidu.core.graph import Graph, Node, Operation
from tidu.core.spec import Spec
from tidu.native.ledger import ALIGNMENT
from tidu.native.module import HEAD_BYTES, Invocation
from tidu.native.text import Kernel as Code
from tidu.native.tiling import Target

__all__ = ["Plan", "Step", "make_plan", "unrolled_plan"]


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


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph as kernels on one arena.

    Parameters
    ----------
    name : str
        The graph's name.
    inputs : tuple of (str, Spec)
        What it is called with; C-contiguous.
    outputs : tuple of Spec
        What it returns.
    placed : tuple of int
        The slot of each output: one of its own, or that of the input whose place it takes.
    intervals : tuple of tuple of Invocation
        Kernels in order. Their slots are the inputs, then the outputs, then the arena.
    steps : tuple of Step
        The same for readers.
    arena_bytes : int
        Memory between the steps, scratch memory of every thread included.
    scratch_bytes : int
        That of one thread.
    buffers : tuple of (int, int)
        Offset and size of every buffer in the arena.
    n_threads : int
        How many threads it is made for.
    """

    name: str
    inputs: tuple[tuple[str, Spec], ...]
    outputs: tuple[Spec, ...]
    placed: tuple[int, ...]
    intervals: tuple[tuple[Invocation, ...], ...]
    steps: tuple[Step, ...]
    arena_bytes: int
    scratch_bytes: int
    buffers: tuple[tuple[int, int], ...]
    n_threads: int

    @property
    def output_bytes(self) -> int:
        """Bytes of the results, those that take the place of an input left out."""
        own = (spec for spec, slot in zip(self.outputs, self.placed, strict=True) if slot >= len(self.inputs))
        return sum(spec.nbytes for spec in own)

    @property
    def peak_bytes(self) -> int:
        """Bytes held at most during a call: arena and results (the inputs are the caller's)."""
        return self.arena_bytes + self.output_bytes

    @property
    def n_slots(self) -> int:
        """Entries of the table of addresses."""
        return len(self.inputs) + len(self.outputs) + 1

    @property
    def flops(self) -> int:
        """Operations of a run."""
        return sum(step.flops for step in self.steps)


def make_plan(
    name: str,
    inputs: Sequence[tuple[str, Spec]],
    outputs: Sequence[tuple[Spec, View]],
    intervals: Sequence[Sequence[Kernel]],
    n_threads: int,
    target: Target,
    guard_bytes: int = 0,
) -> Plan:
    """Give every buffer its place: an input, an output, or somewhere in the arena while it is needed.

    With several threads memory is used again only after a barrier: until then one of them may be behind.
    """
    slots = {view.buffer: len(inputs) + j for j, (_, view) in enumerate(outputs) if view.buffer.given is None}
    order = [kernel for interval in intervals for kernel in interval]
    moments = [i if n_threads > 1 else n for n, i in enumerate(_interval_numbers(intervals))]
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for moment, kernel in zip(moments, order, strict=True):
        for view in (*reads(kernel), *kernel.targets):
            if view.buffer.given is None and view.buffer not in slots:
                first.setdefault(view.buffer, moment)
                last[view.buffer] = moment
    lives = [Life(begin, last[buffer], buffer.n_bytes) for buffer, begin in first.items()]
    offsets, buffer_bytes = place(lives, guard_bytes)
    placed = {buffer: HEAD_BYTES + offset for buffer, offset in zip(first, offsets, strict=True)}
    arena = len(inputs) + len(outputs)
    written = [write(kernel, n_threads, target) for kernel in order]
    scratch = -(-max((w.scratch_bytes for w in written), default=0) // ALIGNMENT) * ALIGNMENT

    def where(buffer: Buffer) -> tuple[int, int]:
        if buffer.given is not None:
            return buffer.given, 0
        return slots.get(buffer, arena), placed.get(buffer, 0)

    codes = iter(written)
    invocations = tuple(
        tuple(Invocation(w.code, tuple(where(b) for b in w.buffers)) for w in (next(codes) for _ in interval))
        for interval in intervals
    )
    return Plan(
        name,
        tuple(inputs),
        tuple(spec for spec, _ in outputs),
        tuple(where(view.buffer)[0] for _, view in outputs),
        invocations,
        tuple(
            _step(kernel, interval, n_threads)
            for kernel, interval in zip(order, _interval_numbers(intervals), strict=True)
        ),
        HEAD_BYTES + buffer_bytes + scratch * n_threads,
        scratch,
        tuple((placed[buffer], buffer.n_bytes) for buffer in first),
        n_threads,
    )


def unrolled_plan(graph: Graph, code: Code, slots: Sequence[int]) -> Plan:
    """Return the plan of a graph that is one kernel without memory of its own.

    Parameters
    ----------
    graph : Graph
    code : Code
        Its first parameters are the inputs, then the outputs.
    slots : sequence of int
        Where each of them lies.
    """
    inputs = [(x.name, x.spec) for x in graph.inputs]
    outputs = [x.spec for x in graph.outputs]
    flops = sum(_node_flops(node) for node in graph.nodes)
    moved = sum(spec.nbytes for _, spec in inputs) + sum(spec.nbytes for spec in outputs)
    return Plan(
        graph.name,
        tuple(inputs),
        tuple(outputs),
        tuple(slots[len(inputs) :]),
        ((Invocation(code, tuple((slot, 0) for slot in slots)),),),
        (Step("unrolled: every value in a register", (), flops, moved, 0, 1),),
        HEAD_BYTES,
        0,
        (),
        1,
    )


def _node_flops(node: Node) -> int:
    if not isinstance(node.op, Operation):
        return 0
    primitive = node.op.primitive
    return primitive.kind.cost(primitive, tuple(x.spec for x in node.operands), node.spec, node.op.params).flops


def _interval_numbers(intervals: Sequence[Sequence[Kernel]]) -> list[int]:
    return [i for i, interval in enumerate(intervals) for _ in interval]


def _step(kernel: Kernel, interval: int, n_threads: int) -> Step:
    from tidu.compile.partition import split_rows

    touched = {(view.buffer, view.dtype): view for view in (*reads(kernel), *kernel.targets)}
    moved = sum(min(math.prod(v.shape) * np.dtype(v.dtype).itemsize, v.buffer.n_bytes) for v in touched.values())
    threads = n_threads if split_rows(kernel, n_threads) else 1
    return Step(_describe(kernel), kernel.shape, kernel.flops, moved, interval, threads)


def _describe(kernel: Kernel) -> str:
    from tidu.compile.terms import Apply, ordered

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
