"""Running sums and products along an axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidu.core.bind import apply, shape_of
from tidu.core.kinds import Structured, normalize_axis
from tidu.core.primitive import Example, Formula, InterpretedOnly, Interval, Params
from tidu.core.spec import Dtype, Shape, Spec
from tidu.core.structural import broadcast_to, convert, reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.ops.declare import NO_LAWS, structured
from tidu.ops.join import concatenate
from tidu.ops.movement import embed, take_window

__all__ = ["cumprod", "cumsum"]

_SHAPES = (((5,), 0), ((3, 4), 0), ((3, 4), 1), ((2, 3, 2), 1), ((1,), 0), ((0, 3), 0), ((2, 0), 1))
_RUNNING = InterpretedOnly("each element waits for the one before: NumPy's own loop serves")


def _one_per_element(operands: tuple[Spec, ...], out: Spec, params: Params) -> int:
    return out.size


def _accumulated(accumulate: Callable[..., NDArray[np.generic]]) -> Callable[..., Dtype]:
    """NumPy widens small integers here, so its own result on one element is asked."""

    def dtype(x: Dtype, **params: object) -> Dtype:
        return accumulate(np.ones(1, x)).dtype

    return dtype


def _cumsum(x: ArrayLike, axis: int, reverse: bool) -> NDArray[np.generic]:
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)


def _batch_cumsum(operands: Sequence[object], flags: Sequence[bool], axis: int, reverse: bool) -> Value:
    return apply(cumsum_primitive, operands[0], axis=axis + 1, reverse=reverse)


def _batch_cumprod(operands: Sequence[object], flags: Sequence[bool], axis: int) -> Value:
    return apply(cumprod_primitive, operands[0], axis=axis + 1)


def _pull_cumsum(ct: Value, out: Value, x: Value, axis: int, reverse: bool) -> Value:
    """An element is in every sum from its own on, so the cotangents are added up from the other end."""
    return apply(cumsum_primitive, ct, axis=axis, reverse=not reverse)


@structured(
    kind=Structured(
        name="cumulative",
        shape=lambda x, axis, reverse: x,
        batched=_batch_cumsum,
        tried=tuple(
            Example((shape,), {"axis": axis, "reverse": reverse})
            for shape, axis in _SHAPES
            for reverse in (False, True)
        ),
        flops=_one_per_element,
        dtype=_accumulated(np.cumsum),
    ),
    numpy=[],
    evaluate=_cumsum,
    pullback=[_pull_cumsum],
    emit=_RUNNING,
    samples=[Interval(-3.0, 3.0)],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{cumsum}}({0})", "cumsum({0})"),
    words={
        "en": "adds up as it goes; the gradients are added up from the end",
        "zh": "累加；梯度从末尾向前累加",
    },
    source="numpy.cumsum",
)
def cumsum_primitive(x: object, *, axis: int, reverse: bool) -> object:
    """Return the sums of all elements up to each one along `axis`; from each one on if `reverse`."""


@implements(np.cumsum)
def cumsum(x: object, axis: int | None = None, dtype: object = None) -> Value:
    """Return the running sums along `axis`, of the flat array if it is None.

    Examples
    --------
    >>> cumsum(np.array([1.0, 2.0, 3.0]))
    array([1., 3., 6.])
    """
    flat, along = _prepared(x, axis, dtype, "cumsum")
    return apply(cumsum_primitive, flat, axis=along, reverse=False)


def _shifted(x: Value, axis: int, by: int) -> Value:
    """Return element i + `by` at place i, zeros past the end."""
    size = tuple(max(n - by, 0) if a == axis else n for a, n in enumerate(x.shape))
    start = tuple(by if a == axis else 0 for a in range(x.ndim))
    ones, origin = (1,) * x.ndim, (0,) * x.ndim
    return embed(take_window(x, start, size, ones), x.shape, origin, ones)


def _pull_cumprod(ct: Value, out: Value, x: Value, axis: int) -> Value:
    """Divide by nothing, so that zeros need no special case, to any order.

    The cotangent of x[j] is (x[0] ... x[j-1]) * r[j] with r[j] = ct[j] + x[j+1] * r[j+1]. That recurrence
    is solved by doubling: after s steps r holds the terms of s elements, and f their factors.
    """
    n = x.shape[axis]
    if n == 0:
        return ct
    r, f, step = ct, _shifted(x, axis, 1), 1
    while step < n:
        r = r + f * _shifted(r, axis, step)
        f = f * _shifted(f, axis, step)
        step *= 2
    first = tuple(1 if a == axis else length for a, length in enumerate(x.shape))
    size = tuple(n - 1 if a == axis else length for a, length in enumerate(x.shape))
    before = take_window(out, (0,) * x.ndim, size, (1,) * x.ndim)
    one = broadcast_to(convert(1.0, x.dtype), first)
    return concatenate([one, before], axis=axis) * r


@structured(
    kind=Structured(
        name="cumulative",
        shape=lambda x, axis: x,
        batched=_batch_cumprod,
        tried=tuple(Example((shape,), {"axis": axis}) for shape, axis in _SHAPES),
        flops=_one_per_element,
        dtype=_accumulated(np.cumprod),
    ),
    numpy=[],
    evaluate=lambda x, axis: np.cumprod(x, axis),
    pullback=[_pull_cumprod],
    emit=_RUNNING,
    samples=[Interval(-2.0, 2.0)],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{cumprod}}({0})", "cumprod({0})"),
    words={"en": "multiplies up as it goes", "zh": "累乘"},
    source="numpy.cumprod; the recurrence after Blelloch, Prefix Sums and Their Applications (1990), section 1.4",
)
def cumprod_primitive(x: object, *, axis: int) -> object:
    """Return the products of all elements up to each one along `axis`."""


@implements(np.cumprod)
def cumprod(x: object, axis: int | None = None, dtype: object = None) -> Value:
    """Return the running products along `axis`, of the flat array if it is None.

    Examples
    --------
    >>> cumprod(np.array([1.0, 2.0, 3.0]))
    array([1., 2., 6.])
    """
    flat, along = _prepared(x, axis, dtype, "cumprod")
    return apply(cumprod_primitive, flat, axis=along)


def _prepared(x: object, axis: int | None, dtype: object, what: str) -> tuple[object, int]:
    """Return the operand, cast and flattened as asked, and the axis."""
    if dtype is not None:
        x = convert(x, np.dtype(dtype))  # type: ignore[call-overload]
    shape: Shape = shape_of(x)
    if axis is None or not shape:
        return reshape(x, (int(np.prod(shape, dtype=np.int64)),)), 0
    return x, normalize_axis(axis, len(shape), what)
