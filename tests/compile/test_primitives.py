"""Every primitive with native code gives what its NumPy meaning gives."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from tests.compile.comparing import assert_same, both, both_of, graph_of

import tidu
from tidu.compile import native_function, supports
from tidu.core.bind import apply
from tidu.core.emit import Fold
from tidu.core.kinds import Elementwise
from tidu.core.primitive import InterpretedOnly, Primitive, find, registered
from tidu.interpret import interpret

DTYPES = ("float32", "float64")
ALL = [pytest.param(p, id=p.name) for p in registered()]
SCALAR = [
    pytest.param(p, id=p.name)
    for p in registered()
    if isinstance(p.kind, Elementwise) and not isinstance(p.emit, InterpretedOnly)
]


def draws(primitive: Primitive, shapes: tuple[tuple[int, ...], ...], dtype: str) -> list[np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(primitive.name.encode()))
    intervals = [primitive.samples[min(i, len(primitive.samples) - 1)] for i in range(len(shapes))]
    return [rng.uniform(x.low, x.high, shape).astype(dtype) for x, shape in zip(intervals, shapes, strict=True)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("primitive", SCALAR)
def test_native_scalar_code_agrees_at_samples_and_edges(primitive: Primitive, dtype: str) -> None:
    samples = draws(primitive, ((200,),) * len(primitive.samples), dtype)
    edges = [np.array(column, dtype) for column in zip(*primitive.edges, strict=True)]
    inputs = [np.concatenate(column) for column in zip(samples, edges, strict=True)]
    one_of_two = primitive.laws.idempotent and len(primitive.samples) == 2
    assert_same(*both_of(primitive, inputs), signed_zeros=not one_of_two)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("primitive", ALL)
def test_every_example_agrees_or_is_refused_with_a_reason(primitive: Primitive, dtype: str) -> None:
    cases = []
    for example in primitive.kind.examples(primitive):
        inputs = draws(primitive, example.shapes, dtype)
        for position, bound in example.integers.items():
            inputs[position] = np.random.default_rng(0).integers(bound, size=example.shapes[position])
        reason = supports(graph_of(lambda *xs, example=example: apply(primitive, *xs, **example.params), *inputs))
        if reason is None:
            cases.append((example, inputs))
        else:
            assert reason.startswith(primitive.name)

    def together(*groups: list[object]) -> list[object]:
        """Apply it to all examples in one graph: compiled once, and the buffers of one beside the others'."""
        return [apply(primitive, *xs, **example.params) for (example, _), xs in zip(cases, groups, strict=True)]

    graph = graph_of(together, *[inputs for _, inputs in cases])
    found, expected = both(graph, [x for _, inputs in cases for x in inputs], vectorize=False)
    for native, value in zip(found, expected, strict=True):
        # A sum of n terms may differ by its order; every term is at most `scale`.
        many = not isinstance(primitive.kind, Elementwise)
        assert_same(native, value, 40 if many else 4, scale=1.0 if many else 0.0)


def test_scalar_code_is_never_refused_for_floats() -> None:
    for parameter in SCALAR:
        (primitive,) = parameter.values
        graph = graph_of(
            lambda *xs, p=primitive: apply(p, *xs), *draws(primitive, ((2,),) * len(primitive.samples), "float32")
        )
        assert supports(graph) is None


def test_a_planted_wrong_emit_is_caught() -> None:
    wrong = replace(find("add"), name="wrong_add", emit=lambda b, x, y: b.sub(x, y))
    with pytest.raises(AssertionError):
        test_native_scalar_code_agrees_at_samples_and_edges(wrong, "float64")


def test_a_planted_swallowed_nan_is_caught() -> None:
    wrong = replace(find("maximum"), emit=lambda b, x, y: b.call("fmax", x, y))
    with pytest.raises(AssertionError):
        test_native_scalar_code_agrees_at_samples_and_edges(wrong, "float32")


def test_a_planted_wrong_fold_is_caught() -> None:
    rule = find("sum").emit
    assert isinstance(rule, Fold)
    wrong = replace(find("sum"), emit=replace(rule, start=1.0))
    with pytest.raises(AssertionError, match="ulp"):
        test_every_example_agrees_or_is_refused_with_a_reason(wrong, "float64")


def test_truth_values_are_operands_and_results() -> None:
    x, y = np.array([1.0, np.nan, -0.0, 3.0]), np.array([0.5, 1.0, 0.0, 3.0])
    graph = graph_of(lambda x, y: (x > y, tidu.ops.compare.where(x > y, x, y), (x > y) + (x == y)), x, y)
    found = native_function(graph)([x, y])
    for native, expected in zip(found, interpret(graph, [x, y]), strict=True):
        assert_same(native, np.asarray(expected))


def test_any_byte_but_zero_is_true() -> None:
    condition = np.array([0, 1, 2, 255], np.uint8).view(bool)
    graph = graph_of(lambda c, x: tidu.ops.compare.where(c, x, 0.0), condition, np.ones(4))
    np.testing.assert_array_equal(native_function(graph)([condition, np.ones(4)])[0], [0.0, 1.0, 1.0, 1.0])


def test_zero_and_minus_zero_are_different_constants() -> None:
    x = np.zeros(1)
    for zero in (0.0, -0.0):
        graph = graph_of(lambda x, zero=zero: x - zero if "subtract" in {p.name for p in registered()} else x * zero, x)
        assert_same(native_function(graph)([x])[0], np.asarray(interpret(graph, [x])[0]))
