"""Products of tensors: values as NumPy's for every mixture of ranks, gradients to second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidu
from tests.functions.checking import assert_batches, assert_differentiable, assert_equals_numpy, normal
from tidu.errors import ParameterError, ShapeError
from tidu.functions.einsum import einsum

PAIRS = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 4)),
    ((2, 4, 3), (3, 2)),
    ((2, 4, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 4)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", [*PAIRS, ((2, 4, 3), (5, 3, 2)), ((), (3,)), ((2, 3), ()), ((), ())])
def test_dot_is_that_of_numpy_for_any_ranks(shapes: tuple[tuple[int, ...], ...], dtype: str) -> None:
    arrays = [normal(*shape, dtype=dtype) for shape in shapes]
    assert_equals_numpy(np.dot, *map(np.asarray, arrays), exact=False)
    assert_differentiable(np.dot, *arrays)


@pytest.mark.parametrize("shapes", [*PAIRS, ((2, 1, 4, 3), (5, 3, 2)), ((2, 3), (5, 3, 2)), ((5, 3, 2), (2,))])
def test_matmul_is_that_of_numpy_and_batches(shapes: tuple[tuple[int, ...], ...]) -> None:
    arrays = [normal(*shape) for shape in shapes]
    assert_equals_numpy(np.matmul, *arrays, exact=False)
    assert_differentiable(np.matmul, *arrays)
    left, right = (np.stack([x, 2 * x]) for x in arrays)
    assert_batches(np.matmul, left, right)
    assert_batches(np.matmul, left, arrays[1], in_axes=[0, None])
    assert_batches(np.matmul, arrays[0], right, in_axes=[None, 0])


PRODUCTS: dict[str, tuple[Any, ...]] = {
    "tensordot": (
        lambda a, b: [np.tensordot(a, b, x) for x in (0, 2, ((1, 2), (0, 1)))],
        normal(2, 3, 4),
        normal(3, 4, 2),
    ),
    "tensordot one axis": (
        lambda a, b: (np.tensordot(a, b, (1, 0)), np.tensordot(a, b, 1)),
        normal(2, 3),
        normal(3, 4),
    ),
    "inner": (np.inner, normal(2, 4, 3), normal(5, 3)),
    "inner with a scalar": (np.inner, normal(3), np.float64(2.0)),
    "outer": (np.outer, normal(2, 2), normal(3)),
    "linalg.outer": (np.linalg.outer, normal(2), normal(3)),
    "vdot": (np.vdot, normal(2, 3), normal(3, 2)),
    "kron": (np.kron, normal(2, 3), normal(4)),
    "kron of ranks": (np.kron, normal(2), normal(2, 3, 1)),
    "cross": (np.cross, normal(4, 3), normal(3)),
    "cross along an axis": (
        lambda a, b: (np.cross(a, b, axis=0), np.linalg.cross(a, b, axis=0)),
        normal(3, 4),
        normal(3, 4),
    ),
    "vecdot": (lambda a, b: (np.vecdot(a, b), np.linalg.vecdot(a, b, axis=0)), normal(4, 3), normal(4, 3)),
    "multi_dot": (lambda *a: np.linalg.multi_dot(a), normal(3), normal(3, 7), normal(7, 2), normal(2)),
    "multi_dot of matrices": (lambda *a: np.linalg.multi_dot(a), normal(2, 3), normal(3, 4), normal(4, 2)),
    "matrix_power": (
        lambda a: [np.linalg.matrix_power(a, n) for n in (-2, 0, 1, 3, 6)],
        np.eye(2) + normal(3, 2, 2) / 4,
    ),
}
if hasattr(np, "matvec"):
    PRODUCTS["matvec"] = (np.matvec, normal(5, 2, 3), normal(3))
    PRODUCTS["vecmat"] = (np.vecmat, normal(5, 2), normal(2, 3))


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_those_of_numpy_and_differentiable(name: str) -> None:
    function, *arrays = PRODUCTS[name]
    assert_equals_numpy(function, *arrays, exact=False)
    if name != "linalg.outer":
        assert_equals_numpy(function, *[np.asarray(x).astype(np.float32) for x in arrays], exact=False)
    assert_differentiable(function, *arrays)
    assert_batches(function, *[np.stack([x, 0.5 * x]) for x in arrays])


def test_a_chain_is_multiplied_in_the_cheapest_order() -> None:
    shapes = [(10, 2), (2, 30), (30, 3)]
    graph = tidu.trace.function.trace(
        lambda *a: np.linalg.multi_dot(a), [np.zeros(s) for s in shapes], eager=False
    ).graph
    products = [node.spec.shape for node in graph.nodes if node.primitive and node.primitive.name == "matmul"]
    assert products == [(2, 3), (10, 3)]


@st.composite
def expressions(draw: st.DrawFn) -> tuple[str, list[np.ndarray[Any, Any]]]:
    """Draw an einsum expression and operands that fit it: repeated, missing and hidden labels."""
    sizes = {label: draw(st.integers(0, 3)) for label in "abcdZ"}
    hidden = draw(st.lists(st.integers(1, 3), max_size=2))
    dots = draw(st.booleans())
    terms, arrays = [], []
    for _ in range(draw(st.integers(1, 4))):
        labels = draw(st.lists(st.sampled_from("abcdZ"), max_size=3))
        shape = [sizes[label] for label in labels]
        if dots:
            at, depth = draw(st.integers(0, len(labels))), draw(st.integers(0, len(hidden)))
            under = [1 if draw(st.integers(0, 4)) == 0 else n for n in hidden[len(hidden) - depth :]]
            shape[at:at] = under
            labels[at:at] = ["..."]
        terms.append("".join(labels))
        arrays.append(normal(*shape))
    text = ",".join(terms)
    if draw(st.booleans()):
        letters = draw(st.permutations(sorted({c for c in text if c.isalpha()})))
        chosen = letters[: draw(st.integers(0, len(letters)))]
        text += "->" + "..." * dots + "".join(chosen)
    return text, arrays


@settings(max_examples=150, deadline=None)
@given(expressions())
def test_any_einsum_expression_gives_what_numpy_gives(case: tuple[str, list[Any]]) -> None:
    text, arrays = case
    expected = np.einsum(text, *arrays)
    got = np.asarray(einsum(text, *arrays))
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("ij->", [(2, 3)]),
        ("ij,ij->ji", [(2, 3), (2, 3)]),
        ("...ij,...jk", [(2, 2, 3), (3, 4)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
        ("bij,bj->bi", [(2, 3, 4), (2, 4)]),
        ("i,j,k->kji", [(2,), (3,), (2,)]),
        ("iij,j->i", [(3, 3, 2), (2,)]),
        ("ij,k->i", [(2, 3), (4,)]),
    ],
)
def test_einsum_is_differentiable_and_batches(text: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [normal(*shape) for shape in shapes]
    assert_equals_numpy(lambda *a: np.einsum(text, *a), *[x.astype(np.float32) for x in arrays], exact=False)
    assert_differentiable(lambda *a: np.einsum(text, *a), *arrays)
    assert_batches(lambda *a: np.einsum(text, *a), *[np.stack([x, x * x]) for x in arrays])


def test_einsum_takes_lists_of_axes_and_ignores_optimize() -> None:
    a, b = normal(2, 3), normal(3, 4)
    assert_equals_numpy(lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), a, b, exact=False)
    assert_equals_numpy(lambda a, b: np.einsum(a, [0, 1], b, [1, 2]), a, b, exact=False)
    assert_equals_numpy(lambda a, b: np.einsum(a, [..., 1], b, [1, 2]), a, b, exact=False)
    assert_equals_numpy(lambda a, b: np.einsum(" i j , j k ", a, b, optimize=True), a, b, exact=False)


@pytest.mark.parametrize(
    ("text", "shapes", "error"),
    [
        ("ij,jk", [(2, 3)], ParameterError),
        ("ij->k", [(2, 3)], ParameterError),
        ("ij->ii", [(2, 3)], ParameterError),
        ("i?", [(2, 3)], ParameterError),
        ("...i->i", [(2, 3)], ParameterError),
        ("ijk", [(2, 3)], ShapeError),
        ("ij,jk", [(2, 3), (4, 2)], ShapeError),
        ("ii", [(2, 3)], ShapeError),
    ],
)
def test_einsum_refuses_what_is_not_well_formed(
    text: str, shapes: list[tuple[int, ...]], error: type[Exception]
) -> None:
    with pytest.raises(error):
        einsum(text, *[np.ones(shape) for shape in shapes])


@pytest.mark.parametrize(
    "function",
    [
        lambda a: a @ a,
        lambda a: np.dot(a, a),
        lambda a: np.inner(a, a.T),
        lambda a: np.vdot(a, a[0]),
        lambda a: np.tensordot(a, a, 3),
        lambda a: np.tensordot(a, a, (0, 1)),
        lambda a: np.cross(a, a.T[:, :2]),
        lambda a: np.vecdot(a, a[:, :1]),
        lambda a: np.linalg.outer(a, a),
        lambda a: np.linalg.matrix_power(a, 2),
        lambda a: np.linalg.multi_dot([a]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(function: Any) -> None:
    with pytest.raises(ShapeError):
        tidu.grad(lambda a: np.sum(function(a)))(np.ones((2, 3)))


def test_a_stack_that_meets_one_matrix_is_pulled_back_in_one_product() -> None:
    def loss(w: Any, x: Any) -> Any:
        return np.sum((x @ w) ** 2)

    x, w = normal(5, 4, 3), normal(3, 2)
    flat = x.reshape(-1, 3)
    np.testing.assert_allclose(tidu.grad(loss)(w, x), 2 * flat.T @ (flat @ w))


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("lengths", [(5, 3), (3, 5), (4, 4), (6, 2), (2, 6), (1, 1), (4, 1)])
def test_convolution_and_correlation_are_those_of_numpy(lengths: tuple[int, int], mode: Any) -> None:
    def both(a: Any, v: Any) -> Any:
        return np.convolve(a, v, mode), np.correlate(a, v, mode)

    a, v = normal(lengths[0]), normal(lengths[1])
    assert_equals_numpy(both, a, v, exact=False)
    assert_equals_numpy(both, a.astype(np.float32), v.astype(np.float32), exact=False)
    assert_differentiable(both, a, v)
    assert_batches(both, np.stack([a, -a]), v, in_axes=[0, None])
