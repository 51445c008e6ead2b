"""Along which axis do the lanes lie, and what is computed in each vector?

Each operation decides for itself: the axis along which its operands can be read most cheaply. Since a result
lies the way it was computed, the axis of the batch passes on from operation to operation. This file is handed
`emit` functions and knows no operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from tidu.compile.unrolled.elements import Elements, Numbers, Value
from tidu.compile.unrolled.tree import Combine, fold_lanes
from tidu.core.emit import EmitScalar, Fold, Scalar
from tidu.core.spec import Shape, Spec
from tidu.native.vectors import Vectors

__all__ = ["Arithmetic"]

_FAVOR = 0.7
"""What the axis of the batch costs in comparison with another one: later operations will want it too."""


@dataclass(frozen=True, slots=True)
class _Sum:
    """How many operands become one: the first ones, one more, and two partial results."""

    first: Callable[..., Scalar]
    join: Callable[..., Scalar]
    combine: Combine


class Arithmetic:
    """Writes what computes.

    Parameters
    ----------
    elements : Elements
        Where the operands lie.
    width : int
        Lanes of a whole vector, a power of two.
    batch : int
        Length of the axis that most of the program's work has in common; 1 if there is none.
    """

    def __init__(self, elements: Elements, width: int, batch: int) -> None:
        self.elements = elements
        self.width = width
        self.batch = batch

    def elementwise(self, emit: EmitScalar, operands: Sequence[Value], out: Spec, weight: int = 1) -> Value:
        """Compute each element of the result from one element of each operand.

        Parameters
        ----------
        emit : callable
            ``emit(builder, *scalars) -> scalar``.
        operands : sequence of Value
            What broadcasts to the result's shape.
        out : Spec
            Of the result.
        weight : int
            About how many instructions `emit` writes.
        """
        shape, dtype = out.shape, out.dtype.name
        common = _computing_dtype([dtype, *(x.dtype for x in operands)])
        arrays = [np.broadcast_to(x.numbers, shape) for x in operands]
        given = [x.dtype for x in operands]
        known: dict[tuple[tuple[int, ...], ...], int] = {}

        def compute(rows: tuple[tuple[int, ...], ...]) -> int:
            builder = self.elements.builder(common, len(rows[0]))
            found = emit(builder, *self._read(builder, rows, given))
            value = self.elements.builder(dtype, builder.lanes).convert(found, common)
            return self.elements.register(value, dtype, builder.lanes)

        flat = self.batch not in shape and len(shape) > 1
        axis = self._axis(shape, arrays, weight, flat)
        moved = [_rows(x, axis) for x in arrays]
        results = np.empty(moved[0].shape, np.int64)
        lines = list(zip(*(x.tolist() for x in moved), strict=True))
        # Vector by vector along the axis, not row by row: what follows on the first vectors can begin early.
        for start, (i, rows) in product(range(0, moved[0].shape[-1], self.width), enumerate(lines)):
            parts = tuple(tuple(row[start : start + self.width]) for row in rows)
            lanes = len(parts[0])
            # What is the same in all lanes is computed once, and stays known to be the same.
            same = all(part.count(part[0]) == lanes for part in parts)
            key = tuple(part[:1] for part in parts) if same else parts
            if key not in known:
                known[key] = compute(key)
            results[i, start : start + lanes] = known[key] if same else range(known[key], known[key] + lanes)
        return Value(_unrows(results, shape, axis), dtype)

    def fold(self, rule: Fold, x: Value, axes: tuple[int, ...], out: Spec) -> Value:
        """Fold the elements along some axes into one."""
        kept = tuple(a for a in range(len(x.shape)) if a not in axes)
        numbers = np.transpose(x.numbers, (*kept, *axes))
        # The start is for no terms at all; else the first term is one.
        how = _Sum(lambda b, first: first, rule.combine, rule.combine)
        return self._accumulate(how, [numbers], [x.dtype], len(kept), rule.start, out)

    def matmul(self, a: Value, b: Value, out: Spec) -> Value:
        """Multiply matrices, product and sum rounded as one where the processor can."""
        (m, k), n = a.shape[-2:], b.shape[-1]
        shape = (*out.shape[:-2], m, n, k)
        left = np.broadcast_to(a.numbers[..., :, None, :], shape)
        right = np.broadcast_to(np.swapaxes(b.numbers, -1, -2)[..., None, :, :], shape)
        how = _Sum(
            lambda v, x, y: v.mul(x, y),
            lambda v, total, x, y: _fused(v, x, y, total),
            lambda v, x, y: v.add(x, y),
        )
        return self._accumulate(how, [left, right], [a.dtype, b.dtype], len(shape) - 1, 0.0, out)

    def _accumulate(
        self, how: _Sum, arrays: Sequence[Numbers], dtypes: Sequence[str], n_kept: int, start: float, out: Spec
    ) -> Value:
        """Sum over the axes behind the first `n_kept`; the lanes lie along any of them."""
        shape, dtype = arrays[0].shape, out.dtype.name
        kept, terms = shape[:n_kept], math.prod(shape[n_kept:])
        if not terms or 0 in kept:
            constant = self.elements.constant(start, dtype)
            return Value(np.full(out.shape, constant, np.int64), dtype)
        common = _computing_dtype([dtype, *dtypes])
        axis = self._axis(shape, arrays, 1, False, n_kept)
        if axis is None or axis < n_kept:
            numbers = self._chains(how, arrays, dtypes, n_kept, axis, common)
        else:
            numbers = self._across(how, arrays, dtypes, n_kept, axis, common)
        found = Value(numbers.reshape(out.shape), common)
        return found if dtype == common else self.elementwise(lambda b, x: x, [found], out)

    def _chains(
        self,
        how: _Sum,
        arrays: Sequence[Numbers],
        dtypes: Sequence[str],
        n_kept: int,
        axis: int | None,
        common: str,
    ) -> Numbers:
        """Lanes along an axis that stays: each vector of results adds up its terms one after the other."""
        kept = arrays[0].shape[:n_kept]
        if axis is None:
            kept, arrays, axis = (*kept, 1), [np.expand_dims(x, n_kept) for x in arrays], len(kept)
        lanes = kept[axis]
        rest = math.prod(kept) // lanes
        moved = [np.moveaxis(x, axis, -1).reshape(rest, -1, lanes).tolist() for x in arrays]
        results = np.empty((rest, lanes), np.int64)
        chains = [list(zip(*lines, strict=True)) for lines in zip(*moved, strict=True)]
        for start, (i, terms) in product(range(0, lanes, self.width), enumerate(chains)):
            rows = [tuple(tuple(row[start : start + self.width]) for row in term) for term in terms]
            builder = self.elements.builder(common, len(rows[0][0]))
            total = self._chain(how, builder, rows, dtypes)
            first = self.elements.register(total, common, builder.lanes)
            results[i, start : start + builder.lanes] = range(first, first + builder.lanes)
        others = [n for a, n in enumerate(kept) if a != axis]
        return np.moveaxis(results.reshape(*others, lanes), -1, axis)

    def _across(
        self, how: _Sum, arrays: Sequence[Numbers], dtypes: Sequence[str], n_kept: int, axis: int, common: str
    ) -> Numbers:
        """Lanes along an axis that is summed over: a vector of partial sums for each result, then their tree."""
        kept, length = arrays[0].shape[:n_kept], arrays[0].shape[axis]
        count = math.prod(kept)
        lanes = min(self.width, 1 << (length.bit_length() - 1))
        whole = length - length % lanes
        moved = [np.moveaxis(x, axis, -1).reshape(count, -1, length).tolist() for x in arrays]
        builder = self.elements.builder(common, lanes)
        totals = []
        for lines in zip(*moved, strict=True):
            terms = list(zip(*lines, strict=True))

            def parts(
                start: int, end: int, step: int, terms: list[tuple[list[int], ...]] = terms
            ) -> list[tuple[tuple[int, ...], ...]]:
                return [
                    tuple(tuple(row[at : at + step]) for row in term)
                    for at in range(start, end, step)
                    for term in terms
                ]

            total = self._chain(how, builder, parts(0, whole, lanes), dtypes)
            if whole < length:
                narrow = self.elements.builder(common, length - whole)
                rest = self._chain(how, narrow, parts(whole, length, length - whole), dtypes)
                total = _joined(builder, total, narrow, rest, how.combine)
            totals.append(total)
        numbers = fold_lanes(self.elements, common, lanes, totals, how.combine)
        return np.asarray(numbers, np.int64).reshape(kept)

    def _chain(
        self, how: _Sum, builder: Vectors, terms: Sequence[tuple[tuple[int, ...], ...]], dtypes: Sequence[str]
    ) -> Scalar:
        total = how.first(builder, *self._read(builder, terms[0], dtypes))
        for rows in terms[1:]:
            total = how.join(builder, total, *self._read(builder, rows, dtypes))
        return total

    def _read(self, builder: Vectors, rows: Sequence[tuple[int, ...]], dtypes: Sequence[str]) -> list[Scalar]:
        return [builder.convert(self.elements.pack(row), dtype) for row, dtype in zip(rows, dtypes, strict=True)]

    def _axis(
        self,
        shape: Shape,
        arrays: Sequence[Numbers],
        weight: int,
        flat: bool,
        n_kept: int | None = None,
    ) -> int | None:
        """Return the axis for the lanes, -1 for all axes as one, None for one element at a time."""
        size = math.prod(shape)
        if size < 2:
            return None
        best, least = None, size * weight + sum(self._single_cost(x) for x in arrays)
        for axis in range(len(shape)):
            if shape[axis] > 1:
                cost = self._axis_cost(shape, arrays, axis, weight)
                if n_kept is not None and axis >= n_kept:
                    cost += 3.0 * math.prod(shape[:n_kept])
                if shape[axis] == self.batch:
                    cost *= _FAVOR
                if cost < least:
                    best, least = axis, cost
        if flat:
            joined = [x.reshape(size) for x in arrays]
            if self._axis_cost((size,), joined, 0, weight) <= least:
                return -1
        return best

    def _axis_cost(self, shape: Shape, arrays: Sequence[Numbers], axis: int, weight: int) -> float:
        length = shape[axis]
        cost = weight * math.prod(shape) / length * -(-length // self.width)
        for x in arrays:
            # One row stands for all of them; an axis of stride 0 repeats the same rows.
            distinct = math.prod(n for a, (n, s) in enumerate(zip(shape, x.strides, strict=True)) if s and a != axis)
            row = x[tuple(slice(None) if a == axis else n // 2 for a, n in enumerate(shape))].tolist()
            cost += distinct * sum(self.elements.cost(row[i : i + self.width]) for i in range(0, length, self.width))
        return cost

    def _single_cost(self, x: Numbers) -> float:
        distinct = math.prod(n for n, stride in zip(x.shape, x.strides, strict=True) if stride)
        return float(distinct * self.elements.cost([int(x.flat[x.size // 2])]))


def _rows(x: Numbers, axis: int | None) -> Numbers:
    """Return the elements as a matrix whose rows lie along `axis`."""
    if axis is None:
        return x.reshape(-1, 1)
    if axis == -1:
        return x.reshape(1, -1)
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])


def _unrows(rows: Numbers, shape: Shape, axis: int | None) -> Numbers:
    """Undo `_rows`."""
    if axis is None or axis == -1:
        return rows.reshape(shape)
    others = [n for a, n in enumerate(shape) if a != axis]
    return np.moveaxis(rows.reshape(*others, shape[axis]), -1, axis)


def _joined(builder: Vectors, total: Scalar, narrow: Vectors, rest: Scalar, combine: Combine) -> Scalar:
    """Combine a shorter vector with the first lanes of a longer one; the other lanes stay."""
    lanes = builder.lanes
    if narrow.lanes == 1:
        wide = builder.splat(rest)
    else:
        wide = narrow.shuffle(rest, Scalar("poison"), [min(i, narrow.lanes - 1) for i in range(lanes)])
    both = combine(builder, total, wide)
    return builder.shuffle(both, total, [i if i < narrow.lanes else lanes + i for i in range(lanes)])


def _fused(builder: Vectors, x: Scalar, y: Scalar, total: Scalar) -> Scalar:
    """Return x * y + total; rounded once where the processor has such an instruction, never by a call of C."""
    if not builder.is_float:
        return builder.add(total, builder.mul(x, y))
    lanes = f"v{builder.lanes}" if builder.lanes > 1 else ""
    name = f"llvm.fmuladd.{lanes}f{builder.bits}"
    return Scalar(builder.text.call(builder.type, name, [x, y, total], outside=False))


def _computing_dtype(dtypes: Sequence[str]) -> str:
    """Return what is computed in: the dtype that holds operands and result; truth values are exact in any."""
    common = np.result_type(*dtypes).name
    return "float32" if common == "bool" else common
