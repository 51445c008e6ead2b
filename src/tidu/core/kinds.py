"""What operations of one kind have in common: shape rule, batching rule, cost, examples.

A kind knows no operation by name but the structural ones; what differs between operations of a kind
(where a reshape takes the axes) stands in their records, as the fields of the kind's object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import cast

import numpy as np

from tidu.core.bind import apply, shape_of
from tidu.core.primitive import Cost, Example, Param, Params, Primitive
from tidu.core.spec import Dtype, Shape, Spec
from tidu.core.structural import broadcast_to, reshape
from tidu.errors import ShapeError

__all__ = ["Elementwise", "Reduction", "Structured", "batch_front", "normalize_axes", "normalize_axis"]

_BROADCAST_SHAPES: Mapping[int, tuple[tuple[Shape, ...], ...]] = {
    1: (((),), ((1,),), ((7,),), ((3, 4),), ((0, 3),)),
    2: (((), ()), ((7,), (7,)), ((3, 1), (1, 4)), ((2, 3), (3,)), ((), (3,)), ((0, 3), (1, 3))),
    3: (((), (), ()), ((4,), (4,), (4,)), ((3, 1), (1, 4), (4,)), ((2, 3), (), (3,)), ((0, 3), (3,), ())),
}


@dataclass(frozen=True, slots=True)
class Elementwise:
    """One result element from one element of each operand, broadcast by NumPy's rules.

    Parameters
    ----------
    flops : int
        Counted for one element; a transcendental function counts as 10.
    """

    flops: int = 1
    name: str = "elementwise"

    def spec(self, primitive: Primitive, operands: tuple[Spec, ...], params: Params) -> Spec:
        """Broadcast the shapes; the dtype is what NumPy's own function gives."""
        return _broadcast(primitive, operands, _frozen(params))

    def batch(
        self, primitive: Primitive, operands: Sequence[object], batched: Sequence[bool], params: Params
    ) -> object:
        """Pad the batched operands with axes of length one after the batch axis, so that the others align."""
        rank = max(len(shape_of(x)) - flag for x, flag in zip(operands, batched, strict=True))
        aligned = []
        for x, flag in zip(operands, batched, strict=True):
            shape = shape_of(x)
            padding = rank - (len(shape) - 1)
            aligned.append(reshape(x, (shape[0], *(1,) * padding, *shape[1:])) if flag and padding else x)
        return apply(primitive, *aligned, **params)

    def cost(self, primitive: Primitive, operands: tuple[Spec, ...], out: Spec, params: Params) -> Cost:
        """Count each operand and the result once."""
        return Cost(self.flops * out.size, sum(spec.nbytes for spec in operands) + out.nbytes)

    def examples(self, primitive: Primitive) -> Sequence[Example]:
        """Return broadcasts of every sort, scalars and empty arrays among them."""
        return [Example(shapes) for shapes in _BROADCAST_SHAPES[len(primitive.samples)]]


@dataclass(frozen=True, slots=True)
class Reduction:
    """One result element from all elements along `axis`; parameters ``axis`` (a tuple) and ``keepdims``.

    Parameters
    ----------
    of_empty : bool
        Whether the reduction of no elements has a meaning.
    """

    of_empty: bool = True
    name: str = "reduction"

    def spec(self, primitive: Primitive, operands: tuple[Spec, ...], params: Params) -> Spec:
        """Drop the axes, or keep them with length one."""
        (x,) = operands
        axes, keepdims = cast("tuple[int, ...]", params["axis"]), params["keepdims"]
        if not self.of_empty and any(x.shape[a] == 0 for a in axes):
            raise ShapeError(
                f"{primitive.name} of no elements has no value: shape {list(x.shape)} along axis {list(axes)}",
                shape=x.shape,
                axis=axes,
            )
        kept = [1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes]
        dtype = _evaluated_dtype(primitive, (x.dtype,), (("axis", (0,)), ("keepdims", False)), (1,))
        return Spec(tuple(kept), dtype)

    def batch(
        self, primitive: Primitive, operands: Sequence[object], batched: Sequence[bool], params: Params
    ) -> object:
        """Shift the axes past the batch axis."""
        axes = cast("tuple[int, ...]", params["axis"])
        return apply(primitive, *operands, **{**params, "axis": tuple(a + 1 for a in axes)})

    def cost(self, primitive: Primitive, operands: tuple[Spec, ...], out: Spec, params: Params) -> Cost:
        """Count one operation for each element read."""
        return Cost(operands[0].size, operands[0].nbytes + out.nbytes)

    def examples(self, primitive: Primitive) -> Sequence[Example]:
        """Return every set of axes of a few shapes, with and without keepdims."""
        shapes: list[Shape] = [(), (5,), (3, 4), (2, 3, 2)]
        if self.of_empty:
            shapes += [(0,), (0, 3)]
        return [
            Example((shape,), {"axis": axes, "keepdims": keepdims})
            for shape in shapes
            for count in range(len(shape) + 1)
            for axes in combinations(range(len(shape)), count)
            for keepdims in (False, True)
            if axes or not shape
        ]


