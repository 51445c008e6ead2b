"""What will run, on which memory?

A `Plan` is the last thing that is known without a machine: kernels in order, where threads wait for each
other, the places that each kernel works on, and the bytes that all of it takes at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidu.compile.arena import Life, place
from tidu.compile.kernels import Kernel, reads
from tidu.compile.reading import Step, kernel_step, unrolled_step
from tidu.compile.views import Buffer, View
from tidu.compile.write import write
from tidu.core.graph import Graph
from tidu.core.spec import Spec
from tidu.native.ledger import ALIGNMENT
from tidu.native.module import HEAD_BYTES, Invocation
from tidu.native.text import Kernel as Code
from tidu.native.tiling import Target

__all__ = ["Plan", "make_plan", "unrolled_plan"]


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
    kernels : tuple of tuple of Kernel
        What they compute, for readers; empty of a plan that was kept on disk, and of code without loops.
    arena_bytes : int
        Memory between the steps, scratch memory of every thread included.
    scratch_bytes : int
        That of one thread.
    buffers : tuple of (int, int)
        Offset and size of every buffer in the arena.
    n_threads : int
        How many threads it is made for.
    unrolled : Graph, optional
        What code without loops computes, for readers.
    """

    name: str
    inputs: tuple[tuple[str, Spec], ...]
    outputs: tuple[Spec, ...]
    placed: tuple[int, ...]
    intervals: tuple[tuple[Invocation, ...], ...]
    kernels: tuple[tuple[Kernel, ...], ...]
    arena_bytes: int
    scratch_bytes: int
    buffers: tuple[tuple[int, int], ...]
    n_threads: int
    unrolled: Graph | None = None

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
    def steps(self) -> tuple[Step, ...]:
        """The kernels for those who read them."""
        if self.unrolled is not None:
            return (unrolled_step(self.unrolled),)
        return tuple(
            kernel_step(kernel, number, self.n_threads)
            for number, interval in enumerate(self.kernels)
            for kernel in interval
        )


def make_plan(
    name: str,
    inputs: Sequence[tuple[str, Spec]],
    outputs: Sequence[tuple[Spec, View]],
    intervals: Sequence[Sequence[Kernel]],
    n_threads: int,
    target: Target,
    guard_bytes: int = 0,
    *,
    bfloat16: bool = False,
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
    written = [write(kernel, n_threads, target, bfloat16=bfloat16) for kernel in order]
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
        tuple(tuple(interval) for interval in intervals),
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
    return Plan(
        graph.name,
        tuple((x.name, x.spec) for x in graph.inputs),
        tuple(x.spec for x in graph.outputs),
        tuple(slots[len(graph.inputs) :]),
        ((Invocation(code, tuple((slot, 0) for slot in slots)),),),
        (),
        HEAD_BYTES,
        0,
        (),
        1,
        graph,
    )


def _interval_numbers(intervals: Sequence[Sequence[Kernel]]) -> list[int]:
    return [i for i, interval in enumerate(intervals) for _ in interval]
