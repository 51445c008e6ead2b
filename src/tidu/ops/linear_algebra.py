"""Linear algebra of square matrices in the last two axes: systems, inverses, determinants, factors.

References: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); Murray, "Differentiation of the Cholesky decomposition" (arXiv:1602.07527).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from tidu.core.bind import apply, shape_of
from tidu.core.kinds import Structured, batch_front
from tidu.core.primitive import Example, Formula, InterpretedOnly, Interval, NoGradient, Params, find
from tidu.core.source import current_source
from tidu.core.spec import Dtype, Shape, Spec
from tidu.core.structural import reshape, sum_axes
from tidu.core.table import implements
from tidu.core.value import Value
from tidu.errors import ParameterError, ShapeError
from tidu.ops.compare import where
from tidu.ops.contract import matmul, swap_last
from tidu.ops.declare import NO_LAWS, structured

__all__ = ["LAPACK", "SingularMatrixError", "cholesky", "det", "inv", "slogdet", "solve"]

LAPACK = InterpretedOnly("LAPACK's own code, through NumPy")
_ANY = Interval(-3.0, 3.0)
_SQUARE = (
    Example(((3, 3),)),
    Example(((1, 1),)),
    Example(((2, 2, 2),)),
    Example(((0, 0),)),
    Example(((0, 2, 2),)),
)


class SingularMatrixError(ParameterError, np.linalg.LinAlgError):
    """A matrix has no inverse, or no such factor."""


def square(name: str) -> Callable[[Shape], Shape]:
    """Return the shape rule of an operation on square matrices: the shape itself, checked."""

    def shape(x: Shape) -> Shape:
        if len(x) < 2 or x[-1] != x[-2]:
            raise ShapeError(f"{name}: expected square matrices in the last two axes, got shape {list(x)}", got=x)
        return x

    return shape


def floating(*dtypes: Dtype) -> Dtype:
    """Return the dtype that LAPACK works in: integers become float64."""
    dtype = np.result_type(*dtypes)
    return dtype if dtype.kind == "f" else np.dtype(np.float64)


def with_lapack_errors(name: str, function: Callable[..., NDArray[np.generic]]) -> Callable[..., NDArray[np.generic]]:
    """Return `function` with LAPACK's refusal told in our words."""

    def evaluate(*operands: object) -> NDArray[np.generic]:
        try:
            return function(*operands)
        except np.linalg.LinAlgError as error:
            source = current_source()
            raise SingularMatrixError(
                f"{name}: {str(error).lower()}{f' ({source}: {source.place.text})' if source else ''}; add a small "
                "multiple of np.eye(n) if that is meant to be regular",
                function=name,
                source=source,
            ) from None

    return evaluate


def cubic(factor: float) -> Callable[[tuple[Spec, ...], Spec, Params], int]:
    """Return the cost of an operation that takes ``factor * n**3`` operations for n by n matrices."""

    def flops(operands: tuple[Spec, ...], out: Spec, params: Params) -> int:
        x = operands[0]
        return int(factor * x.size * x.shape[-1])

    return flops


def _matrices(ct: Value) -> Value:
    """Return one number for each matrix as a stack of 1 by 1 matrices."""
    return reshape(ct, (*ct.shape, 1, 1))


def _one_operand(name: str, *, scalar: bool, factor: float) -> Structured:
    of_square = square(name)
    return Structured(
        name="linear algebra",
        shape=(lambda x: of_square(x)[:-2]) if scalar else of_square,
        batched=lambda operands, flags: apply(find(name), operands[0]),
        tried=_SQUARE,
        flops=cubic(factor),
        dtype=floating,
    )


def _solve_shape(a: Shape, b: Shape) -> Shape:
    square("solve")(a)
    try:
        stack = np.broadcast_shapes(a[:-2], b[:-2])
    except ValueError:
        stack = None
    if stack is None or len(b) < 2 or a[-1] != b[-2]:
        raise ShapeError(
            f"solve: matrices of shape {list(a)} do not fit right sides of shape {list(b)}; the last but one length of "
            "the right sides must be that of the matrices",
            shapes=(a, b),
        )
    return (*stack, *b[-2:])


def _solve_transposed(a: Value, b: Value) -> Value:
    return apply(solve_primitive, swap_last(a), b)


def _batch_solve(operands: Sequence[object], flags: Sequence[bool]) -> Value:
    """Line the batch axis up in front of the stacks of both operands."""
    a, b = batch_front(operands, flags)
    rank = max(len(shape_of(a)), len(shape_of(b)))
    padded = [reshape(x, (s[0], *(1,) * (rank - len(s)), *s[1:])) for x in (a, b) if (s := shape_of(x))]
    return apply(solve_primitive, *padded)


