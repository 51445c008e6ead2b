"""Products of vectors, matrices and tensors, each as one matrix product or one elementwise product."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axis
from tidu.core.structural import reshape, sum_axes
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError
from tidu.functions.layout import flip
from tidu.functions.sampled import convolve
from tidu.functions.shapes import moveaxis, pick, ravel, stack
from tidu.ops.arithmetic import multiply
from tidu.ops.contract import dot, matmul
from tidu.ops.linear_algebra import inv
from tidu.ops.movement import transpose

__all__ = ["inner", "kron", "outer", "tensordot", "vecdot"]


def _named(module: object, *names: str) -> list[Callable[..., object]]:
    """Return the functions of those names that this NumPy has."""
    return [getattr(module, name) for name in names if hasattr(module, name)]


implements(np.linalg.matmul)(matmul)


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: object, b: object, axes: object = 2) -> Value:
    """Return the product of `a` and `b` summed over pairs of axes.

    Parameters
    ----------
    a, b : array_like
    axes : int or pair
        The last `axes` of `a` with the first of `b`, or the axes of `a` and those of `b`.

    Raises
    ------
    ShapeError
        If paired lengths differ.
    """
    left, right = shape_of(a), shape_of(b)
    if np.ndim(cast("int", axes)) == 0 and not isinstance(axes, Sequence):
        count = int(cast("int", axes))
        if count > min(len(left), len(right)) or count < 0:
            raise ShapeError(f"tensordot: {count} axes of shapes {list(left)} and {list(right)}", axes=axes)
        of_left, of_right = list(range(len(left) - count, len(left))), list(range(count))
    else:
        first, second = cast("Sequence[ArrayLike]", axes)
        of_left = [normalize_axis(int(i), len(left), "tensordot") for i in np.atleast_1d(first)]
        of_right = [normalize_axis(int(i), len(right), "tensordot") for i in np.atleast_1d(second)]
    if [left[i] for i in of_left] != [right[i] for i in of_right]:
        raise ShapeError(
            f"tensordot: axes {of_left} of shape {list(left)} do not have the lengths of axes {of_right} of shape "
            f"{list(right)}",
            axes=(of_left, of_right),
        )
    keep_left = [i for i in range(len(left)) if i not in of_left]
    keep_right = [i for i in range(len(right)) if i not in of_right]
    shared = math.prod(left[i] for i in of_left)
    rows = tuple(left[i] for i in keep_left)
    columns = tuple(right[i] for i in keep_right)
    product = matmul(
        reshape(transpose(a, keep_left + of_left), (math.prod(rows), shared)),
        reshape(transpose(b, of_right + keep_right), (shared, math.prod(columns))),
    )
    return reshape(product, rows + columns)


@implements(np.inner)
def inner(a: object, b: object, /) -> Value:
    """Return the sums of products over the last axes of both."""
    left, right = shape_of(a), shape_of(b)
    return tensordot(a, b, ((-1,), (-1,))) if left and right else multiply(a, b)


@implements(np.outer)
def outer(a: object, b: object, out: None = None) -> Value:
    """Return the products of each element of `a` with each of `b`, both flattened."""
    return multiply(reshape(ravel(a), (math.prod(shape_of(a)), 1)), ravel(b))


@implements(np.linalg.outer)
def vector_outer(x1: object, x2: object, /) -> Value:
    """Return the products of each element of a vector with each of another."""
    if len(shape_of(x1)) != 1 or len(shape_of(x2)) != 1:
        raise ShapeError(
            f"linalg.outer: expected two vectors, got shapes {list(shape_of(x1))} and {list(shape_of(x2))}",
            got=(shape_of(x1), shape_of(x2)),
        )
    return outer(x1, x2)


@implements(np.vdot)
def vdot(a: object, b: object, /) -> Value:
    """Return the sum of the products of all elements."""
    left, right = math.prod(shape_of(a)), math.prod(shape_of(b))
    if left != right:
        raise ShapeError(f"vdot: {left} elements do not pair with {right}", expected=left, got=right)
    return dot(ravel(a), ravel(b))


@implements(*_named(np, "vecdot"), np.linalg.vecdot)
def vecdot(x1: object, x2: object, /, *, axis: int = -1) -> Value:
    """Return the sums of products along an axis of both."""
    left, right = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)
    if left.shape[-1] != right.shape[-1]:
        raise ShapeError(
            f"vecdot: length {left.shape[-1]} does not pair with {right.shape[-1]}", got=(left.shape, right.shape)
        )
    product = multiply(left, right)
    return sum_axes(product, (product.ndim - 1,))


@implements(*_named(np, "matvec"))
def matvec(x1: object, x2: object, /) -> Value:
    """Return the products of matrices with vectors, each in the last axes of a stack."""
    product = matmul(x1, reshape(x2, (*shape_of(x2), 1)))
    return reshape(product, product.shape[:-1])


@implements(*_named(np, "vecmat"))
def vecmat(x1: object, x2: object, /) -> Value:
    """Return the products of vectors with matrices, each in the last axes of a stack."""
    *rest, length = shape_of(x1)
    product = matmul(reshape(x1, (*rest, 1, length)), x2)
    return reshape(product, (*product.shape[:-2], product.shape[-1]))


@implements(np.kron)
def kron(a: object, b: object) -> Value:
    """Return the Kronecker product: each element of `a` times the whole of `b`, as blocks."""
    rank = max(len(shape_of(a)), len(shape_of(b)))
    left = (1,) * (rank - len(shape_of(a))) + shape_of(a)
    right = (1,) * (rank - len(shape_of(b))) + shape_of(b)
    spread = multiply(
        reshape(a, tuple(n for length in left for n in (length, 1))),
        reshape(b, tuple(n for length in right for n in (1, length))),
    )
    return reshape(spread, tuple(m * n for m, n in zip(left, right, strict=True)))


@implements(np.cross)
def cross(a: object, b: object, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Value:
    """Return the vectors perpendicular to pairs of vectors of length 3."""
    if axis is not None:
        axisa = axisb = axisc = axis
    left, right = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if left.shape[-1] != 3 or right.shape[-1] != 3:
        raise ShapeError(
            f"cross: expected vectors of length 3, got {left.shape[-1]} and {right.shape[-1]}",
            got=(left.shape, right.shape),
        )
    x, y = ([pick(z, z.ndim - 1, i) for i in range(3)] for z in (left, right))
    parts = [x[i - 2] * y[i - 1] - x[i - 1] * y[i - 2] for i in range(3)]
    return moveaxis(stack(parts, axis=-1), -1, axisc)


@implements(np.linalg.cross)
def vector_cross(x1: object, x2: object, /, *, axis: int = -1) -> Value:
    """Return the vectors perpendicular to pairs of vectors of length 3."""
    return cross(x1, x2, axis=axis)


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[object], *, out: None = None) -> Value:
    """Return the product of a chain of matrices (the first and last may be vectors), in the cheapest order."""
    chain = list(arrays)
    if len(chain) < 2:
        raise ShapeError(f"multi_dot: expected at least two arrays, got {len(chain)}", got=len(chain))
    shapes = [shape_of(x) for x in chain]
    ends, middle = (shapes[0], shapes[-1]), shapes[1:-1]
    if any(len(s) not in (1, 2) for s in ends) or any(len(s) != 2 for s in middle):
        raise ShapeError(
            f"multi_dot: expected matrices (the first and last may be vectors), got {shapes}", got=tuple(shapes)
        )
    first, last = (1, *shapes[0])[-2:], (*shapes[-1], 1)[:2]
    lengths = [first[0], *[shape[0] for shape in shapes[1:-1]], last[0], last[1]]
    return _multiply_chain(chain, _cheapest_splits(lengths), 0, len(chain) - 1)


def _cheapest_splits(lengths: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return where to part each stretch of the chain (Cormen et al., Introduction to Algorithms, section 14.2)."""
    count = len(lengths) - 1
    cost = {(i, i): 0 for i in range(count)}
    splits = {}
    for width in range(1, count):
        for i in range(count - width):
            j = i + width
            costs = {k: cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1] for k in range(i, j)}
            splits[i, j] = min(costs, key=lambda k: costs[k])
            cost[i, j] = costs[splits[i, j]]
    return splits


