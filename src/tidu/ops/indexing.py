"""Indexing with integer arrays: taking elements out, and its transpose, adding them back in.

The normal form indexes the LEADING axes with integer arrays that broadcast together; what NumPy's
brackets mean beyond that (slices, masks, where the axes go) is put into this form elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import apply, shape_of
from tidu.core.emit import Template
from tidu.core.kinds import Structured, batch_front
from tidu.core.primitive import Example, Formula, InterpretedOnly, Interval, NoGradient
from tidu.core.spec import Dtype, Shape
from tidu.core.structural import reshape
from tidu.core.value import Value
from tidu.errors import DtypeError, ShapeError
from tidu.ops.declare import NO_LAWS, structured

__all__ = ["IndexRangeError", "gather", "last_writer", "scatter_add"]

Integers = NDArray[np.intp]

_NOT_YET = InterpretedOnly("the last of many writers: the interpreter's own loops")
_NO_INDEX = NoGradient("an index is an integer")
_ANY = Interval(-3.0, 3.0)


class IndexRangeError(ShapeError, IndexError):
    """An index lies outside its axis, or cannot be an index."""


def _index_shape(what: str, whole: Shape, indices: Sequence[Shape]) -> Shape:
    """Return what the indices broadcast to."""
    if len(indices) > len(whole):
        raise IndexRangeError(
            f"{what}: {len(indices)} indices for an array of {len(whole)} dimension(s)",
            got=len(indices),
            expected=whole,
        )
    try:
        return np.broadcast_shapes(*indices)
    except ValueError:
        shown = " and ".join(str(list(shape)) for shape in indices)
        raise IndexRangeError(f"{what}: index arrays of shapes {shown} do not broadcast", got=tuple(indices)) from None


def _indexed_dtype(x: Dtype, *indices: Dtype, **params: object) -> Dtype:
    if any(dtype.kind not in "iu" for dtype in indices):
        raise DtypeError(f"an index must be an integer array, got {[str(d) for d in indices]}", got=indices)
    return x


def _in_range(what: str, lengths: Shape, indices: Sequence[object]) -> list[Integers]:
    """Return the indices, checked and made non-negative."""
    checked = []
    for axis, (length, index) in enumerate(zip(lengths, indices, strict=False)):
        array = np.asarray(index, np.intp)
        outside = (array < -length) | (array >= length)
        if outside.any():
            value = int(array[outside].flat[0])
            raise IndexRangeError(
                f"{what}: index {value} is out of bounds for axis {axis} with length {length}",
                got=value,
                expected=length,
            )
        checked.append(np.where(array < 0, array + length, array))
    return checked


def _aligned_index(operands: Sequence[object], flags: Sequence[bool], rank: int) -> list[object]:
    """Pad batched indices after the batch axis, so that the others broadcast against their last axes."""
    aligned = []
    for x, flag in zip(operands, flags, strict=True):
        shape = shape_of(x)
        missing = rank - (len(shape) - flag)
        aligned.append(reshape(x, (shape[0], *(1,) * missing, *shape[1:])) if flag and missing else x)
    return aligned


def _with_batch_index(operands: Sequence[object], flags: Sequence[bool], size: int) -> list[object]:
    """Return indices, the first of which walks along the batch axis."""
    rank = max(len(shape_of(x)) - flag for x, flag in zip(operands, flags, strict=True))
    walk = np.arange(size).reshape(size, *(1,) * rank)
    return [walk, *_aligned_index(operands, flags, rank)]


def _batch_gather(operands: Sequence[object], flags: Sequence[bool]) -> Value:
    x, *indices = operands
    if flags[0]:
        return gather(x, *_with_batch_index(indices, flags[1:], shape_of(x)[0]))
    rank = max(len(shape_of(i)) - flag for i, flag in zip(indices, flags[1:], strict=True))
    return gather(x, *_aligned_index(indices, flags[1:], rank))


def _gather(x: object, *indices: object) -> NDArray[np.generic]:
    array = np.asarray(x)
    return cast("NDArray[np.generic]", array[tuple(_in_range("indexing", array.shape, indices))])


@structured(
    kind=Structured(
        name="indexing",
        shape=lambda x, *indices: (*_index_shape("indexing", x, indices), *x[len(indices) :]),
        batched=_batch_gather,
        tried=(
            Example(((5,), (3,)), integers={1: 5}),
            Example(((4, 3), (2, 2)), integers={1: 4}),
            Example(((4, 3), (2, 1), (3,)), integers={1: 4, 2: 3}),
            Example(((4,), ()), integers={1: 4}),
            Example(((4, 2), (0,)), integers={1: 4}),
        ),
        dtype=_indexed_dtype,
    ),
    numpy=[],
    evaluate=_gather,
    pullback=[lambda ct, out, x, *indices: scatter_add(ct, *indices, shape=x.shape), _NO_INDEX],
    emit=Template("gather"),
    samples=[_ANY, _ANY],
    laws=NO_LAWS,
    formula=Formula(r"{0}[{1}]", "{0}[{1}]"),
    words={
        "en": "takes elements by number; each gradient is added where its element came from",
        "zh": "按下标取元素；梯度加回元素原来的位置",
    },
    source="numpy.ndarray.__getitem__, integer array indexing",
)
def gather_primitive(x: object, *indices: object) -> object:
    """Return the elements of `x` at `indices` of its leading axes."""


def gather(x: object, *indices: object) -> Value:
    """Return ``x[indices]`` for integer arrays that broadcast together; they index the leading axes."""
    return apply(gather_primitive, x, *indices)


def _scatter_shape(ct: Shape, *indices: Shape, shape: Shape) -> Shape:
    expected = (*_index_shape("scatter_add", shape, indices), *shape[len(indices) :])
    if ct != expected:
        raise ShapeError(
            f"scatter_add: the values have shape {list(ct)}, expected {list(expected)}", expected=expected, got=ct
        )
    return shape


def _batch_scatter(operands: Sequence[object], flags: Sequence[bool], *, shape: Shape) -> Value:
    (ct, *indices) = operands
    if not flags[0]:
        ct = batch_front(operands, flags)[0]
    size = shape_of(ct)[0]
    return scatter_add(ct, *_with_batch_index(indices, flags[1:], size), shape=(size, *shape))


def _scatter_add(ct: object, *indices: object, shape: Shape) -> NDArray[np.generic]:
    """Add on flat positions: NumPy's `add.at` is fast for one aligned index only."""
    values = np.asarray(ct)
    lead = shape[: len(indices)]
    cells = (
        np.ravel_multi_index(tuple(np.broadcast_arrays(*_in_range("scatter_add", lead, indices))), lead)
        if math.prod(lead)
        else np.zeros(0, np.intp)
    )
    width = math.prod(shape[len(indices) :])
    positions = (np.asarray(cells, np.intp).reshape(-1, 1) * width + np.arange(width)).ravel()
    whole = np.zeros(math.prod(shape), values.dtype)
    np.add.at(whole, positions, values.ravel())
    return whole.reshape(shape)


