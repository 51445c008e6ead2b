"""Eigenvalues and singular values, their vectors, and the pseudo-inverse that is made of them.

Vectors have a derivative where the values are all different; their signs are those that LAPACK gives.
References: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), section 3; Townsend, "Differentiating the singular value decomposition" (2016);
Golub & Pereyra, "The differentiation of pseudo-inverses", SIAM J. Numer. Anal. 10 (1973).
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from tidu.core.bind import apply, shape_of
from tidu.core.kinds import Structured
from tidu.core.primitive import Example, Formula, Interval, find
from tidu.core.spec import Shape
from tidu.core.structural import reshape
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.ops.compare import where
from tidu.ops.contract import matmul, swap_last
from tidu.ops.declare import NO_LAWS, structured
from tidu.ops.linear_algebra import LAPACK, cubic, floating, square, with_lapack_errors

__all__ = ["eigh", "eigvalsh", "pinv", "svd", "svdvals"]

_ANY = Interval(0.5, 3.0)


def _row(values: Value) -> Value:
    """Return one number for each column of a matrix."""
    return reshape(values, (*values.shape[:-1], 1, values.shape[-1]))


def _gaps(values: Value) -> Value:
    """Return 1 / (v_j - v_i) for each pair, with zeros on the diagonal."""
    n = values.shape[-1]
    same = np.eye(n, dtype=np.bool_)
    gaps = _row(values) - reshape(values, (*values.shape, 1))
    return where(same, 0.0, 1.0 / where(same, 1.0, gaps))


def _symmetric_kind(name: str, *, vectors: bool) -> Structured:
    of_square = square(name)

    def shape(x: Shape) -> Shape:
        return of_square(x) if vectors else of_square(x)[:-1]

    return Structured(
        name="linear algebra",
        shape=shape,
        batched=lambda operands, flags: apply(find(name), operands[0]),
        # a larger matrix drawn at random is not symmetric, and LAPACK looks at one triangle only
        tried=(Example(((1, 1),)), Example(((3, 1, 1),)), Example(((0, 0),)), Example(((0, 2, 2),))),
        flops=cubic(9.0),
        dtype=floating,
    )


def _pull_eigenvalues(ct: Value, out: Value, x: Value) -> Value:
    v = apply(find("eigenvectors"), x)
    return matmul(v * _row(ct), swap_last(v))


def _pull_eigenvectors(ct: Value, out: Value, x: Value) -> Value:
    inner = matmul(swap_last(out), ct) * _gaps(apply(find("eigenvalues"), x))
    full = matmul(matmul(out, inner), swap_last(out))
    return (full + swap_last(full)) * 0.5


@structured(
    kind=_symmetric_kind("eigenvalues", vectors=False),
    numpy=[],
    evaluate=with_lapack_errors("eigvalsh", np.linalg.eigvalsh),
    pullback=[_pull_eigenvalues],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula(r"\lambda({0})", "eigenvalues({0})"),
    words={"en": "gives the eigenvalues of a symmetric matrix", "zh": "求对称矩阵的特征值"},
    source="Giles 2008, section 3.1",
)
def eigenvalues_primitive(x: object) -> object:
    """Return the eigenvalues of symmetric matrices, ascending; the lower triangle counts."""


@structured(
    kind=_symmetric_kind("eigenvectors", vectors=True),
    numpy=[],
    evaluate=with_lapack_errors("eigh", lambda x: np.linalg.eigh(x)[1]),
    pullback=[_pull_eigenvectors],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula(r"V({0})", "eigenvectors({0})"),
    words={"en": "gives the eigenvectors of a symmetric matrix", "zh": "求对称矩阵的特征向量"},
    source="Giles 2008, section 3.1",
)
def eigenvectors_primitive(x: object) -> object:
    """Return the eigenvectors of symmetric matrices as columns, in the order of the eigenvalues."""


def _lower(a: object, UPLO: str) -> object:
    if UPLO.upper() not in ("L", "U"):
        raise ParameterError(f"UPLO must be 'L' or 'U', got {UPLO!r}", got=UPLO)
    return a if UPLO.upper() == "L" else swap_last(cast("Value", a))


class Eigen(NamedTuple):
    """Eigenvalues and eigenvectors, with NumPy's names."""

    eigenvalues: Value
    eigenvectors: Value


