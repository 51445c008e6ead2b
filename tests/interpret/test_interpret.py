"""Running a graph: node by node, from known values, and made ready to be run again."""

import tracemalloc

import numpy as np
import pytest

from tidu.errors import ShapeError
from tidu.interpret import interpret
from tidu.interpret.program import Program
from tidu.trace.function import trace

X = np.linspace(-1.0, 1.0, 7)


def f(x, y):
    h = np.exp(x) * y
    return np.sum(h), h - 1.0


def test_a_graph_gives_what_the_function_gives():
    graph = trace(f, (X, 2.0), eager=False).graph
    for run in (lambda inputs: interpret(graph, inputs), Program(graph)):
        for found, expected in zip(run([X, 2.0]), f(X, 2.0), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_program_can_be_run_again():
    program = Program(trace(f, (X, 2.0), eager=False).graph)
    program([X, 2.0])
    np.testing.assert_array_equal(program([X, 3.0])[1], f(X, 3.0)[1])


def test_known_values_are_not_computed_again():
    graph = trace(f, (X, 2.0), eager=False).graph
    exp = next(node for node in graph.nodes if node.primitive and node.primitive.name == "exp")
    assert interpret(graph, [X, 2.0], {exp: np.zeros(7)})[0] == 0.0


@pytest.mark.parametrize("run", [interpret, lambda graph, inputs: Program(graph)(inputs)])
def test_a_wrong_number_of_inputs_is_refused(run):
    with pytest.raises(ShapeError, match="takes 2 inputs, got 1"):
        run(trace(f, (X, 2.0), eager=False).graph, [X])


@pytest.mark.parametrize("make", [lambda graph: lambda inputs: interpret(graph, inputs), Program])
def test_a_value_is_let_go_after_its_last_use(make):
    def chain(x):
        for _ in range(50):
            x = x + 1.0
        return x

    run = make(trace(chain, (np.ones(3),), eager=False).graph)
    x = np.ones(100_000)
    tracemalloc.start()
    run([x])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * x.nbytes
