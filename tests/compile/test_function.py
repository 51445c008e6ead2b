"""A native function is called with arrays and returns new ones; it stays inside its memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.compile.comparing import assert_same, both, graph_of
from tests.compile.test_training_step import start, step

from tidu.compile import NativeFunction, lower, native_function
from tidu.core.graph import Graph
from tidu.errors import BudgetError, DtypeError, ShapeError
from tidu.interpret import interpret
from tidu.native.ledger import Ledger
from tidu.trace.function import trace


def run_guarded(graph: Graph, inputs: list[np.ndarray], guard_bytes: int = 128) -> tuple[list[np.ndarray], bool]:
    """Run with random bytes around every buffer; return the outputs, and whether those bytes are intact.

    What is read out of bounds shows in the results, what is written or copied there in the bytes.
    """
    function = NativeFunction(lower(graph, guard_bytes=guard_bytes), vectorize=True)
    plan = function.plan
    rng = np.random.default_rng(0)
    slots, blocks = [], []
    for array in [*map(np.asarray, inputs), *(np.zeros(spec.shape, spec.dtype) for spec in plan.outputs)]:
        block = rng.integers(0, 256, array.nbytes + 2 * guard_bytes, np.uint8)
        slots.append(block[guard_bytes : guard_bytes + array.nbytes].view(array.dtype).reshape(array.shape))
        slots[-1][...] = array
        # An input may not change at all.
        own = [] if len(slots) <= len(inputs) else [(guard_bytes, array.nbytes)]
        blocks.append((block, block.copy(), own))
    arena = Ledger().allocate(plan.arena_bytes, "guarded arena")
    arena[:] = rng.integers(0, 256, arena.size, np.uint8)
    blocks.append((arena, arena.copy(), list(plan.buffers)))
    function.run_on([*slots, arena])
    for block, before, own in blocks:
        for offset, size in own:
            before[offset : offset + size] = block[offset : offset + size]
    return slots[len(inputs) :], all(block.tobytes() == before.tobytes() for block, before, _ in blocks)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_step_stays_inside_its_buffers(dtype: str) -> None:
    params, x, y = start(dtype)
    traced = trace(step, [*params, x, y], eager=False)
    inputs = [*params, x, y, *traced.captures]
    outputs, intact = run_guarded(traced.graph, inputs)
    assert intact
    for native, expected in zip(outputs, interpret(traced.graph, inputs), strict=True):
        assert_same(native, np.asarray(expected), 100, scale=1.0, signed_zeros=False)


def moves(x: np.ndarray, c: np.ndarray) -> tuple[object, ...]:
    both_halves = np.concatenate([x[:, ::2], x[:, 1::2].T.reshape(x.shape[0], -1)], axis=1)
    turned = np.transpose(x)[::-1] * 2.0
    return both_halves, turned, np.sum(turned[1:], axis=0), np.matmul(x, turned), np.where(c, x, x[0]), c, x, 1.5


def test_movement_products_and_truth_values_stay_inside_their_buffers() -> None:
    x = np.random.default_rng(0).normal(size=(5, 6))
    graph = graph_of(moves, x, x > 0)
    outputs, intact = run_guarded(graph, [x, x > 0])
    assert intact
    for native, expected in zip(outputs, interpret(graph, [x, x > 0]), strict=True):
        assert_same(native, np.asarray(expected), 20, scale=1.0)


def test_a_planted_write_out_of_bounds_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from tidu.compile import lower as lowering

    def too_far(emit, shape, operands, out, dtype):
        return honest(emit, (*shape[:-1], shape[-1] + 1), operands, out, dtype)

    honest = lowering.__globals__["elementwise"]
    monkeypatch.setitem(lowering.__globals__, "elementwise", too_far)
    x = np.ones((2, 3))
    _, intact = run_guarded(graph_of(lambda x: np.exp(x * 2.0), x), [x])
    assert not intact


def test_inputs_of_any_layout_are_taken() -> None:
    base = np.random.default_rng(0).normal(size=(6, 8))
    unaligned = np.empty(33, np.uint8)[1:].view(np.float64).reshape(2, 2)
    unaligned[...] = 2.0
    for x in (base[::2, ::-1], base.T, np.broadcast_to(base[0], (3, 8)), unaligned):
        (native,), (expected,) = both(graph_of(lambda x: x * x, x), [x])
        assert_same(native, expected)


def test_results_are_new_arrays_and_inputs_stay() -> None:
    x = np.arange(4.0)
    function = native_function(graph_of(lambda x: (x, x, np.reshape(x, (2, 2)), x + 1.0), x))
    first, second = function([x]), function([x])
    first[0][:] = first[3][:] = -1.0
    np.testing.assert_array_equal(x, np.arange(4.0))
    np.testing.assert_array_equal(second[1], x)
    np.testing.assert_array_equal(second[3], x + 1.0)


def test_python_numbers_and_literal_results_work() -> None:
    graph = graph_of(lambda x, y: (x * y + 0.1, 2.5), 3.0, 4.0)
    found = native_function(graph)([3.0, 4.0])
    assert [float(x) for x in found] == [12.1, 2.5]


def test_empty_arrays_work() -> None:
    x = np.zeros((0, 3))
    graph = graph_of(lambda x: (np.exp(x), np.sum(x, axis=0), np.matmul(x.T, x), np.concatenate([x, x])), x)
    for native, expected in zip(*both(graph, [x]), strict=True):
        assert_same(native, expected)


def test_wrong_inputs_are_refused_by_name() -> None:
    function = native_function(graph_of(lambda x, w: x * w, np.ones(3), np.ones(3)))
    with pytest.raises(ShapeError) as shape:
        function([np.ones(3), np.ones(4)])
    assert shape.value.facts == {"where": "w", "expected": (3,), "got": (4,)}
    with pytest.raises(DtypeError) as dtype:
        function([np.ones(3, np.float32), np.ones(3)])
    assert dtype.value.facts["where"] == "x"
    with pytest.raises(ShapeError):
        function([np.ones(3)])


def test_a_limit_too_small_is_refused_before_anything_is_compiled() -> None:
    x = np.ones(1000)
    graph = graph_of(lambda x: np.exp(np.exp(x)), x)
    plan = lower(graph)
    assert plan.peak_bytes >= 16_000
    for limit in (8_000, 16_000):
        with pytest.raises(BudgetError):
            native_function(graph, Ledger(limit))
    assert native_function(graph, Ledger(16_500))([x])


def test_the_memory_goes_back_with_the_function() -> None:
    ledger = Ledger()
    function = native_function(graph_of(lambda x: np.exp(np.exp(x)), np.ones(1000)), ledger)
    assert ledger.used_bytes > 8000
    del function
    assert ledger.used_bytes == 0


def test_threads_may_share_one_function() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2000))
    function = native_function(graph_of(lambda x: np.exp(np.exp(x)) * 2.0, x[0]))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: function([row])[0], x))
    for row, result in zip(x, found, strict=True):
        np.testing.assert_array_equal(result, function([row])[0])


def test_a_called_graph_is_inlined_each_time_with_its_own_operands() -> None:
    import tidu

    def twice(x: np.ndarray) -> object:
        @tidu.custom_vjp
        def f(x: object) -> object:
            return x * x + 1.0

        f.defvjp(lambda x: (x * x + 1.0, x), lambda x, ct: (ct * x,))
        return f(x) + f(f(x))

    x = np.arange(3.0)
    (native,), (expected,) = both(graph_of(twice, x), [x])
    assert_same(native, expected)


def test_large_and_small_arrays_give_the_same_bits() -> None:
    """Only large ones are vectorized by default."""
    x = np.random.default_rng(0).normal(size=10_000)
    graphs = [graph_of(lambda x: x * 0.1 - np.exp(x), part) for part in (x, x[:100])]
    large, small = (native_function(graph)([part])[0] for graph, part in zip(graphs, (x, x[:100]), strict=True))
    np.testing.assert_array_equal(large[:100], small)