@implements(np.linalg.eigvalsh)
def eigvalsh(a: object, UPLO: str = "L") -> Value:
    """Return the eigenvalues of symmetric matrices, ascending; the gradient is symmetric."""
    return apply(eigenvalues_primitive, _lower(a, UPLO))


@implements(np.linalg.eigh)
def eigh(a: object, UPLO: str = "L") -> Eigen:
    """Return eigenvalues and eigenvectors of symmetric matrices; the gradient is symmetric.

    Notes
    -----
    Eigenvectors have no derivative where eigenvalues meet: it is infinite or NaN there.
    """
    lower = _lower(a, UPLO)
    return Eigen(apply(eigenvalues_primitive, lower), apply(eigenvectors_primitive, lower))


def _matrix(name: str, x: Shape) -> Shape:
    if len(x) < 2:
        raise ShapeError(f"{name}: expected matrices in the last two axes, got shape {list(x)}", got=x)
    return x


def _singular_kind(name: str, columns: int | None) -> Structured:
    """Return the kind of thin factors (of the rows with -2, of the columns with -1), or of the values (None)."""

    def shape(x: Shape) -> Shape:
        *stack, rows, width = _matrix("svd", x)
        least = min(rows, width)
        return (*stack, least) if columns is None else (*stack, x[columns], least)

    return Structured(
        name="linear algebra",
        shape=shape,
        batched=lambda operands, flags: apply(find(name), operands[0]),
        tried=(Example(((3, 2),)), Example(((2, 3),)), Example(((2, 1, 1),)), Example(((3, 0),))),
        flops=cubic(20.0),
        dtype=floating,
    )


def _parts(x: Value) -> tuple[Value, Value, Value]:
    return tuple(apply(find(name), x) for name in ("left_vectors", "singular_values", "right_vectors"))  # type: ignore[return-value]


def _pull_singular_values(ct: Value, out: Value, x: Value) -> Value:
    u, _, v = _parts(x)
    return matmul(u * _row(ct), swap_last(v))


def _pull_left(ct: Value, out: Value, x: Value) -> Value:
    """Follow Townsend 2016 for a cotangent of the left vectors alone."""
    u, s, v = _parts(x)
    turn = matmul(swap_last(u), ct)
    within = matmul(u, (turn - swap_last(turn)) * _gaps(s * s)) * _row(s)
    outside = (ct - matmul(u, turn)) / _row(s) if u.shape[-2] > u.shape[-1] else 0.0
    return matmul(within + outside, swap_last(v))


def _pull_right(ct: Value, out: Value, x: Value) -> Value:
    """The right vectors of a matrix are the left ones of its transpose."""
    u, s, v = _parts(x)
    turn = matmul(swap_last(v), ct)
    within = matmul(v, (turn - swap_last(turn)) * _gaps(s * s)) * _row(s)
    outside = (ct - matmul(v, turn)) / _row(s) if v.shape[-2] > v.shape[-1] else 0.0
    return matmul(u, swap_last(within + outside))


@structured(
    kind=_singular_kind("singular_values", None),
    numpy=[],
    evaluate=with_lapack_errors("svd", lambda x: np.linalg.svd(x, full_matrices=False)[1]),
    pullback=[_pull_singular_values],
    emit=LAPACK,
    samples=[Interval(-3.0, 3.0)],
    laws=NO_LAWS,
    formula=Formula(r"\sigma({0})", "singular_values({0})"),
    words={"en": "gives the singular values of a matrix", "zh": "求矩阵的奇异值"},
    source="Giles 2008, section 3.2",
)
def singular_values_primitive(x: object) -> object:
    """Return the singular values of matrices, descending."""


