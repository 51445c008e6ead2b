"""A jitted function is the function: same values, same types, same errors, whatever it is given."""

from __future__ import annotations

import threading
from collections import namedtuple
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.comparing import assert_same

import tidu
from tidu.compile import calling
from tidu.errors import NonFiniteError

rng = np.random.default_rng(5)
X = rng.normal(size=(6, 4))
S = X @ X.T + 6.0 * np.eye(6)
I = np.array([2, -1, 0, 2])  # noqa: E741

PROGRAMS: dict[str, tuple[Callable[..., object], tuple[object, ...]]] = {
    "elementwise": (lambda x, y: np.exp(x) * y + 1.0, (X, X[::-1])),
    "float32": (lambda x: np.tanh(x) / (1.0 + x * x), (X.astype(np.float32),)),
    "product": (lambda x: np.maximum(x @ x.T, 0.0).sum(axis=1), (X,)),
    "solve in the middle": (lambda a, b: np.exp(-np.linalg.solve(a * 2.0, b)) + b, (S, X)),
    "sort in the middle": (lambda x: np.sort(x * x, axis=0) @ np.ones(4) - 1.0, (X,)),
    "cumsum in the middle": (lambda x: np.sin(np.cumsum(x * 0.5, axis=1)) * x, (X,)),
    "sort first": (lambda x: np.sort(x) * 2.0, (X,)),
    "sort last": (lambda x: np.sort(x * 2.0), (X,)),
    "nothing but a sort": (lambda x: np.sort(x), (X,)),
    "two in turn": (lambda x: np.linalg.det(np.cumsum(x @ x.T, axis=0) + 9.0 * np.eye(6)) * np.sort(x * 3.0), (X,)),
    "integers": (lambda i: (i * 3 - 1, i // 2, i > 0, -i), (I,)),
    "truth values": (lambda x: (x > 0, np.logical_not(x > 0), np.any(x > 2.0)), (X,)),
    "indexing": (lambda x, i: (x[i], x[i, 1:3] * 2.0), (X, I)),
    "arguments of the maximum": (lambda x: (np.argmax(x, axis=1), np.max(x)), (X,)),
    "inputs, constants, twice": (lambda x: (x, x, 1.5, x.T, 3, True, x + 0.0), (X,)),
    "no elements": (lambda x: (x * 2.0, np.sum(x), np.sum(x, axis=0), x @ np.ones((3, 2))), (np.ones((0, 3)),)),
    "no axes": (lambda x, y: (x * y, np.sin(y)), (np.array(2.0), np.float64(3.0))),
    "complex": (lambda x: (x * 2.0j, x[0] @ x.T), (X + 1j,)),
    "uint8": (lambda x: (x + x, x * 1.5), (np.array([200, 100, 3], np.uint8),)),
    "float16": (lambda x: (x * 2).astype(np.float32) + 1, (X.astype(np.float16),)),
    "a dict": (lambda p: {"y": p["x"] @ p["W"], "z": [p["x"][0]]}, ({"x": X, "W": X.T},)),
}


def both(function: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """Compare the interpreter with the first call, the general way, and the second one, the quick way."""
    jitted = tidu.jit(function)
    expected, structure = tidu.trace.tree.flatten(function(*arguments))
    for _ in range(3):
        found, nested = tidu.trace.tree.flatten(jitted(*arguments))
        assert nested == structure
        for x, y in zip(found, expected, strict=True):
            assert_same(np.asarray(x), np.asarray(y), 64, scale=1.0, signed_zeros=False)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_jitted_function_gives_what_the_function_gives(name: str) -> None:
    both(*PROGRAMS[name])


@pytest.mark.parametrize("name", ["product", "solve in the middle", "cumsum in the middle", "elementwise"])
def test_gradients_and_jit_compose_both_ways(name: str) -> None:
    function, arguments = PROGRAMS[name]

    def scalar(*given: object) -> object:
        return np.sum(np.sin(function(*given)))

    expected = tidu.grad(scalar)(*arguments)
    for composed in (tidu.jit(tidu.grad(scalar)), tidu.grad(tidu.jit(scalar)), tidu.jit(tidu.grad(tidu.jit(scalar)))):
        for _ in range(2):
            np.testing.assert_allclose(composed(*arguments), expected, rtol=1e-10, atol=1e-12)


def test_every_transformation_composes_with_jit_both_ways() -> None:
    def f(x: np.ndarray) -> object:
        return np.sum(np.tanh(x) ** 3) * x[0]

    x, v = np.array([0.5, -1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    rows = np.stack([x, v])
    pairs = [
        (tidu.hessian(f)(x), tidu.jit(tidu.hessian(f))(x), tidu.hessian(tidu.jit(f))(x)),
        (tidu.jacobian(np.exp)(x), tidu.jit(tidu.jacobian(np.exp))(x), tidu.jacobian(tidu.jit(np.exp))(x)),
        (
            tidu.hvp(f, (x,), (v,)),
            tidu.jit(lambda x, v: tidu.hvp(f, (x,), (v,)))(x, v),
            tidu.hvp(tidu.jit(f), (x,), (v,)),
        ),
        (tidu.vmap(f)(rows), tidu.jit(tidu.vmap(f))(rows), tidu.vmap(tidu.jit(f))(rows)),
    ]
    for plain, outside, inside in pairs:
        np.testing.assert_allclose(outside, plain, rtol=1e-12)
        np.testing.assert_allclose(inside, plain, rtol=1e-12)


def test_python_numbers_come_back_as_python_numbers_and_scalars_as_scalars() -> None:
    f = tidu.jit(tidu.value_and_grad(lambda x, y, z: (x + y) * z, argnums=(0, 1, 2)))
    for _ in range(2):
        value, gradients = f(-2.0, 5.0, -4.0)
        assert (value, gradients) == (-12.0, (-4.0, -4.0, 3.0))
        assert {type(x) for x in (value, *gradients)} == {float}
        strong, _ = f(np.float64(-2.0), 5.0, -4.0)
        assert type(strong) is np.float64
    pushed = tidu.jit(lambda x: tidu.jvp(lambda x: x * x, (x,), (1.0,)))(3.0)
    assert pushed == (9.0, 6.0)
    assert {type(x) for x in (*pushed, tidu.jit(tidu.hessian(lambda x: x * x * x))(2.0))} == {float}
    twice = tidu.jit(lambda x: x * 2)
    assert [type(twice(x)) for x in (1, 1.0, np.float32(1.0), np.int8(1))] == [int, float, np.float32, np.int8]


def test_a_python_integer_too_large_for_numpy_is_python_s_own() -> None:
    assert tidu.jit(lambda x: x)(2**70) == 2**70


def test_an_index_out_of_range_is_the_interpreter_s_error() -> None:
    f = tidu.jit(lambda x, i: x[i] * 2.0)
    for _ in range(2):
        np.testing.assert_array_equal(f(X, I), X[I] * 2.0)
        for wrong in (np.array([0, 6, 0, 0]), np.array([0, 0, 0, -7])):
            with pytest.raises(IndexError, match="out of bounds for axis 0 with length 6"):
                f(X, wrong)
    with pytest.raises(IndexError):
        tidu.jit(lambda x, i: tidu.add_at(x, i, 1.0))(X[0], np.array([4]))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 3), st.sampled_from([1, -1, 2]), st.booleans(), st.booleans(), st.sampled_from("<>"))
def test_inputs_of_any_layout_are_taken(start: int, step: int, turned: bool, readonly: bool, order: str) -> None:
    x = np.arange(60.0).reshape(5, 12)[start:, ::step].astype(f"{order}f8")
    x = x.T if turned else x
    x.flags.writeable = not readonly
    before = x.copy()
    np.testing.assert_allclose(_LAYOUTS(x), np.sin(before) @ np.ones(before.shape[1]), rtol=1e-12)
    np.testing.assert_array_equal(x, before)


_LAYOUTS = tidu.jit(lambda x: np.sin(x) @ np.ones(x.shape[1]))


def test_unaligned_inputs_are_taken() -> None:
    x = np.empty(33, np.uint8)[1:].view(np.float64)
    x[:] = [1.0, 2.0, 3.0, 4.0]
    f = tidu.jit(lambda x: x * 2.0)
    for given_ in (x, np.array(x), x):
        np.testing.assert_array_equal(f(given_), [2.0, 4.0, 6.0, 8.0])


def test_results_share_memory_with_nothing() -> None:
    constant = np.arange(4.0)
    f = tidu.jit(lambda x: (x, x, x[1:], x.reshape(2, 2), constant, x + 1.0))
    x = np.zeros(4)
    for _ in range(3):
        results = f(x)
        for i, result in enumerate(results):
            assert not any(np.shares_memory(result, other) for other in (x, constant, *results[:i]))
            result[...] = 7.0
    np.testing.assert_array_equal(x, 0.0)
    np.testing.assert_array_equal(constant, np.arange(4.0))


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_change_of_a_captured_array_s_elements_is_seen(order: str) -> None:
    captured = np.asarray(np.ones((2, 3)), order=order)
    f = tidu.jit(lambda x: x * captured)
    assert f(2.0).tolist() == f(2.0).tolist() == [[2.0] * 3] * 2
    captured[0, 1] = 5.0
    assert f(2.0).tolist() == [[2.0, 10.0, 2.0], [2.0] * 3]


def test_a_function_is_compiled_once_for_each_form_and_called_for_each_of_them() -> None:
    traced: list[object] = []

    @tidu.jit
    def f(x: np.ndarray) -> object:
        traced.append(x.shape)
        return x * 2.0 + 1.0

    shapes = [(n,) for n in range(1, 8)]
    for _ in range(3):
        for shape in shapes:
            x = rng.normal(size=shape)
            np.testing.assert_allclose(f(x), x * 2.0 + 1.0)
            np.testing.assert_allclose(f(x.astype(np.float32)), x.astype(np.float32) * 2.0 + 1.0, rtol=1e-6)
    assert len(traced) == 2 * len(shapes)


def test_containers_of_another_form_are_told_apart() -> None:
    Point = namedtuple("Point", "x y")
    f = tidu.jit(lambda tree: tidu.trace.tree.map_tree(lambda x: x * 2.0, tree))
    trees: list[object] = [
        {"a": 1.0, "b": [2.0]},
        {"b": [2.0], "a": 1.0},
        {"a": 1.0, "c": [2.0]},
        {"a": 1.0, "b": (2.0,)},
        [1.0, 2.0],
        (1.0, 2.0),
        Point(1.0, 2.0),
        [1.0, None, 2.0],
        [1.0],
        [],
        {},
        1.0,
    ]
    for _ in range(3):
        for tree in trees:
            result = f(tree)
            assert type(result) is type(tree)
            assert result == tidu.trace.tree.map_tree(lambda x: x * 2.0, tree)


def test_keywords_and_static_arguments_go_the_general_way() -> None:
    f = tidu.jit(lambda x, y=1.0: x * 2.0 + y)
    assert [f(1.0), f(1.0, y=3.0), f(1.0), f(x=1.0)] == [3.0, 5.0, 3.0, 3.0]
    g = tidu.jit(lambda x, n: x * n, static_argnums=1)
    assert [g(2.0, n) for n in (2, 3, 2)] == [4.0, 6.0, 4.0]


def test_check_finite_is_heeded_at_every_call() -> None:
    f = tidu.jit(lambda x: np.log(x) * 0.0)
    assert np.isnan(f(np.zeros(2))).all()
    with np.errstate(all="ignore"), tidu.config.override(check_finite=True), pytest.raises(NonFiniteError):
        f(np.zeros(2))
    assert np.isnan(f(np.zeros(2))).all()


@pytest.mark.parametrize("size", [3, 400])
def test_concurrent_calls_of_one_function_do_not_meet(size: int) -> None:
    f = tidu.jit(lambda x, y: (np.tanh(x @ x) @ x, np.sum(x) * y, np.cumsum(x[0] * y) + 1.0))
    barrier = threading.Barrier(4)

    def run(seed: int) -> bool:
        x = np.random.default_rng(seed).normal(size=(size, size)) / size
        y = float(seed)
        expected = np.tanh(x @ x) @ x, np.sum(x) * y, np.cumsum(x[0] * y) + 1.0
        barrier.wait()
        for _ in range(200 if size < 10 else 5):
            found = f(x, y)
            if not all(np.allclose(a, b, rtol=1e-9) for a, b in zip(found, expected, strict=True)):
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, range(4)))


def test_without_a_reader_of_objects_all_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "reader", lambda: None)
    for name in ("elementwise", "a dict", "no elements", "integers"):
        both(*PROGRAMS[name])


def test_a_planted_wrong_result_of_native_code_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = calling.plain_value
    monkeypatch.setattr("tidu.compile.program.plain_value", lambda array, spec: honest(array + 1, spec))
    with pytest.raises(AssertionError):
        both(*PROGRAMS["elementwise"])
