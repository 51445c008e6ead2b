"""How is a kernel of matrix products written: a loop over the stack, and the epilogue of each element."""

from __future__ import annotations

import math
from contextlib import nullcontext

import numpy as np

from tidu.compile.context import Bounds, Context, store_all
from tidu.compile.evaluate import Evaluator, Point
from tidu.compile.kernels import Product
from tidu.compile.partition import row_bounds, split_axis
from tidu.compile.terms import views_of
from tidu.compile.views import Buffer, View
from tidu.core.emit import Scalar
from tidu.native.packing import Layout
from tidu.native.product import scratch_bytes, write_product
from tidu.native.vectors import MEMORY_TYPES, Vectors

__all__ = ["write_products"]

_PAIRED_COLUMNS, _PAIRED_DEPTH = 32, 64
"""From this size on a product gains by rounding its operands to bfloat16."""
_FAR_BYTES = 1 << 20
"""Arrays as large as this do not wait in the second cache from one step to the next."""


def write_products(context: Context, product: Product) -> int:
    """Write a product; return the bytes of scratch memory that a thread needs."""
    return _Products(context, product).write()


class _Products:
    """The products of one kernel."""

    def __init__(self, context: Context, product: Product) -> None:
        self.context = context
        self.text = context.text
        self.product = product
        axes = tuple(range(len(product.shape)))
        self.evaluator = Evaluator(
            context.text,
            product.terms,
            product.targets,
            axes,
            axes[-1],
            context.bases,
            context.report,
            product.result.buffer,
        )

    def write(self) -> int:
        """Write all of it."""
        with self.context.share(self.product) as bounds:
            point = self.evaluator.start()
            if split_axis(self.product, self.context.n_threads) == 1 and bounds is not None:
                return self._columns(point, bounds)
            return self._stacked(point, bounds)

    def _columns(self, point: Point, bounds: Bounds) -> int:
        """Write this thread's columns of a product of two matrices."""
        product, size = self.product, 0
        first, after = bounds
        n, n_threads = product.shape[1], self.context.n_threads
        count = self.text.value(f"sub nsw i64 {after}, {first}")
        shares = {b - a for a, b in (row_bounds(n, n_threads, t) for t in range(n_threads))}
        place_b = self._advance(product.b, 1, first, self._begin(product.b))
        for share in sorted(shares):
            mine = (
                nullcontext() if len(shares) == 1 else self.text.when(self.text.value(f"icmp eq i64 {count}, {share}"))
            )
            with mine:
                place_a = self._begin(product.a)
                needed = self._matrices(point, place_a, place_b, None, (first, share))
                size = max(size, needed)
        return size

    def _stacked(self, point: Point, bounds: Bounds | None) -> int:
        """Write a loop for each axis of the stack, and inside the product of two matrices."""
        product, evaluator, size = self.product, self.evaluator, 0

        def inside(point: Point, a: str, b: str, axis: int) -> None:
            nonlocal size
            if axis == len(product.shape) - 2:
                size = self._matrices(point, a, b, bounds if axis == 0 else None)
                return

            def body(index: str) -> None:
                inside(
                    evaluator.enter(point, index),
                    self._advance(product.a, axis, index, a),
                    self._advance(product.b, axis, index, b),
                    axis + 1,
                )

            self.context.range(product.shape[axis], bounds if axis == 0 else None, body)

        inside(point, self._begin(product.a), self._begin(product.b), 0)
        return size

    def _begin(self, view: View) -> str:
        return self.text.offset(MEMORY_TYPES[view.dtype], self.context.bases[view.buffer], view.offset)

    def _advance(self, view: View, axis: int, index: str, place: str) -> str:
        stride = view.strides[axis]
        if stride == 0:
            return place
        return self.text.offset(MEMORY_TYPES[view.dtype], place, self.evaluator.times(index, stride))

    def _matrices(
        self,
        point: Point,
        a: str,
        b: str,
        bounds: Bounds | None,
        columns: tuple[str, int] | None = None,
    ) -> int:
        """Write a product of two matrices: all columns, or so many from a first one."""
        product, evaluator = self.product, self.evaluator
        m, n = product.shape[-2:]
        first_column, n = columns or ("0", n)
        layouts = [Layout(*view.strides[-2:]) for view in (product.a, product.b)]
        dtype, depth = product.result.dtype, product.a.shape[-1]

        def finish(vectors: Vectors, row: str, column: str, total: Scalar) -> None:
            in_row = evaluator.enter(point, row)
            at = self._sum(first_column, column)
            store_all(evaluator, evaluator.enter(in_row, at, vectors.lanes, total), product.stores)

        def prefetch(row: str, column: str) -> None:
            column = self._sum(first_column, column)
            for view in far:
                at = self._begin(view)
                for axis, index in enumerate((row, column)):
                    at = self._advance(view, axis, index, at)
                self.text.do(f"call void @llvm.prefetch.p0(ptr {at}, i32 1, i32 3, i32 1)")

        far = _far_views(product)
        if far:
            self.text.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        size = 0
        a_layout, b_layout = layouts
        # Narrow or shallow products would only pay for the copies.
        pairs = self.context.bfloat16 and dtype == "float32" and n >= _PAIRED_COLUMNS and depth >= _PAIRED_DEPTH
        for first, count, most in self._pieces(m, bounds):
            needed = scratch_bytes(
                dtype,
                n_rows=most,
                n_columns=n,
                depth=depth,
                a=a_layout,
                b=b_layout,
                target=self.context.target,
                bfloat16=pairs,
            )
            size = max(size, needed)
            with self.text.when(count[1]) if count[1] else nullcontext():
                write_product(
                    self.text,
                    dtype,
                    n_rows=most,
                    n_columns=n,
                    depth=depth,
                    a=a_layout,
                    b=b_layout,
                    place_a=a,
                    place_b=b,
                    first_row=first,
                    count=count[0],
                    finish=finish,
                    target=self.context.target,
                    scratch=self.context.scratch,
                    prefetch=prefetch if far else None,
                    bfloat16=pairs,
                )
        return size

    def _sum(self, a: str, b: str) -> str:
        if "0" in (a, b):
            return b if a == "0" else a
        return self.text.value(f"add nuw nsw i64 {a}, {b}")

    def _pieces(self, m: int, bounds: Bounds | None) -> list[tuple[str, tuple[str, str], int]]:
        """Return the first row, the number of rows (and the condition under which it is that), and the most.

        One piece of code serves numbers of rows that differ by one; others have one each.
        """
        if bounds is None:
            return [("0", (str(m), ""), m)]
        first, after = bounds
        count = self.text.value(f"sub nsw i64 {after}, {first}")
        shares = {b - a for a, b in (row_bounds(m, self.context.n_threads, t) for t in range(self.context.n_threads))}
        if max(shares) - min(shares) <= 1:
            return [(first, (count, ""), max(shares))]
        found = []
        for share in sorted(shares - {0}):
            found.append((first, (str(share), self.text.value(f"icmp eq i64 {count}, {share}")), share))
        return found


def _far_views(product: Product) -> list[View]:
    """Return the large arrays that an epilogue reads element by element: they are fetched before the sums are done."""
    if len(product.shape) != 2:
        return []
    found: dict[Buffer, View] = {}
    for view in (*views_of(product.terms), *product.targets):
        size = math.prod(view.shape) * np.dtype(view.dtype).itemsize
        if view.buffer is not product.result.buffer and 0 not in view.strides and size >= _FAR_BYTES:
            found[view.buffer] = view
    return list(found.values())
