"""Contractions: products summed over shared axes. The matrix product is the only primitive."""

from __future__ import annotations

import math

import numpy as np

from tidu.core.bind import apply, shape_of
from tidu.core.emit import Template
from tidu.core.kinds import Structured, batch_front
from tidu.core.primitive import Example, Formula, Interval, Params
from tidu.core.spec import Shape, Spec
from tidu.core.structural import reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError
from tidu.ops.declare import NO_LAWS, structured
from tidu.ops.movement import transpose

__all__ = ["matmul"]


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    try:
        stack = np.broadcast_shapes(a[:-2], b[:-2])
    except ValueError:
        stack = None
    if stack is None or a[-1] != b[-2]:
        raise ShapeError(
            f"matmul: the last axis of {list(a)} must equal the last but one of {list(b)}, and the axes before must "
            "broadcast",
            shapes=(a, b),
        )
    return (*stack, a[-2], b[-1])


def _matmul_flops(operands: tuple[Spec, ...], out: Spec, params: Params) -> int:
    return 2 * out.size * operands[0].shape[-1]


def swap_last(x: Value) -> Value:
    """Return `x` with its last two axes exchanged."""
    ndim = x.ndim
    return transpose(x, (*range(ndim - 2), ndim - 1, ndim - 2))


def _pull_left(ct: Value, out: Value, a: Value, b: Value) -> Value:
    return matmul(ct, swap_last(b))


def _pull_right(ct: Value, out: Value, a: Value, b: Value) -> Value:
    """One product for a whole stack of samples that meets one matrix, instead of a stack of them to be summed."""
    if b.ndim == 2 and a.ndim > 2:
        rows = math.prod(a.shape[:-1])
        a, ct = reshape(a, (rows, a.shape[-1])), reshape(ct, (rows, ct.shape[-1]))
    return matmul(swap_last(a), ct)


@structured(
    kind=Structured(
        name="contraction",
        shape=_matmul_shape,
        batched=lambda operands, flags: _batch_matmul(operands, flags),
        tried=(
            Example(((2, 3), (3, 4))),
            Example(((5, 2, 3), (3, 4))),
            Example(((2, 1, 2, 3), (4, 3, 2))),
            Example(((0, 3), (3, 2))),
            Example(((2, 0), (0, 3))),
        ),
        flops=_matmul_flops,
    ),
    numpy=[],
    evaluate=np.matmul,
    pullback=[_pull_left, _pull_right],
    emit=Template("matmul"),
    samples=[Interval(-2.0, 2.0), Interval(-2.0, 2.0)],
    laws=NO_LAWS,
    formula=Formula(r"{0}\,{1}", "{0} @ {1}", ("ct @ {1}.T", "{0}.T @ ct")),
    words={
        "en": "multiplies matrices; dA = dC B^T and dB = A^T dC",
        "zh": "矩阵相乘；dA = dC·Bᵀ，dB = Aᵀ·dC",
    },
    source="Petersen & Pedersen, The Matrix Cookbook (2012), section 2",
)
def matmul_primitive(a: object, b: object) -> object:
    """Return the products of matrices in the last two axes."""


def _batch_matmul(operands: object, flags: object) -> Value:
    """Line the batch axis up in front of the stacks of both operands."""
    a, b = batch_front(operands, flags)  # type: ignore[arg-type]
    rank = max(len(shape_of(a)), len(shape_of(b)))

    def pad(x: object) -> object:
        shape = shape_of(x)
        return reshape(x, (shape[0], *(1,) * (rank - len(shape)), *shape[1:]))

    return apply(matmul_primitive, pad(a), pad(b))


@implements(np.matmul)
def matmul(a: object, b: object) -> Value:
    """Return the matrix product, with NumPy's rules for vectors and stacks of matrices.

    Parameters
    ----------
    a : array_like of shape (..., m, k) or (k,)
    b : array_like of shape (..., k, n) or (k,)

    Returns
    -------
    ndarray of shape (..., m, n), without the axis of a vector

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    left, right = shape_of(a), shape_of(b)
    if left and right and left[-1] != right[max(len(right) - 2, 0)]:
        raise ShapeError(
            f"the last axis of {list(left)} must equal the {'last but one' if len(right) > 1 else 'only one'} of "
            f"{list(right)} in a matrix product",
            shapes=(left, right),
        )
    if not left or not right:
        raise ShapeError(
            f"matmul: operands need at least one axis, got {list(left)} and {list(right)}", shapes=(left, right)
        )
    product = apply(
        matmul_primitive,
        reshape(a, (1, *left)) if len(left) == 1 else a,
        reshape(b, (*right, 1)) if len(right) == 1 else b,
    )
    shape = list(product.shape)
    if len(right) == 1:
        del shape[-1]
    if len(left) == 1:
        del shape[-1 if len(right) == 1 else -2]
    return product if len(shape) == product.ndim else reshape(product, tuple(shape))


@implements(np.dot)
def dot(a: object, b: object) -> Value:
    """Return NumPy's dot product: of matrices the matrix product, of scalars the product.

    Parameters
    ----------
    a, b : array_like
        The last axis of `a` meets the last but one of `b` (the only one of a vector).
    """
    left, right = shape_of(a), shape_of(b)
    if not left or not right:
        from tidu.ops.arithmetic import multiply

        return multiply(a, b)
    if len(left) <= 2 and len(right) <= 2:
        return matmul(a, b)
    flat_left = reshape(a, (math.prod(left[:-1]), left[-1]))
    if len(right) == 1:
        return reshape(matmul(flat_left, b), left[:-1])
    moved = transpose(b, (len(right) - 2, *range(len(right) - 2), len(right) - 1))
    rest = (*right[:-2], right[-1])
    return reshape(matmul(flat_left, reshape(moved, (right[-2], math.prod(rest)))), (*left[:-1], *rest))