@structured(
    kind=Structured(
        name="indexing",
        shape=_scatter_shape,
        batched=_batch_scatter,
        tried=(
            Example(((3,), (3,)), {"shape": (5,)}, integers={1: 5}),
            Example(((6, 3), (6,)), {"shape": (2, 3)}, integers={1: 2}),
            Example(((2, 3), (2, 1), (3,)), {"shape": (4, 3)}, integers={1: 4, 2: 3}),
            Example(((), ()), {"shape": (4,)}, integers={1: 4}),
            Example(((0, 2), (0,)), {"shape": (4, 2)}, integers={1: 4}),
        ),
        flops=lambda operands, out, params: operands[0].size,
        dtype=_indexed_dtype,
    ),
    numpy=[],
    evaluate=_scatter_add,
    pullback=[lambda ct, out, values, *indices, shape: gather(ct, *indices), _NO_INDEX],
    emit=Template("scatter_add"),
    samples=[_ANY, _ANY],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{scatter}}({0}, {1})", "scatter_add({0}, {1})"),
    words={
        "en": "adds values into zeros by number; each value gets the gradient of its place",
        "zh": "按下标把值加进零数组；每个值得到所在位置的梯度",
    },
    source="numpy.add.at",
)
def scatter_add_primitive(values: object, *indices: object, shape: Shape) -> object:
    """Return zeros of `shape` to which the values are added at `indices` of the leading axes."""


def scatter_add(values: object, *indices: object, shape: Shape) -> Value:
    """Return zeros of `shape` with `values` added at `indices`: the transpose of `gather`."""
    return apply(scatter_add_primitive, values, *indices, shape=shape)


def _last_writer(*indices: object, shape: Shape) -> Integers:
    checked = tuple(np.broadcast_arrays(*_in_range("assignment", shape, indices)))
    winner = np.full(shape, -1, np.intp)
    # the order of NumPy's own assignment with repeated indices is row-major in practice, not by promise
    if math.prod(shape):
        cells = np.ravel_multi_index(checked, shape).ravel()
        np.maximum.at(winner.reshape(-1), cells, np.arange(cells.size))
    return winner


def _batch_last_writer(operands: Sequence[object], flags: Sequence[bool], *, shape: Shape) -> Value:
    """Number the writers within each sample: the batch's count starts anew in every one."""
    size = next(shape_of(x)[0] for x, flag in zip(operands, flags, strict=True) if flag)
    rank = max(len(shape_of(x)) - flag for x, flag in zip(operands, flags, strict=True))
    inner = np.broadcast_shapes(
        *[shape_of(x)[1:] if flag else shape_of(x) for x, flag in zip(operands, flags, strict=True)]
    )
    walk = np.arange(size).reshape(size, *(1,) * rank)
    found = apply(last_writer_primitive, walk, *_aligned_index(operands, flags, rank), shape=(size, *shape))
    offset = np.arange(size).reshape(size, *(1,) * len(shape)) * math.prod(inner)
    return np.maximum(found - offset, -1)  # type: ignore[call-overload, no-any-return]


@structured(
    kind=Structured(
        name="indexing",
        shape=lambda *indices, shape: (_index_shape("assignment", shape, indices), shape)[1],
        batched=_batch_last_writer,
        tried=(
            Example(((6,),), {"shape": (4,)}, integers={0: 4}),
            Example(((2, 1), (3,)), {"shape": (4, 3)}, integers={0: 4, 1: 3}),
            Example(((),), {"shape": (3,)}, integers={0: 3}),
            Example(((0,),), {"shape": (3,)}, integers={0: 3}),
        ),
        dtype=lambda *indices, shape: np.dtype(np.intp),
    ),
    numpy=[],
    evaluate=_last_writer,
    pullback=[_NO_INDEX],
    emit=_NOT_YET,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{writer}}({0})", "last_writer({0})"),
    words={"en": "tells which value is written last to each place", "zh": "指出每个位置最后写入的是哪个值"},
    source="numpy.ndarray.__setitem__ with repeated indices: the last value stays",
)
def last_writer_primitive(*indices: object, shape: Shape) -> object:
    """Return for each place the number of the last value that is written to it, or -1."""


def last_writer(*indices: object, shape: Shape) -> Value:
    """Return an integer array of `shape`: which of the indexed values (in row-major order) is written last, or -1."""
    return apply(last_writer_primitive, *indices, shape=shape)
