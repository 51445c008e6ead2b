"""How does a kernel become a native function?

A function takes the addresses of the buffers that it touches, a report, scratch memory and the number of
the thread. Shapes, strides and the number of threads are constants of its code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np

from tidu.compile import terms
from tidu.compile.evaluate import Evaluator, Point, Report
from tidu.compile.kernels import Kernel, Nest, Product, Scatter, Store, Total, reads
from tidu.compile.partition import grain, row_bounds, split_rows, write_bounds
from tidu.compile.terms import Apply, views_of
from tidu.compile.views import Buffer, Ramp, View, collapse
from tidu.core.emit import Scalar
from tidu.native.packing import Layout
from tidu.native.product import scratch_bytes, write_product
from tidu.native.text import FunctionText
from tidu.native.text import Kernel as Code
from tidu.native.tiling import Target
from tidu.native.vectors import MEMORY_TYPES, Vectors

__all__ = ["Written", "write"]

_FAR_BYTES = 1 << 20
"""Arrays as large as this do not wait in the second cache from one step to the next."""


@dataclass(frozen=True, slots=True)
class Written:
    """A kernel's code.

    Parameters
    ----------
    code : Code
    buffers : tuple of Buffer
        Its first parameters.
    scratch_bytes : int
        What each thread needs beside.
    """

    code: Code
    buffers: tuple[Buffer, ...]
    scratch_bytes: int


def write(kernel: Kernel, n_threads: int, target: Target) -> Written:
    """Write the code of a kernel."""
    buffers = tuple(dict.fromkeys([*(v.buffer for v in reads(kernel)), *(v.buffer for v in kernel.targets)]))
    text = FunctionText([*["ptr"] * (len(buffers) + 2), "i64"])
    bases = {buffer: f"%p{i}" for i, buffer in enumerate(buffers)}
    n = len(buffers)
    spare = text.value(f"getelementptr inbounds i8, ptr %p{n}, i64 64")
    writer = _Writer(text, bases, Report(f"%p{n}", spare), f"%p{n + 1}", f"%p{n + 2}", n_threads, target)
    match kernel:
        case Nest():
            writer.nest(kernel)
            size = 0
        case Product():
            size = writer.product(kernel)
        case Scatter():
            writer.scatter(kernel)
            size = 0
    return Written(text.finish(), buffers, size)


class _Writer:
    """Writes one function."""

    def __init__(
        self,
        text: FunctionText,
        bases: dict[Buffer, str],
        report: Report,
        scratch: str,
        thread: str,
        n_threads: int,
        target: Target,
    ) -> None:
        self.text = text
        self.bases = bases
        self.report = report
        self.scratch = scratch
        self.thread = thread
        self.n_threads = n_threads
        self.target = target

    # Which rows.

    def _rows(self, kernel: Kernel, n_rows: int) -> tuple[str, str] | None:
        """Return the bounds of this thread's rows; None if it has all of them."""
        shared = split_rows(kernel, self.n_threads)
        return None if shared is None else write_bounds(self.text, n_rows, self.n_threads, self.thread)

    # Nests.

    def nest(self, nest: Nest) -> None:
        """Write the loops of a nest."""
        if self.n_threads > 1 and split_rows(nest, self.n_threads) is None:
            with self.text.when(self.text.value(f"icmp eq i64 {self.thread}, 0")):
                _Loops(self, nest, None).write()
            return
        _Loops(self, nest, self._rows(nest, nest.rows)).write()

    # Products.

    def product(self, product: Product) -> int:
        """Write a product; return the bytes of scratch memory that a thread needs."""
        axes = tuple(range(len(product.shape)))
        evaluator = Evaluator(
            self.text,
            product.terms,
            product.targets,
            axes,
            axes[-1],
            self.bases,
            self.report,
            product.result.buffer,
        )
        bounds = self._rows(product, product.rows)
        only_first = self.n_threads > 1 and bounds is None
        if only_first:
            with self.text.when(self.text.value(f"icmp eq i64 {self.thread}, 0")):
                return self._stacked(product, evaluator, evaluator.start(), None)
        return self._stacked(product, evaluator, evaluator.start(), bounds)

    def _stacked(self, product: Product, evaluator: Evaluator, point: Point, bounds: tuple[str, str] | None) -> int:
        """Write a loop for each axis of the stack, and inside the product of two matrices."""
        size = 0

        def inside(point: Point, a: str, b: str, axis: int) -> None:
            nonlocal size
            if axis == len(product.shape) - 2:
                size = self._matrices(product, evaluator, point, a, b, bounds if axis == 0 else None)
                return

            def body(index: str) -> None:
                inside(
                    evaluator.enter(point, index),
                    self._advance(product.a, axis, index, a),
                    self._advance(product.b, axis, index, b),
                    axis + 1,
                )

            self.range(product.shape[axis], bounds if axis == 0 else None, body)

        inside(point, self._begin(product.a), self._begin(product.b), 0)
        return size

    def range(self, n: int, bounds: tuple[str, str] | None, body: Callable[[str], None]) -> None:
        """Write a loop over all of an axis, or over this thread's share of it."""
        if bounds is None:
            with self.text.loop(n) as loop:
                body(loop.index)
            return
        first, after = bounds
        count = self.text.value(f"sub nsw i64 {after}, {first}")
        with self.text.when(self.text.value(f"icmp ne i64 {count}, 0")), self.text.loop(count) as loop:
            body(self.text.value(f"add nuw nsw i64 {first}, {loop.index}"))

    def _begin(self, view: View) -> str:
        return self.text.offset(Vectors(self.text, view.dtype).element, self.bases[view.buffer], view.offset)

    def _advance(self, view: View, axis: int, index: str, place: str) -> str:
        stride = view.strides[axis]
        if stride == 0:
            return place
        step = self.text.value(f"mul nsw i64 {index}, {stride}")
        return self.text.offset(Vectors(self.text, view.dtype).element, place, step)

    def _matrices(
        self, product: Product, evaluator: Evaluator, point: Point, a: str, b: str, bounds: tuple[str, str] | None
    ) -> int:
        m, n = product.shape[-2:]
        layouts = [Layout(*view.strides[-2:]) for view in (product.a, product.b)]
        dtype, depth = product.result.dtype, product.a.shape[-1]

        def finish(vectors: Vectors, row: str, column: str, total: Scalar) -> None:
            in_row = evaluator.enter(point, row)
            _store_all(evaluator, evaluator.enter(in_row, column, vectors.lanes, total), product.stores)

        def prefetch(row: str, column: str) -> None:
            for view in far:
                at = self.text.offset("i8", self.bases[view.buffer], view.distance)
                for index, stride in zip((row, column), view.strides, strict=True):
                    if index.isdecimal():
                        step = str(int(index) * stride)
                    else:
                        step = index if stride == 1 else self.text.value(f"mul nsw i64 {index}, {stride}")
                    at = self.text.offset(MEMORY_TYPES[view.dtype], at, step)
                self.text.do(f"call void @llvm.prefetch.p0(ptr {at}, i32 1, i32 3, i32 1)")

        far = _far_views(product)
        if far:
            self.text.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        size = 0
        a_layout, b_layout = layouts
        for first, count, most in self._pieces(m, bounds):
            needed = scratch_bytes(
                dtype, n_rows=most, n_columns=n, depth=depth, a=a_layout, b=b_layout, target=self.target
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
                    target=self.target,
                    scratch=self.scratch,
                    prefetch=prefetch if far else None,
                )
        return size

    def _pieces(self, m: int, bounds: tuple[str, str] | None) -> list[tuple[str, tuple[str, str], int]]:
        """Return the first row, the number of rows (and the condition under which it is that), and the most.

        One piece of code serves numbers of rows that differ by one; others have one each.
        """
        if bounds is None:
            return [("0", (str(m), ""), m)]
        first, after = bounds
        count = self.text.value(f"sub nsw i64 {after}, {first}")
        shares = {b - a for a, b in (row_bounds(m, self.n_threads, t) for t in range(self.n_threads))}
        if max(shares) - min(shares) <= 1:
            return [(first, (count, ""), max(shares))]
        found = []
        for share in sorted(shares - {0}):
            found.append((first, (str(share), self.text.value(f"icmp eq i64 {count}, {share}")), share))
        return found

    # Scattered sums.

    def scatter(self, scatter: Scatter) -> None:
        """Write loops that add one element after the other."""
        if self.n_threads > 1:
            with self.text.when(self.text.value(f"icmp eq i64 {self.thread}, 0")):
                self._scatter(scatter)
        else:
            self._scatter(scatter)

    def _scatter(self, scatter: Scatter) -> None:
        if 0 in scatter.shape:
            return
        axes = tuple(range(len(scatter.shape)))
        evaluator = Evaluator(self.text, scatter.terms, scatter.targets, axes, None, self.bases, self.report)

        def inside(point: Point) -> None:
            if point.depth == len(axes):
                one = Vectors(self.text, scatter.term.dtype)
                place = point.places[id(scatter.target)]
                for index, step in zip(scatter.indices, scatter.steps, strict=True):
                    steps = self.text.value(f"mul nsw i64 {evaluator.value(point, index)}, {step}")
                    place = self.text.offset(one.element, place, steps)
                one.store(one.add(one.load(place), evaluator.value(point, scatter.term)), place)
                return
            with self.text.loop(scatter.shape[point.depth]) as loop:
                inside(evaluator.enter(point, loop.index))

        inside(evaluator.start())


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


