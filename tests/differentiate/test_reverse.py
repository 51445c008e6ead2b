"""Pulling cotangents back: a graph that verifies, on top of the forward nodes."""

import numpy as np
import pytest

from tidu.core.text import verify
from tidu.differentiate import pull_back
from tidu.errors import DtypeError
from tidu.interpret import interpret
from tidu.trace.function import trace

W, X = np.arange(6.0).reshape(2, 3), np.array([1.0, -1.0, 0.5])


def loss(W, x):
    h = np.maximum(W @ x, 0.0)
    return np.sum(h * h)


def test_the_pullback_is_a_graph_that_verifies():
    forward = trace(loss, (W, X), eager=False).graph
    back = pull_back(forward, [True, True])
    verify(back.graph)
    dW, dx = interpret(back.graph, [W, X, 1.0, *back.captures])
    h = np.maximum(W @ X, 0.0)
    np.testing.assert_allclose(dW, np.outer(2 * h, X))
    np.testing.assert_allclose(dx, W.T @ (2 * h))


def test_it_stands_on_the_forward_nodes_themselves():
    forward = trace(loss, (W, X), eager=False).graph
    back = pull_back(forward, [True, False])
    assert set(forward.inputs) <= set(back.graph.inputs)
    assert any(node in set(forward.nodes) - set(forward.inputs) for node in back.graph.nodes)


def test_nodes_of_a_derivative_carry_the_users_lines():
    forward = trace(loss, (W, X), eager=False).graph
    back = pull_back(forward, [True, False])
    new = [node for node in back.graph.nodes if node not in set(forward.nodes) and node.primitive]
    assert new
    assert all(node.source is not None and node.source.place.file == __file__ for node in new)


def test_every_passed_node_knows_its_cotangent():
    forward = trace(loss, (W, X), eager=False).graph
    back = pull_back(forward, [True, True])
    named = {node.name: back.cotangents[node] for node in forward.nodes if node in back.cotangents}
    assert named["h"].spec.shape == (2,)


def test_a_complex_value_on_the_way_is_refused_with_its_line():
    forward = trace(lambda x: np.sum(x * 1j), (X,), eager=False).graph
    with pytest.raises(DtypeError, match="complex") as caught:
        pull_back(forward, [True])
    assert caught.value.source is not None
