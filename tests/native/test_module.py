"""Kernels become one function: equal ones once, each at its own places, round after round."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from tidu.native.machine import compile_text
from tidu.native.module import ENTRY, HEAD_BYTES, Body, Invocation, module_text
from tidu.native.text import FunctionText, Kernel
from tidu.native.threads import team


def adding(number: int) -> Kernel:
    """Return a kernel whose first thread adds a number to the integer at its place."""
    text = FunctionText(["ptr", "ptr", "ptr", "i64"])
    with text.when(text.value("icmp eq i64 %p3, 0")):
        old = text.value("load i64, ptr %p0")
        text.do(f"store i64 {text.value(f'add i64 {old}, {number}')}, ptr %p0")
    return text.finish()


def doubling() -> Kernel:
    """Return a kernel whose last of two threads doubles the integer at its place."""
    text = FunctionText(["ptr", "ptr", "ptr", "i64"])
    with text.when(text.value("icmp eq i64 %p3, 1")):
        old = text.value("load i64, ptr %p0")
        text.do(f"store i64 {text.value(f'shl i64 {old}, 1')}, ptr %p0")
    return text.finish()


def run(body: Body, slots: list[np.ndarray], n_threads: int = 1, rounds: int | None = None) -> None:
    text, functions = module_text(body, n_threads, repeated=rounds is not None)
    code = compile_text(text, functions, vectorize=False)
    call = code.function(ENTRY, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
    arena = np.zeros(HEAD_BYTES, np.uint8)
    table = np.array([*(x.ctypes.data for x in (*slots, arena)), rounds or 0])
    team(n_threads).run(call, table.ctypes.data)


def test_equal_kernels_stand_in_the_text_once() -> None:
    calls = [Invocation(adding(1), ((0, 0),)), Invocation(adding(1), ((0, 8),)), Invocation(adding(2), ((0, 8),))]
    text, _ = module_text(Body([calls], 2, 0, HEAD_BYTES), 1)
    assert text.count("define internal") == 2
    assert text.count("call void @kernel") == 3
    x = np.zeros(3, np.int64)
    run(Body([calls], 2, 0, HEAD_BYTES), [x])
    np.testing.assert_array_equal(x, [1, 3, 0])


def test_slots_move_on_from_round_to_round() -> None:
    x, y = np.arange(5), np.zeros(1, np.int64)
    body = Body(
        [[Invocation(adding(7), ((0, 0),)), Invocation(adding(1), ((1, 0),))]], 3, 0, HEAD_BYTES, strides={0: 8}
    )
    run(body, [x, y], rounds=4)
    np.testing.assert_array_equal(x, [7, 8, 9, 10, 4])
    assert y[0] == 4


@pytest.mark.parametrize("rounds", [1, 20])
def test_threads_wait_between_intervals_and_between_rounds(rounds: int) -> None:
    """One thread adds, the other one doubles: any other order gives another number."""
    x, expected = np.ones(1, np.int64), 1
    body = Body([[Invocation(adding(3), ((0, 0),))], [Invocation(doubling(), ((0, 0),))]], 2, 0, HEAD_BYTES, strides={})
    run(body, [x], n_threads=2, rounds=rounds)
    for _ in range(rounds):
        expected = 2 * (expected + 3)
    assert x[0] == expected


def test_one_thread_has_no_barrier() -> None:
    body = Body([[Invocation(adding(1), ((0, 0),))], [Invocation(adding(1), ((0, 0),))]], 2, 0, HEAD_BYTES)
    assert "barrier" not in module_text(body, 1)[0]
    assert module_text(body, 2)[0].count("call void @tidu_barrier") == 1
