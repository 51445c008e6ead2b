"""Graphs as text: printing, parsing, verifying."""

import numpy as np
import pytest

import tidu
from tidu.core.graph import Graph, Node, Operation
from tidu.core.primitive import find
from tidu.core.spec import Spec
from tidu.core.text import parse_graph, print_graph, verify
from tidu.errors import GraphError
from tidu.interpret import interpret
from tidu.trace.function import trace


def feed_forward(W1, x, b1):
    f = lambda x: 1.0 / (1.0 + np.exp(-x))
    h1 = f(np.dot(W1, x) + b1)
    return np.sum(h1 * np.float32(2.0)), h1


def traced():
    arguments = (np.ones((4, 3)), np.ones((3, 1)), np.ones((4, 1)))
    return trace(feed_forward, arguments, eager=False).graph, arguments


def without_comments(text):
    return "\n".join(line.split("  # ")[0] for line in text.splitlines())


def test_a_printed_graph_reads_back_the_same():
    graph, _ = traced()
    text = without_comments(print_graph(graph))
    assert print_graph(parse_graph(text)) == text


def test_a_graph_read_back_computes_the_same():
    graph, arguments = traced()
    for a, b in zip(interpret(graph, arguments), interpret(parse_graph(print_graph(graph)), arguments), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nodes_carry_the_names_of_the_users_variables():
    graph, _ = traced()
    assert {node.name for node in graph.outputs} == {"", "h1"}
    assert [node.name for node in graph.inputs] == ["W1", "x", "b1"]


def test_infinite_and_nan_literals_round_trip():
    graph = trace(lambda x: np.where(x > np.inf, np.nan, -np.inf), (1.0,), eager=False).graph
    text = without_comments(print_graph(graph))
    assert print_graph(parse_graph(text)) == text
    assert "inf" in text
    assert "nan" in text


def test_a_traced_graph_verifies():
    graph, _ = traced()
    verify(graph)


def test_a_wrong_spec_is_found():
    x = trace(lambda x: np.exp(x), (np.ones(3),), eager=False).graph
    node = x.outputs[0]
    wrong = Node(node.op, node.operands, Spec((4,), np.dtype(float)))
    with pytest.raises(GraphError, match="the node says"):
        verify(Graph(x.inputs, (wrong,)))


def test_an_input_from_nowhere_is_found():
    graph = trace(lambda x, y: x + y, (1.0, 2.0), eager=False).graph
    with pytest.raises(GraphError, match="does not list"):
        verify(Graph(graph.inputs[:1], graph.outputs))


def test_operands_that_do_not_fit_are_found():
    a, b = (trace(lambda x: x, (np.ones(n),), eager=False).graph.inputs[0] for n in (3, 4))
    bad = Node(Operation(find("add"), {}), (a, b), Spec((3,), np.dtype(float)))
    with pytest.raises(GraphError, match="broadcast"):
        verify(Graph((a, b), (bad,)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "graph f() {\n  return x\n}",
        "graph f(x: float64[3]) {\n  y = add(x, z) : float64[3]\n  return y\n}",
        "graph f(x: float64[3]) {\n  y = no_such(x) : float64[3]\n  return y\n}",
        "graph f(x: wrong[3]) {\n  return x\n}",
        "graph f(x: float64[3]) {\n  y ? x\n  return y\n}",
        "graph f(x: float64[3]) {\n  y = sum(x) {axis=open('f')} : float64[]\n  return y\n}",
    ],
)
def test_malformed_text_is_one_clear_error(text):
    with pytest.raises(GraphError):
        parse_graph(text)


def test_a_call_is_printed_with_its_body():
    graph = trace(tidu.grad(tidu.checkpoint(lambda x: x * x)), (3.0,), eager=False).graph
    assert "return" in print_graph(graph)
