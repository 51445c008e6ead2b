"""Two ways to catch a missing barrier, neither of which depends on luck.

`races` works out by brute force which thread touches which byte, from the kernels alone. `run_serially` runs
the finished code of every interval thread after thread, in whatever order: if one thread needs what another
does in the same interval, some order gives other results.
"""

from __future__ import annotations

import ctypes
import importlib
import math
from collections.abc import Iterator, Sequence
from unittest import mock

import numpy as np

from tidu.compile.kernels import Kernel, Product, Scatter, reads
from tidu.compile.lower import Settings, lower
from tidu.compile.partition import row_bounds, split_rows
from tidu.compile.plan import Plan
from tidu.compile.terms import Index, Pick, leaves
from tidu.compile.views import Buffer, View
from tidu.core.graph import Graph
from tidu.native.machine import NativeCall, Processor, compile_text
from tidu.native.module import ENTRY, HEAD_BYTES, Body, module_text

Touched = dict[tuple[Buffer, bool], set[int]]


def kernels_and_outputs(graph: Graph, settings: Settings) -> tuple[list[list[Kernel]], list[View]]:
    """Return the intervals of kernels that `lower` makes a plan of, and where the outputs lie."""
    with mock.patch.object(importlib.import_module("tidu.compile.lower"), "make_plan") as made:
        lower(graph, settings)
    _, _, outputs, intervals, *_ = made.call_args.args
    return intervals, [view for _, view in outputs]


def intervals_of(graph: Graph, settings: Settings) -> list[list[Kernel]]:
    return kernels_and_outputs(graph, settings)[0]


def races(intervals: Sequence[Sequence[Kernel]], n_threads: int) -> list[str]:
    """Name every place that two threads touch in one interval, at least one of them writing."""
    found = []
    for number, interval in enumerate(intervals):
        touched = [_touched(interval, n_threads, thread) for thread in range(n_threads)]
        for t, mine in enumerate(touched):
            for (buffer, _), written in ((key, places) for key, places in mine.items() if key[1]):
                for u, theirs in enumerate(touched):
                    for wrote in (True, False):
                        common = written & theirs.get((buffer, wrote), set()) if t != u else set()
                        if common:
                            verb = "writes" if wrote else "reads"
                            found.append(
                                f"interval {number}: thread {t} writes and thread {u} {verb} "
                                f"{len(common)} bytes of {buffer.name or buffer}"
                            )
    return found


def _touched(interval: Sequence[Kernel], n_threads: int, thread: int) -> Touched:
    """Return what a thread reads and writes: for each buffer, and whether it is written, the bytes."""
    found: Touched = {}
    for kernel in interval:
        shared = split_rows(kernel, n_threads)
        rows = None if shared is None else row_bounds(shared, n_threads, thread)
        if rows is None and thread != 0:
            continue
        for view in reads(kernel):
            whole = isinstance(kernel, Product) and view is kernel.b and len(kernel.shape) == 2
            found.setdefault((view.buffer, False), set()).update(_bytes(view, None if whole else rows))
        for view, positions in _picked(kernel):
            found.setdefault((view.buffer, isinstance(kernel, Scatter)), set()).update(positions)
        for view in kernel.targets:
            found.setdefault((view.buffer, True), set()).update(_bytes(view, rows))
    return found


def _picked(kernel: Kernel) -> Iterator[tuple[View, set[int]]]:
    """Yield all places that a kernel may reach through indices."""
    picks = [(x.view, x.indices, x.steps) for x in leaves(kernel.terms) if isinstance(x, Pick)]
    if isinstance(kernel, Scatter):
        picks.append((kernel.target, kernel.indices, kernel.steps))
    for view, indices, steps in picks:
        lengths = tuple(x.length for x in indices if isinstance(x, Index))
        assert len(lengths) == len(steps)
        longer = View(view.buffer, view.dtype, (*lengths, *view.shape), (*steps, *view.strides), view.offset)
        yield view, _bytes(longer, None)


def _bytes(view: View, rows: tuple[int, int] | None) -> set[int]:
    """Return the bytes of some rows of a view, or of all of it."""
    size = np.dtype(view.dtype).itemsize
    places = np.array([view.offset])
    for axis, (n, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
        first, after = rows if axis == 0 and rows is not None else (0, n)
        places = np.unique(places[:, None] + stride * np.arange(first, after))
    assert math.prod(view.shape) == 0 or places.size == 0 or 0 <= places.min() <= places.max() < view.buffer.n_bytes
    return set((places[:, None] * size + np.arange(size)).ravel().tolist())


class Serial:
    """A plan whose threads run one after the other.

    Parameters
    ----------
    plan : Plan
    processor : Processor, optional
    """

    def __init__(self, plan: Plan, processor: Processor | None = None) -> None:
        self.plan = plan
        bodies = [Body([x], plan.n_slots, plan.scratch_bytes, plan.arena_bytes) for x in plan.intervals]
        self._codes = [
            compile_text(*module_text(body, plan.n_threads), vectorize=False, processor=processor) for body in bodies
        ]
        self._calls: list[NativeCall] = [
            code.function(ENTRY, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64) for code in self._codes
        ]

    def run_on(self, slots: Sequence[np.ndarray], order: Sequence[int]) -> None:
        """Run on memory of the caller's, each interval by one thread after the other in this order."""
        arena = np.full(self.plan.arena_bytes, 0xFF, np.uint8)
        arena[:HEAD_BYTES] = 0
        table = np.array([x.__array_interface__["data"][0] for x in (*slots, arena)])
        for call in self._calls:
            for thread in order:
                call(table.ctypes.data, thread, self.plan.n_threads)

    def __call__(self, inputs: Sequence[np.ndarray], order: Sequence[int]) -> list[np.ndarray]:
        """Run on copies of the inputs; return the outputs, wherever they lie."""
        given = [np.array(x, order="C") for x in inputs]
        made = [np.full(spec.nbytes, 0xFF, np.uint8).view(spec.dtype).reshape(spec.shape) for spec in self.plan.outputs]
        slots = [*given, *made]
        self.run_on(slots, order)
        return [slots[slot] for slot in self.plan.placed]
