"""A native function is called with arrays and returns new ones; its memory is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.compile.comparing import assert_same, both, code_of, compiled, general, graph_of

import tidu
from tidu.compile import IndexOutOfRange, NativeFunction
from tidu.compile.lower import lower
from tidu.core.graph import Graph
from tidu.errors import BudgetError, DtypeError, ShapeError
from tidu.native.ledger import Ledger
from tidu.ops.indexing import gather, scatter_add


def twice_exp(n: int) -> Graph:
    """Return a graph that needs a buffer of its own between two kernels."""
    return graph_of(lambda x: np.exp(x) - np.sum(np.exp(x)), np.ones(n))


def test_inputs_of_any_layout_are_taken() -> None:
    base = np.random.default_rng(0).normal(size=(6, 8))
    unaligned = np.empty(33, np.uint8)[1:].view(np.float64).reshape(2, 2)
    unaligned[...] = 2.0
    for x in (base[::2, ::-1], base.T, np.broadcast_to(base[0], (3, 8)), unaligned, np.asfortranarray(base)):
        (native,), (expected,) = both(graph_of(lambda x: x * x, x), [x])
        assert_same(native, expected)


def test_results_are_new_arrays_and_inputs_stay() -> None:
    x = np.arange(4.0)
    function = compiled(graph_of(lambda x: (x, x, np.reshape(x, (2, 2)), x + 1.0), x))
    first, second = function([x]), function([x])
    first[0][:] = first[3][:] = -1.0
    np.testing.assert_array_equal(x, np.arange(4.0))
    np.testing.assert_array_equal(second[1], x)
    np.testing.assert_array_equal(second[3], x + 1.0)


def test_python_numbers_and_literal_results_work() -> None:
    graph = graph_of(lambda x, y: (x * y + 0.1, 2.5), 3.0, 4.0)
    found = compiled(graph)([3.0, 4.0])
    assert [float(x) for x in found] == [12.1, 2.5]


def test_empty_arrays_work() -> None:
    x = np.zeros((0, 3))
    graph = graph_of(lambda x: (np.exp(x), np.sum(x, axis=0), np.matmul(x.T, x), np.concatenate([x, x])), x)
    for n_threads in (1, 2):
        for native, expected in zip(*both(graph, [x], general(n_threads=n_threads)), strict=True):
            assert_same(native, expected)


def test_wrong_inputs_are_refused_by_name() -> None:
    function = compiled(graph_of(lambda x, w: x * w, np.ones(3), np.ones(3)))
    with pytest.raises(ShapeError) as shape:
        function([np.ones(3), np.ones(4)])
    assert shape.value.facts == {"where": "w", "expected": (3,), "got": (4,)}
    with pytest.raises(DtypeError) as dtype:
        function([np.ones(3, np.float32), np.ones(3)])
    assert dtype.value.facts["where"] == "x"
    with pytest.raises(ShapeError):
        function([np.ones(3)])


def test_a_limit_too_small_is_refused_before_anything_is_compiled() -> None:
    graph = twice_exp(1000)
    plan = lower(graph, general())
    assert plan.peak_bytes >= 16_000
    for limit in (8_000, 16_000):
        with pytest.raises(BudgetError):
            compiled(graph, Ledger(limit))
    assert compiled(graph, Ledger(plan.peak_bytes + 64))([np.ones(1000)])


def test_the_memory_goes_back_with_the_function() -> None:
    ledger = Ledger()
    function = compiled(twice_exp(1000), ledger)
    assert ledger.used_bytes > 8000
    del function
    assert ledger.used_bytes == 0


@pytest.mark.parametrize("n_threads", [1, 2])
def test_python_threads_may_share_one_function(n_threads: int) -> None:
    x = np.random.default_rng(0).normal(size=(40, 2000))
    function = compiled(twice_exp(2000), settings=general(n_threads=n_threads))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda row: function([row])[0], x))
    for row, result in zip(x, found, strict=True):
        np.testing.assert_array_equal(result, function([row])[0])


def test_a_called_graph_is_inlined_each_time_with_its_own_operands() -> None:
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
    x = np.random.default_rng(0).normal(size=10_000)
    graphs = [graph_of(lambda x: x * 0.1 - np.exp(x), part) for part in (x, x[:100])]
    large, small = (compiled(graph)([part])[0] for graph, part in zip(graphs, (x, x[:100]), strict=True))
    np.testing.assert_array_equal(large[:100], small)


# Indices.

TABLE = np.arange(12.0).reshape(4, 3)


def picked(x: np.ndarray, k: np.ndarray) -> object:
    return gather(x, k)


def summed(x: np.ndarray, k: np.ndarray) -> object:
    return scatter_add(x[: len(k)], k, shape=(4, 3))


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("dtype", ["int64", "int32", "int8"])
@pytest.mark.parametrize("function", [picked, summed])
def test_negative_indices_count_from_the_end(function: object, dtype: str, n_threads: int) -> None:
    k = np.array([-1, 0, -4, 3], dtype)
    for native, expected in zip(
        *both(graph_of(function, TABLE, k), [TABLE, k], general(n_threads=n_threads)), strict=True
    ):
        assert_same(native, expected)


@pytest.mark.parametrize("bad", [4, -5, 2**40, -(2**63), 2**63 - 1])
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("function", [picked, summed])
def test_an_index_out_of_range_is_reported_and_then_forgotten(function: object, n_threads: int, bad: int) -> None:
    good = np.array([0, 1, 3, 2])
    native = compiled(graph_of(function, TABLE, good), settings=general(n_threads=n_threads))
    expected = native([TABLE, good])
    for position in range(4):
        wrong = good.copy()
        wrong[position] = bad
        with pytest.raises(IndexOutOfRange):
            native([TABLE, wrong])
        np.testing.assert_array_equal(native([TABLE, good])[0], expected[0])


def test_unsigned_indices_are_never_negative() -> None:
    k = np.array([3, 255], np.uint8)
    native = compiled(graph_of(picked, TABLE, k))
    with pytest.raises(IndexOutOfRange):
        native([TABLE, k])
    np.testing.assert_array_equal(native([TABLE, np.array([3, 0], np.uint8)])[0], TABLE[[3, 0]])


def test_any_bad_index_of_a_long_row_is_found_whatever_the_thread() -> None:
    x, k = np.arange(50.0), np.zeros(100, np.int64)
    native = compiled(graph_of(picked, x, k), settings=general(n_threads=3))
    for position in (0, 15, 31, 32, 63, 64, 98, 99):
        wrong = k.copy()
        wrong[position] = 50
        with pytest.raises(IndexOutOfRange):
            native([x, wrong])
    native([x, k])


def test_a_bad_index_in_one_of_many_rounds_is_reported() -> None:
    rows = np.array([[0, 1], [3, 4], [2, 2]])
    plan = lower(graph_of(lambda x, k: gather(x, k) * 2.0, TABLE, rows[0]), general())
    function = NativeFunction(plan, strides={1: rows[0].nbytes, 2: 6 * 8})
    out = np.zeros((3, 2, 3))
    with pytest.raises(IndexOutOfRange):
        function.run_on([TABLE, rows, out], 3)
    np.testing.assert_array_equal(out[[0, 2]], 2.0 * TABLE[rows[[0, 2]]])


def test_what_is_trusted_is_not_checked() -> None:
    k = np.array([0, 3])
    graph = graph_of(picked, TABLE, k)
    checked, trusting = (compiled(graph, settings=general(trusted=frozenset(numbers))) for numbers in ([], [1]))
    assert "icmp uge" in code_of(checked.plan)
    assert "icmp uge" not in code_of(trusting.plan)
    np.testing.assert_array_equal(trusting([TABLE, k])[0], TABLE[k])


def test_known_rising_indices_need_neither_memory_nor_check() -> None:
    k = np.arange(3)
    graph = graph_of(lambda x, k: gather(x, k, k), TABLE, k)
    frozen = compiled(graph, settings=general(captures=[k], frozen=True))
    assert "icmp uge" not in code_of(frozen.plan)
    np.testing.assert_array_equal(frozen([TABLE, k])[0], np.diagonal(TABLE))
