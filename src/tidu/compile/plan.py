"""What will run, on which memory?

A `Plan` is the last thing that is known without a machine: kernels in order, the places that they work
on, and the bytes that all of it takes at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tidu.compile.arena import Life, place
from tidu.compile.views import Buffer, View
from tidu.core.spec import Spec
from tidu.native.module import Invocation
from tidu.native.text import Kernel

__all__ = ["Plan", "Step", "make_plan"]


@dataclass(frozen=True, slots=True)
class Step:
    """A kernel with the values that it reads and, last, the one that it writes."""

    kernel: Kernel
    views: tuple[View, ...]


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
    invocations : tuple of Invocation
        Kernels in order. Their slots are the inputs, then the outputs, then the arena.
    arena_bytes : int
        Memory between the steps.
    buffers : tuple of (int, int)
        Offset and size of every buffer in the arena.
    widest : int
        The most elements that a value of one step has.
    """

    name: str
    inputs: tuple[tuple[str, Spec], ...]
    outputs: tuple[Spec, ...]
    invocations: tuple[Invocation, ...]
    arena_bytes: int
    buffers: tuple[tuple[int, int], ...]
    widest: int

    @property
    def output_bytes(self) -> int:
        """Bytes of the results."""
        return sum(spec.nbytes for spec in self.outputs)

    @property
    def peak_bytes(self) -> int:
        """Bytes held at most during a call: arena and results (the inputs are the caller's)."""
        return self.arena_bytes + self.output_bytes

    @property
    def n_slots(self) -> int:
        """Entries of the table of addresses."""
        return len(self.inputs) + len(self.outputs) + 1


def make_plan(
    name: str,
    inputs: Sequence[tuple[str, Spec]],
    outputs: Sequence[tuple[Spec, Buffer]],
    steps: Sequence[Step],
    guard_bytes: int,
) -> Plan:
    """Give every buffer its place: an input, an output, or somewhere in the arena while it is needed."""
    slots = {buffer: len(inputs) + j for j, (_, buffer) in enumerate(outputs)}
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    for position, step in enumerate(steps):
        for view in step.views:
            if view.buffer.given is None and view.buffer not in slots:
                first.setdefault(view.buffer, position)
                last[view.buffer] = position
    lives = [Life(position, last[buffer], buffer.n_bytes) for buffer, position in first.items()]
    offsets, arena_bytes = place(lives, guard_bytes)
    placed = dict(zip(first, offsets, strict=True))
    arena = len(inputs) + len(outputs)

    def where(view: View) -> tuple[int, int]:
        buffer = view.buffer
        slot = buffer.given if buffer.given is not None else slots.get(buffer, arena)
        return slot, placed.get(buffer, 0) + view.distance

    return Plan(
        name,
        tuple(inputs),
        tuple(spec for spec, _ in outputs),
        tuple(Invocation(step.kernel, tuple(where(view) for view in step.views)) for step in steps),
        arena_bytes,
        tuple((placed[buffer], buffer.n_bytes) for buffer in first),
        max((math.prod(view.shape) for step in steps for view in step.views), default=0),
    )
