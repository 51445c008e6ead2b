"""Any graph runs: natively where it can, through the interpreter where it must, in few pieces."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.comparing import assert_same, graph_of

from tidu.compile import program as programs
from tidu.compile.pieces import Piece
from tidu.compile.program import CompiledProgram
from tidu.compile.segments import split
from tidu.compile.threads import estimated_us, threads_for
from tidu.core.graph import Input, Literal
from tidu.interpret import interpret
from tidu.interpret.program import Program

X = np.random.default_rng(0).normal(size=(4, 3))

STEPS = {
    "exp": lambda x: np.exp(x * 0.1),
    "add": lambda x: x + 1.0,
    "argsort": lambda x: np.argsort(x, axis=0) * 0.5,
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "mean": lambda x: x - np.mean(x, axis=0),
    "turn": lambda x: x[::-1],
}


def chain(names: list[str], x: np.ndarray) -> list[object]:
    values = [x]
    for i, name in enumerate(names):
        values.append(STEPS[name](values[-1]) + values[i // 2])
    return values[::2]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=6))
def test_programs_of_both_sorts_give_what_the_interpreter_gives(names: list[str]) -> None:
    graph = graph_of(lambda x: chain(names, x), X)
    program = CompiledProgram(graph)
    for _ in range(2):
        for found, expected in zip(program([X]), interpret(graph, [X]), strict=True):
            assert_same(np.asarray(found), np.asarray(expected), 64, scale=1.0, signed_zeros=False)


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=8))
def test_stages_alternate_and_compute_each_node_once(names: list[str]) -> None:
    graph = graph_of(lambda x: chain(names, x), X)
    stages = split(graph)
    assert all(a.native != b.native for a, b in pairwise(stages))
    computed = [n for n in graph.nodes if not isinstance(n.op, (Input, Literal))]
    copied = [n for s in stages for n in s.graph.nodes if not isinstance(n.op, (Input, Literal))]
    assert len(copied) == len(computed)
    made = {node for stage in stages for node in stage.made}
    for stage in stages:
        assert all(isinstance(node.op, Input) or node in made for node in stage.given)


def test_a_native_graph_is_one_piece_and_one_without_native_code_none() -> None:
    native = CompiledProgram(graph_of(lambda x: np.exp(x) @ x.T, X))
    assert isinstance(native.whole, Piece)
    assert native.interpreted == []
    plain = CompiledProgram(graph_of(lambda x: np.argsort(x), X))
    assert plain.whole is None
    mixed = CompiledProgram(graph_of(lambda x: np.cumsum(x) * 2.0, X[0]))
    assert mixed.whole is None
    assert [type(runs) for _, runs in mixed.stages] == [Program, Piece]
    assert len(mixed.interpreted) == 1


def test_what_is_not_computed_needs_no_code() -> None:
    program = CompiledProgram(graph_of(lambda x: (x, 2.0, x), X))
    assert program.stages == []
    first, number, second = program([X])
    assert number == 2.0
    assert not np.shares_memory(first, X)
    assert not np.shares_memory(first, second)


@pytest.mark.parametrize("limit", ["LARGEST_IN_LOOPS", "MOST_STAGES"])
def test_too_large_a_graph_runs_on_the_interpreter(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "LARGEST", 3)
    monkeypatch.setattr(programs, limit, 2)
    graph = graph_of(lambda x: np.exp(np.cumsum(np.sin(x * 2.0) + 1.0, axis=0) + x * x - 2.0), X)
    program = CompiledProgram(graph)
    assert program.too_large
    assert program.stages == []
    np.testing.assert_array_equal(program([X])[0], interpret(graph, [X])[0])


def test_little_work_is_done_by_one_thread_and_much_by_all() -> None:
    small = graph_of(lambda x: np.tanh(x), np.ones(100))
    large = graph_of(lambda x: np.tanh(x), np.ones(1_000_000))
    product = graph_of(lambda x: x @ x, np.ones((400, 400)))
    assert [threads_for(graph, 3) for graph in (small, large, product)] == [1, 3, 3]
    assert estimated_us(small) < estimated_us(product)