@structured(
    kind=_singular_kind("left_vectors", -2),
    numpy=[],
    evaluate=with_lapack_errors("svd", lambda x: np.linalg.svd(x, full_matrices=False)[0]),
    pullback=[_pull_left],
    emit=LAPACK,
    samples=[Interval(-3.0, 3.0)],
    laws=NO_LAWS,
    formula=Formula(r"U({0})", "left_vectors({0})"),
    words={"en": "gives the left singular vectors", "zh": "求左奇异向量"},
    source="Townsend 2016",
)
def left_vectors_primitive(x: object) -> object:
    """Return the left singular vectors of matrices as columns, as many as singular values."""


@structured(
    kind=_singular_kind("right_vectors", -1),
    numpy=[],
    evaluate=with_lapack_errors("svd", lambda x: np.swapaxes(np.linalg.svd(x, full_matrices=False)[2], -1, -2)),
    pullback=[_pull_right],
    emit=LAPACK,
    samples=[Interval(-3.0, 3.0)],
    laws=NO_LAWS,
    formula=Formula(r"V({0})", "right_vectors({0})"),
    words={"en": "gives the right singular vectors", "zh": "求右奇异向量"},
    source="Townsend 2016",
)
def right_vectors_primitive(x: object) -> object:
    """Return the right singular vectors of matrices as columns, as many as singular values."""


class Singular(NamedTuple):
    """A singular value decomposition, with NumPy's names."""

    U: Value
    S: Value
    Vh: Value


@implements(np.linalg.svd)
def svd(a: object, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Singular | Value:
    """Return the thin singular value decomposition, or the singular values alone.

    Raises
    ------
    UnsupportedError
        For the full matrices of one that is not square: the columns beyond the rank are arbitrary.
    """
    if hermitian:
        raise UnsupportedError("np.linalg.svd with hermitian=True; use np.linalg.eigh", function="np.linalg.svd")
    if not compute_uv:
        return svdvals(a)
    rows, columns = _matrix("svd", shape_of(a))[-2:]
    if full_matrices and rows != columns:
        raise UnsupportedError(
            f"np.linalg.svd of {rows} by {columns} matrices with full_matrices=True: the vectors beyond the singular "
            "values are arbitrary and have no derivative; pass full_matrices=False",
            function="np.linalg.svd",
        )
    u, s, v = _parts(cast("Value", a))
    return Singular(u, s, swap_last(v))


@implements(np.linalg.svdvals)
def svdvals(x: object, /) -> Value:
    """Return the singular values of matrices, descending."""
    return apply(singular_values_primitive, x)


def _pull_pinv(ct: Value, out: Value, x: Value) -> Value:
    """Follow Golub & Pereyra 1973, equation 4.12, transposed: right wherever the rank stays the same."""
    p, pt, g = out, swap_last(out), swap_last(ct)
    beyond_rows = g - matmul(x, matmul(p, g))
    beyond_columns = g - matmul(matmul(g, p), x)
    return matmul(beyond_rows, matmul(p, pt)) + matmul(matmul(pt, p), beyond_columns) - matmul(matmul(pt, ct), pt)


@structured(
    kind=Structured(
        name="linear algebra",
        shape=lambda x: (*_matrix("pinv", x)[:-2], x[-1], x[-2]),
        batched=lambda operands, flags: apply(find("pinv"), operands[0]),
        tried=(Example(((3, 2),)), Example(((2, 3),)), Example(((2, 2, 2),)), Example(((3, 0),))),
        flops=cubic(20.0),
        dtype=floating,
    ),
    numpy=[],
    evaluate=with_lapack_errors("pinv", np.linalg.pinv),
    pullback=[_pull_pinv],
    emit=LAPACK,
    samples=[Interval(-3.0, 3.0)],
    laws=NO_LAWS,
    formula=Formula("{0}^{{+}}", "pinv({0})"),
    words={"en": "is the pseudo-inverse, which solves in the sense of least squares", "zh": "伪逆；按最小二乘求解"},
    source="Golub & Pereyra 1973",
)
def pinv_primitive(x: object) -> object:
    """Return the pseudo-inverses of matrices."""


@implements(np.linalg.pinv)
def pinv(a: object) -> Value:
    """Return the pseudo-inverses of matrices; the gradient holds as long as the rank stays the same."""
    return apply(pinv_primitive, a)
