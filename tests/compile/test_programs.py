"""Programs made at random give natively what the interpreter gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.comparing import PROCESSORS, assert_same_bits, both, compiled, general, graph_of, interpreted
from tests.compile.programs import Program, programs

from tidu.core.bind import apply
from tidu.core.primitive import find

LIMITS = {"float64": 1e-12, "float32": 64 * 2.0**-23}
"""Values are at most 1: 64 ulp of 1.0 in float32."""
LENGTHS = (3, 2, 17, 33, 1, 5, 48, 0)


def assert_close(program: Program, native: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> None:
    for got, want in zip(native, expected, strict=True):
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        # A gradient adds up as many terms as there are elements.
        scale = max(1.0, float(np.max(np.abs(want), initial=0.0)))
        assert np.max(np.abs(got.astype(np.float64) - want), initial=0.0) <= LIMITS[program.dtype] * scale


def check(program: Program, n_threads: int, how: str) -> None:
    graph, inputs = program.traced()
    lowered = general(n_threads=n_threads, processor=PROCESSORS[how]())
    assert_close(program, *both(graph, inputs, lowered))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(programs(LENGTHS), st.integers(1, 4), st.sampled_from(list(PROCESSORS)))
def test_native_programs_agree_with_the_interpreter(program: Program, n_threads: int, how: str) -> None:
    check(program, n_threads, how)


@pytest.mark.long
@settings(max_examples=1500, deadline=None, derandomize=True)
@given(programs(LENGTHS), st.integers(1, 4), st.sampled_from(list(PROCESSORS)))
def test_many_native_programs_agree_with_the_interpreter(program: Program, n_threads: int, how: str) -> None:
    check(program, n_threads, how)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(programs(LENGTHS), st.integers(2, 4))
def test_any_number_of_threads_gives_the_same_bits(program: Program, n_threads: int) -> None:
    graph, inputs = program.traced()
    one, many = (compiled(graph, settings=general(n_threads=n))(inputs) for n in (1, n_threads))
    assert_same_bits(one, many)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(programs(LENGTHS))
def test_the_layout_of_the_inputs_changes_no_bit(program: Program) -> None:
    graph, inputs = program.traced()
    function = compiled(graph)
    expected = function(inputs)
    assert_same_bits(function([turned(x) for x in inputs]), expected)
    assert_same_bits(function([unaligned(x) for x in inputs]), expected)


def turned(x: np.ndarray) -> np.ndarray:
    """Return equal elements in memory that is read backwards, every second one."""
    wide = np.zeros((*x.shape, 2), x.dtype)
    wide[..., 1] = x[::-1] if x.ndim else x
    return wide[::-1, ..., 1] if x.ndim else wide[..., 1]


def unaligned(x: np.ndarray) -> np.ndarray:
    raw = np.empty(x.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(x.tobytes(), np.uint8)
    return raw[1:].view(x.dtype).reshape(x.shape)


def test_a_planted_wrong_operation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(find("maximum"), emit=lambda b, x, y: b.select(b.compare(">", x, y), x, x))
    monkeypatch.setitem(find.__globals__["_registry"], "maximum", wrong)
    x = np.linspace(-1, 1, 7)
    graph = graph_of(lambda x: apply(find("maximum"), x, 0.25), x)
    with pytest.raises(AssertionError):
        assert_close(Program((), (), "float64", False, 0), compiled(graph)([x]), interpreted(graph, [x]))
