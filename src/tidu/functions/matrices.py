"""Diagonals, triangles and traces: parts of matrices, in the last two axes of stacks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import shape_of, spec_of
from tidu.core.kinds import normalize_axis
from tidu.core.structural import reshape, sum_axes
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError
from tidu.functions.shapes import moveaxis, ravel
from tidu.ops.compare import where
from tidu.ops.convert import astype
from tidu.ops.movement import embed, take_window

__all__ = ["diag", "diagonal", "trace", "tril", "triu"]


@implements(np.diagonal)
def diagonal(a: object, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Value:
    """Return the diagonal of two axes, as the last axis.

    Notes
    -----
    In the flattened matrix a diagonal is every (n + 1)-th element, so it moves without an index array.
    """
    ndim = len(shape_of(a))
    if ndim < 2:
        raise ShapeError(f"diagonal: expected at least 2 dimensions, got {list(shape_of(a))}", got=shape_of(a))
    first, second = normalize_axis(axis1, ndim, "diagonal"), normalize_axis(axis2, ndim, "diagonal")
    if first == second:
        raise ShapeError(f"diagonal: axis1 and axis2 must differ, got {axis1} and {axis2}", axis=axis1)
    *stack, rows, columns = shape_of(moved := moveaxis(a, (first, second), (-2, -1)))
    length = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    start = (offset if offset >= 0 else -offset * columns) if length else 0
    flat = reshape(moved, (*stack, rows * columns))
    step = columns + 1 if length > 1 else 1
    return take_window(flat, (*(0,) * len(stack), start), (*stack, length), (*(1,) * len(stack), step))


@implements(np.linalg.diagonal)
def matrix_diagonal(x: object, /, *, offset: int = 0) -> Value:
    """Return the diagonal of the last two axes."""
    return diagonal(x, offset, -2, -1)


@implements(np.diag)
def diag(v: object, k: int = 0) -> Value:
    """Return the k-th diagonal of a matrix, or the matrix with a vector as its k-th diagonal."""
    shape = shape_of(v)
    if len(shape) == 2:
        return diagonal(v, k)
    if len(shape) != 1:
        raise ShapeError(f"diag: expected a vector or a matrix, got shape {list(shape)}", got=shape)
    size = shape[0] + abs(k)
    start = (k if k >= 0 else -k * size) if shape[0] else 0
    flat = embed(v, (size * size,), (start,), (size + 1 if shape[0] > 1 else 1,))
    return reshape(flat, (size, size))


@implements(np.diagflat)
def diagflat(v: object, k: int = 0) -> Value:
    """Return the matrix with the flattened `v` as its k-th diagonal."""
    return diag(ravel(v), k)


@implements(np.trace)
def trace(a: object, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: object = None, out: None = None) -> Value:
    """Return the sum of a diagonal."""
    chosen = diagonal(a, offset, axis1, axis2)
    if dtype is not None:
        chosen = astype(chosen, dtype)
    return sum_axes(chosen, (chosen.ndim - 1,))


@implements(np.linalg.trace)
def matrix_trace(x: object, /, *, offset: int = 0, dtype: object = None) -> Value:
    """Return the sum of the diagonal of the last two axes."""
    return trace(x, offset, -2, -1, dtype)


def _below(m: object, k: int, what: str) -> tuple[object, NDArray[np.bool_]]:
    """Return `m` with at least two axes, and where it lies on or below the k-th diagonal.

    A vector counts as every row of a square matrix.
    """
    shape = shape_of(m)
    if not shape:
        raise ShapeError(f"{what}: expected at least one dimension, got a scalar", got=shape)
    if len(shape) == 1:
        m, shape = reshape(m, (1, *shape)), shape * 2
    return m, np.tri(shape[-2], shape[-1], k, dtype=np.bool_)


@implements(np.tril)
def tril(m: object, k: int = 0) -> Value:
    """Return `m` with zeros above the k-th diagonal."""
    m, below = _below(m, k, "tril")
    return where(below, m, spec_of(m).dtype.type(0))


@implements(np.triu)
def triu(m: object, k: int = 0) -> Value:
    """Return `m` with zeros below the k-th diagonal."""
    m, below = _below(m, k - 1, "triu")
    return where(below, spec_of(m).dtype.type(0), m)