def _store_all(evaluator: Evaluator, point: Point, stores: Sequence[Store]) -> None:
    """Store every term of a point; all have been computed before the first is stored."""
    for store in stores:
        value = evaluator.value(point, store.term, store.target.dtype)
        vectors = Vectors(evaluator.text, store.target.dtype, point.lanes)
        axis = evaluator.vector_axis
        stride = 1 if axis is None or point.lanes == 1 else store.target.strides[axis]
        vectors.store_apart(value, point.places[id(store.target)], stride)


@dataclass(frozen=True, slots=True)
class _Sum:
    """A running total: of so many lanes."""

    value: Scalar
    lanes: int


class _Loops:
    """The loops of one nest, around its body."""

    def __init__(self, writer: _Writer, nest: Nest, bounds: tuple[str, str] | None) -> None:
        self.writer = writer
        self.text = writer.text
        lanes = _lanes(nest, writer.target)
        self.nest, self.per_row = _collapsed(nest, bounds is not None, writer.n_threads, lanes)
        self.bounds = bounds
        if bounds is not None and self.per_row != 1:
            first, after = (self.text.value(f"mul nuw nsw i64 {x}, {self.per_row}") for x in bounds)
            self.bounds = (first, after)
        shape = self.nest.shape
        self.vector_axis = _vector_axis(self.nest)
        if bounds is not None and self.vector_axis == 0 and self.per_row == 1:
            # A vector must not reach over to the rows of the next thread.
            lanes = min(lanes, grain(shape[0], writer.n_threads))
        self.lanes = min(lanes, shape[self.vector_axis]) if self.vector_axis is not None else 1
        self.lanes = max(self.lanes, 1)
        self.evaluator = Evaluator(
            self.text,
            self.nest.terms,
            self.nest.targets,
            tuple(range(len(shape))),
            self.vector_axis,
            writer.bases,
            writer.report,
        )

    def write(self) -> None:
        """Write everything."""
        self._kept(self.evaluator.start())

    def _kept(self, point: Point) -> None:
        """Write the loops over the kept axes."""
        axis = point.depth
        if axis == self.nest.n_kept:
            self._inside(point)
        elif axis == self.vector_axis:
            self._vector_loop(point, axis)
        else:
            self._scalar_loop(point, axis)

    def _scalar_loop(self, point: Point, axis: int) -> None:
        def body(index: str) -> None:
            self._kept(self.evaluator.enter(point, index))

        self.writer.range(self.nest.shape[axis], self.bounds if axis == 0 else None, body)

    def _vector_loop(self, point: Point, axis: int) -> None:
        """Write a loop over whole vectors, and what is left as a shorter one."""
        n, lanes = self.nest.shape[axis], self.lanes
        whole, rest = divmod(n, lanes)

        def body(index: str) -> None:
            begin = self.text.value(f"mul nuw nsw i64 {index}, {lanes}")
            self._kept(self.evaluator.enter(point, begin, lanes))

        shared = self.bounds if axis == 0 else None
        if shared is None:
            if whole == 1:
                self._kept(self.evaluator.enter(point, "0", lanes))
            elif whole:
                with self.text.loop(whole) as loop:
                    body(loop.index)
            if rest:
                self._kept(self.evaluator.enter(point, str(whole * lanes), rest))
            return
        first, after = (self.text.value(f"udiv i64 {x}, {lanes}") for x in shared)
        self.writer.range(whole, (first, after), body)
        if rest:
            is_last = self.text.value(f"icmp eq i64 {self.writer.thread}, {self.writer.n_threads - 1}")
            with self.text.when(is_last):
                self._kept(self.evaluator.enter(point, str(whole * lanes), rest))

    def _inside(self, point: Point) -> None:
        """Write what happens at a point of the kept axes: stores, or the loops over the reduced axes."""
        nest = self.nest
        if not nest.totals:
            _store_all(self.evaluator, point, nest.stores)
            return
        folded = self.vector_axis is not None and self.vector_axis >= nest.n_kept
        n_last = nest.shape[self.vector_axis] if folded and self.vector_axis is not None else 0
        widths = [point.lanes]
        if folded:
            widths = [w for w in (self.lanes if n_last >= self.lanes else 0, n_last % self.lanes) if w]
        starts = [
            _Sum(Vectors(self.text, x.computing, w).constant(x.rule.start), w) for w in widths for x in nest.totals
        ]
        sums = starts if 0 in nest.shape else self._reduced(point, starts)
        for number, total in enumerate(nest.totals):
            mine = sums[number :: len(nest.totals)]
            self._finish(
                point,
                total,
                mine if mine else [_Sum(Vectors(self.text, total.computing).constant(total.rule.start), 1)],
                folded,
            )

    def _reduced(self, point: Point, sums: list[_Sum]) -> list[_Sum]:
        """Write the loops over the reduced axes, and return the totals."""
        axis = point.depth
        if axis == len(self.nest.shape):
            return self._add(point, sums)
        n = self.nest.shape[axis]
        if axis != self.vector_axis:
            with self.text.loop(n, self._carried(sums)) as loop:
                inside = self._reduced(self.evaluator.enter(point, loop.index), self._renamed(sums, loop.carried))
                loop.hand_on(*(str(x.value) for x in inside))
            return self._renamed(sums, loop.following)
        count = len(self.nest.totals)
        whole, rest = divmod(n, self.lanes)
        found: list[_Sum] = []
        if whole:
            found += self._whole_vectors(point, whole, sums[:count])
        if rest:
            found += self._reduced(self.evaluator.enter(point, str(whole * self.lanes), rest), sums[-count:])
        return found

    def _whole_vectors(self, point: Point, whole: int, sums: list[_Sum]) -> list[_Sum]:
        if whole == 1:
            return self._reduced(self.evaluator.enter(point, "0", self.lanes), sums)
        with self.text.loop(whole, self._carried(sums)) as loop:
            begin = self.text.value(f"mul nuw nsw i64 {loop.index}, {self.lanes}")
            inner = self.evaluator.enter(point, begin, self.lanes)
            inside = self._reduced(inner, self._renamed(sums, loop.carried))
            loop.hand_on(*(str(x.value) for x in inside))
        return self._renamed(sums, loop.following)

    def _carried(self, sums: Sequence[_Sum]) -> list[tuple[str, str]]:
        return [(self._type(i, x), str(x.value)) for i, x in enumerate(sums)]

    def _type(self, i: int, x: _Sum) -> str:
        totals = self.nest.totals
        return Vectors(self.text, totals[i % len(totals)].computing, x.lanes).type

    def _renamed(self, sums: Sequence[_Sum], names: Sequence[str]) -> list[_Sum]:
        return [_Sum(Scalar(name), x.lanes) for x, name in zip(sums, names, strict=True)]

    def _add(self, point: Point, sums: list[_Sum]) -> list[_Sum]:
        """Let the element at a point join the totals; store what is stored there."""
        found = []
        for total, x in zip(self.nest.totals, sums, strict=True):
            vectors = Vectors(self.text, total.computing, x.lanes)
            element = self.evaluator.value(point, total.term, total.computing)
            found.append(_Sum(total.rule.combine(vectors, x.value, element), x.lanes))
        _store_all(self.evaluator, point, self.nest.stores)
        return found

    def _finish(self, point: Point, total: Total, sums: Sequence[_Sum], folded: bool) -> None:
        """Join the partial totals and store the whole."""
        one = Vectors(self.text, total.computing)
        if folded:
            parts = [Vectors(self.text, total.computing, x.lanes).fold(x.value, total.rule.combine) for x in sums]
            value = parts[0]
            for part in parts[1:]:
                value = total.rule.combine(one, value, part)
            lanes = 1
        else:
            value, lanes = sums[0].value, sums[0].lanes
        vectors = Vectors(self.text, total.target.dtype, lanes)
        axis = self.evaluator.vector_axis
        stride = 1 if lanes == 1 or axis is None else total.target.strides[axis]
        converted = vectors.convert(value, total.computing)
        vectors.store_apart(converted, point.places[id(total.target)], stride)


