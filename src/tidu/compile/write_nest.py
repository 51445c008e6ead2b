"""What do the loops of a nest look like: over kept axes, and inside over the axes that are folded?

One axis is walked a vector at a time; what is left of it is a shorter vector. Partial totals have a fixed
order, which depends on shapes alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tidu.compile import terms
from tidu.compile.context import Bounds, Context, store_all
from tidu.compile.evaluate import Evaluator, Point
from tidu.compile.kernels import Nest, Store, Total
from tidu.compile.partition import grain
from tidu.compile.terms import Apply, views_of
from tidu.compile.views import Ramp, View, collapse
from tidu.core.emit import Scalar
from tidu.native.tiling import Target
from tidu.native.vectors import Vectors

__all__ = ["write_nest"]


def write_nest(context: Context, nest: Nest) -> None:
    """Write the loops of a nest."""
    with context.share(nest) as bounds:
        _Loops(context, nest, bounds).write()


@dataclass(frozen=True, slots=True)
class _Sum:
    """A running total: of so many lanes."""

    value: Scalar
    lanes: int


class _Loops:
    """The loops of one nest, around its body."""

    def __init__(self, context: Context, nest: Nest, bounds: Bounds | None) -> None:
        self.context = context
        self.text = context.text
        lanes = _lanes(nest, context.target)
        self.nest, self.per_row = _collapsed(nest, bounds is not None, context.n_threads, lanes)
        self.bounds = bounds
        if bounds is not None and self.per_row != 1:
            first, after = (self.text.value(f"mul nuw nsw i64 {x}, {self.per_row}") for x in bounds)
            self.bounds = (first, after)
        shape = self.nest.shape
        self.vector_axis = _vector_axis(self.nest)
        if bounds is not None and self.vector_axis == 0 and self.per_row == 1:
            # A vector must not reach over to the rows of the next thread.
            lanes = min(lanes, grain(shape[0], context.n_threads))
        self.lanes = min(lanes, shape[self.vector_axis]) if self.vector_axis is not None else 1
        self.lanes = max(self.lanes, 1)
        self.evaluator = Evaluator(
            self.text,
            self.nest.terms,
            self.nest.targets,
            tuple(range(len(shape))),
            self.vector_axis,
            context.bases,
            context.report,
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

        self.context.range(self.nest.shape[axis], self.bounds if axis == 0 else None, body)

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
        self.context.range(whole, (first, after), body)
        if rest:
            is_last = self.text.value(f"icmp eq i64 {self.context.thread}, {self.context.n_threads - 1}")
            with self.text.when(is_last):
                self._kept(self.evaluator.enter(point, str(whole * lanes), rest))

    def _inside(self, point: Point) -> None:
        """Write what happens at a point of the kept axes: stores, or the loops over the reduced axes."""
        nest = self.nest
        if not nest.totals:
            store_all(self.evaluator, point, nest.stores)
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
        store_all(self.evaluator, point, self.nest.stores)
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
