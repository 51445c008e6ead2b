"""Diagonals, triangles and linear algebra: values as NumPy's, gradients right for singular matrices too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tidu
from tests.functions.checking import assert_batches, assert_differentiable, assert_equals_numpy, normal, regular
from tidu.errors import ParameterError, ShapeError, UnsupportedError
from tidu.ops.linear_algebra import SingularMatrixError

OFFSETS = range(-4, 6)
STACKS = [(3, 3), (2, 3, 3), (1, 1)]


def positive(*shape: int) -> Any:
    """Return symmetric positive definite matrices."""
    a = normal(*shape)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 3, 4), (0, 3), (1, 1)])
def test_parts_of_matrices_are_those_of_numpy_for_every_offset(shape: tuple[int, ...]) -> None:
    def parts(x: Any) -> Any:
        return [f(x, k) for f in (np.diagonal, np.trace, np.triu, np.tril) for k in OFFSETS] + [
            np.linalg.diagonal(x, offset=1),
            np.linalg.trace(x, offset=-1),
        ]

    x = normal(*shape)
    for dtype in (np.float32, np.float64):
        assert_equals_numpy(parts, x.astype(dtype), exact=False)
    assert_differentiable(parts, x)
    assert_batches(lambda x: (np.diagonal(x, 1), np.trace(x), np.tril(x), np.triu(x, 1)), np.stack([x, -x]))


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_vector_becomes_a_diagonal_or_a_triangle(size: int) -> None:
    def matrices(v: Any) -> Any:
        return [np.diag(v, k) for k in OFFSETS] + [np.diagflat(v, 1)]

    assert_equals_numpy(matrices, normal(size))
    assert_differentiable(matrices, normal(size))
    assert_equals_numpy(lambda v: (np.triu(v, 1), np.tril(v)), normal(size))
    assert_equals_numpy(lambda v: (np.diag(v, 1), np.diag(v, -2)), normal(3, 4))


def test_diagonal_takes_any_two_axes() -> None:
    assert_equals_numpy(
        lambda x: (np.diagonal(x, 1, 2, 0), x.diagonal(axis1=1, axis2=2), x.trace()), normal(2, 3, 4), exact=False
    )


@pytest.mark.parametrize("shape", [*STACKS, (0, 0), (0, 2, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linear_algebra_is_that_of_numpy(shape: tuple[int, ...], dtype: str) -> None:
    a = regular(*shape).astype(dtype)
    b = normal(*shape[:-1], 2, dtype=dtype)
    assert_equals_numpy(lambda a: (np.linalg.inv(a), np.linalg.det(a), tuple(np.linalg.slogdet(a))), a, exact=False)
    assert_equals_numpy(np.linalg.solve, a, b, exact=False)
    spd = positive(*shape).astype(dtype)
    assert_equals_numpy(lambda a: (np.linalg.cholesky(a), np.linalg.cholesky(a, upper=True)), spd, exact=False)


@pytest.mark.parametrize("shape", STACKS)
def test_linear_algebra_is_differentiable_to_second_order_and_batches(shape: tuple[int, ...]) -> None:
    a, b = regular(*shape), normal(*shape[:-1], 2)
    for function in (np.linalg.inv, np.linalg.det, lambda x: np.linalg.slogdet(x).logabsdet):
        assert_differentiable(function, a)
        assert_batches(function, np.stack([a, 2 * a]))
    assert_differentiable(np.linalg.solve, a, b)
    assert_batches(np.linalg.solve, np.stack([a, 2 * a]), b, in_axes=[0, None])
    assert_batches(np.linalg.solve, a, np.stack([b, 2 * b]), in_axes=[None, 0])


@pytest.mark.parametrize("shapes", [((3, 3), (3,)), ((3, 3), (4, 3, 2)), ((4, 3, 3), (3,)), ((4, 3, 3), (3, 2))])
def test_a_right_side_is_a_vector_only_if_it_has_one_axis(shapes: tuple[tuple[int, ...], ...]) -> None:
    a, b = regular(*shapes[0]), normal(*shapes[1])
    assert_equals_numpy(np.linalg.solve, a, b, exact=False)
    assert_differentiable(np.linalg.solve, a, b)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 3, 3)])
def test_the_cholesky_gradient_is_that_of_a_symmetric_matrix(shape: tuple[int, ...], upper: bool) -> None:
    def through_a_square(m: Any) -> Any:
        spd = m @ np.swapaxes(m, -1, -2) + 2 * np.eye(shape[-1])
        return np.linalg.cholesky(spd, upper=upper)

    assert_differentiable(through_a_square, normal(*shape))
    assert_batches(through_a_square, normal(2, *shape))
    gradient = tidu.grad(lambda a: np.sum(np.sin(np.linalg.cholesky(a, upper=upper))))(positive(*shape))
    np.testing.assert_allclose(gradient, np.swapaxes(gradient, -1, -2))


@pytest.mark.parametrize(
    "matrix", [np.zeros((1, 1)), np.zeros((3, 3)), np.outer([1.0, 2, 3], [2.0, 0, 1]), np.ones((2, 2))]
)
def test_the_determinant_of_a_singular_matrix_has_its_gradient(matrix: Any) -> None:
    if len(matrix) == 3:
        matrix = matrix + np.diag([0.0, 1.0, 0.0])
    assert_differentiable(np.linalg.det, matrix, order=1)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("inv", np.linalg.inv),
        ("solve", lambda x: np.linalg.solve(x, np.ones(2))),
        ("cholesky", lambda x: np.linalg.cholesky(x - 3.0)),
    ],
)
def test_a_matrix_without_inverse_or_factor_is_named_with_the_users_line(name: str, function: Any) -> None:
    with pytest.raises(SingularMatrixError, match=name) as caught:
        tidu.grad(lambda x: np.sum(function(x)))(np.ones((2, 2)))
    assert isinstance(caught.value, np.linalg.LinAlgError)
    assert isinstance(caught.value, ParameterError)
    assert caught.value.source.place.file == __file__  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "function", [np.linalg.inv, np.linalg.det, np.linalg.cholesky, lambda x: np.linalg.solve(x, x)]
)
def test_matrices_that_are_not_square_are_refused(function: Any) -> None:
    with pytest.raises(ShapeError):
        tidu.grad(lambda x: np.sum(function(x)))(np.ones((2, 3)))


def test_right_sides_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError):
        tidu.grad(lambda x: np.sum(np.linalg.solve(x, np.ones(3))))(np.eye(2))


def test_slogdet_keeps_numpys_names() -> None:
    sign, size = tidu.jit(lambda x: (np.linalg.slogdet(x).sign, np.linalg.slogdet(x).logabsdet))(-np.eye(3))
    assert (float(sign), float(size)) == (-1.0, 0.0)


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 3, 3)])
def test_eigenvalues_and_vectors_are_those_of_numpy_with_symmetric_gradients(shape: tuple[int, ...]) -> None:
    def spectrum(m: Any) -> Any:
        symmetric = m + np.swapaxes(m, -1, -2)
        return (*np.linalg.eigh(symmetric), np.linalg.eigvalsh(symmetric), np.linalg.eigh(symmetric, "U")[0])

    m = normal(*shape)
    assert_equals_numpy(spectrum, m, exact=False)
    assert_differentiable(spectrum, m)
    assert_batches(spectrum, np.stack([m, 2 * m]))
    assert_equals_numpy(lambda a: (np.linalg.eigvalsh(a, "U"), np.linalg.eigvalsh(a)), m, exact=False)
    with pytest.raises(ParameterError):
        tidu.grad(lambda a: np.sum(np.linalg.eigvalsh(a, "X")))(np.eye(2))


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 2), (2, 4), (2, 3, 2), (0, 2), (3, 0)])
def test_the_thin_singular_value_decomposition_is_that_of_numpy(shape: tuple[int, ...]) -> None:
    def decomposition(x: Any) -> Any:
        return (*np.linalg.svd(x, full_matrices=False), np.linalg.svd(x, compute_uv=False), np.linalg.pinv(x))

    x = normal(*shape)
    assert_equals_numpy(decomposition, x, exact=False)
    assert_differentiable(decomposition, x)
    assert_batches(decomposition, np.stack([x, 2 * x]))


def test_the_pseudo_inverse_of_a_deficient_matrix_is_differentiable_at_constant_rank() -> None:
    assert_differentiable(lambda u, v: np.linalg.pinv(np.outer(u, v)), normal(3), normal(4))


def test_arbitrary_singular_vectors_are_refused() -> None:
    for function in (lambda x: np.linalg.svd(x)[0], lambda x: np.linalg.svd(x, hermitian=True)[0]):
        with pytest.raises(UnsupportedError):
            tidu.grad(lambda x, f=function: np.sum(f(x)))(np.ones((3, 2)))


@pytest.mark.parametrize("shape", [(3, 2), (3, 3), (2, 4), (5, 4, 2), (2, 2, 5)])
def test_qr_gives_both_factors_and_their_gradients(shape):
    a = np.random.default_rng(0).normal(size=shape)
    for found, expected in zip(tidu.jit(lambda a: tuple(np.linalg.qr(a)))(a), np.linalg.qr(a), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)
    tidu.check_grads(lambda a: tuple(np.linalg.qr(a)), (a,), order=2)


def test_added_columns_of_a_complete_qr_are_refused():
    with pytest.raises(tidu.errors.UnsupportedError, match="reduced"):
        tidu.grad(lambda a: np.sum(np.linalg.qr(a, mode="complete")[0]))(np.ones((3, 2)))
