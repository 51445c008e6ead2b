"""Joining: arrays laid end to end along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from tidu.core.bind import apply, shape_of
from tidu.core.emit import Template
from tidu.core.kinds import Structured, batch_front, normalize_axis
from tidu.core.primitive import Example, Formula, find
from tidu.core.spec import Shape
from tidu.core.structural import reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError
from tidu.ops.convert import astype
from tidu.ops.declare import NO_LAWS, structured
from tidu.ops.movement import ANY, take_window

__all__ = ["concatenate"]


def _shape(*shapes: Shape, axis: int) -> Shape:
    first = shapes[0]
    for position, shape in enumerate(shapes):
        if len(shape) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(shape, first, strict=True)) if i != axis
        ):
            raise ShapeError(
                f"concatenate: array {position} of shape {list(shape)} does not fit {list(first)}; all lengths "
                f"but that of axis {axis} must be equal",
                expected=first,
                got=shape,
                position=position,
            )
    return (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :])


def _part(ct: Value, out: Value, *operands: Value, axis: int, position: int = 0) -> Value:
    """Cut out of the cotangent what stands where the operand stood."""
    shape = operands[position].shape
    start = [0] * len(shape)
    start[axis] = sum(x.shape[axis] for x in operands[:position])
    return take_window(ct, tuple(start), shape, (1,) * len(shape))


@structured(
    kind=Structured(
        name="movement",
        shape=_shape,
        batched=lambda operands, flags, axis: apply(find("concatenate"), *batch_front(operands, flags), axis=axis + 1),
        tried=(
            Example(((2,), (3,)), {"axis": 0}),
            Example(((2, 3), (2, 1), (2, 0)), {"axis": 1}),
            Example(((1, 2),), {"axis": 0}),
            Example(((0,), (0,)), {"axis": 0}),
        ),
    ),
    numpy=[],
    evaluate=lambda *operands, axis: np.concatenate(operands, axis=axis),
    pullback=[_part],
    emit=Template("concatenate"),
    samples=ANY,
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{concatenate}}({0}, \ldots)", "concatenate({0}, ...)"),
    words={"en": "lays end to end; the gradient is cut where they meet", "zh": "首尾相接；梯度在接缝处切开"},
    source="numpy.concatenate",
)
def concatenate_primitive(*operands: object, axis: int) -> object:
    """Return the operands laid end to end along `axis`."""


@implements(np.concatenate)
def concatenate(
    arrays: Sequence[object], axis: int | None = 0, *, dtype: object = None, casting: str = "same_kind"
) -> Value:
    """Return `arrays` laid end to end along an axis; flattened first if it is None.

    Parameters
    ----------
    arrays : sequence of array_like
        Of equal shape but along `axis`.
    axis : int or None
    dtype : dtype, optional
        That of the result; by default NumPy's promotion.

    Raises
    ------
    ShapeError
        If there are none, or their shapes do not fit.

    Examples
    --------
    >>> concatenate([np.array([1.0]), np.array([2.0, 3.0])])
    array([1., 2., 3.])
    """
    parts = list(_unpacked(arrays))
    if not parts:
        raise ShapeError("concatenate: expected at least one array, got none", got=0)
    if axis is None:
        parts = [reshape(x, (int(np.prod(shape_of(x))),)) for x in parts]
        axis = 0
    rank = len(shape_of(parts[0]))
    if not rank:
        raise ShapeError("concatenate: scalars cannot be concatenated; use np.stack", got=())
    joined = apply(concatenate_primitive, *parts, axis=normalize_axis(int(axis), rank, "concatenate"))
    return joined if dtype is None else astype(joined, dtype)


def _unpacked(arrays: Sequence[object]) -> list[object]:
    """Return the arrays of a sequence; one array counts as the sequence of its rows."""
    return [x if hasattr(x, "ndim") else np.asarray(x) for x in cast("Sequence[object]", list(arrays))]