@structured(
    kind=Structured(
        name="linear algebra",
        shape=_solve_shape,
        batched=_batch_solve,
        tried=(
            Example(((3, 3), (3, 2))),
            Example(((2, 2, 2), (2, 1))),
            Example(((2, 2), (3, 2, 2))),
            Example(((2, 2), (2, 0))),
            Example(((0, 0), (0, 2))),
        ),
        flops=lambda operands, out, params: (
            operands[0].size * operands[0].shape[-1] * 2 // 3 + 2 * out.size * operands[0].shape[-1]
        ),
        dtype=floating,
    ),
    numpy=[],
    evaluate=with_lapack_errors("solve", np.linalg.solve),
    pullback=[
        lambda ct, out, a, b: -matmul(_solve_transposed(a, ct), swap_last(out)),
        lambda ct, out, a, b: _solve_transposed(a, ct),
    ],
    emit=LAPACK,
    samples=[_ANY, _ANY],
    laws=NO_LAWS,
    formula=Formula("{0}^{{-1}}{1}", "solve({0}, {1})", ("-solve({0}.T, ct) @ {out}.T", "solve({0}.T, ct)")),
    words={"en": "solves A x = b; the gradient solves with A transposed", "zh": "解方程 A x = b；梯度用 A 的转置求解"},
    source="Giles 2008, section 2.3.1",
)
def solve_primitive(a: object, b: object) -> object:
    """Return x with ``a @ x == b``."""


@implements(np.linalg.solve)
def solve(a: object, b: object) -> Value:
    """Return the solution of linear systems.

    Parameters
    ----------
    a : array_like of shape (..., n, n)
    b : array_like of shape (n,) or (..., n, k)
        A vector only if it has one axis, as in NumPy 2.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    SingularMatrixError
        If a matrix is singular.

    Examples
    --------
    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([2.0, 2.0]))
    array([1. , 0.5])
    """
    shape = shape_of(b)
    if len(shape) != 1:
        return apply(solve_primitive, a, b)
    x = apply(solve_primitive, a, reshape(b, (*shape, 1)))
    return reshape(x, x.shape[:-1])


@structured(
    kind=_one_operand("inv", scalar=False, factor=2.0),
    numpy=[],
    evaluate=with_lapack_errors("inv", np.linalg.inv),
    pullback=[lambda ct, out, x: -matmul(matmul(swap_last(out), ct), swap_last(out))],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula("{0}^{{-1}}", "inv({0})", ("-{out}.T @ ct @ {out}.T",)),
    words={"en": "inverts a matrix", "zh": "求逆矩阵"},
    source="Giles 2008, section 2.2.3",
)
def inv_primitive(x: object) -> object:
    """Return the inverses of matrices."""


@implements(np.linalg.inv)
def inv(a: object) -> Value:
    """Return the inverses of the square matrices in the last two axes.

    Raises
    ------
    SingularMatrixError
        If there is none.

    Examples
    --------
    >>> inv(np.array([[2.0]]))
    array([[0.5]])
    """
    return apply(inv_primitive, a)


@structured(
    kind=_one_operand("det", scalar=True, factor=2 / 3),
    numpy=[],
    evaluate=np.linalg.det,
    pullback=[lambda ct, out, x: _matrices(ct) * apply(find("cofactor"), x)],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula(r"\det {0}", "det({0})", ("cofactor({0})",)),
    words={
        "en": "is the volume factor of a matrix; its gradient is the cofactor matrix",
        "zh": "行列式；梯度是代数余子式矩阵",
    },
    source="Giles 2008, section 2.2.4; Jacobi's formula",
)
def det_primitive(x: object) -> object:
    """Return the determinants of matrices."""


@implements(np.linalg.det)
def det(a: object) -> Value:
    """Return the determinants of the square matrices in the last two axes; the gradient holds for singular ones too.

    Examples
    --------
    >>> float(det(np.array([[2.0, 1.0], [0.0, 3.0]])))
    6.0
    """
    return apply(det_primitive, a)


def _cofactor(x: object) -> NDArray[np.generic]:
    """Return cof(USV') = det(U)det(V) U cof(S) V', which needs no inverse."""
    u, s, vt = np.linalg.svd(np.asarray(x))
    others = np.prod(np.where(np.eye(s.shape[-1], dtype=np.bool_), s.dtype.type(1), s[..., None, :]), axis=-1)
    sign = np.rint(np.linalg.det(u) * np.linalg.det(vt))
    return cast("NDArray[np.generic]", sign[..., None, None] * ((u * others[..., None, :]) @ vt))


