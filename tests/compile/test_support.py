"""What has no native code is named with the reason, and never run in silence."""

from __future__ import annotations

import numpy as np
import pytest
from tests.compile.comparing import graph_of

from tidu.compile import native_function, supports
from tidu.compile.lower import lower
from tidu.compile.support import TEMPLATES
from tidu.core.bind import apply
from tidu.core.emit import Template
from tidu.core.graph import Graph, Input, Node, Operation
from tidu.core.primitive import InterpretedOnly, find, registered
from tidu.core.spec import Spec
from tidu.errors import UnsupportedError


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "int8", "uint8", "bool"])
def test_numbers_and_truth_values_are_supported(dtype: str) -> None:
    x = np.ones((2, 3), dtype)
    assert supports(graph_of(lambda x: np.where(x > x[0], x, x[::-1]), x)) is None


@pytest.mark.parametrize("dtype", ["float16", "complex128", ">f8"])
def test_other_dtypes_are_refused_by_the_operation_that_wants_them(dtype: str) -> None:
    x = Node(Input("x"), (), Spec((3,), np.dtype(dtype)))
    y = Node(Operation(find("negative"), {}), (x,), x.spec)
    reason = supports(Graph((x,), (y,)))
    assert reason is not None
    assert reason.startswith("negative: native code is of ")
    assert reason.endswith(f"not of {np.dtype(dtype)}")
    assert supports(Graph((x,), (x,))) is not None


def test_the_users_line_is_named() -> None:
    reason = supports(graph_of(lambda x: np.sort(x + 1.0), np.arange(3.0)))
    assert reason is not None
    assert "lambda x: np.sort(x + 1.0)" in reason


def test_a_primitive_that_is_only_interpreted_is_named_with_its_reason() -> None:
    primitive = next(p for p in registered() if isinstance(p.emit, InterpretedOnly))
    x = Node(Input("x"), (), Spec((3,), np.dtype("float64")))
    y = Node(Operation(primitive, {}), (x,), x.spec)
    assert supports(Graph((x,), (y,))) == f"{primitive.name}: {primitive.emit.reason}"


def test_every_name_that_lowering_knows_is_registered() -> None:
    assert {p.emit.name for p in registered() if isinstance(p.emit, Template)} == TEMPLATES


def test_lowering_refuses_what_is_not_supported() -> None:
    graph = graph_of(lambda x: np.sort(x), np.arange(3.0))
    with pytest.raises(UnsupportedError) as refused:
        lower(graph)
    assert refused.value.facts["reason"] == supports(graph)
    with pytest.raises(UnsupportedError):
        native_function(graph)


@pytest.mark.parametrize("dtype", ["int64", "bool"])
def test_a_product_of_other_than_floats_is_refused(dtype: str) -> None:
    x = np.ones((2, 2), dtype)
    reason = supports(graph_of(lambda x: apply(find("matmul"), x, x), x))
    assert reason is not None
    assert reason.endswith(f"a product of {dtype} has no loops")


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: np.max(x), "-inf is no int64"),
        (lambda x: np.floor_divide(x, x), "int64 has no fmod in native code"),
        (lambda x: x / x, ""),
    ],
)
def test_integers_are_refused_where_the_code_is_of_floats(function: object, why: str) -> None:
    assert (supports(graph_of(function, np.arange(1, 4))) or "").rpartition(": ")[2] == why