@dataclass(frozen=True, slots=True)
class Structured:
    """A kind whose shape arithmetic differs from operation to operation, and stands in the record.

    Parameters
    ----------
    name : str
        ``movement``, ``contraction``, ``indexing``, ``ordering``, ``linear algebra``, ``conversion`` ...
    shape : callable
        ``shape(*operand_shapes, **params)`` -> the result's shape; raises ShapeError.
    batched : callable
        ``batched(operands, flags, **params)`` -> the result with the batch axis in front, in traced
        operations; a flag tells which operands have the batch axis (in front).
    tried : tuple of Example
        Shapes and parameters for the suite.
    flops : callable
        ``flops(operand_specs, out, params)``; movement costs none.
    dtype : callable
        ``dtype(*operand_dtypes, **params)`` -> the result's dtype; by default NumPy's promotion.
    """

    name: str
    shape: Callable[..., Shape]
    batched: Callable[..., object]
    tried: tuple[Example, ...]
    flops: Callable[[tuple[Spec, ...], Spec, Params], int] = field(default=lambda operands, out, params: 0)
    dtype: Callable[..., Dtype] = field(default=lambda *dtypes, **params: np.result_type(*dtypes))

    def spec(self, primitive: Primitive, operands: tuple[Spec, ...], params: Params) -> Spec:
        """Ask the record's own rule."""
        shape = self.shape(*[spec.shape for spec in operands], **params)
        return Spec(shape, self.dtype(*[spec.dtype for spec in operands], **params))

    def batch(
        self, primitive: Primitive, operands: Sequence[object], batched: Sequence[bool], params: Params
    ) -> object:
        """Ask the record's own rule."""
        return self.batched(operands, batched, **params)

    def cost(self, primitive: Primitive, operands: tuple[Spec, ...], out: Spec, params: Params) -> Cost:
        """Ask the record's own rule for the operations; count each operand and the result once."""
        return Cost(self.flops(operands, out, params), sum(spec.nbytes for spec in operands) + out.nbytes)

    def examples(self, primitive: Primitive) -> Sequence[Example]:
        """Return the record's own."""
        return self.tried


def batch_front(operands: Sequence[object], flags: Sequence[bool]) -> list[object]:
    """Give every operand the batch axis in front, repeating those that lack it."""
    size = next(shape_of(x)[0] for x, flag in zip(operands, flags, strict=True) if flag)
    return [x if flag else broadcast_to(x, (size, *shape_of(x))) for x, flag in zip(operands, flags, strict=True)]


def normalize_axis(axis: int, ndim: int, what: str) -> int:
    """Return a non-negative axis.

    Raises
    ------
    ShapeError
        If there is no such axis.
    """
    if not -ndim <= axis < ndim:
        raise ShapeError(f"{what}: axis {axis} is out of range for {ndim} dimension(s)", axis=axis, ndim=ndim)
    return axis % ndim


def normalize_axes(axis: int | Sequence[int] | None, ndim: int, what: str) -> tuple[int, ...]:
    """Return sorted non-negative axes; None means all.

    Raises
    ------
    ShapeError
        If an axis is out of range or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    axes = [axis] if isinstance(axis, (int, np.integer)) else list(axis)
    normal = sorted(normalize_axis(int(a), ndim, what) for a in axes)
    if len(set(normal)) != len(normal):
        raise ShapeError(f"{what}: axis {axes} names an axis twice", axis=axes, ndim=ndim)
    return tuple(normal)


def _frozen(params: Params) -> tuple[tuple[str, Param], ...]:
    return tuple(sorted(params.items())) if params else ()


@lru_cache(maxsize=4096)
def _broadcast(primitive: Primitive, operands: tuple[Spec, ...], params: tuple[tuple[str, Param], ...]) -> Spec:
    """Return the spec of an elementwise result; a network's layers ask for the same few again and again."""
    different = {spec.shape for spec in operands} - {()}
    try:
        shape = np.broadcast_shapes(*different) if len(different) > 1 else (*different, ())[0]
    except ValueError:
        shapes = " and ".join(str(list(spec.shape)) for spec in operands)
        raise ShapeError(
            f"{primitive.name}: shapes {shapes} cannot be broadcast together; "
            "axes are matched from the last one and must be equal or 1",
            shapes=tuple(spec.shape for spec in operands),
        ) from None
    return Spec(shape, _evaluated_dtype(primitive, tuple(spec.dtype for spec in operands), params))


@lru_cache(maxsize=4096)
def _evaluated_dtype(
    primitive: Primitive, dtypes: tuple[Dtype, ...], params: tuple[tuple[str, Param], ...], shape: Shape = (0,)
) -> Dtype:
    """Return the dtype of the primitive's own result on a tiny array: NumPy's word is the rule."""
    result = primitive.evaluate(*[np.ones(shape, dtype) for dtype in dtypes], **dict(params))
    return cast("Dtype", np.asarray(result).dtype)
