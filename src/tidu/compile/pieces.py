"""How does a graph that is native throughout become one function, and on which memory does that run?

A small graph is unrolled, its values kept in registers; any other one is planned as kernels on an arena.
Several Python threads may call a `Piece` at once: each call has a `Frame` to itself.
"""

from __future__ import annotations

import ctypes
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tidu.compile.function import NativeFunction
from tidu.compile.lower import Settings, lower
from tidu.compile.plan import Plan, Step
from tidu.compile.threads import estimated_us, threads_for
from tidu.compile.unrolled import estimate, write_unrolled
from tidu.core.graph import Graph, Operation
from tidu.errors import UnsupportedError
from tidu.native.cache import default_cache
from tidu.native.ledger import Ledger
from tidu.native.machine import assembly, compile_text
from tidu.native.module import ENTRY, HEAD_BYTES
from tidu.native.objects import FRAME_WORDS
from tidu.native.text import FunctionText
from tidu.native.threads import team

__all__ = ["Frame", "Piece", "address_of"]

_UNROLLED_WORK = 6000
"""Vector instructions; beyond it loops compile faster, and their overhead no longer shows."""
_UNROLLED_ELEMENTS = 64
"""Vector instructions for each node, on average: with more, a loop is as fast and much shorter."""
_BRIEF_US = 5.0
"""So long the interpreter's lock may be held: letting it go and taking it again costs a tenth of a microsecond."""
_SHARED_BYTES = 4 << 20
"""From this size on an arena is there once, and concurrent calls take turns."""


@dataclass(slots=True)
class Frame:
    """What one call at a time runs on.

    Parameters
    ----------
    words : ndarray of int64
        For `tidu.native.objects`: its head, the table of slots, then a word for each number.
    arena : ndarray of uint8
    address : int
        Of the words.
    """

    words: NDArray[np.int64]
    arena: NDArray[np.uint8]
    address: int


class Piece:
    """A graph as one native function.

    Parameters
    ----------
    graph : Graph
        Simplified, with native code for every node.

    Attributes
    ----------
    plan : Plan or None
        None if it is unrolled.
    n_threads : int
    text : str
        In LLVM's language.
    entry : NativeCall
        Of the table of slots, the thread's number, and their count.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.plan: Plan | None = None
        self.n_threads = 1
        unrolled = _unrolled(graph)
        if unrolled is not None:
            self.text, functions = unrolled
            code = compile_text(self.text, functions, vectorize=False, cache=default_cache())
            self.entry = code.function(ENTRY, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        else:
            self.n_threads = threads_for(graph)
            self.plan = lower(graph, Settings(n_threads=self.n_threads, simplified=True))
            function = NativeFunction(self.plan)
            self.text, self.entry = function.text, function.entry
        self.is_brief = self.n_threads == 1 and estimated_us(graph) < _BRIEF_US
        self._free: list[Frame] = []
        self._lock: AbstractContextManager[object] = nullcontext()
        if self.n_threads > 1 or self.arena_bytes > _SHARED_BYTES:
            # Reentrant: a finalizer may call the same function in the midst of a call.
            self._lock = threading.RLock()

    @property
    def arena_bytes(self) -> int:
        """Memory between its kernels."""
        return HEAD_BYTES if self.plan is None else self.plan.arena_bytes

    @property
    def n_slots(self) -> int:
        """Inputs, outputs, and the arena."""
        return len(self.graph.inputs) + len(self.graph.outputs) + 1

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """What runs, for readers."""
        return (_unrolled_step(self.graph),) if self.plan is None else self.plan.steps

    def assembly(self) -> str:
        """Return the processor's instructions."""
        return assembly(self.text, vectorize=False)

    def frame(self) -> Frame:
        """Make memory for a call."""
        arena = Ledger().allocate(self.arena_bytes, f"the arena of {self.graph.name}")
        arena[:HEAD_BYTES] = 0
        words = np.zeros(FRAME_WORDS + 2 * self.n_slots, np.int64)
        words[FRAME_WORDS + self.n_slots - 1] = address_of(arena)
        return Frame(words, arena, address_of(words))

    def take(self) -> Frame:
        """Return a frame that no call runs on, to be given back."""
        try:
            return self._free.pop()
        except IndexError:
            return self.frame()

    def give_back(self, frame: Frame) -> None:
        """Let other calls have a frame."""
        self._free.append(frame)

    def turn(self) -> AbstractContextManager[object]:
        """Return what a call must enter if it is not to double the memory."""
        return self._lock

    def run(self, frame: Frame, address: int) -> bool:
        """Run on a frame whose table is filled; tell whether all indices were within range."""
        table = address + 8 * FRAME_WORDS
        if self.n_threads == 1:
            self.entry(table, 0, 1)
        else:
            team(self.n_threads).run(self.entry, table)
        inside = not frame.arena[0]
        frame.arena[0] = 0
        return inside


def _unrolled(graph: Graph) -> tuple[str, tuple[str, ...]] | None:
    """Return a small graph without loops as a module, and the outside functions that it calls."""
    operations = [node for node in graph.nodes if isinstance(node.op, Operation)]
    # Unrolled code keeps an index within its axis instead of reporting it.
    if any(node.op.primitive.name == "gather" for node in operations):  # type: ignore[union-attr]
        return None
    work = estimate(graph)
    if work is None or work > min(_UNROLLED_WORK, _UNROLLED_ELEMENTS * len(operations)):
        return None
    text = FunctionText(["ptr noalias readonly", "i64", "i64"])
    count = len(graph.inputs) + len(graph.outputs)
    places = [text.value(f"load ptr, ptr {text.offset('i64', '%p0', i)}") for i in range(count)]
    try:
        write_unrolled(text, graph, places)
    except UnsupportedError:  # an `emit` has no code for this dtype
        return None
    kernel = text.finish()
    return "\n".join([*kernel.declarations, kernel.define(ENTRY)]), kernel.functions


def _unrolled_step(graph: Graph) -> Step:
    flops, names = 0, dict[str, None]()
    for node in graph.nodes:
        if isinstance(node.op, Operation):
            primitive = node.op.primitive
            specs = tuple(x.spec for x in node.operands)
            flops += primitive.kind.cost(primitive, specs, node.spec, node.op.params).flops
            names[primitive.name] = None
    moved = sum(node.spec.nbytes for node in (*graph.inputs, *graph.outputs))
    return Step(f"unrolled: {', '.join(names) or 'copy'}", (), flops, moved, 0, 1)


def address_of(array: NDArray[np.generic]) -> int:
    """Return where an array lies; the quickest way that Python has."""
    address: int = array.__array_interface__["data"][0]
    return address
