"""Small programs as code without loops: what the interpreter gives, inside their buffers, or not at all."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidu
from tidu.compile.unrolled import estimate, unroll, write_unrolled
from tidu.compile.unrolled.elements import Elements
from tidu.compile.unrolled.tree import fold_lanes
from tidu.core.bind import apply
from tidu.core.graph import Graph
from tidu.core.primitive import find
from tidu.interpret import interpret
from tidu.native.machine import compile_text
from tidu.native.text import FunctionText, Kernel
from tidu.ops.indexing import gather, scatter_add
from tidu.ops.sigmoid import logistic
from tidu.trace.function import trace

Arrays = Sequence[np.ndarray]
Program = Sequence[tuple[int, int, int]]
GUARD = 128
BATCHES = [1, 5, 17, 32, 33]
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


def run_kernel(
    kernel: Kernel, inputs: Arrays, outputs: Arrays, same: Mapping[int, int] | None = None
) -> tuple[list[np.ndarray], bool]:
    """Run with random bytes around every array; return the outputs, and whether all other bytes are as before.

    `same` tells which output lies where which input lies.
    """
    rng = np.random.default_rng(0)
    slots: list[np.ndarray] = []
    blocks = []
    for position, array in enumerate([*inputs, *outputs]):
        shared = (same or {}).get(position - len(inputs))
        if position >= len(inputs) and shared is not None:
            slots.append(slots[shared])
            blocks[shared][2] = True
            continue
        block = rng.integers(0, 256, array.nbytes + 2 * GUARD, np.uint8)
        slots.append(block[GUARD : GUARD + array.nbytes].view(array.dtype).reshape(array.shape))
        slots[-1][...] = array
        blocks.append([block, block.copy(), position >= len(inputs)])
    code = compile_text("\n".join([*kernel.declarations, kernel.define("run")]), kernel.functions, vectorize=False)
    call = code.function("run", *[ctypes.c_void_p] * len(slots))
    call(*(x.__array_interface__["data"][0] for x in slots))
    for block, before, written in blocks:
        if written:
            before[GUARD:-GUARD] = block[GUARD:-GUARD]
    intact = all(block.tobytes() == before.tobytes() for block, before, _ in blocks)
    return [x.copy() for x in slots[len(inputs) :]], intact


def traced(function: Callable[..., object], *arguments: object) -> tuple[Graph, list[np.ndarray]]:
    """Return the graph and all that it is called with, captured constants too."""
    found = trace(function, arguments, eager=False)
    leaves: list[object] = []
    for x in arguments:
        leaves += x if isinstance(x, (list, tuple)) else [x]
    return found.graph, [np.array(x, order="C") for x in (*leaves, *found.captures)]


def empty(graph: Graph) -> list[np.ndarray]:
    return [np.zeros(node.spec.shape, node.spec.dtype) for node in graph.outputs]


def run(
    graph: Graph,
    inputs: Arrays,
    same: Mapping[int, int] | None = None,
    constants: Mapping[int, np.ndarray] | None = None,
) -> list[np.ndarray]:
    kernel = unroll(graph, limit=10**6, constants=constants)
    assert kernel is not None
    found, intact = run_kernel(kernel, inputs, empty(graph), same)
    assert intact
    return found


def expected(graph: Graph, inputs: Arrays) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return [np.asarray(x) for x in interpret(graph, inputs)]


def assert_as_interpreted(
    graph: Graph, inputs: Arrays, tolerance: float, constants: Mapping[int, np.ndarray] | None = None
) -> None:
    for native, value in zip(run(graph, inputs, constants=constants), expected(graph, inputs), strict=True):
        assert native.dtype == value.dtype
        np.testing.assert_allclose(native, value, rtol=tolerance, atol=tolerance)


# Programs made at random.


def tame(x: np.ndarray) -> np.ndarray:
    """Keep values within [-1, 1], so that errors are not blown up from step to step."""
    return x / (x * x + 1.0)


def fitting(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return y if x.shape == y.shape else np.sum(y)


def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.ndim < 2:
        return np.sum(x * fitting(x, y))
    return np.matmul(x, np.swapaxes(y if y.shape == x.shape else x, -1, -2))


OPERATIONS: list[Callable[[np.ndarray, np.ndarray], np.ndarray]] = [
    lambda x, y: np.exp(x),
    lambda x, y: np.transpose(x),
    lambda x, y: np.reshape(x, -1),
    lambda x, y: x[::-1] if x.ndim else x,
    lambda x, y: x[..., 1::2] if x.ndim else x,
    lambda x, y: np.sum(x, axis=-1) if x.ndim else x,
    lambda x, y: np.sum(x, axis=0, keepdims=True) if x.ndim else x,
    lambda x, y: np.max(x) if x.size else x,
    lambda x, y: np.prod(x, axis=0) if x.ndim else x,
    lambda x, y: np.broadcast_to(x, (2, *x.shape)) if x.ndim < 3 else x,
    lambda x, y: x + fitting(x, y),
    lambda x, y: x * fitting(x, y),
    lambda x, y: np.where(x > fitting(x, y), x, 0.5),
    lambda x, y: np.where(np.any(x > 0.1), x, np.sum(x < 0.2) * 0.1),
    lambda x, y: np.concatenate([x, y]) if x.shape == y.shape and x.ndim else x,
    lambda x, y: np.where(np.logical_and(x > 0, fitting(x, y) > 0), x, -x),
    product,
]

programs = st.lists(
    st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=10
)
shapes = st.lists(st.lists(st.integers(0, 5), max_size=3).map(tuple), min_size=2, max_size=2)


def run_program(program: Program, *inputs: np.ndarray) -> list[np.ndarray]:
    values = list(inputs)
    for operation, i, j in program:
        values.append(tame(OPERATIONS[operation](values[i % len(values)], values[j % len(values)])))
    return values[len(inputs) :]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(programs, shapes, st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1))
def test_unrolled_programs_agree_with_the_interpreter(program: Program, shape: list, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = [rng.uniform(-1, 1, s).astype(dtype) for s in shape]
    graph, given = traced(lambda *xs: run_program(program, *xs), *inputs)
    for native, value in zip(run(graph, given), expected(graph, given), strict=True):
        assert native.dtype == value.dtype
        np.testing.assert_allclose(native, value, rtol=0, atol=1e-12 if dtype == "float64" else 1e-4)


@pytest.mark.parametrize("length", [*BATCHES, 64])
@settings(max_examples=6, deadline=None, derandomize=True)
@given(programs)
def test_any_length_of_the_batch_will_do(length: int, program: Program) -> None:
    rng = np.random.default_rng(length)
    inputs = [rng.uniform(-1, 1, (length, 3)), rng.uniform(-1, 1, (length, 1))]
    graph, given = traced(lambda *xs: run_program(program, *xs), *inputs)
    if (estimate(graph) or 0) > 3000:
        return
    for native, value in zip(run(graph, given), expected(graph, given), strict=True):
        np.testing.assert_allclose(native, value, rtol=0, atol=1e-12)


# Networks.


def loss(params: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> object:
    h = x
    for w, b in zip(params[::2], params[1::2], strict=True):
        h = logistic(np.dot(h, w) + b)
    return np.mean((h - y) ** 2)


def step(params: list[np.ndarray], table: np.ndarray, targets: np.ndarray, rows: np.ndarray) -> object:
    value, gradient = tidu.value_and_grad(loss)(params, gather(table, rows), gather(targets, rows))
    return [p - 0.5 * g for p, g in zip(params, gradient, strict=True)], value


def network(batch: int, dtype: str) -> tuple[Graph, list[np.ndarray]]:
    rng = np.random.default_rng(batch)
    params = []
    for n_in, n_out in pairwise((3, 4, 4, 1)):
        params += [rng.normal(size=(n_in, n_out)).astype(dtype), np.zeros(n_out, dtype)]
    table = rng.normal(size=(50, 3)).astype(dtype)
    targets = np.sin(table.sum(axis=1, keepdims=True))
    return traced(step, params, table, targets, rng.integers(-50, 50, batch))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", BATCHES)
def test_a_step_of_training_agrees_with_the_interpreter(batch: int, dtype: str) -> None:
    assert_as_interpreted(*network(batch, dtype), TOLERANCE[dtype])


def test_a_step_in_place_gives_the_same_bits() -> None:
    graph, inputs = network(32, "float32")
    apart = run(graph, inputs)
    in_place = run(graph, inputs, same={i: i for i in range(6)})
    for a, b in zip(apart, in_place, strict=True):
        assert a.tobytes() == b.tobytes()


def test_results_may_trade_places_with_operands() -> None:
    x, y = np.arange(40.0), np.arange(40.0) + 0.5
    graph, inputs = traced(lambda x, y: (y[::-1], x * 1.0, y), x, y)
    swapped = run(graph, [*inputs], same={0: 0, 1: 1})
    np.testing.assert_array_equal(swapped[0], y[::-1])
    np.testing.assert_array_equal(swapped[1], x)
    np.testing.assert_array_equal(swapped[2], y)


def test_results_may_be_operands_numbers_and_the_same_twice() -> None:
    x, unused = np.arange(6.0).reshape(2, 3), np.ones(2)
    assert_as_interpreted(*traced(lambda x, unused: (x, x.T, x.T, 1.5, np.sum(x[:0], axis=0)), x, unused), 0.0)


def test_a_wide_scalar_does_not_halve_the_vectors() -> None:
    graph, _ = traced(lambda x, rate: x * rate, np.ones(16, np.float32), 0.1)
    kernel = unroll(graph)
    assert kernel is not None
    assert "<16 x float>" in kernel.body


@pytest.mark.parametrize("trusted", [(), (8,)])
def test_steps_in_one_native_loop_are_those_of_the_interpreter(trusted: tuple[int, ...]) -> None:
    graph, inputs = network(32, "float64")
    orders = np.random.default_rng(0).integers(0, 50, (20, 32))
    captures = len(inputs) - 9
    text = FunctionText(["ptr"] * (10 + captures))
    with text.loop(len(orders)) as loop:
        rows = text.value(f"getelementptr inbounds [32 x i64], ptr %p8, i64 {loop.index}")
        given = [f"%p{i}" for i in range(9 + captures)]
        given[8] = rows
        write_unrolled(text, graph, [*given, *given[:6], f"%p{9 + captures}"], trusted=trusted)
    slots = [*inputs, np.zeros(())]
    slots[8] = orders
    kernel = text.finish()
    found, _ = run_kernel(kernel, slots[:9], slots[9:])
    values = inputs
    for order in orders:
        *params, value = interpret(graph, [*values[:8], order, *values[9:]])
        values = [*params, *values[6:]]
    np.testing.assert_allclose(found[-1], value, rtol=1e-12)


def test_rows_out_of_range_read_no_memory_outside() -> None:
    table = np.arange(12.0).reshape(4, 3)
    rows = np.array([0, 3, -1, -4, 4, -5, 2**62, -(2**62)])
    graph, _ = traced(lambda t, i: gather(t, i), table, rows % 4)
    (found,) = run(graph, [table, rows])
    np.testing.assert_array_equal(found[:4], table[rows[:4]])
    assert set(found[4:].ravel()) <= set(table.ravel())


def test_rows_are_taken_by_narrow_and_by_several_indices() -> None:
    table = np.arange(24.0).reshape(4, 3, 2)
    i, j = np.array([[0], [3]], np.int8), np.array([2, -3, 1], np.int32)
    graph, inputs = traced(lambda t, i, j: gather(t, i, j) * 2.0, table, i, j)
    np.testing.assert_array_equal(run(graph, inputs)[0], table[i, j] * 2.0)


def classify(w: np.ndarray, x: np.ndarray, labels: np.ndarray) -> object:
    z = np.dot(x, w)
    z = z - np.max(z, axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(x)), labels])


@pytest.mark.parametrize("batch", [1, 5, 32])
def test_labels_select_among_the_columns(batch: int) -> None:
    rng = np.random.default_rng(batch)
    w, x, labels = rng.normal(size=(4, 3)), rng.normal(size=(batch, 4)), rng.integers(-3, 3, batch)
    graph, inputs = traced(tidu.value_and_grad(classify), w, x, labels)
    assert unroll(graph) is None, "two unknown indices into registers"
    captured = {i: inputs[i] for i in range(3, len(inputs))}
    assert_as_interpreted(graph, inputs, 1e-12, captured)


def test_rows_used_several_times_add_up() -> None:
    rows = np.array([[0, 2, 2], [1, -1, 0]])

    def several(x: np.ndarray, rows: np.ndarray) -> object:
        return tidu.grad(lambda x: np.sum(gather(x, rows) ** 3))(x), gather(x * 2.0, rows)

    graph, inputs = traced(several, np.arange(8.0).reshape(4, 2), rows)
    assert_as_interpreted(graph, inputs, 1e-13)


def test_known_places_are_added_to_unless_one_repeats() -> None:
    rows = np.array([3, 0, -2])
    graph, inputs = traced(lambda x, rows: scatter_add(x * 2.0, rows, shape=(4,)), np.arange(3.0) + 1.0, rows)
    assert_as_interpreted(graph, inputs, 0.0, {1: rows})
    assert unroll(graph, constants={1: np.array([3, 0, -1])}) is None


def test_known_indices_cost_nothing() -> None:
    rows = np.array([3, 0, -1, 1])
    graph, inputs = traced(lambda x, rows: gather(x, rows) + 0.0, np.arange(4.0), rows)
    kernel = unroll(graph, constants={1: rows})
    assert kernel is not None
    assert "icmp" not in kernel.body
    assert kernel.body.count("%p1") == 0
    assert_as_interpreted(graph, inputs, 0.0, {1: rows})
    assert unroll(graph, constants={1: np.array([0, 1, 2, 4])}) is None


def test_second_derivatives_agree_with_the_interpreter() -> None:
    rng = np.random.default_rng(0)

    def value(p: np.ndarray, x: np.ndarray) -> object:
        w1, b1, w2 = np.reshape(p[:12], (3, 4)), p[12:16], p[16:20]
        return np.mean(np.dot(np.tanh(np.dot(x, w1) + b1), w2) ** 2)

    p, x, v = rng.normal(size=20), rng.normal(size=(6, 3)), rng.normal(size=20)
    graph, inputs = traced(lambda p, x: tidu.hessian(lambda q: value(q, x))(p), p, x)
    assert_as_interpreted(graph, inputs, 1e-12)
    assert_as_interpreted(graph, inputs, 1e-12, {i: inputs[i] for i in range(2, len(inputs))})
    product_graph = traced(lambda p, x, v: tidu.hvp(lambda q: value(q, x), (p,), (v,)), p, x, v)
    assert_as_interpreted(*product_graph, 1e-12)


# Scalars, truth values, integers.


def test_a_scalar_program_with_its_gradients_has_no_more_than_it_needs() -> None:
    function = tidu.value_and_grad(lambda x, y, z: (x + y) * z, argnums=(0, 1, 2))
    graph, inputs = traced(function, np.float64(2.0), np.float64(3.0), np.float64(4.0))
    kernel = unroll(graph)
    assert kernel is not None
    assert kernel.body.count("load") == 3
    assert [float(x) for x in run(graph, inputs)] == [20.0, 4.0, 4.0, 5.0]


def test_a_chain_of_a_thousand_scalars() -> None:
    def chain(x: np.ndarray) -> np.ndarray:
        for i in range(500):
            x = x * 0.5 + 0.001 * i
        return x

    assert_as_interpreted(*traced(chain, np.float64(0.3)), 1e-14)


def test_a_comparison_stays_a_truth_value() -> None:
    x = np.linspace(-1, 1, 8)
    graph, inputs = traced(lambda x: np.where(np.logical_and(x > 0.0, x < 0.5), x, 0.0), x)
    kernel = unroll(graph)
    assert kernel is not None
    assert kernel.body.count("fcmp") == 2
    assert_as_interpreted(graph, inputs, 0.0)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_integers_and_truth_values(dtype: str) -> None:
    x = (np.arange(35).reshape(5, 7) % 3).astype(dtype)

    def several(x: np.ndarray) -> tuple[object, ...]:
        return x, np.sum(x), np.sum(x, axis=0), x.T, x == 1, np.any(x, axis=1), np.astype(x, np.float32) * 0.5

    assert_as_interpreted(*traced(several, x), 0.0)


def test_any_nonzero_byte_is_true() -> None:
    raw = np.array([0, 1, 2, 255], np.uint8).view(bool)
    graph, _ = traced(lambda c: np.where(c, 1.0, 2.0), raw != 0)
    np.testing.assert_array_equal(run(graph, [raw])[0], [2.0, 1.0, 1.0, 1.0])


def test_nan_and_infinity_pass() -> None:
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 1.0] * 4)
    graph, inputs = traced(lambda x: (np.max(x), np.maximum(x, 0.0), np.isnan(x), x * 2.0, np.min(x[1:])), x)
    for native, value in zip(run(graph, inputs), expected(graph, inputs), strict=True):
        np.testing.assert_array_equal(native, value)


# Many horizontal sums at once.


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_tree_sums_every_vector_and_keeps_their_order(lanes: int, dtype: str) -> None:
    for count in (0, 1, 2, 3, 7, 16, 23, 41):
        text = FunctionText(["ptr", "ptr"])
        elements = Elements(text)
        builder = elements.builder(dtype, lanes)
        start = elements.memory("%p0", dtype, count * lanes)
        vectors = [elements.pack(tuple(range(start + i * lanes, start + (i + 1) * lanes))) for i in range(count)]
        sums = fold_lanes(elements, dtype, lanes, vectors, lambda b, x, y: b.add(x, y))
        place = elements.memory("%p1", dtype, count)
        single = builder if lanes == 1 else elements.builder(dtype, 1)
        for i, number in enumerate(sums):
            single.store(elements.scalar(number), elements.place_of(place + i) or "")
        # Distinct powers of two would overflow: small integers sum exactly, whatever the order.
        x = np.random.default_rng(count).integers(-1000, 1000, (count, lanes)).astype(dtype)
        (found,), intact = run_kernel(text.finish(), [x], [np.zeros(count, dtype)])
        assert intact
        np.testing.assert_array_equal(found, x.sum(axis=1))


def test_a_full_tree_takes_one_merge_less_than_it_has_vectors() -> None:
    text = FunctionText(["ptr"])
    elements = Elements(text)
    start = elements.memory("%p0", "float32", 64)
    vectors = [elements.pack(tuple(range(start + 8 * i, start + 8 * i + 8))) for i in range(8)]
    fold_lanes(elements, "float32", 8, vectors, lambda b, x, y: b.add(x, y))
    assert text.finish().body.count("fadd") == 7


# What is refused, and checkers that check.


def test_large_programs_are_refused() -> None:
    x = np.ones((64, 64))
    graph, _ = traced(lambda x: np.matmul(x, x), x)
    assert unroll(graph) is None
    assert estimate(graph) > 6000
    assert unroll(traced(lambda x: x + 1.0, np.ones(100_000))[0]) is None


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sort(x),
        lambda x: np.cumsum(x),
        lambda x: gather(np.reshape(x, (2, 2)) * 2.0, np.array([0, 1]), np.array([0, 1])),
        lambda x: np.linalg.inv(np.reshape(x, (2, 2)) + np.eye(2)),
        lambda x: scatter_add(x, np.array([0, 1, 1, 0]), np.array([0, 1, 1, 0]), shape=(2, 2)),
    ],
)
def test_what_has_no_code_without_loops_is_refused(function: Callable[..., object]) -> None:
    graph, _ = traced(function, np.ones(4))
    assert unroll(graph) is None
    assert estimate(graph) is None


def test_an_operation_without_code_for_integers_is_refused() -> None:
    graph, _ = traced(lambda x: np.floor_divide(x, 2), np.arange(4))
    assert unroll(graph) is None


def test_the_same_graph_gives_the_same_text() -> None:
    first, second = (unroll(network(17, "float32")[0]) for _ in range(2))
    assert first == second


def test_a_planted_wrong_operation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(find("maximum"), emit=lambda b, x, y: b.select(b.compare(">", x, y), x, x))
    monkeypatch.setitem(find.__globals__["_registry"], "maximum", wrong)
    graph, inputs = traced(lambda x: apply(find("maximum"), x, 0.25), np.linspace(-1, 1, 7))
    with pytest.raises(AssertionError):
        assert_as_interpreted(graph, inputs, 1e-12)


def test_a_planted_write_out_of_bounds_is_caught() -> None:
    kernel = unroll(traced(lambda x: x * 2.0, np.ones(7))[0])
    assert kernel is not None
    _, intact = run_kernel(kernel, [np.ones(7)], [np.ones(6)])
    assert not intact
    _, intact = run_kernel(kernel, [np.ones(7)], [np.ones(7)])
    assert intact
