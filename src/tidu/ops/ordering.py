"""Order: the permutation that sorts, and where a value would stand in a sorted row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import apply, shape_of
from tidu.core.kinds import Structured, batch_front
from tidu.core.primitive import Example, Formula, InterpretedOnly, Interval, NoGradient, Params
from tidu.core.spec import Shape, Spec
from tidu.core.structural import broadcast_to, reshape, sum_axes
from tidu.core.value import Value
from tidu.errors import ShapeError
from tidu.ops.convert import astype
from tidu.ops.declare import NO_LAWS, structured

__all__ = ["argsort", "searchsorted"]

_ANY = Interval(-3.0, 3.0)
_ORDER = NoGradient("an order is made of integers, which stay the same when the values move a little")
_SORTING = InterpretedOnly("NumPy's own sort")


def _sort_flops(operands: tuple[Spec, ...], out: Spec, params: Params) -> int:
    length = out.shape[cast("int", params["axis"])]
    return int(out.size * math.log2(max(length, 2)))


@structured(
    kind=Structured(
        name="ordering",
        shape=lambda x, axis: x,
        batched=lambda operands, flags, axis: argsort(operands[0], axis + 1),
        tried=(
            Example(((5,),), {"axis": 0}),
            Example(((3, 4),), {"axis": 0}),
            Example(((2, 3, 2),), {"axis": 1}),
            Example(((0, 3),), {"axis": 0}),
            Example(((1,),), {"axis": 0}),
        ),
        flops=_sort_flops,
        dtype=lambda x, axis: np.dtype(np.intp),
    ),
    numpy=[],
    evaluate=lambda x, axis: np.argsort(x, axis=axis, stable=True),
    pullback=[_ORDER],
    emit=_SORTING,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{argsort}}\,{0}", "argsort({0})", ("0",)),
    words={"en": "tells the order that sorts; ties stay as they stand", "zh": "给出排序的次序；相等者保持原序"},
    source="numpy.argsort, stable; NaN last",
)
def argsort_primitive(x: object, *, axis: int) -> object:
    """Return the numbers of the elements along `axis` in ascending order."""


def argsort(x: object, axis: int) -> Value:
    """Return the permutation that sorts each line along `axis`; equal elements keep their order, NaN comes last."""
    return apply(argsort_primitive, x, axis=axis)


def _searchsorted_shape(a: Shape, v: Shape, side: str) -> Shape:
    if len(a) != 1:
        raise ShapeError(f"searchsorted: expected a sorted vector, got shape {list(a)}", got=a)
    return v


def _batch_searchsorted(operands: Sequence[object], flags: Sequence[bool], *, side: str) -> Value:
    """Search one row for all values at once, or count in each sample's own row what comes before a value."""
    if not flags[0]:
        return apply(searchsorted_primitive, *operands, side=side)
    rows, values = (cast("Value", x) for x in batch_front(operands, flags))
    size, length = shape_of(rows)
    inner = shape_of(values)[1:]
    row = reshape(rows, (size, length, *(1,) * len(inner)))
    value = broadcast_to(reshape(values, (size, 1, *inner)), (size, length, *inner))
    before = row < value if side == "left" else row <= value
    # NaN stands behind every number, and behind or before other NaN as the side says
    last = value != value
    before = before | (last & (row == row)) if side == "left" else before | last
    return sum_axes(astype(before, np.intp), (1,))


@structured(
    kind=Structured(
        name="ordering",
        shape=_searchsorted_shape,
        batched=_batch_searchsorted,
        tried=(
            Example(((0,), (3,)), {"side": "left"}),
            Example(((1,), (3, 2)), {"side": "left"}),
            Example(((1,), ()), {"side": "right"}),
            Example(((1,), (0,)), {"side": "right"}),
        ),
        flops=lambda operands, out, params: int(out.size * math.log2(max(operands[0].size, 2))),
        dtype=lambda a, v, side: np.dtype(np.intp),
    ),
    numpy=[],
    evaluate=lambda a, v, side: cast("NDArray[np.generic]", np.searchsorted(a, v, side=side)),
    pullback=[_ORDER, _ORDER],
    emit=_SORTING,
    samples=[_ANY, _ANY],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{rank}}({1})", "searchsorted({0}, {1})", ("0", "0")),
    words={"en": "tells where a value belongs in a sorted row", "zh": "指出一个值在有序序列中的位置"},
    source="numpy.searchsorted",
)
def searchsorted_primitive(a: object, v: object, *, side: str) -> object:
    """Return the places in the sorted vector `a` before which the values belong."""


def searchsorted(a: object, v: object, side: str) -> Value:
    """Return how many elements of the sorted vector `a` are less (``left``), or not greater (``right``)."""
    return apply(searchsorted_primitive, a, v, side=side)
