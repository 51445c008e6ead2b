"""Programs made at random give natively what the interpreter gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.comparing import both, graph_of
from tests.compile.test_function import run_guarded

from tidu.core.primitive import find
from tidu.interpret import interpret

Program = Sequence[tuple[int, int, int]]
Value = np.ndarray


def tame(x: Value) -> Value:
    """Keep values within [-1, 1], so that errors are not blown up from step to step."""
    return x / (x * x + 1.0)


def fitting(x: Value, y: Value) -> Value:
    """Return something of y that broadcasts against x."""
    return y if x.shape == y.shape else np.sum(y)


def product(x: Value, y: Value) -> Value:
    """Return a matrix product of x with itself, or with y, transposed."""
    if x.ndim < 2:
        return np.sum(x * fitting(x, y))
    return np.matmul(x, np.swapaxes(y if y.shape == x.shape else x, -1, -2))


UNARY: list[Callable[[Value], Value]] = [
    np.exp,
    tame,
    lambda x: np.transpose(x),
    lambda x: np.reshape(x, -1),
    lambda x: x[::-1] if x.ndim else x,
    lambda x: x[..., 1::2] if x.ndim else x,
    lambda x: np.sum(x, axis=-1) if x.ndim else x,
    lambda x: np.sum(x, axis=0, keepdims=True) if x.ndim else x,
    lambda x: np.broadcast_to(x, (2, *x.shape)) if x.ndim < 3 else x,
    lambda x: np.maximum(x, 0.25),
]
BINARY: list[Callable[[Value, Value], Value]] = [
    lambda x, y: x + fitting(x, y),
    lambda x, y: x * fitting(x, y),
    lambda x, y: np.where(x > fitting(x, y), x, 0.5),
    lambda x, y: np.concatenate([x, y]) if x.shape == y.shape and x.ndim else x - y if x.shape == y.shape else x,
    product,
]


def run_program(program: Program, *inputs: Value) -> list[Value]:
    values = list(inputs)
    for operation, i, j in program:
        x, y = values[i % len(values)], values[j % len(values)]
        if operation < len(UNARY):
            found = UNARY[operation](x)
        else:
            found = BINARY[operation - len(UNARY)](x, y)
        values.append(tame(found))
    return values[len(inputs) :]


programs = st.lists(
    st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 20), st.integers(0, 20)),
    min_size=1,
    max_size=12,
)
shapes = st.lists(st.lists(st.integers(0, 4), max_size=3).map(tuple), min_size=2, max_size=2)


@settings(max_examples=40, deadline=None)
@given(programs, shapes, st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1))
def test_native_programs_agree_with_the_interpreter(program: Program, shape: list, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = [rng.uniform(-1, 1, s).astype(dtype) for s in shape]
    graph = graph_of(lambda *xs: run_program(program, *xs), *inputs)
    found, expected = both(graph, inputs, vectorize=False)
    for native, value in zip(found, expected, strict=True):
        assert native.dtype == value.dtype == np.dtype(dtype)
        np.testing.assert_allclose(native, value, rtol=0, atol=1e-12 if dtype == "float64" else 1e-4)


@settings(max_examples=15, deadline=None)
@given(programs, shapes)
def test_native_programs_stay_inside_their_buffers(program: Program, shape: list) -> None:
    inputs = [np.random.default_rng(0).uniform(-1, 1, s) for s in shape]
    graph = graph_of(lambda *xs: run_program(program, *xs), *inputs)
    found, intact = run_guarded(graph, inputs)
    assert intact
    for native, value in zip(found, interpret(graph, inputs), strict=True):
        np.testing.assert_allclose(native, value, rtol=0, atol=1e-12)


def test_a_planted_wrong_operation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(find("maximum"), emit=lambda b, x, y: b.select(b.compare(">", x, y), x, x))
    monkeypatch.setitem(find.__globals__["_registry"], "maximum", wrong)
    from tidu.core.bind import apply

    x = np.linspace(-1, 1, 7)
    (native,), (expected,) = both(graph_of(lambda x: apply(find("maximum"), x, 0.25), x), [x])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(native, expected, rtol=0, atol=1e-12)