def _multiply_chain(chain: Sequence[object], splits: dict[tuple[int, int], int], i: int, j: int) -> Value:
    if i == j:
        return cast("Value", chain[i])
    k = splits[i, j]
    return dot(_multiply_chain(chain, splits, i, k), _multiply_chain(chain, splits, k + 1, j))


@implements(np.linalg.matrix_power)
def matrix_power(a: object, n: int) -> Value:
    """Return the n-th power of square matrices, by repeated squaring; a negative one is that of the inverse."""
    shape = shape_of(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"matrix_power: expected square matrices, got shape {list(shape)}", got=shape)
    if not isinstance(n, (int, np.integer)):
        raise ParameterError(f"matrix_power: the exponent must be an integer, got {n!r}", got=n)
    if n == 0:
        return cast("Value", np.broadcast_to(np.eye(shape[-1], dtype=spec_of(a).dtype), shape))
    square = inv(a) if n < 0 else cast("Value", a)
    factors: list[Value] = []
    rest = abs(int(n))
    while rest:
        if rest % 2:
            factors.append(square)
        rest //= 2
        if rest:
            square = matmul(square, square)
    return reduce(matmul, factors)


@implements(np.correlate)
def correlate(a: object, v: object, mode: str = "valid") -> Value:
    """Return the sums of products of a vector with another one that is moved along it."""
    if shape_of(v) > shape_of(a):
        return flip(convolve(v, flip(a), mode))
    return convolve(a, flip(v), mode)
