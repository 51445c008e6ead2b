"""Simplified graphs have the values of the given ones; each rule fires where it should and only there."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import pytest

import tidu
from tidu.compile import rewrites
from tidu.compile.rewriting import Rule
from tidu.compile.simplify import rules_of, simplify
from tidu.compile.softmax import SOFTMAX
from tidu.compile.stable import STABLE
from tidu.core.graph import Graph, Input, Literal, Node, Operation
from tidu.core.primitive import find
from tidu.core.spec import Spec
from tidu.core.text import parse_graph, verify
from tidu.core.tolerance import tolerance
from tidu.interpret import interpret
from tidu.trace.function import trace

module = importlib.import_module("tidu.compile.simplify")  # the package may name the function the same
X = np.array([1.5, -2.0, 0.25])
M = np.arange(6.0).reshape(2, 3) - 2.5
EXTREME = np.array([1e4, -1e4, np.inf, -np.inf, np.nan, 0.0, -0.0, 1e300, 1e-310, 0.3])


def graph_of(function: Callable[..., object], *arguments: object) -> Graph:
    traced = trace(function, arguments, eager=False)
    assert not traced.captures
    return traced.graph


def simple(function: Callable[..., object], *arguments: object) -> Graph:
    graph = simplify(graph_of(function, *arguments))
    verify(graph)
    return graph


def names(graph: Graph) -> list[str]:
    return [node.primitive.name for node in graph.nodes if node.primitive]


def values(graph: Graph, *inputs: object) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return [np.asarray(x) for x in interpret(graph, inputs)]


def assert_same_values(graph: Graph, *inputs: object, scale: float = 1.0) -> Graph:
    """Simplify, and compare values, specs and a second simplification."""
    found = simplify(graph)
    verify(found)
    assert found.inputs == graph.inputs
    assert [n.spec for n in found.outputs] == [n.spec for n in graph.outputs]
    assert str(simplify(found)) == str(found)
    for got, want in zip(values(found, *inputs), values(graph, *inputs), strict=True):
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        if want.dtype.kind != "f":
            np.testing.assert_array_equal(got, want)
            continue
        largest = float(np.max(np.abs(want), where=np.isfinite(want), initial=1.0))
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance(want.dtype).value * largest * scale)
    return found


# What each rule makes.

RULES: dict[str, tuple[Callable[..., object], tuple[object, ...], list[str]]] = {
    "x * 1": (lambda x: x * 1.0, (X,), []),
    "1 * x": (lambda x: np.multiply(1.0, x), (X,), []),
    "x + 0": (lambda x: x + 0.0, (X,), []),
    "x - 0": (lambda x: x - 0.0, (X,), []),
    "0 - x": (lambda x: 0.0 - x, (X,), ["negative"]),
    "x / 1": (lambda x: x / 1.0, (X,), []),
    "x / 4": (lambda x: x / 4.0, (X,), ["multiply"]),
    "x / 3 stays": (lambda x: x / 3.0, (X,), ["divide"]),
    "x / 0 stays": (lambda x: x / 0.0, (X,), ["divide"]),
    "0 * x stays": (lambda x: x * 0.0, (X,), ["multiply"]),
    "1 / x": (lambda x: 1.0 / x, (X,), ["reciprocal"]),
    "maximum with -inf": (lambda x: np.maximum(x, -np.inf), (X,), []),
    "fmax with -inf stays, since it drops NaN": (lambda x: np.fmax(x, -np.inf), (X,), ["fmax"]),
    "maximum of equals": (lambda x: np.maximum(x, x), (X,), []),
    "abs twice": (lambda x: np.abs(np.abs(x)), (X,), ["absolute"]),
    "floor twice": (lambda x: np.floor(np.floor(x)), (X,), ["floor"]),
    "minus twice": (lambda x: np.negative(-x), (X,), []),
    "reciprocal twice stays, since it rounds": (lambda x: 1 / (1 / x), (X,), ["reciprocal", "reciprocal"]),
    "cos of minus": (lambda x: np.cos(-x), (X,), ["cos"]),
    "square of abs": (lambda x: np.square(np.abs(x)), (X,), ["square"]),
    "log of exp": (lambda x: np.log(np.exp(x)), (X,), []),
    "exp of log stays, since log is not defined everywhere": (lambda x: np.exp(np.log(x)), (X,), ["log", "exp"]),
    "square of sqrt stays": (lambda x: np.square(np.sqrt(x)), (X,), ["sqrt", "square"]),
    "sin of arcsin stays": (lambda x: np.sin(np.arcsin(x)), (X,), ["arcsin", "sin"]),
    "x * x": (lambda x: x * x, (X,), ["square"]),
    "x ** 1": (lambda x: np.power(x, 1.0), (X,), []),
    "x ** 3": (lambda x: x**3, (X,), ["square", "multiply"]),
    "x ** 0.5 stays": (lambda x: x**0.5, (X,), ["power"]),
    "numbers merged": (lambda x: 2.0 * (x * 3.0), (X,), ["multiply"]),
    "numbers whose product overflows stay": (lambda x: 1e200 * (x * 1e200), (X,), ["multiply", "multiply"]),
    "numbers of a sum stay": (lambda x: (x + 1.0) + 2.0, (X,), ["add", "add"]),
    "numbers folded": (lambda x: x + np.exp(np.float64(0.0) * x[0].ndim), (X,), ["add"]),
    "-(x - y)": (lambda x: -(x - np.exp(x)), (X,), ["exp", "subtract"]),
    "(-x) * 2": (lambda x: (-x) * 2.0, (X,), ["multiply", "negative"]),
    "-1 * x": (lambda x: -1.0 * x, (X,), ["negative"]),
    "x + (-y)": (lambda x: np.exp(x) + (-x), (X,), ["exp", "subtract"]),
    "(-x) + y": (lambda x: (-x) + np.exp(x), (X,), ["exp", "subtract"]),
    "x - (-y)": (lambda x: np.exp(x) - (-x), (X,), ["exp", "add"]),
    "signs of a product": (lambda x: (-np.exp(x)) * (-x), (X,), ["exp", "multiply"]),
    "signs of a quotient": (lambda x: (-np.exp(x)) / (-x), (X,), ["exp", "divide"]),
    "sign of a sum": (lambda x: -np.sum(-x), (X,), ["sum"]),
    "sign of a transposed": (lambda m: -np.transpose(-m), (M,), ["transpose"]),
    "signs of a matrix product": (lambda m: np.matmul(-m, -np.transpose(m)), (M,), ["transpose", "matmul"]),
    "sign around a matrix product": (lambda m: -np.matmul(-m, m.T), (M,), ["transpose", "matmul"]),
    "where alike": (lambda x: np.where(x > 0.0, x, x), (X,), []),
    "where again": (
        lambda x: np.where(x > 0.0, np.where(x > 0.0, x, 2.0), 3.0),
        (X,),
        ["greater", "where"],
    ),
    "where not": (lambda x: np.where(np.logical_not(x > 0.0), x, 1.0), (X,), ["greater", "where"]),
    "reshape to the same": (lambda m: np.reshape(np.reshape(m, (6,)), (2, 3)), (M,), []),
    "reshape twice": (lambda m: np.reshape(np.reshape(m, (6,)), (3, 2)), (M,), ["reshape"]),
    "sum put back": (lambda m: np.reshape(np.sum(m, axis=1), (2, 1)), (M,), ["sum"]),
    "max taken off": (lambda m: np.reshape(np.max(m, axis=1, keepdims=True), (2,)), (M,), ["max"]),
    "transpose twice": (lambda m: m.T.T, (M,), []),
    "broadcast twice": (
        lambda x: np.broadcast_to(np.broadcast_to(x, (2, 3)), (4, 2, 3)),
        (X,),
        ["broadcast_to"],
    ),
    "broadcast inside": (lambda x: np.broadcast_to(x, (2, 3)) * 2.0, (X,), ["multiply", "broadcast_to"]),
    "broadcast to what is there": (lambda x, m: np.broadcast_to(x, (2, 3)) * m, (X, M), ["multiply"]),
    "sum of one": (lambda m: np.sum(np.reshape(m, (6, 1)), axis=1), (M,), ["reshape"]),
    "sum over no axes": (lambda m: np.sum(m, axis=()), (M,), []),
    "convert and back": (lambda x: x.astype(np.float32).astype(np.float64), (X.astype(np.float32),), ["convert"]),
    "narrow and wide again stays": (lambda x: x.astype(np.float32).astype(np.float64), (X,), ["convert", "convert"]),
    "stop_gradient": (lambda x: tidu.stop_gradient(x), (X,), []),
    "one common part": (lambda x: np.exp(x) * (np.exp(x) + 2.0), (X,), ["exp", "add", "multiply"]),
    "common in the other order": (
        lambda x: (x * np.exp(x)) + np.cos(np.exp(x) * x),
        (X,),
        ["exp", "multiply", "cos", "add"],
    ),
}


@pytest.mark.parametrize("what", RULES)
def test_a_rule_makes_what_it_says(what: str) -> None:
    function, inputs, expected = RULES[what]
    assert names(simple(function, *inputs)) == expected


@pytest.mark.parametrize("what", [what for what in RULES if what != "log of exp"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_rule_keeps_values_at_the_extremes(what: str, dtype: str) -> None:
    function, inputs, _ = RULES[what]
    with np.errstate(over="ignore"):
        graph = graph_of(function, *[np.asarray(x, dtype) for x in inputs])
    for start in range(len(EXTREME)):
        with np.errstate(over="ignore"):
            given_values = [np.resize(np.roll(EXTREME, start), np.shape(x)).astype(dtype) for x in inputs]
        assert_same_values(graph, *given_values)


def test_rules_speak_of_primitives_that_exist() -> None:
    for rule in (*STABLE, *SOFTMAX, *rewrites.RULES):
        assert find(rule.of)
        assert rule.on in ("", "literal") or find(rule.on)


def test_log_of_exp_is_the_argument_where_numpy_overflows() -> None:
    np.testing.assert_array_equal(values(simple(lambda x: np.log(np.exp(x)), EXTREME), EXTREME)[0], EXTREME)


def test_a_sum_of_one_number_is_a_number() -> None:
    graph = simple(lambda x: np.sum(np.broadcast_to(np.float32(2.5) * np.ones_like(x), (4, 3))), X)
    assert values(graph, X)[0] == 30.0
    graph = parse_graph("""graph f(x: float32[3]) {
      0 = literal(2.5) : float32[]
      1 = broadcast_to(0) {shape=(4, 3)} : float32[4,3]
      2 = sum(1) {axis=(1,), keepdims=False} : float32[4]
      3 = max(1) {axis=(0, 1), keepdims=False} : float32[]
      return 2, 3
    }""")
    found = assert_same_values(graph, X.astype(np.float32))
    assert names(found) == ["broadcast_to"]
    assert isinstance(found.outputs[1].op, Literal)


def test_movement_and_choice_of_known_numbers_are_numbers() -> None:
    graph = parse_graph("""graph f(x: float32[3]; c: bool[1,3]) {
      0 = literal(2.5) : float32[]
      1 = broadcast_to(0) {shape=(4, 3)} : float32[4,3]
      2 = transpose(1) {axes=(1, 0)} : float32[3,4]
      3 = slice(2) {start=(0, 1), size=(2, 2), step=(1, 2)} : float32[2,2]
      4 = literal(True) : bool[]
      5 = where(4, x, 0) : float32[3]
      6 = broadcast_to(x) {shape=(4, 3)} : float32[4,3]
      7 = convert(6) {dtype='float64'} : float64[4,3]
      8 = convert(7) {dtype='float32'} : float32[4,3]
      9 = broadcast_to(4) {shape=(2, 3)} : bool[2,3]
      10 = all(9) {axis=(0, 1), keepdims=False} : bool[]
      11 = any(9) {axis=(1,), keepdims=False} : bool[2]
      12 = min(3) {axis=(0,), keepdims=True} : float32[1,2]
      13 = all(c) {axis=(0,), keepdims=False} : bool[3]
      14 = any(c) {axis=(0,), keepdims=True} : bool[1,3]
      15 = convert(x) {dtype='float64'} : float64[3]
      16 = convert(15) {dtype='float32'} : float32[3]
      return 3, 5, 7, 8, 10, 11, 12, 13, 14, 16
    }""")
    found = assert_same_values(graph, X.astype(np.float32), np.array([[True, False, True]]))
    assert set(names(found)) == {"broadcast_to", "convert", "reshape"}
    assert names(found).count("convert") == 1


def test_no_rule_looks_into_integers() -> None:
    graph = graph_of(lambda i: (-i * -1 + 0, i // 2 * 1, i * i, (-i) - (-i)), np.array([3, -4]))
    assert_same_values(graph, np.array([3, -4]))
    unsigned = graph_of(lambda i: (-i) / (i + i), np.array([3, 200], np.uint8))
    assert_same_values(unsigned, np.array([3, 200], np.uint8))


def test_mixed_dtypes_keep_theirs() -> None:
    x, y = X.astype(np.float32), X
    graph = graph_of(lambda x, y: (x * np.float64(1.0), -x + y, (-x) * y, x - np.float64(0.0), x * x * y), x, y)
    assert_same_values(graph, x, y)


def test_a_python_number_stays_one_and_gives_way_to_nobody() -> None:
    traced = trace(lambda x, y: (x * 1.0, np.negative(np.negative(x)) * y, np.negative(-x)), [2.5, X], eager=False)
    assert_same_values(traced.graph, 2.5, X)
    y = X.astype(np.float32)
    traced = trace(lambda x, y: np.negative(np.negative(x)) * y, [2.1, y], eager=False)
    assert_same_values(traced.graph, 2.1, y)


def test_zeros_of_both_signs_are_two_numbers() -> None:
    graph = simple(lambda x: (np.copysign(x, 0.0), np.copysign(x, -0.0)), X)
    assert names(graph) == ["copysign", "copysign"]


def test_dead_nodes_go_and_inputs_stay_in_order() -> None:
    graph = simple(lambda x, unused, y: y * 2.0 + 0.0 * np.float64(3.0), X, M, X)
    assert [node.op.name for node in graph.inputs] == ["x", "unused", "y"]
    assert names(graph) == ["multiply"]


def test_what_a_new_node_replaces_gives_it_its_line() -> None:
    graph = simple(lambda x: np.exp(-(x - np.cos(x))) / 3.0, X)
    for node in graph.nodes:
        if isinstance(node.op, Operation):
            assert node.source is not None
            assert node.source.place.file == __file__


def test_a_seed_that_numpy_repeats_is_one_number() -> None:
    traced = trace(tidu.grad(lambda x, y: np.sum(x * y)), [X, M], eager=False)
    found = simplify(traced.graph, traced.captures)
    verify(found)
    assert found.inputs == traced.graph.inputs
    assert names(found) == ["sum"]
    (got,) = values(found, X, M, *traced.captures)
    np.testing.assert_array_equal(got, M.sum(axis=0))


def test_captured_arrays_may_still_change() -> None:
    mine = np.ones(3)
    of_mine = np.broadcast_to(mine[:1], (3,))
    of_a_number = np.broadcast_to(np.array(1.0), (3,))
    for captured in (mine, of_mine, of_a_number, np.array(1.0), np.zeros((0, 3))):
        traced = trace(lambda x, w=captured: x[:0] + w[..., :0] if w.size == 0 else x * w, [X], eager=False)
        assert len(traced.captures) == 1
        assert str(simplify(traced.graph, traced.captures)) == str(simplify(traced.graph))


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", ">f8"])
@pytest.mark.parametrize(
    "function",
    [
        lambda c: np.exp(c) / np.sum(np.exp(c)),
        lambda c: np.log(1.0 + np.exp(c)),
        lambda c: np.log(np.sum(np.exp(c))),
        lambda c: np.log1p(np.exp(c)),
    ],
)
def test_stable_forms_compute_integers_as_the_float_that_numpy_makes_of_them(function: object, dtype: str) -> None:
    c = np.array([0, 1, 1, 0], dtype)
    graph = graph_of(function, c)  # type: ignore[arg-type]
    (got,), (want,) = interpret(simplify(graph), [c]), interpret(graph, [c])
    assert np.asarray(got).dtype == np.asarray(want).dtype
    np.testing.assert_allclose(got, want, rtol=1e-2 if np.asarray(want).dtype.itemsize < 4 else 1e-6)


def test_a_planted_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Rule("x - y = y - x", "subtract", "exp", lambda b, n: b.apply("add", *n.operands))
    graph = graph_of(lambda x: np.exp(x) - x, X)
    assert_same_values(graph, X)
    monkeypatch.setattr(module, "RULES", (wrong, *rewrites.RULES))
    rules_of.cache_clear()
    try:
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            assert_same_values(graph, X)
    finally:
        rules_of.cache_clear()


def test_a_rule_of_another_shape_is_our_own_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Rule("sum is nothing", "sum", "", lambda b, n: n.operands[0])
    monkeypatch.setattr(module, "STABLE", (wrong,))
    rules_of.cache_clear()
    try:
        with pytest.raises(AssertionError):
            simplify(graph_of(lambda x: np.sum(x), X))
    finally:
        rules_of.cache_clear()


def test_a_chain_of_any_length_needs_no_recursion() -> None:
    x = Node(Input("x"), (), Spec((3,), np.dtype("float64")))
    node = x
    for i in range(50_000):
        op = Operation(find("negative" if i % 2 else "sin"), {})
        node = Node(op, (node,), x.spec)
    found = simplify(Graph((x,), (node,)))
    assert len(found.nodes) == 50_001
    deep = x
    for _ in range(50_000):
        deep = Node(Operation(find("negative"), {}), (deep,), x.spec)
    assert simplify(Graph((x,), (deep,))).outputs == (x,)
