"""How does a graph that is native throughout become one function, and on which memory does that run?

A small graph is unrolled, its values kept in registers; any other one is planned as kernels on an arena.
Several Python threads may call a `Piece` at once: each call has a `Frame` to itself.
"""

from __future__ import annotations

import ctypes
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tidu.compile.keeping import compiled, text_of
from tidu.compile.lower import Settings, lower
from tidu.compile.plan import Plan
from tidu.compile.threads import estimated_us, threads_for
from tidu.compile.unrolled import estimate
from tidu.core.graph import Graph, Operation
from tidu.native.ledger import Ledger
from tidu.native.locks import Lock
from tidu.native.machine import assembly
from tidu.native.module import ENTRY, HEAD_BYTES
from tidu.native.objects import FRAME_WORDS
from tidu.native.threads import team

__all__ = ["Frame", "Piece", "address_of", "is_small"]

_UNROLLED_WORK = 20_000
"""Vector instructions; so many take two seconds to compile."""
_UNROLLED_WORK_OF_NODE = 32
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
    plan : Plan
    n_threads : int
    from_cache : bool
        Whether its code had been compiled before, by this process or another one.
    entry : NativeCall
        Of the table of slots, the thread's number, and their count.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        limit = _unrolled_limit(graph)
        self._settings = Settings(threads_for(graph), simplified=True, unrolled=limit)
        found = compiled(graph, self._settings)
        self.plan, self.from_cache = found.plan, found.from_cache
        self.n_threads = self.plan.n_threads
        self.entry = found.code.function(ENTRY, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
        self.is_brief = self.n_threads == 1 and estimated_us(graph) < _BRIEF_US
        self._free: list[Frame] = []
        self._lock: AbstractContextManager[object] = nullcontext()
        if self.n_threads > 1 or self.plan.arena_bytes > _SHARED_BYTES:
            # Reentrant: a finalizer may call the same function in the midst of a call.
            self._lock = Lock()

    @property
    def n_slots(self) -> int:
        """Inputs, outputs, and the arena."""
        return len(self.graph.inputs) + len(self.graph.outputs) + 1

    @cached_property
    def described(self) -> Plan:
        """The plan with its kernels, for readers: what was found on disk has none."""
        return lower(self.graph, self._settings)

    @property
    def text(self) -> str:
        """The function in LLVM's language."""
        return text_of(self.described)[0]

    def assembly(self) -> str:
        """Return the processor's instructions."""
        return assembly(self.text, vectorize=False)

    def frame(self) -> Frame:
        """Make memory for a call."""
        arena = Ledger().allocate(self.plan.arena_bytes, f"the arena of {self.graph.name}")
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


def is_small(graph: Graph) -> bool:
    """Tell whether a graph becomes code without loops."""
    work = estimate(graph)
    return work is not None and work <= _unrolled_limit(graph)


def _unrolled_limit(graph: Graph) -> int:
    operations = [node.op for node in graph.nodes if isinstance(node.op, Operation)]
    # Code without loops keeps an index within its axis instead of reporting it.
    if any(op.primitive.name in ("gather", "scatter_add") for op in operations):
        return -1
    return min(_UNROLLED_WORK, _UNROLLED_WORK_OF_NODE * len(operations))


def address_of(array: NDArray[np.generic]) -> int:
    """Return where an array lies; the quickest way that Python has."""
    address: int = array.__array_interface__["data"][0]
    return address
