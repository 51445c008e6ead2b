"""Movement: the same elements in another shape or order, or with others between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np

from tidu.core.bind import apply, shape_of
from tidu.core.emit import Template
from tidu.core.kinds import Structured, normalize_axis
from tidu.core.primitive import Example, Formula, Interval, Laws
from tidu.core.spec import Shape
from tidu.core.structural import reshape as _reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError, UnsupportedError
from tidu.ops.declare import NO_LAWS, structured

__all__ = ["ANY", "broadcast_to", "embed", "reshape", "take_window", "transpose"]

ANY = (Interval(-3.0, 3.0),)


def _constant(x: object) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Return an array; that of a number belongs to nobody who could change it, and says so."""
    whole = np.asarray(x)
    if not isinstance(x, np.ndarray):
        whole.flags.writeable = False
    return whole


def _reshape_shape(x: Shape, **params: object) -> Shape:
    shape = cast("Shape", params["shape"])
    if math.prod(x) != math.prod(shape):
        raise ShapeError(
            f"reshape: {math.prod(x)} elements of shape {list(x)} do not fill shape {list(shape)}",
            got=x,
            expected=shape,
        )
    return shape


@structured(
    kind=Structured(
        name="movement",
        shape=_reshape_shape,
        batched=lambda operands, flags, shape: _reshape(operands[0], (shape_of(operands[0])[0], *shape)),
        tried=(
            Example(((2, 3),), {"shape": (6,)}),
            Example(((2, 3),), {"shape": (3, 1, 2)}),
            Example(((),), {"shape": (1, 1)}),
            Example(((0, 3),), {"shape": (3, 0)}),
        ),
    ),
    numpy=[],
    evaluate=lambda x, shape: np.reshape(_constant(x), shape),
    pullback=[lambda ct, out, x, shape: _reshape(ct, x.shape)],
    emit=Template("reshape"),
    samples=ANY,
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{reshape}}({0})", "reshape({0})"),
    words={"en": "gives the same elements another shape; so does the gradient", "zh": "改变形状；梯度按原形状传回"},
    source="numpy.reshape, row-major order",
)
def reshape_primitive(x: object, *, shape: Shape) -> object:
    """Return the same elements, in row-major order, in another shape."""


@implements(np.reshape)
def reshape(x: object, shape: object, order: str = "C", *, copy: object = None) -> Value:
    """Return the same elements in another shape; one length may be -1.

    Raises
    ------
    ShapeError
        If the number of elements differs.
    """
    if order not in ("C", "A", "F"):
        raise UnsupportedError(f"np.reshape with order {order!r}; 'C' and 'F' are known", function="np.reshape")
    size = math.prod(shape_of(x))
    lengths = [int(cast("int", shape))] if np.ndim(cast("int", shape)) == 0 else [int(n) for n in cast("Shape", shape)]
    if lengths.count(-1) > 1:
        raise ShapeError(f"reshape: only one length may be -1, got {lengths}", got=lengths)
    if -1 in lengths:
        others = math.prod(n for n in lengths if n != -1)
        if others == 0 or size % others:
            raise ShapeError(
                f"reshape: {size} elements of shape {list(shape_of(x))} do not fill {lengths}", got=lengths
            )
        lengths[lengths.index(-1)] = size // others
    if order == "F":
        return transpose(_reshape(transpose(x), tuple(reversed(lengths))))
    return cast("Value", x) if shape_of(x) == tuple(lengths) != () else _reshape(x, tuple(lengths))


def _broadcast_shape(x: Shape, **params: object) -> Shape:
    shape = cast("Shape", params["shape"])
    try:
        fits = np.broadcast_shapes(x, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"broadcast_to: shape {list(x)} does not broadcast to {list(shape)}", got=x, expected=shape)
    return shape


def _batch_broadcast(operands: Sequence[object], flags: Sequence[bool], *, shape: Shape) -> Value:
    size, *inner = shape_of(operands[0])
    padded = _reshape(operands[0], (size, *(1,) * (len(shape) - len(inner)), *inner))
    return broadcast_to(padded, (size, *shape))


