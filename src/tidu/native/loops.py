"""What do the loops around a record's scalar code look like?

Templates for elementwise operations, reductions and matrix products over strided arrays. Shapes and
strides are constants of the code, so an axis of length one or two axes that can be walked as one cost
nothing. Every sum has one fixed order. This file knows no operation: it is handed the record's `emit`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import copysign
from typing import TypeAlias

from tidu.core.emit import EmitScalar, Fold, Scalar
from tidu.native.scalars import Scalars
from tidu.native.text import LLVM_TYPES, FunctionText, Kernel

__all__ = ["Access", "Constant", "Operand", "collapse", "elementwise", "fold", "matmul"]

_POINTER = "ptr noalias"
"""A kernel writes one buffer, which is none of those that it reads."""
_UNROLLED = 4
"""Rows of B that one pass over a row of C takes in: it saves loads and stores of C."""

Strides: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """How an array in memory is walked.

    Parameters
    ----------
    dtype : str
        ``float32``, ``float64`` or ``bool``.
    strides : tuple of int
        Elements from one position of each axis to the next; 0 repeats, negative walks backwards.
    """

    dtype: str
    strides: Strides


@dataclass(frozen=True, slots=True)
class Constant:
    """An operand whose elements are all one number, known when the code is made."""

    value: float
    # 0.0 == -0.0, but they are not the same code.
    negative: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "negative", copysign(1.0, self.value) < 0)


Operand: TypeAlias = Access | Constant


@lru_cache(maxsize=512)
def elementwise(
    emit: EmitScalar, shape: tuple[int, ...], operands: tuple[Operand, ...], out: Access, dtype: str
) -> Kernel:
    """Return a kernel that computes each element of `out` from one element of each operand.

    Parameters
    ----------
    emit : callable
        ``emit(builder, *scalars) -> scalar``.
    shape : tuple of int
        Of the result; with a length of 0 the kernel does nothing.
    operands : tuple of Access or Constant
        Accesses have a stride for each axis of `shape`; they become parameters in their order.
    out : Access
        The last parameter.
    dtype : str
        What is computed in.
    """
    arrays = [x for x in operands if isinstance(x, Access)] + [out]
    text = FunctionText([_POINTER] * len(arrays))
    scalars = Scalars(text, dtype)

    def element(places: Sequence[str]) -> None:
        loaded = iter(places)
        given = [
            scalars.constant(x.value) if isinstance(x, Constant) else scalars.load(next(loaded), x.dtype)
            for x in operands
        ]
        scalars.store(emit(scalars, *given), places[-1], out.dtype)

    if 0 not in shape:
        _nest(text, *collapse(shape, arrays), _parameters(len(arrays)), element)
    return text.finish()


@lru_cache(maxsize=512)
def fold(rule: Fold, kept: tuple[int, ...], reduced: tuple[int, ...], x: Access, out: Access, dtype: str) -> Kernel:
    """Return a kernel that folds the elements along some axes into one, in row-major order.

    Parameters
    ----------
    rule : Fold
        Where it starts and how one more element joins.
    kept, reduced : tuple of int
        Lengths of the axes.
    x : Access
        Strides of the kept axes, then of the reduced ones.
    out : Access
        Strides of the kept axes.
    dtype : str
        What is computed in.

    Notes
    -----
    One element after the other: of n terms the sum errs by at most (n - 1) roundings of the sum of the
    absolute terms.
    """
    text = FunctionText([_POINTER, _POINTER])
    scalars = Scalars(text, dtype)
    if 0 in kept:
        return text.finish()
    outer, (x_kept, out) = collapse(kept, [Access(x.dtype, x.strides[: len(kept)]), out])
    inner, (x_reduced,) = collapse(reduced, [Access(x.dtype, x.strides[len(kept) :])])
    start = scalars.constant(rule.start)
    across = (
        out.dtype == dtype
        and outer
        and inner
        and 0 not in inner
        and abs(x_kept.strides[-1]) < abs(x_reduced.strides[-1])
    )
    if across:
        # The rows of a matrix folded into one: the totals wait in `out`, so that memory is read in its order.
        _nest(text, outer, [out], ["%p1"], lambda places: scalars.store(start, places[0], dtype))

        def row(places: Sequence[str]) -> None:
            def join(elements: Sequence[str]) -> None:
                total = rule.combine(scalars, scalars.load(elements[1], dtype), scalars.load(elements[0], x.dtype))
                scalars.store(total, elements[1], dtype)

            _nest(text, outer, [x_kept, out], [places[0], "%p1"], join)

        _nest(text, inner, [x_reduced], ["%p0"], row)
        return text.finish()

    def whole(places: Sequence[str]) -> None:
        total = start if 0 in inner else _fold_nest(scalars, rule, inner, x_reduced, places[0], start)
        scalars.store(total, places[1], out.dtype)

    _nest(text, outer, [x_kept, out], ["%p0", "%p1"], whole)
    return text.finish()


@lru_cache(maxsize=512)
def matmul(stack: tuple[int, ...], m: int, k: int, n: int, a: Access, b: Access, out: Access, dtype: str) -> Kernel:
    """Return a kernel for stacks of matrix products.

    Parameters
    ----------
    stack : tuple of int
        Lengths of the axes in front.
    m, k, n : int
        The products are (m, k) by (k, n).
    a, b, out : Access
        Strides of the stack's axes (0 where repeated), then of rows and columns.
    dtype : str
        What is computed in, and what `out` holds.

    Notes
    -----
    Each element adds its k terms one after the other, product and sum rounded apart.
    """
    text = FunctionText([_POINTER] * 3)
    scalars = Scalars(text, dtype)
    if 0 in (*stack, m, n):
        return text.finish()
    (a_i, a_p), (b_p, b_j), (out_i, out_j) = (x.strides[-2:] for x in (a, b, out))

    def columns(place_out: str, body: Callable[[str, str], None]) -> None:
        with text.loop(n) as loop:
            body(loop.index, _advance(text, place_out, dtype, loop.index, out_j))

    def passes(place_a: str, place_b: str, place_out: str, count: int) -> None:
        """Add `count` rows of B, each times its element of A, to one row of the result."""
        offsets = [str(p) for p in range(count)]
        factors = [scalars.load(_advance(text, place_a, a.dtype, p, a_p), a.dtype) for p in offsets]
        rows = [_advance(text, place_b, b.dtype, p, b_p) for p in offsets]

        def add(j: str, place: str) -> None:
            total = scalars.load(place, dtype)
            for factor, row in zip(factors, rows, strict=True):
                total = scalars.add(
                    total, scalars.mul(factor, scalars.load(_advance(text, row, b.dtype, j, b_j), b.dtype))
                )
            scalars.store(total, place, dtype)

        columns(place_out, add)

    def product(places: Sequence[str]) -> None:
        place_a, place_b, place_out = places
        with text.loop(m) as rows:
            row_a = _advance(text, place_a, a.dtype, rows.index, a_i)
            row_out = _advance(text, place_out, dtype, rows.index, out_i)
            columns(row_out, lambda j, place: scalars.store(scalars.constant(0.0), place, dtype))
            whole, rest = divmod(k, _UNROLLED)
            if whole:
                with text.loop(whole) as terms:
                    some_a = _advance(text, row_a, a.dtype, terms.index, a_p * _UNROLLED)
                    some_b = _advance(text, place_b, b.dtype, terms.index, b_p * _UNROLLED)
                    passes(some_a, some_b, row_out, _UNROLLED)
            if rest:
                some_a = _advance(text, row_a, a.dtype, str(whole * _UNROLLED), a_p)
                some_b = _advance(text, place_b, b.dtype, str(whole * _UNROLLED), b_p)
                passes(some_a, some_b, row_out, rest)

    outer = [Access(x.dtype, x.strides[:-2]) for x in (a, b, out)]
    _nest(text, *collapse(stack, outer), _parameters(3), product)
    return text.finish()


def collapse(shape: tuple[int, ...], arrays: Sequence[Access]) -> tuple[tuple[int, ...], list[Access]]:
    """Drop axes of length one, and join neighbors that every array can walk as one.

    Examples
    --------
    >>> collapse((2, 1, 3), [Access("float64", (3, 9, 1)), Access("float32", (0, 0, 0))])
    ((6,), [Access(dtype='float64', strides=(1,)), Access(dtype='float32', strides=(0,))])
    """
    lengths: list[int] = []
    steps: list[list[int]] = [[] for _ in arrays]
    for axis, length in enumerate(shape):
        if length == 1:
            continue
        joined = bool(lengths) and all(
            step[-1] == array.strides[axis] * length for step, array in zip(steps, arrays, strict=True)
        )
        if joined:
            lengths[-1] *= length
        else:
            lengths.append(length)
        for step, array in zip(steps, arrays, strict=True):
            if joined:
                step[-1] = array.strides[axis]
            else:
                step.append(array.strides[axis])
    return tuple(lengths), [Access(x.dtype, tuple(step)) for x, step in zip(arrays, steps, strict=True)]


def _nest(
    text: FunctionText,
    shape: Sequence[int],
    arrays: Sequence[Access],
    places: Sequence[str],
    body: Callable[[Sequence[str]], None],
) -> None:
    """Write one loop for each axis and, inside, the body, handed each array's place."""
    if not shape:
        body(places)
        return
    with text.loop(shape[0]) as loop:
        inside = [
            _advance(text, place, x.dtype, loop.index, x.strides[0]) for place, x in zip(places, arrays, strict=True)
        ]
        rest = [Access(x.dtype, x.strides[1:]) for x in arrays]
        _nest(text, shape[1:], rest, inside, body)


def _fold_nest(scalars: Scalars, rule: Fold, shape: Sequence[int], x: Access, place: str, total: Scalar) -> Scalar:
    """Write one loop for each axis, the total handed from element to element through all of them."""
    if not shape:
        return rule.combine(scalars, total, scalars.load(place, x.dtype))
    with scalars.text.loop(shape[0], [(scalars.type, total)]) as loop:
        inside = _advance(scalars.text, place, x.dtype, loop.index, x.strides[0])
        rest = Access(x.dtype, x.strides[1:])
        loop.hand_on(_fold_nest(scalars, rule, shape[1:], rest, inside, Scalar(loop.carried[0])))
    return Scalar(loop.following[0])


def _advance(text: FunctionText, place: str, dtype: str, index: str, stride: int) -> str:
    """Return the place `index` steps of `stride` elements further on."""
    if stride == 0 or index == "0":
        return place
    if index.isdecimal():
        step = str(int(index) * stride)
    else:
        step = index if stride == 1 else text.value(f"mul nsw i64 {index}, {stride}")
    return text.value(f"getelementptr inbounds {LLVM_TYPES[dtype]}, ptr {place}, i64 {step}")


def _parameters(count: int) -> list[str]:
    return [f"%p{i}" for i in range(count)]
