"""Where the largest and the smallest element stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.core.bind import apply, shape_of
from tidu.core.kinds import Structured, normalize_axis
from tidu.core.primitive import Example, Formula, InterpretedOnly, Interval, NoGradient, Params
from tidu.core.spec import Dtype, Shape, Spec
from tidu.core.structural import reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError
from tidu.ops.declare import NO_LAWS, structured

__all__ = ["argmax", "argmin"]

_TRIED = (
    Example(((5,),), {"axis": 0}),
    Example(((3, 4),), {"axis": 1}),
    Example(((3, 4),), {"axis": 0}),
    Example(((2, 3, 2),), {"axis": 1}),
    Example(((0, 3),), {"axis": 1}),
)
_POSITION = NoGradient("a position has no derivative")
_LOOP = InterpretedOnly("carries a position beside the value, which a fold of one number cannot")


def _without_axis(x: Shape, axis: int) -> Shape:
    if x[axis] == 0:
        raise ShapeError(
            f"argmax and argmin of no elements have no value: shape {list(x)} along axis {axis}", shape=x, axis=axis
        )
    return (*x[:axis], *x[axis + 1 :])


def _int64(x: Dtype, axis: int) -> Dtype:
    return np.dtype(np.int64)


def _compare_all(operands: tuple[Spec, ...], out: Spec, params: Params) -> int:
    return operands[0].size


def _argmax(x: ArrayLike, axis: int) -> NDArray[np.int64]:
    return cast("NDArray[np.int64]", np.argmax(x, axis=axis).astype(np.int64, copy=False))


def _argmin(x: ArrayLike, axis: int) -> NDArray[np.int64]:
    return cast("NDArray[np.int64]", np.argmin(x, axis=axis).astype(np.int64, copy=False))


def _batch_argmax(operands: Sequence[object], flags: Sequence[bool], axis: int) -> Value:
    return apply(argmax_primitive, operands[0], axis=axis + 1)


def _batch_argmin(operands: Sequence[object], flags: Sequence[bool], axis: int) -> Value:
    return apply(argmin_primitive, operands[0], axis=axis + 1)


@structured(
    kind=Structured(
        name="ordering",
        shape=_without_axis,
        batched=_batch_argmax,
        tried=_TRIED,
        flops=_compare_all,
        dtype=_int64,
    ),
    numpy=[],
    evaluate=_argmax,
    pullback=[_POSITION],
    emit=_LOOP,
    samples=[Interval(-3.0, 3.0)],
    laws=NO_LAWS,
    formula=Formula(r"\arg\max {0}", "argmax({0})"),
    words={"en": "finds the position of the largest, the first at a tie", "zh": "求最大值的位置，并列时取第一个"},
    source="numpy.argmax: the first NaN if there is one",
)
def argmax_primitive(x: object, *, axis: int) -> object:
    """Return the position of the largest element along `axis`."""


@structured(
    kind=Structured(
        name="ordering",
        shape=_without_axis,
        batched=_batch_argmin,
        tried=_TRIED,
        flops=_compare_all,
        dtype=_int64,
    ),
    numpy=[],
    evaluate=_argmin,
    pullback=[_POSITION],
    emit=_LOOP,
    samples=[Interval(-3.0, 3.0)],
    laws=NO_LAWS,
    formula=Formula(r"\arg\min {0}", "argmin({0})"),
    words={"en": "finds the position of the smallest, the first at a tie", "zh": "求最小值的位置，并列时取第一个"},
    source="numpy.argmin: the first NaN if there is one",
)
def argmin_primitive(x: object, *, axis: int) -> object:
    """Return the position of the smallest element along `axis`."""


@implements(np.argmax)
def argmax(x: object, axis: int | None = None, *, keepdims: object = False) -> Value:
    """Return the position of the largest element, of the flat array if `axis` is None.

    Examples
    --------
    >>> int(argmax(np.array([1.0, 3.0, 2.0])))
    1
    """
    flat, along, kept = _along(x, axis, "argmax")
    found = apply(argmax_primitive, flat, axis=along)
    return reshape(found, kept) if keepdims is True else found


@implements(np.argmin)
def argmin(x: object, axis: int | None = None, *, keepdims: object = False) -> Value:
    """Return the position of the smallest element, of the flat array if `axis` is None.

    Examples
    --------
    >>> int(argmin(np.array([3.0, 1.0, 2.0])))
    1
    """
    flat, along, kept = _along(x, axis, "argmin")
    found = apply(argmin_primitive, flat, axis=along)
    return reshape(found, kept) if keepdims is True else found


def _along(x: object, axis: int | None, what: str) -> tuple[object, int, Shape]:
    """Return the operand with the axis to search, and the result's shape if the axis is kept."""
    shape = shape_of(x)
    if axis is None:
        return reshape(x, (int(np.prod(shape, dtype=np.int64)),)), 0, (1,) * len(shape)
    along = normalize_axis(axis, len(shape), what)
    return x, along, (*shape[:along], 1, *shape[along + 1 :])
