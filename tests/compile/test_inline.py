"""Bodies of calls stand where the calls were, with the derivatives that were given apart."""

from __future__ import annotations

import numpy as np
from tests.compile.test_simplify import X, assert_same_values, names

import tidu
from tidu.compile.inline import inline
from tidu.compile.simplify import simplify
from tidu.core.graph import Call
from tidu.interpret import interpret
from tidu.trace.function import trace


@tidu.custom_vjp
def clipped(x: object) -> object:
    return np.exp(x) * 2.0


clipped.defvjp(lambda x: (np.exp(x) * 2.0, x), lambda x, ct: (np.minimum(ct, 1.0) * x,))


def test_calls_are_inlined_with_their_own_derivatives() -> None:
    function = tidu.value_and_grad(lambda x: np.sum(clipped(clipped(x)) * 3.0))
    traced = trace(function, [X], eager=False)
    assert any(isinstance(node.op, Call) for node in traced.graph.nodes)
    found = assert_same_values(traced.graph, X, *traced.captures)
    assert not any(isinstance(node.op, Call) for node in found.nodes)


def test_a_checkpoint_is_computed_again_behind_its_barrier() -> None:
    inner = tidu.checkpoint(lambda x: np.exp(np.cos(x)))
    nested = tidu.checkpoint(lambda x: inner(inner(x)) * x)
    traced = trace(tidu.value_and_grad(lambda x: np.sum(nested(x))), [X], eager=False)
    found = assert_same_values(traced.graph, X, *traced.captures)
    assert names(found).count("barrier") >= 2
    assert names(found).count("exp") > 2
    plain = trace(tidu.value_and_grad(lambda x: np.sum(np.exp(np.cos(x)))), [X], eager=False)
    assert names(simplify(plain.graph)).count("exp") == 1


def test_a_body_is_inlined_at_each_of_its_uses() -> None:
    pair = tidu.checkpoint(lambda x, y: (x - y, x * y))
    traced = trace(lambda x: pair(*pair(x, np.cos(x))), [X], eager=False)
    whole = inline(traced.graph)
    assert whole.inputs == traced.graph.inputs
    assert names(whole) == ["cos", "subtract", "multiply", "subtract", "multiply"]
    for got, want in zip(interpret(whole, [X]), interpret(traced.graph, [X]), strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_graph_without_calls_is_itself() -> None:
    graph = trace(np.cos, [X], eager=False).graph
    assert inline(graph) is graph
