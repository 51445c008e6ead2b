"""What do the writers of all kernels have in common: a function's parameters, its thread, and ranges of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tidu.compile.evaluate import Evaluator, Point, Report
from tidu.compile.kernels import Kernel, Store
from tidu.compile.partition import split_rows, write_bounds
from tidu.compile.views import Buffer
from tidu.native.text import FunctionText
from tidu.native.tiling import Target
from tidu.native.vectors import Vectors

__all__ = ["Bounds", "Context", "store_all"]

Bounds = tuple[str, str]
"""The first row of a thread and that of the next, as values of type ``i64``."""


@dataclass(frozen=True, slots=True)
class Context:
    """The function that is being written.

    Parameters
    ----------
    text : FunctionText
    bases : dict of Buffer to str
        Where the buffers begin.
    report : Report
    scratch : str
        Memory of this thread alone.
    thread : str
        Its number.
    n_threads : int
    target : Target
    bfloat16 : bool
        Whether products of float32 round their operands to bfloat16.
    """

    text: FunctionText
    bases: dict[Buffer, str]
    report: Report
    scratch: str
    thread: str
    n_threads: int
    target: Target
    bfloat16: bool = False

    @contextmanager
    def share(self, kernel: Kernel) -> Iterator[Bounds | None]:
        """Write what is inside the ``with`` block for this thread's rows or columns; None stands for all of them.

        What is not shared is done by the first thread.
        """
        shared = split_rows(kernel, self.n_threads)
        if shared is not None:
            yield write_bounds(self.text, shared, self.n_threads, self.thread)
        elif self.n_threads == 1:
            yield None
        else:
            with self.text.when(self.text.value(f"icmp eq i64 {self.thread}, 0")):
                yield None

    def range(self, n: int, bounds: Bounds | None, body: Callable[[str], None]) -> None:
        """Write a loop over all of an axis, or over this thread's share of it."""
        if bounds is None:
            with self.text.loop(n) as loop:
                body(loop.index)
            return
        first, after = bounds
        count = self.text.value(f"sub nsw i64 {after}, {first}")
        with self.text.when(self.text.value(f"icmp ne i64 {count}, 0")), self.text.loop(count) as loop:
            body(self.text.value(f"add nuw nsw i64 {first}, {loop.index}"))


def store_all(evaluator: Evaluator, point: Point, stores: Sequence[Store]) -> None:
    """Store every term of a point; all have been computed before the first is stored."""
    for store in stores:
        value = evaluator.value(point, store.term, store.target.dtype)
        vectors = Vectors(evaluator.text, store.target.dtype, point.lanes)
        axis = evaluator.vector_axis
        stride = 1 if axis is None or point.lanes == 1 else store.target.strides[axis]
        vectors.store_apart(value, point.places[id(store.target)], stride)
