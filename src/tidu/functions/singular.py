"""What follows from singular values: matrix norms, condition, rank and least squares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axis
from tidu.core.structural import reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError, UnsupportedError
from tidu.functions.norm import norm as norm_without
from tidu.functions.shapes import moveaxis, ravel
from tidu.ops.arithmetic import divide, multiply, square, subtract
from tidu.ops.compare import greater
from tidu.ops.contract import matmul
from tidu.ops.linear_algebra import inv, solve
from tidu.ops.reduce import max_, min_, sum_
from tidu.ops.spectral import pinv, svdvals

__all__ = ["cond", "lstsq", "matrix_norm", "matrix_rank", "norm", "tensorinv", "tensorsolve", "vector_norm"]

Axis = int | Sequence[int] | None


@implements(np.linalg.norm)
def norm(x: object, ord: object = None, axis: Axis = None, keepdims: bool = False) -> Value:
    """Return the norm of vectors or matrices; `ord` as in NumPy.

    Examples
    --------
    >>> float(norm(np.diag([3.0, 4.0]), 2))
    4.0
    """
    ndim = len(shape_of(x))
    axes = list(range(ndim)) if axis is None else [axis] if isinstance(axis, (int, np.integer)) else list(axis)
    if len(axes) != 2 or ord not in (2, -2, "nuc"):
        return norm_without(x, ord, axis, keepdims)
    plane = [normalize_axis(int(a), ndim, "norm") for a in axes]
    values = svdvals(moveaxis(x, plane, (-2, -1)))
    reduce = {2: max_, -2: min_, "nuc": sum_}[cast("int", ord)]
    found = reduce(values, axis=-1)
    return reshape(found, tuple(1 if i in plane else n for i, n in enumerate(shape_of(x)))) if keepdims else found


@implements(np.linalg.vector_norm)
def vector_norm(x: object, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Value:
    """Return the norm over all elements along `axis`, which may name several axes.

    Examples
    --------
    >>> float(vector_norm(np.array([[3.0, 4.0]])))
    5.0
    """
    ndim = len(shape_of(x))
    named = range(ndim) if axis is None else [axis] if isinstance(axis, (int, np.integer)) else axis
    axes = [normalize_axis(int(a), ndim, "vector_norm") for a in named]
    front = moveaxis(x, axes, range(len(axes)))
    rest = tuple(n for i, n in enumerate(shape_of(x)) if i not in axes)
    found = norm_without(reshape(front, (math.prod(shape_of(x)[a] for a in axes), *rest)), ord, 0)
    return reshape(found, tuple(1 if i in axes else n for i, n in enumerate(shape_of(x)))) if keepdims else found


@implements(np.linalg.matrix_norm)
def matrix_norm(x: object, /, *, keepdims: bool = False, ord: object = "fro") -> Value:
    """Return the norm of the matrices in the last two axes.

    Examples
    --------
    >>> float(matrix_norm(np.array([[3.0, 4.0]])))
    5.0
    """
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.cond)
def cond(x: object, p: object = None) -> Value:
    """Return the condition number: the norm of a matrix times that of its inverse, by default the 2-norm.

    Examples
    --------
    >>> float(cond(np.diag([1.0, 4.0])))
    4.0
    """
    if p in (None, 2, -2):
        values = svdvals(x)
        large, small = max_(values, axis=-1), min_(values, axis=-1)
        return divide(small, large) if p == -2 else divide(large, small)
    return multiply(norm(x, p, (-2, -1)), norm(inv(x), p, (-2, -1)))


@implements(np.linalg.matrix_rank)
def matrix_rank(A: object, tol: object = None, hermitian: bool = False, *, rtol: object = None) -> Value:
    """Return how many singular values are above the rounding error; no gradient flows."""
    if tol is not None or rtol is not None or hermitian or len(shape_of(A)) < 2:
        raise UnsupportedError(
            "np.linalg.matrix_rank on a traced value takes matrices and NumPy's own tolerance",
            function="np.linalg.matrix_rank",
        )
    values = svdvals(A)
    limit = multiply(max_(values, axis=-1, keepdims=True), _rounding(A))
    return sum_(greater(values, limit), axis=-1)


def _rounding(a: object) -> float:
    return float(np.finfo(spec_of(a).dtype.name).eps) * max(shape_of(a)[-2:])


class LeastSquares(NamedTuple):
    """What `lstsq` returns, as NumPy's tuple."""

    solution: Value
    residuals: Value
    rank: Value
    singular_values: Value


@implements(np.linalg.lstsq)
def lstsq(a: object, b: object, rcond: float | None = None) -> LeastSquares:
    """Return the solution of least squares, through the pseudo-inverse of a matrix of full rank.

    Raises
    ------
    UnsupportedError
        If `rcond` is given.

    Examples
    --------
    >>> lstsq(np.array([[1.0], [1.0]]), np.array([1.0, 3.0])).solution
    array([2.])
    """
    if rcond is not None:
        raise UnsupportedError(
            "np.linalg.lstsq with rcond on a traced value is not supported; leave it out", function="np.linalg.lstsq"
        )
    rows, columns = shape_of(a)
    x = matmul(pinv(a), b)
    rank, values = matrix_rank(a), svdvals(a)
    missed = square(subtract(b, matmul(a, x)))
    residuals = sum_(missed, axis=0) if len(shape_of(b)) > 1 else reshape(sum_(missed), (1,))
    return LeastSquares(x, residuals if rows > columns else residuals[:0], rank, values)


@implements(np.linalg.tensorsolve)
def tensorsolve(a: object, b: object, axes: Axis = None) -> Value:
    """Return the array x with ``tensordot(a, x, x.ndim) == b``."""
    if axes is not None:
        raise UnsupportedError("np.linalg.tensorsolve with axes= is not supported", function="np.linalg.tensorsolve")
    shape = shape_of(a)[len(shape_of(b)) :]
    size = math.prod(shape)
    if math.prod(shape_of(a)) != size * size:
        raise ShapeError(f"tensorsolve: shape {list(shape_of(a))} is not square over {list(shape)}", got=shape_of(a))
    return reshape(solve(reshape(a, (size, size)), ravel(b)), shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: object, ind: int = 2) -> Value:
    """Return the inverse under ``tensordot(.., ind)``."""
    front, back = shape_of(a)[:ind], shape_of(a)[ind:]
    if ind < 1 or math.prod(front) != math.prod(back):
        raise ShapeError(f"tensorinv: shape {list(shape_of(a))} is not square at {ind}", got=shape_of(a))
    size = math.prod(front)
    return reshape(inv(reshape(a, (size, size))), (*back, *front))
