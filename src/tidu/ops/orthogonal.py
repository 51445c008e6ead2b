"""The QR decomposition: orthonormal columns and an upper triangle.

The two factors are two primitives, each a function of the matrix; signs are those that LAPACK gives.
Reference: Walter & Lehmann, "Algorithmic differentiation of linear algebra functions with application in optimum
experimental design" (2010), section 4; the derivative exists where the columns are independent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tidu.core.bind import apply, shape_of
from tidu.core.kinds import Structured
from tidu.core.primitive import Example, Formula, Interval, find
from tidu.core.spec import Shape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ShapeError, UnsupportedError
from tidu.ops.compare import where
from tidu.ops.contract import matmul, swap_last
from tidu.ops.declare import NO_LAWS, structured
from tidu.ops.join import concatenate
from tidu.ops.linear_algebra import LAPACK, cubic, floating, solve, with_lapack_errors
from tidu.ops.movement import take_window

__all__ = ["qr"]

_ANY = Interval(-2.0, 2.0)


def _kind(name: str, *, triangle: bool) -> Structured:
    def shape(x: Shape) -> Shape:
        return (*x[:-2], x[-1], x[-1]) if triangle else x

    return Structured(
        name="linear algebra",
        shape=shape,
        batched=lambda operands, flags: apply(find(name), operands[0]),
        tried=(
            Example(((3, 2),)),
            Example(((2, 2),)),
            Example(((4, 3, 2),)),
            Example(((3, 0),)),
            Example(((0, 2, 2),)),
        ),
        flops=cubic(2.0),
        dtype=floating,
    )


def _pull(ct: Value, q: Value, r: Value, m: Value) -> Value:
    """Return ``(ct + Q copyltu(M)) R^-T``, where copyltu copies the lower triangle onto the upper one."""
    n = r.shape[-1]
    symmetric = where(np.tri(n, dtype=np.bool_), m, swap_last(m))
    return swap_last(solve(r, swap_last(ct + matmul(q, symmetric))))


def _pull_columns(ct: Value, out: Value, x: Value) -> Value:
    return _pull(ct, out, apply(find("qr_triangle"), x), -matmul(swap_last(ct), out))


def _pull_triangle(ct: Value, out: Value, x: Value) -> Value:
    q = apply(find("qr_columns"), x)
    return _pull(q * 0.0, q, out, matmul(out, swap_last(ct)))


@structured(
    kind=_kind("qr_columns", triangle=False),
    numpy=[],
    evaluate=with_lapack_errors("qr", lambda x: np.linalg.qr(x)[0]),
    pullback=[_pull_columns],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula("Q({0})", "Q of {0}"),
    words={"en": "gives orthonormal columns that span the same space", "zh": "求张成同一空间的标准正交列"},
    source="Walter & Lehmann 2010, section 4",
)
def qr_columns_primitive(x: object) -> object:
    """Return the orthonormal factor of matrices with at least as many rows as columns."""


@structured(
    kind=_kind("qr_triangle", triangle=True),
    numpy=[],
    evaluate=with_lapack_errors("qr", lambda x: np.linalg.qr(x)[1]),
    pullback=[_pull_triangle],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula("R({0})", "R of {0}"),
    words={
        "en": "gives the upper triangle that makes the matrix of orthonormal columns",
        "zh": "求由标准正交列组成该矩阵的上三角",
    },
    source="Walter & Lehmann 2010, section 4",
)
def qr_triangle_primitive(x: object) -> object:
    """Return the triangular factor of matrices with at least as many rows as columns."""


class Factors(NamedTuple):
    """The two factors, with NumPy's names."""

    Q: Value
    R: Value


@implements(np.linalg.qr)
def qr(a: object, mode: str = "reduced") -> Factors | Value:
    """Return the QR decomposition of matrices.

    Parameters
    ----------
    a : array_like of shape (..., m, n)
    mode : {"reduced", "r", "complete"}
        "complete" only where it is the same as "reduced", m <= n.

    Returns
    -------
    Factors
        Q of shape (..., m, k) and R of shape (..., k, n), k = min(m, n); R alone for "r".

    Raises
    ------
    ShapeError
        If `a` has less than two axes.
    UnsupportedError
        For "complete" with m > n: the added columns are no function of the matrix.

    Examples
    --------
    >>> q, r = qr(np.array([[3.0, 1.0], [4.0, 2.0]]))
    >>> bool(np.allclose(q @ r, [[3.0, 1.0], [4.0, 2.0]]))
    True
    """
    shape = shape_of(a)
    if len(shape) < 2:
        raise ShapeError(f"qr: a matrix has at least two axes, got shape {list(shape)}", shape=shape)
    rows, columns = shape[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and rows <= columns):
        raise UnsupportedError(
            f"np.linalg.qr with mode {mode!r} of shape {list(shape)}; use mode='reduced'", function="qr"
        )
    # Of a wide matrix the first columns decide, and the others are expressed in theirs.
    start, step = (0,) * len(shape), (1,) * len(shape)
    square = a if rows >= columns else take_window(a, start, (*shape[:-1], rows), step)
    q, r = apply(find("qr_columns"), square), apply(find("qr_triangle"), square)
    if rows < columns:
        rest = take_window(a, (*start[:-1], rows), (*shape[:-1], columns - rows), step)
        r = concatenate([r, matmul(swap_last(q), rest)], axis=-1)
    return r if mode == "r" else Factors(q, r)
