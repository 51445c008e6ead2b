"""Threads wait wherever one needs what another does, and results take the places of inputs unharmed."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.comparing import PROCESSORS, assert_same, assert_same_bits, general, graph_of, interpreted
from tests.compile.programs import Program, programs
from tests.compile.races import Serial, intervals_of, races
from tests.compile.training_steps import NETWORKS, training_step

import tidu
from tidu.compile import schedule as scheduling
from tidu.compile import write_nest as writing
from tidu.compile.lower import lower
from tidu.compile.partition import split_axis
from tidu.core.graph import Graph
from tidu.ops.indexing import gather
from tidu.trace.function import trace

LENGTHS = (17, 33, 48, 3, 2, 1, 5, 0)
THREADS = st.integers(2, 4)


def some_aliases(graph: Graph, seed: int) -> dict[int, int]:
    """Choose for every output an input of its spec whose place it takes, if there is one left."""
    rng = random.Random(seed)
    found: dict[int, int] = {}
    for number, node in enumerate(graph.outputs):
        fitting = [i for i, x in enumerate(graph.inputs) if x.spec == node.spec and i not in found.values()]
        if fitting:
            found[number] = rng.choice(fitting)
    return found


def check_static(program: Program, n_threads: int, seed: int) -> None:
    graph, _ = program.traced()
    lowered = general(n_threads=n_threads, aliases=some_aliases(graph, seed))
    assert not races(intervals_of(graph, lowered), n_threads)


def check_code(program: Program, n_threads: int, seed: int, how: str) -> None:
    """Compare threads that run one after the other, in both orders, with a single one that writes apart."""
    graph, inputs = program.traced()
    processor = PROCESSORS[how]()
    expected = Serial(lower(graph, general(processor=processor)), processor)(inputs, [0])
    lowered = general(n_threads=n_threads, aliases=some_aliases(graph, seed), processor=processor)
    serial = Serial(lower(graph, lowered), processor)
    for order in (range(n_threads), reversed(range(n_threads))):
        assert_same_bits(serial(inputs, list(order)), expected)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(programs(LENGTHS), THREADS, st.integers(0, 9))
def test_no_thread_touches_what_another_writes_in_the_same_interval(
    program: Program, n_threads: int, seed: int
) -> None:
    check_static(program, n_threads, seed)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(programs(LENGTHS), THREADS, st.integers(0, 9), st.sampled_from(list(PROCESSORS)))
def test_the_order_of_threads_between_barriers_changes_nothing(
    program: Program, n_threads: int, seed: int, how: str
) -> None:
    check_code(program, n_threads, seed, how)


@pytest.mark.long
@settings(max_examples=3000, deadline=None, derandomize=True)
@given(programs(LENGTHS), THREADS, st.integers(0, 9))
def test_no_thread_touches_what_another_writes_in_many_programs(program: Program, n_threads: int, seed: int) -> None:
    check_static(program, n_threads, seed)


@pytest.mark.long
@settings(max_examples=1000, deadline=None, derandomize=True)
@given(programs(LENGTHS), THREADS, st.integers(0, 9), st.sampled_from(list(PROCESSORS)))
def test_the_order_of_threads_changes_nothing_in_many_programs(
    program: Program, n_threads: int, seed: int, how: str
) -> None:
    check_code(program, n_threads, seed, how)


@pytest.mark.parametrize("n_threads", [2, 3, 4])
@pytest.mark.parametrize("name", ["tiny", "digits", "curve"])
def test_training_steps_have_no_races(name: str, n_threads: int) -> None:
    step = training_step(name, 1)
    assert not races(intervals_of(step.graph, step.settings(n_threads)), n_threads)


@pytest.mark.parametrize("name", NETWORKS)
def test_one_thread_never_waits(name: str) -> None:
    step = training_step(name, 1)
    assert len(intervals_of(step.graph, step.settings(1))) == 1


@pytest.mark.parametrize("n_threads", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int32", "int64"])
def test_narrow_elements_are_shared_like_wide_ones(dtype: str, n_threads: int) -> None:
    """A vector holds 64 bytes; a share of the rows begins at every 16th."""
    x, y = np.random.default_rng(0).integers(0, 2, (2, 403)).astype(dtype)

    def function(x: np.ndarray, y: np.ndarray) -> object:
        """Two columns are put side by side, then rows of both are read by the thread that has written them."""
        both = np.concatenate([x[:, None], y[:, None]], axis=1)
        return both, np.where(both, 2.0, 3.0) + both[:, :1]

    graph = graph_of(function, x, y)
    serial = Serial(lower(graph, general(n_threads)))
    for order in (range(n_threads), reversed(range(n_threads))):
        assert_same_bits(serial([x, y], list(order)), interpreted(graph, [x, y]))


def column_sums_beneath(x: np.ndarray) -> object:
    """Need the whole of what the other threads have written."""
    y = np.exp(x)
    return np.exp(y - np.sum(y, axis=0)) @ y.T


def turned_around(x: np.ndarray) -> object:
    y = np.exp(x)
    return y @ y, y[::-1] * np.sum(y, axis=1)


@pytest.mark.parametrize("function", [column_sums_beneath, turned_around])
def test_a_planted_missing_barrier_is_caught_by_both_checkers(
    function: Callable[[np.ndarray], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(0).normal(size=(32, 32))
    graph = graph_of(function, x)
    monkeypatch.setattr(scheduling, "_must_wait", lambda kernel, interval, n_threads: False)
    assert races(intervals_of(graph, general(n_threads=2)), 2)
    serial, expected = Serial(lower(graph, general(n_threads=2))), interpreted(graph, [x])
    differs = [
        not np.allclose(got, want)
        for order in ([0, 1], [1, 0])
        for got, want in zip(serial([x], order), expected, strict=True)
    ]
    assert any(differs)


def test_a_planted_vector_across_the_rows_of_two_threads_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels are in order, only their code is not; so it takes the code to see it."""
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(50, 40)), rng.normal(size=(40, 6))]
    graph = graph_of(lambda x, w: np.sum(np.exp(x), axis=0)[:, None] * w, *inputs)
    monkeypatch.setattr(writing, "grain", lambda n_rows, n_threads: 16)
    serial = Serial(lower(graph, general(n_threads=2)))
    forward, backward = (serial(inputs, order) for order in ([0, 1], [1, 0]))
    assert any(a.tobytes() != b.tobytes() for a, b in zip(forward, backward, strict=True))


