"""Which thread does what?

Work is divided by output: each thread takes consecutive rows of a kernel's space. Where they begin depends on
the number of rows and of threads alone, so kernels over as many rows need no barrier between them. This
file knows no instruction.
"""

from __future__ import annotations

import math

from tidu.compile.kernels import Kernel, Nest, Product
from tidu.native.text import FunctionText

__all__ = ["grain", "row_bounds", "split_rows", "write_bounds"]

_GRAIN = 16
"""Rows: a vector of float32 at the widest, so that ranges of single elements begin at whole vectors."""


def grain(n_rows: int, n_threads: int) -> int:
    """Return what a thread's first row is a multiple of.

    Where rows can be shared evenly they are: the best power of two that divides a share.
    """
    share, rest = divmod(n_rows, n_threads)
    if rest:
        return next(g for g in (_GRAIN, 8, 4, 2, 1) if n_rows >= g * n_threads or g == 1)
    return next(g for g in (_GRAIN, 8, 4, 2, 1) if share % g == 0)


def row_bounds(n_rows: int, n_threads: int, thread: int) -> tuple[int, int]:
    """Return the first row of a thread and that of the next.

    Examples
    --------
    >>> [row_bounds(101, 2, t) for t in range(2)]
    [(0, 48), (48, 101)]
    """

    def first(t: int) -> int:
        g = grain(n_rows, n_threads)
        return n_rows if t == n_threads else t * n_rows // n_threads // g * g

    return first(thread), first(thread + 1)


def split_rows(kernel: Kernel, n_threads: int) -> int | None:
    """Return the number of rows that threads share, or None where one thread does it all."""
    if n_threads == 1 or not isinstance(kernel, (Nest, Product)) or kernel.rows < 2:
        return None
    if isinstance(kernel, Nest) and grain(kernel.rows, n_threads) < _GRAIN:
        # Single elements, and folds of a few columns: vectors would have to be cut where threads meet.
        few = kernel.totals and kernel.n_kept == 1 and kernel.rows < 2 * _GRAIN
        if few or math.prod(kernel.shape[1:]) == 1:
            return None
    return kernel.rows


def write_bounds(text: FunctionText, n_rows: int, n_threads: int, thread: str) -> tuple[str, str]:
    """Write code for the first row of a thread and that of the next."""
    g = grain(n_rows, n_threads)

    def first(t: str) -> str:
        scaled = text.value(f"mul nuw nsw i64 {t}, {n_rows}")
        share = text.value(f"udiv i64 {scaled}, {n_threads}")
        return text.value(f"and i64 {share}, {-g}") if g > 1 else share

    following = text.value(f"add nuw nsw i64 {thread}, 1")
    is_last = text.value(f"icmp eq i64 {following}, {n_threads}")
    return first(thread), text.value(f"select i1 {is_last}, i64 {n_rows}, i64 {first(following)}")
