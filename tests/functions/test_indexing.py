"""Brackets mean what they mean in NumPy, and gradients go back to the elements that were taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidu
from tests.functions.checking import assert_batches, assert_differentiable, assert_equals_numpy, normal
from tidu.errors import DtypeError, InPlaceError, ParameterError, ShapeError, TraceError
from tidu.functions.indexing import add_at, getitem, set_at
from tidu.ops.indexing import IndexRangeError, gather, last_writer, scatter_add

X, M, V = normal(2, 3, 4), normal(3, 2), normal(5)


@st.composite
def indexed(draw: st.DrawFn) -> tuple[tuple[int, ...], Any]:
    """Draw a shape and an index that fits it, mostly."""
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    items: list[Any] = []
    axis = 0
    for _ in range(draw(st.integers(0, 5))):
        length = shape[axis] if axis < len(shape) else 2
        bound = st.one_of(st.none(), st.integers(-6, 6))
        kinds: list[st.SearchStrategy[Any]] = [
            st.builds(slice, bound, bound, st.sampled_from([None, 1, 2, 3, -1, -2, -5])),
            st.none(),
            st.just(Ellipsis),
            st.lists(st.booleans(), min_size=length, max_size=length).map(lambda x: np.array(x, np.bool_)),
        ]
        if length:
            one = st.integers(-length, length - 1)
            kinds += [one, st.lists(one, min_size=2, max_size=2), one.map(lambda i: np.array([[i], [0]]))]
        item = draw(st.one_of(kinds))
        items.append(item)
        axis += item is not None and item is not Ellipsis
    if draw(st.integers(0, 9)) == 0:
        items.append(draw(st.booleans()))
    index = tuple(items)
    return shape, index[0] if len(index) == 1 and draw(st.booleans()) else index


@settings(max_examples=200, deadline=None)
@given(indexed())
def test_any_index_takes_sets_and_adds_as_numpy_does(case: tuple[tuple[int, ...], Any]) -> None:
    shape, index = case
    x = np.arange(1.0, np.prod(shape) + 1.0).reshape(shape)
    try:
        expected = x[index]
    except IndexError:
        with pytest.raises(IndexError):
            getitem(x, index)
        return
    try:
        got = np.asarray(getitem(x, index))
    except IndexRangeError:  # NumPy lets what does not fit pass if no element is taken
        assert np.size(expected) == 0
        return
    assert got.shape == np.shape(expected)
    np.testing.assert_array_equal(got, expected)
    values = -np.arange(1.0, np.size(expected) + 1.0).reshape(np.shape(expected))
    assigned, added = x.copy(), x.copy()
    assigned[index] = values
    np.add.at(added, index, values)
    np.testing.assert_array_equal(set_at(x, index, values), assigned)
    np.testing.assert_array_equal(add_at(x, index, values), added)


TAKEN = {
    "int": lambda x: (x[0], x[-1, 2], x[1][0], x[np.int64(1), ..., -1]),
    "slice": lambda x: (x[:, 1:], x[::-1, ::2], x[..., 1], x[:, 5:], x[:, None, -2:]),
    "arrays": lambda x: (x[[0, 1], [1, 1]], x[:, [0, 2, 0]], x[[0], :, [1, 2]], x[:, 0, [1, 1]], x[[[0], [1]], [1, 2]]),
    "mixed": lambda x: (x[::-1, None, 1:, [0, 0, 3]], x[0, ..., [1, 2]], x[np.array(1), [0, 1]]),
    "static mask": lambda x: (x[np.array([True, False])], x[:, np.array([[True] * 4, [False] * 4, [True] * 4])]),
    "nothing": lambda x: (x[[]], x[..., np.zeros(4, bool)], x[()], x[...]),
    "take": lambda x: (np.take(x, [[5, -1], [2, 2]]), x.take(1, axis=-1), np.take(x, [2, 0], axis=1)),
    "take mode": lambda x: (np.take(x, [5, -7], axis=1, mode="wrap"), np.take(x, [5, -7], axis=1, mode="clip")),
    "take_along_axis": lambda x: (
        np.take_along_axis(x, np.array([[[3, 0]]]), 2),
        np.take_along_axis(x, np.array([3, 4]), None),
    ),
    "compress": lambda x: (np.compress([True, False, True], x, axis=1), np.compress([False, True], x)),
    "rows": lambda x: [row * 2.0 for row in x],
}


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elements_taken_are_those_of_numpy(name: str, dtype: str) -> None:
    assert_equals_numpy(TAKEN[name], X.astype(dtype))


@pytest.mark.parametrize("name", TAKEN)
def test_the_gradient_goes_back_to_the_elements_taken(name: str) -> None:
    assert_differentiable(TAKEN[name], X)
    assert_batches(TAKEN[name], np.stack([X, 2 * X]))


def test_an_element_taken_twice_gets_both_gradients() -> None:
    gradient = tidu.grad(lambda x: np.sum(x[[1, 1, 0]] * np.array([2.0, 3.0, 5.0])))(np.zeros(3))
    np.testing.assert_array_equal(gradient, [5.0, 5.0, 0.0])


def test_a_mask_from_values_works_under_grad_and_is_refused_under_jit_and_vmap() -> None:
    def positive(x: Any) -> Any:
        return np.sum(x[x > 0] ** 2)

    np.testing.assert_allclose(tidu.grad(positive)(V), np.where(V > 0, 2 * V, 0.0))
    for transformed in (tidu.jit(positive), tidu.vmap(lambda x: positive(x * V))):
        with pytest.raises(TraceError, match=r"np\.where"):
            transformed(V)


def test_traced_integer_indices_work_under_jit_and_vmap() -> None:
    rows = np.array([2, -1, 0])
    np.testing.assert_array_equal(tidu.jit(lambda x, i: x[i])(M, rows), M[rows])
    np.testing.assert_array_equal(tidu.vmap(lambda x, i: x[i], in_axes=(None, 0))(M, rows), M[rows])
    np.testing.assert_array_equal(
        tidu.vmap(lambda x, i: x[i], in_axes=(0, 0))(M, np.array([1, 0, 1])), M[[0, 1, 2], [1, 0, 1]]
    )
    assert_batches(lambda x, i: x[:, i] * 1.0, X, np.array([[0, 1], [2, 2]]), in_axes=[None, 0])
    assert_batches(lambda x, i: x[i, 1] * 1.0, X, np.array([[0, 1], [2, 2]]))
    np.testing.assert_array_equal(tidu.jit(lambda i: np.stack([i, i + 1]))(3), [3, 4])


def test_an_index_that_is_traced_may_follow_the_values_under_grad() -> None:
    gradient = tidu.grad(lambda x: x[np.argsort(x)[0]] * 3.0)(np.array([2.0, 1.0]))
    np.testing.assert_array_equal(gradient, [0.0, 3.0])


@pytest.mark.parametrize("index", [7, -6, [0, 9], (0, 0), 1.5, "a", np.ones(4, bool), ([0, 1], [0, 1]), (..., ...)])
def test_an_index_that_does_not_fit_is_an_index_error_with_the_facts(index: Any) -> None:
    with pytest.raises(IndexRangeError) as caught:
        tidu.grad(lambda x: np.sum(x[index]))(V)
    assert isinstance(caught.value, IndexError)
    assert isinstance(caught.value, ShapeError)


def test_a_traced_index_out_of_range_says_so_when_it_runs() -> None:
    with pytest.raises(IndexRangeError, match="out of bounds") as caught:
        tidu.grad(lambda x, i: np.sum(x[i]))(V, np.array([1, 5]))
    assert caught.value.got == 5  # type: ignore[attr-defined]


def test_an_assignment_is_refused_and_names_set_at() -> None:
    def assign(x: Any) -> Any:
        x[0] = 1.0
        return np.sum(x)

    with pytest.raises(InPlaceError, match="set_at"):
        tidu.grad(assign)(V)


def test_set_at_lets_the_last_of_repeated_indices_win_and_only_it_gets_the_gradient() -> None:
    def loss(x: Any, v: Any) -> Any:
        return np.sum(tidu.set_at(x, [1, 1, 0], v) * np.array([1.0, 10.0, 100.0]))

    of_x, of_v = tidu.grad(loss, argnums=(0, 1))(np.zeros(3), np.ones(3))
    np.testing.assert_array_equal(of_x, [0.0, 0.0, 100.0])
    np.testing.assert_array_equal(of_v, [0.0, 10.0, 1.0])


UPDATES = {
    "row": (0, normal(3, 4)),
    "window": ((slice(None, None, -1), 1), normal(2, 4)),
    "reversed": ((slice(None, None, -1),), normal(2, 3, 4)),
    "scalar": ((1, 2, 3), np.array(2.0)),
    "repeated": ((slice(None), [0, 2, 0]), normal(2, 3, 4)),
    "broadcast": (([0, 1], slice(1, None)), normal(4)),
    "mask": (X > 0, np.array(0.5)),
    "none": ([], normal(1, 3, 4)),
    "leading one": (0, normal(1, 3, 4)),
}


@pytest.mark.parametrize("name", UPDATES)
def test_updates_are_numpys_assignments_and_differentiable(name: str) -> None:
    index, values = UPDATES[name]
    assigned, added = X.copy(), X.copy()
    assigned[index] = values
    np.add.at(added, index, values.reshape(values.shape[-len(np.shape(X[index])) :]) if values.ndim else values)
    np.testing.assert_array_equal(tidu.jit(lambda x, v: tidu.set_at(x, index, v))(X, values), assigned)
    np.testing.assert_allclose(tidu.jit(lambda x, v: tidu.add_at(x, index, v))(X, values), added)
    assert_differentiable(lambda x, v: (set_at(x, index, v), add_at(x, index, v)), X, values)
    assert_batches(
        lambda x, v: (set_at(x, index, v), add_at(x, index, v)), np.stack([X, -X]), np.stack([values, values])
    )


def test_updates_at_traced_indices_batch() -> None:
    rows = np.array([[0, 1, 1], [2, 2, 0]])

    def updated(x: Any, i: Any, v: Any) -> Any:
        return set_at(x, i, v), add_at(x, i, v)

    assert_batches(updated, normal(3), rows, normal(2, 3), in_axes=[None, 0, 0])
    assert_batches(updated, normal(2, 3), rows, normal(3), in_axes=[0, 0, None])


def test_updates_keep_the_dtype_and_refuse_to_truncate() -> None:
    assert np.asarray(set_at(np.zeros(2, np.float32), 0, 1.5)).dtype == np.float32
    assert np.asarray(add_at(np.zeros(2, np.float32), 0, np.float64(1.5))).dtype == np.float32
    for update in (set_at, add_at):
        with pytest.raises(DtypeError):
            update(np.zeros(2, np.int64), 0, 1.5)
        with pytest.raises(ShapeError):
            update(np.zeros(4), slice(0, 2), np.ones(3))


def test_choices_follow_their_numbers_and_conditions() -> None:
    number = np.array([0, 1, 1, 0, 2])
    assert_equals_numpy(
        lambda a, b: (np.choose(number, [a, b, 3.0]), np.select([a > 1, b > 0], [a, 2 * b], 7.0)), V, V + 1
    )
    assert_equals_numpy(lambda a: (np.choose([0, 5, -1, 0, 2], [a, a + 1], mode="wrap"),), V)
    assert_equals_numpy(lambda a: (np.choose([0, 5, -1, 0, 2], [a, a + 1], mode="clip"),), V)
    assert_differentiable(
        lambda a, b: (np.choose(number, [a, b, 3.0]), np.select([a > 1, b > 0], [a, b * a], b)), V, V + 1
    )
    with pytest.raises(ParameterError):
        tidu.grad(lambda a: np.sum(np.choose(number, [a, a, a], mode="bend")))(V)
    with pytest.raises(IndexError):
        tidu.grad(lambda a: np.sum(np.choose(number, [a, a])))(V)


def test_questions_about_values_have_plain_answers_under_grad() -> None:
    def loss(x: Any) -> Any:
        assert all(isinstance(i, np.ndarray) for i in np.nonzero(x > 0))
        np.testing.assert_array_equal(np.flatnonzero(x > 0), np.flatnonzero(V > 0))
        np.testing.assert_array_equal(np.argwhere(x > 0), np.argwhere(V > 0))
        distinct, counts = np.unique(np.concatenate([x, x]), return_counts=True)
        np.testing.assert_array_equal(counts, [2] * 5)
        return np.sum(distinct * np.arange(5.0)) + np.sum(np.extract(x > 0, x))

    expected = np.argsort(np.argsort(V)) + 1.0 * (V > 0)
    np.testing.assert_allclose(tidu.grad(loss)(V), expected)


def test_the_last_writer_of_each_place_is_numbered() -> None:
    np.testing.assert_array_equal(last_writer(np.array([1, 1, 3]), shape=(5,)), [-1, 1, -1, 2, -1])


def test_scatter_is_the_transpose_of_gather() -> None:
    rows, columns = np.array([[0], [-1], [0]]), np.array([1, 1])
    x, y = normal(3, 2, 4), normal(3, 2, 4)
    left = np.sum(np.asarray(gather(x, rows, columns)) * y)
    right = np.sum(x * np.asarray(scatter_add(y, rows, columns, shape=(3, 2, 4))))
    assert left == pytest.approx(right)


def test_a_flat_index_becomes_one_for_each_axis() -> None:
    x = normal(3, 4, 2)
    for order in ("C", "F"):
        found = tidu.jit(lambda i, o=order: np.unravel_index(i, (3, 4, 2), o))(np.array([0, 7, 23]))
        np.testing.assert_array_equal(found, np.unravel_index([0, 7, 23], (3, 4, 2), order))  # type: ignore[arg-type]
    gradient = tidu.grad(lambda x: x[np.unravel_index(np.argmax(x), x.shape)])(x)
    np.testing.assert_array_equal(gradient, x == x.max())