def test_a_planted_vector_of_narrow_elements_across_two_threads_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "grain", lambda n_rows, n_threads: 64)
    with pytest.raises(AssertionError):
        test_narrow_elements_are_shared_like_wide_ones("bool", 4)


# Results in the places of inputs.

X = np.random.default_rng(1).normal(size=(20, 20))
Y = np.random.default_rng(2).normal(size=(20, 20))
IN_PLACE: dict[str, tuple[Callable[..., object], dict[int, int]]] = {
    "its own element": (lambda x, y: x - 0.5 * y, {0: 0}),
    "of two outputs one": (lambda x, y: (x - y, x * y), {1: 0}),
    "both": (lambda x, y: (x - y, x * y), {0: 0, 1: 1}),
    "exchanged": (lambda x, y: (y, x), {0: 0, 1: 1}),
    "exchanged and computed": (lambda x, y: (y * 2.0, x * 3.0), {0: 0, 1: 1}),
    "exchanged and turned": (lambda x, y: (y.T * 2.0, x[::-1] * 3.0), {0: 0, 1: 1}),
    "the input itself": (lambda x, y: (x, x + y), {0: 0}),
    "another input": (lambda x, y: (y, x + y), {0: 0}),
    "the same value twice": (lambda x, y: (x * y, x * y), {0: 0, 1: 1}),
    "used again": (lambda x, y: (x * y, np.sum(x * y, axis=0), (x * y) @ y), {0: 0}),
    "read backwards": (lambda x, y: x[::-1, ::-1] + y, {0: 0}),
    "transposed": (lambda x, y: x.T + x, {0: 0}),
    "a row of it everywhere": (lambda x, y: x + x[3], {0: 0}),
    "its sums": (lambda x, y: x - np.sum(x, axis=1, keepdims=True) - np.sum(x, axis=0), {0: 0}),
    "a factor": (lambda x, y: x @ y, {0: 0}),
    "the other factor": (lambda x, y: x @ y, {0: 1}),
    "added to a product": (lambda x, y: y - x @ x.T, {0: 1}),
    "added to its own product": (lambda x, y: x - x.T @ y, {0: 0}),
    "rows that are picked": (lambda x, y: gather(x, np.arange(20)[::-1]) - x, {0: 0}),
    "parts of it": (lambda x, y: np.concatenate([x[10:], x[:10]]), {0: 0}),
    "a later reader": (lambda x, y: (x - y, np.exp(x), x.T @ y), {0: 0}),
    "a constant": (lambda x, y: (np.zeros((20, 20)), x + y), {0: 0}),
}


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("what", IN_PLACE)
def test_a_result_takes_the_place_of_an_input(what: str, n_threads: int) -> None:
    function, aliases = IN_PLACE[what]
    traced = trace(function, [X, Y], eager=False)
    graph, inputs = traced.graph, [X, Y, *map(np.asarray, traced.captures)]
    lowered = general(n_threads=n_threads, aliases=aliases)
    plan = lower(graph, lowered)
    assert {output: plan.placed[output] for output in aliases} == aliases
    assert not races(intervals_of(graph, lowered), n_threads)
    serial = Serial(plan)
    for order in (range(n_threads), reversed(range(n_threads))):
        for got, want in zip(serial(inputs, list(order)), interpreted(graph, inputs), strict=True):
            assert_same(got, want, 8, scale=float(np.max(np.abs(want))) + 1.0)