def _lanes(nest: Nest, target: Target) -> int:
    """Return how many elements are computed at once: a vector of the widest float that is computed with."""
    dtypes = [x.computing for x in terms.ordered(nest.terms) if isinstance(x, Apply)]
    dtypes += [x.computing for x in nest.totals] + [x.dtype for x in nest.targets]
    floats = [np.dtype(x).itemsize for x in dtypes if np.dtype(x).kind == "f"]
    return target.vector_bytes // max(floats or [np.dtype(x).itemsize for x in dtypes])


def _vector_axis(nest: Nest) -> int | None:
    """Return the axis along which most of what is read and written lies element by element.

    Only the last kept axis and the last reduced one come into question: the loops keep their order.
    """
    if not nest.shape:
        return None
    last = len(nest.shape) - 1
    if not nest.totals or not nest.n_kept:
        return last
    if nest.n_kept == len(nest.shape):
        return last

    def close(axis: int) -> int:
        return sum(view.strides[axis] == 1 for view in views_of(nest.terms) if axis < len(view.strides))

    column = nest.n_kept - 1
    return column if close(column) > close(last) and nest.shape[column] > 1 else last


def _collapsed(nest: Nest, is_shared: bool, n_threads: int, lanes: int) -> tuple[Nest, int]:
    """Join axes that everything can walk as one; return the nest, and elements for each of its former rows."""
    kept = _joined_lengths(nest, 0, nest.n_kept)
    per_row = 1
    if is_shared:
        inner = math.prod(nest.shape[1 : nest.n_kept])
        whole = len(kept) == 1 and nest.n_kept > 1 and grain(nest.shape[0], n_threads) * inner % lanes == 0
        if whole:
            per_row = inner
        elif nest.n_kept > 1:
            kept = (nest.shape[0], *_joined_lengths(nest, 1, nest.n_kept))
    reduced = _joined_lengths(nest, nest.n_kept, len(nest.shape))
    shape = (*kept, *reduced)
    if shape == nest.shape:
        return nest, per_row
    moved = terms.reshape_all(nest.terms, shape)
    assert moved is not None, "what is joined can be walked as one"
    n = len(nest.stores)
    stores = [Store(term, _reshaped(x.target, shape)) for x, term in zip(nest.stores, moved[:n], strict=True)]
    totals = [
        replace(x, term=term, target=_reshaped(x.target, kept)) for x, term in zip(nest.totals, moved[n:], strict=True)
    ]
    return Nest(shape, len(kept), stores, totals), per_row


def _joined_lengths(nest: Nest, first: int, after: int) -> tuple[int, ...]:
    strided = [x for x in terms.ordered(nest.terms) if isinstance(x, (View, Ramp))]
    arrays = [x.strides for x in strided]
    arrays += [x.view.strides for x in terms.ordered(nest.terms) if isinstance(x, terms.Pick)]
    arrays += [x.strides for x in nest.targets if len(x.strides) >= after]
    group = nest.shape[first:after]
    lengths, _ = collapse(group, [x[first:after] for x in arrays])
    return lengths or ((1,) if group and 0 not in group else ())


def _reshaped(target: View, shape: tuple[int, ...]) -> View:
    moved = terms.reshape(target, shape)
    assert isinstance(moved, View), "what is joined can be walked as one"
    return moved
