"""What has no native code is named with the reason, and never run in silence."""

from __future__ import annotations

import numpy as np
import pytest
from tests.compile.comparing import graph_of

from tidu.compile import lower, native_function, supports
from tidu.compile.support import TEMPLATES
from tidu.core.bind import apply
from tidu.core.emit import Template
from tidu.core.graph import Graph, Input, Node, Operation
from tidu.core.primitive import InterpretedOnly, find, registered
from tidu.core.spec import Spec
from tidu.errors import UnsupportedError


def test_floats_are_supported() -> None:
    assert supports(graph_of(lambda x: np.exp(x) + x, np.ones((2, 3), np.float32))) is None


def test_an_integer_is_refused_by_the_operation_that_wants_it() -> None:
    reason = supports(graph_of(lambda x: x + 1, np.arange(3)))
    assert reason is not None
    assert reason.startswith("add (")
    assert "lambda x: x + 1" in reason
    assert reason.endswith("not of int64")


def test_a_primitive_that_is_only_interpreted_is_named_with_its_reason() -> None:
    primitive = next(p for p in registered() if isinstance(p.emit, InterpretedOnly))
    x = Node(Input("x"), (), Spec((3,), np.dtype("float64")))
    y = Node(Operation(primitive, {}), (x,), x.spec)
    assert supports(Graph((x,), (y,))) == f"{primitive.name}: {primitive.emit.reason}"


def test_every_name_that_lowering_knows_is_registered() -> None:
    assert {p.emit.name for p in registered() if isinstance(p.emit, Template)} == TEMPLATES


def test_lowering_refuses_what_is_not_supported() -> None:
    graph = graph_of(lambda x: x + 1, np.arange(3))
    with pytest.raises(UnsupportedError) as refused:
        lower(graph)
    assert refused.value.facts["reason"] == supports(graph)
    with pytest.raises(UnsupportedError):
        native_function(graph)


def test_a_product_of_truth_values_is_refused() -> None:
    x = np.ones((2, 2), bool)
    reason = supports(graph_of(lambda x: apply(find("matmul"), x, x), x))
    assert reason is not None
    assert reason.endswith("a product of truth values has no loops")


def test_an_integer_result_without_computation_is_refused() -> None:
    assert supports(graph_of(lambda x: 3, np.ones(2))) is not None
    assert supports(graph_of(lambda x: x, np.arange(2))) is not None