def _pull_cofactor(ct: Value, out: Value, x: Value) -> Value:
    """Differentiate det(x) inv(x).T: valid, and computed, for regular matrices only."""
    inverse = swap_last(inv(x))
    along = sum_axes(ct * out, (x.ndim - 2, x.ndim - 1))
    return _matrices(along) * inverse - matmul(matmul(out, swap_last(ct)), inverse)


@structured(
    kind=_one_operand("cofactor", scalar=False, factor=20.0),
    numpy=[],
    evaluate=_cofactor,
    pullback=[_pull_cofactor],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{cof}}\,{0}", "cofactor({0})"),
    words={"en": "gives the gradient of the determinant", "zh": "给出行列式的梯度"},
    source="Horn & Johnson, Matrix Analysis (2013), section 0.8",
)
def cofactor_primitive(x: object) -> object:
    """Return the cofactor matrices, ``det(x) * inv(x).T`` where there is an inverse."""


@structured(
    kind=_one_operand("logabsdet", scalar=True, factor=2 / 3),
    numpy=[],
    evaluate=lambda x: np.linalg.slogdet(x)[1],
    pullback=[lambda ct, out, x: _matrices(ct) * swap_last(inv(x))],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula(r"\log|\det {0}|", "logabsdet({0})", ("inv({0}).T",)),
    words={"en": "is the logarithm of the determinant's size", "zh": "行列式绝对值的对数"},
    source="Petersen & Pedersen, The Matrix Cookbook (2012), equation 57",
)
def logabsdet_primitive(x: object) -> object:
    """Return the logarithms of the sizes of determinants."""


@structured(
    kind=_one_operand("detsign", scalar=True, factor=2 / 3),
    numpy=[],
    evaluate=lambda x: np.linalg.slogdet(x)[0],
    pullback=[NoGradient("a sign is constant where it does not jump")],
    emit=LAPACK,
    samples=[_ANY],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{sgn}}\det {0}", "detsign({0})", ("0",)),
    words={"en": "is the determinant's sign", "zh": "行列式的符号"},
    source="numpy.linalg.slogdet",
)
def detsign_primitive(x: object) -> object:
    """Return the signs of determinants."""


class SignAndLogarithm(NamedTuple):
    """The sign of a determinant and the logarithm of its size, with NumPy's names."""

    sign: Value
    logabsdet: Value


@implements(np.linalg.slogdet)
def slogdet(a: object) -> SignAndLogarithm:
    """Return the sign of each determinant and the logarithm of its size, which neither over- nor underflows."""
    return SignAndLogarithm(apply(detsign_primitive, a), apply(logabsdet_primitive, a))


def _pull_cholesky(ct: Value, out: Value, x: Value) -> Value:
    """Follow Murray 2016, equation 9, made symmetric: the matrix is one symmetric variable."""
    n = x.shape[-1]
    product = matmul(swap_last(out), ct)
    below, on = np.tri(n, k=-1, dtype=np.bool_), np.eye(n, dtype=np.bool_)
    half = where(below, product, where(on, product * 0.5, 0.0))
    left = _solve_transposed(out, half)
    both = _solve_transposed(out, swap_last(left))
    return (both + swap_last(both)) * 0.5


@structured(
    kind=Structured(
        name="linear algebra",
        shape=square("cholesky"),
        batched=lambda operands, flags: apply(find("cholesky"), operands[0]),
        # of larger matrices drawn at random few are positive definite
        tried=(Example(((1, 1),)), Example(((3, 1, 1),)), Example(((0, 0),)), Example(((0, 2, 2),))),
        flops=cubic(1 / 3),
        dtype=floating,
    ),
    numpy=[],
    evaluate=with_lapack_errors("cholesky", np.linalg.cholesky),
    pullback=[_pull_cholesky],
    emit=LAPACK,
    samples=[Interval(0.5, 3.0)],
    laws=NO_LAWS,
    formula=Formula(r"\mathrm{{chol}}\,{0}", "cholesky({0})"),
    words={"en": "is the triangular square root of a matrix", "zh": "矩阵的三角平方根"},
    source="Murray 2016, arXiv:1602.07527",
)
def cholesky_primitive(x: object) -> object:
    """Return lower triangular matrices whose products with their own transposes are `x`."""


@implements(np.linalg.cholesky)
def cholesky(a: object, /, *, upper: bool = False) -> Value:
    """Return the Cholesky factors of symmetric positive definite matrices.

    Notes
    -----
    The values follow from one triangle alone, as in NumPy. The gradient is that with respect to a
    symmetric matrix: symmetric, each half with its share.

    Raises
    ------
    SingularMatrixError
        If a matrix is not positive definite.

    Examples
    --------
    >>> cholesky(np.array([[4.0]]))
    array([[2.]])
    """
    return swap_last(apply(cholesky_primitive, swap_last(cast("Value", a)))) if upper else apply(cholesky_primitive, a)