@structured(
    kind=Structured(
        name="movement",
        shape=_broadcast_shape,
        batched=_batch_broadcast,
        tried=(
            Example(((),), {"shape": (2, 3)}),
            Example(((3, 1),), {"shape": (2, 3, 4)}),
            Example(((1,),), {"shape": (0,)}),
        ),
    ),
    numpy=[],
    evaluate=lambda x, shape: np.broadcast_to(_constant(x), shape),
    pullback=[lambda ct, out, x, shape: ct],
    emit=Template("broadcast_to"),
    samples=ANY,
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{broadcast}}({0})", "broadcast({0})"),
    words={"en": "repeats; the gradients of the copies are added up", "zh": "复制展开；各份的梯度相加"},
    source="NumPy's broadcasting rules",
)
def broadcast_to_primitive(x: object, *, shape: Shape) -> object:
    """Return `x` repeated to `shape`."""


@implements(np.broadcast_to)
def broadcast_to(x: object, shape: object, subok: bool = False) -> Value:
    """Return `x` repeated to `shape` by NumPy's rules.

    Raises
    ------
    ShapeError
        If it does not broadcast.
    """
    lengths = (int(cast("int", shape)),) if np.ndim(cast("int", shape)) == 0 else tuple(map(int, cast("Shape", shape)))
    return apply(broadcast_to_primitive, x, shape=lengths)


def _permute(x: object, axes: Sequence[int]) -> Value:
    return transpose(x, axes)


@structured(
    kind=Structured(
        name="movement",
        shape=lambda x, axes: tuple(x[a] for a in axes),
        batched=lambda operands, flags, axes: _permute(operands[0], (0, *(a + 1 for a in axes))),
        tried=(
            Example(((2, 3),), {"axes": (1, 0)}),
            Example(((2, 3, 4),), {"axes": (2, 0, 1)}),
            Example(((),), {"axes": ()}),
            Example(((0, 3),), {"axes": (1, 0)}),
        ),
    ),
    numpy=[],
    evaluate=lambda x, axes: np.transpose(x, axes),
    pullback=[lambda ct, out, x, axes: _permute(ct, [int(i) for i in np.argsort(axes)])],
    emit=Template("transpose"),
    samples=ANY,
    laws=Laws(),
    formula=Formula("{0}^T", "{0}.T"),
    words={"en": "permutes axes; the gradient is permuted back", "zh": "交换坐标轴；梯度换回原来的次序"},
    source="numpy.transpose",
)
def transpose_primitive(x: object, *, axes: tuple[int, ...]) -> object:
    """Return `x` with its axes permuted."""


@implements(np.transpose)
def transpose(x: object, axes: Sequence[int] | None = None) -> Value:
    """Return `x` with its axes permuted; reversed by default."""
    ndim = len(shape_of(x))
    order = tuple(range(ndim))[::-1] if axes is None else tuple(normalize_axis(int(a), ndim, "transpose") for a in axes)
    if sorted(order) != list(range(ndim)):
        raise ShapeError(f"transpose: {list(axes or ())} is not a permutation of {ndim} axes", got=axes, expected=ndim)
    return apply(transpose_primitive, x, axes=order)


def window(start: Shape, size: Shape, step: Shape) -> tuple[slice, ...]:
    """Return the basic index of a strided window; NumPy writes "down to the first element" as stop None."""
    slices = []
    for first, length, stride in zip(start, size, step, strict=True):
        stop = first + length * stride
        slices.append(slice(first, stop if stop >= 0 else None, stride) if length else slice(0, 0))
    return tuple(slices)


def _require_window(what: str, whole: Shape, start: Shape, size: Shape, step: Shape) -> None:
    ends = [s + (n - 1) * d for s, n, d in zip(start, size, step, strict=True)]
    if len(whole) != len(size) or any(
        n and not (0 <= s < total and 0 <= end < total)
        for total, s, end, n in zip(whole, start, ends, size, strict=True)
    ):
        raise ShapeError(
            f"{what}: a window of shape {list(size)} from {list(start)} by {list(step)} leaves shape {list(whole)}",
            got=size,
            expected=whole,
        )


