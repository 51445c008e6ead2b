"""Two ways to catch a missing barrier, neither of which depends on luck.

`races` works out by brute force which thread touches which byte, from the kernels alone. `run_serially` runs
the finished code of every interval thread after thread, in whatever order: if one thread needs what another
does in the same interval, some order gives other results.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Iterator, Sequence
from itertools import permutations
from unittest import mock

import numpy as np

from tidu.compile.kernels import Kernel, Product, Scatter, reads
from tidu.compile.lower import Settings, lower
from tidu.compile.partition import row_bounds, split_axis, split_rows
from tidu.compile.plan import Plan
from tidu.compile.terms import Index, Pick, leaves
from tidu.compile.views import Buffer, View
from tidu.core.graph import Graph
from tidu.native.machine import NativeCall, Processor, compile_text
from tidu.native.module import ENTRY, HEAD_BYTES, Body, module_text

Touched = dict[tuple[Buffer, bool], np.ndarray]


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
        for t, u in permutations(range(n_threads), 2):
            for (buffer, _), mine in ((key, mask) for key, mask in touched[t].items() if key[1]):
                for wrote in (True, False):
                    theirs = touched[u].get((buffer, wrote))
                    n_common = 0 if theirs is None else int(np.count_nonzero(mine & theirs))
                    if n_common:
                        verb = "writes" if wrote else "reads"
                        found.append(
                            f"interval {number}: thread {t} writes and thread {u} {verb} "
                            f"{n_common} bytes of {buffer.name or buffer}"
                        )
    return found


def _touched(interval: Sequence[Kernel], n_threads: int, thread: int) -> Touched:
    """Return what a thread reads and writes: for each buffer, and whether it is written, which bytes."""
    found: Touched = {}

    def touch(view: View, rows: tuple[int, int] | None, writes: bool, axis: int = 0) -> None:
        mask = found.setdefault((view.buffer, writes), np.zeros(view.buffer.n_bytes, bool))
        mask.reshape(-1, np.dtype(view.dtype).itemsize)[_elements(view, rows, axis)] = True

    for kernel in interval:
        shared = split_rows(kernel, n_threads)
        rows = None if shared is None else row_bounds(shared, n_threads, thread)
        if rows is None and thread != 0:
            continue
        axis = split_axis(kernel, n_threads) or 0
        for view in reads(kernel):
            # A product by rows needs all of its right side, one by columns all of its left side.
            whole = isinstance(kernel, Product) and len(kernel.shape) == 2 and view is (kernel.a if axis else kernel.b)
            touch(view, None if whole else rows, False, axis)
        for view in _picked(kernel):
            touch(view, None, isinstance(kernel, Scatter))
        for view in kernel.targets:
            touch(view, rows, True, axis)
    return found


def _picked(kernel: Kernel) -> Iterator[View]:
    """Yield all places that a kernel may reach through indices."""
    picks = [(x.view, x.indices, x.steps) for x in leaves(kernel.terms) if isinstance(x, Pick)]
    if isinstance(kernel, Scatter):
        picks.append((kernel.target, kernel.indices, kernel.steps))
    for view, indices, steps in picks:
        lengths = tuple(x.length for x in indices if isinstance(x, Index))
        assert len(lengths) == len(steps)
        yield View(view.buffer, view.dtype, (*lengths, *view.shape), (*steps, *view.strides), view.offset)


def _elements(view: View, rows: tuple[int, int] | None, shared: int) -> np.ndarray:
    """Return the numbers of the elements in some rows (or columns: axis `shared`) of a view, or in all of it."""
    places = np.array([view.offset])
    for axis, (n, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
        first, after = rows if axis == shared and rows is not None else (0, n)
        steps = np.arange(first, after if stride else min(after, first + 1))
        places = (places[:, None] + stride * steps).ravel()
    return places


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
