"""Programs made at random, their gradients, and every primitive alone keep their values when simplified."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import example as also
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compile.test_simplify import assert_same_values, values

import tidu
from tidu.compile.simplify import simplify
from tidu.core.graph import Graph, Input, Node, Operation
from tidu.core.primitive import registered
from tidu.core.spec import Spec
from tidu.interpret import run_node
from tidu.trace.function import trace


def tame(x: np.ndarray) -> np.ndarray:
    """Keep values within [-1, 1], so that errors are not blown up from step to step."""
    return x / (x * x + 1.0)


def fitting(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return y if x.shape == y.shape else np.sum(y)


STEPS: list[Callable[[np.ndarray, np.ndarray], object]] = [
    lambda x, y: -x,
    lambda x, y: np.exp(x),
    lambda x, y: 1.0 / (1.0 + np.exp(-x)),
    lambda x, y: np.log(1.0 + np.exp(x)),
    lambda x, y: np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True) if x.ndim and x.size else x,
    lambda x, y: np.log(np.exp(x) / np.sum(np.exp(x))) if x.size else x,
    lambda x, y: x - np.max(x, axis=-1, keepdims=True) if x.ndim and x.size else x,
    lambda x, y: tidu.nn.softmax(x) if x.ndim and x.size else x,
    lambda x, y: np.transpose(x),
    lambda x, y: np.reshape(x, -1),
    lambda x, y: np.sum(x, axis=-1) if x.ndim else x,
    lambda x, y: np.sum(x, axis=0, keepdims=True) if x.ndim else x,
    lambda x, y: np.broadcast_to(x, (2, *x.shape)) if x.ndim < 3 else x,
    lambda x, y: np.maximum(x, 0.25),
    lambda x, y: x * 0.5 / 4.0,
    lambda x, y: x**3,
    lambda x, y: x * np.ones_like(x) + np.zeros(x.shape, x.dtype),
    lambda x, y: x - fitting(x, y),
    lambda x, y: fitting(x, y) - -x,
    lambda x, y: x * fitting(x, y),
    lambda x, y: -x * -fitting(x, y) / 3.0,
    lambda x, y: np.where(x > fitting(x, y), x, 0.5),
    lambda x, y: np.matmul(-x, np.swapaxes(x, -1, -2)) if x.ndim > 1 else x,
]

Program = Sequence[tuple[int, int, int]]
programs = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=10
)
shapes = st.lists(st.lists(st.integers(0, 4), max_size=3).map(tuple), min_size=2, max_size=2)


def run_program(program: Program, *inputs: np.ndarray) -> list[np.ndarray]:
    found = list(inputs)
    for operation, i, j in program:
        found.append(tame(STEPS[operation](found[i % len(found)], found[j % len(found)])))
    return found[len(inputs) :]


def total(program: Program) -> Callable[..., object]:
    def loss(*inputs: np.ndarray) -> object:
        return sum(np.sum(x) for x in run_program(program, *inputs))

    return tidu.value_and_grad(loss, argnums=(0, 1))


@settings(max_examples=120, deadline=None)
@given(programs, shapes, st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1))
def test_programs_keep_their_values(program: Program, shape: list, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = [rng.uniform(-1, 1, s).astype(dtype) for s in shape]
    traced = trace(lambda *xs: run_program(program, *xs), inputs, eager=False)
    assert_same_values(traced.graph, *inputs, *traced.captures, scale=100.0)


@settings(max_examples=80, deadline=None)
@given(programs, shapes, st.integers(0, 2**32 - 1))
def test_gradients_keep_their_values(program: Program, shape: list, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = [rng.uniform(-1, 1, s) for s in shape]
    traced = trace(total(program), inputs, eager=False)
    found = assert_same_values(traced.graph, *inputs, *traced.captures, scale=1000.0)
    assert len(found.nodes) <= len(traced.graph.nodes) + 8  # a shifted softmax has three nodes more


def resting_on_nothing(graph: Graph, inputs: Sequence[object]) -> set[Node]:
    """Return the nodes computed from a NaN that arose of numbers, such as inf / inf: a choice may hide it again."""
    found: set[Node] = set()
    known: dict[Node, object] = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        if node in known:
            continue
        operands = [known[operand] for operand in node.operands]
        with np.errstate(all="ignore"):
            known[node] = run_node(node, operands)
            of_numbers = run_node(node, [np.where(np.isnan(x), 0.5, x).astype(np.asarray(x).dtype) for x in operands])
        if np.isnan(of_numbers).any() or not found.isdisjoint(node.operands):
            found.add(node)
    return found


edges = st.sampled_from([1e4, -1e4, np.inf, -np.inf, np.nan, 0.0, -0.0, 0.5, -0.5])


@settings(max_examples=120, deadline=None)
@given(programs, shapes, st.lists(edges, min_size=4, max_size=4))
@also([(3, 0, 0), (21, 0, 2)], [(), ()], [1e4] * 4)  # log(1 + exp(x)) overflows, and where() hides that
def test_what_is_finite_without_simplifying_stays_what_it_is(program: Program, shape: list, drawn: list) -> None:
    inputs = [np.resize(np.array(drawn), s) for s in shape]
    traced = trace(lambda *xs: run_program(program, *xs), inputs, eager=False)
    given_values = [*inputs, *traced.captures]
    hidden = resting_on_nothing(traced.graph, given_values)
    both = zip(values(simplify(traced.graph), *given_values), values(traced.graph, *given_values), strict=True)
    for node, (got, want) in zip(traced.graph.outputs, both, strict=True):
        finite = np.isfinite(want) & (node not in hidden)
        np.testing.assert_allclose(got[finite], want[finite], rtol=0, atol=1e-10)


def test_every_primitive_alone_keeps_its_values() -> None:
    for primitive in registered():
        for example in primitive.kind.examples(primitive):
            if example.integers or primitive.kind.name in ("linear algebra", "random"):
                continue
            rng = np.random.default_rng(0)
            operands = [
                rng.uniform(interval.low, interval.high, shape)
                for interval, shape in zip(
                    [*primitive.samples, *primitive.samples[-1:] * 9], example.shapes, strict=False
                )
            ]
            inputs = tuple(Node(Input(f"x{i}"), (), Spec.of(x)) for i, x in enumerate(operands))
            spec = primitive.kind.spec(primitive, tuple(x.spec for x in inputs), example.params)
            graph = Graph(inputs, (Node(Operation(primitive, example.params), inputs, spec),))
            assert_same_values(graph, *operands)