def _slice_shape(x: Shape, *, start: Shape, size: Shape, step: Shape) -> Shape:
    _require_window("slice", x, start, size, step)
    return size


@structured(
    kind=Structured(
        name="movement",
        shape=_slice_shape,
        batched=lambda operands, flags, start, size, step: take_window(
            operands[0], (0, *start), (shape_of(operands[0])[0], *size), (1, *step)
        ),
        tried=(
            Example(((5,),), {"start": (1,), "size": (2,), "step": (2,)}),
            Example(((5,),), {"start": (4,), "size": (5,), "step": (-1,)}),
            Example(((3, 4),), {"start": (0, 1), "size": (3, 2), "step": (1, 1)}),
            Example(((3, 4),), {"start": (0, 0), "size": (0, 4), "step": (1, 1)}),
            Example(((0,),), {"start": (0,), "size": (0,), "step": (1,)}),
            Example(((),), {"start": (), "size": (), "step": ()}),
        ),
    ),
    numpy=[],
    evaluate=lambda x, start, size, step: np.asarray(x)[window(start, size, step)],
    pullback=[lambda ct, out, x, start, size, step: embed(ct, x.shape, start, step)],
    emit=Template("slice"),
    samples=ANY,
    laws=NO_LAWS,
    formula=Formula(r"{0}[\ldots]", "{0}[...]"),
    words={
        "en": "takes a part; the gradient goes to the part, zero to the rest",
        "zh": "取出一部分；梯度只传给这一部分，其余为零",
    },
    source="numpy.ndarray.__getitem__, basic indexing",
)
def slice_primitive(x: object, *, start: Shape, size: Shape, step: Shape) -> object:
    """Return the window of `size` elements along each axis, from `start`, every `step`-th one."""


def take_window(x: object, start: Shape, size: Shape, step: Shape) -> Value:
    """Return a strided window of `x`: element i of an axis is element ``start + i * step`` of `x`."""
    if size == shape_of(x) and all(d == 1 for d in step):
        return cast("Value", x)
    return apply(slice_primitive, x, start=start, size=size, step=step)


def _embed_shape(x: Shape, *, shape: Shape, start: Shape, step: Shape) -> Shape:
    _require_window("embed", shape, start, x, step)
    return shape


def _embed(x: object, shape: Shape, start: Shape, step: Shape) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    part = np.asarray(x)
    whole = np.zeros(shape, part.dtype)
    whole[window(start, part.shape, step)] = part
    return whole


@structured(
    kind=Structured(
        name="movement",
        shape=_embed_shape,
        batched=lambda operands, flags, shape, start, step: embed(
            operands[0], (shape_of(operands[0])[0], *shape), (0, *start), (1, *step)
        ),
        tried=(
            Example(((2,),), {"shape": (5,), "start": (1,), "step": (2,)}),
            Example(((5,),), {"shape": (5,), "start": (4,), "step": (-1,)}),
            Example(((3, 2),), {"shape": (4, 4), "start": (0, 1), "step": (1, 1)}),
            Example(((0,),), {"shape": (3,), "start": (0,), "step": (1,)}),
            Example(((),), {"shape": (), "start": (), "step": ()}),
        ),
    ),
    numpy=[],
    evaluate=_embed,
    pullback=[lambda ct, out, x, shape, start, step: take_window(ct, start, x.shape, step)],
    emit=Template("embed"),
    samples=ANY,
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{embed}}({0})", "embed({0})"),
    words={"en": "surrounds with zeros; the gradient takes the part back out", "zh": "用零包围；梯度取回原来的部分"},
    source="numpy.pad with zeros; the transpose of a slice",
)
def embed_primitive(x: object, *, shape: Shape, start: Shape, step: Shape) -> object:
    """Return zeros of `shape` in which `x` stands from `start`, `step` apart."""


def embed(x: object, shape: Shape, start: Shape, step: Shape) -> Value:
    """Return zeros of `shape` with `x` as the window from `start` by `step`: the transpose of `take_window`."""
    return apply(embed_primitive, x, shape=shape, start=start, step=step)
