"""Which thread does what?

Work is divided by output: each thread takes consecutive rows of a kernel's space, or columns of a product. Where
they begin depends on their number and that of the threads alone, so kernels divided alike need no barrier
between them.
"""

from __future__ import annotations

import math

from tidu.compile.kernels import Kernel, Nest, Product, Scatter
from tidu.compile.terms import Pick, leaves
from tidu.compile.views import View
from tidu.native.text import FunctionText

__all__ = ["grain", "row_bounds", "split_axis", "split_rows", "view_axis", "write_bounds"]

_COLUMNS = 32
"""Two vectors of float32: fewer columns for each thread would leave registers empty."""
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


def split_axis(kernel: Kernel, n_threads: int) -> int | None:
    """Return the axis of a kernel's space that threads share, or None where one thread does it all.

    Nests and stacks are shared along their first axis. A product of two matrices is shared along its columns
    where it has more of them than rows: then the right side, the weights, is larger than the left one, a batch,
    and each thread reads only its part of the weights.
    """
    if n_threads == 1 or not isinstance(kernel, (Nest, Product)):
        return None
    if isinstance(kernel, Product) and len(kernel.shape) == 2 and _by_columns(kernel, n_threads):
        return 1
    if kernel.rows < 2:
        return None
    if isinstance(kernel, Nest) and grain(kernel.rows, n_threads) < _GRAIN:
        # Single elements, and folds of a few columns: vectors would have to be cut where threads meet.
        few = kernel.totals and kernel.n_kept == 1 and kernel.rows < 2 * _GRAIN
        if few or math.prod(kernel.shape[1:]) == 1:
            return None
    return 0


def _by_columns(product: Product, n_threads: int) -> bool:
    m, n = product.shape
    # The gradient of weights, from a batch transposed, is a tall matrix: by rows each thread writes in one piece.
    is_transposed = product.a.strides[0] == 1 and product.a.strides[1] != 1
    return not is_transposed and n > m and n >= _COLUMNS * n_threads and n % (_GRAIN * n_threads) == 0


def split_rows(kernel: Kernel, n_threads: int) -> int | None:
    """Return the number of rows, or columns, that threads share, or None where one thread does it all."""
    axis = split_axis(kernel, n_threads)
    return None if axis is None else kernel.shape[axis]


def view_axis(kernel: Kernel, view: View, axis: int) -> int | None:
    """Return the axis of a view that is shared as the kernel's is, or None where every thread touches all of it."""
    if isinstance(kernel, Product) and len(kernel.shape) == 2 and view in (kernel.a, kernel.b):
        if view is kernel.a:
            return 0 if axis == 0 else None
        if view is kernel.b:
            return 1 if axis == 1 else None
    if isinstance(kernel, Scatter) or any(isinstance(x, Pick) and x.view is view for x in leaves(kernel.terms)):
        return None
    return axis if axis < len(view.shape) else None


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
