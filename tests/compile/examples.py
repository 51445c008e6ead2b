"""Operands of every primitive, as many as its kind has examples."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from tests.compile.comparing import graph_of

from tidu.compile import supports
from tidu.core.bind import apply
from tidu.core.graph import Graph
from tidu.core.kinds import Elementwise
from tidu.core.primitive import Example, InterpretedOnly, Primitive, registered

DTYPES = ("float32", "float64")
NATIVE = [p for p in registered() if not isinstance(p.emit, InterpretedOnly)]
ELEMENTWISE = [p for p in NATIVE if isinstance(p.kind, Elementwise)]


def draws(primitive: Primitive, shapes: tuple[tuple[int, ...], ...], dtype: str) -> list[np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(primitive.name.encode()))
    intervals = [primitive.samples[min(i, len(primitive.samples) - 1)] for i in range(len(shapes))]
    return [
        np.asarray(rng.uniform(x.low, x.high, shape)).astype(dtype) for x, shape in zip(intervals, shapes, strict=True)
    ]


def at_edges(primitive: Primitive, dtype: str, n: int = 200) -> list[np.ndarray]:
    """Return a row of operands each: `n` where the primitive is smooth, and then its edges."""
    samples = draws(primitive, ((n,),) * len(primitive.samples), dtype)
    edges = [np.array(column, dtype) for column in zip(*primitive.edges, strict=True)]
    return [np.concatenate(column) for column in zip(samples, edges, strict=True)]


@dataclass(frozen=True)
class Case:
    """A primitive at one example."""

    primitive: Primitive
    example: Example
    inputs: list[np.ndarray]

    def graph(self) -> Graph:
        return graph_of(lambda *xs: apply(self.primitive, *xs, **self.example.params), *self.inputs)


def cases_of(primitive: Primitive, dtype: str) -> list[Case]:
    """Return all examples."""
    cases = []
    for example in primitive.kind.examples(primitive):
        inputs = draws(primitive, example.shapes, dtype)
        for position, bound in example.integers.items():
            inputs[position] = np.asarray(np.random.default_rng(0).integers(bound, size=example.shapes[position]))
        cases.append(Case(primitive, example, inputs))
    return cases


def together(cases: list[Case]) -> tuple[Graph, list[np.ndarray]]:
    """Return all cases with native code as one graph, which is compiled once, and its inputs."""
    given = [case for case in cases if supports(case.graph()) is None]

    def all_of_them(*groups: list[object]) -> list[object]:
        return [apply(c.primitive, *xs, **c.example.params) for c, xs in zip(given, groups, strict=True)]

    return graph_of(all_of_them, *[c.inputs for c in given]), [x for c in given for x in c.inputs]