def test_what_can_be_done_in_place_is_not_copied() -> None:
    graph = graph_of(IN_PLACE["both"][0], X, Y)
    plan = lower(graph, general(aliases={0: 0, 1: 1}))
    assert plan.output_bytes == 0
    assert len(plan.steps) == 1
    assert not plan.buffers


def test_a_planted_overwriting_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "_reads_only_its_own_element", lambda kernel, given, output: True)
    failed = []
    for what in ("read backwards", "transposed", "a row of it everywhere"):
        try:
            test_a_result_takes_the_place_of_an_input(what, 1)
        except AssertionError:
            failed.append(what)
    assert failed == ["read backwards", "transposed", "a row of it everywhere"]


@pytest.mark.parametrize(("n_batch", "n_threads"), [(16, 2), (32, 2), (24, 3)])
def test_products_by_columns_among_products_by_rows_do_not_race(n_batch: int, n_threads: int) -> None:
    """Weights with more columns than the batch has rows are divided by columns, gradients by rows."""
    rng = np.random.default_rng(0)
    wide = 32 * n_threads * 2
    inputs = [
        rng.normal(size=shape) for shape in ((n_batch, 20), (20, wide), (wide, 32 * n_threads), (32 * n_threads, 5))
    ]

    def step(x: np.ndarray, w1: np.ndarray, w2: np.ndarray, w3: np.ndarray) -> object:
        def loss(w1: np.ndarray, w2: np.ndarray, w3: np.ndarray) -> object:
            return np.mean((np.tanh(np.maximum(x @ w1, 0.0) @ w2) @ w3) ** 2)

        gradients = tidu.grad(loss, argnums=(0, 1, 2))(w1, w2, w3)
        return tuple(w - 0.1 * g for w, g in zip((w1, w2, w3), gradients, strict=True))

    traced = trace(step, inputs, eager=False)
    graph = traced.graph
    inputs += [np.ascontiguousarray(x) for x in traced.captures]
    settings = general(n_threads=n_threads, aliases={0: 1, 1: 2, 2: 3})
    intervals = intervals_of(graph, settings)
    assert any(split_axis(kernel, n_threads) == 1 for interval in intervals for kernel in interval)
    assert not races(intervals, n_threads)
    plain = lower(graph, general(n_threads=n_threads))
    expected = interpreted(graph, inputs)
    for order in (list(range(n_threads)), list(range(n_threads))[::-1]):
        for got, want in zip(Serial(plain)(inputs, order), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)
