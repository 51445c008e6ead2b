"""Every primitive with native code gives what its NumPy meaning gives."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from tests.compile.comparing import PROCESSORS, assert_same, both, both_of, compiled, general, graph_of, interpreted
from tests.compile.examples import DTYPES, ELEMENTWISE, NATIVE, at_edges, cases_of, draws, together

import tidu
from tidu.compile import supports
from tidu.core.bind import apply
from tidu.core.emit import Fold
from tidu.core.graph import Graph
from tidu.core.kinds import Elementwise
from tidu.core.primitive import Primitive, find, registered

ALL = [pytest.param(p, id=p.name) for p in registered()]
SCALAR = [pytest.param(p, id=p.name) for p in ELEMENTWISE]


TERMS = {"logaddexp": 1.0}
"""Of what adds terms that cancel, here the larger operand and a logarithm: how large they are about there."""


def is_one_of_two(primitive: Primitive) -> bool:
    """Tell whether the result is one of two operands: which of 0.0 and -0.0, equal as they are, is not defined."""
    return primitive.laws.idempotent and len(primitive.samples) == 2


def assert_same_values(primitive: Primitive, native: np.ndarray, expected: np.ndarray) -> None:
    scale = TERMS.get(primitive.name, 0.0)
    assert_same(native, expected, scale=scale, signed_zeros=not is_one_of_two(primitive))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("primitive", SCALAR)
def test_native_scalar_code_agrees_at_samples_and_edges(primitive: Primitive, dtype: str) -> None:
    assert_same_values(primitive, *both_of(primitive, at_edges(primitive, dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("primitive", ALL)
def test_every_example_agrees_or_is_refused_with_a_reason(primitive: Primitive, dtype: str) -> None:
    cases = cases_of(primitive, dtype)
    for reason in filter(None, (supports(case.graph()) for case in cases)):
        assert reason.startswith(primitive.name)
    graph, inputs = together(cases)
    for native, value in zip(*both(graph, inputs), strict=True):
        # A sum of n terms may differ by its order; every term is at most `scale`.
        many = not isinstance(primitive.kind, Elementwise)
        assert_same(native, value, 40 if many else 4, scale=1.0 if many else 0.0)


def everything(dtype: str) -> tuple[Graph, list[np.ndarray], list[Primitive]]:
    """Return one graph of all elementwise primitives, at as many places as end in a tail, and of the others."""
    groups = [at_edges(p, dtype, 45) for p in ELEMENTWISE]
    graph = graph_of(lambda *xs: [apply(p, *x) for p, x in zip(ELEMENTWISE, xs, strict=True)], *groups)
    return graph, [x for group in groups for x in group], ELEMENTWISE


@pytest.mark.parametrize(("how", "n_threads"), [("host", 3), ("32 bytes", 2), ("16 bytes", 1), ("baseline", 4)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_all_of_them_agree_on_every_processor_and_with_threads(dtype: str, how: str, n_threads: int) -> None:
    settings = general(n_threads=n_threads, processor=PROCESSORS[how]())
    graph, inputs, primitives = everything(dtype)
    for native, value, primitive in zip(*both(graph, inputs, settings), primitives, strict=True):
        try:
            assert_same_values(primitive, native, value)
        except AssertionError as error:
            raise AssertionError(primitive.name) from error
    others = [case for p in NATIVE if p not in ELEMENTWISE for case in cases_of(p, dtype)]
    graph, inputs = together(others)
    for native, value in zip(*both(graph, inputs, settings), strict=True):
        assert_same(native, value, 40, scale=1.0)


LENGTHS = (1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 65, 100)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_rows_of_any_length_are_mapped_folded_and_turned(dtype: str) -> None:
    inputs = [np.random.default_rng(n).integers(0, 3, (3, n)).astype(dtype) for n in LENGTHS]

    def function(*arrays: np.ndarray) -> list[object]:
        made: list[object] = []
        for x in arrays:
            made += [np.where(x > x[:1], x, x[::-1]), np.transpose(x)[::-1], np.concatenate([x, x[:, ::2]], axis=1)]
            made += [np.sum(x, axis=1), np.sum(x, axis=0), np.sum(x)]
        return made

    graph = graph_of(function, *inputs)
    for n_threads in (1, 2):
        for native, value in zip(*both(graph, inputs, general(n_threads=n_threads)), strict=True):
            assert_same(native, value)


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_of_odd_shapes_agree(dtype: str) -> None:
    rng = np.random.default_rng(0)
    shapes = [*product((1, 5, 17), (1, 3, 33), (1, 4, 31)), (0, 3, 2), (2, 0, 3), (2, 3, 0)]
    pairs = [(rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)) for m, k, n in shapes]
    graph = graph_of(lambda *xs: [a @ b for a, b in xs] + [b.T @ a.T for a, b in xs], *pairs)
    inputs = [x for pair in pairs for x in pair]
    terms = interpreted(graph, [np.abs(x) for x in inputs])
    for native, value, scale in zip(*both(graph, inputs, general(n_threads=2)), terms, strict=True):
        # Relative to the sum of the absolute terms: 33 additions and products, each rounded once.
        limit = 1e-12 if dtype == "float64" else 34 * np.finfo(dtype).eps
        assert np.all(np.abs(native.astype(np.float64) - value) <= limit * scale)


@pytest.mark.parametrize("dtype", DTYPES)
def test_long_sums_agree(dtype: str) -> None:
    x = np.random.default_rng(0).normal(size=1_000_000).astype(dtype)
    graph = graph_of(lambda x: (np.sum(x), np.sum(x.reshape(100, -1), axis=1), np.mean(x)), x)
    limit = 1e-12 if dtype == "float64" else 16 * np.finfo(dtype).eps
    terms = interpreted(graph, [np.abs(x)])
    for native, value, scale in zip(*both(graph, [x], general(2)), terms, strict=True):
        assert np.all(np.abs(native.astype(np.float64) - value) <= limit * scale)


def test_scalar_code_is_never_refused_for_floats() -> None:
    for primitive in ELEMENTWISE:
        inputs = draws(primitive, ((2,),) * len(primitive.samples), "float32")
        assert supports(graph_of(lambda *xs, p=primitive: apply(p, *xs), *inputs)) is None


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
    for native, expected in zip(*both(graph, [x, y]), strict=True):
        assert_same(native, expected)


def test_any_byte_but_zero_is_true() -> None:
    condition = np.array([0, 1, 2, 255], np.uint8).view(bool)
    graph = graph_of(lambda c, x: tidu.ops.compare.where(c, x, 0.0), condition, np.ones(4))
    np.testing.assert_array_equal(compiled(graph)([condition, np.ones(4)])[0], [0.0, 1.0, 1.0, 1.0])


def test_zero_and_minus_zero_are_different_constants() -> None:
    x = np.zeros(1)
    for zero in (0.0, -0.0):
        (native,), (expected,) = both(graph_of(lambda x, zero=zero: x - zero, x), [x])
        assert_same(native, expected)
